"""A line of text on the picture, whose letters are drawn before it is needed."""

from __future__ import annotations

from typing import Any

from napari.components.overlays import TextOverlay
from qtpy.QtCore import QObject, QTimer

from napari_cellseg.ui.scene import draw_letter

_EVERY_MS = 50
_MEASURING = "ÅÉÑŐjgpqy "
"""Letters that vispy draws too, to find out how high a line is."""


class CanvasText(QObject):
    """A line of text at the top left of the picture.

    napari draws a letter in high resolution when it appears for the first time, which takes 10 ms: a line of
    new ones would stop the window for a fifth of a second. So they are drawn one by one beforehand.

    Parameters
    ----------
    viewer : napari.Viewer
        Its canvas gets the text.
    name : str
        Of the overlay.
    letters : str
        The characters that will be needed.
    """

    def __init__(self, viewer: Any, name: str, letters: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer, self._name = viewer, name
        self._overlay = TextOverlay(position="top_left", font_size=14)
        viewer.canvas.overlays[name] = self._overlay
        self._letters = sorted(set(_MEASURING + letters))
        self._timer = QTimer(self)
        self._timer.setInterval(_EVERY_MS)
        self._timer.timeout.connect(self._draw_next)

    def prepare(self) -> None:
        """Begin to draw the letters, unless they are there."""
        if self._letters:
            self._timer.start()

    def show(self, text: str) -> None:
        """Show a text.

        Parameters
        ----------
        text : str
            One line.
        """
        self._overlay.text = text
        self._overlay.visible = True

    def hide(self) -> None:
        """Show no text."""
        self._overlay.visible = False

    def remove(self) -> None:
        """Take it off the picture."""
        self._timer.stop()
        self._viewer.canvas.overlays.pop(self._name, None)

    def _draw_next(self) -> None:
        draw_letter(self._viewer, self._letters.pop())
        if not self._letters:
            self._timer.stop()
