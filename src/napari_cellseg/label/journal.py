"""Corrections written down as they happen, so that they come back after a crash.

A journal is a text file; each line is one JSON entry with a checksum, and lines are only ever appended. Undo
and redo are entries too: what is in effect follows from reading all of them in order.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy.typing as npt

from napari_cellseg.data.storage import atomic_file, storage
from napari_cellseg.errors import InputError
from napari_cellseg.label.change import Edit
from napari_cellseg.label.journal_lines import entry_of, line_of, packed, unpacked
from napari_cellseg.label.proposals import Taken

FrameState = Literal["auto", "corrected", "accepted", "rejected"]

_VERSION = 1
_STATES = ("auto", "corrected", "accepted", "rejected")


@dataclass
class _Known:
    """What was read of the file so far."""

    end: int = 0  # where the last complete entry ends; a torn one beyond it is overwritten
    lines: int = 0
    shape: tuple[int, ...] | None = None
    shape_written: tuple[int, ...] | None = None
    done: list[int] = field(default_factory=list)  # where the entries of edits in effect start
    undone: list[int] = field(default_factory=list)
    states: dict[int, FrameState] = field(default_factory=dict)

    def take(self, entry: dict[str, Any], start: int) -> None:
        """Follow one entry."""
        self.lines += 1
        match entry["kind"]:
            case "shape":
                self.shape = self.shape_written = tuple(entry["shape"])
            case "edit" | "proposals":
                self.done.append(start)
                self.undone.clear()
            case "undo":
                self.undone.append(self.done.pop())
            case "redo":
                self.done.append(self.undone.pop())
            case "state":
                self.states[entry["frame"]] = entry["state"]


class Journal:
    """The journal of one movie of labels.

    Nothing is kept in memory but where each entry starts. One process writes it at a time.

    Parameters
    ----------
    path : Path or str
        The file; made with the first entry.
    shape : tuple of int, optional
        Lengths of the axes of the labels, TYX or YX. A journal of other labels is refused.

    Raises
    ------
    InputError
        The file is no journal, is damaged before its end, or belongs to labels of another shape.
    """

    def __init__(self, path: Path | str, shape: tuple[int, ...] | None = None) -> None:
        self.path = Path(path)
        self._known = _Known()
        self._catch_up()
        if shape is not None:
            self._check_shape(tuple(int(n) for n in shape))

    def append(self, edit: Edit) -> None:
        """Write an edit down; it is on the disk when this returns.

        Parameters
        ----------
        edit : Edit
            What was done. What was undone before can no longer be redone.

        Raises
        ------
        StorageError
            The disk is full, or the place cannot be written.
        """
        self._write({"kind": "edit", **packed(edit)})

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
        self._write(
            {
                "kind": "proposals",
                "file": Path(os.path.relpath(taken.path, self.path.parent)).as_posix(),
                "sha256": taken.sha256,
                "frames": sorted(taken.frames),
                "who": taken.who,
                "when": taken.when or datetime.now(UTC).isoformat(timespec="seconds"),
            }
        )

    def undo(self, keep: Collection[int] = ()) -> Edit | Taken | None:
        """Write down that the last step in effect is taken back.

        Parameters
        ----------
        keep : collection of int
            Of proposals: frames that stay as they are, because they were accepted since.

        Returns
        -------
        Edit, Taken or None
            The inverse of an edit, to be applied to the labels, or the proposals, to be taken back; None when
            nothing is left to undo.

        Raises
        ------
        StorageError
            The disk is full, or the place cannot be written.
        """
        if not self._known.done:
            return None
        step = self._step_at(self._known.done[-1])
        if isinstance(step, Taken):
            self._write({"kind": "undo", "keep": sorted(step.frames.intersection(keep))})
            return step
        self._write({"kind": "undo"})
        return step.inverse()

    def redo(self, keep: Collection[int] = ()) -> Edit | Taken | None:
        """Write down that the step undone last is done again.

        Parameters
        ----------
        keep : collection of int
            Of proposals: frames that stay as they are, because they were accepted since.

        Returns
        -------
        Edit, Taken or None
            What is to be applied to the labels again; None when nothing is left to redo.

        Raises
        ------
        StorageError
            The disk is full, or the place cannot be written.
        """
        if not self._known.undone:
            return None
        step = self._step_at(self._known.undone[-1])
        kept = {"keep": sorted(step.frames.intersection(keep))} if isinstance(step, Taken) else {}
        self._write({"kind": "redo", **kept})
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
        if state not in _STATES:
            raise InputError(f"{state!r} is no state of a frame", f"It is one of {', '.join(_STATES)}")
        when = datetime.now(UTC).isoformat(timespec="seconds")
        self._write({"kind": "state", "frame": int(frame), "state": state, "who": who, "when": when})

    def states(self) -> dict[int, FrameState]:
        """Say how far the frames are.

        Returns
        -------
        dict of int to str
            The last state of each frame that was marked.
        """
        return dict(self._known.states)

    def edits(self) -> tuple[Edit, ...]:
        """Read the edits that are in effect.

        Returns
        -------
        tuple of Edit
            The oldest first; those undone, and proposals, are left out.
        """
        return tuple(step for step in self.steps() if isinstance(step, Edit))

    def steps(self) -> tuple[Edit | Taken, ...]:
        """Read the steps that are in effect.

        Returns
        -------
        tuple of Edit and Taken
            The oldest first; those undone are left out.
        """
        return tuple(self._step_at(start) for start in self._known.done)

    def times(self) -> tuple[datetime, ...]:
        """Tell when somebody was at work.

        Returns
        -------
        tuple of datetime
            Times of all edits and marks, undone ones too, in the order of the journal.
        """
        told = (entry.get("when") for _start, entry in self._entries() if entry["kind"] in ("edit", "state"))
        return tuple(datetime.fromisoformat(when) for when in told if when)

    @property
    def can_undo(self) -> bool:
        """Whether an edit is in effect."""
        return bool(self._known.done)

    @property
    def can_redo(self) -> bool:
        """Whether an edit was undone and nothing done since."""
        return bool(self._known.undone)

    def replay(self, labels: npt.NDArray[Any]) -> None:
        """Bring labels to where the journal ends, in place.

        All entries are gone through in order, undone ones too: so the result is the same for the labels as
        they were at the start and for labels that hold some of the corrections already, as after a crash.

        Parameters
        ----------
        labels : ndarray
            Axes TYX or YX, integer; also a memory map.

        Raises
        ------
        InputError
            The labels have another shape than those the journal was made for.
        """
        self._check_shape(labels.shape)
        so_far = _Known()
        for start, entry in self._entries():
            match entry["kind"]:
                case "edit" | "proposals":
                    _put(self._step_of(entry), labels)
                case "undo":
                    _put(self._step_at(so_far.done[-1]), labels, back=True, keep=entry.get("keep", ()))
                case "redo":
                    _put(self._step_at(so_far.undone[-1]), labels, keep=entry.get("keep", ()))
            so_far.take(entry, start)

    def _check_shape(self, shape: tuple[int, ...]) -> None:
        known = self._known.shape
        if known is not None and known != shape:
            raise InputError(
                f"The corrections in {self.path.name} were made on labels of the shape {known}",
                f"These labels have the shape {shape}",
                "Open the labels that they belong to, or put the journal aside",
            )
        self._known.shape = shape

    def _entries(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Read all entries known, with where each starts."""
        if not self.path.is_file():
            return
        with self.path.open("rb") as file:
            while (start := file.tell()) < self._known.end:
                yield start, self._sound(file.readline())

    def _sound(self, line: bytes) -> dict[str, Any]:
        """Read an entry that was sound before."""
        entry = entry_of(line)
        if entry is None:
            raise InputError(
                f"The journal {self.path} was changed by something else", "", "Open the corrections again"
            )
        return entry

    def _step_at(self, start: int) -> Edit | Taken:
        with self.path.open("rb") as file:
            file.seek(start)
            return self._step_of(self._sound(file.readline()))

    def _step_of(self, entry: dict[str, Any]) -> Edit | Taken:
        if entry["kind"] == "edit":
            return unpacked(entry)
        file = self.path.parent / entry["file"]
        return Taken(file, entry["sha256"], frozenset(entry["frames"]), entry["who"], entry["when"])

    def _catch_up(self) -> None:
        """Read what is new in the file; a last line that is not complete was never finished: no entry."""
        known = self._known
        if not self.path.is_file():
            return
        with storage(self.path), self.path.open("rb") as file:
            file.seek(known.end)
            for line in file:
                entry = entry_of(line)
                if entry is None and not file.read(1):
                    return
                if entry is None:
                    raise InputError(
                        f"The journal {self.path} is damaged in line {known.lines + 1}",
                        "Only its last line may be incomplete",
                        "Put back a copy of it, or put it aside; it was not changed",
                    )
                if entry.get("version", _VERSION) > _VERSION:
                    raise InputError(
                        f"The journal {self.path} was written by a later version", "", "Update napari-cellseg"
                    )
                known.take(entry, known.end)
                known.end += len(line)

    def _write(self, entry: dict[str, Any]) -> None:
        """Append an entry, after a heading where there is none, and wait until the disk has it."""
        known, entries = self._known, [entry]
        with storage(self.path):
            if not self.path.is_file():
                with atomic_file(self.path) as partial:
                    partial.touch()
                self._known = known = _Known(shape=known.shape)
            if self.path.stat().st_size > known.end:
                self._catch_up()
            if known.end == 0:
                entries.insert(0, {"kind": "journal", "version": _VERSION})
            if known.shape is not None and known.shape != known.shape_written:
                entries.insert(-1, {"kind": "shape", "shape": known.shape})
            lines = [line_of(each) for each in entries]
            with self.path.open("r+b") as file:
                file.seek(known.end)
                file.truncate()
                file.write(b"".join(lines))
                file.flush()
                os.fsync(file.fileno())
        for each, line in zip(entries, lines, strict=True):
            known.take(each, known.end)
            known.end += len(line)


def _put(
    step: Edit | Taken, labels: npt.NDArray[Any], *, back: bool = False, keep: Collection[int] = ()
) -> None:
    if isinstance(step, Taken):
        step.put(labels, back=back, keep=keep)
    else:
        (step.inverse() if back else step).apply(labels)


def apply_edits(labels: npt.NDArray[Any], journal: Journal) -> npt.NDArray[Any]:
    """Apply what a person corrected.

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
        The labels have another shape than those the journal was made for.
    """
    journal.replay(labels)
    return labels
