"""What a person's review leaves behind besides corrections: time spent, objects found right, reasons.

A file of lines like those of the journal, with a checksum each, only ever appended to. It is no part of the
journal, because nothing in it is an edit that could be undone, and because losing it loses no label.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from napari_cellseg.data.storage import storage
from napari_cellseg.label.journal_lines import entry_of, line_of

FILE = "review.jsonl"
"""Name of the file in a study's folder."""

_SAME_AREA = 0.1
_SAME_PLACE = 0.25


@dataclass(frozen=True)
class Right:
    """An object that the person found right, as it was then.

    Attributes
    ----------
    frame, label : int
        Which object.
    area_px : float
        Its area.
    y_px, x_px : float
        Its centroid.
    """

    frame: int
    label: int
    area_px: float
    y_px: float
    x_px: float

    def is_still(self, area_px: float, y_px: float, x_px: float) -> bool:
        """Tell whether an object of this frame and label is still the one that was found right.

        Parameters
        ----------
        area_px, y_px, x_px : float
            Area and centroid now.

        Returns
        -------
        bool
            False once it changed by a tenth of its area, or moved by a quarter of the side of a square of its
            area: then it is worth another look.
        """
        side = self.area_px**0.5
        moved = max(abs(y_px - self.y_px), abs(x_px - self.x_px))
        return abs(area_px - self.area_px) <= _SAME_AREA * self.area_px and moved <= _SAME_PLACE * side


@dataclass
class ReviewNotes:
    """The notes of one study; made with `open_notes`. One process writes them at a time.

    Attributes
    ----------
    path : Path
        The file; made with the first note.
    seconds : dict of int to float
        Active time spent on each frame.
    right : dict of (int, int) to Right
        Objects found right, by frame and label.
    reasons : dict of int to str
        Why frames were rejected, where the person said it.
    predicted : bool
        Whether the labels that are corrected came from a model.
    """

    path: Path
    seconds: dict[int, float] = field(default_factory=dict)
    right: dict[tuple[int, int], Right] = field(default_factory=dict)
    reasons: dict[int, str] = field(default_factory=dict)
    predicted: bool = False

    def spent(self, frame: int, seconds: float) -> dict[str, Any]:
        """Add active time.

        Parameters
        ----------
        frame : int
            The frame that it was spent on.
        seconds : float
            How long.

        Returns
        -------
        dict
            The note, for `write`.
        """
        return self._take({"kind": "time", "frame": frame, "seconds": round(seconds, 1)})

    def found_right(self, right: Right) -> dict[str, Any]:
        """Remember that an object is right.

        Parameters
        ----------
        right : Right
            The object as it is.

        Returns
        -------
        dict
            The note, for `write`.
        """
        return self._take({"kind": "right", **vars(right)})

    def rejected(self, frame: int, reason: str) -> dict[str, Any]:
        """Remember why a frame was rejected.

        Parameters
        ----------
        frame : int
            The frame.
        reason : str
            Why; empty forgets it.

        Returns
        -------
        dict
            The note, for `write`.
        """
        return self._take({"kind": "reason", "frame": frame, "reason": reason})

    def begun(self, predicted: bool) -> dict[str, Any]:
        """Remember where the labels came from.

        Parameters
        ----------
        predicted : bool
            Whether a model made them.

        Returns
        -------
        dict
            The note, for `write`.
        """
        return self._take({"kind": "begun", "predicted": predicted})

    def write(self, note: Mapping[str, Any]) -> None:
        """Append a note; it is on the disk when this returns.

        Parameters
        ----------
        note : mapping
            What one of the other methods answered.

        Raises
        ------
        StorageError
            The disk is full, or the place cannot be written.
        """
        with storage(self.path), self.path.open("a+b") as file:
            torn = file.tell() > 0 and not _ends_line(file)
            file.write((b"\n" if torn else b"") + line_of(dict(note)))
            file.flush()
            os.fsync(file.fileno())

    def _take(self, note: dict[str, Any]) -> dict[str, Any]:
        """Follow one note."""
        match note["kind"]:
            case "time":
                frame = note["frame"]
                self.seconds[frame] = self.seconds.get(frame, 0.0) + note["seconds"]
            case "right":
                right = Right(**{key: note[key] for key in Right.__dataclass_fields__})
                self.right[right.frame, right.label] = right
            case "reason":
                self.reasons[note["frame"]] = note["reason"]
            case "begun":
                self.predicted = note["predicted"]
        return note


def _ends_line(file: Any) -> bool:
    file.seek(-1, os.SEEK_END)
    return bool(file.read(1) == b"\n")


def open_notes(path: Path | str) -> ReviewNotes:
    """Read the notes of a study.

    Parameters
    ----------
    path : Path or str
        The file; it need not be there.

    Returns
    -------
    ReviewNotes
        Lines that are damaged, as after a crash, are passed over: each note stands for itself.

    Raises
    ------
    StorageError
        The file cannot be read.
    """
    notes = ReviewNotes(Path(path))
    if notes.path.is_file():
        with storage(notes.path):
            lines = notes.path.read_bytes().splitlines(keepends=True)
        for note in filter(None, map(entry_of, lines)):
            notes._take(note)
    return notes
