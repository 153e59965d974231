"""Where tools are put to work: their edits are made, go into the history, and are told."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, QTimer, Signal

from napari_cellseg.label.proposals import Taken
from napari_cellseg.ui.keys import KeySet, shown
from napari_cellseg.ui.task import message_of
from napari_cellseg.ui.tool_bench import Bench, Touch, pictures_of, still_fits
from napari_cellseg.ui.tool_jobs import Job, Jobs, changed_meanwhile
from napari_cellseg.ui.tool_words import done_words, step_words

if TYPE_CHECKING:
    from napari_cellseg.label.edit import Edit
    from napari_cellseg.label.journal_steps import EditStep
    from napari_cellseg.ui.corrections import Corrections
    from napari_cellseg.ui.session import Session
    from napari_cellseg.ui.tool_deeds import Deed
    from napari_cellseg.ui.tool_registry import ToolSpec

_PATIENCE_MS = 400


class Workbench(QObject):
    """Puts tools to work on the labels of one history.

    ``told(str text, bool problem)`` is a sentence for the person; ``went_to(int)`` names the frame that must
    be seen: of what was undone or done again, or copied.

    Parameters
    ----------
    session : Session
        Its pictures are looked at, and it runs what is slow.
    corrections : Corrections
        The history that every change goes into.
    parent : QObject, optional
        Qt's owner.
    """

    told = Signal(str, bool)
    went_to = Signal(int)

    def __init__(self, session: Session, corrections: Corrections, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._corrections = session, corrections
        self.keys = KeySet()
        self.through = False
        self.min_area_px = 0.0
        self._jobs = Jobs(session, self)
        self._jobs.failed.connect(self._failed)
        self._waits = QTimer(self)
        self._waits.setSingleShot(True)
        self._waits.setInterval(_PATIENCE_MS)
        self._waits.timeout.connect(self._ask_for_patience)

    def work(self, spec: ToolSpec, deed: Deed, touch: Touch) -> None:
        """Put a tool to work, after what is being done.

        Parameters
        ----------
        spec : ToolSpec
            The tool.
        deed : callable
            What it does there.
        touch : Touch
            Where it is put on.
        """
        corrections = self._corrections
        corrections.settle((touch.frame,))
        through = self.through and spec.through and deed is spec.click
        protect = bool(corrections.layer.preserve_labels)
        bench = Bench(corrections.movie, pictures_of(self._session), protect, through, self.min_area_px)
        slow = through or deed in spec.slow
        self._jobs.add(Job(partial(deed, bench, touch), partial(self._done, spec), slow))
        if self._jobs.busy:
            self._waits.start()

    def undo(self) -> None:
        """Take the last step back, wherever it was, and say so."""
        self._jobs.add(Job(list, self._undo))

    def redo(self) -> None:
        """Do the step again that was undone last, and say so."""
        self._jobs.add(Job(list, self._redo))

    def _undo(self, _edits: object) -> None:
        step = self._corrections.undo()
        self._stepped(step, "Undone", "There is nothing left to undo.", self._corrections.can_undo)

    def _redo(self, _edits: object) -> None:
        step = self._corrections.redo()
        self._stepped(step, "Done again", "There is nothing to do again.", self._corrections.can_redo)

    def close(self) -> None:
        """Forget all that is not done."""
        self._waits.stop()
        self._jobs.close()

    def _done(self, spec: ToolSpec, edits: Sequence[Edit]) -> None:
        self._waits.stop()
        if not all(still_fits(edit, self._corrections.movie) for edit in edits):
            raise changed_meanwhile()
        if not self._corrections.do(*edits):
            return
        if spec.next_frame:
            self.went_to.emit(edits[0].frame)
        undo = shown(self.keys.of("undo")[0])
        self.told.emit(f"{done_words(edits)} {undo} takes it back.", False)

    def _stepped(self, step: EditStep | Taken | None, what: str, nothing: str, left: bool) -> None:
        if step is None:
            if not left:  # else it failed, which was told already
                self.told.emit(nothing, True)
        elif isinstance(step, Taken):
            self.told.emit(f"{what}: the proposals of {step.who} for {len(step.frames)} frames.", False)
        else:
            first, n = step.edits[0], len(step.frames)
            self.went_to.emit(first.frame)
            where = f"frame {first.frame}" if n == 1 else f"{n} frames from {min(step.frames)} on"
            self.told.emit(f"{what}: {step_words(first)}, {where}.", False)

    def _failed(self, error: BaseException) -> None:
        self._waits.stop()
        self.told.emit(message_of(error), True)

    def _ask_for_patience(self) -> None:
        if self._jobs.busy:
            self.told.emit("One moment …", False)
