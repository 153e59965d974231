"""The workers of a batch: processes of this computer, or those of a Dask scheduler that runs already."""

from __future__ import annotations

import importlib.util
import logging
import os
import queue
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from napari_cellseg.errors import CellSegError, SettingsError

A = TypeVar("A")
B = TypeVar("B")

_LOOK_S = 0.5
"""So often somebody may stop the batch."""
_AT_ONCE = 1000
"""Pieces that are handed over together."""


@dataclass(frozen=True)
class WorkersPlan:
    """Who works.

    Attributes
    ----------
    scheduler : str
        Address of a Dask scheduler, such as ``tcp://10.0.0.1:8786``; empty: this computer.
    workers : int
        Processes on this computer; 0: one for each processor, at most 8. Each computes with one thread: with
        more, sums are rounded in another order, and the results would depend on the number of workers.
    """

    scheduler: str = ""
    workers: int = 0

    def count(self) -> int:
        """Say how many processes of this computer work.

        Returns
        -------
        int
            At least 1.
        """
        return self.workers or min(8, os.cpu_count() or 1)


@dataclass(frozen=True)
class Ended:
    """How one piece of work ended.

    Attributes
    ----------
    at : int
        Its place among all, from 0.
    result : object or None
        What came of it.
    reason : str
        Why it failed, as a sentence; empty when it did not.
    trace : str
        Where in the program, for errors that should not happen; else empty.
    """

    at: int
    result: Any
    reason: str = ""
    trace: str = ""


@contextmanager
def workers(plan: WorkersPlan) -> Iterator[Any]:
    """Have workers for a while.

    Parameters
    ----------
    plan : WorkersPlan
        Which.

    Yields
    ------
    distributed.Client
        To hand work to.

    Raises
    ------
    SettingsError
        Dask's scheduler is not installed, or does not answer.
    """
    if importlib.util.find_spec("distributed") is None:
        raise SettingsError(
            "A batch needs the package distributed, which is not installed",
            "",
            'Install it: pip install "napari-cellseg[batch]"',
        )
    import distributed

    if plan.scheduler:
        try:
            client = distributed.Client(plan.scheduler, timeout="20s", set_as_default=False)
        except (OSError, ValueError) as error:
            raise SettingsError(
                f"No Dask scheduler answers at {plan.scheduler} ({error})",
                "An address such as tcp://10.0.0.1:8786 was expected",
                "Start one, or leave the scheduler out to work on this computer",
            ) from error
        with _silent(), client:
            yield client
        return
    with (
        _silent(),
        distributed.LocalCluster(
            n_workers=plan.count(),
            threads_per_worker=1,
            dashboard_address=":0",  # any free port: the usual one may be taken
            memory_limit=None,  # pages of mapped files would count; the system knows better
            silence_logs=50,
            env={"OMP_NUM_THREADS": "1"},
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        try:
            yield client
        except BaseException:  # stopped, or closed: what is half done is lost anyway
            _end_at_once(cluster)
            raise


@contextmanager
def _silent() -> Iterator[None]:
    """Keep Dask's own log still: it complains of lines that are cut when workers are ended."""
    log = logging.getLogger("distributed")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)


def _end_at_once(cluster: Any) -> None:
    """Kill the workers of this computer: asked to close, they would go on with what they do for seconds."""
    import psutil

    for nanny in list(cluster.workers.values()):
        nanny.auto_restart = False
        if nanny.pid is not None:
            with suppress(psutil.NoSuchProcess):
                psutil.Process(nanny.pid).kill()


def are_there(client: Any) -> bool:
    """Say whether any worker has come yet.

    Parameters
    ----------
    client : distributed.Client
        From `workers`.

    Returns
    -------
    bool
        False where a scheduler runs, and its workers still wait for their turn on a cluster.
    """
    return bool(client.scheduler_info()["workers"])


def in_workers(client: Any, work: Callable[[A], B], pieces: Sequence[A]) -> Iterator[Ended | None]:
    """Work on pieces, as workers are free.

    A piece whose worker dies is given to another one; after that it has failed.

    Parameters
    ----------
    client : distributed.Client
        From `workers`.
    work : callable
        What is done; it and the pieces are sent to other processes.
    pieces : sequence
        The pieces.

    Yields
    ------
    Ended or None
        Each piece, as it ends; None now and then, when nothing has.

    Raises
    ------
    SettingsError
        The scheduler is gone.
    """
    ended: queue.SimpleQueue[int] = queue.SimpleQueue()
    futures = client.map(work, pieces, pure=False, batch_size=_AT_ONCE)
    for at, future in enumerate(futures):
        future.add_done_callback(lambda _done, at=at: ended.put(at))
    left = len(futures)
    while left:
        try:
            at = ended.get(timeout=_LOOK_S)
        except queue.Empty:
            yield None
            continue
        left -= 1
        future = futures[at]
        if future.status == "cancelled":  # by nobody here
            raise SettingsError(
                "The connection to the Dask scheduler was lost",
                "It must run until the batch is done",
                "Start it again; the same command then does what is left",
            )
        error = future.exception()
        yield _failed(at, error, future) if error is not None else Ended(at, future.result())
        future.release()


def _failed(at: int, error: BaseException, future: Any) -> Ended:
    from distributed.scheduler import KilledWorker

    if isinstance(error, CellSegError):
        return Ended(at, None, str(error))
    if isinstance(error, KilledWorker):
        return Ended(
            at,
            None,
            "The process that worked on it died again and again: there may not be enough memory. Use fewer "
            "workers, or smaller tiles.",
        )
    trace = "".join(traceback.format_exception(type(error), error, future.traceback()))
    return Ended(at, None, f"{type(error).__name__}: {error}", trace)
