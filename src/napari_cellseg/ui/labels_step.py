"""Step 2: labels from the fluorescence, and which frames of them to trust."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QPushButton, QWidget

from napari_cellseg.config import LabelConfig, TriageConfig
from napari_cellseg.live import labelling
from napari_cellseg.progress import Event, Progress
from napari_cellseg.ui.diameter_line import DiameterLine
from napari_cellseg.ui.forms import ConfigForm
from napari_cellseg.ui.layers import AUTO, add_labels, remove
from napari_cellseg.ui.preview import LivePreview
from napari_cellseg.ui.step import Step, folded
from napari_cellseg.ui.triage_table import TriageTable

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
        self._pictures: Task | None = None
        self._asked_layer = False
        self.preview = LivePreview(session, self)
        self.line = DiameterLine(session.viewer, lambda: session.fluorescence_layer, self)
        self.form = ConfigForm(LabelConfig, parent=self)
        self.triage = ConfigForm(TriageConfig, parent=self)
        self.table = TriageTable(self)
        self.totals = QLabel(self)
        self.totals.setWordWrap(True)
        self._lay_out()
        self._connect()
        self._on_stack()

    def _lay_out(self) -> None:
        self.measure = QPushButton("Measure a nucleus …", self)
        self.measure.setCheckable(True)
        self.measure.setToolTip(
            "Draw a line across a typical nucleus: the smallest and the largest diameter follow from it"
        )
        self.show_preview = QCheckBox("Preview", self)
        self.show_preview.setToolTip("Show what these settings find in the frame that you see")
        self.show_preview.setChecked(True)
        self.count = QLabel("", self)
        row = QHBoxLayout()
        row.addWidget(self.show_preview)
        row.addWidget(self.count, 1)
        self.settings = folded("How nuclei are found", self, open_=True)
        self.settings.addWidget(self.measure)
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
        self.below.addWidget(self.totals)
        self.below.addWidget(self.table)
        self.table.hide()

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
        self.line.ended.connect(lambda: self.measure.setChecked(False))
        self.line.measured.connect(self._on_measured)
        self.table.frame_chosen.connect(session.go_to)
        self.table.overruled.connect(self._on_overruled)
        self.table.pictures_wanted.connect(self._make_pictures)

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
        if session.labels_layer is not None:
            remove(session.viewer, session.labels_layer)
            session.labels_layer = None
            session.labels_changed.emit()
        self._on_verdicts()
        self.primary.setEnabled(self._ready() and self._task is None)
        self.measure.setEnabled(self._ready())
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

    def _on_frame(self, t: int) -> None:
        self.table.show_frame(t)
        self.preview.frame_moved()

    def _on_measured(self, diameter_px: float) -> None:
        config = self.form.value()
        low, high = round(_SMALLER * diameter_px, 1), round(_LARGER * diameter_px, 1)
        self.form.set_value(
            config.model_copy(update={"min_diameter_px": max(low, 1.0), "max_diameter_px": max(high, 2.0)})
        )
        self.message.tell(
            f"Measured {diameter_px:.1f} px: nuclei of {low:g} to {high:g} px are kept.", "info"
        )

    # ---------------------------------------------------------------- labels of all frames

    def make_labels(self) -> None:
        """Label all frames, in the helper."""
        session = self.session
        stack, channel = session.stack, session.fluorescence_channel
        if stack is None or channel is None:
            return
        study = session.need_study()
        self.line.stop()
        self.preview.turn(False)
        self.count.setText("")
        remove(session.viewer, session.labels_layer)
        session.labels_layer, self._asked_layer = None, False
        session.verdicts = []
        self.table.hide()
        self.totals.setText("")
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
        elif isinstance(event, labelling.FrameReady):
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

    # ---------------------------------------------------------------- verdicts

    def _on_study(self) -> None:
        """Bring back what an earlier session left in the study."""
        study = self.session.study
        if study is None or self._task is not None or self.session.verdicts:
            return
        self.session.run(labelling.labels_of, study, on_done=self._on_found, here=True)

    def _on_found(self, made: labelling.LabelsMade | None) -> None:
        if made is not None and not self.session.verdicts:
            self._on_made(made)
            self.message.tell("These labels were made earlier; they come from the study's folder.", "info")

    def _on_verdicts(self) -> None:
        verdicts = self.session.verdicts
        same = [v.frame for v in verdicts] == [v.frame for v in self.table.frames.verdicts]
        self.table.set_verdicts(verdicts, keep_pictures=same)
        self.table.setVisible(bool(verdicts))
        self.primary.setText("Make labels again" if verdicts else "Make labels")
        if not verdicts:
            self.totals.setText("")
            return
        self.table.show_frame(self.session.frame())
        kept = [verdict for verdict in verdicts if verdict.keep]
        nuclei = sum(verdict.scores.n_objects for verdict in kept)
        line = f"{len(kept)} of {len(verdicts)} frames kept · {nuclei:,} nuclei"
        self.totals.setText(f"<b>{line}</b>")
        self.summarise("done" if kept else "attention", line)
        if not kept:
            self.message.tell(
                "No frame is kept. Look at the reasons below, then change which frames are trusted, or how "
                "nuclei are found and make the labels again.",
                "warning",
            )

    def _on_trust(self, config: TriageConfig) -> None:
        """Judge the frames again; what the person said stays."""
        session = self.session
        if session.verdicts and session.stack is not None and self._task is None:
            height, width = session.stack.frame_shape
            session.run(
                labelling.judge_again,
                tuple(session.verdicts),
                config,
                height * width,
                session.study.verdicts if session.study is not None else None,
                on_done=self._on_judged,
                on_failed=self.show_error,
                quick=True,
            )

    def _on_judged(self, verdicts: Any) -> None:
        self.session.verdicts = list(verdicts)
        self.session.verdicts_changed.emit()

    def _on_overruled(self, frames: list[int], keep: bool) -> None:
        session = self.session
        chosen = set(frames)
        session.verdicts = [v.overruled(keep) if v.frame in chosen else v for v in session.verdicts]
        session.verdicts_changed.emit()
        if session.study is not None:
            session.run(
                labelling.keep_verdicts,
                session.study.verdicts,
                tuple(session.verdicts),
                on_failed=self.show_error,
                here=True,
            )

    def _make_pictures(self, frames: list[int]) -> None:
        session = self.session
        if session.stack is None or session.study is None or session.is_closed:
            return
        if self._pictures is not None:
            self._pictures.drop()
        channel = session.fluorescence_channel
        self._pictures = session.run(
            labelling.make_thumbnails,
            session.stack,
            channel if channel is not None else session.image_channel,
            session.study.labels_auto,
            frames,
            on_event=self._on_picture,
            quick=True,
        )

    def _on_picture(self, event: Event) -> None:
        if isinstance(event, labelling.Thumbnail):
            self.table.frames.set_picture(event.t, event.picture)

    def shut_down(self) -> None:
        """End the preview and the measuring."""
        self.line.stop()
        self.preview.turn(False)
