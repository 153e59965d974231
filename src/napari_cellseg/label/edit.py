"""The tools of correcting.

Each looks at the labels of a frame and answers with an `Edit`; it changes nothing itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_cellseg.errors import InputError
from napari_cellseg.label.change import Edit, Frame, box_of, cut_out, next_label, object_box
from napari_cellseg.label.click import new_at
from napari_cellseg.label.cut import split
from napari_cellseg.label.draw import ignore, new_object, new_polygon, unignore
from napari_cellseg.label.pick import objects_along, objects_within
from napari_cellseg.label.runs import all_there, runs_of
from napari_cellseg.label.seeds import split_at
from napari_cellseg.label.shape_tools import fill_holes, grow, smooth
from napari_cellseg.label.shift import copied, displacement
from napari_cellseg.label.snap import snap
from napari_cellseg.label.through import followed, through_time
from napari_cellseg.label.whole import relabel, remove_at_border, remove_small

__all__ = [
    "Edit",
    "copied",
    "delete",
    "delete_many",
    "displacement",
    "fill_holes",
    "followed",
    "grow",
    "ignore",
    "merge",
    "merge_many",
    "new_at",
    "new_object",
    "new_polygon",
    "next_label",
    "objects_along",
    "objects_within",
    "relabel",
    "remove_at_border",
    "remove_small",
    "smooth",
    "snap",
    "split",
    "split_at",
    "stroke",
    "through_time",
    "unignore",
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


def delete_many(labels: Frame, numbers: Sequence[int], *, frame: int = 0, who: str = "") -> Edit:
    """Delete several objects at once.

    Parameters
    ----------
    labels : ndarray
        Axes YX, integer.
    numbers : sequence of int
        The objects.
    frame, who : int, str
        For the record; see `delete`.

    Returns
    -------
    Edit
        Their pixels become background.

    Raises
    ------
    InputError
        One of them is no object of the frame, or there is none.
    """
    runs = runs_of(labels)
    gone = all_there(runs, numbers)
    return Edit("delete_many", frame, *runs.exchanged(labels, gone, [0] * len(gone)), who)


def merge_many(labels: Frame, numbers: Sequence[int], *, frame: int = 0, who: str = "") -> Edit:
    """Make one object of several.

    Parameters
    ----------
    labels : ndarray
        Axes YX, integer.
    numbers : sequence of int
        The objects; the number of the first stays.
    frame, who : int, str
        For the record; see `delete`.

    Returns
    -------
    Edit
        All pixels of the others get the number of the first.

    Raises
    ------
    InputError
        One of them is no object of the frame, or there are fewer than two.
    """
    runs = runs_of(labels)
    first, *others = all_there(runs, numbers)
    if not others:
        raise InputError(
            f"There is only one object, number {first}",
            "Two nuclei or more were expected",
            "Draw through all that are one",
        )
    return Edit("merge_many", frame, *runs.exchanged(labels, others, [first] * len(others)), who)


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
