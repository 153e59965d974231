"""The dock of expert reviews: prepare, judge, report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtCore import QEvent, QObject, QSize, QTimer
from qtpy.QtWidgets import QApplication, QFrame, QScrollArea, QTabWidget, QVBoxLayout, QWidget

from napari_cellseg.ui.review_judge import JudgePanel
from napari_cellseg.ui.review_prepare import PreparePanel
from napari_cellseg.ui.review_report import ReportPanel
from napari_cellseg.ui.session import Session
from napari_cellseg.ui.step import Step
from napari_cellseg.ui.style import style_of

WIDTH_PX = 390
_JUDGE, _REPORT = 1, 2


class ReviewDock(QWidget):
    """Experts judge predictions, blind, and a report says how good they are.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        Given by napari.
    """

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__()
        self.setObjectName("cellseg-dock")
        self.session = Session(napari_viewer, self)
        self.prepare, self.judge = PreparePanel(self.session, self), JudgePanel(self.session, self)
        self.report = ReportPanel(self.session, self)
        self.tabs = QTabWidget(self)
        for number, panel in enumerate(self.panels, start=1):
            self.tabs.addTab(_area(panel), f"{number} {panel.title}")
        self._open = 0
        self._docked = self._closing = False
        column = QVBoxLayout(self)
        column.setContentsMargins(2, 2, 2, 2)
        column.addWidget(self.tabs)
        self.setMinimumWidth(320)
        self.tabs.currentChanged.connect(self._on_tab)
        self.prepare.prepared.connect(self._on_prepared)
        self._restyle()
        napari_viewer.events.theme.connect(self._restyle)
        QApplication.instance().aboutToQuit.connect(self.shut_down)

    @property
    def panels(self) -> tuple[Step, ...]:
        """The three panels, in order."""
        return self.prepare, self.judge, self.report

    def _on_tab(self, index: int) -> None:
        self.panels[self._open].closed()
        self._open = index
        if index == _JUDGE:
            self.judge.look()
        elif index == _REPORT:
            told = self.judge.reviews.currentData()
            self.report.use(Path(told) if told else None)

    def _on_prepared(self, review: Path) -> None:
        self.judge.offer(review)

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
            self.window().installEventFilter(self)
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
        """Bring the viewer back and end all work within two seconds; calling it again does nothing."""
        if self.session.is_closed:
            return
        for panel in self.panels:
            panel.shut_down()
        self.session.viewer.events.theme.disconnect(self._restyle)
        self.session.close()


def _area(panel: QWidget) -> QScrollArea:
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setWidget(panel)
    return area
