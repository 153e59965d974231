"""Models side by side on frames of a study whose truth is known: a table, and pictures of the worst frame."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_cellseg import __version__
from napari_cellseg.config import PredictConfig
from napari_cellseg.data.samples import Sample
from napari_cellseg.data.stack import Stack
from napari_cellseg.data.write import write_csv
from napari_cellseg.errors import InputError
from napari_cellseg.evaluate.objects import ObjectCounts, count_objects
from napari_cellseg.learn.card import ModelCard, must_find_objects, read_card
from napari_cellseg.learn.events import FrameCompared
from napari_cellseg.live.correcting import read_only
from napari_cellseg.live.panels import Panel, panels_of
from napari_cellseg.live.training import device_chosen
from napari_cellseg.pipeline import training_samples
from napari_cellseg.pipeline.inputs import channel_for
from napari_cellseg.progress import Progress, Steps

if TYPE_CHECKING:
    import pandas as pd

FEWEST, MOST = 2, 6
"""How many models can be compared at once."""


@dataclass(frozen=True)
class ComparisonJob:
    """What to compare, and on which frames.

    Attributes
    ----------
    models : tuple of Path
        Their folders; no two of one name.
    image : int
        The label-free channel, from 0.
    stained : int or None
        The fluorescence channel, at which models for stained cells look; None when there is none.
    frames : tuple of int
        Which frames.
    truth : str
        What the labels are called, for the table.
    skip_empty : bool
        True leaves out frames without any label: a person who labels by hand labels some frames only.
    config : PredictConfig
        How the models are applied.
    """

    models: tuple[Path, ...]
    image: int
    stained: int | None
    frames: tuple[int, ...]
    truth: str = ""
    skip_empty: bool = False
    config: PredictConfig = field(default_factory=PredictConfig)


@dataclass(frozen=True)
class Comparison:
    """Which model does best, and how they look where they do worst.

    Attributes
    ----------
    table : pandas.DataFrame
        One row per model, the best first: see `napari_cellseg.learn.comparison.compare_models`; besides,
        ``ap75`` (AP at IoU 0.75, see `napari_cellseg.evaluate.objects`; NaN without any object), and where
        the figures come from: ``image``, ``channel``, ``frame_numbers``, ``truth``, ``program_version``.
    frames : tuple of int
        The frames compared.
    frame : int
        The worst of them: the one with the lowest quality (see `Tally.quality`), the mean of all models.
    panels : tuple of Panel
        Pictures of that frame: its truth, and what each model found, in the order of the table.
    """

    table: pd.DataFrame
    frames: tuple[int, ...]
    frame: int
    panels: tuple[Panel, ...]


def compare_on_study(stack: Stack, labels: Path | Stack, job: ComparisonJob) -> Steps[Comparison]:
    """Compare models on frames of a study.

    Parameters
    ----------
    stack : Stack
        The images.
    labels : Path or Stack
        The truth of all frames; see `correcting.read_only`.
    job : ComparisonJob
        What to compare, and on which frames.

    Yields
    ------
    Event
        `DeviceChosen`, `Progress` and `Note`.

    Returns
    -------
    Comparison
        Nothing of it is on the disk.

    Raises
    ------
    InputError
        There are too few models, or no frame with truth.
    ModelError
        A model cannot be used, or it gives pixels classes.
    """
    _check(job)
    cards = {folder: read_card(folder) for folder in job.models}
    for card in cards.values():
        must_find_objects(card)
    from napari_cellseg.learn.comparison import compare_models  # noqa: PLC0415 - torch

    yield device_chosen(job.config.device)
    exam = yield from _read(stack, labels, job, cards)
    notes = _Notes(exam.samples)
    steps = compare_models(job.models, exam.samples, job.config, exam.images)
    with closing(steps):
        while True:
            try:
                event = next(steps)
            except StopIteration as end:
                table = end.value
                break
            if isinstance(event, FrameCompared):
                notes.add(event.model, event.sample, event.labels, event.tally.quality)
            else:
                yield event
    return _result(table, notes, exam, stack, job)


def saved(table: pd.DataFrame, path: Path) -> Steps[Path]:
    """Write the table of a comparison.

    Parameters
    ----------
    table : pandas.DataFrame
        See `Comparison`.
    path : Path
        The CSV file; replaced when it is there.

    Yields
    ------
    Event
        None at all; the work is short.

    Returns
    -------
    Path
        The same path.
    """
    yield from ()
    write_csv(path, table)
    return path


@dataclass(frozen=True)
class _Exam:
    """What the models are scored on: frames by number, with their truth, and what each model looks at."""

    frames: list[int]
    samples: list[Sample]
    channels: dict[Path, int]
    images: dict[Path, list[npt.NDArray[Any]]]


class _Notes:
    """What is kept of every model on every frame; labels are packed, for many frames are a lot of them."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self._samples = samples
        self._packed: dict[tuple[Path, int], bytes] = {}
        self._quality = np.zeros(len(samples))
        self.counts: dict[Path, ObjectCounts] = {}

    def add(self, model: Path, sample: int, labels: npt.NDArray[np.int32], quality: float) -> None:
        """Take one frame of one model down."""
        self._packed[model, sample] = zlib.compress(labels.astype(np.int32).tobytes(), 1)
        self._quality[sample] += quality
        counted = count_objects(self._samples[sample].labels, labels)
        before = self.counts.get(model)
        self.counts[model] = counted if before is None else before + counted

    @property
    def worst(self) -> int:
        """Number of the frame on which the models do worst together."""
        return int(self._quality.argmin())

    def labels(self, model: Path, sample: int) -> npt.NDArray[np.int32]:
        """Bring back what a model found."""
        unpacked = np.frombuffer(zlib.decompress(self._packed[model, sample]), np.int32)
        return unpacked.reshape(self._samples[sample].labels.shape)


def _check(job: ComparisonJob) -> None:
    names = {folder.name for folder in job.models}
    if not FEWEST <= len(names) == len(job.models) <= MOST:
        raise InputError(
            f"{len(job.models)} models were given",
            f"{FEWEST} to {MOST} of different names can be compared at once",
            "Tick others",
        )


def _read(
    stack: Stack, labels: Path | Stack, job: ComparisonJob, cards: dict[Path, ModelCard]
) -> Steps[_Exam]:
    """Read the frames, their truth, and the other channel for the models that look at it."""
    movie = read_only(labels)
    frames: list[int] = []
    samples: list[Sample] = []
    yield Progress(0, len(job.frames), "frames read")
    for done, t in enumerate(job.frames, start=1):
        sample = training_samples(stack, job.image, movie, [t])[0]
        if not job.skip_empty or (sample.labels > 0).any():
            frames.append(t)
            samples.append(sample)
        yield Progress(done, len(job.frames), "frames read")
    if not samples:
        raise InputError(
            f"None of the {len(job.frames)} frames chosen has a label",
            "At least one frame whose truth is known is needed",
            "Correct or accept some frames in step 3",
        )
    channels = {folder: channel_for(card, job.image, job.stained) for folder, card in cards.items()}
    read = {n: [stack.frame(t, n) for t in frames] for n in set(channels.values()) - {job.image}}
    return _Exam(frames, samples, channels, {folder: read[n] for folder, n in channels.items() if n in read})


def _result(table: pd.DataFrame, notes: _Notes, exam: _Exam, stack: Stack, job: ComparisonJob) -> Comparison:
    folders = {folder.name: folder for folder in job.models}
    ordered = [folders[name] for name in table["model"]]
    at = list(table.columns).index("ap50") + 1
    table.insert(at, "ap75", [notes.counts[folder].scores()["ap75"] for folder in ordered])
    table = table.assign(
        image=stack.name,
        channel=[stack.channels[exam.channels[folder]] for folder in ordered],
        frame_numbers=" ".join(str(t) for t in exam.frames),
        truth=job.truth,
        program_version=__version__,
    )
    worst = notes.worst
    sample = exam.samples[worst]
    several = len(set(exam.channels.values())) > 1
    found = [
        (
            f"{folder.name} · {stack.channels[exam.channels[folder]]}" if several else folder.name,
            exam.images[folder][worst] if folder in exam.images else sample.image,
            notes.labels(folder, worst),
        )
        for folder in ordered
    ]
    return Comparison(table, tuple(exam.frames), exam.frames[worst], panels_of(sample, found))
