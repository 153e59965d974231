"""Third step: objects in images, by a trained network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_cellseg.config import MeasureConfig, PredictConfig
from napari_cellseg.data.probabilities import FOLDER, write_probabilities
from napari_cellseg.data.project import new_label_movie
from napari_cellseg.data.pyramid import SUFFIX, LabelPyramid, ProbabilityPyramid
from napari_cellseg.data.stack import LARGE_PX, Stack, is_large
from napari_cellseg.data.write import storage, write_labels
from napari_cellseg.errors import ModelError, SettingsError
from napari_cellseg.learn.card import ModelCard, model_hash, must_find_objects, read_card
from napari_cellseg.learn.events import FramePredicted
from napari_cellseg.measure.classes import CLASSES_FILE, measure_classes
from napari_cellseg.measure.objects import Labels, measure
from napari_cellseg.measure.tables import CellTable, Origin, write_table, write_tables
from napari_cellseg.pipeline.inputs import Choice, in_turn, model_channel, scratch_in
from napari_cellseg.pipeline.large import Sheets, classes_large, predict_large
from napari_cellseg.pipeline.measuring import origin_of
from napari_cellseg.progress import Event, Note, Steps, relay

T = TypeVar("T")
P = TypeVar("P", LabelPyramid, ProbabilityPyramid)

LabelsAs = Literal["auto", "tiff", "ome-zarr"]
"""The format in which labels are written."""


def predict_stacks(  # noqa: PLR0913 - each is one thing that the person may tell, by keyword
    stacks: Sequence[Stack],
    model: Path,
    folder: Path,
    *,
    channel: Choice = None,
    config: PredictConfig | None = None,
    measuring: MeasureConfig | None = None,
    probabilities: bool = False,
    labels_as: LabelsAs = "auto",
) -> Steps[CellTable]:
    """Find the objects in every stack and count them.

    Writes ``NAME.tif`` (labels) per stack, or ``NAME.ome.zarr``, ``counts.csv`` and ``cells.csv``; where they
    are wanted, ``probabilities/NAME.tif`` too (``NAME.ome.zarr`` of frames too large for memory).

    Parameters
    ----------
    stacks : sequence of Stack
        The movies or images.
    model : Path
        The model's folder.
    folder : Path
        Where the results go; made when it is not there.
    channel : str, int or None
        The channel to look at, by name or number; None: the one that suits the model, by its usual names.
    config : PredictConfig, optional
        How the model is applied.
    measuring : MeasureConfig, optional
        What is counted.
    probabilities : bool
        True writes the probability of foreground too: 8 bits, 255 for 1.
    labels_as : {"auto", "tiff", "ome-zarr"}
        The format of the labels; "auto": TIFF, but OME-Zarr where frames are too large for memory (see
        `data.stack.LARGE_PX`), which "tiff" refuses. OME-Zarr needs far less room while it is written.

    Yields
    ------
    Event
        `FramePredicted` and `Progress`.

    Returns
    -------
    CellTable
        All objects and counts, as written.

    Raises
    ------
    ModelError
        The model gives pixels classes; see `predict_classes`.
    SettingsError
        TIFF was asked for, and frames are too large for it.
    """
    card = read_card(model)
    must_find_objects(card)
    measuring = measuring or MeasureConfig()
    job = _Job(model, card, folder, channel, config or PredictConfig(), probabilities, labels_as)
    _refuse_large_tiffs(stacks, labels_as)
    tables = []
    for stack, so_far in in_turn(stacks, "frames predicted"):
        origin = origin_of(stack, card.name, model_hash(card), job.config, measuring)
        if is_large(stack.frame_shape):
            tables.append((yield from _predicted_large(stack, job, measuring, origin)))
            continue
        counting = partial(measure, stack, config=measuring, origin=origin)
        tables.append((yield from _predicted(stack, job, so_far, counting)))
    cells = CellTable.concat(tables)
    write_tables(folder, cells)
    return cells


def predict_classes(
    stacks: Sequence[Stack],
    model: Path,
    folder: Path,
    *,
    channel: Choice = None,
    config: PredictConfig | None = None,
    probabilities: bool = False,
) -> Steps[pd.DataFrame]:
    """Give every pixel of every stack a class, by a model that has learned classes.

    Writes ``NAME.tif`` (the number of the class of each pixel, 0 for background) per stack and
    ``classes.csv``, with the area of each class; where they are wanted, ``probabilities/NAME.tif`` too. Of
    frames too large for memory it is ``NAME.ome.zarr``.

    Parameters
    ----------
    stacks : sequence of Stack
        The movies or images, at least one.
    model : Path
        The model's folder.
    folder : Path
        Where the results go; made when it is not there.
    channel : str, int or None
        As in `predict_stacks`.
    config : PredictConfig, optional
        How the model is applied; what it says of objects is not used.
    probabilities : bool
        True writes the probability that a pixel is no background too: 8 bits, 255 for 1.

    Yields
    ------
    Event
        `FramePredicted` and `Progress`.

    Returns
    -------
    pandas.DataFrame
        One row for each class of each frame, as written.

    Raises
    ------
    ModelError
        The model finds objects and no classes.
    """
    card = read_card(model)
    if not card.net.classes:
        raise ModelError(f"The model {card.name} finds objects, and knows no classes", "", "Choose another")
    job = _Job(model, card, folder, channel, config or PredictConfig(), probabilities)
    tables = []
    for stack, so_far in in_turn(stacks, "frames predicted"):
        origin = origin_of(stack, card.name, model_hash(card), job.config)
        if is_large(stack.frame_shape):
            tables.append((yield from _classes_large(stack, job, origin)))
            continue
        measuring = partial(measure_classes, stack, classes=card.net.classes, origin=origin)
        tables.append((yield from _predicted(stack, job, so_far, measuring)))
    table = pd.concat(tables, ignore_index=True)
    write_table(folder / CLASSES_FILE, table)
    return table


@dataclass(frozen=True)
class _Job:
    """What is the same for all stacks."""

    model: Path
    card: ModelCard
    folder: Path
    channel: Choice
    config: PredictConfig
    probabilities: bool
    labels_as: LabelsAs = "auto"

    def pyramid(self, stack: Stack, kind: type[P], folder: Path) -> P:
        """Make room for labels or probabilities of a stack as OME-Zarr."""
        shape = (stack.n_frames, *stack.frame_shape)
        return kind(folder / f"{stack.name}{SUFFIX}", shape, stack.pixel_size_um, stack.frame_interval_s)

    @contextmanager
    def sheets(self, stack: Stack) -> Iterator[Sheets]:
        """Make room for all results of a stack of large frames."""
        chances = self.pyramid(stack, ProbabilityPyramid, self.folder / FOLDER)
        with (
            self.pyramid(stack, LabelPyramid, self.folder) as labels,
            chances if self.probabilities else nullcontext() as kept,
        ):
            yield Sheets(labels, kept)


def _refuse_large_tiffs(stacks: Sequence[Stack], labels_as: LabelsAs) -> None:
    large = next((stack for stack in stacks if is_large(stack.frame_shape)), None)
    if labels_as == "tiff" and large is not None:
        height, width = large.frame_shape
        raise SettingsError(
            f"Labels as TIFF were asked for, and {large.name} is {height} × {width} px",
            f"Images of more than {LARGE_PX // 10**6} million pixels are labelled in blocks, as OME-Zarr",
            "Leave the format to the program, or choose OME-Zarr",
        )


def _predicted(
    stack: Stack,
    job: _Job,
    so_far: Callable[[Event], Event],
    measuring: Callable[[Labels], Steps[T]],
) -> Steps[T]:
    """Predict a stack, measure what was found, and write it."""
    found = model_channel(stack, job.channel, job.card.modality)
    units = {"pixel_size_um": stack.pixel_size_um, "frame_interval_s": stack.frame_interval_s}
    as_zarr = job.labels_as == "ome-zarr"
    room = job.pyramid(stack, LabelPyramid, job.folder) if as_zarr else nullcontext()
    with scratch_in(job.folder) as scratch, room as pyramid:
        shape = (stack.n_frames, *stack.frame_shape)
        movie = pyramid or new_label_movie(scratch / "labels.npy", shape)
        chance = _new_chances(scratch / "chances.npy", shape) if job.probabilities else None
        yield from relay(predict_into(movie, stack, found, job.model, job.config, probability=chance), so_far)
        table = yield from measuring(movie)
        if chance is not None:
            write_probabilities(job.folder / FOLDER / f"{stack.name}.tif", chance, **units)
        if not isinstance(movie, LabelPyramid):
            write_labels(job.folder / f"{stack.name}.tif", movie, **units)
    return table


def _predicted_large(stack: Stack, job: _Job, measuring: MeasureConfig, origin: Origin) -> Steps[CellTable]:
    found = model_channel(stack, job.channel, job.card.modality)
    yield _note_of(stack)
    with job.sheets(stack) as sheets:
        return (yield from predict_large(stack, found, job.model, sheets, job.config, measuring, origin))


def _classes_large(stack: Stack, job: _Job, origin: Origin) -> Steps[pd.DataFrame]:
    found, classes = model_channel(stack, job.channel, job.card.modality), job.card.net.classes
    yield _note_of(stack)
    with job.sheets(stack) as sheets:
        return (yield from classes_large(stack, found, job.model, sheets, job.config, classes, origin))


def _note_of(stack: Stack) -> Note:
    height, width = stack.frame_shape
    return Note(f"{stack.name} is {height} × {width} px: it is written as {stack.name}{SUFFIX} (OME-Zarr).")


def _new_chances(path: Path, shape: tuple[int, int, int]) -> npt.NDArray[np.float16]:
    with storage(path):
        return np.lib.format.open_memmap(path, "w+", np.float16, shape)


def predict_into(
    movie: npt.NDArray[np.int32] | LabelPyramid,
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
    movie : ndarray or LabelPyramid
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
    from napari_cellseg.learn.predict import predict  # torch only where it is needed

    def keep(event: Event) -> Event:
        if isinstance(event, FramePredicted):
            movie[event.t] = event.labels
            if probability is not None and event.probability is not None:
                probability[event.t] = event.probability
        return event

    yield from relay(predict(stack, channel, model, config, frames, probability is not None), keep)
