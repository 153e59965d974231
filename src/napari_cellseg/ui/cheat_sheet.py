"""All keys at a glance, grouped by what they are for; and the way to change them."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from textwrap import wrap
from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QHideEvent
from qtpy.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_cellseg.ui.key_dialog import KeyDialog
from napari_cellseg.ui.keys import NAPARI_KEYS, KeySet, grouped

_KEY_PX, _LINE = 100, 52
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
        self.told = QLabel("While nuclei (corrected) is the active layer. Buttons do the same.", self)
        row.addWidget(self.told)
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

    def hideEvent(self, event: QHideEvent | None) -> None:  # noqa: N802 - Qt's name
        """Close the dialog with the sheet.

        Parameters
        ----------
        event : QHideEvent
            What happened.
        """
        if self._dialog is not None:
            self._dialog.close()
        super().hideEvent(event)

    def _changed(self, keys: KeySet) -> None:
        self._keys = keys
        fresh = _groups(keys)
        self._column.replaceWidget(self._groups, fresh)
        self._groups.deleteLater()
        self._groups = fresh
        self.keys_changed.emit(keys)


def _groups(keys: KeySet) -> QWidget:
    """Lay the groups out in two columns of nearly the same height."""
    groups = [
        (heading, [(keys.shown(key.name), key.text) for key in members])
        for heading, members in grouped().items()
    ]
    groups.append(("napari's own", list(NAPARI_KEYS)))
    lines = [1 + sum(1 + len(text) // _LINE for _key, text in rows) for _heading, rows in groups]
    first = 1
    while first < len(groups) - 1 and sum(lines[: first + 1]) <= sum(lines) / 2 + 1:
        first += 1
    box = QWidget()
    sides = QHBoxLayout(box)
    sides.setContentsMargins(0, 0, 0, 0)
    sides.setSpacing(24)
    for part in (groups[:first], groups[first:]):
        column = QLabel("".join(_table(heading, rows) for heading, rows in part))
        column.setTextFormat(Qt.TextFormat.RichText)
        column.setAlignment(Qt.AlignmentFlag.AlignTop)
        sides.addWidget(column)
    return box


def _table(heading: str, rows: Sequence[tuple[str, str]]) -> str:
    """Write one group as rich text, its lines broken: Qt does not know how high it is when it breaks them."""
    cells = "".join(
        f'<tr><td width="{_KEY_PX}" align="right"><b>{escape(key)}</b>&nbsp;&nbsp;</td>'
        f"<td>{'<br>'.join(wrap(escape(text), _LINE))}</td></tr>"
        for key, text in rows
    )
    return f'<p style="margin:8px 0 2px 0"><b><u>{escape(heading)}</u></b></p><table>{cells}</table>'
