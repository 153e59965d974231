"""From the fluorescence channel to labels: one frame."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from napari_cellseg.config import LabelConfig
from napari_cellseg.data.numbers import renumber
from napari_cellseg.data.samples import IGNORE
from napari_cellseg.errors import InputError, SettingsError
from napari_cellseg.label.contrast import clean, equalise, signal_of
from napari_cellseg.label.defects import burnt_out, dazzles, leaks, odd_objects, without
from napari_cellseg.label.light import Plane
from napari_cellseg.label.outline import Labels, diameters_of, fill_mask, tighten
from napari_cellseg.label.split import split_touching
from napari_cellseg.label.threshold import foreground


def auto_label_frame(image: npt.NDArray[Any], config: LabelConfig) -> Labels:
    """Find the nuclei of one frame in the fluorescence channel.

    Contrast-limited adaptive histogram equalisation, Otsu's threshold (adaptive or global), splitting of what
    touches, and an outline per nucleus; see the modules of this room for each.

    Parameters
    ----------
    image : ndarray
        Axes YX, any real dtype.
    config : LabelConfig
        How nuclei are found.

    Returns
    -------
    ndarray
        Axes YX, int32: 0 background, 1, 2, ... nuclei, -1 ignored regions. Empty where there is nothing to
        find: frames that are constant, dark, or not a number throughout.

    Raises
    ------
    InputError
        The image is not a plane of real numbers.
    SettingsError
        The smallest diameter is above the largest.
    """
    _check(image, config)
    plane = clean(image)
    if plane.size == 0:
        return np.zeros(plane.shape, np.int32)
    labels, leak = _found(plane, config)
    if not config.mark_defects:
        return labels
    glare = leak | burnt_out(plane, config)
    if dazzles(glare, plane, config):
        # Beside leaked stain or burnt-out debris nuclei are faint: look again with the glare taken out.
        again, more = _found(without(plane, glare), config)
        again = renumber(np.maximum(again, 0), ~_mostly_in(glare, again))
        if leak.any() or again.max() > labels.max():  # else it was the nuclei that are burnt out
            labels = again
            labels[(glare | more) & (labels == 0)] = IGNORE
    return labels


def _found(plane: Plane, config: LabelConfig) -> tuple[Labels, npt.NDArray[np.bool_]]:
    """Find nuclei, and leaked stain."""
    signal = signal_of(plane, config)
    if signal is None:
        return np.zeros(plane.shape, np.int32), np.zeros(plane.shape, bool)
    mask = foreground(signal, equalise(signal, config), config)
    if config.fill_holes:
        mask = fill_mask(mask)
    regions = split_touching(mask, signal.above, config)
    outlined = tighten(regions, signal.sharp, config.outline, config.fill_holes)
    size = _padded(diameters_of(outlined), int(regions.max()) + 1)
    right = (size >= config.min_diameter_px) & (size <= config.max_diameter_px)
    if not config.mark_defects:
        return renumber(outlined, right), np.zeros(plane.shape, bool)
    odd = _padded(odd_objects(outlined, signal, config), len(size))
    right &= ~odd
    nuclei = np.where(right[outlined], outlined, 0).astype(np.int32)
    leak = leaks(nuclei, signal, config)
    labels = renumber(nuclei, right & ~_padded(_mostly_in(leak, nuclei), len(size)))
    labels[(odd[regions] | leak) & (labels == 0)] = IGNORE
    return labels, leak


def _mostly_in(region: npt.NDArray[np.bool_], labels: Labels) -> npt.NDArray[np.bool_]:
    """Tell for each label, from 0, whether most of the object lies in a region."""
    owner = np.maximum(labels, 0).ravel()
    inside = np.bincount(owner, region.ravel())
    return np.asarray(inside > 0.5 * np.bincount(owner))


def _padded(values: npt.NDArray[Any], length: int) -> npt.NDArray[Any]:
    """Append zeros, for labels that vanished at the end of the list."""
    return np.pad(values, (0, length - len(values)))


def _check(image: npt.NDArray[Any], config: LabelConfig) -> None:
    if image.ndim != 2 or image.dtype.kind not in "buif":
        raise InputError(
            f"The image has {image.ndim} axes {image.shape} of type {image.dtype}",
            "One plane (height and width) of real numbers is needed to find nuclei",
            "Choose one channel and one plane of the stack",
        )
    if config.min_diameter_px > config.max_diameter_px:
        raise SettingsError(
            f"The smallest nucleus has {config.min_diameter_px:g} px, "
            f"the largest {config.max_diameter_px:g} px",
            "The smallest must be below the largest",
            "Change one of them, or draw a line across a nucleus",
        )


def suggest_diameters(image: npt.NDArray[Any]) -> tuple[float, float] | None:
    """Estimate the diameters of the smallest and the largest nucleus from a frame.

    The frame is labelled with wide limits; the diameter that half of the nucleus area lies below is typical.
    From a third to twice that are nuclei: young daughters, cells before division.

    Parameters
    ----------
    image : ndarray
        Axes YX, any real dtype.

    Returns
    -------
    tuple of float or None
        Smallest and largest diameter in px; None when no nucleus was found.
    """
    low, high = 4.0, float(np.clip(min(image.shape) / 4, 12, 150))
    for _ in range(2):
        config = LabelConfig(
            min_diameter_px=low, max_diameter_px=high, otsu_window_px=int(max(20, low)), mark_defects=False
        )
        diameters = np.sort(diameters_of(auto_label_frame(image, config)))
        diameters = diameters[diameters > 0]
        if diameters.size == 0:
            return None
        area = np.cumsum(diameters**2)
        typical = float(diameters[np.searchsorted(area, area[-1] / 2)])
        low, high = max(round(typical / 3, 1), 3.0), max(round(2 * typical, 1), 6.0)
    return low, high
