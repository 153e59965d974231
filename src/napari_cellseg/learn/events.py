"""What training and prediction tell while they run. No torch here: the window unpickles these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from napari_cellseg.learn.scores import Tally
from napari_cellseg.progress import Event


@dataclass(frozen=True)
class Preflight(Event):
    """One training and one validation batch went through: what would fail later has not failed.

    Attributes
    ----------
    text : str
        What was tried, on which device and how long it took, in a sentence.
    """

    text: str


@dataclass(frozen=True)
class BatchDone(Event):
    """One training step.

    Attributes
    ----------
    epoch : int
        From 1.
    batch : int
        From 1.
    n_batches : int
        Batches of this epoch.
    images_per_s : float
        Patches learned from per second.
    seconds_left : float or None
        Estimated time left until training ends by itself; None while not known.
    """

    epoch: int
    batch: int
    n_batches: int
    images_per_s: float
    seconds_left: float | None


@dataclass(frozen=True)
class EpochDone(Event):
    """One round over the training frames, scored on the validation frames.

    Attributes
    ----------
    epoch : int
        From 1.
    train_loss, val_loss : float
        Mean loss of the epoch's batches, and of the validation frames.
    val_iou : float
        Intersection over union of all object pixels, 0 to 1; of classes, the mean.
    val_ap50 : float or None
        Average precision of the objects at IoU 0.5, TP/(TP+FP+FN), 0 to 1; None where pixels are given
        classes.
    best : bool
        True when this epoch is the best so far.
    seconds_left : float or None
        As in `BatchDone`.
    """

    epoch: int
    train_loss: float
    val_loss: float
    val_iou: float
    val_ap50: float | None
    best: bool
    seconds_left: float | None


@dataclass(frozen=True)
class ValidationPictures(Event):
    """Up to three validation frames as they are labelled now.

    Attributes
    ----------
    image : ndarray
        Axes NYX, float32 in 0..1; cropped to a common size.
    truth, prediction : ndarray
        Axes NYX, int32 labels; in the truth -1 is ignored.
    """

    image: npt.NDArray[np.float32]
    truth: npt.NDArray[np.int32]
    prediction: npt.NDArray[np.int32]


@dataclass(frozen=True)
class Compared(Event):
    """The old and the new model, scored on the same frozen validation frames.

    Attributes
    ----------
    old_scores, new_scores : mapping of str to float
        ``iou``, ``ap50``, ``f1`` and ``count_error`` (a fraction) of each; of classes, see `Tally.scores`.
    kept : {"old", "new"}
        Which of the two is better, and is returned.
    text : str
        The outcome in a sentence.
    """

    old_scores: Mapping[str, float]
    new_scores: Mapping[str, float]
    kept: Literal["old", "new"]
    text: str


@dataclass(frozen=True)
class FramePredicted(Event):
    """One frame is labelled.

    Attributes
    ----------
    t : int
        Frame, from 0.
    labels : ndarray
        Axes YX, int32: 0 background, 1, 2, ... objects or classes.
    probability : ndarray or None
        Axes YX, float16 in 0..1: how likely each pixel is no background; None when not asked for.
    """

    t: int
    labels: npt.NDArray[np.int32]
    probability: npt.NDArray[Any] | None


@dataclass(frozen=True)
class LargePredicted(Event):
    """One frame that is too large for memory is labelled.

    Attributes
    ----------
    t : int
        Frame, from 0.
    image, labels : ndarray
        Axes YX: small copies of the frame and of its labels (int32), of the same shape.
    """

    t: int
    image: npt.NDArray[Any]
    labels: npt.NDArray[np.int32]


@dataclass(frozen=True)
class FrameCompared(Event):
    """One model was scored on one frame.

    Attributes
    ----------
    model : Path
        Its folder.
    sample : int
        Which of the frames, from 0.
    labels : ndarray
        What it found, axes YX, int32.
    tally : Tally
        How it scores on this frame.
    """

    model: Path
    sample: int
    labels: npt.NDArray[np.int32]
    tally: Tally


@dataclass(frozen=True)
class PredictSummary:
    """What a prediction did; its result.

    Attributes
    ----------
    frames : tuple of int
        Frames labelled, in the order in which they were done.
    counts : tuple of int
        Objects found in each of them; 0 for models that give pixels classes.
    model, model_hash : str
        Name and hash of the model that was used.
    device : str
        Where it was computed, in words.
    seconds : float
        Time taken.
    """

    frames: tuple[int, ...]
    counts: tuple[int, ...]
    model: str
    model_hash: str
    device: str
    seconds: float
