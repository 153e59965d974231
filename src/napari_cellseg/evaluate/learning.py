"""How good the models become while somebody corrects: the exam they sit, and the curve of their scores."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from napari_cellseg.data.write import write_text
from napari_cellseg.errors import InputError

LOG_FILE = "learning.json"
"""Name of the file in the folder of a study."""

LEAST_ACCEPTED = 3
"""Fewer accepted frames are all learned from."""

EXAM_EVERY = 4
"""One of so many accepted frames is kept for the exam."""

WORSE_BY = 0.02
"""A new model whose AP50 is lower by more than this is not used unless the person says so."""

LONGEST_PAUSE_S = 30.0
"""Longer gaps between two corrections are not counted as work."""

_VERSION = 1


class LearningPoint(BaseModel):
    """What came of learning from corrections once.

    Attributes
    ----------
    model, model_hash : str
        Name and hash of the new model.
    before, before_hash : str
        Name and hash of the model that it started from.
    when : str
        Date and time, ISO 8601 with time zone.
    minutes : float
        Time spent on corrections until then.
    learned : tuple of int
        Frames that it learned from.
    exam : tuple of int
        Frames that both models were scored on.
    flatters : bool
        True when there was no exam yet, so that the frames scored on are those learned from.
    ap50, count_error : float
        Of the new model; see `napari_cellseg.learn.scores.Tally.scores`.
    ap50_before, count_error_before : float
        Of the model before, on the same frames.
    kept : bool
        Whether the new model is used from then on.
    """

    model_config = ConfigDict(frozen=True)

    model: str
    model_hash: str
    before: str
    before_hash: str
    when: str
    minutes: float = Field(ge=0)
    learned: tuple[int, ...]
    exam: tuple[int, ...]
    flatters: bool
    ap50: float
    count_error: float
    ap50_before: float
    count_error_before: float
    kept: bool

    @property
    def is_worse(self) -> bool:
        """Whether the new model is worse than the one before by more than `WORSE_BY`."""
        return self.ap50 < self.ap50_before - WORSE_BY


class LearningLog(BaseModel):
    """All that a study knows of learning from corrections.

    Attributes
    ----------
    version : int
        Version of this form.
    exam : tuple of int
        Frames that no model of the study may learn from any more.
    points : tuple of LearningPoint
        The oldest first.
    """

    model_config = ConfigDict(frozen=True)

    version: int = _VERSION
    exam: tuple[int, ...] = ()
    points: tuple[LearningPoint, ...] = ()

    @property
    def learned(self) -> frozenset[int]:
        """Frames that any of the models has learned from."""
        return frozenset(t for point in self.points for t in point.learned)

    @property
    def current(self) -> str:
        """Name of the model used last; empty when there is none."""
        if not self.points:
            return ""
        last = self.points[-1]
        return last.model if last.kept else last.before

    @property
    def best(self) -> str:
        """Name of the model with the best AP50, in an exam where there was one; empty when there is none."""
        ranked = sorted(self.points, key=lambda point: (not point.flatters, point.ap50))
        return ranked[-1].model if ranked else ""


def read_log(path: Path) -> LearningLog:
    """Read what is known of learning.

    Parameters
    ----------
    path : Path
        The file in the study.

    Returns
    -------
    LearningLog
        Empty when there is no such file yet.

    Raises
    ------
    InputError
        The file is damaged, or of a later version.
    """
    if not path.is_file():
        return LearningLog()
    try:
        log = LearningLog.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise InputError(
            f"{path} cannot be read: {str(error).splitlines()[0]}",
            "It holds how good the models of the study became",
            "Put back a copy of it, or move it away: the models themselves stay as they are",
        ) from error
    if log.version > _VERSION:
        raise InputError(f"{path} was written by a later version", "", "Update napari-cellseg")
    return log


def write_log(path: Path, log: LearningLog) -> None:
    """Write what is known of learning.

    Parameters
    ----------
    path : Path
        The file in the study; there as a whole or not at all.
    log : LearningLog
        What is known.

    Raises
    ------
    StorageError
        The disk is full, or the place cannot be written.
    """
    write_text(path, log.model_dump_json(indent=2) + "\n")


def choose_exam(accepted: Iterable[int], log: LearningLog) -> tuple[int, ...]:
    """Choose the accepted frames that models are scored on, and never learn from.

    One of `EXAM_EVERY` accepted frames, at least one as soon as `LEAST_ACCEPTED` are accepted. Those chosen
    before stay chosen, so that scores can be compared. A frame that a model has learned from is never chosen:
    that model, and all that start from it, would be flattered. Among the others the one farthest from the
    frames of the exam comes next, for frames side by side look alike.

    Parameters
    ----------
    accepted : iterable of int
        Frames whose labels were found right.
    log : LearningLog
        What was learned from, and the exam so far.

    Returns
    -------
    tuple of int
        The exam, ascending; with frames that are no longer accepted, which are not to be scored on now, and
        not to be learned from either.
    """
    frames = sorted(accepted)
    exam, free = set(log.exam), sorted(set(frames) - set(log.exam) - log.learned)
    wanted = max(1, len(frames) // EXAM_EVERY) if len(frames) >= LEAST_ACCEPTED else 0
    while free and len(exam & set(frames)) < wanted:
        chosen = _farthest(free, exam)
        exam.add(chosen)
        free.remove(chosen)
    return tuple(sorted(exam))


def _farthest(frames: list[int], others: Collection[int]) -> int:
    if not others:
        return frames[len(frames) // 2]
    return max(frames, key=lambda t: min(abs(t - other) for other in others))


def minutes_at_work(times: Iterable[datetime]) -> float:
    """Add up the time spent on corrections.

    Parameters
    ----------
    times : iterable of datetime
        When something was corrected or accepted.

    Returns
    -------
    float
        Minutes: the gaps between one and the next that are shorter than `LONGEST_PAUSE_S`.
    """
    gaps = ((later - earlier).total_seconds() for earlier, later in pairwise(sorted(times)))
    return sum(gap for gap in gaps if gap < LONGEST_PAUSE_S) / 60
