"""The verdicts of the frames: how many are kept, the table, and what the person says to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_cellseg.live import labelling
from napari_cellseg.progress import follow
from napari_cellseg.ui.triage_table import TriageTable

if TYPE_CHECKING:
    from napari_cellseg.config import TriageConfig
    from napari_cellseg.progress import Event
    from napari_cellseg.ui.session import Session
    from napari_cellseg.ui.task import Task


class TriagePanel(QWidget):
    """Shows `Session.verdicts`, keeps what the person overrules, and fetches thumbnails.

    Parameters
    ----------
    session : Session
        What the steps share.
    """

    failed = Signal(object)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._pictures: Task | None = None
        self._saving: Task | None = None
        self._unsaved = False
        self.totals = QLabel(self)
        self.totals.setWordWrap(True)
        self.table = TriageTable(self)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.totals)
        column.addWidget(self.table, 1)
        session.verdicts_changed.connect(self.refresh)
        session.stack_changed.connect(self.refresh)
        session.frame_changed.connect(self.table.show_frame)
        self.table.frame_chosen.connect(session.go_to)
        self.table.overruled.connect(self._on_overruled)
        self.table.pictures_wanted.connect(self._make_pictures)
        self.refresh()

    def line(self) -> str:
        """Say how many frames and nuclei are kept.

        Returns
        -------
        str
            For example ``"183 of 240 frames kept · 11,482 nuclei"``.
        """
        verdicts = self._session.verdicts
        kept = [verdict for verdict in verdicts if verdict.keep]
        nuclei = sum(verdict.scores.n_objects for verdict in kept)
        frames = f"frame{'s' * (len(verdicts) > 1)}"
        return f"{len(kept)} of {len(verdicts)} {frames} kept · {nuclei:,} nuclei"

    def refresh(self) -> None:
        """Show the session's verdicts."""
        verdicts = self._session.verdicts
        self.setVisible(bool(verdicts))
        if verdicts == self.table.frames.verdicts:
            return
        same = [v.scores for v in verdicts] == [v.scores for v in self.table.frames.verdicts]
        self.table.set_verdicts(verdicts, keep_pictures=same)
        self.totals.setText(f"<b>{self.line()}</b>")
        self.table.show_frame(self._session.frame())

    def judge_again(self, config: TriageConfig) -> None:
        """Judge the frames by other rules; what the person said stays.

        Parameters
        ----------
        config : TriageConfig
            The rules.
        """
        session = self._session
        if session.verdicts and session.stack is not None:
            height, width = session.stack.frame_shape
            session.run(
                labelling.judge_again,
                tuple(session.verdicts),
                config,
                height * width,
                on_done=self._on_judged,
                on_failed=self.failed.emit,
                quick=True,
            )

    def _on_judged(self, verdicts: Any) -> None:
        self._session.verdicts = list(verdicts)
        self._session.verdicts_changed.emit()
        self._save()

    def _on_overruled(self, frames: list[int], keep: bool) -> None:
        session = self._session
        chosen = set(frames)
        session.verdicts = [v.overruled(keep) if v.frame in chosen else v for v in session.verdicts]
        session.verdicts_changed.emit()
        self._save()

    def _save(self) -> None:
        """Write the verdicts, one writing after the other, the last word last."""
        session = self._session
        if session.study is None:
            return
        if self._saving is not None:
            self._unsaved = True
            return
        self._unsaved = False
        self._saving = session.run(
            labelling.keep_verdicts,
            session.study.verdicts,
            tuple(session.verdicts),
            on_done=self._on_saved,
            on_failed=self._on_not_saved,
            here=True,
        )

    def _on_saved(self, _nothing: object) -> None:
        self._saving = None
        if self._unsaved:
            self._save()

    def _on_not_saved(self, error: BaseException) -> None:
        self._saving = None
        self.failed.emit(error)

    def shut_down(self) -> None:
        """Write what was still waiting to be written."""
        study = self._session.study
        if self._saving is not None and study is not None:
            follow(labelling.keep_verdicts(study.verdicts, tuple(self._session.verdicts)))

    def _make_pictures(self, frames: list[int]) -> None:
        session = self._session
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
