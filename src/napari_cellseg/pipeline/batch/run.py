"""A batch from its items to its tables."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import dask
import pandas as pd

from napari_cellseg import __version__
from napari_cellseg.config import PredictConfig
from napari_cellseg.data.storage import storage
from napari_cellseg.data.write import write_csv, write_text
from napari_cellseg.errors import InputError, SettingsError
from napari_cellseg.learn.card import must_find_objects, read_card
from napari_cellseg.pipeline.batch.gather import gather_cells, gather_counts
from napari_cellseg.pipeline.batch.items import Item
from napari_cellseg.pipeline.batch.job import BatchJob, do_item, open_item
from napari_cellseg.pipeline.batch.outcome import Outcome, write_outcome
from napari_cellseg.pipeline.batch.summary import write_summary
from napari_cellseg.pipeline.batch.workers import Ended, WorkersPlan, in_workers, workers
from napari_cellseg.pipeline.inputs import model_channel
from napari_cellseg.progress import Clock, Note, Steps

SETTINGS_FILE, OUTCOMES_FILE, TRACES_FILE = "batch.json", "outcomes.csv", "errors.log"
_MEASURED = 5

A = TypeVar("A")
B = TypeVar("B")


@dataclass(frozen=True)
class BatchResult:
    """What came of a batch.

    Attributes
    ----------
    outcomes : tuple of Outcome
        One per item, in their order.
    page : Path
        The summary, an HTML page.
    """

    outcomes: tuple[Outcome, ...]
    page: Path

    def count(self, status: str) -> int:
        """Count the items that ended in a certain way.

        Parameters
        ----------
        status : {"done", "kept", "failed"}
            The way.

        Returns
        -------
        int
            Their number.
        """
        return sum(outcome.status == status for outcome in self.outcomes)


def predict_batch(
    items: Sequence[Item], job: BatchJob, plan: WorkersPlan | None = None, *, same_size: bool = True
) -> Steps[BatchResult]:
    """Find, count and measure the objects of many images, on several processors or computers.

    Writes a folder per item (see `do_item`), ``counts.csv`` and ``cells.csv`` of all, ``outcomes.csv`` and
    the summary ``batch.html``. What an earlier run did in the same way is kept; what is broken is told and
    does not stop the rest. The results do not depend on who worked.

    Parameters
    ----------
    items : sequence of Item
        From `items_in`.
    job : BatchJob
        What is done.
    plan : WorkersPlan, optional
        Who works; this computer when not given.
    same_size : bool
        Whether objects are about as large in all items: a model for objects of any size then measures them
        once, on a few items, and not on every one. Not used where the diameter is given.

    Yields
    ------
    Event
        `Progress` over the items, and a `Note` for each that failed.

    Returns
    -------
    BatchResult
        What became of each item.

    Raises
    ------
    InputError
        None of the items could be done.
    ModelError
        The model cannot be used, or gives pixels classes.
    SettingsError
        There are no workers.
    StorageError
        The folder cannot be written, or the disk is full.
    """
    card = read_card(job.model)
    must_find_objects(card)
    with storage(job.folder):
        job.folder.mkdir(parents=True, exist_ok=True)
    clock = Clock(len(items), "images done")
    yield clock.at(0)
    outcomes: dict[int, Outcome] = {}
    traces: list[str] = []
    with workers(plan or WorkersPlan()) as client:
        measured = same_size and card.any_size and job.config.diameter_px is None
        job = yield from _settled(items, job, client, clock, measured)
        for ended in in_workers(client, partial(do_item, job=job), items):
            if ended is not None:
                item = items[ended.at]
                outcomes[ended.at] = _outcome(item, job, ended)
                if ended.reason:
                    traces += [f"{item.name}\n{ended.trace}"] if ended.trace else []
                    yield Note(f"{item.name} failed. {ended.reason}")
            yield clock.at(len(outcomes))
    return _finish(items, job, [outcomes[i] for i in range(len(items))], traces)


def _outcome(item: Item, job: BatchJob, ended: Ended) -> Outcome:
    if not ended.reason:
        done: Outcome = ended.result
        return done
    outcome = Outcome(name=item.name, status="failed", reason=ended.reason)
    write_outcome(job.place(item), outcome)
    return outcome


def _settled(
    items: Sequence[Item], job: BatchJob, client: Any, clock: Clock, same_size: bool
) -> Steps[BatchJob]:
    """Settle once what every worker would otherwise find out by itself, and perhaps in another way.

    That is the number format and the engine of the network, and the typical object. A later run with the same
    settings takes what was settled before, also when there are more images.
    """
    file, told = job.folder / SETTINGS_FILE, json.loads(json.dumps(job.depends_on(), default=str))
    found = _settings(file)
    if found.get("settings") != told or found.get("same_size") != same_size:
        found = {"settings": told, "same_size": same_size}
        found |= (yield from _asked(client, _fastest, [job], clock))[0]
        if same_size:
            chosen = items[:: max(1, len(items) // _MEASURED)][:_MEASURED]
            diameters = yield from _asked(client, partial(_diameter, job=job), chosen, clock)
            if diameters:  # otherwise each item will tell why
                found["diameter_px"] = round(statistics.median(diameters), 1)
        write_text(file, json.dumps(found, indent=1))
    settled: dict[str, Any] = {
        name: found[name] for name in ("precision", "engine", "diameter_px") if name in found
    }
    if "diameter_px" in settled:
        wide = f"A typical object is {settled['diameter_px']:g} px wide"
        yield Note(f"{wide}; all images are taken to be alike in this.")
    return replace(job, config=PredictConfig.checked(**{**job.config.model_dump(), **settled}))


def _asked(client: Any, work: Callable[[A], B], pieces: Sequence[A], clock: Clock) -> Steps[list[B]]:
    """Have workers answer; what fails is left out, but a question to all."""
    answers: list[B] = []
    for ended in in_workers(client, work, pieces):
        if ended is None:
            yield clock.at(0)
        elif not ended.reason:
            answers.append(ended.result)
        elif len(pieces) == 1 and work is _fastest:
            raise SettingsError(f"The workers cannot work: {ended.reason.rstrip('.')}")
    return answers


def _settings(file: Path) -> dict[str, Any]:
    try:
        told = json.loads(file.read_bytes())
    except (FileNotFoundError, ValueError):  # none yet, or not ours: it is settled again
        return {}
    return told if isinstance(told, dict) else {}


def _fastest(job: BatchJob) -> dict[str, str]:
    """Choose the number format and the engine, on the computer of a worker."""
    from napari_cellseg.learn.engine import choose_engine
    from napari_cellseg.learn.runtime import choose_device, number_format

    device = choose_device(job.config.device).name
    precision = str(number_format(device, job.config.precision)).removeprefix("torch.")
    return {"precision": precision, "engine": choose_engine(job.config.engine, device)}


def _diameter(item: Item, job: BatchJob) -> float:
    from napari_cellseg.learn.predict import estimate_diameter

    stack = open_item(item, job)
    channel = model_channel(stack, job.channel, read_card(job.model).modality)
    with dask.config.set(scheduler="synchronous"):  # as in `do_item`
        return estimate_diameter(stack, channel, job.model, job.config)


def _finish(
    items: Sequence[Item], job: BatchJob, outcomes: Sequence[Outcome], traces: Sequence[str]
) -> BatchResult:
    """Write the tables and the page."""
    write_csv(
        job.folder / OUTCOMES_FILE,
        pd.DataFrame(
            [
                {"well": i.well, **o.model_dump(exclude={"files"})}
                for i, o in zip(items, outcomes, strict=True)
            ]
        ),
    )
    if traces:
        write_text(job.folder / TRACES_FILE, "\n\n".join(traces))
    places = [job.place(i) for i, o in zip(items, outcomes, strict=True) if o.status != "failed"]
    if not places:
        raise InputError(
            f"None of the {len(items)} images could be done; the first: {outcomes[0].reason}",
            "",
            f"See {job.folder / OUTCOMES_FILE}",
        )
    counts = gather_counts(places, job.folder, job.measuring.typical_diameter_px is not None)
    gather_cells(places, job.folder)
    diameter = job.config.diameter_px
    told = {
        "Model": read_card(job.model).name,
        "Typical diameter": f"{diameter:g} px" if diameter else "",
        "Results": str(job.folder),
        "Program": f"napari-cellseg {__version__}",
    }
    return BatchResult(tuple(outcomes), write_summary(job, items, outcomes, counts, told))
