"""Long work and the window: events of a generator become Qt signals, and Stop is always answered."""

from __future__ import annotations

import threading
from collections.abc import Callable

from napari.qt.threading import WorkerBase, WorkerBaseSignals
from qtpy.QtCore import Signal

from napari_cellseg.errors import CellSegError
from napari_cellseg.progress import Cancelled, Event, Steps, follow


class _TaskSignals(WorkerBaseSignals):
    event = Signal(object)
    done = Signal(object)
    failed = Signal(object)
    cancelled = Signal()


class Task(WorkerBase):
    """One piece of long work, followed in a thread.

    A subclass of `WorkerBase` rather than ``@thread_worker`` on a generator: that one swallows
    `RuntimeError`, torch's own error class, and does not close the generator when it is told to quit.

    Exactly one of the signals ``done(result)``, ``failed(error)`` and ``cancelled()`` ends it, unless it was
    dropped: then nothing is heard of it any more. ``event(event)`` comes before. Connect with `listen`, which
    also holds back what was on its way through Qt's queue when the task was dropped.

    Parameters
    ----------
    make_steps : callable
        Makes the work, a generator of events, inside the thread. It gets snapshots, never live layers.
    title : str
        The work in a few words, for the person.
    """

    def __init__(self, make_steps: Callable[[], Steps[object]], title: str = "") -> None:
        super().__init__(SignalsClass=_TaskSignals)
        self._make_steps = make_steps
        self.title = title
        self._stop = threading.Event()
        self._dropped = threading.Event()
        self.over = threading.Event()

    def run(self) -> None:
        """Run in the pool's thread.

        Not the inherited way: that one replaces the warning filters of the whole program while it runs,
        which is not safe when several threads do it.
        """
        self._running = True
        self.started.emit()
        try:
            self.work()
        finally:
            self._running = False
            self.finished.emit()
            self._finished.emit(self)

    def work(self) -> None:
        """Follow the work to its end; runs in the thread."""
        try:
            result = follow(self._make_steps(), self._tell, self._stop.is_set)
        except Cancelled:
            self._say(self.cancelled)
        except Exception as error:  # noqa: BLE001 - every failure is shown in the window, none is swallowed
            self._say(self.failed, error)
        else:
            self._say(self.done, result)
        finally:
            self.over.set()

    def listen(
        self,
        *,
        event: Callable[[Event], object] | None = None,
        done: Callable[..., object] | None = None,
        failed: Callable[[BaseException], object] | None = None,
        cancelled: Callable[[], object] | None = None,
    ) -> None:
        """Call back in the window's thread, and never after `drop`.

        Parameters
        ----------
        event : callable, optional
            Called with every event.
        done : callable, optional
            Called with the result.
        failed : callable, optional
            Called with the error.
        cancelled : callable, optional
            Called without arguments.
        """
        for signal, call in (
            (self.event, event),
            (self.done, done),
            (self.failed, failed),
            (self.cancelled, cancelled),
        ):
            if call is not None:
                signal.connect(self._unless_dropped(call))

    def _unless_dropped(self, call: Callable[..., object]) -> Callable[..., None]:
        def heard(*args: object) -> None:
            if not self._dropped.is_set():
                call(*args)

        return heard

    @property
    def stopping(self) -> bool:
        """Whether it was asked to stop, or dropped."""
        return self._stop.is_set()

    @property
    def dropped(self) -> bool:
        """Whether nobody listens any more."""
        return self._dropped.is_set()

    def stop(self) -> None:
        """Ask the work to stop and to keep what is worth keeping; answers within one step of it."""
        self._stop.set()

    def drop(self) -> None:
        """Stop the work and hear nothing more of it: a newer one takes its place, or the window closes."""
        self._dropped.set()
        self._stop.set()

    def _tell(self, event: Event) -> None:
        self._say(self.event, event)

    def _say(self, signal: Signal, *args: object) -> None:
        if not self._dropped.is_set():
            signal.emit(*args)


def message_of(error: BaseException) -> str:
    """Say an error in words for the person.

    Parameters
    ----------
    error : BaseException
        What went wrong.

    Returns
    -------
    str
        The sentences of a `CellSegError`; for others the kind of error, and the advice to look into the log.
    """
    if isinstance(error, CellSegError):
        return str(error)
    return f"Something unforeseen happened ({type(error).__name__}: {error}). The log tells more."
