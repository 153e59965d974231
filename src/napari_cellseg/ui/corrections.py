"""One history of all that is done to the corrected labels, strokes and tools alike, on disk as it happens.

napari keeps an undo history of its own strokes in the layer; it forgets it when the window closes, knows
nothing of our tools, and tells nobody when something is undone. So Ctrl-Z on the corrected layer is ours:
napari tells every stroke (``layer.events.paint``), each becomes an `Edit`, and undo and redo follow them.
Proposals of a model that are taken are one step of the same history, whatever number of frames they change.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QObject, Signal

from napari_cellseg.errors import CellSegError
from napari_cellseg.label.history import History
from napari_cellseg.label.journal_steps import EditStep
from napari_cellseg.label.proposals import Taken
from napari_cellseg.ui.strokes import edits_of, places_in

if TYPE_CHECKING:
    from napari.layers import Labels

    from napari_cellseg.label.edit import Edit
    from napari_cellseg.label.journal import Journal
    from napari_cellseg.label.lock import StudyLock


class Corrections(QObject):
    """The history of one corrected layer; `label.history.History` is where it is kept.

    ``edited(int frame)`` comes after every change, with -1 after one of proposals, and
    ``settling_wanted()`` when frames wait to be changed by them: `settling` is to be brought to its end.
    ``failed(error)`` comes when something could not be written.

    Parameters
    ----------
    layer : napari.layers.Labels
        The corrected layer.
    movie : ndarray
        What the layer shows, axes TYX, writable; the layer may spread it over further axes.
    time_axis : int or None
        Which axis of the layer is time; None for a single frame.
    journal : Journal
        Where everything is written down; what an earlier session did can be undone too.
    parent : QObject, optional
        Qt's owner.
    lock : StudyLock, optional
        Held for the study; released at the end.
    """

    edited = Signal(int)
    failed = Signal(object)
    settling_wanted = Signal()

    def __init__(
        self,
        layer: Labels,
        movie: npt.NDArray[np.int32],
        time_axis: int | None,
        journal: Journal,
        parent: QObject | None = None,
        lock: StudyLock | None = None,
    ) -> None:
        super().__init__(parent)
        self.layer, self.movie, self.time_axis = layer, movie, time_axis
        self.journal, self._lock = journal, lock
        allowed = None if lock is None else lock.check
        self.history = History(movie, journal, self.failed.emit, allowed, self._put)
        self._is_stale = False
        self.settling = self.history.settling
        self.n_proposals_changed = 0
        self.accepted: Callable[[], frozenset[int]] = frozenset
        layer.mouse_drag_callbacks.insert(0, self._before_stroke)
        layer.events.paint.connect(self._on_paint)

    def frames(self) -> frozenset[int]:
        """Say which frames are corrected.

        Returns
        -------
        frozenset of int
            Frames with at least one edit that is not undone; proposals are none.
        """
        return self.history.frames()

    @property
    def can_undo(self) -> bool:
        """Whether there is something to undo."""
        return self.history.n_done > 0

    @property
    def can_redo(self) -> bool:
        """Whether there is something to redo."""
        return self.history.n_undone > 0

    def do(self, *edits: Edit) -> bool:
        """Apply a tool's edits and remember them as one step.

        Parameters
        ----------
        *edits : Edit
            Made from the labels as they are; through time, several frames.

        Returns
        -------
        bool
            False when nothing was changed: ``failed`` told why.
        """
        try:
            step = self.history.do(*edits)
        except CellSegError as error:
            self.failed.emit(error)
            return False
        self._show()
        self._tell(step)
        return True

    def take(self, taken: Taken) -> None:
        """Take proposals into the labels, as one step.

        Parameters
        ----------
        taken : Taken
            Made from the labels as they are, of frames that nobody corrected or accepted.
        """
        self.n_proposals_changed += 1
        self.history.take(taken, self.settling_wanted.emit)
        self.edited.emit(-1)

    def settle(self, frames: Iterable[int]) -> None:
        """Bring frames to where the journal says, before they are looked at or changed.

        Parameters
        ----------
        frames : iterable of int
            The frames.
        """
        try:
            changed = self.history.settle(frames)
        except (CellSegError, OSError) as error:
            self.failed.emit(error)
        else:
            if changed:
                self.layer.refresh(extent=False)

    def undo(self) -> EditStep | Taken | None:
        """Take the last step back.

        Returns
        -------
        EditStep, Taken or None
            What was undone; None when there is nothing left to undo. Of proposals, frames that were accepted
            since stay as they are.
        """
        return self._go(self.history.undo)

    def redo(self) -> EditStep | Taken | None:
        """Do the step again that was undone last.

        Returns
        -------
        EditStep, Taken or None
            What was done again; None when nothing was undone.
        """
        return self._go(self.history.redo)

    def _go(self, way: Callable[..., EditStep | Taken | None]) -> EditStep | Taken | None:
        try:
            step = way(self.accepted(), self.settling_wanted.emit)
        except CellSegError as error:
            self.failed.emit(error)
            return None
        if isinstance(step, Taken):
            self.n_proposals_changed += 1
            self.edited.emit(-1)
        elif step is not None:
            self._show()
            self._tell(step)
        return step

    def write(self, edits: Iterable[Edit]) -> None:
        """Put edits into the labels and show them, without remembering them.

        Parameters
        ----------
        edits : iterable of Edit
            In the order in which they are applied.
        """
        for edit in edits:
            self._put(edit)
        self._show()

    def write_down(self, write: Callable[..., object], *args: object) -> None:
        """Write something to disk, after what was written before.

        Parameters
        ----------
        write : callable
            Called in the writing thread; its errors come back as ``failed``.
        *args : object
            Its arguments.
        """
        self.history.write_down(write, *args)

    def flush(self) -> None:
        """Wait until everything is on disk."""
        self.history.flush()

    def close(self) -> None:
        """Let go of the layer and the study, with everything on disk."""
        self.layer.events.paint.disconnect(self._on_paint)
        self.layer.mouse_drag_callbacks.remove(self._before_stroke)
        self.history.close()
        if self._lock is not None:
            self._lock.release()

    def _put(self, edit: Edit) -> None:
        """Write an edit into the labels; a small one by the layer, which then draws no more than that."""
        at = places_in(self.layer.data.shape, self.time_axis, edit)
        if at is None:
            edit.apply(self.movie)
            self._is_stale = True
            return
        places, values = at
        with self.layer.events.paint.blocker(self._on_paint):
            self.layer.data_setitem(places, values)

    def _show(self) -> None:
        """Draw what was written past the layer; the whole frame, which takes 40 ms for 2,048 x 2,048 px."""
        if self._is_stale:
            self._is_stale = False
            self.layer.refresh(extent=False)

    def _tell(self, step: EditStep) -> None:
        for frame in sorted(step.frames):
            self.edited.emit(frame)

    def _before_stroke(self, layer: Labels, event: Any) -> None:
        """Keep the frame as it is: napari paints before it tells, and a crash must leave no half stroke."""
        if layer.mode == "pan_zoom":
            return
        axis = self.time_axis
        t = 0 if axis is None else round(float(layer.world_to_data(event.position)[axis]))
        try:
            self.history.guard(self._reached(layer, t))
        except CellSegError as error:
            layer.mode = "pan_zoom"  # nothing is painted that would be lost
            self.failed.emit(error)

    def _reached(self, layer: Labels, t: int) -> range:
        """Name the frames that a stroke may change: one, unless napari was told to paint through time."""
        if self.time_axis is None or layer.n_edit_dimensions <= 2:
            return range(t, t + 1)
        if layer.mode not in ("paint", "erase"):
            return range(len(self.movie))
        reach = math.ceil(layer.brush_size / 2) + 1
        return range(max(0, t - reach), min(len(self.movie), t + reach + 1))

    def _on_paint(self, event: Any) -> None:
        step = tuple(edits_of(self.movie, self.time_axis, event.value))
        if not step:
            return
        if self.settling.now(edit.frame for edit in step):
            self._is_stale = True
            self.write(step)  # painted on labels that were about to change
        self._tell(self.history.remember(EditStep(step)))
