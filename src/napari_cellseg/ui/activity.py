"""A bar in napari's own activity dock for work of ours."""

from __future__ import annotations

import time

from napari.utils import progress

from napari_cellseg.progress import Progress

_EVERY_S = 0.3


class Activity:
    """One bar in the activity dock; lives in the window's thread.

    Parameters
    ----------
    title : str
        The work in a few words.
    """

    def __init__(self, title: str) -> None:
        self._bar = progress(total=0, desc=title)
        self._last = 0.0
        self._open = True

    def show(self, at: Progress) -> None:
        """Move the bar, a few times a second.

        Parameters
        ----------
        at : Progress
            How far the work is.
        """
        now = time.perf_counter()
        if not self._open or (now - self._last < _EVERY_S and at.done != at.total):
            return
        self._last = now
        if at.total and self._bar.total != at.total:
            self._bar.total = at.total
        self._bar.update(at.done - self._bar.n)

    def close(self) -> None:
        """Take the bar away."""
        if self._open:
            self._open = False
            self._bar.close()
