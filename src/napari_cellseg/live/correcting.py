"""Labels to be corrected: copied, and brought back with everything that was corrected before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from napari_cellseg.data.project import new_label_movie
from napari_cellseg.data.stack import Stack
from napari_cellseg.data.storage import atomic_file, storage, versioned
from napari_cellseg.errors import InputError
from napari_cellseg.label.guard import forget
from napari_cellseg.label.journal import Journal
from napari_cellseg.label.lock import InUseError, StudyLock
from napari_cellseg.label.restore import restored
from napari_cellseg.label.review import Review
from napari_cellseg.progress import Clock, Note, Steps

__all__ = ["InUseError", "Opened", "copy_labels", "open_corrections", "put_corrections_aside", "read_only"]


@dataclass(frozen=True)
class Opened:
    """Labels that are ready to be corrected.

    Attributes
    ----------
    labels : Path
        The file of the labels, with all corrections in it.
    when : str
        Time of the last correction, for the person; empty when there are none.
    journal : Journal
        Where earlier corrections are, and further ones are written down.
    review : Review
        What the person said about the frames.
    lock : StudyLock
        Held for this window; to be released when it lets the labels go.
    """

    labels: Path
    when: str
    journal: Journal
    review: Review
    lock: StudyLock


def copy_labels(source: Path | Stack, target: Path) -> Steps[Path]:
    """Copy a movie of labels, frame by frame.

    Parameters
    ----------
    source : Path or Stack
        A ``.npy`` file of axes TYX, or labels as a stack of one channel.
    target : Path
        The ``.npy`` file to make: int32, there as a whole or not at all.

    Yields
    ------
    Progress
        After every frame.

    Returns
    -------
    Path
        The target.
    """
    movie = read_only(source)
    clock = Clock(len(movie), "frames copied")
    with atomic_file(target) as partial:
        out = new_label_movie(partial, movie.shape)
        for t in range(len(movie)):
            out[t] = np.asarray(movie[t])
            yield clock.at(t + 1)
        del out  # the file is renamed now
    return target


def read_only(source: Path | Stack) -> Any:
    """Open labels for reading.

    Parameters
    ----------
    source : Path or Stack
        See `copy_labels`.

    Returns
    -------
    array-like
        Axes TYX; frames are read as they are asked for.
    """
    return source.data[:, 0, 0] if isinstance(source, Stack) else np.load(source, mmap_mode="r")


def open_corrections(
    source: Path | Stack | None, labels: Path, journal: Path, take_over: bool = False
) -> Steps[Opened]:
    """Make labels ready to be corrected, with everything that was corrected before.

    Parameters
    ----------
    source : Path, Stack or None
        What to copy when there is no file of corrected labels yet; see `copy_labels`.
    labels : Path
        The file of the corrected labels.
    journal : Path
        Where corrections were written down, in the folder of the study.
    take_over : bool
        True takes the study from another window that corrects it.

    Yields
    ------
    Event
        `Progress` while frames are copied.

    Returns
    -------
    Opened
        The labels hold every correction of the journal, also those of a session that crashed; see
        `napari_cellseg.label.history`.

    Raises
    ------
    InputError
        There is nothing to correct.
    InUseError
        Another window corrects this study.
    """
    if source is None and not labels.is_file():
        raise InputError("There are no corrected labels in this study", "", "Choose the labels to start from")
    lock = StudyLock(journal.parent)
    lock.acquire(take_over=take_over)
    try:
        if source is not None and not labels.is_file():
            yield from copy_labels(source, labels)
        book = restored(labels, journal)
        yield Note(f"Corrections of {len(book.frames())} frames are in effect, from {journal}")
    except BaseException:
        lock.release()
        raise
    said = book.states()
    accepted, rejected = (
        frozenset(t for t, state in said.items() if state == wanted) for wanted in ("accepted", "rejected")
    )
    return Opened(labels, _clock_time(book.when), book, Review(accepted, rejected=rejected), lock)


def _clock_time(told: str) -> str:
    """Say when the last edit was done, in local time; with the date unless it was today."""
    if not told:
        return ""
    when = datetime.fromisoformat(told).astimezone()
    return f"{when:%H:%M}" if when.date() == datetime.now().astimezone().date() else f"{when:%d %b %Y, %H:%M}"


def put_corrections_aside(labels: Path, journal: Path) -> Steps[tuple[Path, ...]]:
    """Make room for a new start; nothing is deleted.

    Parameters
    ----------
    labels, journal : Path
        See `open_corrections`.

    Yields
    ------
    Event
        None at all; the work is short.

    Returns
    -------
    tuple of Path
        Where the files are now.
    """
    yield from ()
    forget(labels)
    moved = []
    for path in (labels, journal):
        if path.exists():
            aside = versioned(path.with_name(f"{path.stem}-aside{path.suffix}"))
            with storage(path):
                path.rename(aside)
            moved.append(aside)
    return tuple(moved)
