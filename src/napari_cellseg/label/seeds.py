"""Splitting an object that is two, by a click on each."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi
from skimage.segmentation import watershed

from napari_cellseg.errors import InputError
from napari_cellseg.label.change import Edit, Frame, Mask, cut_out, next_label, object_box
from napari_cellseg.label.pick import pixel_at

_SEED_PX = 2.0
_BLUR_PX = 1.0
_DEPTH, _BETWEEN = 0.5, 0.5  # beside the guide's 1; measured on merged neighbours of curated masks
_DEPTH_ALONE, _BETWEEN_ALONE = 1.0, 0.75


def split_at(
    labels: Frame,
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    guide: npt.NDArray[Any] | None = None,
    *,
    frame: int = 0,
    who: str = "",
) -> Edit:
    """Split an object into the two that were clicked.

    A watershed from both clicks. Its landscape is the depth within the object, so that it parts at a waist,
    the guide where there is one, and a valley half-way between the clicks: where neither shape nor guide
    tells the two apart, they are parted there.

    Parameters
    ----------
    labels : ndarray
        Axes YX, integer.
    a, b : array-like
        y and x in px of the two clicks, pixel centres at whole numbers.
    guide : ndarray, optional
        Axes YX, real: high inside objects and low between them, such as a probability, or the image where
        objects are bright.
    frame, who : int, str
        For the record; see `delete`.

    Returns
    -------
    Edit
        The larger part keeps the number, the smaller one gets a new one.

    Raises
    ------
    InputError
        The clicks are not on two pixels of one object, or the guide has another shape.
    """
    at_a, at_b = pixel_at(a, labels.shape), pixel_at(b, labels.shape)
    label = _clicked(labels, at_a, at_b)
    if guide is not None and guide.shape != labels.shape:
        raise InputError(
            f"The picture that guides the cut has {guide.shape} px, the labels have {labels.shape}",
            "Both must be the same frame",
        )
    box = object_box(labels, label, margin_px=1)
    y0, x0, y1, x1 = box
    before = cut_out(labels, box)
    mask = before == label
    first, second = (np.subtract(at, (y0, x0)) for at in (at_a, at_b))
    heights = _landscape(mask, first, second, None if guide is None else guide[y0:y1, x0:x1])
    parts = watershed(-heights, _seeds(mask, first, second), mask=mask)
    smaller = _smaller_part(mask, parts)
    return Edit("split_at", frame, box, before, np.where(smaller, next_label(labels), before), who)


def _clicked(labels: Frame, a: tuple[int, int], b: tuple[int, int]) -> int:
    """Return the object that both clicks are on."""
    first, second = int(labels[a]), int(labels[b])
    if first <= 0 or first != second:
        what = "not on a nucleus" if min(first, second) <= 0 else f"on two nuclei, {first} and {second}"
        raise InputError(
            f"The clicks are {what}",
            "Both must be on the nucleus that is two",
            "Click on the one, then on the other",
        )
    if a == b:
        raise InputError("Both clicks are on the same place", "", "Click on the one, then on the other")
    return first


def _landscape(
    mask: Mask, a: npt.NDArray[np.intp], b: npt.NDArray[np.intp], guide: npt.NDArray[Any] | None
) -> npt.NDArray[np.float64]:
    """Make heights that are large where the two are and small where they are to be parted."""
    padded = np.pad(mask, 1, mode="edge")  # the edge of the picture is no waist
    depth = ndi.distance_transform_edt(padded)[1:-1, 1:-1] if not padded.all() else np.ones(mask.shape)
    depth = ndi.gaussian_filter(depth, _BLUR_PX)
    y, x = np.indices(mask.shape, np.float32)
    to_a, to_b = (np.hypot(y - at[0], x - at[1]) for at in (a, b))
    between = np.abs(to_a - to_b) / np.hypot(*(b - a))  # 0 half-way, 1 at the clicks and beyond
    if guide is None:
        return np.asarray(_DEPTH_ALONE * depth / depth.max() + _BETWEEN_ALONE * between)
    return np.asarray(_unit(guide, mask) + _DEPTH * depth / depth.max() + _BETWEEN * between)


def _unit(guide: npt.NDArray[Any], mask: Mask) -> npt.NDArray[np.float64]:
    """Bring a guide to the range 0 to 1 within an object."""
    inside = np.nan_to_num(np.where(mask, guide, 0).astype(np.float64), posinf=0, neginf=0)
    share = np.maximum(ndi.gaussian_filter(mask.astype(np.float64), _BLUR_PX), 1e-3)
    smooth = ndi.gaussian_filter(inside, _BLUR_PX) / share
    low, high = np.percentile(smooth[mask], [2, 98])
    if not high - low > 1e-6 * max(abs(high), abs(low)):
        return np.zeros(mask.shape)
    return np.asarray(np.clip((smooth - low) / (high - low), 0, 1))


def _seeds(mask: Mask, a: npt.NDArray[np.intp], b: npt.NDArray[np.intp]) -> npt.NDArray[np.int32]:
    """Mark a small disc of the object around each click, so that a click beside the middle does no harm."""
    radius = min(_SEED_PX, float(np.hypot(*(b - a))) / 3)
    y, x = np.indices(mask.shape)
    seeds = np.zeros(mask.shape, np.int32)
    for number, at in enumerate((a, b), 1):
        seeds[mask & (np.hypot(y - at[0], x - at[1]) <= radius)] = number
    return seeds


def _smaller_part(mask: Mask, parts: npt.NDArray[np.integer[Any]]) -> Mask:
    """Choose the part that gets a new number; what the clicks do not reach stays with the other."""
    one, two = parts == 1, parts == 2
    return np.asarray(two if two.sum() <= one.sum() else one) & mask
