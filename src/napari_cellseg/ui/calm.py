"""Many pieces of news, few repaints."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QObject, QTimer


class Calm(QObject):
    """Passes on the latest of many values, twice a second.

    A window with OpenGL in it is put together anew, as a whole, for every repaint of a label in it: with
    OpenGL in software that takes as long as a frame. So all of these tick at the same moments, for one
    repaint together.

    Parameters
    ----------
    show : callable
        Called with the latest value, in the window's thread.
    parent : QObject, optional
        Qt's owner; nothing is shown any more once it is gone.
    every_ms : int
        Time between two calls; those of equal times fall together.
    """

    def __init__(
        self, show: Callable[[Any], object], parent: QObject | None = None, every_ms: int = 500
    ) -> None:
        super().__init__(parent)
        self._show = show
        self._every_ms = every_ms
        self._waiting: tuple[Any] | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.flush)

    def put(self, value: Any) -> None:
        """Give a value to be shown at the next tick.

        Parameters
        ----------
        value : object
            Replaces one that still waits.
        """
        self._waiting = (value,)
        if not self._timer.isActive():
            self._timer.start(self._every_ms - int(1000 * time.monotonic()) % self._every_ms)

    def flush(self) -> None:
        """Show now what still waits."""
        if self._waiting is not None:
            value, self._waiting = self._waiting[0], None
            self._show(value)

    def forget(self) -> None:
        """Drop what still waits."""
        self._waiting = None
        self._timer.stop()
