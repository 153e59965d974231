"""Part of step 3: the program learns from what is corrected, and proposes labels for the other frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
from napari_cellseg.ui.learn_plot import LearnPlot
from napari_cellseg.ui.proposing import Proposing
from napari_cellseg.ui.step import Message, ProgressRow
from napari_cellseg.ui.task import message_of

if TYPE_CHECKING:
    from napari_cellseg.data.project import Study
    from napari_cellseg.ui.corrections import Corrections
    from napari_cellseg.ui.session import Session
    from napari_cellseg.ui.task import Task

OPEN_STATES = frozenset({"auto", "doubtful", "predicted"})
"""Of frames in these states nobody decided anything: only their labels may be replaced by proposals."""

_KNOWN_STATES = ("accepted", "in work")
_EVERY = 3
_POOR = 0.5
_STOP_TAKING = "Stop; no label is changed"
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
        self._n_new = 0
        self.train = TrainConfig()
        self.learn = QPushButton("Learn from this", self)
        self.learn.setToolTip(
            "Fine-tune the model on the frames that you accepted and corrected, in the background, and have "
            "it propose labels for the others. You can go on correcting meanwhile."
        )
        self.learn.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.learn.clicked.connect(lambda _on: self.start())
        self.by_itself = QCheckBox("by itself, after every", self)
        self.by_itself.setToolTip("Learn without being asked, after so many newly accepted frames")
        self.every = QSpinBox(self)
        self.every.setRange(1, 1000)
        self.every.setValue(_EVERY)
        self.progress = ProgressRow(self)
        self.message = Message(self)
        self.proposing = Proposing(session, self.open_frames, self)
        self.offer = self.proposing.offer
        self.plot = LearnPlot(session.viewer, self)
        self.legend = QLabel(self)
        self.options = ConfigForm(LearnConfig, parent=self)
        self._lay_out()
        self.by_itself.toggled.connect(lambda _on: self._go_on())
        self.proposing.told.connect(self.message.tell)
        self.proposing.followed.connect(self._follow_taking)

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        for widget in (self.by_itself, self.every, QLabel("frames", self)):
            row.addWidget(widget)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.learn)
        column.addLayout(row)
        for widget in (self.progress, self.message, self.offer, self.plot, self.legend):
            column.addWidget(widget)
        column.addStretch(1)
        self.plot.dress_with(lambda: self.legend.setText(self.plot.legend()))
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
        self.proposing.use(corrections)
        self.message.clear()
        if self._copies is not None:
            self._copies.stop()
        if self._task is not None:
            self._task.drop()
        self._copies = self._task = None
        self._corrections, self._study, self._n_new = corrections, study, 0
        self.plot.hide()
        self.legend.hide()
        if corrections is not None and study is not None:
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
            tuple(sorted(self.open_frames())),
            session.frame(),
            session.model,
            session.image_channel,
            session.fluorescence_channel,
            self.options.value(),
            self.train,
        )

    def open_frames(self) -> frozenset[int]:
        """Tell which frames nobody decided about, as it is at this moment.

        Returns
        -------
        frozenset of int
            Only their labels may be replaced by proposals.
        """
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

    def _follow_taking(self, task: Task) -> None:
        if not self.is_at_work:  # the row shows one task at a time
            self.progress.follow(task, "Stop", _STOP_TAKING)

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
            self.proposing.ask(result.proposals, learned)
        self._go_on()

    def _tell_model(self, text: str, kind: str, model: Path) -> None:
        wanted = bool(self.open_frames())
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
            self.proposing.ask(found, f"{found.model.name} is ready.")
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
        if model is not None and self.session.model is None:
            self.session.model = model
            self.session.model_changed.emit()

    def shut_down(self) -> None:
        """Let go of the viewer."""
        self.use(None)
        self.proposing.shut_down()


def _scores(point: learning.LearningPoint) -> str:
    """Say how the new model compares, and on what."""
    told = f"AP {point.ap50_before:.2f} → {point.ap50:.2f}"
    poor = " It is still poor: look before you take anything." if point.kept and point.ap50 < _POOR else ""
    if point.flatters:
        return f"{told}, on the frames it learned from: that flatters. Accept three frames for an exam.{poor}"
    n = len(point.exam)
    return f"{told}, on {n} frame{'s' * (n != 1)} that it never learned from.{poor}"
