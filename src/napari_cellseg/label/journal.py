"""Corrections written down as they happen, so that they come back after a crash.

A journal is a text file; each line is one JSON entry with a checksum, and lines are only ever appended. Undo
and redo are entries too: what is in effect follows from reading all of them in order. A step of the person's
history is one line, however many edits it holds, so that a crash leaves a step as a whole or not at all.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy.typing as npt

from napari_cellseg.data.storage import atomic_file, storage
from napari_cellseg.errors import InputError
from napari_cellseg.label.change import Edit
from napari_cellseg.label.journal_known import STATES, FrameState, Known
from napari_cellseg.label.journal_lines import line_of
from napari_cellseg.label.journal_reader import JournalReader
from napari_cellseg.label.journal_steps import EditStep, Step, entry_of_step
from napari_cellseg.label.proposals import Taken

__all__ = ["EditStep", "FrameState", "Journal", "Step", "apply_edits"]


class Journal(JournalReader):
    """The journal of one movie of labels, to be read and written; one process writes it at a time.

    Parameters
    ----------
    path : Path or str
        The file; made with the first entry.
    shape : tuple of int, optional
        Lengths of the axes of the labels, TYX or YX. A journal of other labels is refused.
    who : str
        Who works; told with every entry that does not say so itself.

    Raises
    ------
    InputError
        The file is no journal, is damaged before its end, or belongs to labels of another shape.
    """

    def __init__(self, path: Path | str, shape: tuple[int, ...] | None = None, who: str = "") -> None:
        super().__init__(path, shape)
        self.who = who

    def append(self, *edits: Edit) -> None:
        """Write one step down; it is on the disk when this returns.

        Parameters
        ----------
        *edits : Edit
            What was done by one deed, in the order in which it is applied. What was undone before can no
            longer be redone.

        Raises
        ------
        StorageError
            The disk is full, or the place cannot be written.
        """
        if edits:
            self._write(entry_of_step(EditStep(edits).by(self.who), self.path.parent))

    def take(self, taken: Taken) -> None:
        """Write down that proposals are taken, as one step; see `napari_cellseg.label.proposals`.

        Parameters
        ----------
        taken : Taken
            The proposals; their file stays where it is, best beside the journal, so that both move together.

        Raises
        ------
        StorageError
            The disk is full, or the place cannot be written.
        """
        self._write({**entry_of_step(taken, self.path.parent), "by": self.who})

    def undo(self, keep: Collection[int] = ()) -> Step | None:
        """Write down that the last step in effect is taken back.

        Parameters
        ----------
        keep : collection of int
            Of proposals: frames that stay as they are, because they were accepted since.

        Returns
        -------
        EditStep, Taken or None
            The inverse of edits, to be applied to the labels, or the proposals, to be taken back; None when
            nothing is left to undo.

        Raises
        ------
        StorageError
            The disk is full, or the place cannot be written.
        """
        step = self.last_done()
        if step is None:
            return None
        self._write(self._deed("undo") | _kept(step, keep))
        return step if isinstance(step, Taken) else step.inverse()

    def redo(self, keep: Collection[int] = ()) -> Step | None:
        """Write down that the step undone last is done again.

        Parameters
        ----------
        keep : collection of int
            Of proposals: frames that stay as they are, because they were accepted since.

        Returns
        -------
        EditStep, Taken or None
            What is to be applied to the labels again; None when nothing is left to redo.

        Raises
        ------
        StorageError
            The disk is full, or the place cannot be written.
        """
        step = self.last_undone()
        if step is not None:
            self._write(self._deed("redo") | _kept(step, keep))
        return step

    def mark(self, frame: int, state: FrameState, *, who: str = "") -> None:
        """Write down how far a frame is.

        Parameters
        ----------
        frame : int
            The frame, from 0.
        state : {"auto", "corrected", "accepted", "rejected"}
            For instance accepted: a person found its labels right.
        who : str
            Who says so.

        Raises
        ------
        InputError
            There is no such state.
        StorageError
            The disk is full, or the place cannot be written.
        """
        if state not in STATES:
            raise InputError(f"{state!r} is no state of a frame", f"It is one of {', '.join(STATES)}")
        deed = self._deed("state")
        self._write(deed | {"frame": int(frame), "state": state, "who": who or self.who})

    def _deed(self, kind: str) -> dict[str, Any]:
        return {"kind": kind, "who": self.who, "when": datetime.now(UTC).isoformat(timespec="seconds")}

    def _write(self, entry: dict[str, Any]) -> None:
        """Append an entry, after a heading where there is none, and wait until the disk has it."""
        known, entries = self._known, [entry]
        with storage(self.path):
            if not self.path.is_file():
                with atomic_file(self.path) as partial:
                    partial.touch()
                self._known = known = Known(shape=known.shape)
            if self.path.stat().st_size > known.end:
                self._catch_up()
            if known.end == 0:
                entries.insert(0, {"kind": "journal", "version": 1})
            if known.shape is not None and known.shape != known.shape_written:
                entries.insert(-1, {"kind": "shape", "shape": known.shape})
            lines = [line_of(each) for each in entries]
            with self.path.open("r+b") as file:
                file.seek(known.end)
                file.truncate()
                try:
                    file.write(b"".join(lines))
                    file.flush()
                    os.fsync(file.fileno())
                except OSError:  # it is tried again: what may be there already must not count twice
                    os.truncate(self.path, known.end)
                    raise
        for each, line in zip(entries, lines, strict=True):
            known.take(each, known.end)
            known.end += len(line)


def _kept(step: Step, keep: Collection[int]) -> dict[str, Any]:
    """Write down which frames of proposals stay as they are."""
    return {"keep": sorted(step.frames.intersection(keep))} if isinstance(step, Taken) else {}


def apply_edits(labels: npt.NDArray[Any], journal: Journal) -> npt.NDArray[Any]:
    """Apply what a person corrected, from the first edit on.

    Parameters
    ----------
    labels : ndarray
        Axes TYX or YX, integer; changed in place, also a memory map.
    journal : Journal
        The corrections.

    Returns
    -------
    ndarray
        The labels that were given.

    Raises
    ------
    InputError
        The labels have another shape than those the journal was made for, or an earlier part of the journal
        is missing.
    """
    parts = [journal]
    while (before := parts[-1].before) is not None:
        if not before.is_file() or any(before == part.path for part in parts):
            raise InputError(
                f"The journal {parts[-1].path.name} goes on from {before.name}, which is not beside it",
                "Without it the first corrections are not known",
                "Copy it into the same folder",
            )
        parts.append(Journal(before))
    for part in reversed(parts):
        part.replay(labels)
    return labels
