"""Compare models on the same frames, in the window: which is best for these images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QDialog,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_cellseg.errors import CellSegError
from napari_cellseg.live.comparing import FEWEST, MOST, Comparison, ComparisonJob, compare_on_study, saved
from napari_cellseg.live.training import DeviceChosen
from napari_cellseg.ui.comparison_result import PictureStrip, ScoreTable
from napari_cellseg.ui.model_ticks import ModelTicks
from napari_cellseg.ui.sources import labels_source
from napari_cellseg.ui.step import Message, ProgressRow
from napari_cellseg.ui.task import message_of
from napari_cellseg.ui.truths import Truth, truths

if TYPE_CHECKING:
    from napari_cellseg.progress import Event
    from napari_cellseg.ui.session import Session

_LEFT_PX = 440
_WIDTH_PX, _HEIGHT_PX, _TITLE_PX = 1110, 700, 40


class ModelComparison(QDialog):
    """Tick models, choose frames whose truth is known, and see which model does best.

    ``model_chosen(Path)`` tells the folder of the model that the person wants to use.

    Parameters
    ----------
    session : Session
        What the steps share.
    parent : QWidget, optional
        Qt's owner.
    """

    model_chosen = Signal(object)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._truths: list[Truth] = []
        self._result: Comparison | None = None
        self._compared: dict[str, Path] = {}
        self.setWindowTitle("Compare models")
        self.models = ModelTicks(session, self)
        self.truth, self.frames = QComboBox(self), QComboBox(self)
        self.said = QLabel(self)
        self.message = Message(self)
        self.go = QPushButton("Compare", self)
        self.progress = ProgressRow(self)
        self.table = ScoreTable(self)
        self.note = QLabel(self)
        self.use = _button("Use the best", "Choose the model of the row that is marked", self._use, self)
        self.save = _button("Save as CSV …", "Write all figures, and where they come from", self._save, self)
        self.strip = PictureStrip(self)
        self._set_up()
        self._lay_out()
        self._show_result(None)

    def _set_up(self) -> None:
        self.models.ticks_changed.connect(self._offer)
        self.truth.setToolTip("Labels that are taken for the truth")
        self.frames.setToolTip("Frames that are compared; more of them tell more, and take longer")
        self.truth.activated.connect(lambda _index: self._show_frames())
        self.frames.activated.connect(lambda _index: self._offer())
        for label in (self.said, self.note):
            label.setWordWrap(True)
        self.note.setTextFormat(Qt.TextFormat.PlainText)
        self.go.setObjectName("cellseg-primary")
        self.go.setDefault(True)
        self.go.clicked.connect(lambda _on: self.compare())
        self.progress.over.connect(self._offer)
        self.table.currentCellChanged.connect(lambda *_cells: self._name_use())
        for signal in (self._session.corrected_changed, self._session.labels_changed):
            signal.connect(self._look)

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.addRow("Truth", self.truth)
        form.addRow("Frames", self.frames)
        actions = QHBoxLayout()
        actions.addWidget(self.use, 1)
        actions.addWidget(self.save)
        left = QWidget(self)
        left.setFixedWidth(_LEFT_PX)
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(QLabel(f"Models, {FEWEST} to {MOST} of them", left))
        column.addWidget(self.models, 1)
        column.addLayout(form)
        for widget in (self.said, self.go, self.progress, self.message, self.table, self.note):
            column.addWidget(widget)
        column.addLayout(actions)
        row = QHBoxLayout(self)
        row.setSpacing(14)
        row.addWidget(left)
        row.addWidget(self.strip, 1)

    # What there is

    def open_for(self, model: Path | None) -> None:
        """Show the models and the frames there are now.

        Parameters
        ----------
        model : Path or None
            The model that is chosen now; it is ticked.
        """
        self.show()
        self.raise_()
        self.activateWindow()
        if self.progress.task is not None:
            return
        self.models.refresh(model)
        self._look()

    def _look(self) -> None:
        """List the labels that can be taken for the truth; those chosen stay chosen while they are there."""
        if self.isVisible():
            before = self.truth.currentText()
            self._truths = truths(self._session)
            self.truth.clear()
            self.truth.addItems([truth.name for truth in self._truths])
            first = next((i for i, truth in enumerate(self._truths) if truth.frames), 0)
            self.truth.setCurrentIndex(max(first, self.truth.findText(before) if before else -1))
            self._show_frames()

    def _show_frames(self) -> None:
        truth = self._truths[self.truth.currentIndex()]
        here, n = self._session.frame(), len(truth.frames)
        self.frames.clear()
        self.frames.addItem(
            f"all {n}" if n > 1 else f"frame {truth.frames[0]}" if n else "none", truth.frames
        )
        if n > 1 and here in truth.frames:
            self.frames.addItem(f"only the one in view ({here})", (here,))
        self.frames.setEnabled(n > 1)
        self.said.setText(truth.said)
        self.said.setVisible(bool(truth.said))
        self.message.clear()
        if truth.missing:
            self.message.tell(
                truth.missing, "warning", f"Go to {truth.step}", lambda: self._go_to(truth.step.split()[-1])
            )
        self._offer()

    def _go_to(self, step: str) -> None:
        self.reject()  # it would lie over the picture
        self._session.step_wanted.emit(step)

    def _offer(self) -> None:
        """Let the button say what is missing."""
        n = len(self.models.ticked)
        truth = self._truths[self.truth.currentIndex()] if self._truths else None
        self.go.setEnabled(
            FEWEST <= n <= MOST and bool(truth and truth.frames) and self.progress.task is None
        )
        self.go.setText("Compare" if n == 0 else f"Compare {n} models" if n > 1 else "Compare: tick one more")
        if n > MOST:
            self.go.setText(f"Compare: untick {n - MOST}")

    # The work

    def compare(self) -> None:
        """Score the models that are ticked."""
        session, truth = self._session, self._truths[self.truth.currentIndex()]
        if session.stack is None or truth.layer is None:
            return
        self._compared = {one.name: one.folder for one in self.models.ticked}
        try:
            source = labels_source(truth.layer, session)
        except CellSegError as error:
            self.message.tell(message_of(error), "error")
            return
        job = ComparisonJob(
            tuple(self._compared.values()),
            session.image_channel,
            session.fluorescence_channel,
            tuple(self.frames.currentData()),
            truth.name,
            truth.skip_empty,
        )
        self.message.clear()
        self._show_result(None)
        task = session.run(
            compare_on_study,
            session.stack,
            source,
            job,
            on_event=self._on_event,
            on_done=self._show_result,
            on_failed=lambda error: self.message.tell(message_of(error), "error"),
            on_cancelled=lambda: self.message.tell("Cancelled; nothing was kept.", "info"),
            title="Comparing models",
        )
        self.progress.follow(task, "Cancel", "Stop comparing; nothing is kept")
        self._offer()

    def _on_event(self, event: Event) -> None:
        if isinstance(event, DeviceChosen):
            self._session.device = event.label
            self._session.device_changed.emit()

    def _show_result(self, result: Comparison | None) -> None:
        self._result = result
        for widget in (self.table, self.use, self.save, self.strip):
            widget.setVisible(result is not None)
        self.note.setVisible(False)
        if result is None:
            return
        self._make_room()
        self.table.show_scores(result.table)
        self.table.setCurrentCell(0, 0)
        self.strip.show_comparison(result)
        flattered = list(result.table.loc[result.table["trained_on"] != "", "model"])
        if flattered:
            names = " and ".join(flattered)
            self.note.setText(f"{names} learned from images of this study, so the scores flatter it.")
            self.note.show()
        self._name_use()

    def _make_room(self) -> None:
        """Grow for the pictures, as far as the screen allows."""
        room = self.screen().availableGeometry()
        width, height = (max(self.width(), _WIDTH_PX), max(self.height(), _HEIGHT_PX))
        width, height = min(width, room.width()), min(height, room.height() - _TITLE_PX)
        self.resize(width, height)
        left = min(self.x(), room.right() + 1 - width)
        self.move(max(room.left(), left), max(room.top(), min(self.y(), room.bottom() + 1 - height)))

    # What is done with the result

    @property
    def result(self) -> Comparison | None:
        """The comparison that is shown; None when there is none."""
        return self._result

    def _row_name(self) -> str:
        item = self.table.item(max(0, self.table.currentRow()), 0)
        return item.text() if item is not None else ""

    def _name_use(self) -> None:
        name = self._row_name()
        self.use.setText(self.use.fontMetrics().elidedText(f"Use {name}", Qt.TextElideMode.ElideMiddle, 240))

    def _use(self) -> None:
        folder = self._compared.get(self._row_name())
        if folder is not None:
            self.model_chosen.emit(folder)
            self.message.tell(f"{folder.name} is chosen.", "info")

    def _save(self) -> None:
        if self._result is None:
            return
        path, _ = QFileDialog.getSaveFileName(self, "Save the table", "comparison.csv", "Tables (*.csv)")
        if path:
            file = Path(path) if path.lower().endswith(".csv") else Path(f"{path}.csv")
            self._session.run(
                saved,
                self._result.table,
                file,
                on_done=lambda made: self.message.tell(f"The table was written to {made}.", "info"),
                on_failed=lambda error: self.message.tell(message_of(error), "error"),
                here=True,
            )

    def done(self, code: int) -> None:
        """Close, and stop what is at work."""
        if self.progress.task is not None:
            self.progress.task.stop()
        super().done(code)


def _button(text: str, tip: str, on_click: object, parent: QWidget) -> QPushButton:
    button = QPushButton(text, parent)
    button.setToolTip(tip)
    button.setAutoDefault(False)
    button.clicked.connect(lambda _on: on_click())  # type: ignore[operator]
    return button
