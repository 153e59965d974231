"""What stands beside the tools while labels are corrected: strip, time, queue and suspicious nuclei.

The step calls `open`, `close` and `show`; all else goes by signals.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal

from napari_cellseg.label.notes import FILE as NOTES
from napari_cellseg.label.notes import ReviewNotes, open_notes
from napari_cellseg.label.review import DONE
from napari_cellseg.ui.attention import Attention
from napari_cellseg.ui.looking import centre_on, show_box
from napari_cellseg.ui.next_panel import NextPanel
from napari_cellseg.ui.step import folded
from napari_cellseg.ui.strip_dock import StripDock
from napari_cellseg.ui.suspects_panel import SuspectsPanel

if TYPE_CHECKING:
    from qtpy.QtWidgets import QVBoxLayout, QWidget

    from napari_cellseg.data.project import Study
    from napari_cellseg.label.review import ReviewState
    from napari_cellseg.ui.corrections import Corrections
    from napari_cellseg.ui.frame_strip import FrameProgress
    from napari_cellseg.ui.session import Session

_NEXT = "What to correct next"


class CorrectHelpers(QObject):
    """Strip, time, queue and suspicious nuclei of one set of corrections.

    ``told(str)`` is a sentence for the person, ``failed(error)`` an error, ``reordered()`` tells that the
    queue has another order.

    Parameters
    ----------
    session : Session
        What the steps share.
    below : QVBoxLayout
        Where the panels go.
    parent : QWidget, optional
        Qt's owner.
    """

    told = Signal(str)
    failed = Signal(object)
    reordered = Signal()

    def __init__(self, session: Session, below: QVBoxLayout, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._corrections: Corrections | None = None
        self._attention: Attention | None = None
        self._states: Mapping[int, ReviewState] = {}
        self._boxed = False
        self.notes: ReviewNotes | None = None
        self.strip_dock = StripDock(session.viewer)
        self.next = NextPanel(session, parent)
        self.suspects = SuspectsPanel(session, parent)
        self.section = folded(_NEXT, parent, open_=True)
        self.section.addWidget(self.next)
        for widget in (self.section, self.suspects):
            below.addWidget(widget)
            widget.hide()
        self.next.frame_wanted.connect(self.look_at)
        self.next.changed.connect(self._reordered)
        self.suspects.object_wanted.connect(self._show_object)
        self.suspects.found_right.connect(self._found_right)
        self.suspects.told.connect(self.told)
        for panel in (self.next, self.suspects):
            panel.failed.connect(self.failed)

    @property
    def progress(self) -> FrameProgress | None:
        """The strip under the canvas; None while nothing is corrected."""
        return self.strip_dock.progress

    def open(self, study: Study, corrections: Corrections, predicted: bool | None) -> None:
        """Begin with corrections that were opened.

        Parameters
        ----------
        study : Study
            Where they are.
        corrections : Corrections
            The corrections.
        predicted : bool or None
            Whether their labels were copied from a model's; None when they were not copied just now.
        """
        session = self._session
        self._corrections = corrections
        self.notes = open_notes(study.folder / NOTES)
        if predicted is not None and predicted != self.notes.predicted:
            self.write(self.notes.begun(predicted))
        n_frames = session.stack.n_frames if session.stack is not None else 0
        session.predicted_frames = frozenset(range(n_frames)) if self.notes.predicted else frozenset()
        self._attention = Attention(session, corrections.layer, self)
        self._attention.spent.connect(self._spent)
        corrections.edited.connect(self._edited)
        self.strip_dock.show().strip.frame_clicked.connect(session.go_to)
        for widget in (self.section, self.suspects):
            widget.show()
        self.next.open(study)
        self.suspects.open(study, self.notes.right.values())

    def close(self) -> None:
        """End with these corrections; call it before they are closed, since the last of the time is noted."""
        if self._attention is not None:
            self._attention.close()
            self._attention.deleteLater()
        self._attention = self._corrections = self.notes = None
        self._session.predicted_frames = frozenset()
        self.strip_dock.close()
        self.next.open(None)
        self.suspects.open(None)
        for widget in (self.section, self.suspects):
            widget.hide()

    def write(self, note: dict[str, Any]) -> None:
        """Write a note down, in the thread that writes the journal.

        Parameters
        ----------
        note : dict
            A note of `notes`.
        """
        if self._corrections is not None and self.notes is not None:
            self._corrections.write_down(self.notes.write, note)

    def show(self, here: int, states: Mapping[int, ReviewState], reasons: Mapping[int, str]) -> None:
        """Show how far the frames are.

        Parameters
        ----------
        here : int
            The frame in view.
        states : mapping of int to str
            State of every frame.
        reasons : mapping of int to str
            Why frames are doubted or rejected.
        """
        if self.progress is not None and self.notes is not None:
            self.progress.show_states(here, states, reasons, self.notes.seconds)
        if states != self._states:
            self._states = dict(states)
            done = [t for t, state in states.items() if state in DONE]
            self.next.set_done(done)
            self.suspects.set_done(done)

    def reasons(self) -> dict[int, str]:
        """Say why frames were rejected, where the person said it.

        Returns
        -------
        dict of int to str
            By frame.
        """
        rejected = self._session.review.rejected
        known = self.notes.reasons if self.notes is not None else {}
        return {t: known[t] for t in rejected if known.get(t)}

    def look_at(self, t: int, box: object = None) -> None:
        """Go to a frame, and to the part of it in which most is in doubt.

        Parameters
        ----------
        t : int
            The frame.
        box : tuple of int or None
            y0, x0, y1, x1 in px; None leaves the picture where it is, or shows all of it after a part.
        """
        self._session.go_to(t)
        if isinstance(box, tuple) and self._corrections is not None:
            show_box(self._session.viewer, self._corrections.layer, box)
            self._boxed = True
        elif self._boxed:
            self._session.viewer.reset_view()
            self._boxed = False

    def _show_object(self, t: int, label: int, y_px: float, x_px: float) -> None:
        if self._corrections is None:
            return
        self._session.go_to(t)
        layer = self._corrections.layer
        layer.selected_label = label
        centre_on(self._session.viewer, layer, y_px, x_px)
        self._session.viewer.status = self.suspects.why.text()

    def _found_right(self, right: Any) -> None:
        if self.notes is not None:
            self.write(self.notes.found_right(right))

    def _spent(self, t: int, seconds: float) -> None:
        if self.notes is not None:
            self.write(self.notes.spent(t, seconds))

    def _edited(self, _frame: int) -> None:
        if self._attention is not None:
            self._attention.did()
        self.suspects.edited()

    def _reordered(self) -> None:
        self.suspects.show_found(self.next.found)
        self.reordered.emit()

    def shut_down(self) -> None:
        """Note the last of the time, and let go of the viewer."""
        if self._attention is not None:
            self._attention.close()
            self._attention = None
        self.suspects.shut_down()
        self.strip_dock.close()
