"""From the fluorescence channel to labels: a movie, frame by frame, with a verdict on each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_cellseg.config import LabelConfig, TriageConfig
from napari_cellseg.data.project import new_label_movie, open_label_movie
from napari_cellseg.data.stack import Stack
from napari_cellseg.data.storage import atomic_file
from napari_cellseg.errors import InputError, SettingsError
from napari_cellseg.label.frame import auto_label_frame, suggest_diameters
from napari_cellseg.label.outline import Labels
from napari_cellseg.label.triage import FrameScores, Verdict, judge, score_frame
from napari_cellseg.progress import Clock, Event, Steps

__all__ = ["AutoLabels", "FrameLabelled", "auto_label", "auto_label_frame", "suggest_diameters"]


@dataclass(frozen=True, eq=False)
class FrameLabelled(Event):
    """A frame has its labels.

    Attributes
    ----------
    t : int
        The frame, from 0.
    labels : ndarray
        Axes YX, int32: 0 background, 1, 2, ... nuclei, -1 ignored.
    n_objects : int
        Number of nuclei.
    """

    t: int
    labels: Labels
    n_objects: int


@dataclass(frozen=True, eq=False)
class AutoLabels:
    """Labels of a movie, and what to think of each frame.

    Between processes only the name of the file travels; the labels are mapped again where they arrive.

    Attributes
    ----------
    labels : ndarray
        Axes TYX, int32, a memory map where they are in a file; frames that were not asked for are empty.
    verdicts : tuple of Verdict
        One per labelled frame.
    path : Path or None
        The file of the labels; None while they are in memory only.
    """

    labels: npt.NDArray[np.int32]
    verdicts: tuple[Verdict, ...]
    path: Path | None = field(default=None)

    def __reduce__(self) -> tuple[Any, ...]:
        if self.path is None:
            return AutoLabels, (self.labels, self.verdicts)
        return _reopened, (self.path, self.verdicts)


def _reopened(path: Path, verdicts: tuple[Verdict, ...]) -> AutoLabels:
    return AutoLabels(open_label_movie(path), verdicts, path)


def auto_label(
    stack: Stack,
    channel: int,
    config: LabelConfig,
    triage: TriageConfig,
    out: Path | None = None,
    frames: Sequence[int] | None = None,
) -> Steps[AutoLabels]:
    """Find the nuclei of a movie and judge its frames.

    One frame is in memory at a time. When it is stopped or fails, nothing is left at `out`, and a file that
    was there before stays as it was.

    Parameters
    ----------
    stack : Stack
        The movie, one z plane per frame.
    channel : int
        The fluorescence channel, from 0.
    config : LabelConfig
        How nuclei are found.
    triage : TriageConfig
        Which frames are trusted.
    out : Path, optional
        A ``.npy`` file for the labels; in memory without it.
    frames : sequence of int, optional
        Which frames, in this order; all of them when not given. The verdicts compare these frames only.

    Yields
    ------
    Event
        `FrameLabelled` and `Progress` for every frame.

    Returns
    -------
    AutoLabels
        Labels and verdicts.

    Raises
    ------
    SettingsError
        There is no such channel or frame.
    StorageError
        The disk is full, or the place cannot be written.
    """
    chosen = _chosen(stack, channel, frames)
    shape = (stack.n_frames, *stack.frame_shape)
    if out is None:
        labels = np.zeros(shape, np.int32)
        scores = yield from _label_into(labels, stack, channel, config, chosen)
        return AutoLabels(labels, judge(scores, triage))
    with atomic_file(out) as partial:
        scores = yield from _label_file(partial, shape, stack, channel, config, chosen)
    return AutoLabels(open_label_movie(out), judge(scores, triage), out)


def _label_file(
    path: Path,
    shape: tuple[int, int, int],
    stack: Stack,
    channel: int,
    config: LabelConfig,
    frames: list[int],
) -> Steps[list[FrameScores]]:
    """Label into a new file, and let go of it: Windows renames no file that is mapped."""
    movie = new_label_movie(path, shape)
    scores = yield from _label_into(movie, stack, channel, config, frames)
    if isinstance(movie, np.memmap):
        movie.flush()
    return scores


def _label_into(
    movie: npt.NDArray[np.int32], stack: Stack, channel: int, config: LabelConfig, frames: list[int]
) -> Steps[list[FrameScores]]:
    clock = Clock(len(frames), "frames labelled")
    scores: list[FrameScores] = []
    for done, t in enumerate(frames, 1):
        image = _read(stack, t, channel)
        labels = auto_label_frame(image, config)
        movie[t] = labels
        scores.append(score_frame(image, labels, t))
        yield FrameLabelled(t, labels, scores[-1].n_objects)
        yield clock.at(done)
    return scores


def _read(stack: Stack, t: int, channel: int) -> npt.NDArray[Any]:
    """Read a frame; a disk that fails here must not look like one that cannot be written."""
    try:
        return stack.frame(t, channel)
    except OSError as error:
        raise InputError(
            f"Frame {t} of {stack.name} could not be read ({error})",
            "",
            "Check that the file is complete and its disk connected",
        ) from error


def _chosen(stack: Stack, channel: int, frames: Sequence[int] | None) -> list[int]:
    if not 0 <= channel < len(stack.channels):
        raise SettingsError(
            f"Channel {channel} was asked of {stack.name}",
            f"It has channels 0 to {len(stack.channels) - 1} ({', '.join(stack.channels)})",
        )
    chosen = list(range(stack.n_frames) if frames is None else frames)
    wrong = [t for t in chosen if not 0 <= t < stack.n_frames]
    if wrong or not chosen:
        raise SettingsError(
            f"Frame {wrong[0]} was asked of {stack.name}" if wrong else f"No frame was asked of {stack.name}",
            f"It has frames 0 to {stack.n_frames - 1}",
        )
    return chosen
