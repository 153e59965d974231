"""What is to be corrected in a movie, as it is kept in a study and shown."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from napari_cellseg.label.notes import Right
from napari_cellseg.label.queue import FrameFacts, Proposal, rank
from napari_cellseg.label.suspects import Suspect, Usual
from napari_cellseg.progress import Note, Steps

FOUND_FILE = "next.json"
"""Name of the file in a study's folder that keeps what was found."""

COLUMNS = ("frame", "label", "reason", "score", "area_px", "y_px", "x_px")
"""Columns of a table of suspects."""

_SCHEMA = 1


@dataclass(frozen=True)
class Found:
    """What is to be corrected in a movie.

    Attributes
    ----------
    facts : tuple of FrameFacts
        The frames looked at, ascending.
    suspects : tuple of Suspect
        Their objects that look wrong, the worst first.
    usual : Usual or None
        What is usual in the movie; None when it has no object.
    n_frames : int
        Frames of the movie.
    """

    facts: tuple[FrameFacts, ...]
    suspects: tuple[Suspect, ...]
    usual: Usual | None
    n_frames: int

    def queue(self, done: Collection[int]) -> tuple[Proposal, ...]:
        """Put the frames in order.

        Parameters
        ----------
        done : collection of int
            Frames that were corrected already.

        Returns
        -------
        tuple of Proposal
            See `napari_cellseg.label.queue.rank`.
        """
        return rank(self.facts, done, self.usual is not None and self.usual.in_time)

    def said(self) -> str:
        """Say what the order rests on.

        Returns
        -------
        str
            A sentence or two.
        """
        n, model = len(self.facts), all(one.uncertainty is not None for one in self.facts)
        in_time = self.usual is not None and self.usual.in_time
        by = [text for text, known in (("what the model is unsure of", model), ("time", in_time)) if known]
        said = (
            f"By {' and '.join(by)}." if by else "By shape and size alone: no model has counted these frames."
        )
        return said + (
            f" {n} of {self.n_frames} frames were looked at, evenly spread." if n < self.n_frames else ""
        )


def table_of(rows: Sequence[Suspect], right: Collection[Right] = ()) -> pd.DataFrame:
    """Put suspects into a table.

    Parameters
    ----------
    rows : sequence of Suspect
        The suspects.
    right : collection of Right
        Objects that the person found right; those that are still the same are left out.

    Returns
    -------
    pandas.DataFrame
        One row a suspect, with the columns `COLUMNS`, in the order given.
    """
    known = {(one.frame, one.label): one for one in right}

    def is_right(row: Suspect) -> bool:
        one = known.get((row.frame, row.label))
        return one is not None and one.is_still(row.area_px, row.y_px, row.x_px)

    kept = [row for row in rows if not is_right(row)]
    told = [(row.frame, row.label, row.reason, row.score, row.area_px, row.y_px, row.x_px) for row in kept]
    return pd.DataFrame(told, columns=list(COLUMNS))


def as_json(found: Found) -> str:
    """Write what was found as text.

    Parameters
    ----------
    found : Found
        What was found.

    Returns
    -------
    str
        JSON.
    """
    content = {"schema": _SCHEMA, **asdict(found)}
    return json.dumps(content)


def load_found(path: Path) -> Steps[Found | None]:
    """Read what was found when the study was open last.

    Parameters
    ----------
    path : Path
        A file that `find_next` wrote.

    Yields
    ------
    Note
        When it cannot be read; it is only a help, and is made anew in a moment.

    Returns
    -------
    Found or None
        None when there is none.
    """
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["schema"] != _SCHEMA:
            return None
        facts = tuple(
            FrameFacts(**{**one, "look": tuple(one["look"]), "crop": _box(one["crop"])})
            for one in content["facts"]
        )
        rows = tuple(Suspect(**one) for one in content["suspects"])
        return Found(facts, rows, _usual(content["usual"]), content["n_frames"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        yield Note(f"What to correct next, kept in {path}, cannot be read ({error}); it can be found again.")
        return None


def _box(crop: list[int] | None) -> tuple[int, int, int, int] | None:
    return None if crop is None else (crop[0], crop[1], crop[2], crop[3])


def _usual(content: dict[str, Any] | None) -> Usual | None:
    if content is None:
        return None
    pairs = [
        (float(content[name][0]), float(content[name][1])) for name in ("log_area", "solidity", "elongation")
    ]
    return Usual(pairs[0], pairs[1], pairs[2], bool(content["in_time"]))
