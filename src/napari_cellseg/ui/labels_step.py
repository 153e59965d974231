"""Step 2: labels from the fluorescence, and which frames of them to trust."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QPushButton, QWidget

from napari_cellseg.config import LabelConfig, TriageConfig
from napari_cellseg.errors import CellSegError
from napari_cellseg.live import labelling
from napari_cellseg.progress import Event, Progress
from napari_cellseg.ui.diameter_line import DiameterLine
from napari_cellseg.ui.forms import ConfigForm
from napari_cellseg.ui.layers import AUTO, add_labels, remove
from napari_cellseg.ui.portable import Plane
from napari_cellseg.ui.preview import LivePreview
from napari_cellseg.ui.step import Step, folded
from napari_cellseg.ui.triage_panel import TriagePanel

if TYPE_CHECKING:
    from pathlib import Path

    from napari_cellseg.ui.session import Session
    from napari_cellseg.ui.task import Task

_SMALLER, _LARGER = 0.5, 1.6
"""Nuclei from half to 1.6 times the diameter measured are kept: young daughters to cells before division."""


class LabelsStep(Step):
    """Settings with a live preview, one button that labels the movie, and the table of its frames.

    Parameters
    ----------
    session : Session
        What the steps share.
    """

    title = "Labels"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self._task: Task | None = None
        self._asked_layer = False
        self._source = self._working_on = ""
        self.preview = LivePreview(session, self)
        self.line = DiameterLine(session.viewer, lambda: session.fluorescence_layer, self)
        self.form = ConfigForm(LabelConfig, parent=self)
        self.triage = ConfigForm(TriageConfig, parent=self)
        self.review = TriagePanel(session, self)
        self._lay_out()
        self._connect()
        self._on_stack()

    def _lay_out(self) -> None:
        self.measure = QPushButton("Measure a nucleus …", self)
        self.measure.setCheckable(True)
        self.measure.setToolTip(
            "Draw a line across a typical nucleus: the smallest and the largest diameter follow from it"
        )
        self.estimate = QPushButton("Estimate", self)
        self.estimate.setToolTip("Estimate the smallest and the largest diameter from the frame that you see")
        sizes = QWidget(self)
        size_row = QHBoxLayout(sizes)
        size_row.setContentsMargins(0, 0, 0, 0)
        size_row.addWidget(self.measure, 2)
        size_row.addWidget(self.estimate, 1)
        self.show_preview = QCheckBox("Preview", self)
        self.show_preview.setToolTip("Show what these settings find in the frame that you see")
        self.show_preview.setChecked(True)
        self.count = QLabel("", self)
        row = QHBoxLayout()
        row.addWidget(self.show_preview)
        row.addWidget(self.count, 1)
        self.settings = folded("How nuclei are found", self, open_=True)
        self.settings.addWidget(sizes)
        self.settings.addWidget(self.form)
        self.trust = folded("Which frames are trusted", self)
        self.trust.addWidget(self.triage)
        self.body.addWidget(self.settings)
        self.body.addWidget(self.trust)
        self.body.addLayout(row)
        self.set_primary(
            "Make labels",
            "Find nuclei in the fluorescence of all frames, and judge which frames can be trusted",
            self.make_labels,
        )
        self.below.addWidget(self.review)

    def _connect(self) -> None:
        session = self.session
        session.stack_changed.connect(self._on_stack)
        session.study_changed.connect(self._on_study)
        session.verdicts_changed.connect(self._on_verdicts)
        session.frame_changed.connect(self._on_frame)
        self.form.changed.connect(self._on_settings)
        self.triage.changed.connect(self._on_trust)
        self.show_preview.toggled.connect(self._renew_preview)
        self.preview.counted.connect(lambda t, n: self.count.setText(f"{n:,} nuclei in frame {t}"))
        self.preview.asked.connect(lambda: self.count.setText("looking …"))
        self.preview.failed.connect(self.show_error)
        self.measure.toggled.connect(lambda on: self.line.start() if on else self.line.stop())
        self.estimate.clicked.connect(lambda _checked: self._estimate())
        self.line.ended.connect(lambda: self.measure.setChecked(False))
        self.line.measured.connect(self._on_measured)
        self.review.failed.connect(self.show_error)

    # ---------------------------------------------------------------- what is there

    def opened(self) -> None:
        """Start the preview."""
        super().opened()
        self._renew_preview()

    def closed(self) -> None:
        """End the preview and the measuring."""
        super().closed()
        self.line.stop()
        self.preview.turn(False)

    def _renew_preview(self, _on: bool = False) -> None:
        wanted = self.show_preview.isChecked() and self.isVisible() and self._ready() and self._task is None
        self.count.setText("")
        self.preview.turn(wanted, self.form.value())

    def _ready(self) -> bool:
        return self.session.stack is not None and self.session.fluorescence_channel is not None

    def _on_stack(self) -> None:
        """Start over with other pictures."""
        session = self.session
        source = session.stack.source if session.stack is not None else ""
        if source != self._source:
            self._source = source
            if session.labels_layer is not None:
                remove(session.viewer, session.labels_layer)
                session.labels_layer = None
                session.labels_changed.emit()
        self._on_verdicts()
        self.primary.setEnabled(self._ready() and self._task is None)
        self.measure.setEnabled(self._ready())
        self.estimate.setEnabled(self._ready())
        if session.stack is None:
            self._send_back("Choose an image first.", "todo", "needs an image")
        elif not self._ready():
            self._send_back(
                "Labels are made from a fluorescence channel, and none is chosen. With labels of your own "
                "go on to step 4, with a model to step 5.",
                "todo",
                "no fluorescence chosen",
            )
        else:
            self.message.clear()
            if not session.verdicts:
                self.summarise("todo", "not yet")
        self._renew_preview()

    def _send_back(self, text: str, state: Any, line: str) -> None:
        self.message.tell(text, "info", "Go to Data", lambda: self.session.step_wanted.emit("Data"))
        self.summarise(state, line)

    def _on_settings(self, config: LabelConfig) -> None:
        if not self.show_preview.isChecked():
            self.show_preview.setChecked(True)
        self.preview.renew(config)

    def _on_frame(self, _t: int) -> None:
        self.preview.frame_moved()

    def _on_measured(self, diameter_px: float) -> None:
        low, high = round(_SMALLER * diameter_px, 1), round(_LARGER * diameter_px, 1)
        self._use_diameters(low, high, f"Measured {diameter_px:.1f} px")

    def _use_diameters(self, low: float, high: float, found: str) -> None:
        low, high = max(low, 1.0), max(high, 2.0)
        sizes = {"min_diameter_px": low, "max_diameter_px": high}
        self.form.set_value(self.form.value().model_copy(update=sizes))
        self.message.tell(f"{found}: nuclei of {low:g} to {high:g} px are kept.", "info")

    def _estimate(self) -> None:
        """Ask the helper how large the nuclei of this frame are."""
        session = self.session
        if session.stack is None or session.fluorescence_channel is None:
            return
        t = session.frame()

        def found(sizes: tuple[float, float] | None) -> None:
            if sizes is None:
                self.message.tell(f"No nucleus was found in frame {t}. Choose another frame.", "warning")
            else:
                self._use_diameters(*sizes, f"Estimated from frame {t}")

        plane = Plane(session.stack, t, session.fluorescence_channel)
        session.run(labelling.suggest, plane, on_done=found, on_failed=self.show_error, quick=True)

    # ---------------------------------------------------------------- labels of all frames

    def make_labels(self) -> None:
        """Label all frames, in the helper."""
        session = self.session
        stack, channel = session.stack, session.fluorescence_channel
        if stack is None or channel is None:
            return
        try:
            study = session.need_study()
        except CellSegError as error:
            self.show_error(error)
            return
        self.line.stop()
        self.preview.turn(False)
        self.count.setText("")
        remove(session.viewer, session.labels_layer)
        session.labels_layer, self._asked_layer = None, False
        self._working_on = stack.source
        session.verdicts = []
        session.verdicts_changed.emit()
        self._task = session.run(
            labelling.label_movie,
            stack,
            channel,
            self.form.value(),
            self.triage.value(),
            study,
            session.temporary.new_file("labels"),
            on_event=self._on_event,
            on_done=self._on_made,
            on_failed=lambda _error: self._ended("attention", "failed; open this step to see why"),
            on_cancelled=self._on_cancelled,
            title="Making labels",
        )
        self.follow(self._task, "Stop", "Stop; labels that were made before stay as they were")
        self.summarise("running", "starting")

    def _on_event(self, event: Event) -> None:
        session = self.session
        if isinstance(event, Progress):
            self.summarise("running", f"{event.done} of {event.total} frames")
        elif isinstance(event, labelling.FrameReady) and self._working_on == self._source:
            if session.labels_layer is not None and event.t == session.frame():
                session.labels_layer.refresh()
            elif not self._asked_layer:
                self._asked_layer = True
                self._show_labels(event.path)

    def _show_labels(self, path: Path) -> None:
        self.session.run(labelling.map_labels, path, on_done=self._add_layer, here=True)

    def _add_layer(self, movie: Any) -> None:
        session = self.session
        over: Any = session.fluorescence_layer or session.image_layer
        if over is None or over not in session.viewer.layers:
            return
        remove(session.viewer, session.labels_layer)
        session.labels_layer = add_labels(session.viewer, movie, AUTO, "auto", over, contour=2)
        session.labels_layer.editable = False
        session.labels_changed.emit()

    def _on_made(self, made: labelling.LabelsMade) -> None:
        self._task = None
        session = self.session
        if self._working_on != self._source:  # the person went on to other images meanwhile
            self._on_study()
            self.message.tell(f"The labels of {self._working_on} are ready; they are kept with them.", "info")
            return
        session.verdicts = list(made.verdicts)
        self.show_preview.blockSignals(True)
        self.show_preview.setChecked(False)
        self.show_preview.blockSignals(False)
        self.preview.turn(False)
        self.settings.collapse(animate=False)
        self._show_labels(made.path)
        session.verdicts_changed.emit()

    def _on_cancelled(self) -> None:
        session = self.session
        self._ended("attention", "stopped; nothing was changed")
        remove(session.viewer, session.labels_layer)
        session.labels_layer = None
        self._on_study()
        self.message.tell("Stopped. Labels that were made before stay as they were.", "info")

    def _ended(self, state: Any, line: str) -> None:
        self._task = None
        self.summarise(state, line)

    def _on_over(self) -> None:
        super()._on_over()
        self.primary.setEnabled(self._ready())

    def _on_study(self) -> None:
        """Bring back what an earlier session left in the study."""
        study = self.session.study
        stack = self.session.stack
        if study is None or stack is None or self._task is not None or self.session.verdicts:
            return
        source = stack.source
        self.session.run(
            labelling.labels_of,
            study,
            (stack.n_frames, *stack.frame_shape),
            on_done=lambda made: self._on_found(made, source),
            here=True,
        )

    def _on_found(self, made: labelling.LabelsMade | None, source: str) -> None:
        if made is not None and not self.session.verdicts and source == self._source:
            self._working_on = source
            self._on_made(made)
            self.message.tell("These labels were made earlier; they come from the study's folder.", "info")

    def _on_trust(self, config: TriageConfig) -> None:
        if self._task is None:
            self.review.judge_again(config)

    def _on_verdicts(self) -> None:
        verdicts = self.session.verdicts
        self.primary.setText("Make labels again" if verdicts else "Make labels")
        if not verdicts:
            return
        line = self.review.line()
        kept = any(verdict.keep for verdict in verdicts)
        self.summarise("done" if kept else "attention", line)
        if not kept:
            self.message.tell(
                "No frame is kept. Look at the reasons below, then change which frames are trusted, or how "
                "nuclei are found and make the labels again.",
                "warning",
            )

    def shut_down(self) -> None:
        """End the preview and the measuring, and write what waits to be written."""
        self.line.stop()
        self.preview.turn(False)
        self.review.shut_down()
