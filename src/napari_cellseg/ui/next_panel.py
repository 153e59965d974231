"""What to correct next, and why: the first of the queue in words, the best five as pictures."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QIcon, QImage, QPixmap
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from napari_cellseg.live import found as kept
from napari_cellseg.live import proposing
from napari_cellseg.live.labelling import Thumbnail, make_thumbnails
from napari_cellseg.ui.step import ProgressRow

if TYPE_CHECKING:
    from napari_cellseg.data.project import Study
    from napari_cellseg.label.queue import Proposal
    from napari_cellseg.progress import Event
    from napari_cellseg.ui.session import Session
    from napari_cellseg.ui.task import Task

_SHOWN = 5
_FIND = "Find what to correct next"
_AGAIN = "Find again"
_EMPTY = (
    "Looks through the movie for the frames from which a model would learn most: where it is unsure, where "
    "nuclei appear or vanish for one frame, and what was not seen yet."
)


class NextPanel(QWidget):
    """The queue of frames.

    ``frame_wanted(int frame, object box)`` is told when a picture is clicked, with the box in which most is
    in doubt, or None. ``changed()`` tells that the queue has another order. ``failed(error)`` tells why there
    is none.

    Parameters
    ----------
    session : Session
        What the steps share.
    parent : QWidget, optional
        Its parent.
    """

    frame_wanted = Signal(int, object)
    changed = Signal()
    failed = Signal(object)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._study: Study | None = None
        self._pictures: Task | None = None
        self._icons: dict[int, QIcon] = {}
        self._done: frozenset[int] | None = None
        self.found: kept.Found | None = None
        self.queue: tuple[Proposal, ...] = ()
        self.line = QLabel(_EMPTY, self)
        self.line.setWordWrap(True)
        self.find = QPushButton(_FIND, self)
        self.find.setToolTip(_EMPTY)
        self.find.clicked.connect(self.look)
        self.progress = ProgressRow(self)
        self.progress.over.connect(lambda: self.find.setVisible(True))
        self.buttons = [self._button() for _ in range(_SHOWN)]
        self._row = QWidget(self)
        row = QHBoxLayout(self._row)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        for button in self.buttons:
            row.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        for widget in (self.line, self._row, self.find, self.progress):
            column.addWidget(widget)
        self._show()

    def frames(self) -> list[int]:
        """Name the frames of the queue.

        Returns
        -------
        list of int
            The best first.
        """
        return [one.frame for one in self.queue]

    def proposal(self, t: int) -> Proposal | None:
        """Look a frame up.

        Parameters
        ----------
        t : int
            The frame.

        Returns
        -------
        Proposal or None
            None when the queue does not hold it.
        """
        return next((one for one in self.queue if one.frame == t), None)

    def open(self, study: Study | None) -> None:
        """Show what was found in a study when it was open last.

        Parameters
        ----------
        study : Study or None
            The study whose labels are corrected; None when there is none.
        """
        self._study, self.found, self.queue, self._done = study, None, (), None
        self._icons.clear()
        self._show()
        if study is not None:
            path = study.folder / kept.FOUND_FILE
            self._session.run(
                kept.load_found, path, on_done=lambda found: self._loaded(study, found), here=True
            )

    def _loaded(self, study: Study, found: kept.Found | None) -> None:
        stack = self._session.stack
        fits = found is not None and stack is not None and found.n_frames == stack.n_frames
        if study is self._study and self.found is None and fits:
            self._take(found)

    def look(self) -> None:
        """Look through the movie."""
        session, study = self._session, self._study
        if session.stack is None or study is None or self.progress.task is not None:
            return
        task = session.run(
            proposing.find_in_study,
            session.stack,
            session.image_channel,
            study,
            on_done=lambda found: self._take(found) if study is self._study else None,
            on_failed=self.failed.emit,
            title="Finding what to correct next",
        )
        self.find.hide()
        self.progress.follow(task, "Stop", "Stop; the frames looked at so far are put in order")

    def _take(self, found: kept.Found | None) -> None:
        self.found = found
        done, self._done = self._done or frozenset(), None
        self._icons.clear()
        self.set_done(done)

    def set_done(self, done: Collection[int]) -> None:
        """Put the frames in order again when others are done.

        Parameters
        ----------
        done : collection of int
            Frames that were corrected.
        """
        if self._done == frozenset(done):
            return
        self._done = frozenset(done)
        if self.found is not None:
            self.queue = self.found.queue(self._done)
            self._show()
            self.changed.emit()

    def _show(self) -> None:
        found, best = self.found, self.queue[:_SHOWN]
        self.find.setText(_FIND if found is None else _AGAIN)
        self._row.setVisible(bool(best))
        if found is None:
            self.line.setText(_EMPTY)
        elif not best:
            self.line.setText("All frames that were looked at are done.")
        else:
            self.line.setText(f"<b>Next: frame {best[0].frame}</b>, because {best[0].reason}.")
            self.line.setToolTip(found.said())
        for i, button in enumerate(self.buttons):
            button.setVisible(i < len(best))
            if i < len(best):
                button.setText(str(best[i].frame))
                button.setIcon(self._icons.get(best[i].frame, QIcon()))
                button.setToolTip(f"Frame {best[i].frame}: {best[i].reason}")
        self._ask_for_pictures([one.frame for one in best if one.frame not in self._icons])

    def _ask_for_pictures(self, frames: list[int]) -> None:
        session = self._session
        if not frames or session.stack is None or self._study is None or session.is_closed:
            return
        if self._pictures is not None:
            self._pictures.drop()
        self._pictures = session.run(
            make_thumbnails,
            session.stack,
            session.image_channel,
            self._study.labels_corrected,
            frames,
            on_event=self._on_picture,
            quick=True,
        )

    def _on_picture(self, event: Event) -> None:
        if not isinstance(event, Thumbnail):
            return
        height, width = event.picture.shape[:2]
        image = QImage(event.picture.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888)
        self._icons[event.t] = QIcon(QPixmap.fromImage(image))
        for one, button in zip(self.queue, self.buttons, strict=False):
            if one.frame == event.t:
                button.setIcon(self._icons[event.t])

    def _button(self) -> QToolButton:
        button = QToolButton(self)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        button.setIconSize(QSize(56, 56))
        button.setFixedSize(66, 78)
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the keys go on to the picture
        button.clicked.connect(lambda _on: self._clicked(button))
        return button

    def _clicked(self, button: QToolButton) -> None:
        one = self.queue[self.buttons.index(button)]
        self.frame_wanted.emit(one.frame, one.crop)
