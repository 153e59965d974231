"""What one expert says: a sheet, written down click by click.

``sheets/EXPERT.jsonl`` in the folder of the review, one JSON object a line: a heading, then marks, marks
taken back, and items finished. It only grows, and every line is on the disk before the next click: after a
crash at most the line that was being written is lost, and the expert goes on where they were.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from napari_cellseg.data.storage import storage
from napari_cellseg.errors import InputError, SettingsError, StorageError
from napari_cellseg.evaluate.pictures import file_name
from napari_cellseg.evaluate.review.judgement import LONGEST_LINE, Content, Judgement, read_content
from napari_cellseg.evaluate.review.lines import LONGEST_NAME, Done, Heading, Kind, Mark, Unmark
from napari_cellseg.evaluate.review.plan import SHEETS, ReviewPlan

_LEAST_REACH_PX = 3.0


def sheet_file(folder: Path, expert: str) -> Path:
    """Say where the sheet of an expert is.

    Parameters
    ----------
    folder : Path
        The folder of the review.
    expert : str
        The expert's name.

    Returns
    -------
    Path
        The file; it need not be there yet.

    Raises
    ------
    SettingsError
        The name is empty, or too long.
    """
    name = " ".join(expert.split())
    if not name.strip(" .") or len(name) > LONGEST_NAME:
        raise SettingsError(
            f"The expert's name is {expert!r}",
            f"It has 1 to {LONGEST_NAME} letters",
            "Write your name or initials",
        )
    return folder / SHEETS / f"{file_name(name)}.jsonl"


class Sheet:
    """The sheet of one expert, open for writing.

    Parameters
    ----------
    folder : Path
        The folder of the review.
    plan : ReviewPlan
        Its plan.
    expert : str
        The expert's name; a sheet of that name is gone on with.
    now : callable
        Gives the time.

    Raises
    ------
    InputError
        The sheet is damaged, or belongs to another review or expert.
    SettingsError
        The name cannot be used.
    """

    def __init__(
        self,
        folder: Path,
        plan: ReviewPlan,
        expert: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.path, self.plan, self.expert = sheet_file(folder, expert), plan, " ".join(expert.split())
        self._now = now
        self._content = read_content(self.path, plan) if self.path.exists() else Content()
        if self._content.expert and self._content.expert != self.expert:
            raise InputError(
                f"{self.path} is the sheet of {self._content.expert}, not of {self.expert}",
                "Each expert has a sheet of their own",
                "Write the name in another way",
            )

    def judgement(self, number: int) -> Judgement:
        """Say what was said of an item so far.

        Parameters
        ----------
        number : int
            Of the item, from 1.

        Returns
        -------
        Judgement
            It changes with further marks.
        """
        return self._content.of(number)

    @property
    def n_done(self) -> int:
        """How many items are finished."""
        return sum(judgement.done for judgement in self._content.items.values())

    @property
    def next_item(self) -> int | None:
        """The first item that is not finished; None when all are."""
        numbers = (item.number for item in self.plan.items)
        return next((n for n in numbers if not self._content.of(n).done), None)

    @property
    def seconds(self) -> list[float]:
        """How long each finished item was looked at."""
        return [judgement.seconds for judgement in self._content.items.values() if judgement.done]

    def mark(self, number: int, kind: Kind, label: int, y: float, x: float) -> None:
        """Write down a mark; another of the same object is taken back first, the same one only taken back.

        Parameters
        ----------
        number : int
            Of the item.
        kind : {"wrong", "missed", "unsure"}
            What it says.
        label : int
            The object; 0 for a place without one.
        y, x : float
            Where, in px of the frame.

        Raises
        ------
        StorageError
            The sheet cannot be written.
        """
        marks = self.judgement(number).marks.values()
        old = next((mark for mark in marks if label and mark.object == label), None)
        if old is not None:
            self.take_back(old.id)
            if old.kind == kind:
                return
        self._write(
            Mark(id=self._content.next_id, item=number, kind=kind, object=label, y=y, x=x, when=self._when())
        )

    def click(self, number: int, kind: Kind, label: int, y: float, x: float) -> None:
        """Write down a click: a mark, or that the mark which is there already is taken back.

        Parameters
        ----------
        number : int
            Of the item.
        kind : {"wrong", "missed", "unsure"}
            What it says.
        label : int
            The object; 0 for a place without one.
        y, x : float
            Where, in px of the frame. A click within a quarter of an object's diameter of a mark on
            background means that mark.

        Raises
        ------
        StorageError
            The sheet cannot be written.
        """
        reach = max(self.plan.object_diameter_px / 4, _LEAST_REACH_PX)
        marks = self.judgement(number).marks.values()
        near = [mark for mark in marks if not mark.object and math.dist((mark.y, mark.x), (y, x)) <= reach]
        if label or not near:
            self.mark(number, kind, label, y, x)
            return
        old = min(near, key=lambda mark: math.dist((mark.y, mark.x), (y, x)))
        self.take_back(old.id)
        if old.kind != kind:
            self.mark(number, kind, 0, y, x)

    def take_back(self, mark_id: int) -> None:
        """Write down that a mark is taken back.

        Parameters
        ----------
        mark_id : int
            `Mark.id`.

        Raises
        ------
        StorageError
            The sheet cannot be written.
        """
        self._write(Unmark(id=mark_id, when=self._when()))

    def undo(self, number: int) -> bool:
        """Take the last mark of an item back.

        Parameters
        ----------
        number : int
            Of the item.

        Returns
        -------
        bool
            False when it has none.

        Raises
        ------
        StorageError
            The sheet cannot be written.
        """
        marks = list(self.judgement(number).marks)
        if marks:
            self.take_back(marks[-1])
        return bool(marks)

    def finish(self, number: int, seconds: float, unsure: bool = False) -> None:
        """Write down that an item is finished.

        Parameters
        ----------
        number : int
            Of the item.
        seconds : float
            How long it was looked at, this time.
        unsure : bool
            True when it cannot be judged at all.

        Raises
        ------
        StorageError
            The sheet cannot be written.
        """
        told = max(0.0, round(seconds, 2))
        self._write(Done(item=number, unsure=unsure, seconds=told, when=self._when()))

    def _when(self) -> str:
        return self._now().isoformat(timespec="milliseconds")

    def _write(self, line: Mark | Unmark | Done) -> None:
        """Append a line, after the heading where there is none, and wait until the disk has it."""
        content, lines = self._content, [line]
        heading = Heading(review=self.plan.id, expert=self.expert)
        raw = b"".join(
            each.model_dump_json().encode() + b"\n"
            for each in ([heading] if not content.expert else []) + lines
        )
        with storage(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("r+b" if self.path.exists() else "x+b") as file:
                self._refuse_another_writer(file.seek(0, os.SEEK_END))
                file.seek(content.end)
                file.truncate()
                file.write(raw)
                file.flush()
                os.fsync(file.fileno())
        if not content.expert:
            content.take(heading, self.plan)
        content.take(line, self.plan)
        content.end += len(raw)

    def _refuse_another_writer(self, size: int) -> None:
        """Only a torn last line may lie beyond what we know of."""
        if size > self._content.end + LONGEST_LINE or (size > self._content.end and self._lines_beyond()):
            raise StorageError(
                f"{self.path} was written to by another window",
                "One window at a time writes the sheet of an expert",
                "Close one of them, and go on in the other after choosing the review again",
            )

    def _lines_beyond(self) -> bool:
        with self.path.open("rb") as file:
            file.seek(self._content.end)
            return file.readline().endswith(b"\n")


def seconds_left(plan: ReviewPlan, sheet: Sheet) -> float | None:
    """Estimate how long the rest will take.

    Parameters
    ----------
    plan : ReviewPlan
        The plan.
    sheet : Sheet
        The sheet.

    Returns
    -------
    float or None
        The median of the last ten items for each that is left, so that a coffee break does not count; None
        before the first item is finished.
    """
    recent = sorted(sheet.seconds[-10:])
    if not recent:
        return None
    middle = (recent[(len(recent) - 1) // 2] + recent[len(recent) // 2]) / 2
    return middle * (len(plan.items) - sheet.n_done)
