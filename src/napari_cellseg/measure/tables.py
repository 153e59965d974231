"""Tables of results that say where each number comes from, and their files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from napari_cellseg import __version__
from napari_cellseg.data.write import storage, versioned, write_csv
from napari_cellseg.errors import InputError
from napari_cellseg.measure.columns import CLASSES, COUNTS, ORIGIN, SHAPES, TIME, cell_columns, count_columns
from napari_cellseg.measure.counts import recount, typical_area_px

COUNTS_FILE = "counts.csv"
CELLS_FILE = "cells.csv"


@dataclass(frozen=True)
class Origin:
    """Where numbers come from.

    Attributes
    ----------
    image : str
        Name of the image or movie.
    model : str
        Name of the model; empty when the labels come from elsewhere.
    model_hash : str
        Fingerprint of the model.
    program_version : str
        Version of this program.
    parameters : mapping
        All settings that led to the numbers, by name.
    """

    image: str
    model: str = ""
    model_hash: str = ""
    program_version: str = __version__
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def values(self) -> dict[str, str]:
        """Write the origin for the rows of a table.

        Returns
        -------
        dict
            Text by column (`columns.ORIGIN`); the parameters as compact JSON.
        """
        parameters = json.dumps(
            dict(self.parameters), separators=(",", ":"), ensure_ascii=False, default=str, sort_keys=True
        )
        texts = (self.image, self.model, self.model_hash, self.program_version, parameters)
        return {column.name: text for column, text in zip(ORIGIN, texts, strict=True)}

    def stamp(self, table: pd.DataFrame) -> pd.DataFrame:
        """Add the origin to every row of a table.

        Parameters
        ----------
        table : pandas.DataFrame
            Any table of results.

        Returns
        -------
        pandas.DataFrame
            A new one: the image first, the other columns of the origin last.
        """
        return _in_order(table.assign(**self.values()))


@dataclass(frozen=True)
class CellTable:
    """All objects and counts of one or more images.

    Attributes
    ----------
    cells : pandas.DataFrame
        One row an object, see `columns.cell_columns`.
    counts : pandas.DataFrame
        One row a frame, empty ones too, see `columns.count_columns`.
    typical_given : bool
        True when the person gave the typical diameter; False when it is the median of all objects.
    """

    cells: pd.DataFrame
    counts: pd.DataFrame
    typical_given: bool = False

    @classmethod
    def concat(cls, tables: Sequence[CellTable]) -> CellTable:
        """Put the tables of several images together.

        Objects of all images of one pixel size have one typical area: counts by area are worked out again
        with the median over all of them, unless the person gave the diameter.

        Parameters
        ----------
        tables : sequence of CellTable
            Of any images; may be empty.

        Returns
        -------
        CellTable
            Columns that an image lacks (such as µm where its pixel size is not known) are empty in its rows.
        """
        cells = _joined([table.cells for table in tables], [column.name for column in cell_columns()])
        counts = _joined([table.counts for table in tables], [column.name for column in count_columns()])
        given = bool(tables) and all(table.typical_given for table in tables)
        if len(tables) > 1 and not any(table.typical_given for table in tables):
            counts = _recounted(cells, counts)
        return cls(cells, counts, given)


def _recounted(cells: pd.DataFrame, counts: pd.DataFrame) -> pd.DataFrame:
    """Count by area with one typical area for all images of the same pixel size."""
    if "pixel_size_um" not in counts:
        return recount(counts, typical_area_px(cells["area_px"]))
    parts = []
    for _, part in counts.groupby("pixel_size_um", dropna=False, sort=False):
        areas = cells.loc[cells["image"].isin(part["image"].unique()), "area_px"]
        parts.append(recount(part, typical_area_px(areas)))
    return pd.concat(parts).sort_index()


def _joined(tables: Sequence[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    """Join tables of which some are empty or lack columns; without any rows declared columns are there."""
    filled = [table for table in tables if len(table)]
    if not filled:
        known = dict.fromkeys(name for table in tables for name in table.columns)
        return _in_order(pd.DataFrame(columns=list(known or columns)))
    return _in_order(pd.concat(filled, ignore_index=True))


def _in_order(table: pd.DataFrame) -> pd.DataFrame:
    """Sort columns: image, time, what was measured as declared, channels, the rest of the origin."""
    first = [column.name for column in (ORIGIN[0], *TIME, *SHAPES, *COUNTS, *CLASSES)]
    last = [column.name for column in ORIGIN[1:]]
    present = set(table.columns)
    others = [name for name in table.columns if name not in {*first, *last}]
    order = [name for name in first if name in present] + others + [name for name in last if name in present]
    return table[order]


def write_tables(folder: Path, table: CellTable) -> tuple[Path, Path]:
    """Write ``counts.csv`` and ``cells.csv``.

    Files of these names that are there already are kept: they are renamed to carry the time at which they
    were written, such as ``counts.2025-03-14_15-09-26.csv``.

    Parameters
    ----------
    folder : Path
        Where they go; made when it is not there.
    table : CellTable
        What they hold.

    Returns
    -------
    tuple of Path
        The two files, counts first.

    Raises
    ------
    InputError
        The table does not say where its numbers come from.
    StorageError
        The folder cannot be written, or the disk is full.
    """
    for rows in (table.counts, table.cells):
        _check_origin(rows)
    paths = folder / COUNTS_FILE, folder / CELLS_FILE
    for path, rows in zip(paths, (table.counts, table.cells), strict=True):
        write_table(path, rows)
    return paths


def write_table(path: Path, rows: pd.DataFrame) -> None:
    """Write one table; a file of this name that is there already is kept, see `write_tables`.

    Parameters
    ----------
    path : Path
        The CSV file.
    rows : pandas.DataFrame
        What it holds.

    Raises
    ------
    InputError
        The table does not say where its numbers come from.
    StorageError
        The file cannot be written, or the disk is full.
    """
    _check_origin(rows)
    keep_earlier(path)
    write_csv(path, rows)


def _check_origin(rows: pd.DataFrame) -> None:
    missing = [column.name for column in ORIGIN if column.name not in rows]
    if missing:
        raise InputError(
            f"The table of results lacks {', '.join(missing)}",
            "Every row names the image, model and settings that it comes from",
            "Make it with `measure`, or add them with `Origin.stamp`",
        )


def keep_earlier(path: Path) -> None:
    """Move a file that is in the way aside, under the time at which it was written."""
    with storage(path):
        if path.exists():
            written = datetime.fromtimestamp(path.stat().st_mtime)
            path.rename(versioned(path.with_name(f"{path.stem}.{written:%Y-%m-%d_%H-%M-%S}{path.suffix}")))
