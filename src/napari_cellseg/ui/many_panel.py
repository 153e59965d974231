"""Many files at once: a folder, a plate or a table of images, counted in the background of all other work."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer, QUrl, Signal
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_cellseg.errors import CellSegError
from napari_cellseg.live.many_files import CameOut, ManyFiles, count_files, results_beside
from napari_cellseg.progress import Event, Note, Progress
from napari_cellseg.ui.calm import Calm
from napari_cellseg.ui.step import Message, ProgressRow, folded
from napari_cellseg.ui.task import message_of

if TYPE_CHECKING:
    from napari_cellseg.ui.forms import ConfigForm
    from napari_cellseg.ui.model_combo import ModelCombo
    from napari_cellseg.ui.session import Session

_TOLD = (
    "Counts all images of a folder, a plate or a table, with the model and the options above. Stopping keeps "
    "what is finished, and starting again does only what is missing."
)
_TABLES = "Tables of images (*.csv);;All files (*)"
_BESIDE = "beside the images"
_OUTPUT_TIP = "Folder of the results; unless told, it is beside the images, and named after the model"
_MOST_AT_ONCE = 64
_PLACED_MS = 50


class ManyPanel(QWidget):
    """Which files, where the results go, one button, and what came out.

    ``news(str state, str text)`` tells how far it is, as `Step.summarise` wants it; no text: nothing to tell.

    Parameters
    ----------
    session : Session
        What the steps share.
    model : ModelCombo
        Where the person chooses the model.
    config, measuring : ConfigForm
        How it is applied, and what is counted.
    parent : QWidget, optional
        Its parent.
    """

    news = Signal(str, str)

    def __init__(
        self,
        session: Session,
        model: ModelCombo,
        config: ConfigForm,
        measuring: ConfigForm,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._model, self._config, self._measuring = session, model, config, measuring
        self._page: Path | None = None
        self._calm = Calm(self._tell_progress, self)
        self._soon = QTimer(self)  # what has appeared must have its place first
        self._soon.setSingleShot(True)
        self._soon.setInterval(_PLACED_MS)
        self._soon.timeout.connect(self._bring_into_view)
        self._make_fields()
        self.go = _button("Count all files", "Find and count the nuclei of all these images", self.count_all)
        self.go.setObjectName("cellseg-primary")
        self.progress = ProgressRow(self)
        self.progress.over.connect(lambda: self.go.setEnabled(True))
        self.message = Message(self)
        self.open_page = _button(
            "Open summary", "Show the page with all results in the browser", self._open_page
        )
        self.show_folder = _button("Show folder", "Open the folder of the results", self._show_folder)
        self._results = QWidget(self)
        buttons = QHBoxLayout(self._results)
        buttons.setContentsMargins(0, 0, 0, 0)
        buttons.addWidget(self.open_page, 1)
        buttons.addWidget(self.show_folder, 1)
        self._results.hide()
        self._lay_out()
        self.inputs.textChanged.connect(self._name_results)
        model.model_chosen.connect(self._name_results)

    def _make_fields(self) -> None:
        self.inputs, self.output, self.channel = (QLineEdit(self) for _ in range(3))
        self.inputs.setPlaceholderText("a folder, or a table (CSV)")
        self.inputs.setToolTip(
            "A folder of images, or a table (CSV) whose column path names them. Files of a plate are told by "
            "their names. Nothing in it is changed"
        )
        self.output.setPlaceholderText(_BESIDE)
        self.output.setToolTip(_OUTPUT_TIP)
        self.channel.setPlaceholderText("found by its name")
        self.channel.setToolTip(
            "The channel in which nuclei are to be found, by its name or its number from 0, where the images "
            "have several and their names do not tell"
        )
        processors = os.cpu_count() or 1
        self.at_once = QSpinBox(self)
        self.at_once.setRange(1, _MOST_AT_ONCE)
        self.at_once.setValue(max(1, min(8, processors - 1)))  # one is left for the window
        self.at_once.setToolTip(
            f"Each takes a processor (this computer has {processors}), and 1 GB of memory or more"
        )
        self.same_size = QCheckBox("Nuclei are about as large in all images", self)
        self.same_size.setChecked(True)
        self.same_size.setToolTip(
            "Their size is then measured on a few images, and not on every one, which is quicker"
        )

    def _lay_out(self) -> None:
        told = QLabel(_TOLD, self)
        told.setWordWrap(True)
        rows, rest = _rows(), QWidget(self)
        more = _rows(rest)
        folder = _button("Folder …", "Choose the folder of the images", self._ask_folder)
        table = _button("Table …", "Choose a table (CSV) of images", self._ask_table)
        other = _button("Folder …", "Choose another folder for the results", self._ask_output)
        rows.addRow("Images", _beside(self.inputs, folder, table))
        rows.addRow("Results", _beside(self.output, other))
        more.addRow("Channel", self.channel)
        more.addRow("Images at once", self.at_once)
        more.addRow(self.same_size)
        section = folded("More", self)
        section.addWidget(rest)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(told)
        column.addLayout(rows)
        for widget in (section, self.go, self.progress, self.message, self._results):
            column.addWidget(widget)

    # What is counted, and where to

    def _ask_folder(self) -> None:
        self._take_input(QFileDialog.getExistingDirectory(self, "Folder of images"))

    def _ask_table(self) -> None:
        self._take_input(QFileDialog.getOpenFileName(self, "Table of images", "", _TABLES)[0])

    def _take_input(self, chosen: str) -> None:
        if chosen:
            self.inputs.setText(chosen)

    def _ask_output(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder for the results")
        if chosen:
            self.output.setText(chosen)

    def _name_results(self, _news: object = None) -> None:
        """Show where the results go when nothing is told."""
        path = _path(self.inputs)
        beside = results_beside(path, self._model.model) if path is not None else None
        self.output.setPlaceholderText(beside.name if beside is not None else _BESIDE)
        self.output.setToolTip(f"{_OUTPUT_TIP}: {beside}" if beside is not None else _OUTPUT_TIP)

    def _order(self, inputs: Path, model: Path) -> ManyFiles:
        return ManyFiles(
            inputs,
            _path(self.output) or results_beside(inputs, model),
            model,
            self._config.value(),
            self._measuring.value(),
            self.channel.text().strip() or None,
            self.at_once.value(),
            self.same_size.isChecked(),
        )

    def count_all(self) -> None:
        """Find and count the nuclei of all images, in the background."""
        inputs, model = _path(self.inputs), self._model.model
        if inputs is None:
            self.message.tell("Choose a folder of images above, or a table of them.", "warning")
            return
        if model is None:
            self.message.tell("Choose a model at the top of this step.", "warning")
            return
        try:
            order = self._order(inputs, model)
        except CellSegError as error:
            self._failed(error)
            return
        self.message.clear()
        self._results.hide()
        self.go.setEnabled(False)
        task = self._session.run(
            count_files,
            order,
            on_event=self._on_event,
            on_done=self._on_done,
            on_failed=self._failed,
            on_cancelled=self._on_stopped,
            title="Counting many files",
            apart=True,
        )
        self.progress.follow(task, "Stop", "Stop; the images that are finished are kept")
        self._soon.start()
        self.news.emit("running", "many files: starting")

    # What comes of it

    def _on_event(self, event: Event) -> None:
        if isinstance(event, Progress):
            self._calm.put(event)
        elif isinstance(event, Note):
            self.message.tell(event.text, "info")

    def _tell_progress(self, at: Progress) -> None:
        if self.progress.task is not None:
            self.news.emit("running", f"many files: {at.done} of {at.total}")

    def _on_done(self, came: CameOut) -> None:
        self._page = came.page
        self._results.show()
        self.message.tell(outcome_text(came), "warning" if came.n_failed else "info")
        state = "attention" if came.n_failed or came.n_left else "done"
        self._over(state, f"many files: {_numbers(came)}")

    def _on_stopped(self) -> None:
        self.message.tell("Stopped before any image was finished.", "info")
        self._over("todo", "")

    def _failed(self, error: BaseException) -> None:
        self.message.tell(message_of(error), "error")
        self._over("todo", "")

    def _over(self, state: str, text: str) -> None:
        self._calm.forget()
        self.news.emit(state, text)
        self._soon.start()

    def _bring_into_view(self) -> None:
        """Scroll to what has appeared."""
        parts = (self._results, self.message, self.progress)
        _scroll_to(next((part for part in parts if not part.isHidden()), self.go))

    def _open_page(self) -> None:
        if self._page is not None:
            _open(self._page)

    def _show_folder(self) -> None:
        if self._page is not None:
            _open(self._page.parent)


def outcome_text(came: CameOut) -> str:
    """Say what came of many files.

    Parameters
    ----------
    came : CameOut
        What came of them.

    Returns
    -------
    str
        Sentences; the reasons of the first that failed among them.
    """
    told = _numbers(came)
    lines = [f"Stopped: {told}. Count again to go on." if came.n_left else f"{told}."]
    lines += [f"• {failure}" for failure in came.failures]
    more = came.n_failed - len(came.failures)
    if more > 0:
        lines.append(f"{more:,} more failed; the summary tells why.")
    return "\n".join(lines)


def _numbers(came: CameOut) -> str:
    counts = (
        (came.n_kept, "kept from before"),
        (came.n_failed, "failed"),
        (came.n_left, "left"),
    )
    return ", ".join([f"{came.n_done:,} done", *(f"{n:,} {what}" for n, what in counts if n)])


def _scroll_to(widget: QWidget) -> None:
    area = widget.parentWidget()
    while area is not None and not isinstance(area, QScrollArea):
        area = area.parentWidget()
    if area is not None:
        area.ensureWidgetVisible(widget)


def _open(path: Path) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))


def _path(line: QLineEdit) -> Path | None:
    """Read a path; none where nothing is written. A name alone is one of the person's own folder."""
    text = line.text().strip().strip('"')
    return Path.home() / Path(text).expanduser() if text else None


def _rows(parent: QWidget | None = None) -> QFormLayout:
    rows = QFormLayout(parent)
    rows.setContentsMargins(0, 0, 0, 0)
    rows.setVerticalSpacing(4)
    rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    return rows


def _beside(line: QLineEdit, *buttons: QPushButton) -> QWidget:
    widget = QWidget()
    row = QHBoxLayout(widget)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(4)
    row.addWidget(line, 1)
    for button in buttons:
        row.addWidget(button)
    return widget


def _button(text: str, tip: str, on_click: Callable[[], object]) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    button.clicked.connect(lambda _on: on_click())
    return button
