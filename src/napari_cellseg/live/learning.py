"""Learning from corrections in the helper process, while the person goes on with them."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from napari_cellseg.config import LearnConfig, TrainConfig
from napari_cellseg.data.stack import Stack
from napari_cellseg.data.storage import storage, versioned
from napari_cellseg.evaluate.learning import LOG_FILE, LearningLog, LearningPoint, minutes_at_work, read_log
from napari_cellseg.label.journal import Journal
from napari_cellseg.label.proposals import Taken, prepare
from napari_cellseg.learn.events import BatchDone, EpochDone, Preflight, ValidationPictures
from napari_cellseg.learn.registry import model_folders
from napari_cellseg.live.choosing import fitting_models
from napari_cellseg.live.training import device_chosen
from napari_cellseg.pipeline.learning import learn, propose
from napari_cellseg.pipeline.lesson import PROPOSALS, TAKEN, FrameProposed, Learned, Lesson, Proposals, plan
from napari_cellseg.pipeline.series import tidy
from napari_cellseg.progress import Event, Progress, Steps, relay

__all__ = [
    "LOG_FILE",
    "PROPOSALS",
    "FrameProposed",
    "LearnJob",
    "Learned",
    "LearningLog",
    "LearningPoint",
    "Proposals",
    "known_log",
    "learn_now",
    "propose_now",
    "take_now",
    "tidied",
]


@dataclass(frozen=True)
class LearnJob:
    """What the person has corrected so far, and what is to be learned of it.

    Attributes
    ----------
    models, log, proposals, movie, journal : Path
        Where they are in the study: the models, the curve, the proposals, the corrected labels, and the
        journal of corrections.
    snapshot : Path
        The labels of `frames` as they were when learning was asked for: ``.npy``, axes TYX, int32; deleted
        once it is read.
    frames : tuple of int
        The frames that were accepted or corrected.
    accepted : tuple of int
        Those that were accepted.
    open_frames : tuple of int
        Frames that nobody changed, accepted or rejected.
    here : int
        The frame in view.
    model : Path or None
        The model in use; None takes one that comes with the program.
    image : int
        The label-free channel, from 0.
    stained : int or None
        The fluorescence channel; None when there is none.
    config : LearnConfig
        How long it learns, and how much it proposes.
    train : TrainConfig
        How else it is trained.
    """

    models: Path
    log: Path
    proposals: Path
    movie: Path
    journal: Path
    snapshot: Path
    frames: tuple[int, ...]
    accepted: tuple[int, ...]
    open_frames: tuple[int, ...]
    here: int
    model: Path | None
    image: int
    stained: int | None
    config: LearnConfig = field(default_factory=LearnConfig)
    train: TrainConfig = field(default_factory=TrainConfig)


def learn_now(stack: Stack, job: LearnJob) -> Steps[Learned]:
    """Learn from what was corrected so far, and propose labels for the other frames.

    Parameters
    ----------
    stack : Stack
        The images.
    job : LearnJob
        What was corrected.

    Yields
    ------
    Event
        `DeviceChosen`, `FrameProposed`, `Note`, and `Progress` in seconds while it learns.

    Returns
    -------
    Learned
        See `napari_cellseg.pipeline.learning.learn`.
    """
    yield device_chosen(job.config.device)
    labels = dict(zip(job.frames, np.load(job.snapshot), strict=True))
    with storage(job.snapshot):
        job.snapshot.unlink()
    bases = (job.model,) if job.model is not None else fitting_models(stack, job.image)
    lesson = _lesson(job, bases)
    movie = np.load(job.movie, mmap_mode="r")
    return (yield from relay(learn(stack, labels, movie, lesson), _InSeconds(job.config.minutes * 60)))


def propose_now(stack: Stack, job: LearnJob, model: Path) -> Steps[Proposals]:
    """Propose labels by a model that is there.

    Parameters
    ----------
    stack : Stack
        The images.
    job : LearnJob
        What was corrected; its snapshot is not read.
    model : Path
        Folder of the model.

    Yields
    ------
    Event
        `DeviceChosen`, `FrameProposed` and `Progress`.

    Returns
    -------
    Proposals
        See `napari_cellseg.pipeline.learning.propose`.
    """
    yield device_chosen(job.config.device)
    movie = np.load(job.movie, mmap_mode="r")
    return (yield from propose(stack, movie, model, _lesson(job, (model,))))


def take_now(
    found: Proposals, labels: Callable[[int], npt.NDArray[np.int32]], wanted: Collection[int]
) -> Steps[Taken]:
    """Make proposals ready to be taken, without changing anything; runs in a thread of the window's process.

    Parameters
    ----------
    found : Proposals
        With a file.
    labels : callable
        Answers the labels of a frame as they are, axes YX.
    wanted : collection of int
        Frames that may be changed.

    Yields
    ------
    Progress
        After every frame.

    Returns
    -------
    Taken
        See `napari_cellseg.label.proposals.prepare`.
    """
    assert found.file is not None  # noqa: S101 - nothing else is offered
    out = versioned(found.file.parent / TAKEN)
    return (yield from prepare(found.file, labels, wanted, out, found.model.name))


def known_log(path: Path, models: Path) -> Steps[tuple[LearningLog, Path | None]]:
    """Read how good the models of a study became, and find the one learned last.

    Parameters
    ----------
    path : Path
        The file in the study.
    models : Path
        Folder of the study's models.

    Yields
    ------
    Event
        None at all; the work is short.

    Returns
    -------
    log : LearningLog
        Empty when nothing was learned yet.
    model : Path or None
        Folder of the model to be used; None when there is none, or it is gone.
    """
    yield from ()
    log = read_log(path)
    return log, model_folders((models,)).get(log.current)


def tidied(models: Path, proposals: Path) -> Steps[None]:
    """Remove what a helper left behind that was killed.

    Parameters
    ----------
    models, proposals : Path
        The folders of the study.

    Yields
    ------
    Event
        None at all; the work is short.
    """
    yield from ()
    tidy(models, proposals)


def _lesson(job: LearnJob, bases: tuple[Path, ...]) -> Lesson:
    minutes = minutes_at_work(Journal(job.journal).times())
    corrected = set(job.frames) - set(job.accepted)
    chosen = plan(read_log(job.log), job.accepted, corrected, job.open_frames, job.here)
    return Lesson(
        job.models,
        job.log,
        job.proposals,
        bases,
        job.image,
        job.stained,
        minutes=minutes,
        config=job.config,
        train=job.train,
        accepted=frozenset(job.accepted),
        **chosen,
    )


class _InSeconds:
    """Tells what a person wants to know of a training: how long it still takes; its other news stay here."""

    def __init__(self, allowed_s: float) -> None:
        self._allowed, self._started = allowed_s, time.monotonic()

    def __call__(self, event: Event) -> Event:
        """Make one event small."""
        if isinstance(event, BatchDone | EpochDone | ValidationPictures | Preflight):
            spent = min(time.monotonic() - self._started, self._allowed)
            return Progress(round(spent), round(self._allowed), "s of learning", self._allowed - spent)
        return event
