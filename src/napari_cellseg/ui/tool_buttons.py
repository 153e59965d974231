"""Buttons for the tools of correcting; the one in hand stays pressed."""

from __future__ import annotations

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtWidgets import QButtonGroup, QGridLayout, QPushButton, QSizePolicy, QWidget

_TOOLS = (
    ("move", "Move", "Z", "Move and zoom the picture (Z, or hold the space bar)"),
    ("paint", "Paint", "P", "Paint with the brush; [ and ] change its size (P)"),
    ("erase", "Erase", "E", "Erase with the brush (E)"),
    ("delete", "Delete", "X", "Click nuclei to delete them; or press X with the cursor on one"),
    ("merge", "Merge", "M", "Click two nuclei that are one (M)"),
    ("cut", "Cut", "K", "Draw a line through a nucleus that is two (K)"),
    ("fill", "Fill holes", "F", "Click a nucleus to fill its holes; or press F with the cursor on one"),
)
_COLUMNS = 4


class ToolButtons(QWidget):
    """A grid of buttons, of which one is pressed.

    ``taken(str)`` names the tool that the person takes.

    Parameters
    ----------
    parent : QWidget, optional
        Its parent.
    """

    taken = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._group = QButtonGroup(self)
        self._group.setExclusive(False)
        self.buttons: dict[str, QPushButton] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(3)
        for index, (name, text, key, tip) in enumerate(_TOOLS):
            button = self._button(f"{text}  {key}", tip)
            button.setCheckable(True)
            button.clicked.connect(lambda _on, name=name: self.taken.emit(name))
            self._group.addButton(button)
            self.buttons[name] = button
            grid.addWidget(button, index // _COLUMNS, index % _COLUMNS)
        self.help = self._button("Keys  ?", "All keys at a glance (?)")
        grid.addWidget(self.help, len(_TOOLS) // _COLUMNS, len(_TOOLS) % _COLUMNS)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.show_tool("move")

    def show_tool(self, name: str) -> None:
        """Press the button of a tool.

        Parameters
        ----------
        name : str
            The tool in hand; none of the buttons for one that has none.
        """
        for tool, button in self.buttons.items():
            button.setChecked(tool == name)

    @staticmethod
    def _button(text: str, tip: str) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(tip)
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the keys go on to the picture
        button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        button.setMinimumSize(QSize(70, 26))
        return button
