"""What shines but is no nucleus: leaked stain, debris, burnt-out pixels. Training and scoring ignore it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from napari_cellseg.config import LabelConfig
from napari_cellseg.label.contrast import Signal, nucleus_px, saturated
from napari_cellseg.label.light import Plane, light_of
from napari_cellseg.label.outline import Labels, diameters_of, percentile_of_each

Mask = npt.NDArray[np.bool_]

_BURNT = 0.3  # of an object's pixels at the camera's upper end: debris, if most objects are not like that
_GLARING = 2.0  # times as bright as the nuclei of the frame: a speck of debris
_LEAK_HEIGHT = 0.5  # of the brightness of the frame's nuclei
_LEAK_SMOOTH = 0.7  # a leak's floor, as a part of its mean: lower between nuclei that touch
_LEAK_RADIUS = 0.65  # of the largest diameter: no nucleus contains a disk that large
_DAZZLED = 2 / 3


def odd_objects(labels: Labels, signal: Signal, config: LabelConfig) -> npt.NDArray[np.bool_]:
    """Tell which objects are no nuclei but shine too much to be called background.

    Parameters
    ----------
    labels : ndarray
        Axes YX, int32, 0 background.
    signal : Signal
        The frame.
    config : LabelConfig
        The diameters of nuclei.

    Returns
    -------
    ndarray
        One bool per label from 0 to the largest: True for those larger than nuclei, for burnt-out ones among
        objects that are not, and for specks brighter than nuclei.
    """
    n = int(labels.max())
    diameter = diameters_of(labels)
    too_large = diameter > config.max_diameter_px
    too_small = (diameter > 0) & (diameter < config.min_diameter_px)
    sound = ~too_large & ~too_small & (diameter > 0)
    flat = labels.ravel()
    pixels = np.maximum(np.bincount(flat, minlength=n + 1), 1)
    burnt = np.bincount(flat, signal.saturated.ravel(), minlength=n + 1) / pixels > _BURNT
    if not sound.any() or burnt[sound].mean() > 0.5:
        burnt[:] = False  # the whole exposure is too long: those are the nuclei
    bright = np.append(0, percentile_of_each(labels, signal.above, 90)) if n else np.zeros(1)
    nuclei = sound & ~burnt
    usual = float(np.median(bright[nuclei])) if nuclei.any() else np.inf
    odd = too_large | burnt | (too_small & (bright > _GLARING * usual))
    odd[0] = False
    return odd


def leaks(labels: Labels, signal: Signal, config: LabelConfig) -> Mask:
    """Find leaked stain: bright, smooth regions larger than any nucleus.

    The frame is reduced, the slow change of the light across it taken away, and opened with a disk that no
    nucleus contains: what remains high is a leak, unless it is a sheet of nuclei with gaps between them.

    Parameters
    ----------
    labels : ndarray
        Axes YX, int32: the nuclei found, which tell how bright nuclei are here.
    signal : Signal
        The frame.
    config : LabelConfig
        The diameter of the largest nucleus.

    Returns
    -------
    ndarray
        Axes YX, bool.
    """
    plane = signal.whole
    step = max(1, int(config.max_diameter_px / 8))
    small = _reduce(plane, step)
    radius = _LEAK_RADIUS * config.max_diameter_px / step
    if min(small.shape) < 2 * radius + 3:
        return np.zeros(plane.shape, bool)
    small = small - light_of(small)
    usual = float(np.median(signal.above[labels > 0])) if (labels > 0).any() else 0.25 * signal.top
    limit = max(_LEAK_HEIGHT * usual, 6 * signal.noise)
    if not small.max() > limit:
        return np.zeros(plane.shape, bool)
    floor = ndi.grey_opening(small, footprint=_disk(radius), mode="nearest")
    mean = ndi.gaussian_filter(small, radius, mode="nearest")
    seeds = (floor > limit) & (floor > _LEAK_SMOOTH * mean)
    if not seeds.any():
        return np.zeros(plane.shape, bool)
    near = ndi.binary_dilation(seeds, _disk(radius))
    region = ndi.binary_propagation(seeds, mask=seeds | (near & (small > limit / 2)))
    full = np.repeat(np.repeat(region, step, axis=0), step, axis=1)
    missing = [(0, max(n - m, 0)) for n, m in zip(plane.shape, full.shape, strict=True)]
    return np.asarray(np.pad(full, missing, mode="edge")[: plane.shape[0], : plane.shape[1]])


def burnt_out(plane: Plane, config: LabelConfig) -> Mask:
    """Find what is at the camera's upper end, with its glow.

    Parameters
    ----------
    plane : ndarray
        Axes YX, float32: the frame.
    config : LabelConfig
        The diameter of the smallest nucleus: half of it is taken for glow.

    Returns
    -------
    ndarray
        Axes YX, bool.
    """
    mask = saturated(plane, config)
    reach = round(config.min_diameter_px / 2)
    return np.asarray(ndi.binary_dilation(mask, iterations=reach) if mask.any() and reach else mask)


def dazzles(region: Mask, plane: Plane, config: LabelConfig) -> bool:
    """Tell whether a region outshines the rest of the frame.

    Parameters
    ----------
    region : ndarray
        Axes YX, bool.
    plane : ndarray
        Axes YX, float32: the frame.
    config : LabelConfig
        The diameter of the smallest nucleus: brightness counts where it fills as many pixels.

    Returns
    -------
    bool
        True when the frame's range above its median shrinks by a third without the region.
    """
    pixels = nucleus_px(config)
    rest = plane[~region]
    if not region.any() or rest.size <= pixels:
        return False
    middle = float(np.median(rest))
    bright, outside = (
        float(np.partition(values, values.size - pixels)[values.size - pixels])
        for values in (plane.ravel(), rest)
    )
    return outside - middle < _DAZZLED * (bright - middle)


def without(plane: Plane, region: Mask) -> Plane:
    """Take a region out of a frame.

    Parameters
    ----------
    plane : ndarray
        Axes YX, float32.
    region : ndarray
        Axes YX, bool; not all True.

    Returns
    -------
    ndarray
        Axes YX, float32: in the region the value of the nearest pixel outside, so that no new edge appears.
    """
    nearest = ndi.distance_transform_edt(region, return_distances=False, return_indices=True)
    return np.asarray(plane[tuple(nearest)])


def _reduce(plane: Plane, step: int) -> Plane:
    """Average blocks of `step` px; the rest at the edge is left out."""
    rows, columns = (n // step for n in plane.shape)
    if rows == 0 or columns == 0:
        return plane[:1, :1]
    blocks = plane[: rows * step, : columns * step].reshape(rows, step, columns, step)
    return np.asarray(blocks.mean(axis=(1, 3)))


def _disk(radius: float) -> Mask:
    """Return a disk as a bool array of odd sides."""
    r = int(np.ceil(radius))
    y, x = np.ogrid[-r : r + 1, -r : r + 1]
    return np.asarray(y * y + x * x <= radius * radius)
