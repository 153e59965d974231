"""All frames in one line, coloured by their state; a click goes to a frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from napari.utils.theme import get_theme
from qtpy.QtCore import QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent
from qtpy.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolTip, QWidget

from napari_cellseg.label.pace import pace
from napari_cellseg.label.review import DONE, cells
from napari_cellseg.progress import duration
from napari_cellseg.ui.plots import FOUND, INVENTED, MISSED
from napari_cellseg.ui.style import WRONG

if TYPE_CHECKING:
    from napari_cellseg.label.review import ReviewState

COLOURS = {"accepted": FOUND, "in work": MISSED, "doubtful": INVENTED, "rejected": WRONG}
"""Colour by state; any other state has the theme's own."""

WORDS = {
    "auto": "as labelled automatically",
    "predicted": "as a model predicted it",
    "doubtful": "doubtful",
    "in work": "changed, not yet accepted",
    "accepted": "accepted",
    "rejected": "rejected",
}
"""What the person reads for each state."""

_SPANS = {
    "auto": (0.0, 0.15),
    "predicted": (0.0, 0.3),
    "doubtful": (0.0, 0.5),
    "in work": (0.0, 0.75),
    "accepted": (0.0, 1.0),
    "rejected": (0.6, 1.0),
}
"""From where to where a cell is filled, from below: states differ without their colour, and rejected ones
hang from above while all others stand."""

_PX_PER_CELL = 1.0


class FrameStrip(QWidget):
    """The movie as a strip; where there are more frames than pixels, a cell shows its most urgent frame.

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
        self._states: Mapping[int, ReviewState] = {}
        self._reasons: Mapping[int, str] = {}
        self._seconds: Mapping[int, float] = {}
        self._cells: list[tuple[int, ReviewState]] = []
        self._cells_px = 0
        self._here = 0
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName("Frames by state")
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
        self,
        states: Mapping[int, ReviewState],
        reasons: Mapping[int, str] | None = None,
        seconds: Mapping[int, float] | None = None,
    ) -> None:
        """Show the states of all frames.

        Parameters
        ----------
        states : mapping of int to str
            State of every frame from 0.
        reasons : mapping of int to str, optional
            Why, by frame; shown when the mouse rests on it.
        seconds : mapping of int to float, optional
            Active time spent on frames; shown when the mouse rests on it.
        """
        self._reasons, self._seconds = reasons or {}, seconds or {}
        if states != self._states:
            self._states, self._cells_px = states, 0
            self.update()

    def mark(self, frame: int) -> None:
        """Mark the frame that the viewer shows.

        Parameters
        ----------
        frame : int
            The frame.
        """
        if frame != self._here:
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
        n_frames = len(self._states)
        if n_frames == 0:
            return 0
        return min(n_frames - 1, max(0, int(x_px * n_frames / max(1, self.width()))))

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw the strip."""
        theme = get_theme(self._viewer.theme)
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.foreground.as_hex()))
        if self._states:
            self._draw_cells(painter, QColor(theme.highlight.as_hex()))
            step = self.width() / len(self._states)
            painter.setPen(QColor(theme.text.as_hex()))
            painter.drawRect(QRectF(self._here * step, 0, max(2.0, step - 1), self.height() - 1))
        painter.end()

    def _draw_cells(self, painter: QPainter, plain: QColor) -> None:
        if self._cells_px != self.width():
            self._cells_px = self.width()
            self._cells = cells(self._states, max(1, int(self.width() / _PX_PER_CELL)))
        colours = {state: QColor(COLOURS.get(state, plain)) for state in _SPANS}
        step, height = self.width() / len(self._cells), self.height()
        gap = 1.0 if step > 4 else 0.0
        for i, (_first, state) in enumerate(self._cells):
            low, high = _SPANS[state]
            top, tall = (1 - high) * height, (high - low) * height
            painter.fillRect(QRectF(i * step, top, step - gap, tall), colours[state])

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Go to the frame under the mouse."""
        if self._states and event.button() == Qt.MouseButton.LeftButton:
            self.frame_clicked.emit(self.frame_at(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Name the frame under the mouse; dragging goes through the frames."""
        if not self._states:
            return
        t = self.frame_at(event.position().x())
        if event.buttons() & Qt.MouseButton.LeftButton:
            self.frame_clicked.emit(t)
        QToolTip.showText(event.globalPosition().toPoint(), self.told_of(t), self)

    def told_of(self, t: int) -> str:
        """Say what is known of a frame.

        Parameters
        ----------
        t : int
            The frame.

        Returns
        -------
        str
            Its state, why, and the time spent on it.
        """
        reason, seconds = self._reasons.get(t, ""), self._seconds.get(t, 0.0)
        text = f"frame {t}: {WORDS[self._states.get(t, 'auto')]}" + (f" ({reason})" if reason else "")
        return text + (f", {duration(seconds)} of work" if seconds >= 1 else "")

    def _theme_changed(self, _event: object = None) -> None:
        self.update()


class FrameProgress(QWidget):
    """The strip, and beside it how much is done and how long the rest will take.

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
        self.line = QLabel(self)
        self.line.setToolTip(
            "Frames that are accepted or rejected; the median of the time that you worked on each, and what "
            "the rest takes at this pace. Time counts while you work on the corrected labels, and for half a "
            "minute after the last thing you did."
        )
        row = QHBoxLayout(self)
        row.setContentsMargins(6, 2, 6, 2)
        row.setSpacing(8)
        row.addWidget(self.strip, 1)
        row.addWidget(self.line)

    def show_states(
        self,
        here: int,
        states: Mapping[int, ReviewState],
        reasons: Mapping[int, str],
        seconds: Mapping[int, float],
    ) -> None:
        """Show how far the frames are.

        Parameters
        ----------
        here : int
            The frame in view.
        states : mapping of int to str
            State of every frame.
        reasons : mapping of int to str
            Why frames are doubted or rejected.
        seconds : mapping of int to float
            Active time spent on frames.
        """
        self.strip.show_states(states, reasons, seconds)
        self.strip.mark(here)
        done = [t for t, state in states.items() if state in DONE]
        text = f"{len(done):,} of {len(states):,} done"
        at = pace(seconds, done, len(states))
        if at is not None:
            text += f" · {duration(at.median_s)} each"
            text += f" · about {duration(at.left_s)} left" if at.left_s else ""
        self.line.setText(text)
