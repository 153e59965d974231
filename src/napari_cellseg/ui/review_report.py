"""The report of a review in the window: the scores as a table, and the page."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from qtpy.QtCore import Qt, QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from napari_cellseg.live import reviewing
from napari_cellseg.ui.step import Step

if TYPE_CHECKING:
    from napari_cellseg.evaluate.review.report import ReviewReport
    from napari_cellseg.ui.session import Session

_HEADS = {"precision": "Precision", "recall": "Recall", "dice": "Dice", "iou": "IoU"}
_MOST_ROWS = 10
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class ReportPanel(Step):
    """Works the report out and shows the most of it.

    Parameters
    ----------
    session : Session
        What the panels share.
    parent : QWidget, optional
        Qt's owner.
    """

    title: ClassVar[str] = "Report"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self.review: Path | None = None
        self.result: ReviewReport | None = None
        self.which = QLabel("Choose a review under Judge.", self)
        self.which.setWordWrap(True)
        self.table = QTableWidget(0, 0, self)
        self.table.setAccessibleName("Scores of the review")
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.verticalHeader().hide()
        self.said = QLabel(self)
        self.said.setWordWrap(True)
        self.said.setTextFormat(Qt.TextFormat.PlainText)
        self.page = QPushButton("Open the page", self)
        self.page.setToolTip("Everything in one file, to be read, printed or sent")
        self.page.clicked.connect(lambda _on: self._open())
        self.body.addWidget(self.which)
        for widget in (self.table, self.said, self.page):
            self.below.addWidget(widget)
            widget.hide()
        self.below.addStretch(1)
        self.set_primary("Make the report", "Count what the experts said, and compare", self.make)
        self.primary.setEnabled(False)

    def use(self, review: Path | None) -> None:
        """Choose the review to report on.

        Parameters
        ----------
        review : Path or None
            Its folder.
        """
        if review == self.review:
            return
        self.review, self.result = review, None
        self.which.setText(f"Review: {review.name}" if review else "Choose a review under Judge.")
        self.primary.setEnabled(review is not None)
        self.message.clear()
        for widget in (self.table, self.said, self.page):
            widget.hide()

    def make(self) -> None:
        """Work the report out."""
        if self.review is not None:
            task = self.session.run(
                reviewing.report, self.review, on_done=self._show, title="Report of the review"
            )
            self.follow(task, "Cancel", "Stop; the report can be made again")

    def _show(self, result: ReviewReport) -> None:
        self.result = result
        total = result.scores[result.scores["scope"] == "total"]
        names = list(dict.fromkeys(total["score"]))
        self.table.setColumnCount(2 + len(names))
        self.table.setHorizontalHeaderLabels(["Expert", "Labels", *(_HEADS[name] for name in names)])
        whose = list(total[["expert", "model"]].drop_duplicates().itertuples(index=False))
        self.table.setRowCount(len(whose))
        for row, (expert, model) in enumerate(whose):
            part = total[(total["expert"] == expert) & (total["model"] == model)]
            for column, text in enumerate((expert, model)):
                item = QTableWidgetItem(str(text))
                item.setToolTip(str(text))
                self.table.setItem(row, column, item)
            for column, record in enumerate(part.to_dict("records"), start=2):
                self.table.setItem(row, column, _cell(record["value"], record["low"], record["high"]))
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        rows = min(len(whose), _MOST_ROWS) * self.table.verticalHeader().defaultSectionSize()
        self.table.setFixedHeight(header.sizeHint().height() + rows + 4)
        self.said.setText("\n".join(_sentences(result)))
        for widget in (self.table, self.said, self.page):
            widget.show()
        self.message.tell(f"Tables and page are in {result.folder}", "info")

    def _open(self) -> None:
        if self.result is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.result.page)))


def _cell(value: float, low: float, high: float) -> QTableWidgetItem:
    known = not math.isnan(value)
    item = QTableWidgetItem(f"{value:.2f}" if known else "–")
    item.setTextAlignment(_RIGHT)
    if not math.isnan(low):
        item.setToolTip(f"95 % interval: {low:.3f} to {high:.3f}")
    return item


def _sentences(result: ReviewReport) -> list[str]:
    """Say how far the experts are, and how far they agree."""
    n = len(result.plan.items)
    said = [f"{who}: {done} of {n} items judged" for who, done in result.n_done.items()]
    for row in result.agreement.to_dict("records"):
        value = row["kappa"]
        kappa = f"{value:.2f}" if not math.isnan(value) else f"not defined, {row['note'].partition(':')[0]}"
        said.append(f"{row['expert']} and {row['other_expert']}: Cohen's kappa {kappa}")
    return said
