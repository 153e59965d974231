"""Objects in frames that nobody has labelled."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from napari_cellseg.config import PredictConfig
from napari_cellseg.data.stack import Stack
from napari_cellseg.errors import InputError, ModelError, SettingsError
from napari_cellseg.learn import runtime
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
from napari_cellseg.progress import Clock, Note, Steps

_FRAMES_TO_MEASURE = 3
_TILES_AT_ONCE = {"cpu": 1, "cuda": 8, "mps": 4}


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
    device = runtime.choose_device(config.device)
    runtime.number_format(device.name, config.precision)  # what cannot be is said before any work
    plan = runtime.Plan(_TILES_AT_ONCE[device.name], config.tile_px, device)
    trained, scale = cached_model(model, device.name), 0.0
    clock, start, counts = Clock(len(wanted), "frames predicted"), time.perf_counter(), []
    levels = yield from levels_of_stack(stack, channel, trained.card, clock)
    for done, t in enumerate(wanted, start=1):
        image = stack.frame(t, channel)
        while True:
            try:
                scale = scale or _scale(trained, stack, channel, config, plan, levels)
                view = _view(trained.card, scale, config, plan, levels)
                maps = draw_maps(trained.network, image, view)
                break
            except (RuntimeError, MemoryError) as error:
                if not runtime.is_out_of_memory(error):
                    raise
                plan, note = _smaller(plan, error)
            runtime.free_memory()
            trained = cached_model(model, plan.device.name)
            yield Note(note)
        labels, probability = labels_of(maps, config, view)
        counts.append(0 if view.classes else int(labels.max()))
        yield FramePredicted(t, labels, probability if keep_probability else None)
        yield clock.at(done)
    seconds = time.perf_counter() - start
    return PredictSummary(
        tuple(wanted), tuple(counts), trained.card.name, model_hash(trained.card), plan.device.label, seconds
    )


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
        return labels, likely.astype(np.float16)
    probability = expit(maps[0])
    labels = decode(probability, maps[1:3], config.threshold, config.min_diameter_px, view.diameter_px)
    least = view.certainty if config.min_certainty is None else config.min_certainty
    labels = only_certain(labels, probability, least)
    return labels, probability.astype(np.float16)


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
