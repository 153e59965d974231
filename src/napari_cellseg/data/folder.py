"""A folder with one file per frame, channel, plane, well or tile as lazy stacks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import dask.array as da
import numpy as np

from napari_cellseg.data.axes import describe
from napari_cellseg.data.files import look
from napari_cellseg.data.image_file import ImageFile, default_names
from napari_cellseg.data.listing import natural
from napari_cellseg.data.names import NameParts
from napari_cellseg.data.pages import Array, RawPages, unreadable
from napari_cellseg.data.planes import block_px_of, lazy_planes
from napari_cellseg.data.stack import Stack
from napari_cellseg.errors import InputError

Missing = Literal["error", "blank"]

_MOST_LISTED = 5


@dataclass(frozen=True)
class _Grid:
    """The files of one field of view, by time, channel and depth."""

    rows: tuple[NameParts, ...]
    times: tuple[int, ...]
    channels: tuple[str, ...]
    depths: tuple[int, ...]

    def paths(self) -> tuple[str, ...]:
        """List the files in the order TCZ; empty for a missing one."""
        files = {_place(row): str(row.file) for row in self.rows}
        return tuple(files.get((t, c, z), "") for t in self.times for c in self.channels for z in self.depths)


def _place(row: NameParts) -> tuple[int, str, int]:
    return row.t or 0, row.channel, row.z or 0


def grid_stack(
    rows: Sequence[NameParts], *, axes: str | None = None, missing: Missing = "error", sure: bool = True
) -> Stack:
    """Make one lazy stack of the files of one field of view.

    Parameters
    ----------
    rows : sequence of NameParts
        What the names tell; all of one field of view.
    axes : str or None
        The axes within each file, when told.
    missing : {"error", "blank"}
        What becomes of planes that no file holds: an error that lists them, or black planes.
    sure : bool
        False when the order of the files was guessed.

    Returns
    -------
    Stack
        Named after the field of view. Time, channel and depth are those found in the names, in their order;
        gaps in the numbers are no gaps in the stack.

    Raises
    ------
    InputError
        Files of different shapes, two files for one plane, or planes missing.
    """
    grid = _grid(rows)
    first = look(grid.rows[0].file)
    guess = first.understand(axes)
    single = set(guess.axes) == {"Y", "X"}
    _refuse_missing(grid, missing if single else "error")
    data = _one_plane_files(grid, first) if single else _many_plane_files(grid, axes)
    example = grid.rows[0]
    name = example.field or example.file.parent.name
    shape = describe(data.shape, "TCZYX")
    note = f"Put together from {len(grid.rows)} files by their names: {shape}"
    if not single:
        note += f". Within each file: {guess.note}"
    blank = len(grid.times) * len(grid.channels) * len(grid.depths) - len(grid.rows)
    if blank:
        note += f". {blank} planes are missing and black"
    return Stack(
        data,
        _channel_names(grid, first, data.shape[1]),
        name,
        str(example.file.parent),
        group=name,
        pixel_size_um=first.calibration.pixel_size_um,
        frame_interval_s=_interval(grid) or first.calibration.frame_interval_s,
        axes_note=". ".join((note, *first.notes)),
        axes_sure=sure and guess.sure,
    )


def _grid(rows: Sequence[NameParts]) -> _Grid:
    seen: dict[tuple[int, str, int], NameParts] = {}
    for row in rows:
        other = seen.setdefault(_place(row), row)
        if other is not row:
            raise InputError(
                f"{other.file.name} and {row.file.name} are named as the same time, channel and plane",
                "One file for each was expected",
                "Move one of them to another folder, or open the files one by one",
            )
    times = tuple(sorted({t for t, _, _ in seen}))
    channels = tuple(dict.fromkeys(sorted({c for _, c, _ in seen}, key=lambda c: natural(Path(c)))))
    return _Grid(
        tuple(seen[key] for key in sorted(seen)), times, channels, tuple(sorted({z for *_, z in seen}))
    )


def _refuse_missing(grid: _Grid, missing: Missing) -> None:
    if missing == "blank":
        return
    there = {_place(row) for row in grid.rows}
    absent = [
        ", ".join(
            [f"time {t}"] * (len(grid.times) > 1)
            + [f"channel {c}"] * (len(grid.channels) > 1)
            + [f"plane {z}"] * (len(grid.depths) > 1)
        )
        for t in grid.times
        for c in grid.channels
        for z in grid.depths
        if (t, c, z) not in there
    ]
    if absent:
        more = f" and {len(absent) - _MOST_LISTED} more" if len(absent) > _MOST_LISTED else ""
        raise InputError(
            f"{grid.rows[0].file.parent} lacks {len(absent)} images of {grid.rows[0].field}: "
            + "; ".join(absent[:_MOST_LISTED])
            + more,
            "An image for every time, channel and plane was expected",
            "Export the missing ones again, or move the incomplete times or channels to another folder",
        )


def _one_plane_files(grid: _Grid, first: ImageFile) -> da.Array:
    dtype = _common_type(grid, first)
    shape = (len(grid.times), len(grid.channels), len(grid.depths), *first.shape)
    block_px = block_px_of(first.shape)
    return lazy_planes(_FileReader(grid.paths(), shape, dtype, block_px), shape, dtype, block_px)


def _common_type(grid: _Grid, first: ImageFile) -> str:
    """Check that all files have one shape, and find a type that holds them all.

    Files of the same length, channel and kind as an uncompressed one before need no look.
    """
    known: set[tuple[str, int, str]] = set()
    types = {first.dtype}
    for row in grid.rows:
        try:
            key = (row.channel, row.file.stat().st_size, row.file.suffix)
        except OSError as error:
            raise unreadable(row.file, error) from error
        if key in known:
            continue
        image = look(row.file)
        if image.shape != first.shape:
            raise mixed_shapes(first, image)
        types.add(image.dtype)
        if isinstance(image.pages, RawPages):
            known.add(key)
    return str(np.result_type(*types))


class MixedShapesError(InputError):
    """Files of one folder that were to make one stack differ in shape."""


def mixed_shapes(first: ImageFile, other: ImageFile) -> MixedShapesError:
    """Make the error for files of different shapes.

    Parameters
    ----------
    first, other : ImageFile
        Two files.

    Returns
    -------
    MixedShapesError
        To be raised by the caller.
    """
    return MixedShapesError(
        f"{first.path.name} is {describe(first.shape)} pixels, {other.path.name} is {describe(other.shape)}",
        "All images of one stack must have the same height and width",
        "Move those of another size to another folder, or open them one by one",
    )


@dataclass(frozen=True)
class _FileReader:
    """Reads the plane that a file of a folder holds, or a block of a large one."""

    paths: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: str
    block_px: int = 0

    def __call__(self, block_id: tuple[int, ...] | None = None) -> Array:
        t, c, z, down, right = block_id or (0, 0, 0, 0, 0)
        place = (t, c, z)
        path = self.paths[int(np.ravel_multi_index(place, self.shape[:3]))]
        if not path:
            sides = (self._side(n, at) for n, at in zip(self.shape[3:], (down, right), strict=True))
            return np.zeros((1, 1, 1, *sides), self.dtype)
        image = look(Path(path))
        if image.shape != self.shape[3:]:
            raise unreadable(path, f"it is now {describe(image.shape)} pixels")
        plane = image.plane((down, right), self.block_px)
        return plane.astype(self.dtype, copy=False)[None, None, None]

    def _side(self, length: int, at: int) -> int:
        return min(self.block_px, length - at * self.block_px) if self.block_px else length


def _many_plane_files(grid: _Grid, axes: str | None) -> da.Array:
    files = {_place(row): look(row.file) for row in grid.rows}
    stacks = {place: image.stack(axes) for place, image in files.items()}
    first = next(iter(stacks))
    for place, stack in stacks.items():
        if stack.data.shape != stacks[first].data.shape:
            raise mixed_shapes(files[first], files[place])
    inner = stacks[first].data.shape
    counts = (len(grid.times), len(grid.channels), len(grid.depths))
    for word, n, m in zip(("time", "channel", "depth"), counts, inner[:3], strict=True):
        if n > 1 and m > 1:
            raise InputError(
                f"Files in {grid.rows[0].file.parent} hold several {word}s, and their names tell several too",
                "One or the other was expected",
                "Open the files one by one",
            )
    join = _joined
    return join(
        [
            join([join([stacks[t, c, z].data for z in grid.depths], 2) for c in grid.channels], 1)
            for t in grid.times
        ],
        0,
    )


def _joined(arrays: list[da.Array], axis: int) -> da.Array:
    return arrays[0] if len(arrays) == 1 else da.concatenate(arrays, axis=axis)


def _channel_names(grid: _Grid, first: ImageFile, n: int) -> tuple[str, ...]:
    if len(grid.channels) == n and all(grid.channels):
        return grid.channels
    return first.calibration.channels if len(first.calibration.channels) == n else default_names(n)


def _interval(grid: _Grid) -> float | None:
    times = sorted({row.time_s for row in grid.rows if row.time_s is not None})
    steps = np.diff(times)
    return float(np.median(steps)) if steps.size else None
