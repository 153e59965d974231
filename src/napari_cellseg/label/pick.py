"""Choosing several objects at once: those within an outline, those along a line."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_cellseg.errors import InputError
from napari_cellseg.label.change import Box, Frame, Mask
from napari_cellseg.label.outline import fill_mask
from napari_cellseg.label.runs import runs_of

_STEP_PX = 0.5  # along a line: no pixel that it crosses by more than a corner is missed


def objects_within(labels: Frame, outline: npt.ArrayLike) -> list[int]:
    """List the objects that a closed outline holds.

    Parameters
    ----------
    labels : ndarray
        Axes YX, integer.
    outline : array-like
        N x 2: y and x in px of its corners, pixel centres at whole numbers; the last is joined to the first.

    Returns
    -------
    list of int
        In rising order, the objects more than half of whose pixels lie within; empty when there is none.

    Raises
    ------
    InputError
        The outline has no area, or lies outside the frame.
    """
    mask, (y0, x0, y1, x1) = filled_outline(outline, labels.shape)
    inside = labels[y0:y1, x0:x1][mask]
    found, held = np.unique(inside[inside > 0], return_counts=True)
    if found.size == 0:
        return []
    areas = runs_of(labels).areas(found)
    return [int(number) for number in found[2 * held > areas]]


def objects_along(labels: Frame, points: npt.ArrayLike) -> list[int]:
    """List the objects under a drawn line.

    Parameters
    ----------
    labels : ndarray
        Axes YX, integer.
    points : array-like
        N x 2: y and x in px of the points of the line, pixel centres at whole numbers. One point is a click.

    Returns
    -------
    list of int
        Each object once, in the order in which the line meets them; empty when there is none.

    Raises
    ------
    InputError
        The points are not numbers.
    """
    line = points_of(points)
    steps = [line[:1]]
    for start, stop in pairwise(line):
        n = max(int(np.ceil(np.abs(stop - start).max() / _STEP_PX)), 1)
        steps.append(start + (stop - start) * (np.arange(1, n + 1) / n)[:, None])
    at = np.floor(np.concatenate(steps) + 0.5).astype(np.intp)
    at = at[((at >= 0) & (at < labels.shape)).all(axis=1)]
    met = labels[at[:, 0], at[:, 1]]
    return [int(number) for number in dict.fromkeys(met[met > 0].tolist())]


def points_of(points: Any) -> npt.NDArray[np.float64]:
    """Check points that a person drew.

    Parameters
    ----------
    points : array-like
        N x 2: y and x in px.

    Returns
    -------
    ndarray
        float64, N x 2; N is at least 1.

    Raises
    ------
    InputError
        They are not numbers, or there is none.
    """
    drawn = np.asarray(points, np.float64)
    if drawn.ndim != 2 or drawn.shape[1] != 2 or not len(drawn) or not np.isfinite(drawn).all():
        raise InputError("The line has no points", "", "Draw it again")
    return drawn


def pixel_at(point: Any, shape: tuple[int, ...]) -> tuple[int, int]:
    """Find the pixel that was clicked.

    Parameters
    ----------
    point : array-like
        y and x in px, pixel centres at whole numbers.
    shape : tuple of int
        Height and width of the frame in px.

    Returns
    -------
    tuple of int
        y and x.

    Raises
    ------
    InputError
        The point is outside the frame.
    """
    y, x = (float(value) for value in np.floor(points_of([point])[0] + 0.5))
    if not (0 <= y < shape[0] and 0 <= x < shape[1]):
        raise InputError("The click is outside the picture", "", "Click on the picture")
    return int(y), int(x)


def filled_outline(outline: npt.ArrayLike, shape: tuple[int, ...]) -> tuple[Mask, Box]:
    """Fill a closed outline in a box of a frame.

    Parameters
    ----------
    outline : array-like
        N x 2: y and x in px of its corners, pixel centres at whole numbers; the last is joined to the first.
    shape : tuple of int
        Height and width of the frame in px.

    Returns
    -------
    mask : ndarray
        Axes YX, bool: the pixels whose centres lie within. Where a line drawn by hand crosses itself, the
        loops belong to it too.
    box : tuple of int
        y0, x0, y1, x1 of the mask in the frame, the last two outside.

    Raises
    ------
    InputError
        The outline has no area, or lies outside the frame.
    """
    corners = points_of(outline)
    y0, x0 = (max(int(np.ceil(low)), 0) for low in corners.min(axis=0))
    y1, x1 = (min(int(np.floor(high)) + 1, n) for high, n in zip(corners.max(axis=0), shape, strict=True))
    if y1 <= y0 or x1 <= x0:
        raise InputError("The outline holds no pixel of the picture", "", "Draw it around the nucleus")
    mask = fill_mask(_even_odd(corners - (y0, x0), (y1 - y0, x1 - x0)))
    if not mask.any():
        raise InputError("The outline holds no pixel of the picture", "", "Draw it around the nucleus")
    return mask, (y0, x0, y1, x1)


def _even_odd(corners: npt.NDArray[np.float64], shape: tuple[int, int]) -> Mask:
    """Fill a polygon row by row: a pixel is within when an odd number of sides crosses its row left of it."""
    start, stop = corners, np.roll(corners, -1, axis=0)
    start, stop = (np.where(start[:, :1] <= stop[:, :1], *pair) for pair in ((start, stop), (stop, start)))
    first, end = (np.clip(np.ceil(side[:, 0]), 0, shape[0]).astype(np.intp) for side in (start, stop))
    side = np.repeat(np.arange(len(corners)), end - first)
    row = np.arange(len(side)) - np.repeat(np.cumsum(end - first) - end, end - first)
    part = (row - start[side, 0]) / (stop[side, 0] - start[side, 0])
    x = start[side, 1] + part * (stop[side, 1] - start[side, 1])
    crossings = np.zeros((shape[0], shape[1] + 1), np.int64)
    np.add.at(crossings, (row, np.clip(np.ceil(x), 0, shape[1]).astype(np.intp)), 1)
    return np.asarray(crossings.cumsum(axis=1)[:, :-1] % 2 == 1)
