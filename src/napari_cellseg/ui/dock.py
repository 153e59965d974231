"""The window's dock: a slim header, and the five steps as a list with one open at a time."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QEvent, QObject, QSize, Qt, QTimer, Signal
from qtpy.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)
from superqt import QElidingLabel

from napari_cellseg.ui import work
from napari_cellseg.ui.closing import ClosingPanel
from napari_cellseg.ui.header import Header
from napari_cellseg.ui.step import Step
from napari_cellseg.ui.style import sign_of
from napari_cellseg.ui.task import message_of

STEPS = (
    ("Data", "napari_cellseg.ui.data_step", "DataStep"),
    ("Labels", "napari_cellseg.ui.labels_step", "LabelsStep"),
    ("Correct", "napari_cellseg.ui.correct_step", "CorrectStep"),
    ("Train", "napari_cellseg.ui.train_step", "TrainStep"),
    ("Count", "napari_cellseg.ui.count_step", "CountStep"),
)
"""Title, module and class of each step; imported in a thread, so that the dock is there at once."""

_LAZY_ARRAYS = "dask.array"
"""Takes longest to import of all that the first step needs, and is needed only where there is a picture."""

_WARM_UP_MS = 1000
_LEAST_WIDTH_PX = 380
"""Room for the widest step in napari's own font, so that the window does not jump when one is opened."""


class Row(QFrame):
    """The heading of one step: number, title, state, and one line of summary; a click opens the step.

    Parameters
    ----------
    number : int
        From 1.
    title : str
        Title of the step.
    """

    clicked = Signal()

    def __init__(self, number: int, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("cellseg-row")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(f"Step {number}: {title}")
        self.arrow = QLabel("▸", self)
        self.arrow.setFixedWidth(12)
        self.name = QLabel(f"<b>{number}  {title}</b>", self)
        self.name.setFixedWidth(84)
        self.sign = QLabel(self)
        self.sign.setFixedWidth(16)
        self.line = QElidingLabel("", self)
        self.line.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        row = QHBoxLayout(self)
        row.setContentsMargins(4, 5, 6, 5)
        row.setSpacing(4)
        for widget in (self.arrow, self.name, self.sign):
            row.addWidget(widget)
        row.addWidget(self.line, 1)
        self.show_summary("todo", "not yet")

    def show_summary(self, state: str, text: str) -> None:
        """Show the state of the step.

        Parameters
        ----------
        state : str
            See `Step.summarise`.
        text : str
            The line.
        """
        self.sign.setText(sign_of(state))
        self.line.setText(text)
        self.setToolTip(f"{text}\nClick to open or close this step")

    def set_open(self, open_: bool) -> None:
        """Show whether the step is open.

        Parameters
        ----------
        open_ : bool
            Whether it is.
        """
        self.arrow.setText("▾" if open_ else "▸")
        self.setProperty("open", open_)
        self.style().unpolish(self)
        self.style().polish(self)

    def mouseReleaseEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Open the step."""
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.pos()):
            self.clicked.emit()

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Open the step from the keyboard."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.clicked.emit()
        else:
            super().keyPressEvent(event)


class Area(QScrollArea):
    """Holds one step, which is scrolled up and down, and never cut at its sides."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVisible(False)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Ask for the width of the step and a scroll bar, whatever other docks would leave."""
        hint, step = super().minimumSizeHint(), self.widget()
        if step is not None:
            hint.setWidth(step.minimumSizeHint().width() + self.verticalScrollBar().sizeHint().width())
        return hint

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Ask anew when something in the step appears or becomes wider."""
        if event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return bool(super().eventFilter(watched, event))


class CellSegDock(ClosingPanel):
    """The whole job in one dock.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        Given by napari.
    """

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__(napari_viewer)
        self.header = Header(self.session, self)
        self.rows = [Row(i + 1, step[0], self) for i, step in enumerate(STEPS)]
        self._built: dict[int, Step] = {}
        self._open: int | None = None
        self._ready = QLabel("Getting ready …", self)
        self._ready.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column = QVBoxLayout(self)
        column.setContentsMargins(2, 2, 2, 2)
        column.setSpacing(2)
        column.addWidget(self.header)
        self._areas = []
        for i, row in enumerate(self.rows):
            area = Area(self)
            self._areas.append(area)
            column.addWidget(row)
            column.addWidget(area, 1)
            row.clicked.connect(lambda i=i: self.open(None if self._open == i else i))
        column.addWidget(self._ready, 1)
        self.setMinimumWidth(_LEAST_WIDTH_PX)
        self.session.step_wanted.connect(self.open_named)
        with_pictures = [_LAZY_ARRAYS] if len(napari_viewer.layers) else []
        self._import([*with_pictures, STEPS[0][1]], self._on_first)
        QTimer.singleShot(_WARM_UP_MS, self._warm_up)

    def _import(self, modules: list[str], then: Callable[[object], None]) -> None:
        failed = self._not_imported
        self.session.run(work.import_all, modules, on_done=then, on_failed=failed, here=True)

    def _on_first(self, _nothing: object) -> None:
        """Open the first step; the others take longer to be there."""
        if self._ready.text():  # nothing was opened yet
            self.open(0)
        modules = [_LAZY_ARRAYS, *(module for _title, module, _name in STEPS[1:])]
        self._import(modules, lambda _nothing: self._make_rest())

    def _make_rest(self) -> None:
        """Make the other steps one by one when there is nothing else to do."""
        left = [i for i in range(len(STEPS)) if i not in self._built]
        if left and not self.session.is_closed:
            self._make(left[0])
            QTimer.singleShot(0, self._make_rest)

    def _not_imported(self, error: BaseException) -> None:
        self._ready.setWordWrap(True)
        self._ready.setText(f"The panels could not be loaded. {message_of(error)}")
        self._ready.show()

    def _make(self, index: int) -> Step:
        """Make a step, unless it is there."""
        if index not in self._built:
            _title, module, name = STEPS[index]
            step: Step = getattr(importlib.import_module(module), name)(self.session)
            self._built[index] = step
            self._areas[index].setWidget(step)
            step.summary_changed.connect(self.rows[index].show_summary)
            self.rows[index].show_summary(*step.summary)
        return self._built[index]

    @property
    def has_opened(self) -> bool:
        """Whether there is a panel to work with."""
        return bool(self._built)

    @property
    def is_ready(self) -> bool:
        """Whether all panels are there."""
        return len(self._built) == len(STEPS)

    @property
    def steps(self) -> list[Step]:
        """The five steps, in order."""
        return [self._make(i) for i in range(len(STEPS))]

    def _warm_up(self) -> None:
        """Start the helper for previews, so that the first one does not wait for it."""
        if not self.session.is_closed:
            self.session.run(work.warm_up, quick=True)

    def open(self, index: int | None) -> None:
        """Open one step and close the others.

        Parameters
        ----------
        index : int or None
            From 0; None closes all.
        """
        if index == self._open:
            return
        if index is not None:
            self._make(index)
        was, self._open = self._open, index
        for i, (row, area) in enumerate(zip(self.rows, self._areas, strict=True)):
            row.set_open(i == index)
            area.setVisible(i == index)
        self._ready.setVisible(index is None)
        self._ready.setText("")
        if was is not None:
            self._make(was).closed()
        if index is not None:
            self._make(index).opened()

    def open_named(self, title: str) -> None:
        """Open the step of this title.

        Parameters
        ----------
        title : str
            For example ``"Data"``.
        """
        self.open(_index(title))

    def step(self, title: str) -> Step:
        """Find a step.

        Parameters
        ----------
        title : str
            For example ``"Data"``.

        Returns
        -------
        Step
            The step.
        """
        return self._make(_index(title))

    def end(self) -> None:
        """Let the steps end their work."""
        for step in self._built.values():
            step.shut_down()
        self.header.shut_down()


def _index(title: str) -> int:
    return next(i for i, step in enumerate(STEPS) if step[0] == title)
