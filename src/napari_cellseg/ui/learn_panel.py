"""Part of step 3: the program learns from what is corrected, and proposes labels for the other frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QPushButton, QSpinBox, QVBoxLayout, QWidget

from napari_cellseg.config import LearnConfig, TrainConfig
from napari_cellseg.live import learning
from napari_cellseg.live.training import DeviceChosen
from napari_cellseg.progress import Event
from napari_cellseg.ui.forms import ConfigForm
from napari_cellseg.ui.frame_copies import FrameCopies
from napari_cellseg.ui.learn_offer import LearnOffer
from napari_cellseg.ui.learn_plot import LearnPlot
from napari_cellseg.ui.proposal_layer import ProposalLayer
from napari_cellseg.ui.step import Message, ProgressRow
from napari_cellseg.ui.task import message_of

if TYPE_CHECKING:
    from napari_cellseg.data.project import Study
    from napari_cellseg.label.proposals import Taken
    from napari_cellseg.ui.corrections import Corrections
    from napari_cellseg.ui.session import Session
    from napari_cellseg.ui.task import Task

OPEN_STATES = frozenset({"auto", "doubtful", "predicted"})
"""Of frames in these states nobody decided anything: only their labels may be replaced by proposals."""

_KNOWN_STATES = ("accepted", "corrected")
_EVERY = 3
_STOP_TIP = "Stop now and keep the best so far; labels stay as they are"


class LearnPanel(QWidget):
    """Button, progress, offer and curve.

    Parameters
    ----------
    session : Session
        What the steps share.
    states : callable
        Answers how far each frame is: frame to state, as it is now.
    parent : QWidget, optional
        Its parent.
    """

    def __init__(
        self, session: Session, states: Callable[[], Mapping[int, str]], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.session, self._states = session, states
        self._corrections: Corrections | None = None
        self._study: Study | None = None
        self._copies: FrameCopies | None = None
        self._task: Task | None = None
        self._settling: list[Task] = []
        self._found: learning.Proposals | None = None
        self._question = ""
        self._n_new = 0
        self.train = TrainConfig()
        self.learn = QPushButton("Learn from this", self)
        self.learn.setToolTip(
            "Fine-tune the model on the frames that you accepted and corrected, in the background, and have "
            "it propose labels for the others. You can go on correcting meanwhile."
        )
        self.learn.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.learn.clicked.connect(lambda _on: self.start())
        self.by_itself = QCheckBox("by itself every", self)
        self.by_itself.setToolTip("Learn without being asked, after so many newly accepted frames")
        self.every = QSpinBox(self)
        self.every.setRange(1, 1000)
        self.every.setValue(_EVERY)
        self.every.setSuffix(" frames")
        self.progress = ProgressRow(self)
        self.message = Message(self)
        self.offer = LearnOffer(self)
        self.plot = LearnPlot(session.viewer, self)
        self.legend = QLabel(self)
        self.options = ConfigForm(LearnConfig, parent=self)
        self.layer = ProposalLayer(session, self)
        self._lay_out()
        self.by_itself.toggled.connect(lambda _on: self._go_on())
        self.offer.taken.connect(self._take)
        self.offer.declined.connect(self._withdraw)
        self.offer.looked.connect(self._look)
        self.offer.frame_wanted.connect(session.go_to)
        session.frame_changed.connect(self._frame_came)

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.addWidget(self.learn, 1)
        row.addWidget(self.by_itself)
        row.addWidget(self.every)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(row)
        for widget in (self.progress, self.message, self.offer, self.plot, self.legend):
            column.addWidget(widget)
        self.plot.hide()
        self.legend.hide()

    # What there is to learn from

    def use(self, corrections: Corrections | None, study: Study | None = None) -> None:
        """Work with other corrections from now on; what was going on for those before is dropped.

        Parameters
        ----------
        corrections : Corrections or None
            Their history; None when nothing is corrected any more.
        study : Study, optional
            Where they are kept.
        """
        self._withdraw()
        self.message.clear()
        if self._copies is not None:
            self._copies.stop()
        for task in (self._task, *self._settling):
            if task is not None:
                task.drop()
        self._copies = self._task = None
        self._settling.clear()
        self._corrections, self._study, self._n_new = corrections, study, 0
        self.plot.hide()
        self.legend.hide()
        if corrections is not None and study is not None:
            corrections.accepted = lambda: self.session.review.accepted
            corrections.settling_wanted.connect(self._settle)
            corrections.edited.connect(self._edited)
            self._read_log()
        self.show_states(self._states())

    def show_states(self, states: Mapping[int, str]) -> None:
        """Say whether there is something to learn from.

        Parameters
        ----------
        states : mapping of int to str
            State of every frame.
        """
        n = sum(state in _KNOWN_STATES for state in states.values())
        self.learn.setText(f"Learn from {n} frame{'s' * (n != 1)}" if n else "Learn from this")
        self.learn.setEnabled(n > 0 and not self.is_at_work and self._corrections is not None)

    def accepted_one(self) -> None:
        """Hear that another frame was accepted."""
        self._n_new += 1
        self._go_on()

    @property
    def is_at_work(self) -> bool:
        """Whether it learns, or proposes."""
        return self._task is not None or self._copies is not None

    def _go_on(self) -> None:
        """Learn by itself when it is time to; what came while it learned waits until it is over."""
        if self.by_itself.isChecked() and self._n_new >= self.every.value() and not self.is_at_work:
            self.start()

    # Learning

    def start(self) -> None:
        """Learn from what is accepted and corrected now; nothing happens while it learns already."""
        corrections, states = self._corrections, self._states()
        frames = sorted(t for t, state in states.items() if state in _KNOWN_STATES)
        if corrections is None or self._study is None or self.is_at_work or not frames:
            return
        self._n_new = 0
        self.message.clear()
        job = self._job(self._study, frames, self.session.temporary.new_file("snapshot"))
        corrections.settle(frames)
        self._copies = FrameCopies(corrections.movie, frames, job.snapshot, lambda: self._copied(job), self)
        self.show_states(states)

    def _job(self, study: Study, frames: list[int], snapshot: Path) -> learning.LearnJob:
        states, session = self._states(), self.session
        return learning.LearnJob(
            study.models,
            study.folder / learning.LOG_FILE,
            study.folder / learning.PROPOSALS,
            study.labels_corrected,
            study.journal,
            snapshot,
            tuple(frames),
            tuple(t for t in frames if states[t] == "accepted"),
            tuple(sorted(self._open_frames())),
            session.frame(),
            session.model,
            session.image_channel,
            session.fluorescence_channel,
            self.options.value(),
            self.train,
        )

    def _open_frames(self) -> frozenset[int]:
        """Frames whose labels may be replaced, as it is at this moment."""
        rejected = {one.frame for one in self.session.verdicts if one.by == "person" and not one.keep}
        return frozenset(t for t, state in self._states().items() if state in OPEN_STATES) - rejected

    def _copied(self, job: learning.LearnJob) -> None:
        self._copies = None
        if self.session.stack is None or self.session.is_closed:
            return
        self._follow(
            self.session.run(
                learning.learn_now,
                self.session.stack,
                job,
                on_event=self._on_event,
                on_done=self._learned,
                on_failed=self._failed,
                on_cancelled=self._cancelled,
                title="Learning from corrections",
            )
        )

    def _follow(self, task: Task) -> None:
        self._task = task
        self.progress.follow(task, "Stop, keep best", _STOP_TIP)
        self.show_states(self._states())

    def _on_event(self, event: Event) -> None:
        if isinstance(event, DeviceChosen):
            self.session.device = event.label
            self.session.device_changed.emit()

    def _learned(self, result: learning.Learned) -> None:
        self._over()
        if result.current != self.session.model:
            self.session.model = result.current
            self.session.model_changed.emit()
        self._read_log()
        point, n = result.point, len(result.point.learned)
        learned = f"The model learned from {n} frame{'s' * (n != 1)} ({point.model}). {_scores(point)}"
        bin_ = f" To the bin: {', '.join(result.binned)}." if result.binned else ""
        if not point.kept:
            text = f"{learned} It is worse than {point.before}, which stays in use.{bin_}"
            self._tell_model(text, "warning", result.model)
        elif result.proposals.file is None:
            text = f"{'Stopped. ' * result.stopped}{learned}{bin_}"
            self._tell_model(text, "info", result.model)
        else:
            self.message.tell(bin_.strip(), "info")
            self._offer(result.proposals, learned)
        self._go_on()

    def _tell_model(self, text: str, kind: str, model: Path) -> None:
        wanted = bool(self._open_frames())
        button = f"Propose with {model.name}" if wanted else ""
        self.message.tell(text, kind, button, lambda: self._propose(model))  # type: ignore[arg-type]

    def _propose(self, model: Path) -> None:
        if self._study is None or self.session.stack is None or self.is_at_work:
            return
        self.message.clear()
        job = self._job(self._study, [], Path())
        self._follow(
            self.session.run(
                learning.propose_now,
                self.session.stack,
                job,
                model,
                on_event=self._on_event,
                on_done=self._proposed,
                on_failed=self._failed,
                on_cancelled=self._cancelled,
                title="Proposing labels",
            )
        )

    def _proposed(self, found: learning.Proposals) -> None:
        self._over()
        if found.file is not None:
            self._offer(found, f"{found.model.name} is ready.")
        self._go_on()

    def _failed(self, error: BaseException) -> None:
        self._over()
        self.message.tell(message_of(error), "error")
        if self._study is not None:
            folders = (self._study.models, self._study.folder / learning.PROPOSALS)
            self.session.run(learning.tidied, *folders, here=True)

    def _cancelled(self) -> None:
        self._over()
        self.message.tell("Stopped before there was anything to keep; all is as it was.", "info")

    def _over(self) -> None:
        self._task = None
        self.show_states(self._states())

    # The curve

    def _read_log(self) -> None:
        if self._study is not None:
            path = self._study.folder / learning.LOG_FILE
            self.session.run(learning.known_log, path, self._study.models, on_done=self._log_came, here=True)

    def _log_came(self, found: tuple[learning.LearningLog, Path | None]) -> None:
        log, model = found
        shown = bool(log.points) and self._corrections is not None
        self.plot.setVisible(shown)
        self.legend.setVisible(shown)
        if shown:
            self.plot.show_log(log)
            self.legend.setText(self.plot.legend())
        if model is not None and self.session.model is None:
            self.session.model = model
            self.session.model_changed.emit()

    # Proposals

    def _offer(self, found: learning.Proposals, question: str) -> None:
        self.layer.close()
        self._found, self._question = found, question
        self._ask()

    def _ask(self) -> None:
        """Offer what is still of use: the person may have corrected some of these frames meanwhile."""
        if self._found is None:
            return
        n = len(self._open_frames() & {one.t for one in self._found.frames})
        if n == 0:
            self._withdraw()
            self.message.tell(
                f"{self._question} There is no uncorrected frame to propose labels for.", "info"
            )
        else:
            self.offer.show_frame(self.session.frame())
            self.offer.ask(self._found, self._question, n)

    def _withdraw(self) -> None:
        self._found = None
        self.offer.withdraw()
        self.layer.close()

    def _look(self, on: bool) -> None:
        if not on:
            self.layer.close()
        elif self._found is not None and self._found.file is not None and self._corrections is not None:
            self.layer.open(self._found.file, self._corrections.movie.shape)

    def _take(self) -> None:
        corrections, found = self._corrections, self._found
        if corrections is None or found is None or found.file is None:
            return
        self._withdraw()
        before = corrections.n_proposals_changed

        def labels(frame: int) -> object:
            corrections.settling.now((frame,))
            return corrections.movie[frame]

        task = self.session.run(
            learning.take_now,
            found,
            labels,
            self._open_frames(),
            on_done=lambda taken: self._taken(corrections, found, taken, before),
            on_failed=lambda error: self.message.tell(message_of(error), "error"),
            title="Taking proposals",
            here=True,
        )
        self.progress.follow(task, "Stop", "Stop; no label is changed")

    def _taken(self, corrections: Corrections, found: learning.Proposals, taken: Taken, before: int) -> None:
        if corrections is not self._corrections:
            return
        if corrections.n_proposals_changed != before:  # others were undone: these do not fit any more
            self._offer(found, "The labels changed meanwhile.")
            return
        frames = taken.frames & self._open_frames()  # decided now, not when it was asked
        if not frames:
            self.message.tell("The proposals are what the labels are already; nothing was changed.", "info")
            return
        corrections.take(replace(taken, frames=frames))
        n = len(frames)
        self.message.tell(
            f"{n:,} uncorrected frame{'s have' if n != 1 else ' has'} new labels, by {taken.who}. "
            "Ctrl-Z takes all of them back.",
            "info",
        )

    def _settle(self) -> None:
        """Have the frames changed that wait for it, in a thread; those in view do not wait."""
        corrections = self._corrections
        if corrections is None or self.session.is_closed:
            return
        task = self.session.run(corrections.settling.rest, on_failed=corrections.failed.emit, here=True)
        self._settling = [one for one in self._settling if not one.over.is_set()] + [task]

    def _edited(self, frame: int) -> None:
        if frame < 0 and self._corrections is not None:
            self._corrections.settle((self.session.frame(),))

    def _frame_came(self, t: int) -> None:
        if self._corrections is not None:
            self._corrections.settle((t,))
        if self._found is not None:
            self.offer.show_frame(t)

    def shut_down(self) -> None:
        """Let go of the viewer."""
        self.use(None)
        self.session.frame_changed.disconnect(self._frame_came)


def _scores(point: learning.LearningPoint) -> str:
    """Say how the new model compares, and on what."""
    told = f"AP {point.ap50_before:.2f} → {point.ap50:.2f}"
    if point.flatters:
        return f"{told}, on the frames it learned from: that flatters. Accept three frames for an exam."
    n = len(point.exam)
    return f"{told}, on {n} frame{'s' * (n != 1)} that it never learned from."
