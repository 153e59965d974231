"""An object through time, and one tool for it in all its frames."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from napari_cellseg.errors import InputError
from napari_cellseg.label.change import Edit, Frame, object_box

_LEAST_IOU = 0.3


class ObjectTool(Protocol):
    """A tool that changes one object, such as `delete`, `smooth`, `fill_holes` or `grow`."""

    def __call__(self, labels: Frame, label: int, *, frame: int = 0, who: str = "") -> Edit:
        """Answer with the edit."""
        ...


def followed(
    movie: Any, frame: int, label: int, first: int | None = None, last: int | None = None
) -> dict[int, int]:
    """Follow an object from frame to frame.

    Two objects of neighbouring frames are the same when each overlaps with the other more than with any, and
    their intersection over union is at least 0.3. Where there is no such object, the way ends.

    Parameters
    ----------
    movie : array-like
        Axes TYX, integer; frames are read one by one, from the given one outwards.
    frame : int
        Where the object is.
    label : int
        Its number there.
    first, last : int, optional
        The first and the last frame to look at. By default the whole movie.

    Returns
    -------
    dict of int to int
        The object's number by frame, in the order of the frames, the given one among them.

    Raises
    ------
    InputError
        There is no such frame, or no such object in it.
    """
    n = len(movie)
    if not 0 <= frame < n:
        raise InputError(f"There is no frame {frame}", f"The movie has frames 0 to {n - 1}")
    start = np.asarray(movie[frame])
    object_box(start, label)
    found = {frame: int(label)}
    ways = (
        range(frame - 1, max(first or 0, 0) - 1, -1),
        range(frame + 1, min(n - 1 if last is None else last, n - 1) + 1),
    )
    for way in ways:
        plane, number = start, int(label)
        for t in way:
            other = np.asarray(movie[t])
            match = _same(plane, number, other)
            if match is None:
                break
            plane, number = other, match
            found[t] = match
    return dict(sorted(found.items()))


def through_time(
    movie: Any,
    frame: int,
    label: int,
    tool: ObjectTool,
    first: int | None = None,
    last: int | None = None,
    *,
    who: str = "",
) -> list[Edit]:
    """Apply a tool to an object in all frames that it can be followed through.

    Parameters
    ----------
    movie, frame, label, first, last : array-like, int, int, int, int
        See `followed`.
    tool : callable
        Such as `delete`, `smooth`, `fill_holes`, or ``functools.partial(grow, by_px=2)``.
    who : str
        For the record; see `delete`.

    Returns
    -------
    list of Edit
        At most one per frame, in their order. Frames where the tool has nothing to do are left out.

    Raises
    ------
    InputError
        There is no such object, or the tool has nothing to do in any of its frames.
    """
    edits, refused = [], None
    for t, number in followed(movie, frame, label, first, last).items():
        try:
            edits.append(tool(np.asarray(movie[t]), number, frame=t, who=who))
        except InputError as error:
            refused = error
    if not edits and refused is not None:
        raise refused
    return edits


def _same(plane: Frame, number: int, other: Frame) -> int | None:
    """Find an object in the frame beside, or None where it is lost."""
    match = _best(plane, number, other)
    if match is None:
        return None
    back = _best(other, match, plane)
    return match if back == number else None


def _best(plane: Frame, number: int, other: Frame) -> int | None:
    """Find the object of another frame with the largest intersection over union, if that is enough."""
    y0, x0, y1, x1 = object_box(plane, number)
    mask = plane[y0:y1, x0:x1] == number
    under = other[y0:y1, x0:x1][mask]
    numbers, shared = np.unique(under[under > 0], return_counts=True)
    area = np.count_nonzero(mask)
    areas = np.array([np.count_nonzero(other == each) for each in numbers])
    iou = shared / (area + areas - shared) if numbers.size else np.zeros(1)
    return int(numbers[iou.argmax()]) if iou.max() >= _LEAST_IOU else None
