"""What a batch consists of: files that belong together, told apart by their names or by a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from napari_cellseg.data.match import stem_of
from napari_cellseg.data.names import NameParts
from napari_cellseg.data.ome_zarr import is_zarr
from napari_cellseg.data.opening import list_inputs
from napari_cellseg.errors import InputError

_PATH, _NAME, _WELL = "path", "name", "well"


@dataclass(frozen=True)
class Item:
    """One image, movie or field of view.

    Attributes
    ----------
    name : str
        Its results are named after it; no other item of the batch has this name.
    files : tuple of Path
        The files that make it; nothing was opened yet.
    well : str
        Such as ``"A1"``; empty when not known.
    t : int or None
        Time point that its name tells, from 0, where it is one of several files of a movie.
    """

    name: str
    files: tuple[Path, ...]
    well: str = ""
    t: int | None = None


def items_in(inputs: Sequence[Path]) -> list[Item]:
    """List the items of a batch, without opening any file.

    Parameters
    ----------
    inputs : sequence of Path
        Folders, files, patterns such as ``plate/*.tif``, and tables (CSV) with the column ``path`` (relative
        ones start at the table's folder), and where known ``name`` and ``well``. Files of a plate become one
        item per field of view, as `data.opening.open_stacks` has it.

    Returns
    -------
    list of Item
        In the order of the inputs, with names that differ.

    Raises
    ------
    InputError
        There is nothing, or a table cannot be used. A file that a table names may be missing.
    """
    items: list[Item] = []
    for path in inputs:
        items += _of_table(path) if path.suffix.lower() == ".csv" else _of_names(path)
    if not items:
        raise InputError("No input was given", "At least one file or folder is needed", "Name one")
    return _distinct(items)


def _of_names(path: Path) -> list[Item]:
    items = [_item(rows) for _, rows in list_inputs([path])]
    if len(items) == 1 and not items[0].files[0].exists():
        raise InputError(f"There is no file or folder {path}", "", "Check the name")
    return items


def _item(rows: list[NameParts]) -> Item:
    first = rows[0]
    files = tuple(row.file.absolute() for row in rows)
    if len(rows) == 1:
        in_plate = is_zarr(first.file) and first.well
        return Item(first.field if in_plate else stem_of(first.file), files, first.well, first.t)
    return Item(first.field or first.file.parent.name, files, first.well)


def _of_table(path: Path) -> list[Item]:
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:  # pandas' errors of parsing are ValueErrors
        raise InputError(f"The table {path} cannot be read ({error})", "", "Check the file") from error
    if _PATH not in table:
        raise InputError(
            f"The table {path} has the columns {', '.join(table.columns)}",
            f"The column {_PATH} names the images",
            "Add it",
        )
    items = []
    for row in table.to_dict("records"):
        file = path.parent.absolute() / row[_PATH]
        items.append(Item(row.get(_NAME) or file.stem, (file,), row.get(_WELL, "")))
    return items


def _distinct(items: list[Item]) -> list[Item]:
    """Keep names apart, and fit for files."""
    counts = Counter(item.name for item in items)
    taken: set[str] = set()
    result = []
    for item in items:
        name = item.name if counts[item.name] == 1 else f"{item.files[0].parent.name}_{item.name}"
        name = "".join("_" if letter in '/\\:*?"<>|' or letter < " " else letter for letter in name).strip(
            ". "
        )
        unique, number = name or "image", 1
        while unique.lower() in taken:  # some file systems do not tell A from a
            number += 1
            unique = f"{name}-{number}"
        taken.add(unique.lower())
        result.append(replace(item, name=unique))
    return result
