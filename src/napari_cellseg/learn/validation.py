"""The frozen frames on which every epoch, and every model, is scored alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from napari_cellseg.config import PredictConfig
from napari_cellseg.data.samples import Sample
from napari_cellseg.learn.certainty import certainties
from napari_cellseg.learn.classes import encode_classes
from napari_cellseg.learn.events import ValidationPictures
from napari_cellseg.learn.losses import class_loss_of, loss_of
from napari_cellseg.learn.model import draw_maps
from napari_cellseg.learn.predict import labels_of
from napari_cellseg.learn.scores import Tally, tally, tally_classes
from napari_cellseg.learn.targets import OFFSET_UNIT_PX, Targets, encode
from napari_cellseg.learn.view import View
from napari_cellseg.progress import Progress, Steps

_PICTURES = 3
_PICTURE_PX = 384


@dataclass(frozen=True)
class Exam:
    """Frames to be scored on, with their targets.

    Attributes
    ----------
    samples : tuple of Sample
        In their original size.
    targets : tuple of Targets
        One per sample.
    """

    samples: tuple[Sample, ...]
    targets: tuple[Targets, ...]


@dataclass(frozen=True)
class Marks:
    """The outcome of an exam.

    Attributes
    ----------
    tally : Tally
        Over all frames.
    pictures : ValidationPictures
        The first frames, to look at.
    """

    tally: Tally
    pictures: ValidationPictures


def freeze(samples: Sequence[Sample], most_px: int, classes: int = 0) -> Exam:
    """Choose frames for the exam, evenly over all that were kept aside.

    Parameters
    ----------
    samples : sequence of Sample
        Kept aside.
    most_px : int
        Scoring takes time: no more pixels than these, but one frame at least.
    classes : int
        See `NetConfig.classes`.

    Returns
    -------
    Exam
        The same for the same samples.
    """
    mean_px = sum(sample.image.size for sample in samples) / len(samples)
    n = min(len(samples), max(1, int(most_px / mean_px)))
    chosen = [samples[i] for i in np.linspace(0, len(samples) - 1, n).round().astype(int)]
    if not any((sample.labels > 0).any() for sample in chosen):  # a frame with objects tells more
        chosen[0] = next((sample for sample in samples if (sample.labels > 0).any()), chosen[0])
    encoded = encode_classes if classes else encode
    return Exam(tuple(chosen), tuple(encoded(sample.labels) for sample in chosen))


def sit(network: nn.Module, exam: Exam, view: View, predicting: PredictConfig) -> Steps[Marks]:
    """Score a network.

    Parameters
    ----------
    network : torch.nn.Module
        In evaluation mode.
    exam : Exam
        The frames.
    view : View
        How the network looks at frames; frames of one of its ``movies`` share the grey levels of that.
    predicting : PredictConfig
        How its maps become labels.

    Yields
    ------
    Event
        `Progress` before each frame.

    Returns
    -------
    Marks
        The outcome.
    """
    total, found = Tally(), []
    for done, (sample, targets) in enumerate(zip(exam.samples, exam.targets, strict=True)):
        yield Progress(done, len(exam.samples), "validation frames scored")
        maps = draw_maps(network, sample.image, view.of(sample.group))
        labels, probability = labels_of(maps, predicting, view)
        total += _tally(sample, labels, probability, maps, targets, view)
        found.append(labels)
    return Marks(total, _pictures(exam, found, view))


def _tally(
    sample: Sample,
    labels: npt.NDArray[np.int32],
    probability: npt.NDArray[np.float16],
    maps: npt.NDArray[np.float32],
    targets: Targets,
    view: View,
) -> Tally:
    if not view.classes:
        sure = certainties(labels, probability)
        return tally(sample.labels, labels, _loss(maps, targets, view.scale), sure, sample.checked)
    loss = class_loss_of(torch.from_numpy(maps)[None], torch.from_numpy(targets.state)[None])
    return tally_classes(sample.labels, labels, view.classes, float(loss))


def _loss(maps: npt.NDArray[np.float32], targets: Targets, scale: float) -> float:
    """Compute the loss as in training: offsets on the network's grid, in its unit."""
    drawn = maps.copy()
    drawn[1:] *= scale / OFFSET_UNIT_PX
    state, offset = (torch.from_numpy(plane)[None] for plane in targets)
    return float(loss_of(torch.from_numpy(drawn)[None], state, offset * scale))


def _pictures(exam: Exam, found: Sequence[np.ndarray], view: View) -> ValidationPictures:
    shown = exam.samples[:_PICTURES]
    height, width = (min(_PICTURE_PX, *(sample.image.shape[i] for sample in shown)) for i in (0, 1))
    box = (slice(height), slice(width))
    return ValidationPictures(
        np.stack([np.clip(view.of(sample.group).grey(sample.image), 0, 1)[box] for sample in shown]),
        np.stack([sample.labels[box] for sample in shown]).astype(np.int32),
        np.stack([labels[box] for labels in found[: len(shown)]]),
    )
