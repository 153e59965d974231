"""Where the labels of a frame are, as runs along its rows: one pass for any number of objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_cellseg.errors import InputError
from napari_cellseg.label.change import Box, Frame, cut_out

Ints = npt.NDArray[np.int64]
Plane = npt.NDArray[np.int32]
Numbers = Sequence[int] | npt.NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False)
class Runs:
    """The pixels of a frame as runs of equal labels; none goes on into the next row.

    A frame has a hundred times fewer runs than pixels: whatever concerns many objects is looked up there.

    Attributes
    ----------
    row : ndarray
        The row of each run; from the top, and within a row from the left.
    start, stop : ndarray
        Its columns; `stop` is outside.
    label : ndarray
        Its label, in the type of the frame.
    """

    row: Ints
    start: Ints
    stop: Ints
    label: npt.NDArray[np.integer[Any]]

    def areas(self, numbers: Numbers) -> Ints:
        """Count the pixels of objects.

        Parameters
        ----------
        numbers : sequence of int
            The objects, each once.

        Returns
        -------
        ndarray
            int64, their areas in px, in the same order; 0 for those that are not there.
        """
        here, which = self._matched(numbers)
        lengths = (self.stop - self.start)[here]
        return np.bincount(which, lengths, minlength=len(numbers)).astype(np.int64)

    def objects(self) -> tuple[Ints, Ints]:
        """List the objects of the frame in the order in which its rows meet them, from the top left.

        Returns
        -------
        numbers, areas : ndarray
            int64; background and ignored pixels are not among them.
        """
        positive = self.label > 0
        lengths = (self.stop - self.start)[positive]
        found, first, which = np.unique(self.label[positive], return_index=True, return_inverse=True)
        areas = np.bincount(which, lengths, minlength=len(found)).astype(np.int64)
        order = np.argsort(first)
        return found[order].astype(np.int64), areas[order]

    def exchanged(self, labels: Frame, numbers: Numbers, new: Numbers) -> tuple[Box, Plane, Plane]:
        """Give objects other numbers.

        Parameters
        ----------
        labels : ndarray
            Axes YX, integer: the frame that the runs were read from.
        numbers : sequence of int
            Objects of the frame, each once; at least one of them is there.
        new : sequence of int
            What each becomes; 0 makes it background.

        Returns
        -------
        box : tuple of int
            y0, x0, y1, x1 around the objects, the last two outside.
        before, after : ndarray
            Axes YX, int32: the labels in the box.
        """
        here, which = self._matched(numbers)
        start, stop = self.start[here], self.stop[here]
        y0, y1 = int(self.row[here[0]]), int(self.row[here[-1]]) + 1
        box = (y0, int(start.min()), y1, int(stop.max()))
        after = self.label.astype(np.int32)
        after[here] = np.asarray(new, np.int32)[which]
        rows = slice(*np.searchsorted(self.row, (y0, y1)))
        drawn = np.repeat(after[rows], (self.stop - self.start)[rows]).reshape(y1 - y0, labels.shape[1])
        return box, cut_out(labels, box), drawn[:, box[1] : box[3]]

    def _matched(self, numbers: Numbers) -> tuple[Ints, Ints]:
        """Find the runs of objects, and which of the objects each belongs to."""
        wanted = np.asarray(numbers, np.int64)
        order = np.argsort(wanted)
        here = np.flatnonzero(np.isin(self.label, wanted))
        return here, order[np.searchsorted(wanted, self.label[here].astype(np.int64), sorter=order)]


def runs_of(labels: Frame) -> Runs:
    """Read a frame as runs.

    Parameters
    ----------
    labels : ndarray
        Axes YX, integer.

    Returns
    -------
    Runs
        All of them, background and ignored pixels too.
    """
    width = labels.shape[1]
    flat = labels.ravel()
    if flat.size == 0:
        none = np.zeros(0, np.int64)
        return Runs(none, none, none, flat)
    begins = np.empty(flat.size, bool)
    np.not_equal(flat[1:], flat[:-1], out=begins[1:])
    begins[::width] = True
    at = np.flatnonzero(begins)
    ends_of_rows = np.searchsorted(at, np.arange(1, labels.shape[0] + 1) * width)
    row = np.repeat(np.arange(labels.shape[0]), np.diff(ends_of_rows, prepend=0))
    ends = np.append(at[1:], flat.size)
    return Runs(row, at - row * width, ends - row * width, flat[at])


def all_there(runs: Runs, numbers: Sequence[int]) -> list[int]:
    """Check that objects are there.

    Parameters
    ----------
    runs : Runs
        The frame.
    numbers : sequence of int
        The objects.

    Returns
    -------
    list of int
        Each of them once, in the same order.

    Raises
    ------
    InputError
        One of them is no object of the frame, or there is none.
    """
    once = [int(number) for number in dict.fromkeys(numbers)]
    areas = runs.areas(once)
    missing = [number for number, area in zip(once, areas, strict=True) if number <= 0 or not area]
    if not once or missing:
        what = f"There is no object {', '.join(map(str, missing))} here" if missing else "Nothing was chosen"
        raise InputError(what, "Nuclei were expected", "Choose nuclei of this frame")
    return once
