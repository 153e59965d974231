"""Finding and counting objects in a folder, a plate or a list of images, started from the window."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from napari_cellseg.config import MeasureConfig, PredictConfig
from napari_cellseg.data.files import SUFFIXES
from napari_cellseg.progress import Note, Steps

_TABLE = ".csv"
_MOST_TOLD = 3


@dataclass(frozen=True)
class ManyFiles:
    """Which images are counted, with what, and where the results go.

    Attributes
    ----------
    inputs : Path
        A folder, a table (CSV) with the column ``path``, a pattern, or one image; see
        `pipeline.batch.items_in`.
    folder : Path
        Of the results.
    model : Path
        The model's folder.
    config : PredictConfig
        How the model is applied.
    measuring : MeasureConfig
        What is counted.
    channel : str or None
        The channel to look at, by name or number; None: told apart by name.
    workers : int
        How many images are looked at at once, each in a process of its own.
    same_size : bool
        Whether objects are about as large in all images, see `pipeline.batch.predict_batch`.
    """

    inputs: Path
    folder: Path
    model: Path
    config: PredictConfig
    measuring: MeasureConfig
    channel: str | None = None
    workers: int = 1
    same_size: bool = True


@dataclass(frozen=True)
class CameOut:
    """What came of many files.

    Attributes
    ----------
    n_done, n_kept, n_failed, n_left : int
        Images done now, done before in the same way, that could not be done, and that a stop came before.
    failures : tuple of str
        Of the first that failed: name and reason.
    page : Path
        The summary, an HTML page.
    """

    n_done: int
    n_kept: int
    n_failed: int
    n_left: int
    failures: tuple[str, ...]
    page: Path


def results_beside(inputs: Path, model: Path | None) -> Path:
    """Name the folder of the results where the person has not: beside the images, after the model.

    Parameters
    ----------
    inputs : Path
        See `ManyFiles.inputs`.
    model : Path or None
        Folder of the model; None while none is chosen.

    Returns
    -------
    Path
        For example ``plate-nuclei-fluorescence`` beside ``plate``.
    """
    while any(sign in str(inputs) for sign in "*?["):
        inputs = inputs.parent
    is_file = inputs.suffix.lower() in {_TABLE, *SUFFIXES}
    name = inputs.stem if is_file else inputs.name
    return inputs.parent / f"{name or 'images'}-{model.name if model is not None else 'counts'}"


def count_files(order: ManyFiles) -> Steps[CameOut]:
    """Find, count and measure the objects of many images; a second run does only what is missing.

    It starts processes: it needs a helper that may have children.

    Parameters
    ----------
    order : ManyFiles
        Which images, with what.

    Yields
    ------
    Event
        `Progress` over the images, and a `Note` for each that failed.

    Returns
    -------
    CameOut
        What came of it; after a stop, of what was done by then.

    Raises
    ------
    CellSegError
        It could not start, or none of the images could be done.
    """
    from napari_cellseg.pipeline.batch import (  # noqa: PLC0415 - the window needs none of it
        BatchJob,
        WorkersPlan,
        items_in,
        predict_batch,
    )

    yield Note(f"Results go into {order.folder}")
    items = items_in([order.inputs])
    job = BatchJob(order.model, order.folder, order.config, order.measuring, order.channel)
    plan = WorkersPlan(workers=order.workers)
    result = yield from predict_batch(items, job, plan, same_size=order.same_size)
    failed = [outcome for outcome in result.outcomes if outcome.status == "failed"]
    return CameOut(
        result.count("done"),
        result.count("kept"),
        len(failed),
        result.n_left,
        tuple(f"{outcome.name}: {outcome.reason}" for outcome in failed[:_MOST_TOLD]),
        result.page,
    )
