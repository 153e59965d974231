"""What tools do, one after the other in the order of the clicks; what is slow away from the window."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal

from napari_cellseg.errors import CellSegError, InputError
from napari_cellseg.progress import Steps

if TYPE_CHECKING:
    from napari_cellseg.label.edit import Edit
    from napari_cellseg.ui.session import Session
    from napari_cellseg.ui.task import Task


@dataclass(frozen=True)
class Job:
    """Something to be done.

    Attributes
    ----------
    make : callable
        Makes the edits; changes nothing itself.
    done : callable
        Called with them in the window's thread, unless making them failed.
    slow : bool
        Whether they are made in a thread of their own.
    """

    make: Callable[[], list[Edit]]
    done: Callable[[list[Edit]], object]
    slow: bool = False


def made(make: Callable[[], list[Edit]]) -> Steps[list[Edit] | CellSegError]:
    """Make edits, as a task does.

    Parameters
    ----------
    make : callable
        See `Job`.

    Yields
    ------
    Event
        None at all; the work is short.

    Returns
    -------
    list of Edit or CellSegError
        What it made, or why it could not: a click beside a nucleus is nothing for the log.
    """
    yield from ()
    try:
        return make()
    except CellSegError as error:
        return error


class Jobs(QObject):
    """Does jobs one after the other, so that each finds the labels as the one before left them.

    ``failed(error)`` when a job could not be done; the next one is done all the same.

    Parameters
    ----------
    session : Session
        Runs the slow ones.
    parent : QObject, optional
        Qt's owner.
    """

    failed = Signal(object)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._waiting: deque[Job] = deque()
        self._task: Task | None = None

    @property
    def busy(self) -> bool:
        """Whether a slow job is being done."""
        return self._task is not None

    def add(self, job: Job) -> None:
        """Do a job, at once when no other is being done.

        Parameters
        ----------
        job : Job
            What to do.
        """
        self._waiting.append(job)
        self._go_on()

    def close(self) -> None:
        """Forget all that is not done."""
        self._waiting.clear()
        task, self._task = self._task, None
        if task is not None:
            task.drop()

    def _go_on(self) -> None:
        while self._waiting and self._task is None:
            job = self._waiting.popleft()
            if job.slow:
                self._start(job)
            else:
                self._do(job)

    def _do(self, job: Job) -> None:
        try:
            edits = job.make()
        except CellSegError as error:
            self.failed.emit(error)
        else:
            self._finish(job, edits)

    def _start(self, job: Job) -> None:
        self._task = self._session.run(
            made,
            job.make,
            on_done=lambda answer: self._came(job, answer),
            on_failed=self._broke,
            here=True,
        )

    def _came(self, job: Job, answer: list[Edit] | CellSegError) -> None:
        if self._task is None:
            return
        self._task = None
        if isinstance(answer, CellSegError):
            self.failed.emit(answer)
        else:
            self._finish(job, answer)
        self._go_on()

    def _broke(self, error: BaseException) -> None:
        if self._task is not None:
            self._task = None
            self.failed.emit(error)
            self._go_on()

    def _finish(self, job: Job, edits: list[Edit]) -> None:
        try:
            job.done(edits)
        except InputError as error:
            self.failed.emit(error)


def changed_meanwhile() -> InputError:
    """Say that the labels are no longer what an edit was made for.

    Returns
    -------
    InputError
        To be raised by `Job.done`.
    """
    return InputError(
        "The labels changed here while the tool was looking at the picture",
        "Nothing was done",
        "Do it again",
    )
