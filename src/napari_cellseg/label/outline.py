"""Where a nucleus ends: each gets an outline at a fraction of its own height."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi
from skimage.measure import label as label_equal

Labels = npt.NDArray[np.int32]
Plane = npt.NDArray[np.float32]

_PLATEAU_PERCENTILE = 90


def tighten(labels: Labels, brightness: Plane, fraction: float, fill: bool) -> Labels:
    """Draw the outline of each object where its brightness falls to a fraction of its own height.

    A threshold that several nuclei share leaves the bright ones with a rim of glow and cuts the dim ones
    short; a fraction of each one's own height, one half for the full width at half maximum, treats all alike.

    Parameters
    ----------
    labels : ndarray
        Axes YX, int32, 0 background.
    brightness : ndarray
        Axes YX, float32: grey values above the background.
    fraction : float
        Of the height of the object, its 90th percentile; 0 leaves the outlines as they are.
    fill : bool
        True closes the holes of each object.

    Returns
    -------
    ndarray
        Axes YX, int32: of each object its largest connected piece, numbered as before.
    """
    if not labels.any():
        return labels
    if fraction > 0:
        heights = np.append(np.inf, percentile_of_each(labels, brightness, _PLATEAU_PERCENTILE))
        labels = np.where(brightness > fraction * heights[labels], labels, 0).astype(np.int32)
    return _whole(labels, fill)


def percentile_of_each(labels: Labels, values: Plane, percentile: float) -> npt.NDArray[np.float32]:
    """Take a percentile of the values within each object, all objects at once.

    Parameters
    ----------
    labels : ndarray
        Axes YX, int32, 0 background.
    values : ndarray
        Axes YX, float32.
    percentile : float
        0 to 100.

    Returns
    -------
    ndarray
        One value per label from 1 to the largest; infinity for labels that do not occur.
    """
    at = np.flatnonzero(labels > 0)
    n = int(labels.max(initial=0))
    result = np.full(n, np.inf, np.float32)
    if at.size == 0:
        return result
    owner, value = labels.ravel()[at].astype(np.int64), values.ravel()[at]
    low, span = float(value.min()), float(np.ptp(value)) or 1.0
    # One sort of integers, label first, then brightness in 65,536 steps.
    key = np.sort((owner << 16) | ((value - low) * (65535 / span)).astype(np.int64))
    edges = np.searchsorted(key, np.arange(1, n + 2) << 16)
    start, count = edges[:-1], np.diff(edges)
    picked = start + np.floor((count - 1).clip(0) * (percentile / 100)).astype(np.intp)
    there = count > 0
    result[there] = low + (key[picked[there]] & 65535) * (span / 65535)
    return result


def _whole(labels: Labels, fill: bool) -> Labels:
    """Reduce each object to its largest connected piece, and close its holes, without touching others."""
    pieces, n = label_equal(labels, background=0, return_num=True, connectivity=1)
    owner = np.zeros(n + 1, np.int32)
    owner[pieces.ravel()] = labels.ravel()
    size = np.bincount(pieces.ravel(), minlength=n + 1)
    order = np.lexsort((-size, owner))
    first = np.ones(n + 1, bool)
    first[1:] = owner[order][1:] != owner[order][:-1]
    largest = np.zeros(n + 1, np.int32)
    largest[order[first]] = owner[order[first]]
    largest[0] = 0
    whole = largest[pieces]
    return fill_enclosed(whole) if fill else whole


def fill_enclosed(labels: Labels) -> Labels:
    """Fill every patch of background that does not reach the edge and has one object only around it.

    Parameters
    ----------
    labels : ndarray
        Axes YX, int32, 0 background; negative labels are no objects.

    Returns
    -------
    ndarray
        Axes YX, int32: the patches have the number of the object around them.
    """
    patches, enclosed = _enclosed(labels == 0)
    y, x = np.nonzero(enclosed[patches])
    if y.size == 0:
        return labels
    patch = patches[y, x]
    lowest = np.full(len(enclosed), np.iinfo(np.int32).max, np.int32)
    highest = np.full(len(enclosed), np.iinfo(np.int32).min, np.int32)
    for dy, dx in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        beside = labels[y + dy, x + dx]
        wall = beside != 0
        np.minimum.at(lowest, patch[wall], beside[wall])
        np.maximum.at(highest, patch[wall], beside[wall])
    filled = labels.copy()
    lone = (lowest[patch] == highest[patch]) & (lowest[patch] > 0)
    filled[y[lone], x[lone]] = lowest[patch[lone]]
    return filled


def fill_mask(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Close the holes of a mask.

    Parameters
    ----------
    mask : ndarray
        Axes YX, bool.

    Returns
    -------
    ndarray
        Axes YX, bool: True also where background does not reach the edge.
    """
    patches, enclosed = _enclosed(~mask)
    return np.asarray(mask | enclosed[patches])


def _enclosed(background: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
    """Find the connected patches of background, and which do not reach the edge."""
    patches, n = ndi.label(background)
    enclosed = np.ones(n + 1, bool)
    enclosed[0] = False
    for edge in (patches[:1], patches[-1:], patches[:, :1], patches[:, -1:]):
        enclosed[edge] = False
    return patches, enclosed


def diameters_of(labels: Labels) -> npt.NDArray[np.float64]:
    """Measure the diameters of circles as large as the objects.

    Parameters
    ----------
    labels : ndarray
        Axes YX, int32; 0 and negative values are no objects.

    Returns
    -------
    ndarray
        One diameter in px per label, from label 0 (always 0 px) to the largest; 0 where there is no such
        label.
    """
    areas = np.bincount(np.maximum(labels, 0).ravel(), minlength=1).astype(np.float64)
    areas[0] = 0
    return np.asarray(2 * np.sqrt(areas / np.pi))
