"""What an expert said of each item, as a sheet tells it line by line."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from napari_cellseg.errors import InputError
from napari_cellseg.evaluate.review.lines import (
    READER,
    VERSION,
    Done,
    Heading,
    Kind,
    Mark,
    Unmark,
)
from napari_cellseg.evaluate.review.plan import SHEETS, Item, ReviewPlan

LONGEST_LINE = 1 << 12
"""Bytes of a line, at most."""


@dataclass
class Judgement:
    """What an expert said of one item.

    Attributes
    ----------
    marks : dict of int to Mark
        Those in effect by their id, in the order in which they were made.
    done : bool
        Whether the item was finished.
    unsure : bool
        Whether it cannot be judged at all.
    seconds : float
        How long it was looked at, all in all.
    when : str
        When it was finished last.
    """

    marks: dict[int, Mark] = field(default_factory=dict)
    done: bool = False
    unsure: bool = False
    seconds: float = 0.0
    when: str = ""

    def objects(self, kind: Kind) -> frozenset[int]:
        """List the objects that are marked.

        Parameters
        ----------
        kind : {"wrong", "unsure"}
            As what.

        Returns
        -------
        frozenset of int
            Their labels.
        """
        return frozenset(mark.object for mark in self.marks.values() if mark.kind == kind and mark.object)

    def places(self, kind: Kind) -> tuple[tuple[float, float], ...]:
        """List the places that are marked.

        Parameters
        ----------
        kind : {"missed", "unsure"}
            As what.

        Returns
        -------
        tuple of (float, float)
            Row and column in px of the frame.
        """
        marks = (mark for mark in self.marks.values() if mark.kind == kind and not mark.object)
        return tuple((mark.y, mark.x) for mark in marks)


@dataclass
class Content:
    """What was read of a sheet, or written to it, so far.

    Attributes
    ----------
    expert : str
        Whose sheet it is; empty before its heading.
    end : int
        Bytes of the file that hold complete lines.
    n_lines : int
        How many lines they are.
    next_id : int
        For the next mark.
    items : dict of int to Judgement
        What was said of each item.
    where : dict of int to int
        Item of each mark in effect.
    """

    expert: str = ""
    end: int = 0
    n_lines: int = 0
    next_id: int = 1
    items: dict[int, Judgement] = field(default_factory=dict)
    where: dict[int, int] = field(default_factory=dict)

    def take(self, line: Heading | Mark | Unmark | Done, plan: ReviewPlan) -> None:
        """Follow one line.

        Parameters
        ----------
        line : Heading, Mark, Unmark or Done
            The next line.
        plan : ReviewPlan
            The plan.

        Raises
        ------
        ValueError
            It does not fit; says why.
        """
        if isinstance(line, Heading):
            self._take_heading(line, plan)
        elif not self.expert:
            raise ValueError("the heading is missing")
        elif isinstance(line, Mark):
            self._take_mark(line, plan)
        elif isinstance(line, Unmark):
            if line.id not in self.where:
                raise ValueError(f"mark {line.id} is taken back, and there is none")
            del self.items[self.where.pop(line.id)].marks[line.id]
        else:
            judgement = self.of(_item(line.item, plan).number)
            judgement.done, judgement.unsure, judgement.when = True, line.unsure, line.when
            judgement.seconds += line.seconds
        self.n_lines += 1

    def _take_heading(self, line: Heading, plan: ReviewPlan) -> None:
        if self.expert:
            raise ValueError("there is a second heading")
        if line.version > VERSION:
            raise ValueError("it was written by a later version of napari-cellseg")
        if line.review != plan.id:
            raise ValueError("it belongs to another review")
        self.expert = line.expert

    def _take_mark(self, line: Mark, plan: ReviewPlan) -> None:
        item = _item(line.item, plan)
        top, left, bottom, right = item.window
        if not (top - 0.5 <= line.y <= bottom - 0.5 and left - 0.5 <= line.x <= right - 0.5):
            raise ValueError(f"a mark lies outside of item {line.item}")
        if line.object and line.object not in item.objects:
            raise ValueError(f"item {line.item} has no object {line.object}")
        if bool(line.object) != (line.kind == "wrong") and line.kind != "unsure":
            raise ValueError(f"a mark is {line.kind}, and its object is {line.object}")
        if line.id in self.where or line.id < self.next_id:
            raise ValueError(f"there are two marks {line.id}")
        self.next_id, self.where[line.id] = line.id + 1, line.item
        self.of(line.item).marks[line.id] = line

    def of(self, number: int) -> Judgement:
        """Say what was said of an item.

        Parameters
        ----------
        number : int
            Of the item.

        Returns
        -------
        Judgement
            So far.
        """
        return self.items.setdefault(number, Judgement())


def _item(number: int, plan: ReviewPlan) -> Item:
    if not 1 <= number <= len(plan.items):
        raise ValueError(f"there is no item {number}")
    return plan.item(number)


def read_sheets(folder: Path, plan: ReviewPlan) -> dict[str, dict[int, Judgement]]:
    """Read the sheets of all experts.

    Parameters
    ----------
    folder : Path
        The folder of the review.
    plan : ReviewPlan
        Its plan.

    Returns
    -------
    dict
        By expert, in the order of their names, then by item: what they said. Only items that are finished.

    Raises
    ------
    InputError
        A sheet is damaged, or belongs to another review.
    """
    sheets: dict[str, dict[int, Judgement]] = {}
    for path in sorted((folder / SHEETS).glob("*.jsonl")):
        content = read_content(path, plan)
        finished = {n: said for n, said in sorted(content.items.items()) if said.done}
        if not content.expert:
            continue
        if content.expert in sheets:
            raise InputError(
                f"Two sheets are of {content.expert}, one of them {path.name}",
                "Each expert has one",
                "Take one of them out of the folder",
            )
        sheets[content.expert] = finished
    return dict(sorted(sheets.items()))


def read_content(path: Path, plan: ReviewPlan) -> Content:
    """Read a sheet; a last line that is not complete was never finished, and is no line.

    Parameters
    ----------
    path : Path
        The sheet.
    plan : ReviewPlan
        The plan.

    Returns
    -------
    Content
        What it says.

    Raises
    ------
    InputError
        It is damaged, or belongs to another review.
    """
    content = Content()
    try:
        with path.open("rb") as file:
            for raw in file:
                if not raw.endswith(b"\n"):
                    break
                try:
                    if len(raw) > LONGEST_LINE:
                        raise ValueError("it is too long")
                    content.take(READER.validate_json(raw), plan)
                except (ValueError, RecursionError) as error:
                    raise _damaged(path, content.n_lines + 1, error) from error
                content.end += len(raw)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror or error})") from error
    return content


def _damaged(path: Path, number: int, error: Exception) -> InputError:
    what = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
    return InputError(
        f"The sheet {path} cannot be used: in line {number}, {what}",
        "Only its last line may be incomplete",
        "Put back a copy of it, or take it out of the folder",
    )
