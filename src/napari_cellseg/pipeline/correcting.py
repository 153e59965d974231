"""Learning from the corrections of a study that is not open in a window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_cellseg.config import LearnConfig, TrainConfig
from napari_cellseg.data.project import Study, open_label_movie
from napari_cellseg.data.stack import Stack
from napari_cellseg.data.storage import versioned
from napari_cellseg.errors import InputError
from napari_cellseg.evaluate.learning import LOG_FILE, minutes_at_work, read_log
from napari_cellseg.label.journal import Journal
from napari_cellseg.label.lock import StudyLock
from napari_cellseg.label.proposals import Settling, prepare
from napari_cellseg.label.restore import restored
from napari_cellseg.label.triage import load_verdicts
from napari_cellseg.pipeline.inputs import fluorescence_channel, image_channel
from napari_cellseg.pipeline.learning import learn
from napari_cellseg.pipeline.lesson import PROPOSALS, TAKEN, Learned, Lesson, plan
from napari_cellseg.progress import Note, Steps


@dataclass(frozen=True)
class LearnedStudy:
    """What came of learning from the corrections of a study.

    Attributes
    ----------
    learned : Learned
        The new model, and what it proposes.
    taken : tuple of int
        Frames whose labels were replaced by proposals.
    """

    learned: Learned
    taken: tuple[int, ...]


def learn_study(
    study: Study,
    bases: Sequence[Path],
    config: LearnConfig | None = None,
    *,
    take: bool = True,
    train: TrainConfig | None = None,
) -> Steps[LearnedStudy]:
    """Fine-tune a model on the corrected frames of a study, and renew the labels of the uncorrected ones.

    The study must not be open in a window meanwhile: one program at a time writes its journal. It is locked.

    Parameters
    ----------
    study : Study
        With corrected labels.
    bases : sequence of Path
        The model to start from; of several, the one that does best on the first frames is taken.
    config : LearnConfig, optional
        How long it learns, and how much it proposes.
    take : bool
        False leaves the labels as they are.
    train : TrainConfig, optional
        How else it is trained.

    Yields
    ------
    Event
        See `napari_cellseg.pipeline.learning.learn`.

    Returns
    -------
    LearnedStudy
        The new model, and the frames that were changed: never one that was corrected, accepted or rejected by
        a person. In the window, one Ctrl-Z takes all of them back.

    Raises
    ------
    InputError
        There are no corrections, or the images are gone.
    InUseError
        A window corrects the study.
    TrainingError
        The new model is of no use.
    Cancelled
        Stopped before there was anything to keep.
    """
    if not study.labels_corrected.is_file():
        raise InputError(
            f"The study {study.folder} has no corrected labels",
            "A model learns from frames that were accepted or corrected",
            "Open the study in napari and correct some frames in step 3",
        )
    lock = StudyLock(study.folder)
    lock.acquire()
    try:
        return (yield from _learn_study(study, bases, config, take, train))
    finally:
        lock.release()


def _learn_study(
    study: Study,
    bases: Sequence[Path],
    config: LearnConfig | None,
    take: bool,
    train: TrainConfig | None,
) -> Steps[LearnedStudy]:
    """Learn from a study that is locked; see `learn_study`."""
    stack, movie = study.open_stack(), open_label_movie(study.labels_corrected)
    journal = restored(study.labels_corrected, study.journal)
    frames = open_frames(study, journal, len(movie))
    accepted = {t for t, state in journal.states().items() if state == "accepted"}
    corrected = {edit.frame for edit in journal.edits()}
    chosen = plan(read_log(study.folder / LOG_FILE), accepted, corrected, frames, 0)
    lesson = Lesson(
        study.models,
        study.folder / LOG_FILE,
        study.folder / PROPOSALS,
        tuple(bases),
        image_channel(stack, study.record.image_channel),
        _stained(stack, study),
        minutes=minutes_at_work(journal.times()),
        config=config or LearnConfig(),
        train=train or TrainConfig(),
        accepted=frozenset(accepted),
        **chosen,
    )
    labels = {t: np.array(movie[t]) for t in (*lesson.learn, *lesson.exam)}
    learned = yield from learn(stack, labels, movie, lesson)
    if not take or learned.proposals.file is None:
        return LearnedStudy(learned, ())
    out = versioned(lesson.proposals / TAKEN)
    taken = yield from prepare(learned.proposals.file, movie.__getitem__, frames, out, learned.model.name)
    if taken.frames:
        journal.take(taken)
        settling = Settling(movie)
        settling.ask(taken)
        yield from settling.rest()
        movie.flush()  # type: ignore[attr-defined]
    yield Note(f"{len(taken.frames)} uncorrected frames have new labels by {learned.model.name}.")
    return LearnedStudy(learned, tuple(sorted(taken.frames)))


def open_frames(study: Study, journal: Journal, n_frames: int) -> frozenset[int]:
    """Tell which frames nobody decided about: their labels may be replaced.

    Parameters
    ----------
    study : Study
        With the verdicts of triage.
    journal : Journal
        Its corrections.
    n_frames : int
        How many frames there are.

    Returns
    -------
    frozenset of int
        Neither accepted, corrected nor rejected by a person.
    """
    decided = {t for t, state in journal.states().items() if state != "auto"}
    decided |= {edit.frame for edit in journal.edits()}
    if study.verdicts.is_file():
        verdicts = load_verdicts(study.verdicts)
        decided |= {one.frame for one in verdicts if one.by == "person" and not one.keep}
    return frozenset(range(n_frames)) - decided


def _stained(stack: Stack, study: Study) -> int | None:
    name = study.record.fluorescence_channel
    return None if name is None else fluorescence_channel(stack, name)
