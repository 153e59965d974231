"""Choose other keys: pick an action, press the new key."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QEvent, Qt, Signal
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_cellseg.errors import CellSegError
from napari_cellseg.ui.key_conflicts import conflict, conflicts, key_pressed, menu_keys, napari_keys
from napari_cellseg.ui.key_file import save_keys
from napari_cellseg.ui.keys import FIXED, KEYS, LEFT_HANDED, KeySet, key_of, shown

_ASK = "Choose an action, then press its new key."
_SIZE = (420, 560)


class KeyField(QLineEdit):
    """A field that takes one key, with its modifiers, in place of text.

    ``chosen(str)`` names the key as napari writes it.

    Parameters
    ----------
    parent : QWidget, optional
        Its parent.
    """

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setReadOnly(True)
        self.setPlaceholderText("click here and press the new key")

    def event(self, event: QEvent) -> bool:
        """Take every key, also Tab and those of menus.

        Parameters
        ----------
        event : QEvent
            Of any kind.

        Returns
        -------
        bool
            Whether it was taken.
        """
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            key = key_pressed(event)
            if key:
                self.setText(shown(key))
                self.chosen.emit(key)
            return True
        return bool(super().event(event))


class KeyDialog(QDialog):
    """The table of actions and their keys; what is chosen is kept at once.

    ``keys_changed(KeySet)`` after every change.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose keys must not be taken.
    keys : KeySet
        Which key does what now.
    parent : QWidget, optional
        Its parent.
    """

    keys_changed = Signal(object)

    def __init__(self, viewer: Any, keys: KeySet, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Change keys")
        self._viewer, self.keys = viewer, keys
        self._names = [key.name for key in KEYS if key.name not in FIXED]
        self.table = QTableWidget(len(self._names), 2, self)
        self.table.setHorizontalHeaderLabels(["Action", "Key"])
        self.table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.table.verticalHeader().hide()
        self.table.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QTableWidget.SelectionMode.SingleSelection)
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.itemSelectionChanged.connect(self._picked)
        self.field = KeyField(self)
        self.field.chosen.connect(self._chosen)
        self.told = QLabel(_ASK, self)
        self.told.setWordWrap(True)
        self.left_handed = QPushButton("Left-handed set", self)
        self.left_handed.setToolTip("All keys on the right side of the keyboard: the left hand has the mouse")
        self.left_handed.clicked.connect(lambda: self._take_set(KeySet(LEFT_HANDED), "The left-handed set"))
        self.defaults = QPushButton("Defaults", self)
        self.defaults.setToolTip("All keys as they were at first")
        self.defaults.clicked.connect(lambda: self._take_set(KeySet(), "The usual set"))
        close = QPushButton("Close", self)
        close.clicked.connect(self.close)
        for button in (self.left_handed, self.defaults, close):
            button.setAutoDefault(False)  # Enter is a key like others here
        self._lay_out(close)
        self._show_keys()

    def _lay_out(self, close: QPushButton) -> None:
        column, row = QVBoxLayout(self), QHBoxLayout()
        row.addWidget(self.left_handed)
        row.addWidget(self.defaults)
        row.addStretch(1)
        row.addWidget(close)
        for widget in (self.table, self.field, self.told):
            column.addWidget(widget)
        column.addLayout(row)
        self.resize(*_SIZE)

    def choose(self, name: str) -> None:
        """Choose an action.

        Parameters
        ----------
        name : str
            See `Key.name`.
        """
        self.table.selectRow(self._names.index(name))

    def _picked(self) -> None:
        name = self._name()
        if name:
            self.field.clear()
            self.field.setFocus(Qt.FocusReason.OtherFocusReason)
            self.told.setText(f"Press the new key for “{key_of(name).title}”.")

    def _name(self) -> str:
        rows = self.table.selectionModel().selectedRows()
        return self._names[rows[0].row()] if rows else ""

    def _taken(self) -> dict[str, str]:
        top: QWidget = self
        while (above := top.parentWidget()) is not None:  # dialogs have the window as an ancestor
            top = above
        return {**menu_keys(top), **napari_keys(self._viewer)}

    def _chosen(self, key: str) -> None:
        name = self._name()
        if not name:
            self.told.setText(_ASK)
            return
        problem = conflict(name, key, self.keys, self._taken())
        if problem:
            self.told.setText(problem)
        else:
            self._use(self.keys.with_key(name, key), f"{shown(key)} is now “{key_of(name).title}”.")

    def _take_set(self, keys: KeySet, name: str) -> None:
        problems = conflicts(keys, self._taken())  # napari's keys are the person's to change, too
        self._use(keys, " ".join([f"{name} is in use.", *problems]))

    def _use(self, keys: KeySet, told: str) -> None:
        self.keys = keys
        try:
            save_keys(keys)
        except CellSegError as error:
            told = f"{told} They hold until napari is closed: {error}"
        self._show_keys()
        self.told.setText(told)
        self.keys_changed.emit(keys)

    def _show_keys(self) -> None:
        self.table.blockSignals(True)
        for row, name in enumerate(self._names):
            self.table.setItem(row, 0, QTableWidgetItem(key_of(name).title))
            self.table.setItem(row, 1, QTableWidgetItem(self.keys.shown(name)))
            self.table.item(row, 0).setToolTip(key_of(name).text)
        self.table.blockSignals(False)
