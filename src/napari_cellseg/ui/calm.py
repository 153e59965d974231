"""Many pieces of news, few repaints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QObject, QTimer


class Calm(QObject):
    """Passes on the latest of many values, a few times a second: each repaint costs the window a whole frame.

    Parameters
    ----------
    show : callable
        Called with the latest value, in the window's thread.
    parent : QObject
        Qt's owner; nothing is shown any more once it is gone.
    every_ms : int
        Shortest time between two calls.
    """

    def __init__(self, show: Callable[[Any], object], parent: QObject, every_ms: int = 250) -> None:
        super().__init__(parent)
        self._show = show
        self._waiting: tuple[Any] | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(every_ms)
        self._timer.timeout.connect(self._tick)

    def put(self, value: Any) -> None:
        """Give a value: the first is shown at once, of the following the latest in time.

        Parameters
        ----------
        value : object
            Replaces one that still waits.
        """
        self._waiting = (value,)
        if not self._timer.isActive():
            self._tick()
            self._timer.start()

    def flush(self) -> None:
        """Show now what still waits."""
        self._tick()

    def _tick(self) -> None:
        if self._waiting is None:
            self._timer.stop()
            return
        value, self._waiting = self._waiting[0], None
        self._show(value)
