"""A few spots of a large frame that stand for all of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from napari_cellseg.data.planes import BLOCK_PX
from napari_cellseg.data.stack import FramePart, Stack, is_large
from napari_cellseg.learn.normalise import Greys, greys

_ALONG_A_SIDE = 10
"""Percentiles of 100 million pixels, spread over the frame, are those of all."""
_LIVELY = (0.5, 0.75, 0.9)
"""Where objects are measured: neither in the emptiest spots nor at the brightest debris."""
_AROUND_PX = 4096


@dataclass(frozen=True)
class Spot:
    """A small part of a frame.

    Attributes
    ----------
    part : tuple of slice
        Its rows and columns.
    greys : Greys
        Of its pixels.
    """

    part: FramePart
    greys: Greys


def spots_of(stack: Stack, t: int, channel: int, n_frames: int = 1) -> list[Spot]:
    """Pick grey values from a frame: from all of it, or from a hundred spots of a large one.

    Parameters
    ----------
    stack : Stack
        The images, of one z plane.
    t, channel : int
        The frame, from 0.
    n_frames : int
        From how many frames grey values are picked in all.

    Returns
    -------
    list of Spot
        Without those in which no pixel is a number.
    """
    parts = _parts(stack.frame_shape) if is_large(stack.frame_shape) else [(slice(None), slice(None))]
    found = ((part, greys(stack.frame(t, channel, part), n_frames * len(parts))) for part in parts)
    return [Spot(part, picked) for part, picked in found if picked is not None]


def lively_parts(spots: list[Spot], shape: tuple[int, int]) -> Iterator[FramePart]:
    """Choose parts of a large frame in which objects are likely.

    Parameters
    ----------
    spots : list of Spot
        See `spots_of`.
    shape : tuple of int
        Height and width of the frame.

    Yields
    ------
    tuple of slice
        Rows and columns, 4096 px each, around spots whose grey values vary as much as in half, three quarters
        and nine tenths of them.
    """
    by_spread = sorted(spots, key=lambda spot: float(np.std(spot.greys.some)))
    for part in _LIVELY:
        spot = by_spread[round(part * (len(by_spread) - 1))]
        yield _around(spot.part[0], shape[0]), _around(spot.part[1], shape[1])


def _around(span: slice, length: int) -> slice:
    start = max(0, min((span.start + span.stop - _AROUND_PX) // 2, length - _AROUND_PX))
    return slice(start, min(length, start + _AROUND_PX))


def _parts(shape: tuple[int, int]) -> list[FramePart]:
    """Choose blocks of the file, spread evenly over the frame."""
    rows, columns = (
        [slice(at * BLOCK_PX, min(length, (at + 1) * BLOCK_PX)) for at in _spread(-(-length // BLOCK_PX))]
        for length in shape
    )
    return [(high, wide) for high in rows for wide in columns]


def _spread(n: int) -> list[int]:
    return sorted({round(at) for at in np.linspace(0, n - 1, _ALONG_A_SIDE)})
