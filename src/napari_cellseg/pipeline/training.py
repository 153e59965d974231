"""Second step: a network from labelled images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_cellseg.config import NetConfig, TrainConfig
from napari_cellseg.data.listing import images_in
from napari_cellseg.data.movie_file import MovieFile
from napari_cellseg.data.read import match_by_stem
from napari_cellseg.data.samples import Sample
from napari_cellseg.data.spill import Spill
from napari_cellseg.data.stack import Stack
from napari_cellseg.errors import InputError
from napari_cellseg.label.folder import VERDICTS, open_labelled, rejected_frames
from napari_cellseg.pipeline.inputs import Choice, image_channel
from napari_cellseg.progress import Steps


def train_on_labels(  # noqa: PLR0913 - all but what to learn from and where to is by name and optional
    stacks: Sequence[Stack],
    labels: Path,
    out: Path,
    *,
    channel: Choice = None,
    config: TrainConfig | None = None,
    net: NetConfig | None = None,
    base: Path | None = None,
    checked: bool = False,
) -> Steps[Path]:
    """Train a network on labelled stacks.

    Parameters
    ----------
    stacks : sequence of Stack
        The images to learn from.
    labels : Path
        Folder of label files, matched to the stacks by name; see `napari_cellseg.label.folder`.
    out : Path
        The model's folder, to be made.
    channel : str, int or None
        The label-free channel, by name or number; None: by its usual names.
    config : TrainConfig, optional
        How it is trained.
    net : NetConfig, optional
        The network; for a new one.
    base : Path, optional
        A model's folder to go on from.
    checked : bool
        True where people drew or checked the labels, and no object is without; see `Sample.checked`.

    Yields
    ------
    Event
        See `napari_cellseg.learn.train.train`.

    Returns
    -------
    Path
        The folder of the better model: the new one, or a better one that it would have replaced.

    Raises
    ------
    InputError
        Labels are missing or of another shape, or no frame is left to learn from.
    """
    from napari_cellseg.learn.train import train  # torch only where it is needed

    samples, names = labelled_samples(stacks, labels, channel, Spill(out.absolute().parent))
    samples = [replace(sample, checked=checked) for sample in samples]
    sizes = {stack.pixel_size_um for stack in stacks}
    steps = train(
        samples,
        config or TrainConfig(),
        net or NetConfig(),
        out,
        base,
        ", ".join(sorted(names)),
        pixel_size_um=sizes.pop() if len(sizes) == 1 else None,
    )
    return (yield from steps)


def labelled_samples(
    stacks: Sequence[Stack], labels: Path, channel: Choice = None, spill: Spill | None = None
) -> tuple[list[Sample], set[str]]:
    """Pair stacks with a folder of labels; frames that were rejected are left out.

    Parameters
    ----------
    stacks : sequence of Stack
        The images.
    labels : Path
        Folder of label files, matched to the stacks by name; see `napari_cellseg.label.folder`.
    channel : str, int or None
        The label-free channel, by name or number; None: by its usual names.
    spill : Spill, optional
        Keeps images and labels where they may be more than memory holds.

    Returns
    -------
    samples : list of Sample
        One per frame.
    names : set of str
        Names of the channels.

    Raises
    ------
    InputError
        Labels are missing or of another shape, or no frame is left.
    """
    samples: list[Sample] = []
    names: set[str] = set()
    rejected = rejected_frames(labels)
    by_name = {Path(stack.name): stack for stack in stacks}
    for name, file in match_by_stem(list(by_name), images_in(labels)):
        stack = by_name[name]
        found = image_channel(stack, channel)
        names.add(stack.channels[found])
        frames = [t for t in range(stack.n_frames) if (stack.name, t) not in rejected]
        samples += training_samples(stack, found, open_labelled(file), frames, spill)
    if not samples:
        raise InputError(
            f"No frame of the {len(stacks)} images is left to learn from",
            "At least one labelled frame that was not rejected is needed",
            f"Look at the reasons in {labels / VERDICTS}",
        )
    return samples, names


def training_samples(
    stack: Stack,
    channel: int,
    labels: npt.NDArray[Any] | MovieFile,
    frames: Sequence[int] | None = None,
    spill: Spill | None = None,
    *,
    checked: bool = False,
) -> list[Sample]:
    """Pair frames with their labels.

    Parameters
    ----------
    stack : Stack
        The images.
    channel : int
        The label-free channel, from 0.
    labels : ndarray or MovieFile
        Axes TYX, integer; -1 is ignored.
    frames : sequence of int, optional
        The frames to take; all of them when not given.
    spill : Spill, optional
        Keeps images and labels where they may be more than memory holds.
    checked : bool
        See `Sample.checked`.

    Returns
    -------
    list of Sample
        One per frame; its group is the stack's.

    Raises
    ------
    InputError
        The labels have another number of frames, height or width than the stack.
    """
    expected = (stack.n_frames, *stack.frame_shape)
    if labels.shape != expected:
        raise InputError(
            f"The labels of {stack.name} have the shape {labels.shape} (frames, height, width)",
            f"Its images have {expected}",
            "Choose the labels that were made for these images",
        )
    keep = (lambda array: array) if spill is None else spill.keep
    return [
        Sample(
            keep(stack.frame(t, channel)),
            keep(np.array(labels[t], np.int32)),
            stack.group,
            f"{stack.name}, frame {t}",
            checked,
        )
        for t in (range(stack.n_frames) if frames is None else frames)
    ]
