"""Objects in frames that nobody has labelled."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from napari_cellseg.config import PredictConfig
from napari_cellseg.data.stack import Stack, is_large
from napari_cellseg.errors import InputError
from napari_cellseg.learn import runtime
from napari_cellseg.learn.ahead import in_line
from napari_cellseg.learn.artist import Artist, Drawn
from napari_cellseg.learn.card import model_hash
from napari_cellseg.learn.certainty import only_certain
from napari_cellseg.learn.classes import decode_classes
from napari_cellseg.learn.events import FramePredicted, PredictSummary
from napari_cellseg.learn.movies import levels_of_stack
from napari_cellseg.learn.targets import decode
from napari_cellseg.learn.view import View
from napari_cellseg.progress import Clock, Note, Steps, follow

AHEAD = 3
"""So many frames are read before the network needs them, and so many wait for their objects to be found."""


def predict(
    stack: Stack,
    channel: int,
    model: Path,
    config: PredictConfig,
    frames: Sequence[int] | None = None,
    keep_probability: bool = True,
) -> Steps[PredictSummary]:
    """Find the objects in the frames of a stack.

    Parameters
    ----------
    stack : Stack
        The images, of one z plane.
    channel : int
        The channel to look at, from 0.
    model : Path
        Folder of the model.
    config : PredictConfig
        How the model is applied.
    frames : sequence of int, optional
        The frames, in the order in which they are wanted; all of them when not given.
    keep_probability : bool
        False leaves the probability out of the events.

    Yields
    ------
    Event
        `FramePredicted` and `Progress` per frame; `Note` when less memory has to do. Before the first frame,
        `Progress` while the grey levels of the movie are found, for models that want them.

    Returns
    -------
    PredictSummary
        What was done.

    Raises
    ------
    InputError
        The stack has no such frame or channel.
    ModelError
        The model cannot be used, or memory is not enough for it.
    SettingsError
        The device or the number format that was asked for is not there, or the diameter of objects is told
        to a model of classes.
    """
    wanted = list(range(stack.n_frames) if frames is None else frames)
    if is_large(stack.frame_shape):
        height, width = stack.frame_shape
        raise InputError(
            f"{stack.name} is {height} × {width} px, too large to be predicted as a whole",
            "",
            "napari-cellseg predict and batch go through it block by block",
        )
    check_asked(stack, channel, wanted)
    runtime.give_way()
    artist = Artist(stack, channel, model, config)
    clock, start, counts = Clock(len(wanted), "frames predicted"), time.perf_counter(), []
    artist.levels = yield from levels_of_stack(stack, channel, artist.trained.card, clock)
    find = partial(_found, config=config, keep_probability=keep_probability)
    with ThreadPoolExecutor(1) as reading, ThreadPoolExecutor(1) as finding:
        images = in_line(reading, partial(stack.frame, channel=channel), wanted, AHEAD)
        for event in in_line(finding, find, artist.draw(zip(wanted, images, strict=True)), AHEAD):
            yield event
            if isinstance(event, FramePredicted):
                counts.append(0 if artist.trained.card.net.classes else int(event.labels.max()))
                yield clock.at(len(counts))
    seconds, card = time.perf_counter() - start, artist.trained.card
    return PredictSummary(
        tuple(wanted), tuple(counts), card.name, model_hash(card), artist.plan.device.label, seconds
    )


def _found(drawn: Drawn[int] | Note, config: PredictConfig, keep_probability: bool) -> FramePredicted | Note:
    """Find the objects in what the network has drawn; notes are passed on."""
    if isinstance(drawn, Note):
        return drawn
    labels, probability = labels_of(drawn.maps, config, drawn.view)
    return FramePredicted(drawn.of, labels, probability if keep_probability else None)


def estimate_diameter(stack: Stack, channel: int, model: Path, config: PredictConfig) -> float:
    """Find the diameter of a typical object, as `predict` does where nobody gives it.

    Parameters
    ----------
    stack : Stack
        The images, of one z plane; a few of its frames are looked at.
    channel : int
        The channel to look at, from 0.
    model : Path
        Folder of the model.
    config : PredictConfig
        How the model is applied.

    Returns
    -------
    float
        In px of the frames.

    Raises
    ------
    InputError
        As `predict`.
    ModelError
        As `predict`.
    """
    check_asked(stack, channel, ())
    runtime.give_way()
    artist = Artist(stack, channel, model, config)
    artist.levels = follow(levels_of_stack(stack, channel, artist.trained.card, Clock(0, "")))
    return artist.view().diameter_px


def labels_of(
    maps: npt.NDArray[np.float32], config: PredictConfig, view: View
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float16]]:
    """Turn what a network has drawn into labels and a probability.

    Parameters
    ----------
    maps : ndarray
        Axes MYX, float32, as `model.draw_maps` gives them.
    config : PredictConfig
        Threshold, smallest object, and how sure the network must be of an object; not used with classes.
    view : View
        How the network looked at the frame: the diameter of a typical object, the number of classes, and how
        sure it must be where ``config`` leaves that open.

    Returns
    -------
    labels : ndarray
        Axes YX, int32: objects, or the class of each pixel.
    probability : ndarray
        Axes YX, float16, 0..1: how likely a pixel is part of an object, or no background.
    """
    if view.classes:
        labels, likely = decode_classes(maps)
        return labels, _halved(likely)
    probability = torch.from_numpy(maps[0]).sigmoid().numpy()
    labels = decode(probability, maps[1:3], config.threshold, config.min_diameter_px, view.diameter_px)
    least = view.certainty if config.min_certainty is None else config.min_certainty
    labels = only_certain(labels, probability, least)
    return labels, _halved(probability)


def _halved(probability: npt.NDArray[np.float32]) -> npt.NDArray[np.float16]:
    half: npt.NDArray[np.float16] = torch.from_numpy(probability).half().numpy()  # 100 times as fast
    return half


def check_asked(stack: Stack, channel: int, frames: Sequence[int]) -> None:
    """Make sure that what is asked of a stack is there.

    Parameters
    ----------
    stack : Stack
        The images.
    channel : int
        The channel, from 0.
    frames : sequence of int
        The frames, from 0.

    Raises
    ------
    InputError
        The stack has no such frame or channel.
    """
    if not 0 <= channel < len(stack.channels):
        named = ", ".join(f"{i} {name}" for i, name in enumerate(stack.channels))
        raise InputError(f"Channel {channel} was asked of {stack.name}", f"It has the channels {named}")
    beyond: list[Any] = [t for t in frames if not 0 <= t < stack.n_frames]
    if beyond:
        raise InputError(
            f"Frame {beyond[0]} was asked of {stack.name}", f"It has the frames 0 to {stack.n_frames - 1}"
        )
