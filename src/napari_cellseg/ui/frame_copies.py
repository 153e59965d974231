"""Copies of frames as they are at one moment each, taken without stopping the brush."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QObject, QTimer


class FrameCopies(QObject):
    """Copies frames in the window's thread, one whenever it has nothing else to do.

    All that changes labels happens in that thread too: so no copy holds half of a stroke that another thread
    catches in the making.

    Parameters
    ----------
    movie : ndarray
        Axes TYX, int32.
    frames : sequence of int
        Which frames, at least one.
    path : Path
        The ``.npy`` file to be made: the frames in this order.
    on_done : callable
        Called once all are copied.
    parent : QObject, optional
        Qt's owner; nothing is heard any more once it is gone.
    """

    def __init__(
        self,
        movie: npt.NDArray[np.int32],
        frames: Sequence[int],
        path: Path,
        on_done: Callable[[], object],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._movie, self._left, self._on_done = movie, list(enumerate(frames)), on_done
        shape = (len(frames), *movie.shape[1:])
        self._copy = np.lib.format.open_memmap(path, "w+", np.int32, shape)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._next)
        self._timer.start(0)

    def stop(self) -> None:
        """Copy nothing more, and tell nothing."""
        self._timer.stop()
        self._left.clear()

    def _next(self) -> None:
        index, frame = self._left.pop(0)
        self._copy[index] = self._movie[frame]
        if not self._left:
            self._timer.stop()
            del self._copy
            self._on_done()
