"""The tables of all items as one: whatever the number of workers, the same bytes."""

from __future__ import annotations

import csv
import filecmp
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pandas as pd

from napari_cellseg.data.storage import storage
from napari_cellseg.measure.columns import ORIGIN
from napari_cellseg.measure.counts import recount, typical_area_px
from napari_cellseg.measure.tables import CELLS_FILE, COUNTS_FILE, keep_earlier, write_table

_TEXTS = {column.name: str for column in ORIGIN}


def gather_counts(folders: Sequence[Path], folder: Path, typical_given: bool) -> pd.DataFrame:
    """Put the counts of all items together, and count by area with one typical area for all.

    Parameters
    ----------
    folders : sequence of Path
        Of the items that are done, in order.
    folder : Path
        Where ``counts.csv`` goes.
    typical_given : bool
        Whether the person told the typical diameter; otherwise it is the median over all objects of images
        with the same pixel size.

    Returns
    -------
    pandas.DataFrame
        As written: one row a frame.

    Raises
    ------
    StorageError
        The folder cannot be written, or the disk is full.
    """
    tables = [_read(place / COUNTS_FILE) for place in folders]
    if not typical_given:
        areas = [_areas(place) for place in folders]
        sizes = [_pixel_size(table) for table in tables]
        typical = {
            size: typical_area_px(pd.concat([a for a, s in zip(areas, sizes, strict=True) if s == size]))
            for size in set(sizes)
        }
        tables = [recount(table, typical[size]) for table, size in zip(tables, sizes, strict=True)]
    counts = pd.concat(tables, ignore_index=True)
    _renew(folder / COUNTS_FILE, lambda path: write_table(path, counts))
    return counts


def gather_cells(folders: Sequence[Path], folder: Path) -> None:
    """Put the objects of all items together, row by row: they may be more than memory holds.

    Parameters
    ----------
    folders : sequence of Path
        Of the items that are done, in order.
    folder : Path
        Where ``cells.csv`` goes.

    Raises
    ------
    StorageError
        The folder cannot be written, or the disk is full.
    """
    files = [place / CELLS_FILE for place in folders]
    columns = list(dict.fromkeys(name for file in files for name in _head(file)))

    def write(path: Path) -> None:
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(columns)
            for file in files:
                writer.writerows(_rows(file, columns))

    _renew(folder / CELLS_FILE, write)


def _renew(path: Path, write: Callable[[Path], None]) -> None:
    """Write a table; one that is there already is kept under another name, unless it is the same."""
    with storage(path), tempfile.TemporaryDirectory(dir=path.parent, prefix=".working-") as place:
        made = Path(place) / path.name
        write(made)
        if not path.exists() or not filecmp.cmp(made, path, shallow=False):
            keep_earlier(path)
            made.replace(path)


def _rows(file: Path, columns: Sequence[str]) -> Iterator[list[str]]:
    """Read rows in the order of the common columns; those that the file lacks are empty."""
    with file.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            yield [row.get(name, "") for name in columns]


def _head(file: Path) -> list[str]:
    with file.open(encoding="utf-8", newline="") as stream:
        return next(csv.reader(stream), [])


def _read(file: Path) -> pd.DataFrame:
    return pd.read_csv(file, dtype=_TEXTS, keep_default_na=False, na_values=[""])


def _areas(place: Path) -> pd.Series:
    return pd.read_csv(place / CELLS_FILE, usecols=["area_px"])["area_px"]


def _pixel_size(counts: pd.DataFrame) -> float:
    """Tell the pixel size of an item; 0 where it is not known."""
    known = counts["pixel_size_um"].dropna().tolist() if "pixel_size_um" in counts else []
    return float(known[0]) if known else 0.0
