"""Buttons for the tools of correcting; the one in hand stays pressed. All that a key does, they do too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
    QWidgetAction,
)

from napari_cellseg.ui.keys import KeySet
from napari_cellseg.ui.tool_registry import TOOLS, ToolSpec

if TYPE_CHECKING:
    from napari_cellseg.ui.correct_tools import Tools

_COLUMNS = 4
_LARGEST_PX = 1_000_000


class ToolButtons(QWidget):
    """A grid of buttons, of which one is pressed; with them the menu of clean-ups and "Through time".

    ``taken(str)`` names the tool that the person takes; ``through_changed(bool)`` and
    ``min_area_changed(int)`` tell what was chosen for tools.

    Parameters
    ----------
    parent : QWidget, optional
        Its parent.
    """

    taken = Signal(str)
    through_changed = Signal(bool)
    min_area_changed = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tools: Tools | None = None
        self._keys = KeySet()
        self.buttons: dict[str, QPushButton] = {}
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(3)
        for tool in TOOLS:
            if tool.gesture != "at once":
                self._add(grid, self._tool_button(tool))
        self.clean_up = _button("Clean up ▾", "Clean up this frame as a whole")
        self.clean_up.clicked.connect(self._open_menu)
        self._menu = QMenu(self)
        self._fill_menu()
        self._add(grid, self.clean_up)
        self.help = _button("Keys  ?", "All keys at a glance, and how to change them (?)")
        self.through = QCheckBox(self)
        self.through.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.through.toggled.connect(self.through_changed)
        names = ", ".join(tool.text.lower() for tool in TOOLS if tool.through)
        self.through.setToolTip(
            f"The next {names} goes on to the same nucleus in the following frames, as far as it can be "
            "followed. It is one step: one undo takes all of it back."
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(grid)
        column.addWidget(self.through)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.show_keys(self._keys)
        self.show_tool("move")

    def serve(self, tools: Tools | None) -> None:
        """Serve tools from now on.

        Parameters
        ----------
        tools : Tools or None
            They hear of the buttons, and the buttons of them; None for none.
        """
        before, self._tools = self._tools, tools
        if before is not None:
            self.taken.disconnect(before.take)
            self.through_changed.disconnect(before.go_through)
            self.min_area_changed.disconnect(before.set_min_area)
        if tools is None:
            return
        self.taken.connect(tools.take)
        self.through_changed.connect(tools.go_through)
        self.min_area_changed.connect(tools.set_min_area)
        tools.tool_changed.connect(self.show_tool)
        tools.through_changed.connect(self.through.setChecked)
        tools.go_through(self.through.isChecked())
        tools.set_min_area(self.min_area.value())
        self.show_keys(tools.keys)

    def show_tool(self, name: str) -> None:
        """Press the button of a tool.

        Parameters
        ----------
        name : str
            The tool in hand; none of the buttons for one that has none.
        """
        for tool, button in self.buttons.items():
            button.setChecked(tool == name)

    def show_keys(self, keys: KeySet) -> None:
        """Write the keys onto the buttons.

        Parameters
        ----------
        keys : KeySet
            Which key does what.
        """
        self._keys = keys
        for tool in TOOLS:
            key = keys.shown(tool.name).split(", ")[0]
            if tool.name in self.buttons:
                self.buttons[tool.name].setText(f"{tool.text}  {_short(key)}")
                self.buttons[tool.name].setToolTip(f"{tool.tip} ({keys.shown(tool.name)})")
        self.through.setText(f"Through time: also in the frames that follow  ({keys.shown('through')})")
        self._write_menu()

    def _tool_button(self, tool: ToolSpec) -> QPushButton:
        button = _button(tool.text, tool.tip)
        button.setCheckable(True)
        button.clicked.connect(lambda _on: self.taken.emit(tool.name))
        self.buttons[tool.name] = button
        return button

    @staticmethod
    def _add(grid: QGridLayout, button: QPushButton) -> None:
        grid.addWidget(button, grid.count() // _COLUMNS, grid.count() % _COLUMNS)

    def _fill_menu(self) -> None:
        self._menu.setToolTipsVisible(True)
        self.min_area = QSpinBox()
        self.min_area.setRange(0, _LARGEST_PX)
        self.min_area.setSuffix(" px²")
        self.min_area.setSpecialValueText("a tenth of the usual")
        self.min_area.valueChanged.connect(self.min_area_changed)
        row = QWidget()
        layout = QHBoxLayout(row)
        layout.setContentsMargins(10, 4, 10, 4)
        layout.addWidget(QLabel("Small is below"))
        layout.addWidget(self.min_area, 1)
        size = QWidgetAction(self._menu)
        size.setDefaultWidget(row)
        self._menu.addAction(size)
        for tool in TOOLS:
            if tool.gesture == "at once":
                action = self._menu.addAction(tool.text)
                action.setData(tool.name)
                action.setToolTip(tool.tip)
                action.triggered.connect(lambda _on=False, name=tool.name: self.taken.emit(name))

    def _write_menu(self) -> None:
        texts = {tool.name: tool.text for tool in TOOLS}
        for action in self._menu.actions():
            if action.data() in texts:  # behind the tab, for a shortcut of Qt's own would answer everywhere
                action.setText(f"{texts[action.data()]}\t{self._keys.shown(action.data())}")

    def _open_menu(self) -> None:
        self._menu.popup(self.clean_up.mapToGlobal(self.clean_up.rect().bottomLeft()))


def _short(key: str) -> str:
    return key.replace("Shift-", "⇧").replace("Ctrl-", "^")


def _button(text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the keys go on to the picture
    button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    button.setMinimumSize(QSize(70, 26))
    return button
