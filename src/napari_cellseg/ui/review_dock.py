"""The dock of expert reviews: prepare, judge, report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QFrame, QScrollArea, QTabWidget, QVBoxLayout, QWidget

from napari_cellseg.ui.closing import ClosingPanel
from napari_cellseg.ui.review_judge import JudgePanel
from napari_cellseg.ui.review_prepare import PreparePanel
from napari_cellseg.ui.review_report import ReportPanel
from napari_cellseg.ui.step import Step

_JUDGE, _REPORT = 1, 2


class ReviewDock(ClosingPanel):
    """Experts judge predictions, blind, and a report says how good they are.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        Given by napari.
    """

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__(napari_viewer)
        self.prepare, self.judge = PreparePanel(self.session, self), JudgePanel(self.session, self)
        self.report = ReportPanel(self.session, self)
        self.tabs = QTabWidget(self)
        for number, panel in enumerate(self.panels, start=1):
            self.tabs.addTab(_area(panel), f"{number} {panel.title}")
        self._open = 0
        column = QVBoxLayout(self)
        column.setContentsMargins(2, 2, 2, 2)
        column.addWidget(self.tabs)
        self.setMinimumWidth(320)
        self.tabs.currentChanged.connect(self._on_tab)
        self.prepare.prepared.connect(self._on_prepared)

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

    def end(self) -> None:
        """Bring the viewer back, and let the panels end their work."""
        for panel in self.panels:
            panel.shut_down()


def _area(panel: QWidget) -> QScrollArea:
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setWidget(panel)
    return area
