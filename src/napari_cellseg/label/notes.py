"""What a person's review leaves behind besides corrections: time spent, objects found right, reasons.

A file of lines like those of the journal, with a checksum each, only ever appended to. It is no part of the
journal, because nothing in it is an edit that could be undone, and because losing it loses no label.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Collection, Mapping
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


class Stopwatch:
    """Measures the active time on the frame in view.

    Time counts while the person is at it: from one thing that they do to the next, and for `idle_s` after the
    last. A telephone call costs a frame half a minute, not half an hour.

    Parameters
    ----------
    idle_s : float
        How long the person may look without doing anything.
    """

    def __init__(self, idle_s: float = 30.0) -> None:
        self.idle_s = idle_s
        self._at: float | None = None
        self._did = float("-inf")

    def did(self, now_s: float) -> None:
        """Hear that the person did something.

        Parameters
        ----------
        now_s : float
            A clock that never goes back.
        """
        if now_s > self._did + self.idle_s:
            self._at = now_s  # the gap before was no work
        self._did = now_s

    def lap(self, now_s: float, counts: bool = True) -> float:
        """Take the active time since the last lap.

        Parameters
        ----------
        now_s : float
            The same clock.
        counts : bool
            False where the corrected labels are not what the person works on.

        Returns
        -------
        float
            Seconds.
        """
        until = min(now_s, self._did + self.idle_s)
        spent = 0.0 if self._at is None or not counts else max(0.0, until - self._at)
        self._at = now_s
        return spent


@dataclass(frozen=True)
class Pace:
    """How fast the review goes.

    Attributes
    ----------
    median_s : float
        Median of the active time on frames that are done.
    left_s : float
        What the rest would take at this pace.
    n_timed : int
        Frames that the median is of.
    """

    median_s: float
    left_s: float
    n_timed: int


def pace(seconds: Mapping[int, float], done: Collection[int], n_frames: int) -> Pace | None:
    """Estimate how long the rest will take.

    Parameters
    ----------
    seconds : mapping of int to float
        Active time by frame.
    done : collection of int
        Frames that the person has decided about.
    n_frames : int
        How many frames there are.

    Returns
    -------
    Pace or None
        None while no frame is done: the time of one that is half done says nothing. The median, so that one
        frame on which everything was tried out does not count for all.
    """
    timed = [seconds[t] for t in done if seconds.get(t, 0.0) > 0]
    if not timed:
        return None
    median = statistics.median(timed)
    return Pace(median, median * (n_frames - len(done)), len(timed))
