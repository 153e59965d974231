"""A small menu beside the models: choose and compare, name, note, copy, bin, give and take."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QInputDialog,
    QLineEdit,
    QMenu,
    QToolButton,
    QWidget,
)

from napari_cellseg.learn.shelf import Binned, is_bundled
from napari_cellseg.live import models as work
from napari_cellseg.ui.model_comparison import ModelComparison
from napari_cellseg.ui.task import message_of

if TYPE_CHECKING:
    from napari_cellseg.ui.model_combo import ModelCombo
    from napari_cellseg.ui.session import Session
    from napari_cellseg.ui.step import Message

_ZIP = "Model packages (*.zip)"
_LICENCES = ("", "CC-BY-4.0", "CC0-1.0", "BSD-3-Clause", "MIT")


class ModelMenu(QToolButton):
    """What can be done with the model that is chosen in a combo box.

    Parameters
    ----------
    session : Session
        What the steps share.
    combo : ModelCombo
        The models.
    message : Message
        Where it is told what was done, and what went wrong.
    parent : QWidget, optional
        Qt's owner.
    """

    def __init__(
        self, session: Session, combo: ModelCombo, message: Message, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._combo, self._message = session, combo, message
        self._comparison: ModelComparison | None = None
        self.setText("⋯")
        self.setToolTip(
            "Choose by picture, or compare models; rename, annotate, copy or delete the model; "
            "give it to others, or take one"
        )
        self.setAccessibleName("What can be done with models")
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setStyleSheet("QToolButton::menu-indicator { image: none; }")  # it would lie on the dots
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        self.by_picture = self._add(
            menu,
            "Choose by picture …",
            "See what each model finds, and in which images",
            combo.choose_by_picture,
        )
        self.compare = self._add(
            menu, "Compare models …", "Score several models on the same corrected frames", self._compare
        )
        menu.addSeparator()
        self.rename = self._add(menu, "Rename …", "Give the model another name", self._rename)
        self.note = self._add(menu, "Note …", "Write a note that is shown with the model", self._note)
        self.copy = self._add(menu, "Copy …", "Copy the model among your own", self._copy)
        self.delete = self._add(
            menu, "Move to the bin", "Nothing is erased; it can be restored", self._delete
        )
        self.restore = self._add(menu, "Restore …", "Take a model out of the bin", self._restore)
        menu.addSeparator()
        self.export = self._add(menu, "Export …", "Write the model into a file for others", self._export)
        self.take = self._add(menu, "Import …", "Take a model that somebody exported", self._import)
        menu.aboutToShow.connect(self.look)
        self.setMenu(menu)

    def _add(self, menu: QMenu, text: str, tip: str, on_click: Callable[[], None]) -> Any:
        action = menu.addAction(text)
        action.setToolTip(tip)
        action.triggered.connect(lambda _on: on_click())
        return action

    def look(self) -> None:
        """Offer what can be done with the model that is chosen now."""
        model = self._combo.model
        own = model is not None and not is_bundled(model)
        for action in (self.rename, self.note, self.delete):
            action.setEnabled(own)
        for action in (self.copy, self.export):
            action.setEnabled(model is not None)

    def _compare(self) -> None:
        if self._comparison is None:
            self._comparison = ModelComparison(self._session, self)
            self._comparison.model_chosen.connect(self._combo.choose)
        self._comparison.open_for(self._combo.model)

    # In order

    def _rename(self) -> None:
        model = self._combo.model
        new = self._ask("Rename the model", "New name", model.name) if model else None
        if model and new is not None:
            self._run(work.renamed, model, new, done=lambda folder: self._moved(model, folder, "renamed to"))

    def _note(self) -> None:
        model, card = self._combo.model, self._combo.card()
        before = card.note if card is not None else ""
        text = self._ask("Note on the model", "Note", before) if model else None
        if model and text is not None:
            self._run(work.noted, model, text, done=lambda folder: self._came(folder, "The note is on"))

    def _copy(self) -> None:
        model = self._combo.model
        new = self._ask("Copy the model", "Name of the copy", f"{model.name} copy") if model else None
        if model and new is not None:
            self._run(work.copied, model, new, done=lambda folder: self._came(folder, "The copy is called"))

    def _delete(self) -> None:
        model = self._combo.model
        if model:
            self._run(work.deleted, model, done=lambda binned: self._deleted(model, binned))

    def _deleted(self, model: Path, binned: Binned) -> None:
        self._forget(model, None)
        self._combo.refresh()
        self._message.tell(
            f"{binned.name} is in the bin.", "info", "Take it back", lambda: self._take_back(binned)
        )

    def _restore(self) -> None:
        self._run(work.binned, self._places(), done=self._choose_binned)

    def _choose_binned(self, there: list[Binned]) -> None:
        if not there:
            self._message.tell("The bin is empty.", "info")
            return
        names = [one.folder.name for one in there]
        name, good = QInputDialog.getItem(self, "Restore a model", "Model", names, 0, False)
        if good:
            self._take_back(there[names.index(name)])

    def _take_back(self, binned: Binned) -> None:
        self._run(work.restored, binned.folder, done=lambda folder: self._came(folder, "Restored:"))

    # Giving and taking

    def _export(self) -> None:
        model = self._combo.model
        details = ask_details(self) if model else None
        if model is None or details is None:
            return
        path, _ = QFileDialog.getSaveFileName(self, "Export the model", f"{model.name}.zip", _ZIP)
        if path:
            file = Path(path) if path.lower().endswith(".zip") else Path(f"{path}.zip")
            self._run(
                work.exported, model, file, *details, title="Exporting the model",
                done=lambda made: self._message.tell(f"The model was written to {made}.", "info"),
            )  # fmt: skip

    def _import(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Import a model", "", _ZIP)
        name = self._ask("Import a model", "Name of the model", Path(path).stem) if path else None
        if name is not None:
            self._run(
                work.imported, Path(path), name, title="Importing the model",
                done=lambda folder: self._came(folder, "Imported:"),
            )  # fmt: skip

    # What all do

    def _ask(self, title: str, what: str, before: str) -> str | None:
        text, good = QInputDialog.getText(self, title, what, QLineEdit.EchoMode.Normal, before)
        return str(text) if good else None

    def _places(self) -> tuple[Path, ...]:
        return (self._session.study.models,) if self._session.study is not None else ()

    def _run(
        self, function: Callable[..., Any], *args: object, done: Callable[[Any], object], title: str = ""
    ) -> None:
        """Do it away from the window's thread; what has a title needs torch, and goes to the quick helper."""
        self._message.clear()
        self._session.run(
            function,
            *args,
            on_done=done,
            on_failed=self._failed,
            title=title,
            quick=bool(title),
            here=not title,
        )

    def _failed(self, error: BaseException) -> None:
        self._message.tell(message_of(error), "error")

    def _came(self, folder: Path, what: str) -> None:
        self._combo.refresh(folder)
        self._message.tell(f"{what} {folder.name}.", "info")

    def _moved(self, old: Path, new: Path, how: str) -> None:
        self._forget(old, new)
        self._combo.refresh(new)
        self._message.tell(f"{old.name} was {how} {new.name}.", "info")

    def _forget(self, old: Path, new: Path | None) -> None:
        """Tell the other steps, when it is the model that they share."""
        if self._session.model == old:
            self._session.model = new
            self._session.model_changed.emit()


def ask_details(parent: QWidget) -> tuple[tuple[str, ...], str] | None:
    """Ask who made a model, and under which licence it is given away.

    Parameters
    ----------
    parent : QWidget
        Qt's owner of the dialog.

    Returns
    -------
    authors : tuple of str
        May be empty.
    licence : str
        An SPDX identifier; may be empty. None in place of both when the person changed their mind.
    """
    dialog = QDialog(parent)
    dialog.setWindowTitle("Export the model")
    authors, licence = QLineEdit(dialog), QComboBox(dialog)
    authors.setPlaceholderText("Ada Lovelace, Charles Babbage")
    licence.setEditable(True)
    licence.addItems(_LICENCES)
    licence.setToolTip("Licence of the model; those of its training data may ask for a certain one")
    buttons = QDialogButtonBox(
        QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel, parent=dialog
    )
    buttons.accepted.connect(dialog.accept)
    buttons.rejected.connect(dialog.reject)
    form = QFormLayout(dialog)
    form.addRow("Authors", authors)
    form.addRow("Licence", licence)
    form.addRow(buttons)
    good = bool(dialog.exec())
    names = tuple(name.strip() for name in authors.text().split(",") if name.strip())
    chosen = str(licence.currentText()).strip()
    dialog.deleteLater()
    return (names, chosen) if good else None


def with_menu(combo: ModelCombo, menu: ModelMenu) -> QHBoxLayout:
    """Put the menu beside the models.

    Parameters
    ----------
    combo : ModelCombo
        The models.
    menu : ModelMenu
        The menu.

    Returns
    -------
    QHBoxLayout
        Of both.
    """
    row = QHBoxLayout()
    row.setSpacing(4)
    row.addWidget(combo, 1)
    row.addWidget(menu)
    return row
