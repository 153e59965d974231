"""Instance labels as maps that a network can draw, and back.

Three maps describe the objects: where any object is, and, at every pixel of an object, how far it is to the
object's centre, down and to the right. Pixels on both sides of a seam point away from each other, however
thin the seam is: that is what tells touching objects apart. To find the objects again, every pixel votes for
the place it points at; each summit of the votes is an object, and takes the pixels that voted nearest to it.

``python -m benchmarks targets`` compares them with a border between objects and with the distance to the
border, all drawn by one network.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from napari_cellseg.data.numbers import renumber
from napari_cellseg.data.samples import IGNORE
from napari_cellseg.learn.pieces import Places, pieces_of
from napari_cellseg.learn.summits import nearest_summit

BACKGROUND, OBJECT = 0, 1
IGNORED = 255
"""Above all numbers of classes, see `classes`."""
OFFSET_UNIT_PX = 8.0
"""Networks draw offsets in this unit, on their own grid: numbers of about 1 are learned best."""
VOTED_PX = 20.0
"""Votes are gathered on a grid on which a typical object has this diameter; what follows is measured on
it."""
_CRUMB_PX = 10.0
"""Loose pieces smaller than this, on that grid, are no objects: 3 % of a typical one."""

Offsets = npt.NDArray[np.floating[Any]]


class Targets(NamedTuple):
    """What the network should answer for one frame.

    Attributes
    ----------
    state : ndarray
        Axes YX, uint8: 0 background, 1 object, `IGNORED`; or the numbers of classes and `IGNORED`.
    offset : ndarray
        Axes (2, Y, X), float32: from each pixel of an object to the object's centre, in px, down and right;
        0 elsewhere.
    """

    state: npt.NDArray[np.uint8]
    offset: npt.NDArray[np.float32]


def encode(labels: npt.NDArray[Any]) -> Targets:
    """Turn instance labels into maps.

    The centre of an object is that of its pixels that lies nearest to its centroid, so that it is within the
    object whatever the shape.

    Parameters
    ----------
    labels : ndarray
        Axes YX, integer: 0 background, 1, 2, ... objects, -1 ignore.

    Returns
    -------
    Targets
        The maps.
    """
    state = np.where(labels == IGNORE, IGNORED, labels > 0).astype(np.uint8)
    offset = np.zeros((2, *labels.shape), np.float32)
    rows, columns = np.nonzero(labels > 0)
    if len(rows):
        numbers = np.unique(labels[rows, columns], return_inverse=True)[1]
        centres = _centres(numbers, np.stack([rows, columns]))
        offset[:, rows, columns] = centres[:, numbers] - np.stack([rows, columns])
    return Targets(state, offset)


def _centres(numbers: npt.NDArray[np.intp], places: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Find the pixel nearest to the centroid of each object; axes (2, object)."""
    areas = np.bincount(numbers)
    centroids = np.stack([np.bincount(numbers, axis) / areas for axis in places])
    away = ((places - centroids[:, numbers]) ** 2).sum(axis=0)
    order = np.lexsort((away, numbers))
    first = order[np.r_[0, np.cumsum(areas)[:-1]]]
    nearest: npt.NDArray[np.intp] = places[:, first]
    return nearest


def decode(
    probability: npt.NDArray[np.floating[Any]],
    offset: Offsets,
    threshold: float = 0.5,
    min_diameter_px: float = 0.0,
    diameter_px: float = VOTED_PX,
) -> npt.NDArray[np.int32]:
    """Turn maps into instance labels.

    Parameters
    ----------
    probability : ndarray
        Axes YX, 0..1: how likely a pixel belongs to any object.
    offset : ndarray
        Axes (2, Y, X), in px: as `Targets.offset`.
    threshold : float
        Pixels above this probability belong to an object.
    min_diameter_px : float
        Objects of a smaller area than a disk of this diameter are left out.
    diameter_px : float
        Diameter of a typical object: what lies much closer together than this is one.

    Returns
    -------
    ndarray
        Axes YX, int32: 0 background, 1, 2, ... objects without gaps in the numbers, each in one piece.
    """
    labels = np.zeros(probability.shape, np.int32)
    inside = np.flatnonzero(probability > threshold)
    if not len(inside):
        return labels
    scale = VOTED_PX / diameter_px
    grid = [max(1, round(side * scale)) for side in probability.shape]
    target = _voted(inside, offset, scale, grid)
    votes = np.bincount(target, minlength=grid[0] * grid[1]).reshape(grid)
    nearest = nearest_summit(votes.astype(np.float32) * scale**2)
    numbers = _in_one_piece(inside, nearest.ravel()[target], probability.shape[1], _CRUMB_PX / scale**2)
    keep = np.bincount(numbers) >= max(np.pi / 4 * min_diameter_px**2, 1)
    labels.ravel()[inside] = renumber(numbers, keep)
    return labels


def _voted(
    inside: npt.NDArray[np.intp], offset: Offsets, scale: float, grid: Sequence[int]
) -> npt.NDArray[np.intp]:
    """Find the place on a grid that each pixel of an object votes for; both as numbers in reading order."""
    at = np.divmod(inside.astype(np.int32), np.int32(offset.shape[2]))
    voted = []
    for place, shift, side in zip(at, offset, grid, strict=True):
        pointed = place + shift.ravel()[inside].astype(np.float32)
        pointed += 0.5
        pointed *= scale
        pointed -= 0.5
        voted.append(np.clip(np.rint(pointed, out=pointed), 0, side - 1, out=pointed).astype(np.intp))
    target: npt.NDArray[np.intp] = voted[0] * grid[1] + voted[1]
    return target


def _in_one_piece(
    inside: Places, labels: npt.NDArray[np.int32], width: int, crumb_px: float
) -> npt.NDArray[np.int32]:
    """Make every piece an object, and give crumbs beside the largest piece of a label to what they touch.

    Crumbs that touch nothing but each other are one object, unless they are a crumb together.
    """
    pieces = pieces_of(inside, labels, width)
    numbers = pieces.of_pixel + 1
    order = np.lexsort((pieces.area_px, pieces.label))
    largest = np.r_[pieces.label[order][1:] != pieces.label[order][:-1], True]
    crumb = pieces.area_px < crumb_px
    crumb[order[largest]] = False
    if not crumb.any():
        return numbers
    loose = np.flatnonzero(crumb[pieces.of_pixel])
    numbers[loose] = 0
    numbers[loose] = _highest_around(inside, numbers, inside[loose], width)
    alone = loose[numbers[loose] == 0]
    if len(alone) >= crumb_px:
        together = pieces_of(inside[alone], np.zeros(len(alone), np.int32), width)
        enough = (together.area_px >= crumb_px)[together.of_pixel]
        numbers[alone[enough]] = len(crumb) + 1 + together.of_pixel[enough]
    return numbers


def _highest_around(
    inside: Places, numbers: npt.NDArray[np.int32], places: Places, width: int
) -> npt.NDArray[np.int32]:
    """Look up the highest number among the neighbours of a few pixels; filtering all would take long."""
    columns = places % width
    highest = np.zeros(len(places), np.int32)
    for down in (-width, 0, width):
        for right in (-1, 0, 1):
            beside = places + down + right
            at = np.minimum(np.searchsorted(inside, beside), len(inside) - 1)
            there = (inside[at] == beside) & (columns + right >= 0) & (columns + right < width)
            np.maximum(highest, np.where(there, numbers[at], 0), out=highest)
    return highest


def median_diameter_px(labels: npt.NDArray[Any]) -> float | None:
    """Measure the typical object: half of the area of all objects belongs to smaller ones.

    Debris, many but small, hardly moves this median.

    Parameters
    ----------
    labels : ndarray
        Any axes, integer labels of which those above 0 are objects.

    Returns
    -------
    float or None
        Diameter of a disk of the typical object's area, in px; None when there is no object.
    """
    areas = np.bincount(np.maximum(labels, 0).ravel())[1:]
    areas = np.sort(areas[areas > 0])
    if not len(areas):
        return None
    below = np.cumsum(areas)
    return float(2 * np.sqrt(areas[np.searchsorted(below, below[-1] / 2)] / np.pi))
