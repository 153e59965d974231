"""What to correct next in a movie: frames in order, and objects that look wrong; read frame by frame."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_cellseg.data.project import Study
from napari_cellseg.data.stack import Stack
from napari_cellseg.data.write import write_text
from napari_cellseg.errors import InputError
from napari_cellseg.label.journal import Journal
from napari_cellseg.label.notes import FILE as NOTES
from napari_cellseg.label.notes import Right, open_notes
from napari_cellseg.label.queue import FrameFacts, Proposal, rank
from napari_cellseg.label.suspects import Objects, Suspect, Usual, suspects, usual
from napari_cellseg.live.correcting import read_only
from napari_cellseg.live.counting import LABELS_FILE, PROBABILITY_FILE
from napari_cellseg.pipeline.facts import Planes, facts_of, objects_of, share_with_partner
from napari_cellseg.pipeline.inputs import image_channel
from napari_cellseg.progress import Cancelled, Clock, Note, Steps

FOUND_FILE = "next.json"
"""Name of the file in a study's folder that keeps what was found."""

MOST_FRAMES = 500
"""Of longer movies this many are looked at, spread evenly: neighbours of a chosen frame are much like it."""

COLUMNS = ("frame", "label", "reason", "score", "area_px", "y_px", "x_px")
"""Columns of a table of suspects."""

_TO_LEARN_FROM = 16
_IN_TIME = 0.5
_SCHEMA = 1
_MOST_ROWS = 20_000


@dataclass(frozen=True)
class Movie:
    """The labels of a movie, and what a model thinks of them.

    Attributes
    ----------
    labels : Path or Stack
        See `correcting.read_only`.
    shape : tuple of int
        Frames, height and width that all files must have.
    probability : Path or None
        ``.npy``, TYX, 0 to 1, with the labels that were predicted beside it; a frame of zeros was not
        predicted. None without a model.
    """

    labels: Path | Stack
    shape: tuple[int, int, int]
    probability: Path | None = None


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


class _Reader:
    """Reads the planes of frames; a plane that the next frame needs again is not read twice."""

    def __init__(self, movie: Movie) -> None:
        self._labels = read_only(movie.labels)
        self._probability = self._predicted = None
        if movie.probability is not None:
            self._probability = np.load(movie.probability, mmap_mode="r")
            self._predicted = read_only(movie.probability.with_name(LABELS_FILE))
        self._kept: dict[int, npt.NDArray[Any]] = {}
        self.n_frames = len(self._labels)
        for name, other in (("labels", self._labels), ("probabilities", self._probability)):
            if other is not None and tuple(other.shape) != movie.shape:
                raise InputError(
                    f"The {name} have the shape {tuple(other.shape)}",
                    f"The images have {movie.shape} (frames, height, width)",
                    "Choose labels that were made for these images",
                )

    def labels(self, t: int) -> npt.NDArray[Any] | None:
        """Read the labels of a frame; None beyond the ends."""
        if not 0 <= t < self.n_frames:
            return None
        if t not in self._kept:
            self._kept = {k: plane for k, plane in self._kept.items() if abs(k - t) <= 2}
            self._kept[t] = np.array(self._labels[t])
        return self._kept[t]

    def planes(self, t: int) -> Planes:
        """Read all that belongs to a frame."""
        labels = self.labels(t)
        assert labels is not None  # noqa: S101 - frames are those of the movie
        probability = None if self._probability is None else np.array(self._probability[t], np.float32)
        if probability is None or self._predicted is None or not probability.any():
            return Planes(t, labels, self.labels(t - 1), self.labels(t + 1))
        predicted = np.array(self._predicted[t])
        return Planes(t, labels, self.labels(t - 1), self.labels(t + 1), probability, predicted)


def evenly(n_frames: int, at_most: int) -> list[int]:
    """Choose frames evenly over a movie.

    Parameters
    ----------
    n_frames : int
        Frames of the movie.
    at_most : int
        How many to choose.

    Returns
    -------
    list of int
        Ascending, the first and the last among them; all when there are no more.
    """
    chosen: npt.NDArray[np.float64] = np.linspace(0, n_frames - 1, min(n_frames, at_most))
    return [round(t) for t in chosen.tolist()]


def find_next(
    stack: Stack, channel: int, movie: Movie, keep: Path | None = None, at_most: int = MOST_FRAMES
) -> Steps[Found]:
    """Find out what should be corrected next.

    One frame is in memory at a time, with the labels of the two beside it. Stopped, it answers for the frames
    that it has seen.

    Parameters
    ----------
    stack : Stack
        The images, with one z plane.
    channel : int
        The channel that the model looks at, from 0.
    movie : Movie
        Their labels.
    keep : Path, optional
        The file that keeps the answer, so that it is there when the study is opened again.
    at_most : int
        Frames to look at; of more, so many are chosen evenly.

    Yields
    ------
    Event
        `Progress`, and a `Note` where not all frames are looked at.

    Returns
    -------
    Found
        Facts and suspects.

    Raises
    ------
    InputError
        Labels or probabilities do not fit the images.
    """
    reader = _Reader(movie)
    frames = evenly(reader.n_frames, at_most)
    if len(frames) < reader.n_frames:
        yield Note(f"{len(frames)} of {reader.n_frames} frames are looked at, evenly spread over the movie.")
    first = evenly(reader.n_frames, _TO_LEARN_FROM)
    clock = Clock(len(frames) + len(first), "frames looked at")
    known = yield from _learn_usual(reader, first, clock)
    facts: list[FrameFacts] = []
    rows: list[Suspect] = []
    try:
        for done, t in enumerate(frames, start=1):
            planes = reader.planes(t)
            objects = objects_of(planes)
            found = suspects(objects, known) if known is not None else []
            facts.append(facts_of(planes, stack.frame(t, channel), objects, found))
            rows += found
            yield clock.at(len(first) + done)
    except Cancelled:
        if not facts:
            raise
    result = Found(tuple(facts), _worst(rows), known, reader.n_frames)
    if keep is not None:
        write_text(keep, as_json(result))
    return result


def _learn_usual(reader: _Reader, frames: Sequence[int], clock: Clock) -> Steps[Usual | None]:
    """Learn what is usual from a few frames."""
    measured: list[Objects] = []
    partners: list[float] = []
    for done, t in enumerate(frames, start=1):
        planes = reader.planes(t)
        measured.append(objects_of(planes))
        if planes.after is not None:
            partners.append(share_with_partner(planes.labels, planes.after))
        yield clock.at(done)
    known = [share for share in partners if not np.isnan(share)]
    return usual(measured, bool(known) and float(np.median(known)) >= _IN_TIME)


def _worst(rows: list[Suspect]) -> tuple[Suspect, ...]:
    return tuple(sorted(rows, key=lambda row: -row.score)[:_MOST_ROWS])


@dataclass(frozen=True)
class FrameSuspects:
    """The objects of one frame that look wrong.

    Attributes
    ----------
    t : int
        The frame.
    suspects : tuple of Suspect
        The worst first.
    usual : Usual or None
        What is usual, to be given to the next frame.
    """

    t: int
    suspects: tuple[Suspect, ...]
    usual: Usual | None


def suspects_of_frame(movie: Movie, t: int, known: Usual | None = None) -> Steps[FrameSuspects]:
    """List the objects of one frame that look wrong.

    Parameters
    ----------
    movie : Movie
        The movie.
    t : int
        The frame.
    known : Usual, optional
        What is usual; learned from a few frames when not given.

    Yields
    ------
    Progress
        While it learns what is usual.

    Returns
    -------
    FrameSuspects
        The list.
    """
    reader = _Reader(movie)
    if known is None:
        frames = evenly(reader.n_frames, _TO_LEARN_FROM)
        known = yield from _learn_usual(reader, frames, Clock(len(frames), "frames looked at"))
    found = suspects(objects_of(reader.planes(t)), known) if known is not None else []
    return FrameSuspects(t, tuple(found), known)


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


def newest_probability(study: Study, shape: tuple[int, int, int]) -> Path | None:
    """Choose the probabilities that tell what a model is unsure of.

    Parameters
    ----------
    study : Study
        With predictions.
    shape : tuple of int
        Frames, height and width that they must have.

    Returns
    -------
    Path or None
        Those written last that fit; None when there are none.
    """
    files = sorted(study.predictions.glob(f"*/{PROBABILITY_FILE}"), key=lambda path: -path.stat().st_mtime)
    return next((path for path in files if np.load(path, mmap_mode="r").shape == shape), None)


def labels_of_study(study: Study, shape: tuple[int, int, int]) -> Movie:
    """Choose the best labels of a study.

    Parameters
    ----------
    study : Study
        The study.
    shape : tuple of int
        Frames, height and width of its images.

    Returns
    -------
    Movie
        With the corrected labels; where nothing was corrected yet with those that a model predicted last,
        else with the automatic ones.

    Raises
    ------
    InputError
        It has no labels.
    """
    probability = newest_probability(study, shape)
    predicted = probability.with_name(LABELS_FILE) if probability is not None else None
    for labels in (study.labels_corrected, predicted, study.labels_auto):
        if labels is not None and labels.is_file():
            return Movie(labels, shape, probability)
    raise InputError(
        f"The study {study.folder} has no labels yet",
        "Labels are needed to tell what is wrong with them",
        "Label the movie or count it with a model first",
    )


def find_in_study(stack: Stack, channel: int, study: Study, at_most: int = MOST_FRAMES) -> Steps[Found]:
    """Find out what should be corrected next in a study, and keep it there.

    Parameters
    ----------
    stack, channel, at_most : object
        See `find_next`.
    study : Study
        Of this stack.

    Yields
    ------
    Event
        See `find_next`.

    Returns
    -------
    Found
        Facts and suspects.
    """
    movie = labels_of_study(study, (stack.n_frames, *stack.frame_shape))
    return (yield from find_next(stack, channel, movie, study.folder / FOUND_FILE, at_most))


def suspects_in_study(
    study: Study, shape: tuple[int, int, int], t: int, known: Usual | None = None
) -> Steps[FrameSuspects]:
    """List the objects of one frame of a study that look wrong.

    Parameters
    ----------
    study : Study
        The study.
    shape : tuple of int
        Frames, height and width of its images.
    t, known : object
        See `suspects_of_frame`.

    Yields
    ------
    Event
        See `suspects_of_frame`.

    Returns
    -------
    FrameSuspects
        The list.
    """
    return (yield from suspects_of_frame(labels_of_study(study, shape), t, known))


@dataclass(frozen=True)
class NextFrames:
    """What to correct next in a study.

    Attributes
    ----------
    queue : tuple of Proposal
        Frames, the best first.
    suspects : pandas.DataFrame
        See `table_of`.
    said : str
        What it rests on.
    """

    queue: tuple[Proposal, ...]
    suspects: pd.DataFrame
    said: str


def next_frames(study: Study, at_most: int = MOST_FRAMES) -> Steps[NextFrames]:
    """Tell what to correct next in a study that is not open in a window.

    Parameters
    ----------
    study : Study
        The study; nothing of it is changed, but for what was found being kept in it.
    at_most : int
        See `find_next`.

    Yields
    ------
    Event
        See `find_next`.

    Returns
    -------
    NextFrames
        Without the frames that were corrected, accepted or rejected, and without objects found right.

    Raises
    ------
    InputError
        There are no labels or images.
    """
    stack = study.open_stack().flat()
    channel = image_channel(stack, study.record.image_channel) if len(stack.channels) > 1 else 0
    found = yield from find_in_study(stack, channel, study, at_most)
    journal = Journal(study.journal)
    done = {t for t, state in journal.states().items() if state in ("accepted", "rejected")}
    done |= {edit.frame for edit in journal.edits()}
    right = open_notes(study.folder / NOTES).right.values()
    kept = [row for row in found.suspects if row.frame not in done]
    return NextFrames(found.queue(done), table_of(kept, right), found.said())
