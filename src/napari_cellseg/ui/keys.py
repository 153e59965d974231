"""The keys of the plugin's label layers, and the sheet that lists them.

napari 0.9.2 binds these keys on every Labels layer: 1/E erase, 2/P paint, 3 polygon, 4/F fill bucket, 5/L
pick, 6/Z pan, 7 transform, M new label, X swap with background, B preserve labels, - and = label number,
[ and ] brush size, Escape and Enter for the polygon, Ctrl-Z and Ctrl-Shift-Z. Ours go onto single layers,
never onto the class: other label layers keep napari's keys. On ours X, M and F mean something else; what they
shadow stays within reach: the fill bucket on 4, a new label by starting a stroke on background, background
by E. Escape is ours only while a tool of ours is in hand, so that it still ends napari's polygon.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDialog, QGridLayout, QLabel, QVBoxLayout, QWidget


@dataclass(frozen=True)
class Key:
    """One key of ours.

    Attributes
    ----------
    name : str
        What it does, as a name for the code.
    keys : tuple of str
        Keys as napari writes them.
    shown : str
        Keys as the person reads them.
    text : str
        What it does, for the person.
    """

    name: str
    keys: tuple[str, ...]
    shown: str
    text: str


KEYS = (
    Key("accept", ("N",), "N", "Accept this frame and go to the next one proposed"),
    Key("skip", ("Shift-N",), "Shift-N", "Go to the next one without accepting"),
    Key("delete", ("X", "Delete"), "X", "Delete the nucleus under the cursor"),
    Key("merge", ("M",), "M", "Merge: then click two nuclei that are one"),
    Key("cut", ("K",), "K", "Cut: then draw a line through a nucleus that is two"),
    Key("fill", ("F",), "F", "Fill the holes of the nucleus under the cursor"),
    Key("suspect", (".",), ".", "Go to the next suspicious nucleus"),
    Key("peek", ("O",), "O", "Show or hide the labels; hold it to peek"),
    Key("undo", ("Control-Z",), "Ctrl-Z", "Undo, one step at a time, brush strokes included"),
    Key("redo", ("Control-Shift-Z",), "Ctrl-Shift-Z", "Redo"),
    Key("leave", ("Escape",), "Esc", "Put the tool down"),
)

NAPARI_KEYS = (
    ("P", "Paint: start in a nucleus to extend it, on background to make a new one"),
    ("E", "Erase"),
    ("4", "Fill bucket"),
    ("L", "Pick a label"),
    ("Z", "Move the picture; or hold the space bar"),
    ("[  ]", "Brush smaller, larger; or Alt and move the mouse"),
    ("B", "Keep other nuclei untouched while painting"),
    ("←  →", "Frame before, frame after"),
)


def key_of(name: str) -> Key:
    """Look a key up.

    Parameters
    ----------
    name : str
        See `Key.name`.

    Returns
    -------
    Key
        The key.
    """
    return next(key for key in KEYS if key.name == name)


def bind_keys(layer: Any, actions: Mapping[str, Callable[[], object]]) -> None:
    """Put keys onto one layer.

    Parameters
    ----------
    layer : napari.layers.Layer
        The layer; others of its kind are left as they are.
    actions : mapping of str to callable
        What each key does, by `Key.name`.
    """
    for name, action in actions.items():
        for key in key_of(name).keys:
            layer.bind_key(key, _without_layer(action), overwrite=True)


def bind_peek(layer: Any) -> None:
    """Put the key onto a layer that hides it while it is held, and toggles it when it is tapped.

    Parameters
    ----------
    layer : napari.layers.Layer
        The layer.
    """

    def peek(here: Any) -> Callable[[], None]:
        here.visible = not here.visible

        def released() -> None:  # napari calls it only when the key was held
            here.visible = not here.visible

        return released

    for key in key_of("peek").keys:
        layer.bind_key(key, peek, overwrite=True)


def _without_layer(action: Callable[[], object]) -> Callable[[Any], None]:
    def pressed(_layer: Any) -> None:
        action()

    return pressed


class CheatSheet(QDialog):
    """All keys at a glance; it stays open beside the work.

    Parameters
    ----------
    parent : QWidget, optional
        Its parent.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys for correcting")
        layout = QVBoxLayout(self)
        layout.addWidget(
            _sheet("While nuclei (corrected) is the active layer", [(k.shown, k.text) for k in KEYS])
        )
        layout.addWidget(_sheet("napari's own", NAPARI_KEYS))


def _sheet(title: str, rows: Any) -> QWidget:
    box = QWidget()
    grid = QGridLayout(box)
    grid.setContentsMargins(4, 4, 4, 4)
    grid.setHorizontalSpacing(16)
    heading = QLabel(f"<b>{title}</b>")
    grid.addWidget(heading, 0, 0, 1, 2)
    for row, (key, text) in enumerate(rows, start=1):
        name = QLabel(f"<b>{key}</b>")
        name.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        grid.addWidget(name, row, 0)
        grid.addWidget(QLabel(text), row, 1)
    grid.setColumnMinimumWidth(0, 100)
    grid.setColumnStretch(1, 1)
    return box
