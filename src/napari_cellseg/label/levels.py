"""The region around a click that stands out of its surroundings most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from napari_cellseg.label.change import Mask

Floats = npt.NDArray[np.floating]

_LEVELS = 18
_LOW_PERCENTILE = 5
_LARGE = 0.25  # of two regions with equal edges the larger one: the nucleus, not its nucleolus


@dataclass(frozen=True, eq=False)
class Region:
    """Pixels around a click.

    Attributes
    ----------
    mask : ndarray
        Axes YX, bool.
    step : float
        Mean fall of the heights from one pixel to the next across its border.
    """

    mask: Mask
    step: float


def standing_out(
    heights: Floats, free: Mask, seed: Mask, areas_px: tuple[float, float], rim: Mask
) -> Region | None:
    """Choose the threshold at which the region around a click has the steepest border.

    The regions of falling thresholds lie within each other. Borders between the region and pixels that are
    not free do not count: nothing is known of them.

    Parameters
    ----------
    heights : ndarray
        Axes YX, floating: high within what was clicked.
    free : ndarray
        Axes YX, bool: pixels that the region may have.
    seed : ndarray
        Axes YX, bool: the pixels at the click, some of them free.
    areas_px : tuple of float
        The smallest and the largest area that make sense, in px.
    rim : ndarray
        Axes YX, bool: a region that reaches it goes on outside, and is none.

    Returns
    -------
    Region or None
        None when no region has a sensible area.
    """
    low, top = float(np.percentile(heights[free], _LOW_PERCENTILE)), float(heights[free & seed].max())
    if not top > low:
        return None
    depth, areas = _nested(
        heights, free, seed & free, np.linspace(top, low, _LEVELS + 1)[1:-1], areas_px[1], rim
    )
    steps = _border_steps(heights, free, depth, len(areas))
    sensible = areas >= areas_px[0]
    if not sensible.any():
        return None
    best = int(np.where(sensible, steps * areas**_LARGE, -np.inf).argmax())
    return Region(depth >= len(areas) - best, float(steps[best]))


def _nested(
    heights: Floats, free: Mask, seed: Mask, thresholds: Floats, largest_px: float, rim: Mask
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Grow the region threshold by threshold; count for each pixel how many of the regions hold it."""
    depth = np.zeros(heights.shape, np.int64)
    areas: list[float] = []
    for threshold in thresholds:
        pieces, n = ndi.label((heights >= threshold) & free)
        chosen = np.zeros(n + 1, bool)
        chosen[pieces[seed]] = True
        chosen[0] = False
        region = chosen[pieces]
        area = np.count_nonzero(region)
        if area > largest_px or region[rim].any():
            break
        depth += region
        areas.append(float(area))
    return depth, np.array(areas)


def _border_steps(
    heights: Floats, free: Mask, depth: npt.NDArray[np.int64], n: int
) -> npt.NDArray[np.float64]:
    """Average the fall across the border of each of the nested regions, all at once.

    Between two neighbours that `lo` and `hi` of the regions hold runs the border of the regions that hold the
    one but not the other: sums of differences give all of them.
    """
    falls, pairs = np.zeros(n + 2), np.zeros(n + 2)
    for one, other in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        at = free[one] & free[other] & (depth[one] != depth[other])
        a, b = depth[one][at], depth[other][at]
        fall = (heights[one][at] - heights[other][at]) * np.sign(a - b)
        low, high = np.minimum(a, b) + 1, np.maximum(a, b) + 1
        falls += np.bincount(low, fall, n + 2) - np.bincount(high, fall, n + 2)
        pairs += np.bincount(low, minlength=n + 2) - np.bincount(high, minlength=n + 2)
    means = falls.cumsum() / np.maximum(pairs.cumsum(), 1)
    return np.asarray(means[n:0:-1])  # the region of the first, highest threshold holds the deepest pixels
