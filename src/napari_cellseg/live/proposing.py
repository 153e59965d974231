"""What to correct next in a movie: frames in order, and objects that look wrong; read frame by frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_cellseg.data.project import Study
from napari_cellseg.data.stack import Stack
from napari_cellseg.data.write import write_text
from napari_cellseg.errors import InputError
from napari_cellseg.label.queue import FrameFacts
from napari_cellseg.label.suspects import Objects, Suspect, Usual, suspects, usual
from napari_cellseg.live.correcting import read_only
from napari_cellseg.live.counting import LABELS_FILE, PROBABILITY_FILE
from napari_cellseg.live.found import FOUND_FILE, Found, as_json
from napari_cellseg.pipeline.facts import Planes, facts_of, objects_of, share_with_partner
from napari_cellseg.progress import Cancelled, Clock, Note, Steps

MOST_FRAMES = 500
"""Of longer movies this many are looked at, spread evenly: neighbours of a chosen frame are much like it."""

_TO_LEARN_FROM = 16
_IN_TIME = 0.5
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
