"""The models that learning from corrections makes, one after the other: their names, and how many stay."""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection
from pathlib import Path

from napari_cellseg.data.storage import storage
from napari_cellseg.learn.shelf import delete_model, list_bin

SUFFIX = ".edits"
"""Ending of files of proposals."""

KEPT = 3
"""So many of the models made last stay, besides the best and those in use; older ones go to the bin."""

_SERIES = re.compile(r"learned (\d+)")


def next_name(models: Path) -> str:
    """Name the next model of the series.

    Parameters
    ----------
    models : Path
        Folder of the study's models.

    Returns
    -------
    str
        ``"learned 1"``, ``"learned 2"``, ...: no number is given twice, not even that of a model in the bin.
    """
    names = [path.name for path in models.glob("learned *")] + [one.name for one in list_bin((models,))]
    numbers = [int(match[1]) for name in names if (match := _SERIES.fullmatch(name))]
    return f"learned {max(numbers, default=0) + 1}"


def tidy(models: Path, proposals: Path) -> None:
    """Remove what a learning left behind that was killed.

    Parameters
    ----------
    models, proposals : Path
        The folders of a study; they may be absent.
    """
    for folder in (*models.glob("learned *.partial"), *models.glob(".learned *.partial")):
        shutil.rmtree(folder, ignore_errors=True)
    packs = sorted(proposals.glob(f"learned *{SUFFIX}"), key=lambda file: file.stat().st_mtime)
    for file in (*proposals.glob(f".*.partial{SUFFIX}"), *packs[:-1]):  # the last may still be looked at
        with storage(file):
            file.unlink(missing_ok=True)


def bin_older(models: Path, stay: Collection[str]) -> tuple[str, ...]:
    """Put models of the series into the bin, but for the last few.

    Parameters
    ----------
    models : Path
        Folder of the study's models.
    stay : collection of str
        Names of others that stay, such as the best, and those in use.

    Returns
    -------
    tuple of str
        Names of those that went to the bin.
    """
    series = sorted(
        (path for path in models.glob("learned *") if _SERIES.fullmatch(path.name)),
        key=lambda path: int(path.name.split()[1]),
    )
    older = [path for path in series[:-KEPT] if path.name not in stay]
    for path in older:
        delete_model(path)
    return tuple(path.name for path in older)
