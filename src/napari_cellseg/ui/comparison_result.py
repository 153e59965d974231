"""What a comparison of models shows: a table with the best in bold, and pictures of the worst frame."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QPixmap
from qtpy.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QScrollArea,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_cellseg.evaluate.pictures import FOUND, INVENTED, MISSED
from napari_cellseg.ui.model_cards import pixmap_of

if TYPE_CHECKING:
    import pandas as pd

    from napari_cellseg.evaluate.pictures import Pen
    from napari_cellseg.live.comparing import Comparison
    from napari_cellseg.live.panels import Panel

COLUMNS = (
    (
        "ap50",
        "AP 0.5",
        "Of all objects, true or only seen by the model, the part that was found: at least half of what both "
        "outlines cover is shared. 1 is perfect.",
    ),
    ("ap75", "AP 0.75", "The same, but three quarters have to be shared: it asks for good outlines"),
    ("f1", "F1", "Balance of objects found and objects not invented; 1 is perfect"),
    ("count_error", "Count error", "How far the number of objects is off, over all frames; 0 % is perfect"),
)
"""Column, heading and meaning of what the table shows; the file has more."""

PICTURE_PX = 288
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_STYLES = {FOUND.name: "solid", MISSED.name: "dashed", INVENTED.name: "dotted"}


class ScoreTable(QTableWidget):
    """One row per model, the best figure of each column in bold.

    Parameters
    ----------
    parent : QWidget, optional
        Its parent.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, 1 + len(COLUMNS), parent)
        self.setAccessibleName("Scores of the models")
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(24)
        for column, heading in enumerate(("Model", *(heading for _, heading, _ in COLUMNS))):
            item = QTableWidgetItem(heading)
            item.setToolTip("The best one comes first" if column == 0 else COLUMNS[column - 1][2])
            self.setHorizontalHeaderItem(column, item)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setHighlightSections(False)

    def show_scores(self, table: pd.DataFrame) -> None:
        """Show the figures.

        Parameters
        ----------
        table : pandas.DataFrame
            See `Comparison`.
        """
        self.setRowCount(len(table))
        rows = zip(table["model"].astype(str), table["trained_on"].astype(str), strict=True)
        for row, (name, learned) in enumerate(rows):
            item = QTableWidgetItem(name)
            item.setToolTip(f"{name}\nIt has learned from {learned}." if learned else name)
            self.setItem(row, 0, item)
        for column, (key, _, _) in enumerate(COLUMNS, start=1):
            told = [figure(key, value) for value in table[key]]
            known = [value for value in table[key] if not math.isnan(value)]
            best = (min if key == "count_error" else max)(known) if known else math.nan
            for row, text in enumerate(told):
                item = QTableWidgetItem(text)
                item.setTextAlignment(_RIGHT)
                font = item.font()
                font.setBold(text == figure(key, best) and bool(known))
                item.setFont(font)
                self.setItem(row, column, item)
        self.setFixedHeight(self.horizontalHeader().sizeHint().height() + 24 * len(table) + 4)


def figure(key: str, value: float) -> str:
    """Write a score with the digits that mean something.

    Parameters
    ----------
    key : str
        Name of the column.
    value : float
        The score; NaN when there is nothing to score.

    Returns
    -------
    str
        Two decimals; errors in per cent.
    """
    if math.isnan(value):
        return "–"
    return f"{100 * value:.0f} %" if key == "count_error" else f"{value:.2f}"


class PictureStrip(QWidget):
    """The worst frame: its truth, and what each model found.

    Parameters
    ----------
    parent : QWidget, optional
        Its parent.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._panels: tuple[Panel, ...] = ()
        self._pictures: list[QLabel] = []
        self.heading = QLabel(self)
        self.whole = QCheckBox("Whole frame", self)
        self.whole.setToolTip("Otherwise the part of the frame is shown where most is wrong")
        self.whole.toggled.connect(lambda _on: self._draw())
        self._legend = QLabel(_legend(), self)
        self._legend.setToolTip(
            "Thin white lines are the true outlines of objects that were found; "
            "hatched regions were marked to be ignored"
        )
        inner = QWidget(self)
        self._grid = QGridLayout(inner)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(8)
        self._grid.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        area = QScrollArea(self)
        area.setWidget(inner)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setMinimumWidth(2 * PICTURE_PX + 8 + 22)
        row = QHBoxLayout()
        row.addWidget(self.heading, 1)
        row.addWidget(self.whole)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row)
        column.addWidget(self._legend)
        column.addWidget(area, 1)

    @property
    def pictures(self) -> list[QLabel]:
        """What is shown now, one picture per panel."""
        return self._pictures

    def show_comparison(self, comparison: Comparison) -> None:
        """Show the pictures of a comparison in place of those before.

        Parameters
        ----------
        comparison : Comparison
            The comparison.
        """
        while self._grid.count():
            old = self._grid.takeAt(0).widget()
            old.hide()
            old.deleteLater()
        n = len(comparison.frames)
        which = f"the worst of {n} frames" if n > 1 else "the only frame"
        self.heading.setText(f"<b>Frame {comparison.frame}</b>, {which}")
        self._panels, self._pictures = comparison.panels, []
        small = all(np.array_equal(panel.detail, panel.whole) for panel in self._panels)
        self.whole.setHidden(small)  # all of it is shown already
        for number, panel in enumerate(self._panels):
            self._grid.addWidget(self._cell(panel), number // 2, number % 2)
        self._draw()

    def _cell(self, panel: Panel) -> QWidget:
        cell = QWidget(self)
        heading = QLabel(cell)
        heading.setText(heading.fontMetrics().elidedText(panel.heading, Qt.TextElideMode.ElideMiddle, 280))
        heading.setTextFormat(Qt.TextFormat.PlainText)
        heading.setToolTip(panel.heading)
        picture = QLabel(cell)
        picture.setFixedSize(QSize(PICTURE_PX, PICTURE_PX))
        picture.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        picture.setAccessibleName(f"{panel.heading}: {panel.caption}")
        self._pictures.append(picture)
        column = QVBoxLayout(cell)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        for widget in (heading, picture, QLabel(panel.caption, cell)):
            column.addWidget(widget)
        return cell

    def _draw(self) -> None:
        ratio = self.devicePixelRatioF()
        for picture, panel in zip(self._pictures, self._panels, strict=True):
            pixmap: QPixmap = pixmap_of(panel.whole if self.whole.isChecked() else panel.detail)
            side = round(PICTURE_PX * ratio)
            pixmap = pixmap.scaled(
                side, side, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
            )
            pixmap.setDevicePixelRatio(ratio)
            picture.setPixmap(pixmap)


def _legend() -> str:
    """Say what the outlines mean; the colours are those of all pictures of this program."""
    return (
        " &nbsp; ".join(_named(pen) for pen in (FOUND, MISSED, INVENTED))
        + " &nbsp; white: truth &nbsp; hatched: not scored"
    )


def _named(pen: Pen) -> str:
    colour = "#{:02x}{:02x}{:02x}".format(*pen.colour)
    line = {"solid": "━━━", "dashed": "━ ━", "dotted": "┅┅┅"}[_STYLES[pen.name]]
    return f'<span style="color:{colour}">{line}</span> {pen.name}'
