"""What lies on the desk while labels are corrected: the frame's state, the tools, and what to do with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_cellseg.ui.frame_strip import WORDS
from napari_cellseg.ui.keys import KeySet, key_of
from napari_cellseg.ui.reject_button import RejectButton
from napari_cellseg.ui.tool_buttons import ToolButtons

if TYPE_CHECKING:
    from napari_cellseg.label.review import ReviewState


class CorrectDesk(QWidget):
    """State of the frame in view, tools, skip, reject, undo and redo.

    Parameters
    ----------
    parent : QWidget, optional
        Its parent.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.state = QLabel(self)
        self.state.setWordWrap(True)
        self.buttons = ToolButtons(self)
        self.new_on_background = QCheckBox("Strokes begun on background are new nuclei", self)
        self.new_on_background.setToolTip(
            "The next free label is chosen by itself; a stroke that starts in a nucleus extends that one. "
            "Without it, the brush paints the label that is selected."
        )
        self.new_on_background.setChecked(True)
        self.undo, self.redo, self.skip = _button("Undo"), _button("Redo"), _button("Skip")
        row = QHBoxLayout()
        self.reject = RejectButton(self)
        for button in (self.undo, self.redo, self.skip, self.reject, self.buttons.help):
            row.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        for widget in (self.state, self.buttons, self.new_on_background):
            column.addWidget(widget)
        column.addLayout(row)
        self.show_keys(KeySet())

    def show_keys(self, keys: KeySet) -> None:
        """Write the keys onto the buttons.

        Parameters
        ----------
        keys : KeySet
            Which key does what.
        """
        self.buttons.show_keys(keys)
        for button, name in ((self.undo, "undo"), (self.redo, "redo"), (self.skip, "skip")):
            button.setToolTip(f"{key_of(name).text} ({keys.shown(name)})")
        self.skip.setText(f"Skip  {keys.shown('skip')}")

    def show_state(self, here: int, state: ReviewState, reason: str) -> None:
        """Show how far the frame in view is.

        Parameters
        ----------
        here : int
            The frame in view.
        state : str
            Its state.
        reason : str
            Why it is doubted or rejected; may be empty.
        """
        self.reject.show_rejected(state == "rejected")
        self.state.setText(f"<b>Frame {here}</b>: {WORDS[state]}" + (f" ({reason})" if reason else ""))


def _button(text: str) -> QPushButton:
    button = QPushButton(text)
    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the keys go on to the picture
    return button
