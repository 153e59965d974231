"""Step 4: one button trains a network on the frames that were found right, and shows how it learns."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from qtpy.QtWidgets import QComboBox, QFormLayout, QLabel, QLineEdit, QWidget

from napari_cellseg.config import Config, NetConfig, TrainConfig
from napari_cellseg.errors import CellSegError
from napari_cellseg.label.review import frames_to_learn, states
from napari_cellseg.learn.events import BatchDone, Compared, EpochDone, Preflight
from napari_cellseg.live.training import DeviceChosen, PicturesShown, TrainingJob, train_on_study
from napari_cellseg.progress import Event, Note
from napari_cellseg.ui.calm import Calm
from napari_cellseg.ui.curves import LearningCurves, PictureRows
from napari_cellseg.ui.forms import ConfigForm
from napari_cellseg.ui.layers import LayerCombo, role_of
from napari_cellseg.ui.model_combo import ModelCombo
from napari_cellseg.ui.model_menu import ModelMenu, with_menu
from napari_cellseg.ui.sources import is_finished_labels, labels_source
from napari_cellseg.ui.step import Step, folded, time_left

if TYPE_CHECKING:
    from napari.layers import Labels

    from napari_cellseg.ui.session import Session

_SCRATCH = "nothing (from scratch)"
_FEW = 5
_SCORES = (("iou", "IoU"), ("ap50", "AP at IoU 0.5"), ("f1", "F1"), ("count_error", "counting error"))


class TrainStep(Step):
    """The panel of step 4.

    Parameters
    ----------
    session : Session
        What the steps share.
    parent : QWidget, optional
        Qt's owner.
    """

    title: ClassVar[str] = "Train"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self._epoch = ""
        self._compared: Compared | None = None
        self._by_hand = False
        self._calm = Calm(self._show_batch, self)
        self.labels = LayerCombo(session.viewer, is_finished_labels, parent=self)
        self.labels.setToolTip("The labels to learn from")
        self.base = ModelCombo(session, _SCRATCH, self)
        self.base.setToolTip(
            "A model that knows nuclei already learns yours from few frames. It stays as it is: "
            "what is learned goes into a new model."
        )
        self.frames = QLabel(self)
        self.frames.setWordWrap(True)
        form = QFormLayout()
        form.addRow("Learn from", self.labels)
        self.menu = ModelMenu(session, self.base, self.message, self)
        form.addRow("Start with", with_menu(self.base, self.menu))
        self.body.addLayout(form)
        self.body.addWidget(self.frames)
        self.name = QLineEdit("model", self)
        self.name.setToolTip("Name of the new model; a number is added when there is one of this name")
        self.config = ConfigForm(TrainConfig, fields=_of_objects(TrainConfig), parent=self)
        self.net = ConfigForm(NetConfig, fields=_of_objects(NetConfig), parent=self)
        for box in self.net.findChildren(QComboBox):  # names of encoders are long, the panel is not
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(8)
        self._fill_options()
        self.set_primary("Train", "Learn from these frames; you can go on working meanwhile", self._train)
        self.rate = QLabel(self)
        self.rate.setWordWrap(True)
        self.rate.hide()
        self.curves = LearningCurves(session.viewer, self)
        self.curves.hide()
        self.pictures = PictureRows(parent=self)
        self.scores = QLabel(self)
        self.scores.hide()
        for widget in (self.rate, self.scores, self.curves, self.pictures):
            self.below.addWidget(widget)
        self.below.addStretch(1)
        for signal in (session.labels_changed, session.corrected_changed, session.verdicts_changed):
            signal.connect(self._labels_came)
        session.stack_changed.connect(self._stack_came)
        self.labels.activated.connect(self._chosen_by_hand)
        session.study_changed.connect(self.base.refresh)
        self.labels.layer_changed.connect(self._show_frames)
        self._show_frames()

    def _fill_options(self) -> None:
        names = QFormLayout()
        names.addRow("Name", self.name)
        holder = QWidget(self)
        holder.setLayout(names)
        names.setContentsMargins(0, 0, 0, 0)
        self.add_option(holder)
        self.add_option(self.config)
        self.net_section = folded("Network (for a model from scratch)", self)
        self.net_section.addWidget(self.net)
        self.add_option(self.net_section)
        self.base.model_chosen.connect(lambda model: self.net_section.setVisible(model is None))

    # What there is to learn from

    def _labels_came(self) -> None:
        """Learn from the best labels there are, unless the person chose others."""
        for layer in (self.session.corrected_layer, self.session.labels_layer):
            if layer is not None and not self._by_hand:
                self.labels.choose(layer)
                break
        self._show_frames()

    def _chosen_by_hand(self, _index: int) -> None:
        self._by_hand = True

    def _stack_came(self) -> None:
        if self.session.study is None:
            self._by_hand = False
        self._show_frames()

    def _chosen_frames(self, layer: Labels) -> tuple[list[int], str]:
        """Choose frames, and say which in words."""
        session, stack = self.session, self.session.stack
        n_frames = stack.n_frames if stack is not None else 0
        if role_of(layer) not in ("auto", "corrected"):
            return list(range(n_frames)), f"{n_frames} frames; those without any label are left out."
        doubts = {v.frame: v.reason for v in session.verdicts if not v.keep}
        predicted = session.predicted_frames if role_of(layer) == "corrected" else ()
        states_now = states(session.review, session.corrected_frames, doubts, n_frames, predicted)
        kept = [v.frame for v in session.verdicts if v.keep] if session.verdicts else None
        frames, kinds = frames_to_learn(states_now, kept)
        words = {"accepted": "accepted", "in work": "corrected", "auto": "labelled automatically"}
        parts = [f"{n} {words[kind]}" for kind, n in kinds.items() if n]
        return frames, f"{len(frames)} of {n_frames} frames: {', '.join(parts) or 'none'}."

    def _show_frames(self, _layer: object = None) -> None:
        layer = self.labels.layer
        if self.session.stack is None or layer is None:
            self.frames.setText("No labels to learn from yet.")
            return
        frames, text = self._chosen_frames(layer)
        few = " Few frames; correct and accept some more if the result is poor." if len(frames) < _FEW else ""
        self.frames.setText(text + few)

    # Training

    def _train(self) -> None:
        session, layer = self.session, self.labels.layer
        if session.stack is None:
            self._missing("Choose the images in step 1 first.", "Go to 1 Data", "Data")
            return
        if layer is None:
            text = "There are no labels to learn from. Step 2 makes them, or open your own as a labels layer."
            self._missing(text, "Go to 2 Labels", "Labels")
            return
        try:
            frames, _ = self._chosen_frames(layer)
            source = labels_source(layer, session)
            job = TrainingJob(
                session.image_channel,
                tuple(frames),
                self.config.value(),
                self.net.value(),
                session.need_study().models / (self.name.text().strip() or "model"),
                self.base.model,
                skip_empty=role_of(layer) not in ("auto", "corrected"),
                accepted=session.review.accepted if role_of(layer) == "corrected" else frozenset(),
            )
        except CellSegError as error:
            self.show_error(error)
            return
        self._begin()
        task = session.run(
            train_on_study,
            session.stack,
            source,
            job,
            on_event=self._on_event,
            on_done=self._on_done,
            on_failed=lambda _error: self.summarise("attention", "training failed"),
            on_cancelled=self._on_cancelled,
            title="Training",
        )
        self.follow(task, "Stop, keep best", "Stop now and keep the best model so far")

    def _missing(self, text: str, button: str, step: str) -> None:
        self.message.tell(text, "warning", button, lambda: self.session.step_wanted.emit(step))

    def _begin(self) -> None:
        self._epoch, self._compared = "", None
        self.curves.clear()
        self.pictures.show_pictures([])
        self.scores.hide()
        self.rate.hide()
        self.summarise("running", "starting")

    def _on_event(self, event: Event) -> None:
        if isinstance(event, BatchDone):
            self._calm.put(event)
        elif isinstance(event, EpochDone):
            self._show_epoch(event)
        elif isinstance(event, PicturesShown):
            self.pictures.show_pictures(list(event.rows))
        elif isinstance(event, Compared):
            self._compared = event
        elif isinstance(event, DeviceChosen):
            self.session.device = event.label
            self.session.device_changed.emit()
        elif isinstance(event, Preflight | Note):
            self._show_rate(event.text)

    def _show_batch(self, event: BatchDone) -> None:
        if self.progress.task is None or self.progress.task.stopping:
            return
        self.progress.bar.setRange(0, event.n_batches)
        self.progress.bar.setValue(event.batch)
        parts = [f"epoch {event.epoch}", time_left(event.seconds_left)]
        self.progress.text.setText(" · ".join(part for part in parts if part))
        self._show_rate(f"{event.images_per_s:.3g} images per second")
        self._summarise_running(event.epoch, event.seconds_left)

    def _show_epoch(self, event: EpochDone) -> None:
        self.curves.show()
        self.curves.add(event.epoch, event.train_loss, event.val_loss, event.val_iou, event.best)
        if event.best:
            self._epoch = f" · IoU {event.val_iou:.2f}"
        self._summarise_running(event.epoch, event.seconds_left)

    def _summarise_running(self, epoch: int, seconds_left: float | None) -> None:
        left = time_left(seconds_left)
        self.summarise("running", f"epoch {epoch}{self._epoch}" + (f" · {left}" if left else ""))

    def _show_rate(self, text: str) -> None:
        self.rate.setText(text)
        self.rate.show()

    # The end

    def _on_done(self, folder: Path) -> None:
        self._calm.flush()
        self.rate.hide()
        self.session.model = folder
        self.session.model_changed.emit()
        self.base.refresh()
        text = f"The new model is ready: {folder.name}."
        if self._compared is not None:
            self._show_scores(self._compared)
            better = self._compared.kept == "new"
            text = (
                f"The new model, {folder.name}, is better than the one before."
                if better
                else f"The model before, {folder.name}, is still better; the new one is kept too."
            )
        self.message.tell(text, "info", "Count with it", lambda: self.session.step_wanted.emit("Count"))
        self.summarise("done", f"{folder.name}{self._epoch}")

    def _on_cancelled(self) -> None:
        self.rate.hide()
        self.message.tell(
            "Training was stopped before its first epoch was done; there is no new model.", "info"
        )
        self.summarise("todo", "stopped")

    def _show_scores(self, compared: Compared) -> None:
        """Show the old and the new model side by side, on the same frames."""
        rows = "".join(
            f"<tr><td>{label}&nbsp;&nbsp;</td>"
            + "".join(
                f"<td align='right'>&nbsp;{_score(key, scores)}&nbsp;</td>"
                for scores in (compared.old_scores, compared.new_scores)
            )
            + "</tr>"
            for key, label in _SCORES
            if key in compared.new_scores
        )
        marks = ["<b>{}</b>" if compared.kept == which else "{}" for which in ("old", "new")]
        heads = "".join(
            f"<td align='right'>&nbsp;{mark.format(name)}&nbsp;</td>"
            for mark, name in zip(marks, ("before", "new"), strict=True)
        )
        self.scores.setText(f"<table><tr><td>on the same frames</td>{heads}</tr>{rows}</table>")
        self.scores.setToolTip(compared.text)
        kept = compared.new_scores if compared.kept == "new" else compared.old_scores
        self._epoch = f" · IoU {kept['iou']:.2f}" if "iou" in kept else ""
        self.scores.show()

    def opened(self) -> None:
        """Look which models there are now."""
        self.base.refresh()
        self._show_frames()

    def shut_down(self) -> None:
        """Stop following the layer list."""
        self.labels.shut_down()


def _of_objects(settings: type[Config]) -> list[str]:
    """Name the settings without those of classes: what the window corrects and counts are objects."""
    return [name for name in settings.model_fields if name not in ("classes", "class_loss")]


def _score(key: str, scores: object) -> str:
    value = scores.get(key) if hasattr(scores, "get") else None
    if value is None:
        return "–"
    return f"{100 * value:.1f} %" if key == "count_error" else f"{value:.3f}"
