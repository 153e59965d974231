"""A correction as a small, reversible fact: what was there, what is there now, in a box of one frame."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_cellseg.data.samples import IGNORE
from napari_cellseg.errors import InputError

Frame = npt.NDArray[np.integer[Any]]
Mask = npt.NDArray[np.bool_]
Box = tuple[int, int, int, int]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass(frozen=True, eq=False)
class Edit:
    """A change to the labels of one frame.

    Attributes
    ----------
    tool : str
        What made it: the name of a function of `label.edit`, such as delete, merge, stroke or new_at.
    frame : int
        The frame, from 0.
    bbox : tuple of int
        The box y0, x0, y1, x1 that holds all changed pixels; y1 and x1 are outside.
    before, after : ndarray
        Axes YX, int32: the labels in the box. Only pixels that differ are changed.
    who : str
        Who did it; may be empty.
    when : str
        Date and time (UTC, ISO 8601).
    """

    tool: str
    frame: int
    bbox: Box
    before: npt.NDArray[np.int32]
    after: npt.NDArray[np.int32]
    who: str = ""
    when: str = field(default_factory=_now)

    def __post_init__(self) -> None:
        y0, x0, y1, x1 = self.bbox
        for name in ("before", "after"):
            array = np.array(getattr(self, name), np.int32)
            if array.shape != (y1 - y0, x1 - x0) or y0 < 0 or x0 < 0:
                raise InputError(
                    f"A correction says that its box is {self.bbox}, but holds {array.shape} pixels",
                    "Both must have the same height and width",
                )
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    def apply(self, labels: npt.NDArray[Any]) -> None:
        """Write the change into labels, in place.

        Parameters
        ----------
        labels : ndarray
            Axes TYX (a movie, also a memory map) or YX (the frame itself); integer. Pixels that the edit does
            not change are not touched.

        Raises
        ------
        InputError
            The labels are smaller than the box, or have no such frame.
        """
        y0, x0, y1, x1 = self.bbox
        plane = labels
        if labels.ndim == 3:
            if not 0 <= self.frame < labels.shape[0]:
                raise _misfit(self, labels.shape)
            plane = labels[self.frame]
        if plane.ndim != 2 or y1 > plane.shape[0] or x1 > plane.shape[1]:
            raise _misfit(self, labels.shape)
        np.copyto(plane[y0:y1, x0:x1], self.after, where=self.before != self.after, casting="same_kind")

    def inverse(self) -> Edit:
        """Make the edit that takes this one back.

        Returns
        -------
        Edit
            With before and after exchanged.
        """
        return replace(self, before=self.after, after=self.before)


def _misfit(edit: Edit, shape: tuple[int, ...]) -> InputError:
    return InputError(
        f"A correction of frame {edit.frame} in the box {edit.bbox} does not fit labels of the shape {shape}",
        "Corrections only fit the labels that they were made for",
        "Choose those labels",
    )


def next_label(labels: Frame) -> int:
    """Choose the number of a new object.

    Parameters
    ----------
    labels : ndarray
        Axes YX, integer.

    Returns
    -------
    int
        One more than the largest label; at least 1.
    """
    return max(int(labels.max()), 0) + 1 if labels.size else 1


def box_of(mask: Mask, margin_px: int = 0) -> Box | None:
    """Find the box around the True pixels.

    Parameters
    ----------
    mask : ndarray
        Axes YX, bool.
    margin_px : int
        Room around it in px, as far as the frame reaches.

    Returns
    -------
    tuple of int or None
        y0, x0, y1, x1, the last two outside; None when no pixel is True.
    """
    rows = np.flatnonzero(mask.any(axis=1))
    if rows.size == 0:
        return None
    y0, y1 = int(rows[0]), int(rows[-1]) + 1
    columns = np.flatnonzero(mask[y0:y1].any(axis=0))
    x0, x1 = int(columns[0]), int(columns[-1]) + 1
    return (
        max(y0 - margin_px, 0),
        max(x0 - margin_px, 0),
        min(y1 + margin_px, mask.shape[0]),
        min(x1 + margin_px, mask.shape[1]),
    )


def cut_out(labels: Frame, box: Box) -> npt.NDArray[np.int32]:
    """Copy a box of a frame.

    Parameters
    ----------
    labels : ndarray
        Axes YX, integer.
    box : tuple of int
        y0, x0, y1, x1, the last two outside.

    Returns
    -------
    ndarray
        Axes YX, int32, a copy.
    """
    y0, x0, y1, x1 = box
    return np.array(labels[y0:y1, x0:x1], np.int32)


def object_box(labels: Frame, label: int, margin_px: int = 0) -> Box:
    """Find the box of an object.

    Parameters
    ----------
    labels : ndarray
        Axes YX, integer.
    label : int
        The object.
    margin_px : int
        Room around it in px, as far as the frame reaches.

    Returns
    -------
    tuple of int
        y0, x0, y1, x1, the last two outside.

    Raises
    ------
    InputError
        There is no such object.
    """
    box = box_of(labels == label, margin_px) if label > 0 else None
    if box is None:
        what = (
            "an ignored region" if label == IGNORE else "background" if label == 0 else f"no object {label}"
        )
        raise InputError(f"There is {what} here", "A nucleus was expected", "Click on a nucleus")
    return box


def changed(
    tool: str,
    frame: int,
    box: Box,
    before: npt.NDArray[np.int32],
    after: npt.NDArray[np.int32],
    who: str,
    otherwise: str,
) -> Edit:
    """Make an edit, cut to what it changes.

    Parameters
    ----------
    tool, frame, who : str, int, str
        See `Edit`.
    box : tuple of int
        The box of `before` and `after`.
    before, after : ndarray
        Axes YX, int32.
    otherwise : str
        What to tell the person when nothing changes.

    Returns
    -------
    Edit
        Its box is the smallest.

    Raises
    ------
    InputError
        Nothing changes.
    """
    part = box_of(before != after)
    if part is None:
        raise InputError(otherwise, "", "Nothing was changed")
    y0, x0, y1, x1 = part
    moved = (box[0] + y0, box[1] + x0, box[0] + y1, box[1] + x1)
    return Edit(tool, frame, moved, before[y0:y1, x0:x1], after[y0:y1, x0:x1], who)
