"""Choose a model by looking: what it finds, in which images, and how it looks when it does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from napari_cellseg.live.choosing import (
    MODALITIES,
    OBJECTS,
    CandidateRead,
    candidates,
    modality_of,
)
from napari_cellseg.ui.model_cards import CARD_SIZE, ModelCards
from napari_cellseg.ui.task import message_of

if TYPE_CHECKING:
    from napari_cellseg.progress import Event
    from napari_cellseg.ui.session import Session
    from napari_cellseg.ui.task import Task

_HEIGHT_PX = 640
_MEANING = (
    "AP: of all objects, true or only seen by the model, the part that it found rightly; 1 is perfect. "
    "It was measured on images that the model did not learn from."
)
_NONE_YET = (
    "There is no model yet. Step 4 trains one on your own frames, and Import, in the menu ⋯ beside the "
    "models, takes one that somebody gave you."
)
_NONE_SUITS = (
    "No model says that it is for this. Choose “all” above, or train one in step 4: start with the model "
    "that comes nearest, and a few corrected frames are enough."
)


class ModelChooser(QDialog):
    """Models as cards with pictures, and two filters.

    ``model_chosen(Path)`` tells the folder of the model.

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
        self._task: Task | None = None
        self._wanted: Path | None = None
        self.setWindowTitle("Choose a model by picture")
        self.objects = _filter("What the model finds", OBJECTS, self)
        self.modality = _filter("The kind of image it is for", MODALITIES, self)
        self.shown = QLabel(self)
        self.cards = ModelCards(session.viewer, self)
        self.nothing = QLabel(self)
        self.note = QLabel(self)
        self.meaning = QLabel(_MEANING, self)
        self.use, self.cancel = QPushButton("Use this model", self), QPushButton("Cancel", self)
        self._lay_out()
        self.objects.activated.connect(self._filter)
        self.modality.activated.connect(self._filter)
        self.cards.currentItemChanged.connect(lambda *_items: self._offer())
        self.cards.itemDoubleClicked.connect(lambda _item: self.accept())
        self.use.clicked.connect(lambda _on: self.accept())
        self.cancel.clicked.connect(lambda _on: self.reject())
        self.resize(2 * CARD_SIZE.width() + 52, _HEIGHT_PX)

    def _lay_out(self) -> None:
        self.use.setObjectName("cellseg-primary")
        self.use.setDefault(True)
        self.cancel.setToolTip("Keep the model that is chosen now")
        self.cancel.setAutoDefault(False)
        self.use.setToolTip("Choose the model that is marked; a double click on a card does the same")
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        for label in (self.nothing, self.note, self.meaning):
            label.setWordWrap(True)
        self.note.setTextFormat(Qt.TextFormat.PlainText)
        self.note.hide()
        row = QHBoxLayout()
        row.setSpacing(6)
        for text, box in (("Find", self.objects), ("in", self.modality)):
            label = QLabel(text, self)
            label.setBuddy(box)
            row.addWidget(label)
            row.addWidget(box)
        row.addStretch(1)
        row.addWidget(self.shown)
        self._pages = QStackedLayout()
        self._pages.addWidget(self.cards)
        self._pages.addWidget(self.nothing)
        column = QVBoxLayout(self)
        column.setSpacing(8)
        column.addLayout(row)
        column.addLayout(self._pages, 1)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.use)
        buttons.addWidget(self.cancel)
        column.addWidget(self.note)
        column.addWidget(self.meaning)
        column.addLayout(buttons)

    def open_for(self, model: Path | None) -> None:
        """Show the models there are now; they appear as they are read.

        Parameters
        ----------
        model : Path or None
            The model that is chosen now, to be marked.
        """
        if self._task is not None:
            self._task.drop()
        session, self._wanted = self._session, model
        self.cards.clear()
        self.note.hide()
        images = modality_of(session.stack, session.image_channel)
        self.modality.setCurrentIndex(max(0, self.modality.findData(images)))
        self._task = session.run(
            candidates,
            (session.study.models,) if session.study is not None else (),
            model,
            on_event=self._came,
            on_done=self._all_came,
            on_failed=lambda error: self._tell(message_of(error)),
            here=True,
        )
        self._filter()
        self.show()
        self.raise_()
        self.activateWindow()
        self.cards.setFocus()

    @property
    def is_reading(self) -> bool:
        """Whether models are still being read."""
        return self._task is not None

    def _came(self, event: Event) -> None:
        if isinstance(event, CandidateRead):
            self.cards.add(event.candidate)
            marked = self.cards.chosen
            self._filter()
            if event.candidate.folder == self._wanted or marked is None:
                self.cards.choose(self._wanted)

    def _all_came(self, damaged: tuple[str, ...]) -> None:
        self._task = None
        self._filter()
        if damaged:
            n = len(damaged)
            self._tell(f"⚠ {n} model{'s' * (n > 1)} cannot be used. {damaged[0]}")
            self.note.setToolTip("\n\n".join(damaged))

    def _tell(self, text: str) -> None:
        self.note.setText(text)
        self.note.setVisible(bool(text))

    def _filter(self, _index: int = 0) -> None:
        self.cards.show_only(self.objects.currentData(), self.modality.currentData())
        n, n_all = len(self.cards.candidates(shown=True)), self.cards.count()
        reading = self.is_reading and n_all == 0
        self.shown.setText("Reading …" if self.is_reading else f"{n} of {n_all} models")
        self.nothing.setText("" if reading else _NONE_SUITS if n_all else _NONE_YET)
        self._pages.setCurrentWidget(self.cards if n or reading else self.nothing)
        self._offer()

    def _offer(self) -> None:
        self.use.setEnabled(self.cards.chosen is not None)

    def accept(self) -> None:
        """Use the model that is marked."""
        chosen = self.cards.chosen
        if chosen is not None:
            super().accept()
            self.model_chosen.emit(chosen.folder)


def _filter(what: str, choices: tuple[str, ...], parent: QWidget) -> QComboBox:
    box = QComboBox(parent)
    box.addItem("all", "")
    for choice in choices:
        box.addItem(choice, choice)
    box.setToolTip(what)
    box.setAccessibleName(what)
    return box
