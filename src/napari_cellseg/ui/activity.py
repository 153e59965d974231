"""A bar in napari's own activity dock for work of ours."""

from __future__ import annotations

from napari.utils import progress

from napari_cellseg.progress import Progress
from napari_cellseg.ui.calm import Calm


class Activity:
    """One bar in the activity dock; lives in the window's thread.

    Parameters
    ----------
    title : str
        The work in a few words.
    """

    def __init__(self, title: str) -> None:
        self._bar = progress(total=0, desc=title)
        self._calm = Calm(self._show)
        self._open = True

    def show(self, at: Progress) -> None:
        """Move the bar, when the other signs of progress move.

        Parameters
        ----------
        at : Progress
            How far the work is.
        """
        if self._open:
            self._calm.put(at)

    def close(self) -> None:
        """Take the bar away."""
        if self._open:
            self._open = False
            self._calm.forget()
            self._bar.close()

    def _show(self, at: Progress) -> None:
        if at.total and self._bar.total != at.total:
            self._bar.total = at.total
        self._bar.update(at.done - self._bar.n)
