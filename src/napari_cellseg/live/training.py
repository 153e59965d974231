"""Training on a study: frames are gathered in the helper, and validation comes back as small pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from napari_cellseg.config import Device, NetConfig, TrainConfig
from napari_cellseg.data.samples import Sample
from napari_cellseg.data.spill import Spill
from napari_cellseg.data.stack import Stack
from napari_cellseg.errors import InputError
from napari_cellseg.evaluate.pictures import overlay
from napari_cellseg.learn.events import ValidationPictures
from napari_cellseg.learn.registry import list_models
from napari_cellseg.live.correcting import read_only
from napari_cellseg.pipeline import training_samples
from napari_cellseg.progress import Event, Progress, Steps, relay

if TYPE_CHECKING:
    from napari_cellseg.learn.card import ModelCard


@dataclass(frozen=True)
class TrainingJob:
    """What to train on, and how.

    Attributes
    ----------
    channel : int
        The label-free channel, from 0.
    frames : tuple of int
        Which frames to learn from.
    config : TrainConfig
        How it is trained.
    net : NetConfig
        The network, for a new one.
    out : Path
        The model's folder, to be made.
    base : Path or None
        A model's folder to go on from.
    skip_empty : bool
        True leaves out frames without any label: a person who labels by hand labels some frames only.
    accepted : frozenset of int
        Frames of which the person said that their labels are right.
    """

    channel: int
    frames: tuple[int, ...]
    config: TrainConfig
    net: NetConfig
    out: Path
    base: Path | None = None
    skip_empty: bool = False
    accepted: frozenset[int] = frozenset()


@dataclass(frozen=True)
class DeviceChosen(Event):
    """Where training and prediction run.

    Attributes
    ----------
    label : str
        The device, in words.
    """

    label: str


@dataclass(frozen=True)
class PicturesShown(Event):
    """Validation frames as they are labelled now, ready to be shown.

    Attributes
    ----------
    rows : tuple of tuples of ndarray
        Per frame the image (YX), the truth and the prediction (YXC): uint8. In the prediction, nuclei found
        are green, missed ones blue, invented ones red.
    """

    rows: tuple[tuple[npt.NDArray[np.uint8], ...], ...]


def train_on_study(stack: Stack, labels: Path | Stack, job: TrainingJob) -> Steps[Path]:
    """Train on the frames of a study.

    Parameters
    ----------
    stack : Stack
        The images.
    labels : Path or Stack
        Labels of all frames; see `correcting.read_only`.
    job : TrainingJob
        What to train on, and how.

    Yields
    ------
    Event
        Those of `napari_cellseg.learn.train.train`, with `PicturesShown` in place of `ValidationPictures`.

    Returns
    -------
    Path
        The folder of the better model, the new one or the one that training started from.
    """
    from napari_cellseg.learn.train import train  # noqa: PLC0415 - torch, in the helper only

    yield device_chosen(job.config.device)
    yield Progress(0, len(job.frames), "frames read")
    samples: list[Sample] = []
    movie, spill = read_only(labels), Spill(job.out.parent)
    for done, t in enumerate(job.frames, start=1):
        samples += training_samples(stack, job.channel, movie, [t], spill, checked=t in job.accepted)
        if job.skip_empty and not samples[-1].labels.any():
            samples.pop()
        yield Progress(done, len(job.frames), "frames read")
    if not samples:
        raise InputError(
            f"None of the {len(job.frames)} frames chosen has a label",
            "At least one labelled frame is needed",
            "Accept or correct some frames in step 3, or keep some in step 2",
        )
    steps = train(
        samples,
        job.config,
        job.net,
        job.out,
        job.base,
        stack.channels[job.channel],
        pixel_size_um=stack.pixel_size_um,
    )
    return (yield from relay(steps, _small))


def device_chosen(device: Device) -> DeviceChosen:
    """Say where training and prediction will run.

    Parameters
    ----------
    device : {"auto", "cuda", "mps", "cpu"}
        What was asked for.

    Returns
    -------
    DeviceChosen
        What is there.
    """
    from napari_cellseg.learn.runtime import choose_device  # noqa: PLC0415 - torch, in the helper only

    return DeviceChosen(choose_device(device).label)


def _small(event: Event) -> Event:
    if not isinstance(event, ValidationPictures):
        return event
    rows = []
    for image, truth, prediction in zip(event.image, event.truth, event.prediction, strict=True):
        grey = np.clip(np.asarray(image, np.float32) * 255, 0, 255).astype(np.uint8)
        rows.append((grey, overlay(image, truth, truth), overlay(image, truth, prediction)))
    return PicturesShown(tuple(rows))


def known_models(places: Sequence[Path]) -> Steps[list[tuple[str, Path, ModelCard]]]:
    """List the models that can be used and find objects; their weights are checked, which takes a moment.

    Parameters
    ----------
    places : sequence of Path
        Folders of models besides those of the program and of the person, such as a study's.

    Yields
    ------
    Event
        None at all; the work is short.

    Returns
    -------
    list of (str, Path, ModelCard)
        Name, folder and card.
    """
    yield from ()
    return [one for one in list_models(places) if not one[2].net.classes]
