"""Reading the journal of corrections: where its steps are, what they hold, what is in effect."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy.typing as npt

from napari_cellseg.data.storage import storage
from napari_cellseg.errors import InputError
from napari_cellseg.label.change import Edit
from napari_cellseg.label.journal_known import FrameState, Known
from napari_cellseg.label.journal_lines import entry_of
from napari_cellseg.label.journal_steps import EditStep, Step, put, step_of_entry

VERSION = 2
"""The newest entries that are understood; a journal of version 1 has no steps of several edits."""


class JournalReader:
    """The journal of one movie of labels, to be read.

    Nothing is kept in memory but where each step starts, and which frames it concerns.

    Parameters
    ----------
    path : Path or str
        The file; it need not be there.
    shape : tuple of int, optional
        Lengths of the axes of the labels, TYX or YX. A journal of other labels is refused.

    Raises
    ------
    InputError
        The file is no journal, is damaged before its end, or belongs to labels of another shape.
    """

    def __init__(self, path: Path | str, shape: tuple[int, ...] | None = None) -> None:
        self.path = Path(path)
        self._known = Known()
        self._catch_up()
        if shape is not None:
            self._check_shape(tuple(int(n) for n in shape))

    def states(self) -> dict[int, FrameState]:
        """Say how far the frames are.

        Returns
        -------
        dict of int to str
            The last state of each frame that was marked.
        """
        return dict(self._known.states)

    def frames(self) -> dict[int, int]:
        """Say which frames are corrected.

        Returns
        -------
        dict of int to int
            How many edits are in effect, by frame; proposals are none.
        """
        return dict(self._known.frames)

    @property
    def n_done(self) -> int:
        """How many steps can be undone."""
        return len(self._known.done)

    @property
    def n_undone(self) -> int:
        """How many steps can be done again."""
        return len(self._known.undone)

    @property
    def when(self) -> str:
        """Date and time of the last edit (UTC, ISO 8601); empty when there is none."""
        return self._known.when

    def edits(self) -> tuple[Edit, ...]:
        """Read the edits that are in effect.

        Returns
        -------
        tuple of Edit
            The oldest first; those undone, and proposals, are left out.
        """
        return tuple(edit for step in self.steps() if isinstance(step, EditStep) for edit in step.edits)

    def steps(self) -> Iterator[Step]:
        """Read the steps that are in effect, one by one.

        Yields
        ------
        EditStep or Taken
            The oldest first; those undone are left out.
        """
        for start in tuple(self._known.done):
            yield self._step_at(start)

    def entries(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Read all entries, one by one.

        Yields
        ------
        start : int
            Where it starts in the file.
        entry : dict
            The entry.
        """
        if not self.path.is_file():
            return
        with self.path.open("rb") as file:
            while (start := file.tell()) < self._known.end:
                yield start, self._sound(file.readline())

    def times(self, since: int = 0) -> tuple[datetime, ...]:
        """Tell when somebody was at work.

        Parameters
        ----------
        since : int
            Where in the file to begin.

        Returns
        -------
        tuple of datetime
            Times of all edits and marks, undone ones too, in the order of the journal.
        """
        told: list[datetime] = []
        for start, entry in self.entries():
            if start < since:
                continue
            if entry["kind"] == "earlier":
                told += [datetime.fromtimestamp(seconds, UTC) for seconds in entry["times"]]
            elif entry["kind"] in ("edit", "step", "state"):
                when = entry["edits"][0]["when"] if entry["kind"] == "step" else entry.get("when")
                told += [datetime.fromisoformat(when)] if when else []
        return tuple(told)

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
        so_far = Known()
        for start, entry in self.entries():
            match entry["kind"]:
                case "edit" | "step" | "proposals":
                    put(self._step_of(entry), labels)
                case "undo":
                    put(self._step_at(so_far.done[-1]), labels, back=True, keep=entry.get("keep", ()))
                case "redo":
                    put(self._step_at(so_far.undone[-1]), labels, keep=entry.get("keep", ()))
            so_far.take(entry, start)

    @property
    def before(self) -> Path | None:
        """The longer journal of which this one is the end; None when it is whole."""
        return self.path.parent / self._known.before if self._known.before else None

    def last_done(self) -> Step | None:
        """Read the step that `undo` would take back.

        Returns
        -------
        EditStep, Taken or None
            None when nothing is left to undo.
        """
        return self._step_at(self._known.done[-1]) if self._known.done else None

    def last_undone(self) -> Step | None:
        """Read the step that `redo` would do again.

        Returns
        -------
        EditStep, Taken or None
            None when nothing is left to redo.
        """
        return self._step_at(self._known.undone[-1]) if self._known.undone else None

    def _check_shape(self, shape: tuple[int, ...]) -> None:
        known = self._known.shape
        if known is not None and known != shape:
            raise InputError(
                f"The corrections in {self.path.name} were made on labels of the shape {known}",
                f"These labels have the shape {shape}",
                "Open the labels that they belong to, or put the journal aside",
            )
        self._known.shape = shape

    def _sound(self, line: bytes) -> dict[str, Any]:
        """Read an entry that was sound before."""
        entry = entry_of(line)
        if entry is None:
            raise InputError(
                f"The journal {self.path} was changed by something else", "", "Open the corrections again"
            )
        return entry

    def _step_at(self, start: int) -> Step:
        with storage(self.path), self.path.open("rb") as file:
            file.seek(start)
            return self._step_of(self._sound(file.readline()))

    def _step_of(self, entry: dict[str, Any]) -> Step:
        """Read a step; one that does not fit the labels is none, before any memory is spent on it."""
        shape = self._known.shape
        if shape is not None and entry["kind"] != "proposals":
            for each in entry["edits"] if entry["kind"] == "step" else [entry]:
                _check_fit(each, shape)
        return step_of_entry(entry, self.path.parent)

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
                    raise self._damaged("Only its last line may be incomplete")
                if _version_of(entry) > VERSION:
                    raise InputError(
                        f"The journal {self.path} was written by a later version", "", "Update napari-cellseg"
                    )
                try:
                    known.take(entry, known.end)
                except (LookupError, TypeError, ValueError, AttributeError) as error:
                    raise self._damaged(f"This entry is none that can be followed: {error}") from error
                known.end += len(line)

    def _damaged(self, why: str) -> InputError:
        return InputError(
            f"The journal {self.path} is damaged in line {self._known.lines + 1}",
            why,
            "Put back a copy of it, or put it aside; it was not changed",
        )


def _check_fit(entry: dict[str, Any], shape: tuple[int, ...]) -> None:
    """Refuse an edit outside the labels."""
    frame, box = entry.get("frame"), entry.get("bbox")
    inside = isinstance(box, list) and len(box) == 4 and all(isinstance(n, int) for n in box)
    inside = inside and box is not None and box[2] <= shape[-2] and box[3] <= shape[-1]
    if not inside or (len(shape) == 3 and not (isinstance(frame, int) and frame < shape[0])):
        raise InputError(
            f"A correction of frame {frame} in the box {box} does not fit labels of the shape {shape}",
            "Corrections only fit the labels that they were made for",
            "Choose those labels, or put back a copy of the journal",
        )


def _version_of(entry: dict[str, Any]) -> int:
    version = entry.get("version", 1)
    return version if isinstance(version, int) else VERSION + 1
