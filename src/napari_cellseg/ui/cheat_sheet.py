"""All keys at a glance, grouped by what they are for; and the way to change them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_cellseg.ui.key_dialog import KeyDialog
from napari_cellseg.ui.keys import KEYS, KeySet

_NAPARI = (
    ("4", "Fill bucket"),
    ("L", "Pick a label"),
    ("[  ]", "Brush smaller, larger; or Alt and move the mouse"),
    ("B", "Keep other nuclei untouched while drawing"),
    ("←  →", "Frame before, frame after"),
    ("?", "This sheet"),
)
_KEY_PX, _TEXT_PX = 96, 300
_OPACITY = 0.94


class CheatSheet(QDialog):
    """All keys at a glance; it floats over the picture and stays open beside the work.

    ``keys_changed(KeySet)`` when the person chose other keys.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose keys must not be taken.
    keys : KeySet
        Which key does what.
    parent : QWidget, optional
        Its parent.
    """

    keys_changed = Signal(object)

    def __init__(self, viewer: Any, keys: KeySet, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Tool)
        self.setWindowTitle("Keys for correcting")
        self.setWindowOpacity(_OPACITY)
        self._viewer, self._keys = viewer, keys
        self._dialog: KeyDialog | None = None
        self.change = QPushButton("Change keys …", self)
        self.change.setToolTip("Choose other keys, or the set for the left-handed")
        self.change.clicked.connect(self.change_keys)
        row = QHBoxLayout()
        row.addWidget(QLabel("While nuclei (corrected) is the active layer. Buttons do the same.", self))
        row.addStretch(1)
        row.addWidget(self.change)
        self._column = QVBoxLayout(self)
        self._groups = _groups(keys)
        self._column.addWidget(self._groups)
        self._column.addLayout(row)

    def change_keys(self) -> None:
        """Open the dialog that changes keys."""
        if self._dialog is None:
            self._dialog = KeyDialog(self._viewer, self._keys, self)
            self._dialog.keys_changed.connect(self._changed)
        self._dialog.show()
        self._dialog.raise_()

    def _changed(self, keys: KeySet) -> None:
        self._keys = keys
        fresh = _groups(keys)
        self._column.replaceWidget(self._groups, fresh)
        self._groups.deleteLater()
        self._groups = fresh
        self.keys_changed.emit(keys)


def _rows(keys: KeySet) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Headings, with keys and what they do below each."""
    for heading, members in groupby(KEYS, lambda key: key.group):
        yield heading, [(keys.shown(key.name), key.text) for key in members]
    yield "napari's own", list(_NAPARI)


def _groups(keys: KeySet) -> QWidget:
    """Lay the groups out in two columns of nearly the same height."""
    box = QWidget()
    sides = QHBoxLayout(box)
    sides.setContentsMargins(0, 0, 0, 0)
    groups = list(_rows(keys))
    half = sum(len(rows) + 1 for _heading, rows in groups) / 2
    column, filled = _new_column(sides), 0
    for heading, rows in groups:
        if filled >= half and sides.count() < 2:
            column = _new_column(sides)
        column.addWidget(_sheet(heading, rows))
        filled += len(rows) + 1
    for index in range(sides.count()):
        sides.itemAt(index).layout().addStretch(1)
    return box


def _new_column(sides: QHBoxLayout) -> QVBoxLayout:
    column = QVBoxLayout()
    sides.addLayout(column)
    return column


def _sheet(title: str, rows: list[tuple[str, str]]) -> QWidget:
    box = QWidget()
    grid = QGridLayout(box)
    grid.setContentsMargins(4, 2, 4, 2)
    grid.setHorizontalSpacing(12)
    grid.setVerticalSpacing(2)
    grid.addWidget(QLabel(f"<b>{title}</b>"), 0, 0, 1, 2)
    for row, (key, text) in enumerate(rows, start=1):
        name, told = QLabel(f"<b>{key}</b>"), QLabel(text)
        name.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
        told.setWordWrap(True)
        told.setMinimumWidth(_TEXT_PX)
        grid.addWidget(name, row, 0)
        grid.addWidget(told, row, 1)
    grid.setColumnMinimumWidth(0, _KEY_PX)
    grid.setColumnStretch(1, 1)
    return box
