"""All frames in one line, coloured by their state; a click goes to a frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from napari.utils.theme import get_theme
from qtpy.QtCore import QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent
from qtpy.QtWidgets import QSizePolicy, QToolTip, QWidget

from napari_cellseg.ui.plots import FOUND, INVENTED, MISSED

COLOURS = {"accepted": FOUND, "corrected": MISSED, "doubtful": INVENTED}
"""Colour by state; any other state has the theme's own."""

_HEIGHTS = {"accepted": 1.0, "corrected": 0.75, "doubtful": 0.5}


class FrameStrip(QWidget):
    """The movie as a strip; states differ in height as well as in colour.

    ``frame_clicked(int)`` tells which frame was clicked.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose theme it wears.
    parent : QWidget, optional
        Its parent.
    """

    frame_clicked = Signal(int)

    def __init__(self, viewer: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._n_frames = 0
        self._states: Mapping[int, str] = {}
        self._reasons: Mapping[int, str] = {}
        self._here = 0
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        viewer.events.theme.connect(self._theme_changed)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Tell Qt how large it wants to be.

        Returns
        -------
        QSize
            Wide and flat.
        """
        return QSize(200, 26)

    def show_states(
        self, n_frames: int, states: Mapping[int, str], reasons: Mapping[int, str] | None = None
    ) -> None:
        """Show the states of all frames.

        Parameters
        ----------
        n_frames : int
            How many frames there are.
        states : mapping of int to str
            State by frame: ``accepted``, ``corrected``, ``doubtful``; others may be left out.
        reasons : mapping of int to str, optional
            Why, by frame; shown when the mouse rests on it.
        """
        self._n_frames, self._states, self._reasons = n_frames, dict(states), dict(reasons or {})
        self.update()

    def mark(self, frame: int) -> None:
        """Mark the frame that the viewer shows.

        Parameters
        ----------
        frame : int
            The frame.
        """
        self._here = frame
        self.update()

    def frame_at(self, x_px: float) -> int:
        """Say which frame lies at a place of the strip.

        Parameters
        ----------
        x_px : float
            Distance from its left end in px of the screen.

        Returns
        -------
        int
            The nearest frame.
        """
        if self._n_frames == 0:
            return 0
        return min(self._n_frames - 1, max(0, int(x_px * self._n_frames / max(1, self.width()))))

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw the strip."""
        theme = get_theme(self._viewer.theme)
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.foreground.as_hex()))
        if self._n_frames:
            step = self.width() / self._n_frames
            gap = 1.0 if step > 4 else 0.0
            for t in range(self._n_frames):
                state = self._states.get(t, "")
                height = self.height() * _HEIGHTS.get(state, 0.25)
                colour = QColor(COLOURS.get(state, theme.secondary.as_hex()))
                painter.fillRect(QRectF(t * step, self.height() - height, step - gap, height), colour)
            left = self._here * step
            painter.setPen(QColor(theme.text.as_hex()))
            painter.drawRect(QRectF(left, 0, max(2.0, step - gap), self.height() - 1))
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Go to the frame under the mouse."""
        if self._n_frames and event.button() == Qt.MouseButton.LeftButton:
            self.frame_clicked.emit(self.frame_at(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Name the frame under the mouse; dragging goes through the frames."""
        if not self._n_frames:
            return
        t = self.frame_at(event.position().x())
        if event.buttons() & Qt.MouseButton.LeftButton:
            self.frame_clicked.emit(t)
        state = self._states.get(t, "not looked at")
        reason = self._reasons.get(t, "")
        text = f"frame {t}: {state}" + (f" ({reason})" if reason else "")
        QToolTip.showText(event.globalPosition().toPoint(), text, self)

    def _theme_changed(self, _event: object = None) -> None:
        self.update()
