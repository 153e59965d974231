"""napari's account of a brush stroke, as edits that can be undone and written down."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_cellseg.label.edit import Edit

_FEW_PX = 100_000
"""Up to here, single pixels are written and drawn more quickly than a frame."""


@dataclass(frozen=True)
class _Dab:
    """One touch of the brush on one frame: what was there before, and what after."""

    frame: int
    y: slice
    x: slice
    mask: npt.NDArray[np.bool_] | None
    old: npt.NDArray[Any]
    new: npt.NDArray[Any]


def edits_of(movie: npt.NDArray[np.int32], time_axis: int | None, atoms: Sequence[Any]) -> Iterator[Edit]:
    """Make edits from the value of a layer's ``paint`` event.

    Parameters
    ----------
    movie : ndarray
        The labels, TYX, painted already or about to be.
    time_axis : int or None
        Which axis of the layer is time; None for a single frame.
    atoms : sequence
        The event's value: changes in order, as napari 0.9 tells them. Each is either a box with a mask and
        the old values under it, or indices with old and new values.

    Yields
    ------
    Edit
        One per frame that was touched.
    """
    dabs = [dab for atom in atoms for dab in _dabs(atom, time_axis)]
    for frame in sorted({dab.frame for dab in dabs}):
        edit = _edit(movie, frame, [dab for dab in dabs if dab.frame == frame])
        if edit is not None:
            yield edit


def places_in(
    shape: Sequence[int], time_axis: int | None, edit: Edit
) -> tuple[tuple[npt.NDArray[np.intp], ...], npt.NDArray[np.int32]] | None:
    """Tell a layer what an edit changes, as its ``data_setitem`` takes it.

    Parameters
    ----------
    shape : sequence of int
        Lengths of the axes of the layer's data.
    time_axis : int or None
        Which of them is time; None for a single frame.
    edit : Edit
        The edit.

    Returns
    -------
    tuple or None
        Indices, one array for each axis, and the new values. None when the edit is too large for that to be
        quicker than drawing all, does not fit, or the layer shows the frame at several places of other axes.
    """
    _y0, _x0, y1, x1 = edit.bbox
    others = [n for axis, n in enumerate(shape[:-2]) if axis != time_axis]
    n_frames = 1 if time_axis is None else shape[time_axis]
    fits = y1 <= shape[-2] and x1 <= shape[-1] and 0 <= edit.frame < n_frames
    if not fits or any(n != 1 for n in others):
        return None
    rows, columns = np.nonzero(edit.before != edit.after)
    if not 0 < rows.size <= _FEW_PX:
        return None
    fixed = [
        np.full(rows.size, edit.frame if axis == time_axis else 0, np.intp) for axis in range(len(shape) - 2)
    ]
    return (*fixed, rows + edit.bbox[0], columns + edit.bbox[1]), edit.after[rows, columns]


def _dabs(atom: Any, time_axis: int | None) -> Iterator[_Dab]:
    if hasattr(atom, "slice_key"):
        yield from _dabs_of_box(atom, time_axis)
        return
    indices, old, new = atom
    y, x = indices[-2], indices[-1]
    t = np.zeros_like(y) if time_axis is None else indices[time_axis]
    old, new = np.broadcast_to(old, y.shape), np.broadcast_to(new, y.shape)
    for frame in np.unique(t):
        here = t == frame
        rows, columns = _span(y[here]), _span(x[here])
        mask = np.zeros((rows.stop - rows.start, columns.stop - columns.start), bool)
        values = np.zeros((2, *mask.shape), old.dtype)
        at = y[here] - rows.start, x[here] - columns.start
        mask[at], values[0][at], values[1][at] = True, old[here], new[here]
        yield _Dab(int(frame), rows, columns, mask, values[0][mask], values[1][mask])


def _dabs_of_box(atom: Any, time_axis: int | None) -> Iterator[_Dab]:
    y, x = atom.slice_key[-2:]
    shape = tuple(part.stop - part.start for part in (y, x))
    times = slice(0, 1) if time_axis is None else atom.slice_key[time_axis]
    frames = range(times.start, times.stop)
    new = np.asarray(atom.new_value)
    if atom.mask is None:
        olds = np.asarray(atom.old_values).reshape(len(frames), *shape)
        for frame, old in zip(frames, olds, strict=True):
            yield _Dab(frame, y, x, None, old, new)
        return
    masks = np.asarray(atom.mask).reshape(len(frames), *shape)
    ends = np.cumsum([mask.sum() for mask in masks])[:-1]
    for frame, mask, old in zip(frames, masks, np.split(np.asarray(atom.old_values), ends), strict=True):
        if mask.any():
            yield _Dab(frame, y, x, mask, old, new)


def _edit(movie: npt.NDArray[np.int32], frame: int, dabs: Sequence[_Dab]) -> Edit | None:
    y0, x0 = min(dab.y.start for dab in dabs), min(dab.x.start for dab in dabs)
    y1, x1 = max(dab.y.stop for dab in dabs), max(dab.x.stop for dab in dabs)
    before = np.array(movie[frame, y0:y1, x0:x1])  # of polygons napari tells before it paints them
    for dab in reversed(dabs):
        _put(before, dab, dab.old, (y0, x0))
    after = before.copy()
    for dab in dabs:
        _put(after, dab, dab.new, (y0, x0))
    if np.array_equal(before, after):
        return None
    return Edit("stroke", frame, (y0, x0, y1, x1), before, after)


def _put(plane: npt.NDArray[np.int32], dab: _Dab, values: npt.NDArray[Any], corner: tuple[int, int]) -> None:
    y0, x0 = corner
    box = plane[dab.y.start - y0 : dab.y.stop - y0, dab.x.start - x0 : dab.x.stop - x0]
    box[... if dab.mask is None else dab.mask] = values


def _span(values: npt.NDArray[np.intp]) -> slice:
    return slice(int(values.min()), int(values.max()) + 1)
