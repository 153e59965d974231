"""Summits of a landscape of votes, those that belong together taken as one."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi
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
_ALL, _UP, _DOWN = slice(None), slice(1, None), slice(0, -1)
_NEIGHBOURS = (
    ((_UP, _ALL), (_DOWN, _ALL)),
    ((_ALL, _UP), (_ALL, _DOWN)),
    ((_UP, _UP), (_DOWN, _DOWN)),
    ((_UP, _DOWN), (_DOWN, _UP)),
)

Votes = npt.NDArray[np.floating[Any]]


def nearest_summit(votes: Votes) -> npt.NDArray[np.int32]:
    """Give every place the number of the summit that is nearest to it.

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
        Axes YX, int32: 1, 2, ...; there is always one summit at least.
    """
    gathered = ndi.gaussian_filter(votes, SIGMA_PX)
    one_vote = 1 / (2 * np.pi * SIGMA_PX**2)  # height of the Gaussian that one vote becomes
    tops = (gathered == ndi.maximum_filter(gathered, 3)) & (gathered > FEWEST_VOTES * one_vote)
    summits, n = ndi.label(tops, np.ones((3, 3)))
    if not n:
        summits[np.unravel_index(np.argmax(gathered), gathered.shape)] = 1
    elif n > 1:
        summits = _joined(votes, gathered, summits, n)[summits]
    rows, columns = ndi.distance_transform_edt(summits == 0, return_distances=False, return_indices=True)
    nearest: npt.NDArray[np.int32] = summits[rows, columns].astype(np.int32)
    return nearest


def _joined(votes: Votes, gathered: Votes, summits: npt.NDArray[Any], n: int) -> npt.NDArray[np.int32]:
    """Give summits that belong together the same number; 0 stays 0."""
    hills = watershed(-gathered, summits, mask=gathered > _LOWEST)
    heights, near = np.zeros(n + 1), np.zeros(n + 1)
    at = np.nonzero(summits)  # few places, and `maximum.at` is slow
    np.maximum.at(heights, summits[at], gathered[at])
    np.maximum.at(near, summits[at], votes[at])
    precise = near >= np.maximum(PRECISE * np.bincount(hills.ravel(), votes.ravel(), n + 1), FEWEST_PRECISE)
    belongs = np.arange(n + 1, dtype=np.int32)
    # From the highest pass down: what was joined counts with its highest top, so that a small top between two
    # large hills is part of one of them, and no bridge.
    for one, other, height in _passes(gathered, hills):
        low, high = sorted((_root(belongs, one), _root(belongs, other)), key=heights.__getitem__)
        if low != high and height > SADDLE * heights[low] and not precise[low]:
            belongs[low] = high
    return np.array([_root(belongs, number) for number in range(n + 1)], np.int32)


def _root(belongs: npt.NDArray[np.int32], number: int) -> int:
    while belongs[number] != number:
        belongs[number] = belongs[belongs[number]]
        number = int(belongs[number])
    return number


def _passes(gathered: Votes, hills: npt.NDArray[Any]) -> list[tuple[int, int, float]]:
    """List neighbouring hills and the height of the highest pass between them, highest first."""
    found = []
    for after, before in _NEIGHBOURS:
        border = np.nonzero((hills[after] != hills[before]) & (hills[after] > 0) & (hills[before] > 0))
        one, other = hills[after][border], hills[before][border]
        height = np.minimum(gathered[after][border], gathered[before][border])
        found.append(np.stack([np.minimum(one, other), np.maximum(one, other), height]))
    first, second, height = np.concatenate(found, axis=1)
    order = np.lexsort((-height, second, first))
    first, second, height = first[order], second[order], height[order]
    highest = np.r_[True, (np.diff(first) != 0) | (np.diff(second) != 0)][: len(first)]
    passes = zip(first[highest].astype(int), second[highest].astype(int), height[highest], strict=True)
    return sorted(((int(i), int(j), float(h)) for i, j, h in passes), key=lambda one: -one[2])
