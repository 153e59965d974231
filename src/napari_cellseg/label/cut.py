"""Splitting an object along a line that the person drew."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from napari_cellseg.errors import InputError
from napari_cellseg.label.change import Box, Edit, Frame, Mask, box_of, cut_out, next_label


def split(labels: Frame, points: npt.ArrayLike, width: float = 1.0, *, frame: int = 0, who: str = "") -> Edit:
    """Split the object under a line.

    The largest part keeps the number, the others get new ones. The line itself goes to the parts beside it,
    so that no area is lost. Of several objects under the line, the one that it runs through longest and cuts
    through is split; the others are not touched.

    Parameters
    ----------
    labels : ndarray
        Axes YX, integer.
    points : array-like
        N x 2: y and x in px of the points of the line, pixel centres at whole numbers.
    width : float
        Width of the line in px.
    frame : int
        The frame's number, for the record.
    who : str
        Who does it, for the record.

    Returns
    -------
    Edit
        The parts of the object.

    Raises
    ------
    InputError
        There is no object under the line, or the line does not cut through it.
    """
    line, box = rasterise(points, width, labels.shape)
    under = labels[box[0] : box[2], box[1] : box[3]][line]
    found, lengths = np.unique(under[under > 0], return_counts=True)
    if found.size == 0:
        raise InputError("There is no nucleus under the line", "", "Draw it across the nucleus to be cut")
    for label in found[np.argsort(-lengths, kind="stable")]:
        edit = _split_one(labels, int(label), line, box, frame, who)
        if edit is not None:
            return edit
    raise InputError(
        "The line does not cut through the nucleus",
        "It must leave the nucleus on both sides",
        "Draw it from background to background",
    )


def _split_one(labels: Frame, label: int, line: Mask, box: Box, frame: int, who: str) -> Edit | None:
    """Split one object, or answer None when the line leaves it in one piece."""
    outer = box_of(labels == label)
    if outer is None:
        return None
    before = cut_out(labels, outer)
    mask = before == label
    apart = mask.copy()
    y0, x0 = max(outer[0], box[0]), max(outer[1], box[1])
    y1, x1 = min(outer[2], box[2]), min(outer[3], box[3])
    apart[y0 - outer[0] : y1 - outer[0], x0 - outer[1] : x1 - outer[1]] &= ~line[
        y0 - box[0] : y1 - box[0], x0 - box[1] : x1 - box[1]
    ]
    pieces, n = ndi.label(apart)
    if n <= ndi.label(mask)[1]:
        return None
    nearest = ndi.distance_transform_edt(pieces == 0, return_distances=False, return_indices=True)
    parts = np.where(mask, pieces[tuple(nearest)], 0)
    sizes = np.bincount(parts.ravel())[1:]
    numbers = np.zeros(n + 1, np.int32)
    numbers[1 + np.argsort(-sizes, kind="stable")] = [label, *range(new := next_label(labels), new + n - 1)]
    after = np.where(mask, numbers[parts], before)
    return Edit("split", frame, outer, before, after, who)


def rasterise(points: npt.ArrayLike, width: float, shape: tuple[int, ...]) -> tuple[Mask, Box]:
    """Draw a line of some width into a box of a frame.

    Parameters
    ----------
    points : array-like
        N x 2: y and x in px; one point makes a dot.
    width : float
        Width in px; a line thinner than what stops a diagonal step counts as that, 1.5 px.
    shape : tuple of int
        Height and width of the frame in px.

    Returns
    -------
    mask : ndarray
        Axes YX, bool: the pixels whose centres lie within half the width of the line.
    box : tuple of int
        y0, x0, y1, x1 of the mask in the frame, the last two outside.

    Raises
    ------
    InputError
        The points are not numbers, or the whole line is outside the frame.
    """
    line = np.asarray(points, np.float64)
    if line.ndim != 2 or line.shape[1] != 2 or not len(line) or not np.isfinite(line).all():
        raise InputError("The line has no points", "", "Draw it again, across the nucleus to be cut")
    radius = max(width, 1.5) / 2
    y0, x0 = (max(int(np.floor(low - radius)), 0) for low in line.min(axis=0))
    y1, x1 = (
        min(int(np.ceil(high + radius)) + 1, n) for high, n in zip(line.max(axis=0), shape, strict=True)
    )
    if y1 <= y0 or x1 <= x0:
        raise InputError("The line is outside the picture", "", "Draw it across the nucleus to be cut")
    mask = np.zeros((y1 - y0, x1 - x0), bool)
    for start, stop in pairwise(line if len(line) > 1 else np.repeat(line, 2, axis=0)):
        _add_segment(mask, start - (y0, x0), stop - (y0, x0), radius)
    return mask, (y0, x0, y1, x1)


def _add_segment(
    mask: Mask, start: npt.NDArray[np.float64], stop: npt.NDArray[np.float64], radius: float
) -> None:
    """Add the pixels near one segment: distance of a point from a segment, in the segment's own box only."""
    low = np.maximum(np.floor(np.minimum(start, stop) - radius).astype(int), 0)
    high = np.ceil(np.maximum(start, stop) + radius).astype(int) + 1
    part: Any = mask[low[0] : max(high[0], 0), low[1] : max(high[1], 0)]
    if part.size == 0:
        return
    y, x = np.ogrid[low[0] : low[0] + part.shape[0], low[1] : low[1] + part.shape[1]]
    along = stop - start
    length2 = float(along @ along)
    at = ((y - start[0]) * along[0] + (x - start[1]) * along[1]) / length2 if length2 > 0 else np.zeros(())
    at = np.clip(at, 0, 1)
    distance2 = (y - start[0] - at * along[0]) ** 2 + (x - start[1] - at * along[1]) ** 2
    part |= distance2 <= radius * radius
