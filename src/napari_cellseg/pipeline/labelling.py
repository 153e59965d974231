"""First step: labels from fluorescence, with a verdict for every frame."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from napari_cellseg.config import LabelConfig, TriageConfig
from napari_cellseg.data.stack import Stack
from napari_cellseg.label.auto import auto_label
from napari_cellseg.label.folder import write_labelled, write_verdicts
from napari_cellseg.label.triage import Verdict, judge
from napari_cellseg.pipeline.inputs import Choice, fluorescence_channel, in_turn, scratch_in
from napari_cellseg.progress import Steps, relay


def label_stacks(
    stacks: Sequence[Stack],
    folder: Path,
    *,
    channel: Choice = None,
    config: LabelConfig | None = None,
    triage: TriageConfig | None = None,
) -> Steps[pd.DataFrame]:
    """Make labels from the fluorescence of every stack.

    Writes what `napari_cellseg.label.folder` describes. Movies are judged each by itself; single images are
    judged together.

    Parameters
    ----------
    stacks : sequence of Stack
        The movies or images.
    folder : Path
        Where the labels go; made when it is not there.
    channel : str, int or None
        The fluorescence channel, by name or number; None: by its usual names.
    config : LabelConfig, optional
        How nuclei are found.
    triage : TriageConfig, optional
        Which frames are trusted.

    Yields
    ------
    Event
        `FrameLabelled` and `Progress`.

    Returns
    -------
    pandas.DataFrame
        What ``verdicts.csv`` holds: one row per frame with image, frame, keep, reason, and the scores.
    """
    config, triage = config or LabelConfig(), triage or TriageConfig()
    judged: list[tuple[Stack, tuple[Verdict, ...]]] = []
    for stack, so_far in in_turn(stacks, "frames labelled"):
        found = fluorescence_channel(stack, channel)
        with scratch_in(folder) as scratch:
            steps = auto_label(stack, found, config, triage, scratch / "labels.npy")
            made = yield from relay(steps, so_far)
            write_labelled(folder, stack, made.labels)
        judged.append((stack, made.verdicts))
    return write_verdicts(folder, _judged_together(judged, triage))


def _judged_together(
    judged: Sequence[tuple[Stack, tuple[Verdict, ...]]], triage: TriageConfig
) -> list[tuple[str, Verdict]]:
    """Judge single images as one collection: alone, none is the emptiest. Their order says nothing."""
    singles = [(stack, verdicts[0]) for stack, verdicts in judged if stack.n_frames == 1]
    unordered = triage.model_copy(update={"max_count_jump": math.inf})
    size = max((math.prod(stack.frame_shape) for stack, _ in singles), default=1)
    again = iter(judge([verdict.scores for _, verdict in singles], unordered, size))
    return [
        (stack.name, replace(next(again), frame=0) if stack.n_frames == 1 else verdict)
        for stack, verdicts in judged
        for verdict in verdicts
    ]
