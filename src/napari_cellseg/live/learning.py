"""Learning from corrections in the helper process, while the person goes on with them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from napari_cellseg.config import LearnConfig, TrainConfig
from napari_cellseg.data.stack import Stack
from napari_cellseg.evaluate.learning import LearningLog, LearningPoint, minutes_at_work, read_log
from napari_cellseg.label.journal import Journal
from napari_cellseg.learn.events import BatchDone, EpochDone, Preflight, ValidationPictures
from napari_cellseg.live.choosing import fitting_models
from napari_cellseg.live.training import device_chosen
from napari_cellseg.pipeline.learning import learn, propose
from napari_cellseg.pipeline.lesson import FrameProposed, Learned, Lesson, Proposals, plan
from napari_cellseg.pipeline.series import tidy
from napari_cellseg.progress import Event, Progress, Steps, relay

__all__ = [
    "FrameProposed",
    "LearnJob",
    "Learned",
    "LearningLog",
    "LearningPoint",
    "Proposals",
    "known_log",
    "learn_now",
    "propose_now",
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
        The labels of `accepted` and `corrected` frames as they were at one moment: ``.npy``, axes TYX, int32.
    frames : tuple of int
        Which frames these are, in order.
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
    snapshot = np.load(job.snapshot, mmap_mode="r")
    labels = {t: snapshot[i] for i, t in enumerate(job.frames)}
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


def known_log(path: Path) -> Steps[LearningLog]:
    """Read how good the models of a study became.

    Parameters
    ----------
    path : Path
        The file in the study.

    Yields
    ------
    Event
        None at all; the work is short.

    Returns
    -------
    LearningLog
        Empty when nothing was learned yet.
    """
    yield from ()
    return read_log(path)


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
