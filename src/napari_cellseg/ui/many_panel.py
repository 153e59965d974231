"""Many files at once: a folder, a plate or a table of images, counted in the background of all other work."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer, QUrl, Signal
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from napari_cellseg.errors import CellSegError
from napari_cellseg.live.many_files import CameOut, count_files
from napari_cellseg.progress import Event, Note, Progress
from napari_cellseg.ui.buttons import text_button
from napari_cellseg.ui.calm import Calm
from napari_cellseg.ui.many_choice import ManyChoice
from napari_cellseg.ui.step import Message, ProgressRow
from napari_cellseg.ui.task import message_of

if TYPE_CHECKING:
    from napari_cellseg.ui.forms import ConfigForm
    from napari_cellseg.ui.model_combo import ModelCombo
    from napari_cellseg.ui.session import Session

_TOLD = (
    "Counts all images of a folder, a plate or a table, with the model and the options above. Stopping keeps "
    "what is finished, and starting again does only what is missing."
)
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
        self._session = session
        self._page: Path | None = None
        self._calm = Calm(self._tell_progress, self)
        self._soon = QTimer(self)  # what has appeared must have its place first
        self._soon.setSingleShot(True)
        self._soon.setInterval(_PLACED_MS)
        self._soon.timeout.connect(self._bring_into_view)
        self.choice = ManyChoice(model, config, measuring, self)
        self.go = text_button(
            "Count all files", "Find and count the nuclei of all these images", self.count_all
        )
        self.go.setObjectName("cellseg-primary")
        self.progress = ProgressRow(self)
        self.progress.over.connect(lambda: self.go.setEnabled(True))
        self.message = Message(self)
        self.open_page = text_button(
            "Open summary", "Show the page with all results in the browser", self._open_page
        )
        self.show_folder = text_button("Show folder", "Open the folder of the results", self._show_folder)
        self._results = QWidget(self)
        buttons = QHBoxLayout(self._results)
        buttons.setContentsMargins(0, 0, 0, 0)
        buttons.addWidget(self.open_page, 1)
        buttons.addWidget(self.show_folder, 1)
        self._results.hide()
        told = QLabel(_TOLD, self)
        told.setWordWrap(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        for widget in (told, self.choice, self.go, self.progress, self.message, self._results):
            column.addWidget(widget)

    def count_all(self) -> None:
        """Find and count the nuclei of all images, in the background."""
        try:
            order = self.choice.order()
        except CellSegError as error:
            self.message.tell(message_of(error), "warning")
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
