"""Frames too large for memory, in overlapping blocks: where they lie, and which of them writes an object."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from napari_cellseg.data.stack import FramePart
from napari_cellseg.learn.tiles import starts
from napari_cellseg.learn.view import View

SIDE_PX = 3072
"""Side of a block: its maps take 110 MB, and it shares an eighth of its pixels with its neighbours."""
LARGEST_OBJECT = 4.0
"""Objects up to so many typical diameters long lie whole in one block at least."""

Labels = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Block:
    """A part of a frame that is looked at by itself.

    Attributes
    ----------
    part : tuple of slice
        Its rows and columns in the frame.
    margins : tuple of int
        Pixels along its top, bottom, left and right edge in which the network saw too little of what lies
        beyond; 0 where the frame ends.
    own : tuple of slice
        Rows and columns of the frame in which no other block has a say where single pixels are written.
    """

    part: FramePart
    margins: tuple[int, int, int, int]
    own: FramePart

    @property
    def corner(self) -> tuple[int, int]:
        """Row and column of its first pixel."""
        return self.part[0].start, self.part[1].start

    @property
    def own_inside(self) -> FramePart:
        """Rows and columns of what is its own, counted from its first pixel."""
        rows, columns = (
            slice(own.start - at, own.stop - at) for own, at in zip(self.own, self.corner, strict=True)
        )
        return rows, columns


def blocks_of(shape: tuple[int, int], view: View) -> list[Block]:
    """Lay blocks over a frame.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the frame, in px.
    view : View
        How the network looks at it: the size of its objects, and what tiles share.

    Returns
    -------
    list of Block
        Row by row, each from left to right: the order in which `settle` expects them.
    """
    margin = math.ceil(view.overlap_px / 2 / view.scale)
    overlap = math.ceil(LARGEST_OBJECT * view.diameter_px) + 2 * margin
    side = max(int(SIDE_PX / max(1.0, view.scale)), 2 * overlap)  # enlarged frames need more memory
    rows, columns = (_strips(length, side, overlap, margin) for length in shape)
    return [
        Block((high, wide), (*above_below, *beside), (own_rows, own_columns))
        for high, above_below, own_rows in rows
        for wide, beside, own_columns in columns
    ]


def _strips(length: int, side: int, overlap: int, margin: int) -> list[tuple[slice, tuple[int, int], slice]]:
    """Lay blocks along one side: where each lies, its two margins, and what is its own."""
    strips, owned = [], 0
    for at in starts(length, side, overlap):
        end = min(length, at + side)
        margins = margin * (at > 0), margin * (end < length)
        strips.append((slice(at, end), margins, slice(owned, end - margins[1])))
        owned = end - margins[1]
    return strips


def settle(
    found: Labels, written: npt.NDArray[np.integer[Any]], block: Block, first: int
) -> tuple[Labels, int]:
    """Decide which objects of a block are written, so that each is there once and whole.

    An object that reaches into the margin at the bottom or on the right is left to a later block, which sees
    all of it. One that is there already, mostly, was written by an earlier block; and one that lies mostly in
    the margin at the top or on the left would have been, had it been one.

    Parameters
    ----------
    found : ndarray
        Axes YX, int32: the objects of the block, numbered from 1.
    written : ndarray
        Axes YX, integer: what earlier blocks wrote in its place.
    block : Block
        Where it lies.
    first : int
        Number of the first object to be written.

    Returns
    -------
    labels : ndarray
        Axes YX, int32: the objects to be written, each in one piece, and 0 where nothing is to be written.
    n : int
        How many there are.
    """
    n = int(found.max(initial=0))
    areas = np.bincount(found.ravel(), minlength=n + 1)
    taken = written > 0
    covered = np.bincount(found[taken], minlength=n + 1)
    top, bottom, left, right = block.margins
    height, width = found.shape
    near = np.zeros(found.shape, np.bool_)
    near[:top], near[:, :left] = True, True
    poor = np.bincount(found[near], minlength=n + 1)
    keep = (areas > 0) & (2 * covered <= areas) & (2 * poor <= areas)
    keep[0] = False
    keep[found[height - bottom :].ravel()] = False
    keep[found[:, width - right :].ravel()] = False
    numbers = np.zeros(n + 1, np.int32)
    numbers[keep] = np.arange(first, first + np.count_nonzero(keep))
    labels = numbers[found]
    labels[taken] = 0
    overlapping = np.flatnonzero(keep & (covered > 0))
    boxes = ndi.find_objects(found) if len(overlapping) else []
    for number in overlapping:
        box = boxes[number - 1]
        _leave_largest_piece(labels[box], found[box] == number)
    return labels, int(np.count_nonzero(keep))


def _leave_largest_piece(labels: Labels, where: npt.NDArray[np.bool_]) -> None:
    """Take away what an earlier object has cut off from the rest of this one."""
    pieces, _ = ndi.label(where & (labels > 0), np.ones((3, 3)))
    areas = np.bincount(pieces.ravel())
    areas[0] = 0
    labels[(pieces > 0) & (pieces != int(np.argmax(areas)))] = 0
