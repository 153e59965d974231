"""What the steps of one window share: the chosen layers, the study, the helper, and news of all of it."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, QThreadPool, QTimer, Signal

from napari_cellseg.label.review import Review
from napari_cellseg.process import Helper
from napari_cellseg.progress import Cancelled, Event, Note, Progress, Steps, duration
from napari_cellseg.ui.activity import Activity
from napari_cellseg.ui.portable import Spill, portable
from napari_cellseg.ui.task import Task, message_of

if TYPE_CHECKING:
    from napari.layers import Image, Labels

    from napari_cellseg.data.channels import Channels
    from napari_cellseg.data.project import Study
    from napari_cellseg.data.stack import Stack

_CLOSE_S = 1.5
_THREADS = 8
_WAIT_S = 0.1


class Session(QObject):
    """What the five steps share. A step changes an attribute, then emits the signal that says so.

    Two helper processes: `helper` for long work (labels, training, prediction), and a second one for what
    must answer at once (preview, thumbnails), so that a preview never waits for a training.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer of the window.
    parent : QObject, optional
        Qt's owner of the session.
    """

    stack_changed = Signal()
    study_changed = Signal()
    labels_changed = Signal()
    verdicts_changed = Signal()
    corrected_changed = Signal()
    model_changed = Signal()
    prediction_changed = Signal()
    cells_changed = Signal()
    device_changed = Signal()
    frame_changed = Signal(int)
    step_wanted = Signal(str)
    logged = Signal(str)

    def __init__(self, viewer: Any, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.viewer = viewer
        self.helper = Helper()
        self._quick = Helper()
        self._turn = {True: threading.Lock(), False: threading.Lock()}
        self._tasks: set[Task] = set()
        self._waiting: set[Task] = set()
        self.temporary = Spill()
        self._closed = False
        pool = (
            QThreadPool.globalInstance()
        )  # one thread per core: a training would leave none on a small machine
        pool.setMaxThreadCount(max(pool.maxThreadCount(), _THREADS))
        self.log: list[str] = []

        self.stacks: list[Stack] = []
        self.stack: Stack | None = None
        self.image_channel = 0
        self.fluorescence_channel: int | None = None
        self.image_layer: Image | None = None
        self.fluorescence_layer: Image | None = None
        self.image_channel_name = ""
        self.study: Study | None = None
        self.study_folder: Path | None = None
        self.labels_layer: Labels | None = None
        self.corrected_layer: Labels | None = None
        self.prediction_layer: Labels | None = None
        self.probability_layer: Image | None = None
        self.verdicts: list[Any] = []
        self.model: Path | None = None
        self.cells: Any = None
        self.review = Review()
        self.corrected_frames: frozenset[int] = frozenset()
        self.device = ""
        self.time_axis = 0

        self._frame = self.frame()
        viewer.dims.events.current_step.connect(self._on_step)

    def frame(self) -> int:
        """Say which time point is shown.

        Returns
        -------
        int
            From 0; 0 for a single image.
        """
        dims = self.viewer.dims
        if dims.ndim <= 2 or self.time_axis >= dims.ndim - 2:
            return 0
        t = int(dims.current_step[self.time_axis])
        return min(t, self.stack.n_frames - 1) if self.stack is not None else t

    def go_to(self, t: int) -> None:
        """Show a time point.

        Parameters
        ----------
        t : int
            From 0.
        """
        dims = self.viewer.dims
        if dims.ndim > 2 and self.time_axis < dims.ndim - 2:
            dims.set_current_step(self.time_axis, t)

    def use_stack(
        self,
        stack: Stack | None,
        channels: Channels | None = None,
        image_layer: Image | None = None,
        fluorescence_layer: Image | None = None,
    ) -> None:
        """Work on another stack from now on; results of the stack before are forgotten here, not on disk.

        Parameters
        ----------
        stack : Stack or None
            A snapshot with one z plane; None when no picture is chosen.
        channels : Channels, optional
            Which of its channels is which.
        image_layer : napari.layers.Image, optional
            The layer that shows the label-free channel.
        fluorescence_layer : napari.layers.Image, optional
            The layer that shows the fluorescence, when there is one.
        """
        same = stack is not None and self.stack is not None and stack.source == self.stack.source
        self.stack = stack
        self.image_channel = (channels.image or 0) if channels is not None else 0
        self.fluorescence_channel = channels.fluorescence if channels is not None else None
        self.image_channel_name = stack.channels[self.image_channel] if stack is not None else ""
        self.image_layer, self.fluorescence_layer = image_layer, fluorescence_layer
        if not same:
            self.study, self.study_folder, self.verdicts, self.cells = None, None, [], None
        self.stack_changed.emit()
        self._on_step()
        if not same and stack is not None:
            self._find_study(stack.source)

    def _find_study(self, source: str) -> None:
        """Learn where the study of a source is kept, and open it when it is there already."""

        def found(answer: tuple[Path, Study | None]) -> None:
            if self.stack is not None and self.stack.source == source and self.study is None:
                self.study_folder, self.study = answer
                self.study_changed.emit()

        from napari_cellseg.ui import folders  # noqa: PLC0415 - dask takes long to import

        self.run(folders.find_study, source, on_done=found, here=True)

    def need_study(self) -> Study:
        """Open the study, or make its folder, because a result is to be kept.

        Returns
        -------
        Study
            Of the stack that is chosen.

        Raises
        ------
        StorageError
            The folder cannot be written.
        """
        if self.study is None:
            from napari_cellseg.ui import folders  # noqa: PLC0415 - dask takes long to import

            source = self.stack.source if self.stack is not None else "unnamed"
            self.study_folder = self.study_folder or folders.folder_for(source)
            stain = self.fluorescence_channel
            self.study = folders.open_or_make(
                self.study_folder,
                self.stack,
                self.image_channel_name,
                self.stack.channels[stain] if self.stack is not None and stain is not None else None,
            )
            self.say(f"Results are kept in {self.study_folder}")
            self.study_changed.emit()
        return self.study

    def use_study_folder(self, folder: Path) -> None:
        """Keep results elsewhere from now on; a study that is there already is opened.

        Parameters
        ----------
        folder : Path
            The folder.
        """
        self.study, self.study_folder, self.verdicts, self.cells = None, folder, [], None
        self.verdicts_changed.emit()

        def opened(study: Study | None) -> None:
            if self.study_folder == folder:
                self.study = study
                self.study_changed.emit()

        from napari_cellseg.ui import folders  # noqa: PLC0415 - dask takes long to import

        self.run(folders.study_at, folder, on_done=opened, here=True)

    def _on_step(self, _event: object = None) -> None:
        t = self.frame()
        if t != self._frame:
            self._frame = t
            self.frame_changed.emit(t)

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

        Returns
        -------
        Task
            It starts when Qt comes round to it, so that nothing of it is missed by what is connected at once.
        """
        if self._closed:
            raise RuntimeError("The session is closed")

        def steps() -> Steps[Any]:
            return function(*args) if here else self._in_helper(task, quick, function, args)

        task = Task(steps, title)
        self._tasks.add(task)
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
        self.viewer.dims.events.current_step.disconnect(self._on_step)
        tasks = list(self._tasks)
        for task in tasks:
            task.drop()
        for task in self._waiting:
            task.over.set()
        self._waiting.clear()
        self.helper.close()
        self._quick.close()
        deadline = time.monotonic() + _CLOSE_S
        for task in tasks:
            task.over.wait(max(0.0, deadline - time.monotonic()))
        self.temporary.close()
