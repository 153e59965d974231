"""A batch from its items to its tables."""

from __future__ import annotations

import json
import shutil
import statistics
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import dask
import filelock
import pandas as pd

from napari_cellseg import __version__
from napari_cellseg.config import PredictConfig
from napari_cellseg.data.storage import storage
from napari_cellseg.data.write import write_csv, write_text
from napari_cellseg.errors import InputError, SettingsError, StorageError
from napari_cellseg.learn.card import must_find_objects, read_card
from napari_cellseg.pipeline.batch.gather import gather_cells, gather_counts
from napari_cellseg.pipeline.batch.items import Item
from napari_cellseg.pipeline.batch.job import ITEMS, BatchJob, do_item, open_item
from napari_cellseg.pipeline.batch.outcome import Outcome, write_outcome
from napari_cellseg.pipeline.batch.summary import write_summary
from napari_cellseg.pipeline.batch.workers import Ended, WorkersPlan, are_there, in_workers, workers
from napari_cellseg.pipeline.inputs import model_channel
from napari_cellseg.progress import Cancelled, Clock, Note, Progress, Steps

SETTINGS_FILE, OUTCOMES_FILE, TRACES_FILE, LOCK_FILE = (
    "batch.json",
    "outcomes.csv",
    "errors.log",
    ".batch.lock",
)
_MEASURED = 5

A = TypeVar("A")
B = TypeVar("B")


@dataclass(frozen=True)
class BatchResult:
    """What came of a batch.

    Attributes
    ----------
    outcomes : tuple of Outcome
        One per item, in their order; none for those that a stop came before.
    page : Path
        The summary, an HTML page.
    n_left : int
        How many items a stop came before.
    """

    outcomes: tuple[Outcome, ...]
    page: Path
    n_left: int = 0

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
    does not stop the rest. The results do not depend on who worked. After a stop, tables and summary tell of
    what was done by then, and the next run goes on.

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
    Cancelled
        It was stopped before any item was done.
    InputError
        None of the items could be done.
    ModelError
        The model cannot be used, or gives pixels classes.
    SettingsError
        There are no workers.
    StorageError
        The folder cannot be written, the disk is full, or another batch is writing there.
    """
    must_find_objects(read_card(job.model))
    with _alone_in(job.folder):
        _tidy(job.folder / ITEMS)
        so_far = _SoFar(job)
        try:
            yield from _work(so_far, items, plan or WorkersPlan(), same_size)
        except Cancelled:
            if not any(outcome.status != "failed" for outcome in so_far.outcomes.values()):
                raise
        return _finish(items, so_far)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keep other batches out of a folder: they would take what this one has begun for left over."""
    with storage(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(folder / LOCK_FILE, blocking=False, thread_local=False)
        try:
            lock.acquire()  # the system lets it go when the process ends, however that happens
        except filelock.Timeout as error:
            raise StorageError(
                f"Another batch is writing its results into {folder}",
                "One at a time can",
                "Wait for it, stop it, or choose another folder",
            ) from error
    try:
        yield
    finally:
        lock.release()


@dataclass
class _SoFar:
    """What a stop finds: the job as it was settled, what became of items by their place, and errors."""

    job: BatchJob
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    traces: list[str] = field(default_factory=list)


def _work(so_far: _SoFar, items: Sequence[Item], plan: WorkersPlan, same_size: bool) -> Steps[None]:
    """Have the items done, and collect what becomes of them."""
    clock = Clock(len(items), "images done")
    yield clock.at(0)
    with workers(plan) as client:
        if plan.scheduler and not are_there(client):
            yield Note("The Dask scheduler has no workers yet. The batch begins as soon as there is one.")
        job = so_far.job
        measured = same_size and read_card(job.model).any_size and job.config.diameter_px is None
        job = so_far.job = yield from _settled(items, job, client, clock, measured)
        pace = _Pace(len(items))
        for ended in in_workers(client, partial(do_item, job=job), items):
            if ended is not None:
                item = items[ended.at]
                so_far.outcomes[ended.at] = _outcome(item, job, ended)
                if ended.reason:
                    so_far.traces += [f"{item.name}\n{ended.trace}"] if ended.trace else []
                    yield Note(f"{item.name} failed. {ended.reason}")
            yield pace.after(so_far.outcomes.values())


class _Pace:
    """Estimates the time left from the items worked on: those kept from an earlier run take none."""

    def __init__(self, total: int) -> None:
        self._total, self._start = total, time.perf_counter()

    def after(self, outcomes: Collection[Outcome]) -> Progress:
        worked = sum(outcome.status == "done" for outcome in outcomes)
        left = self._total - len(outcomes)
        seconds = (time.perf_counter() - self._start) / worked * left if worked else None
        return Progress(len(outcomes), self._total, "images done", seconds)


def _tidy(folder: Path) -> None:
    """Remove what workers that were killed had begun."""
    for begun in folder.glob(".*.partial"):
        shutil.rmtree(begun, ignore_errors=True)


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
            yield Note("The size of the objects is measured on a few images first.")
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


def _finish(items: Sequence[Item], so_far: _SoFar) -> BatchResult:
    """Write the tables and the page."""
    job, by_place = so_far.job, so_far.outcomes
    n_left = len(items) - len(by_place)
    items, outcomes = [items[at] for at in sorted(by_place)], [by_place[at] for at in sorted(by_place)]
    pairs = list(zip(items, outcomes, strict=True))
    rows = [{"well": item.well, **outcome.model_dump(exclude={"files"})} for item, outcome in pairs]
    write_csv(job.folder / OUTCOMES_FILE, pd.DataFrame(rows))
    if so_far.traces:
        write_text(job.folder / TRACES_FILE, "\n\n".join(so_far.traces))
    places = [job.place(item) for item, outcome in pairs if outcome.status != "failed"]
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
        "Stopped": f"before {n_left} more" if n_left else "",
        "Results": str(job.folder),
        "Program": f"napari-cellseg {__version__}",
    }
    return BatchResult(tuple(outcomes), write_summary(job, items, outcomes, counts, told), n_left)
