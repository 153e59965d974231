"""Redrawing the border of an object along the edge that the image shows."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi
from skimage.segmentation import watershed

from napari_cellseg.errors import InputError
from napari_cellseg.label.change import Edit, Frame, Mask, changed, cut_out, object_box
from napari_cellseg.label.contrast import clean
from napari_cellseg.label.outline import fill_mask
from napari_cellseg.label.shape_tools import largest

_BLUR_PX = 1.0
_FADE = 0.7  # of the reach: how soon edges count less with their distance from the old border
_CORE = 0.6  # of the depth of an object: at least so much of it stays
_ROUND_PX = 1.0


def snap(
    labels: Frame,
    label: int,
    image: npt.NDArray[Any],
    reach_px: float = 6.0,
    *,
    frame: int = 0,
    who: str = "",
) -> Edit:
    """Redraw the border of an object along the edge in the image nearby.

    A watershed on the magnitude of the gradient, from the core of the object and from what is out of reach,
    with less weight for edges far from the old border: it finds edges of either direction, also those of a
    halo.

    Parameters
    ----------
    labels : ndarray
        Axes YX, integer.
    label : int
        The object.
    image : ndarray
        Axes YX, real: the picture whose edges count.
    reach_px : float
        How far in px the border may move.
    frame, who : int, str
        For the record; see `delete`.

    Returns
    -------
    Edit
        The object with its new border; it may take background, never other objects or ignored pixels.

    Raises
    ------
    InputError
        There is no such object, the image has another shape or shows no edge there, or the border lies on
        the edge already.
    """
    if image.shape != labels.shape:
        raise InputError(
            f"The picture has {image.shape} px, the labels have {labels.shape}", "Both must be the same frame"
        )
    if not reach_px >= 1:
        raise InputError(f"The border cannot move by {reach_px:g} px", "At least 1 px was expected")
    box = object_box(labels, label, margin_px=int(np.ceil(reach_px)) + 3)
    before = cut_out(labels, box)
    mask = before == label
    new = _redrawn(mask, before == 0, clean(image[box[0] : box[2], box[1] : box[3]]), reach_px)
    if new is None:
        raise InputError(
            f"The picture shows no edge near object {label}", "", "Paint it, or choose another channel"
        )
    after = np.where(new, label, np.where(mask, 0, before))
    return changed("snap", frame, box, before, after, who, f"Object {label} follows the edge already")


def _redrawn(mask: Mask, background: Mask, image: npt.NDArray[np.float32], reach_px: float) -> Mask | None:
    """Find the object anew, or answer None where the image is flat."""
    padded = np.pad(mask, 1, mode="edge")  # beyond the edge of the picture the object goes on
    depth = (
        ndi.distance_transform_edt(padded)[1:-1, 1:-1] if not padded.all() else np.full(mask.shape, np.inf)
    )
    away = ndi.distance_transform_edt(~mask)
    slope = ndi.gaussian_gradient_magnitude(image, _BLUR_PX)
    if not slope.max() > 1e-6 * max(float(np.abs(image).max()), 1e-30):
        return None
    from_border = np.where(mask, depth, away) - 0.5
    slope *= np.exp(-0.5 * (from_border / (_FADE * reach_px)) ** 2)
    may = mask | background
    markers = np.zeros(mask.shape, np.int32)
    markers[mask & (depth > min(reach_px, _CORE * float(depth.max())))] = 1
    markers[~may | (away > reach_px)] = 2
    object_ = (watershed(slope, markers) == 1) & may
    rounded = ndi.gaussian_filter(object_.astype(np.float32), _ROUND_PX, mode="nearest") > 0.5
    return fill_mask(largest(rounded & may)) & may if (rounded & may).any() else None
