"""Step 3: put the labels right where it matters; nothing done here is ever lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from napari_cellseg.data.project import open_label_movie
from napari_cellseg.errors import CellSegError
from napari_cellseg.label.review import Review, propose, states
from napari_cellseg.label.triage import save_verdicts
from napari_cellseg.live import correcting
from napari_cellseg.ui.cheat_sheet import CheatSheet
from napari_cellseg.ui.correct_desk import CorrectDesk
from napari_cellseg.ui.correct_helpers import CorrectHelpers
from napari_cellseg.ui.correct_tools import Tools
from napari_cellseg.ui.corrections import Corrections
from napari_cellseg.ui.key_file import own_keys
from napari_cellseg.ui.keys import KeySet
from napari_cellseg.ui.layers import CORRECTED, LayerCombo, add_labels, remove, role_of
from napari_cellseg.ui.learn_panel import LearnPanel
from napari_cellseg.ui.sources import FILE, is_labels, labels_source, over_picture, spread_writable
from napari_cellseg.ui.step import Step, folded

if TYPE_CHECKING:
    from napari_cellseg.data.project import Study
    from napari_cellseg.label.review import ReviewState
    from napari_cellseg.ui.session import Session

_START = "Start correcting"
_ACCEPT = "Accept and go to the next"


class CorrectStep(Step):
    """The panel of step 3.

    Parameters
    ----------
    session : Session
        What the steps share.
    parent : QWidget, optional
        Qt's owner.
    """

    title: ClassVar[str] = "Correct"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self.corrections: Corrections | None = None
        self.tools: Tools | None = None
        self._study: Study | None = None
        self._wanted: object | None = None
        self._sheet: CheatSheet | None = None
        self._keys = own_keys(session.say)
        self.source = LayerCombo(session.viewer, is_labels, parent=self)
        self.source.setToolTip("The labels to start from. They stay as they are: a copy is corrected.")
        self._start_row = _row("Correct a copy of", self.source)
        self.body.addWidget(self._start_row)
        self.desk = CorrectDesk(self)
        self.desk.buttons.help.clicked.connect(self.show_keys)
        self.desk.new_on_background.toggled.connect(self._new_on_background)
        self.desk.skip.clicked.connect(self._skip)
        self.desk.reject.rejected.connect(self.reject)
        self.desk.reject.taken_back.connect(self._take_back)
        self.desk.undo.clicked.connect(self._undo)
        self.desk.redo.clicked.connect(self._redo)
        self.desk.hide()
        self.body.addWidget(self.desk)
        self.set_primary(_START, "Make a copy of these labels and correct it", self._primary_clicked)
        self.again = QPushButton("Start over from other labels …", self)
        self.again.setToolTip(
            "Puts the corrections made so far aside, in the study's folder, and starts afresh"
        )
        self.again.clicked.connect(self._start_over)
        self.add_option(self.again)
        self.learn = LearnPanel(session, self._states, self)
        self.below.addWidget(self.learn)
        learning = folded("Learning from corrections", self)
        learning.addWidget(self.learn.options)
        self.add_option(learning)
        self.helpers = CorrectHelpers(session, self.below, self)
        self.helpers.told.connect(lambda text: self._told(text, False))
        self.helpers.failed.connect(self.show_error)
        self.helpers.reordered.connect(self._show_state)
        for key in ("?", "Shift+?"):
            shortcut = QShortcut(QKeySequence(key), self)
            shortcut.setContext(Qt.ShortcutContext.WindowShortcut)
            shortcut.activated.connect(self.show_keys)
        session.labels_changed.connect(self._labels_came)
        session.study_changed.connect(self._study_came)
        session.stack_changed.connect(self._stack_came)
        session.verdicts_changed.connect(self._show_state)
        session.frame_changed.connect(self._show_state)
        session.viewer.layers.events.removed.connect(self._layer_went)
        self._show_state()

    # What was chosen, and what came back

    def _primary_clicked(self) -> None:
        if self.corrections is None:
            self._start()
        else:
            self.accept()

    def _start(self) -> None:
        layer = self.source.layer
        if self.session.stack is None:
            self._missing("Choose the images in step 1 first.", "Go to 1 Data", "Data")
        elif layer is None:
            self._missing(
                "There are no labels yet. Step 2 makes them, or open your own as a labels layer.",
                "Go to 2 Labels",
                "Labels",
            )
        else:
            try:
                source = labels_source(layer, self.session)
                self.session.need_study()
            except CellSegError as error:
                self.show_error(error)
                return
            if self.progress.task is None:  # a study with corrections opens them by itself
                self._open(source)

    def _missing(self, text: str, button: str, step: str) -> None:
        self.message.tell(text, "warning", button, lambda: self.session.step_wanted.emit(step))

    def _open(self, source: object | None, take_over: bool = False) -> None:
        """Copy the labels unless a copy is there, and bring back what the journal holds."""
        session, study = self.session, self.session.study
        if study is None or session.stack is None:
            return
        self._wanted = source
        fresh, chosen = not study.labels_corrected.is_file(), self.source.layer
        predicted = role_of(chosen) == "prediction" if fresh and chosen is not None else None
        task = session.run(
            correcting.open_corrections,
            source,
            study.labels_corrected,
            study.journal,
            take_over,
            on_done=lambda opened: self._opened(study, opened, predicted),
            title="Opening the labels for correction",
            here=True,
        )
        self.follow(task)

    def _opened(self, study: Study, opened: correcting.Opened, predicted: bool | None) -> None:
        session = self.session
        over = over_picture(session)
        if over is None or session.is_closed or session.study is not study:
            opened.lock.release()
            return
        movie = open_label_movie(opened.labels)
        layer = add_labels(session.viewer, spread_writable(movie, over), CORRECTED, "corrected", over)
        layer.metadata[FILE] = str(opened.labels)
        time_axis = session.time_axis if layer.ndim > 2 else None
        session.viewer.layers.selection.active = layer
        for other in (session.labels_layer, session.prediction_layer):
            if other is not None:
                other.visible = False  # two colourings of the same nuclei cannot be told apart
        self._study, session.review = study, opened.review
        self.corrections = Corrections(layer, movie, time_axis, opened.journal, self, opened.lock)
        self.corrections.edited.connect(self._edited)
        self.corrections.failed.connect(self.show_error)
        actions = {"accept": self.accept, "skip": self._skip, "suspect": self.helpers.suspects.go_on}
        self.tools = Tools(session, self.corrections, self._keys, actions, self)
        self.tools.new_on_background = self.desk.new_on_background.isChecked()
        self.desk.buttons.serve(self.tools)
        self.tools.told.connect(self._told)
        self.tools.went_to.connect(session.go_to)
        self.helpers.open(study, self.corrections, predicted)
        session.corrected_layer = layer
        session.corrected_frames = frozenset(self.corrections.frames())
        session.corrected_changed.emit()
        self.learn.use(self.corrections, study)
        self._show_state()
        if opened.journal.frames():
            n = len(self.corrections.frames())
            self.message.tell(f"Your corrections of {opened.when} were restored: {n} frame{'s' * (n != 1)}.")

    def show_error(self, error: BaseException) -> None:
        """Show what went wrong; where somebody else corrects the study, offer to take it over.

        Parameters
        ----------
        error : BaseException
            The error.
        """
        if isinstance(error, correcting.InUseError):
            self.message.tell(str(error), "warning", "Take over", self._take_over)
        else:
            super().show_error(error)

    def _take_over(self) -> None:
        self._let_go(remove_layer=True)
        self._open(self._wanted, True)

    # The work

    def accept(self) -> None:
        """Say that the labels of this frame are right, and go to the next one proposed."""
        t = self.session.frame()
        self.session.review = self.session.review.accept(t)
        self._mark(t, "accepted")
        self._keep(t, True)
        self._next(f"Frame {t} accepted.")
        self.learn.accepted_one()

    def reject(self, reason: str = "") -> None:
        """Say that this frame is never to be learned from, and go to the next one proposed.

        Parameters
        ----------
        reason : str
            Why; may be empty.
        """
        t = self.session.frame()
        self.session.review = self.session.review.reject(t)
        self._mark(t, "rejected")
        if self.helpers.notes is not None:
            self.helpers.write(self.helpers.notes.rejected(t, reason))
        self._keep(t, False)
        self._next(f"Frame {t} rejected.")
        self.session.corrected_changed.emit()

    def _take_back(self) -> None:
        """Let a rejected frame count again."""
        t = self.session.frame()
        self.session.review = self.session.review.reopen(t)
        self._mark(t, "corrected" if t in self.session.corrected_frames else "auto")
        self._keep(t, True)
        self._told(f"Frame {t} counts again.", False)
        self._show_state()
        self.session.corrected_changed.emit()

    def _skip(self) -> None:
        t = self.session.frame()
        self.session.review = self.session.review.skip(t)
        self._next(f"Frame {t} left for later.")

    def _next(self, done: str) -> None:
        self.helpers.show(self.session.frame(), self._states(), self._reasons())
        t = self._proposed(self._states())
        if t is None:
            self._told(f"{done} All frames are done.", False)
        else:
            reason, crop = self._reason(t)
            self.helpers.look_at(t, crop)
            self._told(f"{done} Now frame {t}" + (f": {reason}." if reason else "."), False)
        self._show_state()

    def _proposed(self, states_now: dict[int, ReviewState]) -> int | None:
        queue = self.helpers.next.frames()
        return propose(self.session.frame(), states_now, self.session.review.skipped, queue)

    def _reason(self, t: int) -> tuple[str, object]:
        """Say why a frame is proposed, and the part of it in which most is in doubt."""
        one = self.helpers.next.proposal(t)
        return (self._doubts().get(t, ""), None) if one is None else (one.reason, one.crop)

    def _mark(self, t: int, state: str) -> None:
        if self.corrections is not None:
            self.corrections.write_down(self.corrections.journal.mark, t, state)

    def _keep(self, t: int, keep: bool) -> None:
        """Learn from a frame that was found right, not from a rejected one, whatever triage said."""
        changed = [v.overruled(keep) if v.frame == t and v.keep != keep else v for v in self.session.verdicts]
        if changed != self.session.verdicts and self.corrections is not None and self._study is not None:
            self.session.verdicts = changed
            self.session.verdicts_changed.emit()
            self.corrections.write_down(save_verdicts, self._study.verdicts, tuple(changed))

    def _edited(self, frame: int) -> None:
        if self.corrections is not None:
            self.session.corrected_frames = frozenset(self.corrections.frames())
        if frame in self.session.review.accepted:
            self.session.review = self.session.review.reopen(frame)
            self._mark(frame, "corrected")
        self._show_state()
        self.session.corrected_changed.emit()

    def _undo(self) -> None:
        if self.tools is not None:
            self.tools.bench.undo()

    def _redo(self) -> None:
        if self.tools is not None:
            self.tools.bench.redo()

    def _new_on_background(self, on: bool) -> None:
        if self.tools is not None:
            self.tools.new_on_background = on

    def _told(self, text: str, problem: bool) -> None:
        self.message.tell(text, "warning" if problem else "info")
        if text:
            self.session.viewer.status = text

    def show_keys(self) -> None:
        """Show the sheet of keys."""
        if self._sheet is None:
            self._sheet = CheatSheet(self.session.viewer, self._keys, self)
            self._sheet.keys_changed.connect(self._use_keys)
        self._sheet.show()
        self._sheet.raise_()

    def _use_keys(self, keys: KeySet) -> None:
        self._keys = keys
        self.desk.show_keys(keys)
        if self.tools is not None:
            self.tools.use_keys(keys)
        self._show_state()

    # What is seen

    def _doubts(self) -> dict[int, str]:
        return {v.frame: v.reason for v in self.session.verdicts if not v.keep}

    def _reasons(self) -> dict[int, str]:
        return {**self._doubts(), **self.helpers.reasons()}

    def _states(self) -> dict[int, ReviewState]:
        stack = self.session.stack
        n_frames = stack.n_frames if stack is not None else 0
        session, doubts = self.session, self._doubts()
        return states(session.review, session.corrected_frames, doubts, n_frames, session.predicted_frames)

    def _show_state(self, _frame: object = None) -> None:
        begun = self.corrections is not None
        self.desk.setVisible(begun)
        self._start_row.setVisible(not begun)
        self.learn.setVisible(begun)
        self.again.setEnabled(begun)
        self.primary.setText(f"{_ACCEPT}  ({self._keys.shown('accept')})" if begun else _START)
        if self.corrections is None:
            self.summarise("todo", "not yet")
            return
        states_now, reasons, here = self._states(), self._reasons(), self.session.frame()
        self.desk.show_state(here, states_now.get(here, "auto"), reasons.get(here, ""))
        self.helpers.show(here, states_now, reasons)
        self.learn.show_states(states_now)
        self.desk.undo.setEnabled(self.corrections.can_undo)
        self.desk.redo.setEnabled(self.corrections.can_redo)
        self._summarise(states_now)

    def _summarise(self, states_now: dict[int, ReviewState]) -> None:
        found = list(states_now.values())
        told = ("accepted", "in work", "rejected")
        parts = [f"{found.count(state)} {state}" for state in told if state in found]
        t = self._proposed(states_now)
        if t is None:
            self.summarise("done", " · ".join(parts))
            return
        reason, _crop = self._reason(t)
        parts.append(f"next: frame {t}" + (f" ({reason})" if reason else ""))
        self.summarise("attention" if "doubtful" in found else "done", " · ".join(parts))

    # What comes and goes

    def _labels_came(self) -> None:
        if self.session.labels_layer is not None:
            self.source.choose(self.session.labels_layer)

    def _study_came(self) -> None:
        """Open a study that was corrected before with its corrections."""
        study = self.session.study
        if study is not None and self._study is not None and self._study.folder == study.folder:
            return
        self._let_go(remove_layer=True)
        if study is None:
            return
        if study.labels_corrected.is_file() and self.session.stack is not None:
            self._open(None)

    def _stack_came(self) -> None:
        """Take the labels of another stack away; they stay in its study."""
        if self.session.study is None and self.corrections is not None:
            self._let_go(remove_layer=True)
        self._show_state()

    def _start_over(self) -> None:
        if self._study is None:
            return
        study, corrections = self._study, self.corrections
        self._let_go(remove_layer=True)
        if corrections is not None:
            task = self.session.run(
                correcting.put_corrections_aside,
                study.labels_corrected,
                study.journal,
                here=True,
            )
            self.follow(task)

    def _layer_went(self, event: object) -> None:
        layer = getattr(event, "value", None)
        if self.corrections is not None and layer == self.corrections.layer:  # not "is": it may be a proxy
            self._let_go()
            self.message.tell(
                "The layer was removed; the corrections themselves are kept.",
                "info",
                "Open them again",
                lambda: self._open(None),
            )

    def _let_go(self, remove_layer: bool = False) -> None:
        corrections, tools = self.corrections, self.tools
        self.helpers.close()
        self.corrections = self.tools = self._study = None
        self.learn.use(None)
        self.session.review, self.session.corrected_frames = Review(), frozenset()
        if tools is not None:
            self.desk.buttons.serve(None)
            tools.close()
        if corrections is not None:
            corrections.close()
            self.session.corrected_layer = None
            if remove_layer:
                remove(self.session.viewer, corrections.layer)
            self.session.corrected_changed.emit()
        self._show_state()

    def closed(self) -> None:
        """Put the tool down: another step was opened."""
        if self.tools is not None:
            self.tools.put_down()

    def shut_down(self) -> None:
        """Finish writing and let go of the viewer."""
        self.session.viewer.layers.events.removed.disconnect(self._layer_went)
        self.source.shut_down()
        self.learn.shut_down()
        self.helpers.shut_down()
        if self._sheet is not None:
            self._sheet.close()
        if self.tools is not None:
            self.tools.close()
        if self.corrections is not None:
            self.corrections.close()


def _row(text: str, widget: QWidget) -> QWidget:
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(QLabel(text))
    layout.addWidget(widget, 1)
    return row
