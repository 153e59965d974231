"""Connected pieces of labels, found from their rows of pixels: quicker than looking at every pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Places = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Pieces:
    """Pixels of one label that touch each other, also at their corners.

    Attributes
    ----------
    of_pixel : ndarray
        Number of the piece of each pixel, from 0, in reading order of their first pixels.
    area_px : ndarray
        Pixels of each piece.
    label : ndarray
        Label of each piece.
    """

    of_pixel: npt.NDArray[np.int32]
    area_px: Places
    label: npt.NDArray[Any]


def pieces_of(places: Places, labels: npt.NDArray[Any], width: int) -> Pieces:
    """Find the connected pieces of labels.

    Parameters
    ----------
    places : ndarray
        Pixels with a label, in reading order, as flat indices.
    labels : ndarray
        Label of each.
    width : int
        Of the image, in px.

    Returns
    -------
    Pieces
        The pixels of a piece have the same label; pieces of the same label do not touch.
    """
    rows = places // width
    starts = np.flatnonzero(
        np.r_[True, (np.diff(places) != 1) | (labels[1:] != labels[:-1]) | (rows[1:] != rows[:-1])][
            : len(places)
        ]
    )
    lengths = np.diff(starts, append=len(places))
    run_labels = labels[starts]
    upper, lower = _touching(places[starts] + 2 * rows[starts], lengths, width + 2)
    same = run_labels[upper] == run_labels[lower]
    upper, lower = upper[same], lower[same]
    graph = coo_array((np.ones(len(upper), np.bool_), (upper, lower)), shape=(len(starts), len(starts)))
    n, of_run = connected_components(graph, directed=False)
    areas = np.bincount(of_run, lengths, n).astype(np.intp)
    label_of = np.zeros(n, labels.dtype)
    label_of[of_run] = run_labels
    return Pieces(np.repeat(of_run.astype(np.int32), lengths), areas, label_of)


def _touching(first: Places, lengths: Places, width: int) -> tuple[Places, Places]:
    """Pair runs of pixels with those that they touch in the next row.

    Parameters
    ----------
    first : ndarray
        First pixel of each run, as flat indices, ascending.
    lengths : ndarray
        Their pixels.
    width : int
        Of rows that end with two pixels of no run.

    Returns
    -------
    upper, lower : ndarray
        Numbers of the runs.
    """
    last = first + lengths - 1
    begin = np.searchsorted(last, first + width - 1)
    end = np.searchsorted(first, last + width + 1, side="right")
    count = np.maximum(end - begin, 0)
    upper = np.repeat(np.arange(len(first)), count)
    lower = np.arange(len(upper)) - np.repeat(np.cumsum(count) - count, count) + np.repeat(begin, count)
    return upper, lower
