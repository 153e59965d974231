"""Third step: objects in images, by a trained network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from napari_cellseg.config import MeasureConfig, PredictConfig
from napari_cellseg.data.probabilities import FOLDER, write_probabilities
from napari_cellseg.data.project import new_label_movie
from napari_cellseg.data.stack import Stack
from napari_cellseg.data.write import storage, write_labels
from napari_cellseg.learn.card import model_hash, read_card
from napari_cellseg.learn.events import FramePredicted
from napari_cellseg.measure.objects import measure
from napari_cellseg.measure.tables import CellTable, write_tables
from napari_cellseg.pipeline.inputs import Choice, in_turn, model_channel, scratch_in
from napari_cellseg.pipeline.measuring import origin_of
from napari_cellseg.progress import Event, Steps, relay


def predict_stacks(
    stacks: Sequence[Stack],
    model: Path,
    folder: Path,
    *,
    channel: Choice = None,
    config: PredictConfig | None = None,
    measuring: MeasureConfig | None = None,
    probabilities: bool = False,
) -> Steps[CellTable]:
    """Find the objects in every stack and count them.

    Writes ``NAME.tif`` (labels) per stack, ``counts.csv`` and ``cells.csv``; where they are wanted,
    ``probabilities/NAME.tif`` too.

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
    for stack, so_far in in_turn(stacks, "frames predicted"):
        found = model_channel(stack, channel, card.modality)
        origin = origin_of(stack, card.name, model_hash(card), config, measuring)
        with scratch_in(folder) as scratch:
            shape = (stack.n_frames, *stack.frame_shape)
            movie = new_label_movie(scratch / "labels.npy", shape)
            chance = _new_chances(scratch / "chances.npy", shape) if probabilities else None
            yield from relay(predict_into(movie, stack, found, model, config, probability=chance), so_far)
            tables.append((yield from measure(stack, movie, measuring, origin)))
            if chance is not None:
                write_probabilities(
                    folder / FOLDER / f"{stack.name}.tif",
                    chance,
                    pixel_size_um=stack.pixel_size_um,
                    frame_interval_s=stack.frame_interval_s,
                )
            write_labels(
                folder / f"{stack.name}.tif",
                movie,
                pixel_size_um=stack.pixel_size_um,
                frame_interval_s=stack.frame_interval_s,
            )
    cells = CellTable.concat(tables)
    write_tables(folder, cells)
    return cells


def _new_chances(path: Path, shape: tuple[int, int, int]) -> npt.NDArray[np.float16]:
    with storage(path):
        return np.lib.format.open_memmap(path, "w+", np.float16, shape)


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
    from napari_cellseg.learn.predict import predict  # torch only where it is needed

    def keep(event: Event) -> Event:
        if isinstance(event, FramePredicted):
            movie[event.t] = event.labels
            if probability is not None and event.probability is not None:
                probability[event.t] = event.probability
        return event

    yield from relay(predict(stack, channel, model, config, frames, probability is not None), keep)
