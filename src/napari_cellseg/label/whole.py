"""Tools that tidy a whole frame at once."""

from __future__ import annotations

import numpy as np

from napari_cellseg.errors import InputError
from napari_cellseg.label.change import Edit, Frame, changed
from napari_cellseg.label.runs import Ints, Runs, runs_of


def remove_small(labels: Frame, min_area_px: float, *, frame: int = 0, who: str = "") -> Edit:
    """Delete the objects that are too small to be nuclei.

    Parameters
    ----------
    labels : ndarray
        Axes YX, integer.
    min_area_px : float
        Objects with fewer pixels are deleted.
    frame, who : int, str
        For the record; see `delete`.

    Returns
    -------
    Edit
        Their pixels become background.

    Raises
    ------
    InputError
        No object is so small.
    """
    runs = runs_of(labels)
    numbers, areas = runs.objects()
    small = numbers[areas < min_area_px]
    return _without(labels, runs, small, "remove_small", frame, who, f"No object is below {min_area_px:g} px")


def remove_at_border(labels: Frame, *, frame: int = 0, who: str = "") -> Edit:
    """Delete the objects that the edge of the picture cuts.

    Parameters
    ----------
    labels : ndarray
        Axes YX, integer.
    frame, who : int, str
        For the record; see `delete`.

    Returns
    -------
    Edit
        The pixels of all objects with a pixel in the first or last row or column become background.

    Raises
    ------
    InputError
        No object touches the edge.
    """
    edges = (labels[:1], labels[-1:], labels[:, :1], labels[:, -1:])
    cut = np.unique(np.concatenate([edge.ravel() for edge in edges])).astype(np.int64)
    numbers = cut[cut > 0]
    runs = runs_of(labels)
    return _without(labels, runs, numbers, "remove_at_border", frame, who, "No object touches the edge")


def relabel(labels: Frame, *, frame: int = 0, who: str = "") -> Edit:
    """Give the objects the numbers 1, 2, 3 and so on, without gaps.

    Parameters
    ----------
    labels : ndarray
        Axes YX, integer.
    frame, who : int, str
        For the record; see `delete`.

    Returns
    -------
    Edit
        Objects are numbered from the top, those of one row from the left.

    Raises
    ------
    InputError
        They are numbered like that already.
    """
    runs = runs_of(labels)
    numbers, _ = runs.objects()
    if len(numbers) == 0:
        raise InputError("There is no object to be numbered", "", "Nothing was changed")
    told = "The objects are numbered without gaps already"
    return changed(
        "relabel", frame, *runs.exchanged(labels, numbers, np.arange(1, len(numbers) + 1)), who, told
    )


def _without(
    labels: Frame, runs: Runs, numbers: Ints, tool: str, frame: int, who: str, otherwise: str
) -> Edit:
    """Delete objects, or tell why there is nothing to delete."""
    if len(numbers) == 0:
        raise InputError(otherwise, "", "Nothing was changed")
    return changed(tool, frame, *runs.exchanged(labels, numbers, np.zeros_like(numbers)), who, otherwise)
