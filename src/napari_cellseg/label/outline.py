"""Where a nucleus ends: each gets an outline at a fraction of its own height."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from napari_cellseg.label.contrast import Plane

Labels = npt.NDArray[np.int32]

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
    owner, value = labels.ravel()[at], values.ravel()[at]
    order = np.lexsort((value, owner))
    owner, value = owner[order], value[order]
    edges = np.searchsorted(owner, np.arange(1, int(labels.max()) + 2))
    start, count = edges[:-1], np.diff(edges)
    picked = start + np.floor((count - 1).clip(0) * (percentile / 100)).astype(np.intp)
    result = np.full(len(count), np.inf, np.float32)
    result[count > 0] = value[picked[count > 0]]
    return result


def _whole(labels: Labels, fill: bool) -> Labels:
    """Reduce each object to its largest connected piece, and close its holes, without touching others."""
    out = np.zeros_like(labels)
    for number, box in enumerate(ndi.find_objects(labels), 1):
        if box is None:
            continue
        mask = labels[box] == number
        pieces, n = ndi.label(mask)
        if n > 1:
            mask = pieces == np.bincount(pieces.ravel())[1:].argmax() + 1
        if fill:
            holes = ndi.binary_fill_holes(mask) & ~mask
            mask |= holes & (labels[box] == 0)
        out[box][mask & (out[box] == 0)] = number
    return out


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


def renumber(labels: Labels, keep: npt.NDArray[np.bool_]) -> Labels:
    """Drop objects and number the others from 1 without gaps.

    Parameters
    ----------
    labels : ndarray
        Axes YX, int32, 0 background, no negative values.
    keep : ndarray
        One bool per label from 0 to the largest; that of label 0 does not count.

    Returns
    -------
    ndarray
        Axes YX, int32.
    """
    keep = keep.copy()
    keep[0] = False
    numbers = np.where(keep, np.cumsum(keep), 0).astype(np.int32)
    return numbers[labels]
