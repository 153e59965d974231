"""A bar in napari's own activity dock for work of ours."""

from __future__ import annotations

from napari.utils import progress

from napari_cellseg.progress import Progress
from napari_cellseg.ui.calm import Calm

_VALUE = 10_000
"""What the bar is set to, once: the more is done, the nearer is its end."""


class Activity:
    """One bar in the activity dock; lives in the window's thread.

    Whenever the value of a bar changes, napari has the window do all that waits, in the midst of what is
    going on, which holds it up. A change of the bar's end does not, so that is what moves.

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
        if not at.total:
            return
        if not self._bar.n:
            self._bar.update(_VALUE)
        self._bar.total = round(_VALUE * at.total / max(at.done, at.total / _VALUE))
        self._bar.events.eta(value=f"{at.done:,} of {at.total:,} {at.what}")
