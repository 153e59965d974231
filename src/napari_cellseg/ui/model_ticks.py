"""A list of models to be ticked, each with a small picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QIcon
from qtpy.QtWidgets import QListWidget, QListWidgetItem, QWidget

from napari_cellseg.live.choosing import Candidate, CandidateRead, candidates, modality_of
from napari_cellseg.live.comparing import MOST
from napari_cellseg.ui.model_cards import cover_of

if TYPE_CHECKING:
    from napari_cellseg.progress import Event
    from napari_cellseg.ui.session import Session
    from napari_cellseg.ui.task import Task

_ICON_PX = 36
_ROLE = Qt.ItemDataRole.UserRole


class ModelTicks(QListWidget):
    """Models to be ticked; those for the images of the study are ticked to begin with.

    ``ticks_changed()`` is told when one is ticked or unticked, and when all are listed.

    Parameters
    ----------
    session : Session
        What the steps share.
    parent : QWidget, optional
        Its parent.
    """

    ticks_changed = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._task: Task | None = None
        self._wanted: Path | None = None
        self.setIconSize(QSize(_ICON_PX, _ICON_PX))
        self.setAccessibleName("Models to compare")
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.itemChanged.connect(lambda _item: self.ticks_changed.emit())

    def refresh(self, model: Path | None) -> None:
        """List the models there are now; they appear as they are read.

        Parameters
        ----------
        model : Path or None
            The model that is chosen now; it is ticked.
        """
        if self._task is not None:
            self._task.drop()
        self._wanted = model
        self.clear()
        study = self._session.study
        self._task = self._session.run(
            candidates,
            (study.models,) if study is not None else (),
            model,
            on_event=self._came,
            on_done=self._all_came,
            here=True,
        )

    def _came(self, event: Event) -> None:
        if isinstance(event, CandidateRead):
            one = event.candidate
            item = QListWidgetItem(QIcon(cover_of(one, _ICON_PX, self.devicePixelRatioF())), "")
            item.setText(one.title if one.title == one.name else f"{one.title}\n{one.name}")
            item.setToolTip(f"{one.name}\n{one.what}\n{one.score}")
            item.setData(_ROLE, one)
            ticked = one.folder == self._wanted or (self._is_for_these(one) and len(self.ticked) < MOST - 1)
            item.setCheckState(Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked)
            self.addItem(item)

    def _is_for_these(self, one: Candidate) -> bool:
        images = modality_of(self._session.stack, self._session.image_channel)
        return bool(images) and one.suits("", images)

    def _all_came(self, _damaged: tuple[str, ...]) -> None:
        self._task = None
        self.ticks_changed.emit()

    @property
    def is_reading(self) -> bool:
        """Whether models are still being read."""
        return self._task is not None

    @property
    def ticked(self) -> list[Candidate]:
        """The models that are ticked."""
        items = [self.item(row) for row in range(self.count())]
        return [item.data(_ROLE) for item in items if item.checkState() == Qt.CheckState.Checked]

    def tick(self, *names: str) -> None:
        """Tick these models and no others.

        Parameters
        ----------
        *names : str
            Names of models.
        """
        for row in range(self.count()):
            item = self.item(row)
            wanted = item.data(_ROLE).name in names
            item.setCheckState(Qt.CheckState.Checked if wanted else Qt.CheckState.Unchecked)
