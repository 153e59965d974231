"""The window's dock: a slim header, and the five steps as a list with one open at a time."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QEvent, QObject, QSize, Qt, QTimer, Signal
from qtpy.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)
from superqt import QElidingLabel

from napari_cellseg.ui.correct_step import CorrectStep
from napari_cellseg.ui.count_step import CountStep
from napari_cellseg.ui.data_step import DataStep
from napari_cellseg.ui.header import Header
from napari_cellseg.ui.labels_step import LabelsStep
from napari_cellseg.ui.session import Session
from napari_cellseg.ui.step import Step
from napari_cellseg.ui.style import sign_of, style_of
from napari_cellseg.ui.train_step import TrainStep

STEPS: tuple[type[Step], ...] = (DataStep, LabelsStep, CorrectStep, TrainStep, CountStep)
WIDTH_PX = 390


class Row(QFrame):
    """The heading of one step: number, title, state, and one line of summary; a click opens the step.

    Parameters
    ----------
    number : int
        From 1.
    step : Step
        The step.
    """

    clicked = Signal()

    def __init__(self, number: int, step: Step, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("cellseg-row")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(f"Step {number}: {step.title}")
        self.arrow = QLabel("▸", self)
        self.arrow.setFixedWidth(12)
        self.name = QLabel(f"<b>{number}  {step.title}</b>", self)
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
        step.summary_changed.connect(self.show_summary)
        self.show_summary(*step.summary)

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


class CellSegDock(QWidget):
    """The whole job in one dock.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        Given by napari.
    """

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__()
        self.setObjectName("cellseg-dock")
        self.session = Session(napari_viewer, self)
        self.header = Header(self.session, self)
        self.steps: list[Step] = [kind(self.session) for kind in STEPS]
        self.rows = [Row(i + 1, step, self) for i, step in enumerate(self.steps)]
        self._areas = [_scrolled(step, self) for step in self.steps]
        self._open: int | None = None
        self._docked = self._closing = False
        column = QVBoxLayout(self)
        column.setContentsMargins(2, 2, 2, 2)
        column.setSpacing(2)
        column.addWidget(self.header)
        for i, (row, area) in enumerate(zip(self.rows, self._areas, strict=True)):
            column.addWidget(row)
            column.addWidget(area, 1)
            row.clicked.connect(lambda i=i: self.open(None if self._open == i else i))
        self._rest = QWidget(self)
        column.addWidget(self._rest, 1)
        self.setMinimumWidth(320)
        self.session.step_wanted.connect(self.open_named)
        self._restyle()
        napari_viewer.events.theme.connect(self._restyle)
        QApplication.instance().aboutToQuit.connect(self.shut_down)
        self.open(0)

    def open(self, index: int | None) -> None:
        """Open one step and close the others.

        Parameters
        ----------
        index : int or None
            From 0; None closes all.
        """
        if index == self._open:
            return
        was, self._open = self._open, index
        for i, (row, area) in enumerate(zip(self.rows, self._areas, strict=True)):
            row.set_open(i == index)
            area.setVisible(i == index)
        self._rest.setVisible(index is None)
        if was is not None:
            self.steps[was].closed()
        if index is not None:
            self.steps[index].opened()

    def open_named(self, title: str) -> None:
        """Open the step of this title.

        Parameters
        ----------
        title : str
            For example ``"Data"``.
        """
        self.open(next(i for i, step in enumerate(self.steps) if step.title == title))

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
        return next(step for step in self.steps if step.title == title)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Say the size that suits the dock."""
        return QSize(WIDTH_PX, 600)

    def _restyle(self, _event: object = None) -> None:
        self.setStyleSheet(style_of(self.session.viewer.theme))

    def event(self, event: QEvent) -> bool:
        """Notice being taken out of the window: napari does that when the person closes the panel."""
        if event.type() == QEvent.Type.ParentChange:
            if self.parent() is not None:
                self._docked = True
            elif self._docked:
                self.shut_down()
                self.deleteLater()
        elif event.type() == QEvent.Type.Show and self.window() is not self:
            self.window().installEventFilter(self)  # again and again does no harm: Qt keeps one
        return bool(super().event(event))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: ARG002, N802 - Qt's
        """Notice the window closing: it is told to close, and hides unless it refuses; then it is deleted."""
        if event.type() == QEvent.Type.Close:
            self._closing = True
            QTimer.singleShot(0, self._not_closing)
        elif event.type() == QEvent.Type.Hide and self._closing:
            self.shut_down()
        return False

    def _not_closing(self) -> None:
        self._closing = False

    def closeEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """End all work when the dock is closed as a window of its own."""
        self.shut_down()
        super().closeEvent(event)

    def shut_down(self) -> None:
        """End all work within two seconds; calling it again does nothing."""
        if self.session.is_closed:
            return
        for step in self.steps:
            step.shut_down()
        self.header.shut_down()
        self.session.viewer.events.theme.disconnect(self._restyle)
        self.session.close()


def _scrolled(step: Step, parent: QWidget) -> QScrollArea:
    area = QScrollArea(parent)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(step)
    area.setVisible(False)
    return area
