"""What the panels of the five steps have in common: primary button, options, message, progress row."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Literal

from qtpy.compat import isalive
from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QIcon
from qtpy.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)
from superqt import QCollapsible

from napari_cellseg.progress import Event, Progress, duration
from napari_cellseg.ui.calm import Calm
from napari_cellseg.ui.task import Task, message_of

if TYPE_CHECKING:
    from napari_cellseg.ui.session import Session

State = Literal["todo", "done", "attention", "running"]
Kind = Literal["info", "warning", "error"]
_STOP_TIP = "Stop; what was done so far is kept where that makes sense"
_NEXT_TIP = "What you can do about it"
_SIGN = {"info": "ℹ", "warning": "⚠", "error": "✖"}


def time_left(seconds: float | None) -> str:
    """Say how long work will still take.

    Parameters
    ----------
    seconds : float or None
        Seconds left; None when not known.

    Returns
    -------
    str
        For example ``"1 min 40 s left"``; empty when not known.
    """
    return "" if seconds is None else f"{duration(max(1.0, seconds))} left"


class Message(QFrame):
    """A sentence where the eye is, with a button for the next step when there is one."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sign = QLabel(self)
        self._sign.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.label = QLabel(self)
        self.label.setWordWrap(True)
        self.label.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        self.setObjectName("cellseg-message")
        self.button = QPushButton(self)
        self.button.setToolTip(_NEXT_TIP)
        self._on_click: Callable[[], object] | None = None
        self.button.clicked.connect(self._clicked)
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._sign)
        row.addWidget(self.label, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 4, 4, 4)
        column.addLayout(row)
        column.addWidget(self.button, 0, Qt.AlignmentFlag.AlignLeft)
        self.hide()

    def tell(
        self, text: str, kind: Kind = "info", button: str = "", on_click: Callable[[], object] | None = None
    ) -> None:
        """Show a sentence.

        Parameters
        ----------
        text : str
            The sentence; empty hides the message.
        kind : {"info", "warning", "error"}
            What sign goes before it.
        button : str
            Text of the button; empty for none.
        on_click : callable, optional
            What the button does.
        """
        self._sign.setText(_SIGN[kind])
        self.setProperty("kind", kind)
        self.style().unpolish(self)
        self.style().polish(self)
        self.label.setText(text)
        self.button.setText(button)
        self.button.setToolTip(button or _NEXT_TIP)
        self.button.setVisible(bool(button))
        self._on_click = on_click
        self.setVisible(bool(text))

    def clear(self) -> None:
        """Hide the message."""
        self.tell("")

    @property
    def text(self) -> str:
        """The sentence shown; empty when hidden."""
        return str(self.label.text())

    def _clicked(self) -> None:
        if self._on_click is not None:
            self._on_click()


class ProgressRow(QWidget):
    """A bar, what is done, the time left, and Stop; bound to one task at a time."""

    over = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._task: Task | None = None
        self._calm = Calm(self._show, self)
        self.bar = QProgressBar(self)
        self.bar.setTextVisible(False)
        self.text = QLabel(self)
        self.stop = QPushButton("Stop", self)
        self.stop.setToolTip(_STOP_TIP)
        self.stop.clicked.connect(self._stop)
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.bar, 1)
        row.addWidget(self.stop)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(row)
        column.addWidget(self.text)
        self.hide()

    @property
    def task(self) -> Task | None:
        """The task that is followed; None when none is at work."""
        return self._task

    def follow(self, task: Task, stop_text: str = "Stop", stop_tip: str = "") -> None:
        """Show a task until it is over.

        Parameters
        ----------
        task : Task
            The task; started or about to be.
        stop_text : str
            What the stop button says.
        stop_tip : str
            What happens to the work done so far.
        """
        self._task = task
        self.bar.setRange(0, 0)
        self.text.setText("Starting …")
        self.stop.setText(stop_text)
        self.stop.setToolTip(stop_tip or _STOP_TIP)
        self.stop.setEnabled(True)
        task.listen(event=self._on_event)
        task.finished.connect(lambda: self._on_over(task))
        self.show()

    def _on_event(self, event: Event) -> None:
        if isinstance(event, Progress):
            self._calm.put(event)

    def _show(self, at: Progress) -> None:
        self.bar.setRange(0, at.total)
        self.bar.setValue(at.done)
        count = f"{at.done} of {at.total}" if at.total else f"{at.done}"
        parts = [f"{count} {at.what}", time_left(at.seconds_left)]
        if not (self._task is not None and self._task.stopping):
            self.text.setText(" · ".join(part for part in parts if part))

    def _stop(self) -> None:
        if self._task is not None:
            self._task.stop()
            self.stop.setEnabled(False)
            self.text.setText("Stopping …")

    def _on_over(self, task: Task) -> None:
        if self._task is task and isalive(self):  # the window may have closed meanwhile
            self._task = None
            self._calm.forget()
            self.hide()
            self.over.emit()


class Step(QWidget):
    """The panel of one step.

    Subclasses set `title`, fill `body` and call `summarise`, which emits ``summary_changed(state, text)``
    with the state one of ``"todo"``, ``"done"``, ``"attention"`` and ``"running"``. From top to bottom: what
    is in `body`, the primary button, the progress row, the message, what is in `below`.

    Parameters
    ----------
    session : Session
        What the steps share.
    parent : QWidget, optional
        Qt's owner.
    """

    title: ClassVar[str] = ""
    summary_changed = Signal(str, str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.summary: tuple[str, str] = ("todo", "not yet")
        self.body = QVBoxLayout()
        self.primary = QPushButton(self)
        self.primary.setObjectName("cellseg-primary")
        self.primary.hide()
        self._options: QCollapsible | None = None
        self.progress = ProgressRow(self)
        self.message = Message(self)
        self.below = QVBoxLayout()
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 4, 6, 8)
        column.setSpacing(6)
        for layout in (self.body, self.below):
            layout.setSpacing(6)
        column.addLayout(self.body)
        for widget in (self.primary, self.progress, self.message):
            column.addWidget(widget)
        column.addLayout(self.below, 1)
        column.addStretch(0)  # takes what is left over where `below` is empty
        self.progress.over.connect(self._on_over)

    def set_primary(self, text: str, tooltip: str, on_click: Callable[[], object]) -> None:
        """Give the step its one primary button.

        Parameters
        ----------
        text : str
            What it says.
        tooltip : str
            What it does, in a sentence.
        on_click : callable
            What to call.
        """
        self.primary.setText(text)
        self.primary.setToolTip(tooltip)
        self.primary.clicked.connect(lambda _checked: on_click())
        self.primary.show()

    def add_option(self, widget: QWidget) -> None:
        """Put a widget under the folded "Options".

        Parameters
        ----------
        widget : QWidget
            For example a form.
        """
        if self._options is None:
            self._options = folded("Options", self)
            self.body.addWidget(self._options)
        self._options.addWidget(widget)

    def follow(self, task: Task, stop_text: str = "Stop", stop_tip: str = "") -> None:
        """Show a task in the progress row; the primary button waits until it is over.

        Parameters
        ----------
        task : Task
            The task.
        stop_text : str
            What the stop button says.
        stop_tip : str
            What happens to the work done so far.
        """
        self.primary.setEnabled(False)
        self.message.clear()
        task.listen(failed=self.show_error)
        self.progress.follow(task, stop_text, stop_tip)

    def show_error(self, error: BaseException) -> None:
        """Show what went wrong, in the message.

        Parameters
        ----------
        error : BaseException
            The error.
        """
        self.message.tell(message_of(error), "error")

    def summarise(self, state: State, text: str) -> None:
        """Tell the dock the one line that a closed step shows.

        Parameters
        ----------
        state : {"todo", "done", "attention", "running"}
            Chooses the icon.
        text : str
            The line.
        """
        self.summary = (state, text)
        self.summary_changed.emit(state, text)

    def opened(self) -> None:
        """Hear that the step was opened; subclasses start here what only matters while it is seen."""

    def closed(self) -> None:
        """Hear that another step was opened; work goes on, but previews and mouse tools end here."""

    def shut_down(self) -> None:
        """Hear that the window closes: disconnect from the viewer."""

    def _on_over(self) -> None:
        self.primary.setEnabled(True)


def folded(title: str, parent: QWidget | None = None, open_: bool = False) -> QCollapsible:
    """Make a section that folds.

    Parameters
    ----------
    title : str
        Its heading.
    parent : QWidget, optional
        Qt's owner.
    open_ : bool
        Whether it starts unfolded.

    Returns
    -------
    QCollapsible
        Add widgets with ``addWidget``.
    """
    section = QCollapsible(f"▸  {title}", parent, expandedIcon=QIcon(), collapsedIcon=QIcon())
    section.toggled.connect(lambda on: section.setText(f"{'▾' if on else '▸'}  {title}"))
    section.setDuration(0)
    section.layout().setContentsMargins(0, 0, 0, 0)
    section.layout().setSpacing(4)
    section.toggleButton().setToolTip(f"Show or hide: {title.lower()}")
    if open_:
        section.expand(animate=False)
    return section
