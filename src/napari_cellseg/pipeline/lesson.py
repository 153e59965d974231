"""What is learned from corrections, of which frames, and what comes of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from napari_cellseg.config import LearnConfig, TrainConfig
from napari_cellseg.evaluate.learning import LearningLog, LearningPoint, choose_exam
from napari_cellseg.progress import Event

PROPOSALS = "proposals"
"""Name of the folder of proposals in a study."""

TAKEN = "taken.edits"
"""Name of the file of proposals that were taken; later ones get a number."""


@dataclass(frozen=True)
class Lesson:
    """What is to be learned, and where what comes of it goes.

    Attributes
    ----------
    models, log, proposals : Path
        Folder of the study's models, the file of `LearningLog`, and the folder of proposals.
    bases : tuple of Path
        The model to start from; of several, the one that does best on the first frames is taken.
    image : int
        The label-free channel, from 0.
    stained : int or None
        The fluorescence channel, at which models for stained cells look.
    learn, exam : tuple of int
        Frames to learn from, and frames to be scored on: none is in both.
    accepted : frozenset of int
        Frames whose labels were found right; that of others may still lack objects.
    reserved : tuple of int
        Frames of the exam, also those that cannot be scored on now; see `choose_exam`.
    wanted : tuple of int
        Uncorrected frames, those that matter most first.
    minutes : float
        Time spent on corrections so far.
    config : LearnConfig
        How long it learns, and how much it proposes.
    train : TrainConfig
        How else it is trained.
    """

    models: Path
    log: Path
    proposals: Path
    bases: tuple[Path, ...]
    image: int
    stained: int | None
    learn: tuple[int, ...]
    exam: tuple[int, ...] = ()
    accepted: frozenset[int] = frozenset()
    reserved: tuple[int, ...] = ()
    wanted: tuple[int, ...] = ()
    minutes: float = 0.0
    config: LearnConfig = field(default_factory=LearnConfig)
    train: TrainConfig = field(default_factory=TrainConfig)


@dataclass(frozen=True)
class FrameProposed(Event):
    """A model proposes labels for a frame.

    Attributes
    ----------
    t : int
        The frame.
    n_before, n_after : int
        Objects in its labels as they are, and as proposed.
    changed : bool
        Whether they differ at all.
    """

    t: int
    n_before: int
    n_after: int
    changed: bool


@dataclass(frozen=True)
class Proposals:
    """What a model proposes.

    Attributes
    ----------
    model : Path
        Its folder.
    file : Path or None
        The labels, see `napari_cellseg.label.proposals.EditFile`; None when there are none.
    frames : tuple of FrameProposed
        What is proposed, the frames that mattered most first.
    """

    model: Path
    file: Path | None = None
    frames: tuple[FrameProposed, ...] = ()


@dataclass(frozen=True)
class Learned:
    """What came of learning.

    Attributes
    ----------
    model : Path
        The new model.
    current : Path
        The model to be used from now on: the new one, unless it is worse than the one before.
    point : LearningPoint
        The scores.
    binned : tuple of str
        Names of older models of the series that went to the bin.
    stopped : bool
        Whether somebody stopped it before its time; then nothing is proposed.
    proposals : Proposals
        What the new model proposes; nothing when it is worse.
    """

    model: Path
    current: Path
    point: LearningPoint
    binned: tuple[str, ...]
    stopped: bool
    proposals: Proposals


def plan(
    log: LearningLog,
    accepted: Collection[int],
    corrected: Iterable[int],
    open_frames: Iterable[int],
    here: int,
) -> dict[str, tuple[int, ...]]:
    """Choose the frames to learn from, the exam, and the frames to propose labels for.

    Parameters
    ----------
    log : LearningLog
        What was learned from, and the exam so far.
    accepted : collection of int
        Frames whose labels were found right.
    corrected : iterable of int
        Frames that somebody changed.
    open_frames : iterable of int
        Frames that nobody changed, accepted or rejected.
    here : int
        The frame in view: those near it come first.

    Returns
    -------
    dict of str to tuple of int
        ``learn``, ``exam``, ``reserved`` and ``wanted``, as `Lesson` takes them.
    """
    reserved = choose_exam(accepted, log)
    known = {*accepted, *corrected}
    return {
        "learn": tuple(sorted(known.difference(reserved))),
        "exam": tuple(t for t in reserved if t in accepted),
        "reserved": reserved,
        "wanted": tuple(sorted(set(open_frames) - known, key=lambda t: (abs(t - here), t))),
    }
