"""Summits of a landscape of votes, those that belong together taken as one.

Votes fall into few places of a large grid, so that only those and what lies around them are looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial import KDTree

SIGMA_PX = 0.7
"""Votes are gathered over so many pixels first."""
FEWEST_VOTES = 2.0
"""Lower summits do not count."""
SADDLE = 0.2
"""Two summits are one when the way between them does not fall below this part of the lower one."""
PRECISE = 0.9
"""A summit on which this part of the votes nearest to it falls, and `FEWEST_PRECISE`, stays on its own."""
FEWEST_PRECISE = 5.0

_LOWEST = 1e-3
_REACH = 3
"""The Gaussian is cut off at four sigma."""

Votes = npt.NDArray[np.floating[Any]]
Places = npt.NDArray[np.intp]


@dataclass(frozen=True)
class _Ground:
    """Where there is more than nothing, in reading order.

    Attributes
    ----------
    at : ndarray
        Places on the grid with a border of one pixel, as flat indices.
    steps : tuple of int
        From a place to its eight neighbours, those that come later in reading order first.
    height : ndarray
        Of each place.
    index : ndarray
        Which of them a place of the grid is, flat; the number of them where there is nothing.
    """

    at: Places
    steps: tuple[int, ...]
    height: npt.NDArray[np.float64]
    index: Places

    def neighbours(self, step: int) -> Places:
        """Tell which places lie one step further; the number of places where there is none."""
        return self.index[self.at + step]


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
    nearest = np.zeros(votes.shape, np.int32)
    voted = np.flatnonzero(votes)
    if not len(voted):
        return nearest
    places, cast = np.divmod(voted, votes.shape[1]), votes.ravel()[voted].astype(np.float64)
    ground = _gathered(places, cast, votes.shape)
    framed = (places[0] + 1) * (votes.shape[1] + 2) + places[1] + 1
    votes_at = np.bincount(ground.index[framed], cast, len(ground.at) + 1)
    tops, hills = _climbed(ground)
    counts = _high_enough(ground.height[tops])
    rows, columns = np.divmod(ground.at[tops[counts]], votes.shape[1] + 2)
    tree = KDTree(np.stack([rows - 1, columns - 1], axis=1))
    closest = tree.query(np.stack(places, axis=1))[1]
    around = np.zeros(len(tops))
    around[counts] = np.bincount(closest, cast, len(rows))
    precise = votes_at[tops] >= np.maximum(PRECISE * around, FEWEST_PRECISE)
    numbers = _joined(_passes(ground, hills), ground.height[tops], counts, precise)[1:][counts]
    nearest.ravel()[voted] = np.unique(numbers, return_inverse=True)[1][closest] + 1
    return nearest


def _gathered(
    places: tuple[Places, Places], cast: npt.NDArray[np.float64], shape: tuple[int, ...]
) -> _Ground:
    """Blur votes with a Gaussian (reflected at the edges), where there are some."""
    away = np.arange(-_REACH, _REACH + 1)
    weights = np.exp(-0.5 * (away / SIGMA_PX) ** 2)
    weights /= weights.sum()
    rows, columns = (
        _reflected(axis[None] + away[:, None], length) for axis, length in zip(places, shape, strict=True)
    )
    width = shape[1] + 2
    reached = ((rows + 1) * width)[:, None] + (columns + 1)[None]
    shares = (weights[:, None, None] * weights[None, :, None]) * cast
    whole = np.bincount(reached.ravel(), shares.ravel(), (shape[0] + 2) * width).astype(
        np.float64, copy=False
    )
    at = np.flatnonzero(whole > _LOWEST)
    if not len(at):
        at = np.array([np.argmax(whole)])
    index = np.full(len(whole), len(at), np.intp)
    index[at] = np.arange(len(at))
    later = (width + 1, width, width - 1, 1)
    return _Ground(at, (*later, *(-step for step in later)), whole[at], index)


def _reflected(index: Places, length: int) -> Places:
    """Mirror indices beyond the ends of an axis, its first and last pixel repeated."""
    turned = index % (2 * length)
    mirrored: Places = np.where(turned < length, turned, 2 * length - 1 - turned)
    return mirrored


def _climbed(ground: _Ground) -> tuple[Places, Places]:
    """Go uphill from every place, always to the highest neighbour.

    Returns
    -------
    tops : ndarray
        Places that nothing around is higher than.
    hills : ndarray
        For each place, and for nowhere, the number of the top that it leads to, from 1; 0 for nowhere.
    """
    n = len(ground.at)
    nowhere = np.append(ground.height, 0.0)
    uphill, highest = np.arange(n), ground.height.copy()
    for step in ground.steps:
        beside = ground.neighbours(step)
        height = nowhere[beside]
        # Of places of one height the last in reading order counts, or none would be the top of a plateau.
        higher = (height > highest) | ((height == highest) & (step > 0) & (uphill < beside) & (beside < n))
        uphill = np.where(higher, beside, uphill)
        highest = np.where(higher, height, highest)
    tops = np.flatnonzero(uphill == np.arange(n))
    while True:
        further = uphill[uphill]
        if np.array_equal(further, uphill):
            break
        uphill = further
    numbers = np.zeros(n + 1, np.intp)
    numbers[tops] = np.arange(1, len(tops) + 1)
    return tops, np.append(numbers[uphill], 0)


def _high_enough(heights: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Tell which tops are summits; the highest of all is one."""
    one_vote = 1 / (2 * np.pi * SIGMA_PX**2)  # height of the Gaussian that one vote becomes
    high = heights > FEWEST_VOTES * one_vote
    high[np.argmax(heights)] = True
    return high


def _joined(
    passes: list[tuple[int, int, float]],
    heights: npt.NDArray[np.float64],
    counts: npt.NDArray[np.bool_],
    precise: npt.NDArray[np.bool_],
) -> npt.NDArray[np.int32]:
    """Give tops that belong together the same number; by their number from 1.

    From the highest pass down: what was joined counts with its highest top, so that a small top between two
    large hills is part of one of them, and no bridge. Tops that are no summits belong to the first hill that
    they can be reached from.
    """
    high_of, stays = [0.0, *heights.tolist()], [False, *precise.tolist()]  # quicker in lists
    summit, belongs = [False, *counts.tolist()], list(range(len(heights) + 1))
    for one, other, height in passes:
        low, far = _root(belongs, one), _root(belongs, other)
        if high_of[low] > high_of[far]:
            low, far = far, low
        if low != far and (not summit[low] or (height > SADDLE * high_of[low] and not stays[low])):
            belongs[low] = far
    return np.array([_root(belongs, top) for top in range(len(belongs))], np.int32)


def _root(belongs: list[int], number: int) -> int:
    while belongs[number] != number:
        belongs[number] = belongs[belongs[number]]
        number = belongs[number]
    return number


def _passes(ground: _Ground, hills: Places) -> list[tuple[int, int, float]]:
    """List neighbouring hills and the height of the highest pass between them, highest first."""
    found = []
    for step in ground.steps[:4]:
        beside = ground.neighbours(step)
        one, other = hills[:-1], hills[beside]
        border = np.flatnonzero((one != other) & (one > 0) & (other > 0))
        one, other = one[border], other[border]
        height = np.minimum(ground.height[border], ground.height[beside[border]])
        found.append(np.stack([np.minimum(one, other), np.maximum(one, other), height]))
    first, second, height = np.concatenate(found, axis=1)
    order = np.lexsort((-height, second, first))
    first, second, height = first[order], second[order], height[order]
    highest = np.r_[True, (np.diff(first) != 0) | (np.diff(second) != 0)][: len(first)]
    first, second, height = first[highest], second[highest], height[highest]
    order = np.argsort(-height, kind="stable")
    pairs = np.stack([first, second]).astype(np.intp)[:, order].tolist()
    return list(zip(*pairs, height[order].tolist(), strict=True))
