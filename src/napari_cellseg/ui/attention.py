"""How long the person works on each frame."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, QTimer, Signal

from napari_cellseg.label.pace import Stopwatch

if TYPE_CHECKING:
    from napari.layers import Labels

    from napari_cellseg.ui.session import Session

_TICK_MS = 1000
_TELL_S = 15.0


class Attention(QObject):
    """Measures active time: the frame is in view, the layer is active, and the person does something.

    ``spent(int frame, float seconds)`` is told when the person leaves a frame, and every quarter of a minute
    of work, so that a crash loses little.

    Parameters
    ----------
    session : Session
        What the steps share.
    layer : napari.layers.Labels
        The corrected layer.
    parent : QObject, optional
        Qt's owner.
    """

    spent = Signal(int, float)

    def __init__(self, session: Session, layer: Labels, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._layer = session, layer
        self._frame, self._seconds = session.frame(), 0.0
        self._watch = Stopwatch()
        self._tick = QTimer(self)
        self._tick.setInterval(_TICK_MS)
        self._tick.timeout.connect(self._count)
        self._tick.start()
        viewer = session.viewer
        viewer.cursor.events.position.connect(self.did)
        viewer.mouse_wheel_callbacks.append(self._did_with_mouse)
        viewer.mouse_drag_callbacks.append(self._did_with_mouse)
        session.frame_changed.connect(self._moved)
        self.did()

    def did(self, _event: object = None) -> None:
        """Hear that the person did something."""
        self._watch.did(time.monotonic())

    def tell(self) -> None:
        """Tell the time spent on the frame in view so far."""
        self._count()
        seconds, self._seconds = self._seconds, 0.0
        if seconds > 0:
            self.spent.emit(self._frame, seconds)

    def close(self) -> None:
        """Tell the last of it, and let go of the viewer."""
        self.tell()
        self._tick.stop()
        viewer = self._session.viewer
        viewer.cursor.events.position.disconnect(self.did)
        for callbacks in (viewer.mouse_wheel_callbacks, viewer.mouse_drag_callbacks):
            callbacks.remove(self._did_with_mouse)
        self._session.frame_changed.disconnect(self._moved)

    def _did_with_mouse(self, _viewer: Any, _event: Any) -> None:
        self.did()

    def _count(self) -> None:
        active = self._session.viewer.layers.selection.active == self._layer  # equal also behind a proxy
        self._seconds += self._watch.lap(time.monotonic(), active)
        if self._seconds >= _TELL_S:
            seconds, self._seconds = self._seconds, 0.0
            self.spent.emit(self._frame, seconds)

    def _moved(self, frame: int) -> None:
        self.did()
        self.tell()
        self._frame = frame
