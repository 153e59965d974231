"""Where the results of a stack are kept, and whether something is there already."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import platformdirs

from napari_cellseg.data.project import Study, default_study_folder
from napari_cellseg.data.record import Source
from napari_cellseg.data.sample_study import sample_study
from napari_cellseg.live.opening import TOLD_AXES
from napari_cellseg.progress import Steps

if TYPE_CHECKING:
    from napari_cellseg.data.stack import Stack

_NOT_IN_NAMES = re.compile(r"[^\w.]+")


def folder_for(stack: Stack) -> Path:
    """Choose the folder of the study of a stack.

    Parameters
    ----------
    stack : Stack
        The stack; for one that is in no file its first plane is read.

    Returns
    -------
    Path
        Beside the data; for layers, and for the sample that comes with the program, among the person's own.
    """
    path = Path(stack.source)
    if path.exists() and not path.resolve().is_relative_to(sample_study().resolve()):
        return default_study_folder(path)
    own = platformdirs.user_data_path("napari-cellseg") / "studies"
    if path.exists():
        return own / f"{path.stem}-cellseg"
    name = _NOT_IN_NAMES.sub("-", stack.name).strip("-")
    return own / f"{name}-{_mark_of(stack)}-cellseg"


def _mark_of(stack: Stack) -> str:
    """Tell layers of one name apart by their size and first plane."""
    mark = hashlib.sha256(f"{stack.data.shape} {stack.data.dtype}".encode())
    mark.update(np.ascontiguousarray(stack.frame(0, 0)).tobytes())
    return mark.hexdigest()[:8]


def open_or_make(
    folder: Path, stack: Stack | None, image_channel: str, fluorescence_channel: str | None
) -> Study:
    """Open the study in a folder, or make one there that remembers where its pixels come from.

    Parameters
    ----------
    folder : Path
        The folder.
    stack : Stack or None
        The stack that it is about.
    image_channel : str
        Name of the label-free channel.
    fluorescence_channel : str or None
        Name of the fluorescence channel.

    Returns
    -------
    Study
        The study.
    """
    study = Study.at(folder)
    if stack is not None and Path(stack.source).exists():
        source = Source(paths=(stack.source,), axes=stack.extra.get(TOLD_AXES))
        study.remember(source, image_channel=image_channel, fluorescence_channel=fluorescence_channel)
    return study


def find_study(stack: Stack) -> Steps[tuple[Path, Study | None]]:
    """Look for the study of a stack.

    Parameters
    ----------
    stack : Stack
        See `folder_for`.

    Yields
    ------
    Event
        None at all; the work is short.

    Returns
    -------
    folder : Path
        Where it is, or would be.
    study : Study or None
        None when there is none yet.
    """
    yield from ()
    folder = folder_for(stack)
    return folder, _at(folder)


def study_at(folder: Path) -> Steps[Study | None]:
    """Look for a study in a folder.

    Parameters
    ----------
    folder : Path
        The folder.

    Yields
    ------
    Event
        None at all; the work is short.

    Returns
    -------
    Study or None
        None when there is none yet.
    """
    yield from ()
    return _at(folder)


def _at(folder: Path) -> Study | None:
    return Study.open(folder) if (folder / "study.json").exists() else None
