"""One history of all that is done to the corrected labels, strokes and tools alike, on disk as it happens.

napari keeps an undo history of its own strokes in the layer; it forgets it when the window closes, knows
nothing of our tools, and tells nobody when something is undone. So Ctrl-Z on the corrected layer is ours:
napari tells every stroke (``layer.events.paint``), each becomes an `Edit`, and undo and redo follow them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QObject, Signal

from napari_cellseg.ui.strokes import edits_of

if TYPE_CHECKING:
    from napari.layers import Labels

    from napari_cellseg.label.edit import Edit
    from napari_cellseg.label.journal import Journal


class Corrections(QObject):
    """The history of one corrected layer.

    ``edited(int frame)`` comes after every change; ``failed(error)`` when the journal could not be written.

    Parameters
    ----------
    layer : napari.layers.Labels
        The corrected layer.
    movie : ndarray
        What the layer shows, axes TYX, writable; the layer may spread it over further axes.
    time_axis : int or None
        Which axis of the layer is time; None for a single frame.
    journal : Journal
        Where everything is written down; in a thread of its own, since a slow disk must not stop the brush.
    past : sequence of Edit
        What an earlier session did, so that it can be undone too.
    parent : QObject, optional
        Qt's owner.
    """

    edited = Signal(int)
    failed = Signal(object)

    def __init__(
        self,
        layer: Labels,
        movie: npt.NDArray[np.int32],
        time_axis: int | None,
        journal: Journal,
        past: Sequence[Edit] = (),
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.layer, self.movie, self.time_axis = layer, movie, time_axis
        self.journal = journal
        self._past: list[tuple[Edit, ...]] = [(edit,) for edit in past]
        self._future: list[tuple[Edit, ...]] = []
        self._writer = ThreadPoolExecutor(1, "napari-cellseg journal")
        self.intercept: Callable[[tuple[Edit, ...]], object] | None = None
        layer.events.paint.connect(self._on_paint)

    def frames(self) -> set[int]:
        """Say which frames are corrected.

        Returns
        -------
        set of int
            Frames with at least one edit that is not undone.
        """
        return {edit.frame for step in self._past for edit in step}

    @property
    def can_undo(self) -> bool:
        """Whether there is something to undo."""
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        """Whether there is something to redo."""
        return bool(self._future)

    def do(self, *edits: Edit) -> None:
        """Apply a tool's edits and remember them as one step.

        Parameters
        ----------
        *edits : Edit
            Made from the labels as they are.
        """
        self.write(edits)
        self._remember(edits)

    def undo(self) -> Edit | None:
        """Take the last step back.

        Returns
        -------
        Edit or None
            What was undone; None when there is nothing left to undo.
        """
        if not self._past:
            return None
        step = self._past.pop()
        self._future.append(step)
        self.write([edit.inverse() for edit in reversed(step)])
        for _edit in step:
            self.write_down(self.journal.undo)
        self.edited.emit(step[0].frame)
        return step[0]

    def redo(self) -> Edit | None:
        """Do the step again that was undone last.

        Returns
        -------
        Edit or None
            What was done again; None when nothing was undone.
        """
        if not self._future:
            return None
        step = self._future.pop()
        self._past.append(step)
        self.write(step)
        for _edit in step:
            self.write_down(self.journal.redo)
        self.edited.emit(step[0].frame)
        return step[0]

    def write(self, edits: Iterable[Edit]) -> None:
        """Put edits into the labels and show them, without remembering them.

        Parameters
        ----------
        edits : iterable of Edit
            In the order in which they are applied.
        """
        for edit in edits:
            edit.apply(self.movie)
        self.layer.refresh(extent=False)

    def write_down(self, write: Callable[..., object], *args: object) -> None:
        """Write something to disk, after what was written before.

        Parameters
        ----------
        write : callable
            Called in the writing thread; its errors come back as ``failed``.
        *args : object
            Its arguments.
        """
        self._writer.submit(write, *args).add_done_callback(self._written)

    def flush(self) -> None:
        """Wait until everything is on disk."""
        self._writer.submit(lambda: None).result()

    def close(self) -> None:
        """Let go of the layer, with everything on disk."""
        self.layer.events.paint.disconnect(self._on_paint)
        self._writer.shutdown(wait=True)

    def _on_paint(self, event: Any) -> None:
        step = tuple(edits_of(self.movie, self.time_axis, event.value))
        if not step:
            return
        if self.intercept is not None:
            self.intercept(step)
        else:
            self._remember(step)

    def _remember(self, step: tuple[Edit, ...]) -> None:
        self._past.append(step)
        self._future.clear()
        for edit in step:
            self.write_down(self.journal.append, edit)
        self.edited.emit(step[0].frame)

    def _written(self, future: Future[object]) -> None:
        error = future.exception()
        if error is not None:
            self.failed.emit(error)
