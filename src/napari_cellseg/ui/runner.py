"""Work away from the window's thread: in the helper processes, one piece after the other, with a log."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QObject, QThreadPool, QTimer, Signal

from napari_cellseg.process import Helper
from napari_cellseg.progress import Cancelled, Event, Note, Progress, Steps, duration
from napari_cellseg.ui.activity import Activity
from napari_cellseg.ui.portable import Spill, portable
from napari_cellseg.ui.task import Task, message_of

_CLOSE_S = 1.5
_THREADS = 8
_WAIT_S = 0.1


class Runner(QObject):
    """Runs work, and ends all of it within two seconds.

    Two helper processes: `helper` for long work (labels, training, prediction), and a second one for what
    must answer at once (preview, thumbnails), so that a preview never waits for a training. Work that goes on
    for hours beside all of it has a helper of its own.
    """

    logged = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.helper = Helper()
        self._quick = Helper()
        self._apart: set[Helper] = set()
        self._turn = {True: threading.Lock(), False: threading.Lock()}
        self._tasks: set[Task] = set()
        self._waiting: set[Task] = set()
        self.temporary = Spill()
        self._closed = False
        self.log: list[str] = []
        pool = QThreadPool.globalInstance()  # a thread per core: training would leave none on one core
        pool.setMaxThreadCount(max(pool.maxThreadCount(), _THREADS))

    def run(  # noqa: PLR0913 - four news to call back with, and how it runs; all by name, all optional
        self,
        function: Callable[..., Steps[Any]],
        *args: object,
        on_event: Callable[[Event], object] | None = None,
        on_done: Callable[[Any], object] | None = None,
        on_failed: Callable[[BaseException], object] | None = None,
        on_cancelled: Callable[[], object] | None = None,
        title: str = "",
        quick: bool = False,
        here: bool = False,
        apart: bool = False,
    ) -> Task:
        """Start ``function(*args)``, a generator of events, away from the window's thread.

        A `Plane` among the arguments arrives as its array. Stacks may hold a layer's arrays: those are
        written to a temporary file, frame by frame in the task's thread, and the helper reads that.

        Parameters
        ----------
        function : callable
            A module-level function that returns `Steps`.
        *args : object
            Its arguments, picklable.
        on_event : callable, optional
            Called with every event, in the window's thread like all of these.
        on_done : callable, optional
            Called with the result.
        on_failed : callable, optional
            Called with the error, after it was logged.
        on_cancelled : callable, optional
            Called when it was stopped and kept nothing.
        title : str
            The work in a few words; shown in napari's activity dock unless empty.
        quick : bool
            True for work of a second or less, which gets the second helper.
        here : bool
            True runs it in a thread of this process: for what only waits for the disk.
        apart : bool
            True gives it a helper of its own, which may start processes: other work does not wait for it. The
            helper, and what it started, ends with the work.

        Returns
        -------
        Task
            It starts when Qt comes round to it, so that nothing of it is missed by what is connected at once.
        """
        if self._closed:
            raise RuntimeError("The session is closed")

        own = Helper(children=True) if apart else None

        def steps() -> Steps[Any]:
            if own is not None:
                return self._in_own(own, function, args)
            return function(*args) if here else self._in_helper(task, quick, function, args)

        task = Task(steps, title)
        self._tasks.add(task)
        if own is not None:
            self._apart.add(own)
            task.finished.connect(lambda: self._apart.discard(own))
        self._log_of(task, title or function.__name__)
        task.listen(event=on_event, done=on_done, failed=on_failed, cancelled=on_cancelled)
        task.finished.connect(lambda: self._tasks.discard(task))
        self._waiting.add(task)
        QTimer.singleShot(0, lambda: self._start(task))  # later, so that the caller can listen first
        return task

    def _start(self, task: Task) -> None:
        if task in self._waiting:
            self._waiting.discard(task)
            task.start()

    def _in_helper(
        self, task: Task, quick: bool, function: Callable[..., Steps[Any]], args: tuple[object, ...]
    ) -> Steps[Any]:
        """Wait for the helper, hand the arguments over, and follow the work; runs in the task's thread."""
        turn, helper = self._turn[quick], self._quick if quick else self.helper
        while not turn.acquire(timeout=_WAIT_S):
            if task.stopping:
                raise Cancelled
        try:
            ready = yield from portable(args, self.temporary)
            if task.stopping or self._closed:
                raise Cancelled
            return (yield from helper.run(function, *ready))
        finally:
            turn.release()

    def _in_own(
        self, helper: Helper, function: Callable[..., Steps[Any]], args: tuple[object, ...]
    ) -> Steps[Any]:
        """Follow work in a helper that ends with it; runs in the task's thread."""
        try:
            ready = yield from portable(args, self.temporary)
            return (yield from helper.run(function, *ready))
        finally:
            helper.close()

    def _log_of(self, task: Task, what: str) -> None:
        """Write what happens to a task into the log and, when it has a title, into the activity dock."""
        activity = Activity(task.title) if task.title else None
        started = time.perf_counter()

        def on_event(event: Event) -> None:
            if isinstance(event, Note):
                self.say(event.text)
            if activity is not None and isinstance(event, Progress):
                activity.show(event)

        def over() -> None:
            if activity is not None:
                activity.close()
            if task.title and not self._closed:
                self.say(f"{what}: over after {duration(time.perf_counter() - started)}")

        task.listen(event=on_event, failed=lambda error: self.say_error(what, error))
        task.finished.connect(over)
        if task.title:
            self.say(f"{what}: started")

    def say(self, text: str) -> None:
        """Add a line to the log.

        Parameters
        ----------
        text : str
            What happened.
        """
        line = f"{time.strftime('%H:%M:%S')}  {text}"
        self.log.append(line)
        self.logged.emit(line)

    def say_error(self, what: str, error: BaseException) -> None:
        """Add an error to the log, with all that an engineer wants to see.

        Parameters
        ----------
        what : str
            The work that failed.
        error : BaseException
            Why; its traceback, and that of the helper, go into the log.
        """
        self.say(f"{what}: failed. {message_of(error)}\n{''.join(traceback.format_exception(error))}")

    @property
    def is_closed(self) -> bool:
        """Whether the window is closing, so that no work may be started."""
        return self._closed

    def close(self) -> None:
        """Drop all work and end the helpers, within two seconds; calling it again does nothing."""
        if self._closed:
            return
        self._closed = True
        tasks = list(self._tasks)
        for task in tasks:
            task.drop()
        for task in self._waiting:
            task.over.set()
        self._waiting.clear()
        for helper in (self.helper, self._quick, *self._apart):
            helper.close()
        deadline = time.monotonic() + _CLOSE_S
        for task in tasks:
            task.over.wait(max(0.0, deadline - time.monotonic()))
        self.temporary.close()
