"""From paths to stacks: one file, a folder that is one stack, or many of both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from napari_cellseg.data.files import look
from napari_cellseg.data.folder import Missing, MixedShapesError, grid_stack
from napari_cellseg.data.listing import images_at, images_in, numbered
from napari_cellseg.data.names import NameParts, is_export, understand_names
from napari_cellseg.data.ome_zarr import is_zarr, plate_fields
from napari_cellseg.data.record import Source
from napari_cellseg.data.stack import Stack, ZChoice
from napari_cellseg.errors import InputError

Grouping = Literal["auto", "files"]


def open_stack(  # noqa: PLR0913 - each is one thing that the person may tell, by keyword
    path: Path | str | Sequence[Path | str],
    *,
    axes: str | None = None,
    channel_names: Sequence[str] | None = None,
    series: int = 0,
    z: ZChoice | None = None,
    pixel_size_um: float | None = None,
    frame_interval_s: float | None = None,
    field: str | None = None,
    missing: Missing = "error",
) -> Stack:
    """Open one file, or the files of one stack, without reading any pixel.

    Parameters
    ----------
    path : Path, str or sequence of them
        A TIFF (ImageJ, OME, BigTIFF, ...), OME-Zarr, PNG or JPEG, or a folder or list of files that hold the
        planes of one stack: time, channel and depth come from their names (see `understand_names`). Files
        whose names tell nothing are taken as time points in the order of their names, which `axes_sure` then
        doubts.
    axes : str or None
        The axes as the person tells them, letters of TCZYX, one per axis of a file. For files whose names
        tell nothing it may be ``"ZYX"``: planes instead of time points.
    channel_names : sequence of str or None
        Names that replace the file's.
    series : int
        Which image of a file that holds several, from 0. Of pyramids the full resolution is taken.
    z : {"max", "middle"}, int or None
        Makes one plane per frame (see `Stack.flat`); None keeps all.
    pixel_size_um : float or None
        Replaces the file's.
    frame_interval_s : float or None
        Replaces the file's.
    field : str or None
        Which field of view of a folder that holds several: experiment, well and position as in the names.
    missing : {"error", "blank"}
        What becomes of planes that no file of a folder holds: an error that lists them, or black planes.

    Returns
    -------
    Stack
        Lazy, axes TCZYX, one chunk per plane. RGB is turned into grey where the file says that it is RGB.

    Raises
    ------
    InputError
        Something cannot be read or understood; see the message.
    """
    given = [Path(path)] if isinstance(path, Path | str) else [Path(file) for file in path]
    if not given:
        raise InputError("No file was chosen", "At least one image is needed", "Choose one")
    source = Source(
        paths=tuple(str(one.absolute()) for one in given),
        axes=axes,
        channel_names=None if channel_names is None else tuple(channel_names),
        series=series,
        z=z,
        pixel_size_um=pixel_size_um,
        frame_interval_s=frame_interval_s,
        field=field,
        missing=missing,
    )
    files = images_at(given[0]) if len(given) == 1 else given
    if len(files) > 1:
        return _finished(_open_together(files, source), source)
    return _finished(_grouped(look(files[0], series).stack(axes)), source)


def _open_together(files: list[Path], source: Source) -> Stack:
    preview = understand_names(files)
    if not preview.told:
        return _open_numbered(files, source.axes)
    fields = preview.fields()
    if len(fields) > 1 or source.field is not None:
        names = list(fields)
        some = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        if source.field not in fields:
            raise InputError(
                f"{files[0].parent} holds {len(fields)} fields of view or movies: {some}",
                "One of them was expected" + (f", not {source.field}" if source.field else ""),
                "Choose the files of one of them; the command line takes the folder with all of them",
            )
        return grid_stack(fields[source.field], axes=source.axes, missing=source.missing)
    return grid_stack(preview.rows, axes=source.axes, missing=source.missing)


def _open_numbered(files: list[Path], axes: str | None) -> Stack:
    told = (axes or "").strip().upper()
    as_planes = told == "ZYX"
    inner = None if told in ("ZYX", "TYX") else axes
    stack = grid_stack(numbered(files, "z" if as_planes else "t"), axes=inner, sure=bool(told))
    folder = files[0].parent.name
    if told:
        return replace(stack, name=folder, group=folder)
    note = (
        f"The names of the {len(files)} files tell no time, channel or plane: they are taken as time points "
        "in the order of their names. Please check, and correct it by axes (ZYX for planes) if it is wrong"
    )
    return replace(stack, name=folder, group=folder, axes_note=f"{note}. {stack.axes_note}")


def open_stacks(  # noqa: PLR0913 - as `open_stack`
    inputs: Sequence[Path | str],
    *,
    grouping: Grouping = "auto",
    axes: str | None = None,
    channel_names: Sequence[str] | None = None,
    series: int = 0,
    z: ZChoice | None = None,
    pixel_size_um: float | None = None,
    frame_interval_s: float | None = None,
    missing: Missing = "error",
) -> list[Stack]:
    """Open many files and folders, without reading any pixel.

    The rule by which files become stacks, with ``grouping="auto"``:

    1. Files of one folder whose names tell several channels of the same field of view become one stack per
       field of view (experiment, well, position), with its times, channels and planes.
    2. So do exports with one plane per file as microscopes write them, even of one channel: IncuCyte
       (``NAME_A1_1_00d04h00m``), Micro-Manager, Harmony and chained names (``xy01c1t001``).
    3. Every other file is a stack of its own, named after it, also when its name tells a time or position
       (``EXP_p0011_t00011_z001``): results then come one per file. The field of view that the name tells is
       its `group`, so that training and validation never share one.

    ``grouping="files"`` makes rule 3 hold for all.

    Parameters
    ----------
    inputs : sequence of Path or str
        Files, folders (not the folders in them), and patterns such as ``data/*.tif``. Files given one by one
        are treated as a folder of just these.
    grouping : {"auto", "files"}
        See above.
    axes : str or None
        See `open_stack`.
    channel_names : sequence of str or None
        See `open_stack`.
    series : int
        See `open_stack`.
    z : {"max", "middle"}, int or None
        See `open_stack`.
    pixel_size_um : float or None
        See `open_stack`.
    frame_interval_s : float or None
        See `open_stack`.
    missing : {"error", "blank"}
        See `open_stack`.

    Returns
    -------
    list of Stack
        In the order of the inputs, with names that differ: where two files share a name, their folder's name
        is put before.

    Raises
    ------
    InputError
        Nothing was found, or something cannot be read or understood.
    """
    told = Source(
        paths=("",),
        axes=axes,
        channel_names=None if channel_names is None else tuple(channel_names),
        series=series,
        z=z,
        pixel_size_um=pixel_size_um,
        frame_interval_s=frame_interval_s,
        missing=missing,
    )
    stacks = []
    for folder, rows in list_inputs(inputs, grouping):
        stacks += _open_rows(rows, told, folder)
    if not stacks:
        raise InputError("No input was given", "At least one file or folder is needed", "Name one")
    return _distinct(stacks)


def list_inputs(
    inputs: Iterable[Path | str], grouping: Grouping = "auto"
) -> list[tuple[Path | None, list[NameParts]]]:
    """Tell which files become one stack each, by their names alone; see `open_stacks` for the rule.

    Parameters
    ----------
    inputs : iterable of Path or str
        Files, folders and patterns.
    grouping : {"auto", "files"}
        See `open_stacks`.

    Returns
    -------
    list of (Path or None, list of NameParts)
        The folder that was named, None for files named by themselves, and the files of a stack.

    Raises
    ------
    InputError
        A folder cannot be read or holds no image, or no file fits a pattern.
    """
    listed: list[tuple[Path | None, list[NameParts]]] = []
    for folder, files in _batches(inputs):
        plates = {file: fields for file in files if is_zarr(file) and (fields := plate_fields(file))}
        listed += [(None, [field]) for fields in plates.values() for field in fields]
        others = [file for file in files if file not in plates]
        listed += [(folder, rows) for rows in _split(others, grouping)] if others else []
    return listed


def _batches(inputs: Iterable[Path | str]) -> list[tuple[Path | None, list[Path]]]:
    """Gather files that lie in one folder, so that their names are read together."""
    loose: dict[Path, list[Path]] = {}
    batches: list[tuple[Path | None, list[Path]]] = []
    for given in inputs:
        path = Path(given)
        if path.is_dir() and not is_zarr(path):
            batches.append((path, images_in(path)))
            continue
        for file in _globbed(path):
            if file.parent not in loose:
                loose[file.parent] = []
                batches.append((None, loose[file.parent]))
            loose[file.parent].append(file)
    return batches


def _globbed(path: Path) -> list[Path]:
    if path.exists() or not any(mark in str(path) for mark in "*?["):
        return [path]
    fixed = 0
    while not any(mark in path.parts[fixed] for mark in "*?["):
        fixed += 1
    folder = Path(*path.parts[:fixed])
    found = sorted(
        file for file in folder.glob(str(Path(*path.parts[fixed:]))) if file.is_file() or is_zarr(file)
    )
    if not found:
        raise InputError(f"No file fits {path}", "", "Check the name of the folder and the pattern")
    return found


def _split(files: list[Path], grouping: Grouping) -> list[list[NameParts]]:
    """Apply the rule of `open_stacks`."""
    split: list[list[NameParts]] = []
    for rows in understand_names(files).fields().values():
        channels = {row.channel for row in rows}
        together = grouping == "auto" and len(rows) > 1 and (len(channels) > 1 or is_export(rows))
        split += [rows] if together else [[row] for row in rows]
    return split


def _open_rows(rows: list[NameParts], told: Source, folder: Path | None) -> list[Stack]:
    if len(rows) == 1:
        source = _of_files(told, [rows[0].file])
        stack = look(rows[0].file, told.series).stack(told.axes)
        if is_zarr(rows[0].file) and rows[0].field:  # the folder of a field of a plate has but a number
            stack = replace(stack, name=rows[0].field)
        return [_finished(_grouped(stack, rows[0]), source)]
    try:
        stack = grid_stack(rows, axes=told.axes, missing=told.missing)
    except MixedShapesError as error:
        alone = [_open_rows([row], told, folder)[0] for row in rows]
        note = f"Opened by itself: {error.args[0]}"
        return [replace(stack, axes_note=f"{stack.axes_note}. {note}") for stack in alone]
    if folder is None:
        return [_finished(stack, _of_files(told, [row.file for row in rows]))]
    source = _of_files(told, [folder])
    return [_finished(stack, source.model_copy(update={"field": rows[0].field}))]


def _of_files(told: Source, files: Sequence[Path]) -> Source:
    return told.model_copy(update={"paths": tuple(str(file.absolute()) for file in files)})


def _grouped(stack: Stack, row: NameParts | None = None) -> Stack:
    """Group a single file by the field of view that its name tells, and name its only channel by it."""
    row = row or understand_names([Path(stack.source)]).rows[0]
    if not row.told:
        return stack
    if row.channel and stack.channels == ("channel 0",):
        stack = replace(stack, channels=(row.channel,))
    return replace(stack, group=row.field or row.file.absolute().parent.name)


def _finished(stack: Stack, source: Source) -> Stack:
    """Put in what the person told, and note how the stack was opened."""
    if source.channel_names is not None:
        stack = replace(stack, channels=source.channel_names)
    if source.pixel_size_um is not None:
        stack = replace(stack, pixel_size_um=source.pixel_size_um)
    if source.frame_interval_s is not None:
        stack = replace(stack, frame_interval_s=source.frame_interval_s)
    return source.kept_in(stack if source.z is None else stack.flat(source.z))


def _distinct(stacks: list[Stack]) -> list[Stack]:
    """Keep names apart, as results are named after them."""
    names = [stack.name for stack in stacks]
    taken: set[str] = set()
    result = []
    for stack in stacks:
        name = stack.name
        if names.count(name) > 1:
            name = f"{Path(stack.source).parent.name}_{name}"
        number = 1
        unique = name
        while unique in taken:
            number += 1
            unique = f"{name}-{number}"
        taken.add(unique)
        group = unique if stack.group == stack.name else stack.group
        result.append(replace(stack, name=unique, group=group))
    return result
