"""A combo box of the models that can be used: the program's, the person's, the study's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QFileDialog, QWidget

from napari_cellseg.learn.shelf import is_bundled
from napari_cellseg.live.training import known_models
from napari_cellseg.ui.model_chooser import ModelChooser
from napari_cellseg.ui.model_tips import tip

if TYPE_CHECKING:
    from napari_cellseg.learn.card import ModelCard
    from napari_cellseg.ui.session import Session
    from napari_cellseg.ui.task import Task

_OTHER = "other folder …"
_BY_PICTURE = "choose by picture …"


class ModelCombo(QComboBox):
    """Models by name; the last two entries show them with pictures, and open a folder.

    ``model_chosen(object)`` tells the folder, or None for the entry that is no model.

    Parameters
    ----------
    session : Session
        What the steps share.
    empty : str
        Text of the first entry, which is no model; no such entry when empty.
    parent : QWidget, optional
        Its parent.
    """

    model_chosen = Signal(object)

    def __init__(self, session: Session, empty: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._empty = session, empty
        self._models: list[tuple[str, Path, ModelCard]] = []
        self._last: Path | None = None
        self._wanted: Path | None = None
        self._listing: Task | None = None
        self._chooser: ModelChooser | None = None
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)
        self.activated.connect(self._activated)
        self._fill(None)

    @property
    def model(self) -> Path | None:
        """Folder of the model chosen; None when none is."""
        found = self.currentData()
        return found if isinstance(found, Path) else None

    @property
    def n_models(self) -> int:
        """How many models are known."""
        return len(self._models)

    def card(self) -> ModelCard | None:
        """Look the card of the chosen model up.

        Returns
        -------
        ModelCard or None
            None when no model is chosen, or it was not read yet.
        """
        return next((card for _, folder, card in self._models if folder == self.model), None)

    def refresh(self, choose: Path | None = None) -> None:
        """List the models anew; their weights are checked away from the window's thread.

        Parameters
        ----------
        choose : Path, optional
            Which to choose; by default the one chosen now.
        """
        self._wanted = choose or self._wanted or self.model
        if self._listing is not None:
            self._listing.drop()  # its answer may be older, and come later
        study = self._session.study
        places = (study.models,) if study is not None else ()
        self._listing = self._session.run(known_models, places, here=True, on_done=self._found)

    def _found(self, models: list[tuple[str, Path, ModelCard]]) -> None:
        wanted = self._wanted or self.model  # what was chosen while the models were listed stays chosen
        gone = {folder for _, folder, _ in self._models} - {folder for _, folder, _ in models}
        self._models, self._wanted, self._listing = models, None, None
        self._fill(None if wanted in gone else wanted)

    def _fill(self, wanted: Path | None) -> None:
        self.blockSignals(True)
        self.clear()
        if self._empty:
            self.addItem(self._empty, None)
        for name, folder, card in sorted(self._models, key=lambda one: is_bundled(one[1])):
            iou = card.scores.get("iou")
            self.addItem(name if iou is None else f"{name}  (IoU {iou:.2f})", folder)
            self.setItemData(self.count() - 1, tip(folder, card), _TOOLTIP)
        if wanted is not None and self.findData(wanted) < 0:
            self.addItem(wanted.name, wanted)
        self.addItem(_BY_PICTURE, "")
        self.addItem(_OTHER, "")
        self.setPlaceholderText("choose a model")
        chosen = wanted
        if chosen is None and not self._empty:  # which of the program's models suits, the person has to say
            chosen = next((folder for _, folder, _ in self._models if not is_bundled(folder)), None)
        index = self.findData(chosen) if chosen is not None else -1
        self.setCurrentIndex(index if index >= 0 or not self._empty else 0)
        self.blockSignals(False)
        self._tell()

    def _activated(self, index: int) -> None:
        if self.itemText(index) == _OTHER:
            folder = QFileDialog.getExistingDirectory(self, "Folder of a model (it holds card.json)")
            self._fill(Path(folder) if folder else self._last)
        elif self.itemText(index) == _BY_PICTURE:
            self._fill(self._last)
            self.choose_by_picture()
        self._wanted = None
        self._tell()

    def choose(self, folder: Path) -> None:
        """Choose a model, as the person does.

        Parameters
        ----------
        folder : Path
            Its folder; listed by its name where it was not listed.
        """
        self._wanted = None
        self._fill(folder)

    def choose_by_picture(self) -> None:
        """Show the models with their pictures; the one that the person takes there is chosen here."""
        if self._chooser is None:
            self._chooser = ModelChooser(self._session, self)
            self._chooser.model_chosen.connect(self.choose)
        self._chooser.open_for(self.model)

    def _tell(self) -> None:
        if self.model != self._last:
            self._last = self.model
            self.model_chosen.emit(self._last)


_TOOLTIP = 3  # Qt.ItemDataRole.ToolTipRole as the number that setItemData takes
