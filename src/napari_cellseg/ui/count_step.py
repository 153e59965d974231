"""Step 5: find the nuclei with a model, count them, look at the numbers, and take them home."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from qtpy.QtCore import QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QCheckBox, QFileDialog, QFormLayout, QHBoxLayout, QWidget

from napari_cellseg.config import MeasureConfig, PredictConfig
from napari_cellseg.errors import CellSegError
from napari_cellseg.live import counting
from napari_cellseg.live.counts import Counts
from napari_cellseg.live.training import DeviceChosen
from napari_cellseg.pipeline.inputs import channel_for
from napari_cellseg.progress import Event, Progress
from napari_cellseg.ui.buttons import text_button
from napari_cellseg.ui.calm import Calm
from napari_cellseg.ui.canvas_text import CanvasText
from napari_cellseg.ui.count_panel import COUNT_LETTERS, CountPanel, count_text
from napari_cellseg.ui.forms import ConfigForm
from napari_cellseg.ui.many_panel import ManyPanel
from napari_cellseg.ui.model_combo import ModelCombo
from napari_cellseg.ui.model_menu import ModelMenu, with_menu
from napari_cellseg.ui.predictions import PredictionLayers
from napari_cellseg.ui.step import State, Step, folded

if TYPE_CHECKING:
    from napari_cellseg.measure.tables import CellTable
    from napari_cellseg.ui.session import Session

_OVERLAY = "cellseg_count"


class CountStep(Step):
    """The panel of step 5.

    Parameters
    ----------
    session : Session
        What the steps share.
    parent : QWidget, optional
        Qt's owner.
    """

    title: ClassVar[str] = "Count"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self._counts = Counts()
        self._many_news: tuple[State, str] = ("todo", "")
        self._summary = self._counts.summary(None, None)
        self._calm = Calm(lambda _event: self._show_counts(), self)
        self._progress = Calm(self._show_progress, self)
        self.layers = PredictionLayers(session, self)
        self.layers.object_picked.connect(self._picked)
        self.layers.shown.connect(self._show_here)
        self.model = ModelCombo(session, parent=self)
        self.model.setToolTip("The model that finds the nuclei. Step 4 trains one.")
        self.model.model_chosen.connect(self._model_chosen)
        form = QFormLayout()
        self.menu = ModelMenu(session, self.model, self.message, self)
        form.addRow("Model", with_menu(self.model, self.menu))
        self.body.addLayout(form)
        self.config = ConfigForm(PredictConfig, parent=self)
        self.measuring = ConfigForm(MeasureConfig, parent=self)
        self.measuring.changed.connect(lambda _config: self._show_counts())
        self.add_option(self.config)
        self.add_option(self.measuring)
        self.set_primary(
            "Count all frames",
            "Find and count the nuclei of every frame, the one in view first",
            self.count_all,
        )
        self.one = text_button(
            "Only this frame",
            "Try the model and its settings on the frame in view",
            lambda: self._count([self._here]),
        )
        self.body.addWidget(self.one)
        self.panel = CountPanel(session.viewer, self)
        self.panel.frame_wanted.connect(session.go_to)
        self.panel.object_wanted.connect(self._wanted)
        self._add_below()
        self._on_picture = CanvasText(session.viewer, _OVERLAY, COUNT_LETTERS, self)
        session.frame_changed.connect(self._show_here)
        session.model_changed.connect(self._model_came)
        session.study_changed.connect(self.model.refresh)
        session.stack_changed.connect(self._stack_came)
        self._show_counts()

    def _add_below(self) -> None:
        self.contours = QCheckBox("Contours", self)
        self.contours.setToolTip("Outlines instead of filled nuclei")
        self.contours.setChecked(True)
        self.contours.toggled.connect(self.layers.show_contours)
        self.probability = QCheckBox("Probability", self)
        self.probability.setToolTip("Show how sure the model is of each pixel")
        self.probability.toggled.connect(self.layers.show_probability)
        self.on_canvas = QCheckBox("Count on the picture", self)
        self.on_canvas.setToolTip("Write the count of the frame in view on the picture")
        self.on_canvas.setChecked(True)
        self.on_canvas.toggled.connect(lambda _on: self._show_here())
        looks = QHBoxLayout()
        for box in (self.contours, self.probability, self.on_canvas):
            looks.addWidget(box)
        self.export = text_button(
            "Export",
            "Write counts.csv, cells.csv and the labels as TIFF into the study's results",
            self._export,
        )
        self.export_to = text_button("Export to …", "Write them into another folder", self._export_to)
        self.panel.actions.addWidget(self.export, 1)
        self.panel.actions.addWidget(self.export_to)
        self.below.addLayout(looks)
        self.below.addWidget(self.panel)
        self.below.addWidget(self._many_files())
        self.below.addStretch(1)

    def _many_files(self) -> QWidget:
        """Make the folded section that counts what is not open."""
        self.many = ManyPanel(self.session, self.model, self.config, self.measuring, self)
        self.many.news.connect(self._many_came)
        self.many_files = folded("Many files", self)
        self.many_files.addWidget(self.many)
        return self.many_files

    def _many_came(self, state: State, text: str) -> None:
        """Show in the line of the step how far the many files are, unless frames are being counted."""
        self._many_news = (state, text)
        if self.progress.task is None:
            self._summarise()

    @property
    def _here(self) -> int:
        return self.session.frame()

    # Counting

    def count_all(self) -> None:
        """Find and count the nuclei of every frame, the one in view first."""
        stack = self.session.stack
        if stack is None:
            self._count([])
            return
        here, n = self._here, stack.n_frames
        self._count([*range(here, n), *range(here)])

    def _count(self, frames: list[int]) -> None:
        session, model = self.session, self.model.model
        if session.stack is None:
            self._missing("Choose the images in step 1 first.", "Go to 1 Data", "Data")
            return
        if model is None:
            text = "Choose a model above, one of the program's or your own. Step 4 trains one."
            self._missing(text, "Go to 4 Train", "Train")
            return
        try:
            study = session.need_study()
            job = counting.PredictionJob(
                self._channel(),
                tuple(frames),
                model,
                self.config.value(),
                self.measuring.value(),
                study.predictions / model.name,
            )
        except CellSegError as error:
            self.show_error(error)
            return
        task = session.run(
            counting.count_frames,
            session.stack,
            job,
            on_event=self._on_event,
            on_done=self._on_done,
            on_failed=lambda _error: self._summarise(),
            on_cancelled=self._on_stopped,
            title="Counting",
        )
        self.one.setEnabled(False)
        self.follow(task, "Stop", "Stop; the frames counted so far are kept")

    def _channel(self) -> int:
        return channel_for(self.model.card(), self.session.image_channel, self.session.fluorescence_channel)

    def _missing(self, text: str, button: str, step: str) -> None:
        self.message.tell(text, "warning", button, lambda: self.session.step_wanted.emit(step))

    def _on_event(self, event: Event) -> None:
        if isinstance(event, DeviceChosen):
            self.session.device = event.label
            self.session.device_changed.emit()
        elif isinstance(event, counting.FilesReady):
            if event != self.layers.files:
                self._counts.clear()
            self.layers.open(event, event.labels.parent.name)
        elif isinstance(event, counting.FrameCounted):
            self._counts.put(event.t, event.table)
            if event.t == self._here:
                self.layers.refresh()
            self._calm.put(event)
        elif isinstance(event, Progress):
            self._progress.put(event)

    def _show_progress(self, event: Progress) -> None:
        if self.progress.task is not None:
            self.summarise("running", f"{event.done} of {event.total} frames")

    def _on_done(self, _frames: object) -> None:
        self._over()
        self.message.clear()

    def _on_stopped(self) -> None:
        self._over()
        self.message.tell("Stopped; the frames counted so far are kept.", "info")

    def _over(self) -> None:
        self._calm.flush()
        self._show_counts()
        self.session.run(counting.whole_table, self._counts.tables(), on_done=self._whole_came, here=True)

    def _whole_came(self, table: CellTable) -> None:
        self.panel.show_whole(table)
        self.session.cells = table
        self.session.cells_changed.emit()
        self.session.prediction_changed.emit()

    # What is seen

    def _show_counts(self) -> None:
        stack = self.session.stack
        try:
            diameter = self.measuring.value().typical_diameter_px
        except CellSegError as error:
            self.show_error(error)
            return
        pixel_size = stack.pixel_size_um if stack is not None else None
        self._summary = self._counts.summary(diameter, pixel_size)
        self.panel.setVisible(len(self._counts) > 0)
        self.panel.show_counts(self._counts, self._summary)
        self._show_here()
        if self.progress.task is None:
            self._summarise()

    def _show_here(self, _frame: object = None) -> None:
        here, labels = self._here, self.layers.labels
        self.panel.show_frame(here, self._summary)
        shown = labels is not None and labels.visible  # who judges blind must not read the count either
        seen = here in self._summary.frames and self.on_canvas.isChecked() and shown
        if seen:
            self._on_picture.show(count_text(here, self._summary))
        else:
            self._on_picture.hide()

    def _summarise(self) -> None:
        frames = self._summary.frames
        state, text = self._many_news
        if state == "running" or (text and not frames):
            self.summarise(state, text)
            return
        if not frames:
            self.summarise("todo", "not yet")
            return
        counts = self._summary.by_instances
        least, most = min(counts), max(counts)
        each = f"{least} nuclei" if least == most else f"{least} to {most} nuclei each"
        self.summarise("done", f"{len(frames)} frame{'s' * (len(frames) > 1)} · {each}")

    def _picked(self, frame: int, label: int) -> None:
        self.panel.choose(frame, label)

    def _wanted(self, frame: int, label: int) -> None:
        table = self.panel.table.objects
        row = table.row_of(frame=frame, label=label)
        if row is not None:
            y, x = (float(table.value(row, f"centroid_{axis}_px")) for axis in "yx")
            self.layers.show_object(frame, label, y, x)

    # Taking the numbers home

    def _export(self) -> None:
        try:
            self._export_into(self.session.need_study().results)
        except CellSegError as error:
            self.show_error(error)

    def _export_to(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder for the results")
        if chosen:
            self._export_into(Path(chosen))

    def _export_into(self, folder: Path) -> None:
        session, files = self.session, self.layers.files
        if session.stack is None or files is None or not self._counts:
            return
        task = session.run(
            counting.export,
            session.stack,
            self._counts.tables(),
            files.labels,
            folder,
            on_done=self._exported,
            title="Writing results",
            quick=True,
        )
        self.follow(task)

    def _exported(self, made: counting.Exported) -> None:
        stack = self.session.stack
        missing = stack.n_frames - len(self._counts) if stack is not None else 0
        note = f" {missing} frames were not counted and are empty in the labels." if missing > 0 else ""
        names = ", ".join(path.name for path in (made.counts, made.cells, made.labels))
        url = QUrl.fromLocalFile(str(made.folder))
        self.message.tell(
            f"{names} are in {made.folder}.{note}",
            "info",
            "Open folder",
            lambda: QDesktopServices.openUrl(url),
        )

    # What comes and goes

    def _model_came(self) -> None:
        self.model.refresh(self.session.model)

    def _model_chosen(self, model: Path | None) -> None:
        if model != self.session.model:
            self.session.model = model
            self.session.model_changed.emit()

    def _stack_came(self) -> None:
        """Take the numbers of another stack away; its files stay."""
        if self.session.study is None:
            self._counts.clear()
            self.layers.close()
        self._show_counts()

    def _on_over(self) -> None:
        super()._on_over()
        self.one.setEnabled(True)
        self._summarise()

    def opened(self) -> None:
        """Look which models there are now, and get the letters of the count ready."""
        self.model.refresh()
        self._on_picture.prepare()

    def shut_down(self) -> None:
        """Take the count off the picture."""
        self._on_picture.remove()
