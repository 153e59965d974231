"""The tools of correcting.

Each looks at the labels of a frame and answers with an `Edit`; it changes nothing itself.
"""

from __future__ import annotations

import numpy as np

from napari_cellseg.errors import InputError
from napari_cellseg.label.change import Edit, Frame, Mask, box_of, cut_out, next_label, object_box
from napari_cellseg.label.cut import split
from napari_cellseg.label.shape_tools import fill_holes, smooth

__all__ = [
    "Edit",
    "delete",
    "fill_holes",
    "merge",
    "new_object",
    "next_label",
    "smooth",
    "split",
    "stroke",
]


def delete(labels: Frame, label: int, *, frame: int = 0, who: str = "") -> Edit:
    """Delete an object.

    Parameters
    ----------
    labels : ndarray
        Axes YX, integer.
    label : int
        The object.
    frame : int
        The frame's number, for the record.
    who : str
        Who does it, for the record.

    Returns
    -------
    Edit
        Its pixels become background.

    Raises
    ------
    InputError
        There is no such object.
    """
    box = object_box(labels, label)
    before = cut_out(labels, box)
    return Edit("delete", frame, box, before, np.where(before == label, 0, before), who)


def merge(labels: Frame, label_a: int, label_b: int, *, frame: int = 0, who: str = "") -> Edit:
    """Make one object of two.

    Parameters
    ----------
    labels : ndarray
        Axes YX, integer.
    label_a : int
        The object whose number stays.
    label_b : int
        The object that becomes part of it.
    frame, who : int, str
        For the record; see `delete`.

    Returns
    -------
    Edit
        All pixels of the second get the number of the first.

    Raises
    ------
    InputError
        One of them is no object, or both are the same.
    """
    object_box(labels, label_a)
    if label_a == label_b:
        raise InputError(
            f"Both are already one object, number {label_a}",
            "Two different nuclei were expected",
            "Click on the other one",
        )
    box = object_box(labels, label_b)
    before = cut_out(labels, box)
    return Edit("merge", frame, box, before, np.where(before == label_b, label_a, before), who)


def stroke(
    before_frame: Frame, after_frame: Frame, *, tool: str = "stroke", frame: int = 0, who: str = ""
) -> Edit:
    """Record what a brush did.

    Parameters
    ----------
    before_frame, after_frame : ndarray
        Axes YX, integer: the labels before and after.
    tool : str
        What the record calls it.
    frame, who : int, str
        For the record; see `delete`.

    Returns
    -------
    Edit
        The box around all pixels that differ.

    Raises
    ------
    InputError
        Nothing differs, or the frames have different shapes.
    """
    if before_frame.shape != after_frame.shape:
        raise InputError(
            f"The labels had the shape {before_frame.shape} before the stroke, {after_frame.shape} after it",
            "Both must be the same frame",
        )
    box = box_of(before_frame != after_frame)
    if box is None:
        raise InputError("The stroke changed nothing", "", "Paint on the nucleus or beside it")
    return Edit(tool, frame, box, cut_out(before_frame, box), cut_out(after_frame, box), who)


def new_object(labels: Frame, mask: Mask, *, frame: int = 0, who: str = "") -> Edit:
    """Add an object.

    Parameters
    ----------
    labels : ndarray
        Axes YX, integer.
    mask : ndarray
        Axes YX, bool: where it is. Other objects keep their pixels.
    frame, who : int, str
        For the record; see `delete`.

    Returns
    -------
    Edit
        Background and ignored pixels of the mask become the new object, numbered by `next_label`.

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
    box = box_of(mask & (labels <= 0))
    if box is None:
        raise InputError("There is no room for a new object here", "", "Draw it on the background")
    before = cut_out(labels, box)
    y0, x0, y1, x1 = box
    after = np.where(mask[y0:y1, x0:x1] & (before <= 0), next_label(labels), before)
    return Edit("new_object", frame, box, before, after, who)
