"""What lies on the desk while labels are corrected: the strip of frames, the tools, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_cellseg.ui.frame_strip import FrameStrip
from napari_cellseg.ui.keys import KeySet, key_of
from napari_cellseg.ui.tool_buttons import ToolButtons

if TYPE_CHECKING:
    from napari_cellseg.label.review import ReviewState

_STATE = {
    "auto": "as labelled automatically",
    "doubtful": "doubtful",
    "corrected": "corrected",
    "accepted": "accepted",
}


class CorrectDesk(QWidget):
    """Strip of frames, state of this frame, tools, skip, undo and redo.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose theme it wears.
    parent : QWidget, optional
        Its parent.
    """

    def __init__(self, viewer: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.strip = FrameStrip(viewer, self)
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
        for button in (self.undo, self.redo, self.skip, self.buttons.help):
            row.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        for widget in (self.strip, self.state, self.buttons, self.new_on_background):
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

    def show_states(self, here: int, states: Mapping[int, ReviewState], doubts: Mapping[int, str]) -> None:
        """Show how far the frames are.

        Parameters
        ----------
        here : int
            The frame in view.
        states : mapping of int to str
            State of every frame.
        doubts : mapping of int to str
            Why frames were rejected.
        """
        self.strip.show_states(len(states), states, doubts)
        self.strip.mark(here)
        reason = f" ({doubts[here]})" if here in doubts else ""
        self.state.setText(f"<b>Frame {here}</b>: {_STATE[states.get(here, 'auto')]}{reason}")


def _button(text: str) -> QPushButton:
    button = QPushButton(text)
    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the keys go on to the picture
    return button
