"""The walk, from stacks to counts.csv: each step reads what the one before wrote.

Every step is a generator of events (see `napari_cellseg.progress.follow`) that keeps one frame in memory at a time.
The command line and scripts call these; the window's steps call the same rooms frame by frame.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_cellseg import __version__
from napari_cellseg.config import Config, LabelConfig, MeasureConfig, NetConfig, PredictConfig, TrainConfig, TriageConfig
from napari_cellseg.data.channels import find_channels
from napari_cellseg.data.project import new_label_movie
from napari_cellseg.data.read import match_by_stem, read_labels
from napari_cellseg.data.samples import IGNORE, Sample
from napari_cellseg.data.stack import Stack
from napari_cellseg.data.write import write_csv, write_labels
from napari_cellseg.errors import InputError
from napari_cellseg.label.auto import auto_label
from napari_cellseg.label.triage import Verdict, judge
from napari_cellseg.learn.card import model_hash, read_card
from napari_cellseg.learn.events import FramePredicted
from napari_cellseg.measure.objects import CellTable, measure
from napari_cellseg.measure.tables import Origin, write_tables
from napari_cellseg.progress import Clock, Event, Progress, Steps, relay

VERDICTS = "verdicts.csv"
IGNORED = "ignored"

Choice = str | int | None
"""A channel by name or by number (from 0); None: told apart by name."""


def label_stacks(
    stacks: Sequence[Stack],
    folder: Path,
    *,
    channel: Choice = None,
    config: LabelConfig | None = None,
    triage: TriageConfig | None = None,
) -> Steps[pd.DataFrame]:
    """Make labels from the fluorescence of every stack.

    Writes ``NAME.tif`` (labels) per stack, ``ignored/NAME.tif`` where regions are ignored, and ``verdicts.csv``.
    Movies are judged each by itself; single images are judged together.

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
    for stack in stacks:
        found = find_channels(stack, fluorescence=channel, need_fluorescence=True)
        with _scratch(folder) as scratch:
            made = yield from auto_label(stack, _chosen(found.fluorescence), config, triage, scratch / "labels.npy")
            _write_with_ignored(folder, stack, made.labels)
        judged.append((stack, made.verdicts))
    table = _verdict_table(_judge_single_images_together(judged, triage))
    write_csv(folder / VERDICTS, table)
    return table


def train_on_labels(
    stacks: Sequence[Stack],
    labels: Path,
    out: Path,
    *,
    channel: Choice = None,
    config: TrainConfig | None = None,
    net: NetConfig | None = None,
    base: Path | None = None,
) -> Steps[Path]:
    """Train a network on labelled stacks.

    Parameters
    ----------
    stacks : sequence of Stack
        The images to learn from.
    labels : Path
        Folder of label files, matched to the stacks by name. Its ``verdicts.csv`` and ``ignored`` are honoured.
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
    from napari_cellseg.learn.train import train

    samples, names = [], set()
    rejected = _rejected(labels)
    for stack, file in _matched(stacks, labels):
        found = _chosen(find_channels(stack, image=channel).image)
        names.add(stack.channels[found])
        movie = _labels_with_ignored(file)
        frames = [t for t in range(stack.n_frames) if (stack.name, t) not in rejected]
        samples += training_samples(stack, found, movie, frames)
    if not samples:
        raise InputError(
            f"No frame of the {len(stacks)} images is left to learn from",
            "At least one labelled frame that was not rejected is needed",
            f"Look at the reasons in {labels / VERDICTS}",
        )
    return (yield from train(samples, config or TrainConfig(), net or NetConfig(), out, base, ", ".join(sorted(names))))


def training_samples(
    stack: Stack, channel: int, labels: npt.NDArray[Any], frames: Sequence[int] | None = None
) -> list[Sample]:
    """Pair frames with their labels.

    Parameters
    ----------
    stack : Stack
        The images.
    channel : int
        The label-free channel, from 0.
    labels : ndarray
        Axes TYX, integer; -1 is ignored.
    frames : sequence of int, optional
        The frames to take; all of them when not given.

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
    return [
        Sample(stack.frame(t, channel), np.array(labels[t], np.int32), stack.group, f"{stack.name}, frame {t}")
        for t in (range(stack.n_frames) if frames is None else frames)
    ]


def predict_stacks(
    stacks: Sequence[Stack],
    model: Path,
    folder: Path,
    *,
    channel: Choice = None,
    config: PredictConfig | None = None,
    measuring: MeasureConfig | None = None,
) -> Steps[CellTable]:
    """Find the objects in every stack and count them.

    Writes ``NAME.tif`` (labels) per stack, ``counts.csv`` and ``cells.csv``.

    Parameters
    ----------
    stacks : sequence of Stack
        The movies or images.
    model : Path
        The model's folder.
    folder : Path
        Where the results go; made when it is not there.
    channel : str, int or None
        The label-free channel, by name or number; None: by its usual names.
    config : PredictConfig, optional
        How the model is applied.
    measuring : MeasureConfig, optional
        What is counted.

    Yields
    ------
    Event
        `FramePredicted` and `Progress`.

    Returns
    -------
    CellTable
        All objects and counts, as written.
    """
    config, measuring = config or PredictConfig(), measuring or MeasureConfig()
    card = read_card(model)
    tables = []
    for stack in stacks:
        found = _chosen(find_channels(stack, image=channel).image)
        with _scratch(folder) as scratch:
            movie = new_label_movie(scratch / "labels.npy", (stack.n_frames, *stack.frame_shape))
            yield from predict_into(movie, stack, found, model, config)
            origin = origin_of(stack, card.name, model_hash(card), config, measuring)
            tables.append((yield from measure(stack, movie, measuring, origin)))
            write_labels(folder / f"{stack.name}.tif", movie, **_units(stack))
    cells = CellTable.concat(tables)
    write_tables(folder, cells)
    return cells


def predict_into(
    movie: npt.NDArray[np.int32],
    stack: Stack,
    channel: int,
    model: Path,
    config: PredictConfig,
    *,
    probability: npt.NDArray[np.float16] | None = None,
    frames: Sequence[int] | None = None,
) -> Steps[None]:
    """Predict frames and keep them in arrays that may be larger than memory.

    Parameters
    ----------
    movie : ndarray
        Axes TYX, int32; a memory map. Receives the labels.
    stack : Stack
        The images.
    channel : int
        The label-free channel, from 0.
    model : Path
        The model's folder.
    config : PredictConfig
        How the model is applied.
    probability : ndarray, optional
        Axes TYX, float16, 0 to 1; a memory map. Receives the probabilities.
    frames : sequence of int, optional
        The frames to predict, in this order; all of them when not given.

    Yields
    ------
    Event
        `FramePredicted`, after the frame is in the arrays, and `Progress`.
    """
    from napari_cellseg.learn.predict import predict


    def keep(event: Event) -> Event:
        if isinstance(event, FramePredicted):
            movie[event.t] = event.labels
            if probability is not None and event.probability is not None:
                probability[event.t] = event.probability
        return event

    yield from relay(predict(stack, channel, model, config, frames, probability is not None), keep)


def measure_labels(
    files: Sequence[Path],
    folder: Path,
    *,
    images: Sequence[Stack] = (),
    config: MeasureConfig | None = None,
) -> Steps[CellTable]:
    """Count and measure the objects of label files.

    Parameters
    ----------
    files : sequence of Path
        Label images or movies.
    folder : Path
        Where ``counts.csv`` and ``cells.csv`` go.
    images : sequence of Stack
        Images of the same names, for intensities and units; may be empty.
    config : MeasureConfig, optional
        What is counted.

    Yields
    ------
    Event
        `Progress`.

    Returns
    -------
    CellTable
        All objects and counts, as written.
    """
    config = config or MeasureConfig()
    stacks = {stack.name: stack for stack in images}
    tables = []
    for file in files:
        stack = stacks.get(file.stem)
        origin = Origin(file.stem, "", "", __version__, config.model_dump(mode="json"))
        tables.append((yield from measure(stack, read_movie(file), config, origin)))
    cells = CellTable.concat(tables)
    write_tables(folder, cells)
    return cells


def read_movie(file: Path) -> npt.NDArray[np.int32]:
    """Read a label file as a movie.

    Parameters
    ----------
    file : Path
        A label image or movie.

    Returns
    -------
    ndarray
        Axes TYX, int32; one frame for a single image.
    """
    labels = read_labels(file)
    return labels[None] if labels.ndim == 2 else labels


def origin_of(stack: Stack, model: str, hash_: str, *settings: Config) -> Origin:
    """Say where numbers come from.

    Parameters
    ----------
    stack : Stack
        The images.
    model : str
        The model's name.
    hash_ : str
        The model's hash.
    *settings : Config
        The settings that led to the numbers.

    Returns
    -------
    Origin
        With this program's version and all settings in one mapping.
    """
    parameters = {key: value for config in settings for key, value in config.model_dump(mode="json").items()}
    return Origin(stack.name, model, hash_, __version__, parameters)


def _chosen(channel: int | None) -> int:
    if channel is None:
        raise InputError("No channel was found to work on", "", "Name it by --image-channel or --fluorescence-channel")
    return channel


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """Room for arrays larger than memory, beside the results: a system's temporary folder is often too small."""
    with storage(folder):
        folder.mkdir(parents=True, exist_ok=True)
        made = tempfile.TemporaryDirectory(prefix=".working-", dir=folder, ignore_cleanup_errors=True)
    with made as path:
        yield Path(path)
