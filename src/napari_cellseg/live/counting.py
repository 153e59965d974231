"""Finding and counting objects frame by frame, and writing the results down."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_cellseg.config import MeasureConfig, PredictConfig
from napari_cellseg.data.stack import Stack
from napari_cellseg.data.storage import storage, versioned
from napari_cellseg.data.write import write_labels
from napari_cellseg.learn.card import model_hash, must_find_objects, read_card
from napari_cellseg.learn.events import FramePredicted
from napari_cellseg.live.correcting import read_only
from napari_cellseg.live.training import device_chosen
from napari_cellseg.measure.objects import measure
from napari_cellseg.measure.tables import CellTable, Origin, write_tables
from napari_cellseg.pipeline import origin_of, predict_into
from napari_cellseg.progress import Clock, Event, Note, Progress, Steps, follow

LABELS_FILE = "labels.npy"
PROBABILITY_FILE = "probability.npy"


@dataclass(frozen=True)
class FilesReady(Event):
    """The files that predictions go into are there.

    Attributes
    ----------
    labels : Path
        int32, TYX.
    probability : Path
        float16, TYX, 0 to 1.
    """

    labels: Path
    probability: Path


@dataclass(frozen=True)
class FrameCounted(Event):
    """One frame is in the files, and measured.

    Attributes
    ----------
    t : int
        The frame.
    table : CellTable
        Its objects and its count.
    """

    t: int
    table: CellTable


@dataclass(frozen=True)
class PredictionJob:
    """What to find objects with, and where the results go.

    Attributes
    ----------
    channel : int
        The label-free channel, from 0.
    frames : tuple of int
        Which frames, in this order.
    model : Path
        The model's folder.
    config : PredictConfig
        How the model is applied.
    measuring : MeasureConfig
        What is counted.
    folder : Path
        Folder of the two files; made when it is not there.
    """

    channel: int
    frames: tuple[int, ...]
    model: Path
    config: PredictConfig
    measuring: MeasureConfig
    folder: Path


def count_frames(stack: Stack, job: PredictionJob) -> Steps[tuple[int, ...]]:
    """Find, measure and count the objects of frames.

    Parameters
    ----------
    stack : Stack
        The images.
    job : PredictionJob
        What to find objects with, and where the results go.

    Yields
    ------
    Event
        `DeviceChosen` and `FilesReady` first, then `FrameCounted` for each frame and `Progress`.

    Returns
    -------
    tuple of int
        The frames done.

    Raises
    ------
    ModelError
        The model cannot be used, or it gives pixels classes.
    """
    card = read_card(job.model)
    must_find_objects(card)
    origin = origin_of(stack, card.name, model_hash(card), job.config, job.measuring)
    yield device_chosen(job.config.device)
    ready = _files(job.folder, (stack.n_frames, *stack.frame_shape))
    yield ready
    movie = np.lib.format.open_memmap(ready.labels, mode="r+")
    probability = np.lib.format.open_memmap(ready.probability, mode="r+")
    done: list[int] = []
    steps = predict_into(
        movie, stack, job.channel, job.model, job.config, probability=probability, frames=job.frames
    )
    with closing(steps):
        for event in steps:
            if isinstance(event, FramePredicted):
                table = follow(measure(stack, [event.labels], job.measuring, origin, [event.t]))
                done.append(event.t)
                yield FrameCounted(event.t, table)
            else:
                yield event
    movie.flush()
    probability.flush()
    return tuple(done)


def _files(folder: Path, shape: tuple[int, int, int]) -> FilesReady:
    """Make the files of predictions, empty, unless they are there in the right size."""
    ready = FilesReady(folder / LABELS_FILE, folder / PROBABILITY_FILE)
    with storage(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for path, dtype in ((ready.labels, np.int32), (ready.probability, np.float16)):
            if not path.is_file() or np.load(path, mmap_mode="r").shape != shape:
                partial = path.with_suffix(".partial")
                np.lib.format.open_memmap(partial, mode="w+", dtype=dtype, shape=shape).flush()
                partial.replace(path)
    return ready


def count_labels(
    stack: Stack, labels: Path | Stack, name: str, measuring: MeasureConfig
) -> Steps[tuple[int, ...]]:
    """Measure and count labels that are there already: the person's own, or corrected ones.

    Parameters
    ----------
    stack : Stack
        The images.
    labels : Path or Stack
        See `correcting.read_only`.
    name : str
        What the labels are called, for the tables.
    measuring : MeasureConfig
        What is counted.

    Yields
    ------
    Event
        `FrameCounted` for each frame and `Progress`.

    Returns
    -------
    tuple of int
        The frames done.
    """
    movie = read_only(labels)
    origin = Origin(stack.name, parameters={"labels": name, **measuring.model_dump(mode="json")})
    clock = Clock(stack.n_frames, "frames counted")
    for t in range(stack.n_frames):
        plane = np.asarray(movie[t])
        yield FrameCounted(t, follow(measure(stack, [plane], measuring, origin, [t])))
        yield clock.at(t + 1)
    return tuple(range(stack.n_frames))


def whole_table(tables: Sequence[CellTable]) -> Steps[CellTable]:
    """Put the tables of all frames together.

    Parameters
    ----------
    tables : sequence of CellTable
        Of one or more frames each, in any order, see `counts.Counts.tables`.

    Yields
    ------
    Event
        None at all; the work is short.

    Returns
    -------
    CellTable
        Ascending by frame; counts by area take one typical area for all frames.
    """
    yield from ()
    table = CellTable.concat(tables)
    cells, counts = (
        rows.sort_values("frame", kind="stable", ignore_index=True) for rows in (table.cells, table.counts)
    )
    return CellTable(cells, counts, table.typical_given)


@dataclass(frozen=True)
class Exported:
    """Files of results.

    Attributes
    ----------
    folder : Path
        Where they are.
    counts, cells, labels : Path
        The three files.
    table : CellTable
        What the tables hold.
    """

    folder: Path
    counts: Path
    cells: Path
    labels: Path
    table: CellTable


def export(stack: Stack, tables: Sequence[CellTable], labels: Path | Stack, folder: Path) -> Steps[Exported]:
    """Write ``counts.csv``, ``cells.csv`` and the labels as TIFF; what is there already is kept.

    Parameters
    ----------
    stack : Stack
        The images: their name and units.
    tables : sequence of CellTable
        See `whole_table`.
    labels : Path or Stack
        The labels; see `correcting.read_only`.
    folder : Path
        Where they go; made when it is not there.

    Yields
    ------
    Event
        `Progress`.

    Returns
    -------
    Exported
        The files.
    """
    movie = read_only(labels)
    table = yield from whole_table(tables)
    yield Progress(0, 0, "files written")
    counts, cells = write_tables(folder, table)
    yield Note(f"Tables are in {folder}")
    path = versioned(folder / f"{stack.name}.tif")
    planes = (np.asarray(movie[t]) for t in range(stack.n_frames))
    write_labels(path, planes, pixel_size_um=stack.pixel_size_um, frame_interval_s=stack.frame_interval_s)
    return Exported(folder, counts, cells, path, table)
