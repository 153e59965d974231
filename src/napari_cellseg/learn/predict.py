"""Objects in frames that nobody has labelled."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from napari_cellseg.config import PredictConfig
from napari_cellseg.data.stack import Stack
from napari_cellseg.errors import InputError, ModelError, SettingsError
from napari_cellseg.learn import runtime
from napari_cellseg.learn.ahead import in_line
from napari_cellseg.learn.card import ModelCard, model_hash
from napari_cellseg.learn.certainty import only_certain
from napari_cellseg.learn.classes import decode_classes
from napari_cellseg.learn.events import FramePredicted, PredictSummary
from napari_cellseg.learn.model import TrainedModel, cached_model, draw_maps
from napari_cellseg.learn.movies import levels_of_stack
from napari_cellseg.learn.normalise import Levels
from napari_cellseg.learn.size import fitting_scale
from napari_cellseg.learn.targets import decode
from napari_cellseg.learn.view import View
from napari_cellseg.progress import Clock, Note, Steps, follow

_FRAMES_TO_MEASURE = 3
_TILES_AT_ONCE = {"cpu": 1, "cuda": 8, "mps": 4}
_AHEAD = 3
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
    _check(stack, channel, wanted)
    runtime.give_way()
    artist = _Artist(stack, channel, model, config)
    clock, start, counts = Clock(len(wanted), "frames predicted"), time.perf_counter(), []
    artist.levels = yield from levels_of_stack(stack, channel, artist.trained.card, clock)
    find = partial(_found, config=config, keep_probability=keep_probability)
    with ThreadPoolExecutor(1) as reading, ThreadPoolExecutor(1) as finding:
        images = in_line(reading, partial(stack.frame, channel=channel), wanted, _AHEAD)
        for event in in_line(finding, find, artist.draw(wanted, images), _AHEAD):
            yield event
            if isinstance(event, FramePredicted):
                counts.append(0 if artist.trained.card.net.classes else int(event.labels.max()))
                yield clock.at(len(counts))
    seconds, card = time.perf_counter() - start, artist.trained.card
    return PredictSummary(
        tuple(wanted), tuple(counts), card.name, model_hash(card), artist.plan.device.label, seconds
    )


@dataclass(frozen=True)
class _Drawn:
    """A frame of which the network has drawn the maps."""

    t: int
    maps: npt.NDArray[np.float32]
    view: View


class _Artist:
    """Has the network draw frame after frame, with as much memory as there is."""

    def __init__(self, stack: Stack, channel: int, model: Path, config: PredictConfig) -> None:
        device = runtime.choose_device(config.device)
        runtime.number_format(device.name, config.precision)  # what cannot be is said before any work
        self.stack, self.channel, self.model, self.config = stack, channel, model, config
        self.plan = runtime.Plan(_TILES_AT_ONCE[device.name], config.tile_px, device)
        self.trained = cached_model(model, device.name, config.engine)
        self.scale = 0.0
        self.levels: Levels | None = None

    def draw(self, frames: Sequence[int], images: Iterator[npt.NDArray[Any]]) -> Iterator[_Drawn | Note]:
        """Draw the maps of frames; where memory runs out it is said, and done in smaller pieces."""
        for t, image in zip(frames, images, strict=True):
            while True:
                try:
                    drawn = _Drawn(t, *self._maps(image))
                    break
                except (RuntimeError, MemoryError) as error:
                    if not runtime.is_out_of_memory(error):
                        raise
                    self.plan, note = _smaller(self.plan, error)
                runtime.free_memory()
                self.trained = cached_model(self.model, self.plan.device.name, self.config.engine)
                yield Note(note)
            yield drawn

    def _maps(self, image: npt.NDArray[Any]) -> tuple[npt.NDArray[np.float32], View]:
        view = _view(self.trained.card, self.find_scale(), self.config, self.plan, self.levels)
        return draw_maps(self.trained.network, image, view), view

    def find_scale(self) -> float:
        """Find the factor by which frames are resized, once."""
        self.scale = self.scale or _scale(
            self.trained, self.stack, self.channel, self.config, self.plan, self.levels
        )
        return self.scale


def _found(drawn: _Drawn | Note, config: PredictConfig, keep_probability: bool) -> FramePredicted | Note:
    """Find the objects in what the network has drawn; notes are passed on."""
    if isinstance(drawn, Note):
        return drawn
    labels, probability = labels_of(drawn.maps, config, drawn.view)
    return FramePredicted(drawn.t, labels, probability if keep_probability else None)


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
    _check(stack, channel, ())
    runtime.give_way()
    artist = _Artist(stack, channel, model, config)
    artist.levels = follow(levels_of_stack(stack, channel, artist.trained.card, Clock(0, "")))
    return artist.trained.card.object_px / artist.find_scale()


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


def _check(stack: Stack, channel: int, frames: Sequence[int]) -> None:
    if not 0 <= channel < len(stack.channels):
        named = ", ".join(f"{i} {name}" for i, name in enumerate(stack.channels))
        raise InputError(f"Channel {channel} was asked of {stack.name}", f"It has the channels {named}")
    beyond: list[Any] = [t for t in frames if not 0 <= t < stack.n_frames]
    if beyond:
        raise InputError(
            f"Frame {beyond[0]} was asked of {stack.name}", f"It has the frames 0 to {stack.n_frames - 1}"
        )


def _scale(
    trained: TrainedModel,
    stack: Stack,
    channel: int,
    config: PredictConfig,
    plan: runtime.Plan,
    levels: Levels | None,
) -> float:
    """Find the factor by which frames are resized, so that objects have the size that the model knows."""
    card = trained.card
    if config.diameter_px and card.net.classes:
        raise SettingsError(
            f"The typical diameter was given, and {card.name} gives pixels classes, which have none",
            "",
            "Leave the diameter out",
        )
    if config.diameter_px:
        return card.object_px / config.diameter_px
    if card.any_size:
        chosen = sorted({round(at) for at in np.linspace(0, stack.n_frames - 1, _FRAMES_TO_MEASURE)})
        frames = (stack.frame(t, channel) for t in chosen)
        return fitting_scale(trained.network, frames, _view(card, 1.0, config, plan, levels))
    if stack.pixel_size_um and card.pixel_size_um:  # another magnification than in training
        return card.scale * stack.pixel_size_um / card.pixel_size_um
    return card.scale


def _view(
    card: ModelCard, scale: float, config: PredictConfig, plan: runtime.Plan, levels: Levels | None
) -> View:
    overlap = min(config.overlap_px, plan.side_px // 4)
    low, high = card.low_percentile, card.high_percentile
    side, batch, device = plan.side_px, plan.batch, plan.device.name
    return View(
        scale,
        low,
        high,
        side,
        overlap,
        batch,
        device,
        card.object_px,
        config.flips,
        config.precision,
        card.normalise_by,
        levels,
        classes=card.net.classes,
        certainty=card.certainty,
    )


def _smaller(plan: runtime.Plan, error: BaseException) -> tuple[runtime.Plan, str]:
    smaller = plan.smaller()
    if smaller is None:
        raise ModelError(
            "There is not enough memory to apply the model, even in the smallest pieces",
            "",
            "Close other programs and try again",
        ) from error
    return smaller[0], f"Memory ran out on the {replace(plan.device).label}: {smaller[1]}."
