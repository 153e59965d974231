"""Touching nuclei: several hills in one object, by its shape, its brightness, or both."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi
from skimage.segmentation import watershed

from napari_cellseg.config import LabelConfig
from napari_cellseg.label.contrast import Plane

Labels = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]

_SHALLOW = {"shape": 0.8, "intensity": 0.8, "both": 0.65}
_EIGHT = np.ones((3, 3))


def split_touching(mask: Mask, brightness: Plane, config: LabelConfig) -> Labels:
    """Divide a mask into objects, also where nuclei touch.

    The hills are those of the distance to the background ("shape"), of the smoothed brightness ("intensity"),
    or of the distance times the square root of the brightness ("both"). Two hills are one nucleus when the
    saddle between them is nearly as high as the lower of the two.

    Parameters
    ----------
    mask : ndarray
        Axes YX, bool: nucleus or not.
    brightness : ndarray
        Axes YX, float32: grey values above the background.
    config : LabelConfig
        How to split, and the smallest diameter: hills that are closer together are one.

    Returns
    -------
    ndarray
        Axes YX, int32, 0 background, objects from 1, not necessarily consecutive.
    """
    objects, n = ndi.label(mask)
    if config.split == "none" or n == 0:
        return np.asarray(objects, np.int32)
    height = np.ones(mask.shape, np.float32)
    if config.split != "shape":
        height = _within(mask, brightness, float(np.clip(config.min_diameter_px / 4, 1, 3)))
    if config.split != "intensity":
        distance = ndi.distance_transform_edt(mask).astype(np.float32)
        height = distance * (np.sqrt(height) if config.split == "both" else height)
    height = ndi.gaussian_filter(height, float(np.clip(config.min_diameter_px / 6, 0.7, 3)))
    reach = max(3, int(config.min_diameter_px / 2) * 2 + 1)
    peaks, _ = ndi.label((height == ndi.maximum_filter(height, reach)) & mask, _EIGHT)
    hills = watershed(-height, peaks, mask=mask)
    # A component too small or too flat to have a peak of its own keeps its number, after those of the hills.
    hills = np.where(mask & (hills == 0), objects + peaks.max(), hills)
    return join_shallow(hills, height, _SHALLOW[config.split])


def _within(mask: Mask, brightness: Plane, sigma: float) -> Plane:
    """Smooth the brightness within the mask, without the background's share at its edge."""
    inside = np.where(mask, np.maximum(brightness, 0), 0)
    share = ndi.gaussian_filter(mask.astype(np.float32), sigma)
    return np.asarray(ndi.gaussian_filter(inside, sigma) / np.maximum(share, 1e-3), np.float32)


def join_shallow(hills: npt.NDArray[np.integer], height: Plane, ratio: float) -> Labels:
    """Join neighbouring hills that are one nucleus.

    Parameters
    ----------
    hills : ndarray
        Axes YX, integer, 0 background: one number per hill.
    height : ndarray
        Axes YX, float32.
    ratio : float
        Hills are joined, the highest saddle first, where the saddle reaches this fraction of the lower hill.

    Returns
    -------
    ndarray
        Axes YX, int32, 0 background.
    """
    n = int(hills.max())
    numbers = np.arange(n + 1)
    peak = np.zeros(n + 1)
    present = np.unique(hills)
    peak[present] = ndi.maximum(height, hills, present)
    first, second, saddle = _saddles(hills, height)
    group = numbers.copy()
    for i in np.argsort(-saddle, kind="stable"):
        a, b = _find(group, int(first[i])), _find(group, int(second[i]))
        if a != b and saddle[i] >= ratio * min(peak[a], peak[b]):
            group[b] = a
            peak[a] = max(peak[a], peak[b])
    joined = np.array([_find(group, int(i)) for i in numbers], np.int32)
    return np.asarray(joined[hills])


def _find(group: npt.NDArray[np.integer], i: int) -> int:
    """Return the number that stands for the group of `i`."""
    while group[i] != i:
        group[i] = group[group[i]]
        i = int(group[i])
    return i


def _saddles(
    hills: npt.NDArray[np.integer], height: Plane
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Return each pair of neighbouring hills once, with the highest point between them."""
    pairs, heights = [], []
    base = int(hills.max()) + 1
    for one, other in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        a, b = hills[one], hills[other]
        at = (a != b) & (a > 0) & (b > 0)
        low, high = np.minimum(a[at], b[at]).astype(np.int64), np.maximum(a[at], b[at])
        pairs.append(low * base + high)
        heights.append(np.minimum(height[one][at], height[other][at]))
    pair, top = np.concatenate(pairs), np.concatenate(heights)
    order = np.lexsort((-top, pair))
    pair, top = pair[order], top[order]
    keep = np.ones(len(pair), bool)
    keep[1:] = pair[1:] != pair[:-1]
    return pair[keep] // base, pair[keep] % base, top[keep]
