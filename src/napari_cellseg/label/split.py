"""Touching nuclei: several hills in one object, by its shape, its brightness, or both."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi
from skimage.segmentation import watershed

from napari_cellseg.config import LabelConfig
from napari_cellseg.label.light import Plane

Labels = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]

_SHALLOW = {"shape": (0.8, 0.0), "intensity": (0.0, 0.8), "both": (0.7, 0.7)}
_EIGHT = np.ones((3, 3))


def split_touching(mask: Mask, brightness: Plane, config: LabelConfig) -> Labels:
    """Divide a mask into objects, also where nuclei touch.

    The hills are those of the distance to the background ("shape"), of the smoothed brightness ("intensity"),
    or of the distance times the square root of the brightness ("both"). Two hills are one nucleus when the
    saddle between them is nearly as high as the lower of the two: with "both", in distance and in brightness.

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
    blur = float(np.clip(config.min_diameter_px / 6, 0.7, 3))
    heights, ratios = [], []
    if config.split != "intensity":
        heights.append(ndi.gaussian_filter(_depth(objects), blur))
        ratios.append(_SHALLOW[config.split][0])
    if config.split != "shape":
        heights.append(_within(mask, brightness, 1.5 * blur))
        ratios.append(_SHALLOW[config.split][1])
    height = heights[0] if len(heights) == 1 else heights[0] * np.sqrt(heights[1])
    reach = max(3, int(config.min_diameter_px / 2) * 2 + 1)
    peaks, _ = ndi.label((height == ndi.maximum_filter(height, reach)) & mask, _EIGHT)
    hills = watershed(-height, peaks, mask=mask)
    # A component too small or too flat to have a peak of its own keeps its number, after those of the hills.
    hills = np.where(mask & (hills == 0), objects + peaks.max(), hills)
    return join_shallow(hills, heights, ratios)


def _depth(objects: npt.NDArray[np.integer]) -> Plane:
    """Measure how far each pixel is from the edge of its object, one by one: most of a frame is empty."""
    depth = np.zeros(objects.shape, np.float32)
    height, width = objects.shape
    for number, (rows, columns) in enumerate(ndi.find_objects(objects), 1):
        around = (
            slice(max(rows.start - 1, 0), min(rows.stop + 1, height)),
            slice(max(columns.start - 1, 0), min(columns.stop + 1, width)),
        )
        inside = objects[around] == number
        depth[around][inside] = ndi.distance_transform_edt(inside)[inside]
    return depth


def _within(mask: Mask, brightness: Plane, sigma: float) -> Plane:
    """Smooth the brightness within the mask, without the background's share at its edge."""
    inside = np.where(mask, np.maximum(brightness, 0), 0)
    share = ndi.gaussian_filter(mask.astype(np.float32), sigma)
    return np.asarray(ndi.gaussian_filter(inside, sigma) / np.maximum(share, 1e-3), np.float32)


def join_shallow(hills: npt.NDArray[np.integer], heights: Sequence[Plane], ratios: Sequence[float]) -> Labels:
    """Join neighbouring hills that are one nucleus.

    Parameters
    ----------
    hills : ndarray
        Axes YX, integer, 0 background: one number per hill.
    heights : sequence of ndarray
        Axes YX, float32: distance to the background, brightness.
    ratios : sequence of float
        One per height: two hills are joined, the highest saddle first, when the saddle reaches this fraction
        of the lower hill in each of the heights.

    Returns
    -------
    ndarray
        Axes YX, int32, 0 background.
    """
    n = int(hills.max())
    peaks = np.zeros((len(heights), n + 1))
    inside = np.flatnonzero(hills)
    for peak, height in zip(peaks, heights, strict=True):
        np.maximum.at(peak, hills.ravel()[inside], height.ravel()[inside])
    first, second, saddles = _saddles(hills, heights)
    group = np.arange(n + 1)
    limits = np.asarray(ratios)
    for i in np.argsort(-saddles[0], kind="stable"):
        a, b = _find(group, int(first[i])), _find(group, int(second[i]))
        if a != b and (saddles[:, i] >= limits * np.minimum(peaks[:, a], peaks[:, b])).all():
            group[b] = a
            peaks[:, a] = np.maximum(peaks[:, a], peaks[:, b])
    joined = np.array([_find(group, i) for i in range(n + 1)], np.int32)
    return np.asarray(joined[hills])


def _find(group: npt.NDArray[np.integer], i: int) -> int:
    """Return the number that stands for the group of `i`."""
    while group[i] != i:
        group[i] = group[group[i]]
        i = int(group[i])
    return i


def _saddles(
    hills: npt.NDArray[np.integer], heights: Sequence[Plane]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return each pair of neighbouring hills once, with the highest point between them in each height."""
    pairs: list[npt.NDArray[np.int64]] = []
    between: list[npt.NDArray[np.float32]] = []
    base = int(hills.max()) + 1
    for one, other in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        a, b = hills[one], hills[other]
        at = (a != b) & (a > 0) & (b > 0)
        pairs.append(np.minimum(a[at], b[at]).astype(np.int64) * base + np.maximum(a[at], b[at]))
        between.append(np.stack([np.minimum(height[one][at], height[other][at]) for height in heights]))
    pair, number = np.unique(np.concatenate(pairs), return_inverse=True)
    saddles = np.zeros((len(heights), len(pair)))
    for saddle, values in zip(saddles, np.concatenate(between, axis=1), strict=True):
        np.maximum.at(saddle, number, values)
    return pair // base, pair % base, saddles
