"""How large the objects of a movie are, found out by looking."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit
from torch import nn

from napari_cellseg.learn.model import draw_maps
from napari_cellseg.learn.targets import decode, median_diameter_px
from napari_cellseg.learn.view import View

_FIRST_LOOKS = (0.4, 1.0)
_SURE = 0.65
"""Where pixels agree so well in the first look, which takes a sixth of the second, that one is left out: it
would not measure better (``python -m benchmarks diameters``). Small objects merge in the first look, where
pixels agree less."""
_SMALLEST, _LARGEST = 1 / 32, 2.0
_NEAR = 1.25
_MOST_LOOKS = 4
_SIDE_PX = 768
"""Part of a frame that is looked at, on the network's grid: enough objects, in a moment."""


def fitting_scale(network: nn.Module, frames: Iterable[npt.NDArray[Any]], view: View) -> float:
    """Find how frames are to be resized, so that their objects have the size that a network knows.

    The network looks at each frame in one size, or two; where its pixels agree best on the centres of what
    they see, the objects are measured, and it looks again until they have the right size.

    Parameters
    ----------
    network : torch.nn.Module
        In evaluation mode.
    frames : iterable of ndarray
        A few frames of the same movie, axes YX.
    view : View
        How the network looks at frames, apart from the scale.

    Returns
    -------
    float
        Median over the frames that have objects; 1 when none has.
    """
    found = [_fitting(network, frame, view) for frame in frames]
    seen = [scale for scale in found if scale is not None]
    return float(np.median(seen)) if seen else 1.0


def _fitting(network: nn.Module, frame: npt.NDArray[Any], view: View) -> float | None:
    looks: list[tuple[tuple[float, float], float]] = []
    for scale in _FIRST_LOOKS:
        looks.append((_look(network, frame, view, scale), scale))
        if looks[-1][0][0] > _SURE:
            break
    (agreement, measured), scale = max(looks, key=lambda look: look[0][0])
    if not agreement:
        return None
    for _ in range(_MOST_LOOKS):
        wanted = float(np.clip(view.object_px / measured, _SMALLEST, _LARGEST))
        if 1 / _NEAR < wanted / scale < _NEAR:
            return wanted
        scale = wanted
        agreement, measured = _look(network, frame, view, scale)
        if not agreement:
            return wanted
    return wanted


def _look(network: nn.Module, frame: npt.NDArray[Any], view: View, scale: float) -> tuple[float, float]:
    """Measure how well the pixels agree on centres, 0 to 1, and the typical object, in px of the frame."""
    side = int(_SIDE_PX / scale)
    top, left = (max(0, (length - side) // 2) for length in frame.shape)
    part = frame[top : top + side, left : left + side]
    seen = replace(view, scale=scale, flips=False)
    maps = draw_maps(network, part, seen)
    probability = expit(maps[0])
    labels = decode(probability, maps[1:3], diameter_px=seen.diameter_px)
    measured = median_diameter_px(labels)
    if measured is None:
        return 0.0, 0.0
    rows, columns = np.nonzero(labels)
    numbers = labels[rows, columns]
    areas = np.bincount(numbers)
    points = np.stack([rows, columns]) + maps[1:3, rows, columns]
    centres = np.stack([np.bincount(numbers, axis) / np.maximum(areas, 1) for axis in points])
    away = np.hypot(*(points - centres[:, numbers])) / np.sqrt(areas[numbers] / np.pi)  # in radii
    return float(np.mean(probability[rows, columns] * np.exp(-2 * away))), measured
