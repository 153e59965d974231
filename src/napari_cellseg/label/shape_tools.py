"""Tools that mend the shape of an object: holes, ragged outlines."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from napari_cellseg.errors import InputError
from napari_cellseg.label.change import Edit, Frame, Mask, box_of, changed, cut_out, object_box
from napari_cellseg.label.outline import fill_enclosed, fill_mask

_MARGIN_PX = 3


def fill_holes(labels: Frame, label: int | None = None, *, frame: int = 0, who: str = "") -> Edit:
    """Close the holes of one object or of all.

    A hole is background that the object surrounds; one with another object or an ignored region in it stays.

    Parameters
    ----------
    labels : ndarray
        Axes YX, integer.
    label : int or None
        The object; None for all.
    frame, who : int, str
        For the record; see `delete`.

    Returns
    -------
    Edit
        The holes get the object's number.

    Raises
    ------
    InputError
        There is no such object, or no hole.
    """
    if label is not None:
        box = object_box(labels, label)
        before = cut_out(labels, box)
        after = before.copy()
        after[_holes(before, before == label)] = label
        return changed("fill_holes", frame, box, before, after, who, f"Object {label} has no holes")
    box = box_of(labels > 0) or (0, 0, 0, 0)
    before = cut_out(labels, box)
    return changed("fill_holes", frame, box, before, fill_enclosed(before), who, "No object has holes")


def _holes(labels: npt.NDArray[np.int32], mask: Mask) -> Mask:
    """Find the holes of an object that hold nothing but background."""
    inside = fill_mask(mask) & ~mask
    if not inside.any():
        return np.asarray(inside)
    holes, n = ndi.label(inside)
    free = np.ones(n + 1, bool)
    free[holes[inside & (labels != 0)]] = False
    free[0] = False
    return np.asarray(free[holes])


def smooth(labels: Frame, label: int, *, radius_px: float = 2.0, frame: int = 0, who: str = "") -> Edit:
    """Smooth the outline of an object.

    Parameters
    ----------
    labels : ndarray
        Axes YX, integer.
    label : int
        The object.
    radius_px : float
        Standard deviation in px of the Gaussian that blurs it; its half-height is the new outline.
    frame, who : int, str
        For the record; see `delete`.

    Returns
    -------
    Edit
        The object loses its corners and may grow into background, never into others.

    Raises
    ------
    InputError
        There is no such object, it is smooth already, or so small that nothing would be left.
    """
    box = object_box(labels, label, margin_px=_MARGIN_PX + round(3 * radius_px))
    before = cut_out(labels, box)
    mask = before == label
    # Beyond the frame the object goes on as it is at the edge: it must not shrink away from it.
    soft = ndi.gaussian_filter(mask.astype(np.float32), radius_px, mode="nearest") > 0.5
    rounded = largest(soft & (mask | (before == 0)))
    if not rounded.any():
        raise InputError(f"Object {label} is too small to be smoothed", "", "Paint it, or leave it as it is")
    after = np.where(rounded, label, np.where(mask, 0, before))
    return changed("smooth", frame, box, before, after, who, f"Object {label} is smooth already")


def grow(labels: Frame, label: int, by_px: float = 1.0, *, frame: int = 0, who: str = "") -> Edit:
    """Move the outline of an object outwards or inwards.

    Parameters
    ----------
    labels : ndarray
        Axes YX, integer.
    label : int
        The object.
    by_px : float
        How far in px; negative values shrink it.
    frame, who : int, str
        For the record; see `delete`.

    Returns
    -------
    Edit
        It may grow into background, also into its holes, never into others or over them. Of what shrinking
        takes apart the largest piece stays. The edge of the picture is no outline: it does not draw back
        from there.

    Raises
    ------
    InputError
        There is no such object, no room around it, or nothing would be left of it.
    """
    if not np.isfinite(by_px):
        raise InputError(f"{by_px} px is no width", "A number was expected", "Choose how far to grow")
    box = object_box(labels, label, margin_px=int(np.ceil(abs(by_px))) + 1)
    before = cut_out(labels, box)
    mask = before == label
    if by_px < 0:
        moved = largest(_distance(mask) > -by_px) & mask
    else:
        near = _distance(~mask) <= by_px
        pieces, n = ndi.label((near & (before == 0)) | mask)
        reached = np.zeros(n + 1, bool)
        reached[pieces[mask]] = True
        moved = reached[pieces]
    if not moved.any():
        raise InputError(
            f"Object {label} would vanish",
            f"It is narrower than {-2 * by_px:g} px",
            "Delete it, or shrink it by less",
        )
    after = np.where(moved, label, np.where(mask, 0, before))
    otherwise = f"Object {label} has no room to grow" if by_px > 0 else f"Object {label} stays as it is"
    return changed("grow", frame, box, before, after, who, otherwise)


def _distance(mask: Mask) -> npt.NDArray[np.float64]:
    """Measure how far each True pixel is from the False ones; infinitely far where there is none."""
    if mask.all():
        return np.full(mask.shape, np.inf)
    return np.asarray(ndi.distance_transform_edt(mask))


def largest(mask: Mask) -> Mask:
    """Keep the largest connected piece.

    Parameters
    ----------
    mask : ndarray
        Axes YX, bool.

    Returns
    -------
    ndarray
        Axes YX, bool; pixels that share a side are connected.
    """
    pieces, n = ndi.label(mask)
    if n < 2:
        return mask
    return np.asarray(pieces == np.bincount(pieces.ravel())[1:].argmax() + 1)
