"""Objects and ignored regions that the person drew."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from napari_cellseg.data.samples import IGNORE
from napari_cellseg.errors import InputError
from napari_cellseg.label.change import Box, Edit, Frame, Mask, box_of, changed, cut_out, next_label
from napari_cellseg.label.pick import filled_outline

NO_ROOM = "There is no room for a new object here"


def new_object(labels: Frame, mask: Mask, protect: bool = True, *, frame: int = 0, who: str = "") -> Edit:
    """Add an object.

    Parameters
    ----------
    labels : ndarray
        Axes YX, integer.
    mask : ndarray
        Axes YX, bool: where it is.
    protect : bool
        True leaves other objects their pixels, False takes them. Background and ignored pixels are free
        either way.
    frame, who : int, str
        For the record; see `delete`.

    Returns
    -------
    Edit
        The pixels of the mask become the new object, numbered by `next_label`.

    Raises
    ------
    InputError
        The mask has another shape, or no free pixel.
    """
    if mask.shape != labels.shape:
        raise InputError(
            f"The new object was drawn on {mask.shape} px, the labels have {labels.shape}",
            "Both must be the same frame",
        )
    box = box_of(mask)
    if box is None:
        raise InputError("The new object has no pixels", "", "Draw it on the background")
    y0, x0, y1, x1 = box
    before, after = with_object(labels, mask[y0:y1, x0:x1], box, protect)
    return changed("new_object", frame, box, before, after, who, NO_ROOM)


def new_polygon(
    labels: Frame, outline: npt.ArrayLike, protect: bool = True, *, frame: int = 0, who: str = ""
) -> Edit:
    """Add an object with the outline that the person drew.

    Parameters
    ----------
    labels : ndarray
        Axes YX, integer.
    outline : array-like
        N x 2: y and x in px of its corners, pixel centres at whole numbers; the last is joined to the first.
    protect : bool
        True leaves other objects their pixels, False takes them.
    frame, who : int, str
        For the record; see `delete`.

    Returns
    -------
    Edit
        The pixels within become the new object, numbered by `next_label`.

    Raises
    ------
    InputError
        The outline has no area, lies outside the frame, or holds no free pixel.
    """
    mask, box = filled_outline(outline, labels.shape)
    before, after = with_object(labels, mask, box, protect)
    return changed("new_polygon", frame, box, before, after, who, NO_ROOM)


def with_object(
    labels: Frame, mask: Mask, box: Box, protect: bool, number: int | None = None
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Put an object into a box of a frame.

    Parameters
    ----------
    labels : ndarray
        Axes YX, integer.
    mask : ndarray
        Axes YX, bool: where it is in the box.
    box : tuple of int
        y0, x0, y1, x1, the last two outside.
    protect : bool
        True leaves other objects their pixels.
    number : int, optional
        The object's number; by default the one that `next_label` chooses.

    Returns
    -------
    before, after : ndarray
        Axes YX, int32: the labels in the box.
    """
    before = cut_out(labels, box)
    free = mask & (before <= 0) if protect else mask
    return before, np.where(free, next_label(labels) if number is None else number, before)


def ignore(
    labels: Frame, outline: npt.ArrayLike, protect: bool = True, *, frame: int = 0, who: str = ""
) -> Edit:
    """Mark a region that training and counting leave out.

    Parameters
    ----------
    labels : ndarray
        Axes YX, integer.
    outline : array-like
        N x 2: y and x in px of its corners, pixel centres at whole numbers; the last is joined to the first.
    protect : bool
        True marks background only, False objects too.
    frame, who : int, str
        For the record; see `delete`.

    Returns
    -------
    Edit
        The pixels within become -1.

    Raises
    ------
    InputError
        The outline has no area or lies outside the frame, or nothing in it can be marked.
    """
    mask, box = filled_outline(outline, labels.shape)
    before = cut_out(labels, box)
    region = mask & (before == 0) if protect else mask
    after = np.where(region, IGNORE, before)
    return changed("ignore", frame, box, before, after, who, "Nothing here can be marked as ignored")


def unignore(labels: Frame, outline: npt.ArrayLike, *, frame: int = 0, who: str = "") -> Edit:
    """Take the mark off a region that was ignored.

    Parameters
    ----------
    labels : ndarray
        Axes YX, integer.
    outline : array-like
        N x 2: y and x in px of its corners, pixel centres at whole numbers; the last is joined to the first.
    frame, who : int, str
        For the record; see `delete`.

    Returns
    -------
    Edit
        Ignored pixels within become background.

    Raises
    ------
    InputError
        The outline has no area or lies outside the frame, or nothing in it is ignored.
    """
    mask, box = filled_outline(outline, labels.shape)
    before = cut_out(labels, box)
    after = np.where(mask & (before == IGNORE), 0, before)
    return changed("unignore", frame, box, before, after, who, "Nothing here is ignored")
