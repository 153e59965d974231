"""Summits of a landscape of votes, those that belong together taken as one."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi
from scipy.spatial import KDTree
from skimage.segmentation import watershed

SIGMA_PX = 0.7
"""Votes are gathered over so many pixels first."""
FEWEST_VOTES = 2.0
"""Lower summits do not count."""
SADDLE = 0.2
"""Two summits are one when the way between them does not fall below this part of the lower one."""
PRECISE = 0.9
"""A summit on which this part of the votes of its hill falls, and `FEWEST_PRECISE`, stays on its own."""
FEWEST_PRECISE = 5.0

_LOWEST = 1e-3

Votes = npt.NDArray[np.floating[Any]]


def nearest_summit(votes: Votes) -> npt.NDArray[np.int32]:
    """Give every place that got votes the number of the summit that is nearest to it.

    What counts is how deep the valley between two summits is, relative to their height: votes of a network
    that points precisely fall into narrow peaks, which stay apart however near they are; those of one that
    is in doubt make a broad hill with several tops, which is one.

    Parameters
    ----------
    votes : ndarray
        Axes YX, float: how many pixels point at each place.

    Returns
    -------
    ndarray
        Axes YX, int32: 1, 2, ..., 0 where there are no votes; there is always one summit at least.
    """
    gathered = ndi.gaussian_filter(votes, SIGMA_PX)
    one_vote = 1 / (2 * np.pi * SIGMA_PX**2)  # height of the Gaussian that one vote becomes
    tops = (gathered == ndi.maximum_filter(gathered, 3)) & (gathered > FEWEST_VOTES * one_vote)
    summits, n = ndi.label(tops, np.ones((3, 3)))
    if not n:
        summits.ravel()[np.argmax(gathered)] = 1
    elif n > 1:
        summits = _joined(votes, gathered, summits, n)[summits]
    at, voted = np.flatnonzero(summits), np.flatnonzero(votes)  # few: most votes fall into a few places
    places = (np.stack(np.unravel_index(where, votes.shape), axis=1) for where in (at, voted))
    nearest = np.zeros(votes.shape, np.int32)
    nearest.ravel()[voted] = summits.ravel()[at][KDTree(next(places)).query(next(places))[1]]
    return nearest


def _joined(votes: Votes, gathered: Votes, summits: npt.NDArray[Any], n: int) -> npt.NDArray[np.int32]:
    """Give summits that belong together the same number; 0 stays 0."""
    hills = watershed(-gathered, summits, mask=gathered > _LOWEST)
    heights, near = np.zeros(n + 1), np.zeros(n + 1)
    at, voted = np.flatnonzero(summits), np.flatnonzero(votes)  # few, and what follows is slow
    np.maximum.at(heights, summits.ravel()[at], gathered.ravel()[at])
    np.maximum.at(near, summits.ravel()[at], votes.ravel()[at])
    of_hill = np.bincount(hills.ravel()[voted], votes.ravel()[voted], n + 1)
    precise = near >= np.maximum(PRECISE * of_hill, FEWEST_PRECISE)
    high_of, stays = heights.tolist(), precise.tolist()  # single numbers are quicker in lists
    belongs = list(range(n + 1))
    # From the highest pass down: what was joined counts with its highest top, so that a small top between two
    # large hills is part of one of them, and no bridge.
    for one, other, height in _passes(gathered, hills):
        low, high = _root(belongs, one), _root(belongs, other)
        if high_of[low] > high_of[high]:
            low, high = high, low
        if low != high and height > SADDLE * high_of[low] and not stays[low]:
            belongs[low] = high
    return np.array([_root(belongs, number) for number in range(n + 1)], np.int32)


def _root(belongs: list[int], number: int) -> int:
    while belongs[number] != number:
        belongs[number] = belongs[belongs[number]]
        number = belongs[number]
    return number


def _passes(gathered: Votes, hills: npt.NDArray[Any]) -> list[tuple[int, int, float]]:
    """List neighbouring hills and the height of the highest pass between them, highest first."""
    framed, heights = (np.pad(array, 1).ravel() for array in (hills, gathered))
    here = np.flatnonzero(framed)
    width = hills.shape[1] + 2
    found = []
    for step in (1, width - 1, width, width + 1):
        one, other = framed[here], framed[here + step]
        border = np.flatnonzero((one != other) & (other > 0))
        one, other, place = one[border], other[border], here[border]
        height = np.minimum(heights[place], heights[place + step])
        found.append(np.stack([np.minimum(one, other), np.maximum(one, other), height]))
    first, second, height = np.concatenate(found, axis=1)
    order = np.lexsort((-height, second, first))
    first, second, height = first[order], second[order], height[order]
    highest = np.r_[True, (np.diff(first) != 0) | (np.diff(second) != 0)][: len(first)]
    first, second, height = first[highest], second[highest], height[highest]
    order = np.argsort(-height, kind="stable")
    pairs = np.stack([first, second]).astype(np.intp)[:, order].tolist()
    return list(zip(*pairs, height[order].tolist(), strict=True))
