"""What is done with every item of a batch, in a worker."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import dask
import numpy as np
import numpy.typing as npt
from PIL import Image

from napari_cellseg import __version__
from napari_cellseg.config import MeasureConfig, PredictConfig
from napari_cellseg.data.opening import open_stack
from napari_cellseg.data.stack import Stack
from napari_cellseg.data.storage import atomic_folder, storage
from napari_cellseg.errors import InputError
from napari_cellseg.evaluate.pictures import Pen, grey, outline
from napari_cellseg.learn.card import model_hash, read_card
from napari_cellseg.learn.events import FramePredicted, LargePredicted
from napari_cellseg.pipeline.batch.items import Item
from napari_cellseg.pipeline.batch.outcome import Outcome, fingerprint, key_of, read_outcome, write_outcome
from napari_cellseg.pipeline.inputs import Choice, model_channel
from napari_cellseg.pipeline.predicting import LabelsAs, predict_stacks
from napari_cellseg.progress import Event, follow

ITEMS = "items"
PICTURE = "picture.png"
_PICTURE_PX = 320
_FOUND = Pen("found", (64, 220, 120))


@dataclass(frozen=True)
class BatchJob:
    """What is done with every item.

    Attributes
    ----------
    model : Path
        Folder of the model; workers on other computers must see it under the same name.
    folder : Path
        Where the results go; the same holds for it.
    config : PredictConfig
        How the model is applied.
    measuring : MeasureConfig
        What is counted.
    channel : str, int or None
        The channel to look at, see `predict_stacks`.
    reading : mapping
        How files are read: arguments of `data.opening.open_stack` by name.
    labels_as : {"auto", "tiff", "ome-zarr"}
        The format of the labels, see `predict_stacks`.
    """

    model: Path
    folder: Path
    config: PredictConfig = field(default_factory=PredictConfig)
    measuring: MeasureConfig = field(default_factory=MeasureConfig)
    channel: Choice = None
    reading: Mapping[str, Any] = field(default_factory=dict)
    labels_as: LabelsAs = "auto"

    def place(self, item: Item) -> Path:
        """Name the folder of an item's results.

        Parameters
        ----------
        item : Item
            One of the batch.

        Returns
        -------
        Path
            In the batch's folder.
        """
        return self.folder / ITEMS / item.name

    def depends_on(self) -> dict[str, Any]:
        """Tell what the results of every item depend on, besides its files.

        Returns
        -------
        dict
            As JSON has it.
        """
        return {
            "model": model_hash(read_card(self.model)),
            "config": self.config.model_dump(mode="json"),
            "measuring": self.measuring.model_dump(mode="json"),
            "channel": self.channel,
            "reading": dict(self.reading),
            "labels_as": self.labels_as,
            "version": __version__,
        }


def do_item(item: Item, job: BatchJob) -> Outcome:
    """Find, count and measure the objects of one item, unless that was done before in the same way.

    The results are a folder that is there as a whole or not at all: ``NAME.tif`` (``NAME.ome.zarr`` of
    frames too large for memory), ``counts.csv``, ``cells.csv``, a small picture and ``outcome.json``.

    Parameters
    ----------
    item : Item
        What is looked at.
    job : BatchJob
        How.

    Returns
    -------
    Outcome
        Done or kept.

    Raises
    ------
    CellSegError
        It cannot be done; the message says why.
    """
    place = job.place(item)
    before = read_outcome(place)
    try:
        files = fingerprint(item.files, before)
    except OSError as error:
        told = error.strerror or error
        raise InputError(
            f"{error.filename or item.files[0]} cannot be read: {told}", "", "Check it"
        ) from error
    key = key_of(files, job.depends_on())
    if before is not None and before.status != "failed" and before.key == key:
        return before.model_copy(update={"status": "kept"})
    stack = open_item(item, job)
    with storage(place):
        if place.exists():
            shutil.rmtree(place)
    # A worker must not hand the reading of its frames to other workers, and wait for them.
    with dask.config.set(scheduler="synchronous"), atomic_folder(place) as partial:
        first: list[FramePredicted | LargePredicted] = []

        def keep_first(event: Event) -> None:
            if isinstance(event, FramePredicted | LargePredicted) and not first:
                first.append(event)

        steps = predict_stacks(
            [stack],
            job.model,
            partial,
            channel=job.channel,
            config=job.config,
            measuring=job.measuring,
            labels_as=job.labels_as,
        )
        cells = follow(steps, keep_first)
        _write_picture(partial, _image_of(first[0], stack, job), first[0].labels)
        outcome = Outcome(
            name=item.name,
            status="done",
            key=key,
            files=files,
            n_frames=len(cells.counts),
            n_objects=len(cells.cells),
        )
        write_outcome(partial, outcome)
    return outcome


def open_item(item: Item, job: BatchJob) -> Stack:
    """Open the files of an item.

    Parameters
    ----------
    item : Item
        The item.
    job : BatchJob
        How files are read.

    Returns
    -------
    Stack
        Of one z plane, named as the item.

    Raises
    ------
    InputError
        A file cannot be read or understood.
    """
    stack = open_stack(item.files if len(item.files) > 1 else item.files[0], **{"z": "max", **job.reading})
    return replace(stack, name=item.name)


def _image_of(event: FramePredicted | LargePredicted, stack: Stack, job: BatchJob) -> npt.NDArray[Any]:
    if isinstance(event, LargePredicted):
        return event.image
    return stack.frame(event.t, model_channel(stack, job.channel, read_card(job.model).modality))


def _write_picture(folder: Path, image: npt.NDArray[Any], labels: npt.NDArray[np.int32]) -> None:
    """Draw a frame with the outlines of what was found, small."""
    step = max(1, -(-max(image.shape) // _PICTURE_PX))
    small, marks = grey(image[::step, ::step]), labels[::step, ::step]
    picture = np.repeat(small[..., None], 3, axis=2)
    outline(picture, marks, np.unique(marks[marks > 0]).astype(np.int64), _FOUND, 1)
    Image.fromarray(picture).save(folder / PICTURE)
