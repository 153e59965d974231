"""Which objects of a frame lie on which objects of the frame before or after, and which ones touch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[Any]
IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

PARTNER_IOU = 0.1
"""From this IoU on, two objects of neighbouring frames are taken for the same one. It is low, because cells
move between frames; only whether there is any partner matters."""

_WITHIN = 0.6  # of an object's area lies in another one: it is a part of it


@dataclass(frozen=True)
class Neighbours:
    """How the objects of a frame go with those of a neighbouring one.

    Attributes
    ----------
    partner : ndarray
        Axes (object,), bool: an object of the neighbour has an IoU of at least `PARTNER_IOU`.
    holds : ndarray
        Axes (object,), int: how many objects of the neighbour lie mostly within it.
    within : ndarray
        Axes (object,), int: label of the neighbour's object that it mostly lies within; 0 for none.
    """

    partner: Flags
    holds: IntArray
    within: IntArray


def neighbours(labels: Plane, other: Plane) -> Neighbours:
    """Compare the objects of a frame with those of a neighbouring one.

    Parameters
    ----------
    labels, other : ndarray
        Axes YX, integer: 1, 2, ... objects, anything else background.

    Returns
    -------
    Neighbours
        In the ascending order of the labels.
    """
    mine, my_area, my_index = numbered(labels)
    theirs, their_area, their_index = numbered(other)
    n = len(mine)
    partner, holds, within = np.zeros(n, bool), np.zeros(n, np.int64), np.zeros(n, np.int64)
    both = (my_index > 0) & (their_index > 0)
    codes, shared = np.unique(
        (my_index[both] - 1) * max(1, len(theirs)) + their_index[both] - 1, return_counts=True
    )
    i, j = np.divmod(codes, max(1, len(theirs)))
    iou = shared / (my_area[i] + their_area[j] - shared)
    partner[i[iou >= PARTNER_IOU]] = True
    np.add.at(holds, i[shared >= _WITHIN * their_area[j]], 1)
    inside = shared >= _WITHIN * my_area[i]
    within[i[inside]] = theirs[j[inside]]
    return Neighbours(partner, holds, within)


def numbered(labels: Plane) -> tuple[IntArray, IntArray, IntArray]:
    """Give the objects of a frame numbers without gaps.

    Parameters
    ----------
    labels : ndarray
        Axes YX, integer: 1, 2, ... objects, anything else background.

    Returns
    -------
    names : ndarray
        Labels of the objects, ascending.
    area_px : ndarray
        Their areas.
    index : ndarray
        Axes YX: 1, 2, ... in the order of `names`, 0 elsewhere.
    """
    inside = labels > 0
    names, index, area = np.unique(labels[inside], return_inverse=True, return_counts=True)
    numbers = np.zeros(labels.shape, np.int64)
    numbers[inside] = index + 1
    return names.astype(np.int64), area.astype(np.int64), numbers


@dataclass(frozen=True)
class Contacts:
    """How the objects of a frame touch.

    Attributes
    ----------
    pairs : ndarray
        Axes (pair, 2): indices of objects that share part of their outlines, the smaller index first.
    length_px : ndarray
        Axes (pair,): sides of pixels that each pair shares.
    outline_px : ndarray
        Axes (object,): sides of pixels of each outline.
    at_edge : ndarray
        Axes (object,), bool: the object lies at the edge of the picture, which cuts it.
    """

    pairs: IntArray
    length_px: IntArray
    outline_px: IntArray
    at_edge: Flags

    def n_touching(self) -> IntArray:
        """Count the objects that each one touches.

        Returns
        -------
        ndarray
            Axes (object,).
        """
        return np.bincount(self.pairs.ravel(), minlength=len(self.outline_px)).astype(np.int64)

    def share(self) -> FloatArray:
        """Measure how much of each outline other objects share.

        Returns
        -------
        ndarray
            Axes (object,), 0 to 1.
        """
        n = len(self.outline_px)
        shared = np.bincount(self.pairs.ravel(), np.repeat(self.length_px, 2), minlength=n)
        return np.asarray(shared / np.maximum(self.outline_px, 1), np.float64)


def contacts(index: IntArray, n: int) -> Contacts:
    """Find the objects that touch.

    Parameters
    ----------
    index : ndarray
        Axes YX: see `numbered`.
    n : int
        How many objects there are.

    Returns
    -------
    Contacts
        Pixels touch by their sides, not by their corners.
    """
    padded = np.pad(index, 1)
    met = []
    for first, second in ((padded[:-1], padded[1:]), (padded[:, :-1], padded[:, 1:])):
        differ = first != second
        met.append(np.stack([first[differ], second[differ]], 1))
    sides = np.concatenate(met)
    outline = np.bincount(sides.ravel(), minlength=n + 1)[1:]
    sides = np.sort(sides[(sides > 0).all(axis=1)], axis=1) - 1
    codes, length = np.unique(sides[:, 0] * max(n, 1) + sides[:, 1], return_counts=True)
    edge = np.concatenate([index[0], index[-1], index[:, 0], index[:, -1]])
    at_edge = np.bincount(edge, minlength=n + 1)[1:] > 0
    return Contacts(np.stack(np.divmod(codes, max(n, 1)), 1), length.astype(np.int64), outline, at_edge)
