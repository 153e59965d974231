"""Nuclei that look wrong, worst first; a click goes to one, and what is right is not listed again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_cellseg.label.notes import Right
from napari_cellseg.live import proposing
from napari_cellseg.live.found import table_of
from napari_cellseg.ui.object_table import ObjectTable
from napari_cellseg.ui.step import folded

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from napari_cellseg.data.project import Study
    from napari_cellseg.label.suspects import Suspect, Usual
    from napari_cellseg.live.found import Found
    from napari_cellseg.ui.session import Session
    from napari_cellseg.ui.task import Task

_TITLE = "Suspicious nuclei"
_SOON_MS = 250
_TABLE_PX = 150
_NARROW_PX = (52, 60)


class SuspectsPanel(QWidget):
    """The list of suspicious nuclei, in a section that folds.

    ``object_wanted(int frame, int label, float y_px, float x_px)`` is told when a row is chosen,
    ``found_right(object)`` when the person finds a nucleus right, ``told(str)`` is a sentence for the person.

    Parameters
    ----------
    session : Session
        What the steps share.
    parent : QWidget, optional
        Its parent.
    """

    object_wanted = Signal(int, int, float, float)
    found_right = Signal(object)
    told = Signal(str)
    failed = Signal(object)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._study: Study | None = None
        self._usual: Usual | None = None
        self._here: proposing.FrameSuspects | None = None
        self._all: Sequence[Suspect] = ()
        self._right: Collection[Right] = ()
        self._done: frozenset[int] = frozenset()
        self._task: Task | None = None
        self._go = False
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_SOON_MS)
        self._soon.timeout.connect(self.look)
        self._build()
        session.frame_changed.connect(self._frame_changed)

    def _build(self) -> None:
        self.section = folded(_TITLE, self)
        self.section.toggled.connect(lambda on: self._stale() if on else None)
        self.count = QLabel(self)
        self.all_frames = QCheckBox("of all frames", self)
        self.all_frames.setToolTip("Otherwise those of the frame in view")
        self.all_frames.toggled.connect(lambda _on: self._show())
        self.all_frames.hide()
        self.table = ObjectTable(self)
        self.table.setFixedHeight(_TABLE_PX)
        self.table.horizontalHeader().setStretchLastSection(True)
        self.table.setToolTip("The worst first. Choose a row to go to the nucleus.")
        self.table.object_chosen.connect(self._chosen)
        self.why = QLabel(self)
        self.why.setWordWrap(True)
        self.next = QPushButton("Next suspicious  .", self)
        self.next.setToolTip("Go to the next nucleus of the list (.)")
        self.next.clicked.connect(self.go_on)
        self.right = QPushButton("It is right", self)
        self.right.setToolTip("Do not list the chosen nucleus again, unless it changes")
        self.right.clicked.connect(self.mark_right)
        top, bottom = QHBoxLayout(), QHBoxLayout()
        top.addWidget(self.count, 1)
        top.addWidget(self.all_frames)
        bottom.addWidget(self.next, 1)
        bottom.addWidget(self.right)
        inside = QWidget(self)
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(top)
        column.addWidget(self.table)
        column.addWidget(self.why)
        column.addLayout(bottom)
        self.section.addWidget(inside)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self.section)

    def open(self, study: Study | None, right: Collection[Right] = ()) -> None:
        """Work on another study.

        Parameters
        ----------
        study : Study or None
            The study whose labels are corrected; None when there is none.
        right : collection of Right
            What the person found right; it may grow meanwhile.
        """
        self._study, self._right = study, right
        self._usual, self._here, self._all, self._go = None, None, (), False
        self._drop()
        self.all_frames.setChecked(False)
        self.all_frames.hide()
        self._stale()

    def show_found(self, found: Found | None) -> None:
        """Hear what was found in all frames.

        Parameters
        ----------
        found : Found or None
            See `napari_cellseg.live.proposing.find_next`.
        """
        self._all = found.suspects if found is not None else ()
        self._usual = found.usual if found is not None else self._usual
        self.all_frames.setVisible(bool(self._all))
        self._show()

    def set_done(self, frames: Collection[int]) -> None:
        """Leave frames out of the list of all frames.

        Parameters
        ----------
        frames : collection of int
            Frames that the person has decided about.
        """
        self._done = frozenset(frames)
        if self.all_frames.isChecked():
            self._show()

    def edited(self) -> None:
        """Hear that the frame in view was changed."""
        self._stale()

    def _frame_changed(self, _t: int) -> None:
        self._go = False
        self._stale()

    def _stale(self) -> None:
        self._here = None
        self._drop()
        if not self.all_frames.isChecked():
            self._show()
        if self._study is not None and self.section.isExpanded():
            self._soon.start()

    def _drop(self) -> None:
        self._soon.stop()
        if self._task is not None:
            self._task.drop()
            self._task = None

    def look(self) -> None:
        """Look for suspicious nuclei in the frame in view."""
        session, study, stack = self._session, self._study, self._session.stack
        if study is None or stack is None or session.is_closed or self._task is not None:
            return
        self._soon.stop()
        self._task = session.run(
            proposing.suspects_in_study,
            study,
            (stack.n_frames, *stack.frame_shape),
            session.frame(),
            self._usual,
            on_done=self._came,
            on_failed=self._on_failed,
            quick=True,
        )

    def _on_failed(self, error: BaseException) -> None:
        self._task = None
        self.failed.emit(error)

    def _came(self, found: proposing.FrameSuspects) -> None:
        self._task = None
        self._here, self._usual = found, found.usual
        if not self.all_frames.isChecked():
            self._show()
        if self._go:
            self._go = False
            self.go_on()

    def _show(self) -> None:
        wide = self.all_frames.isChecked()
        here = self._here.suspects if self._here is not None else ()
        rows = [row for row in self._all if row.frame not in self._done] if wide else here
        table = table_of(rows, self._right)
        columns = ("frame", "label", "reason") if wide else ("label", "reason")
        heads = ("frame", "nucleus", "why")
        self.table.show_objects(table, columns, heads[-len(columns) :])
        for i, width in enumerate(_NARROW_PX[-len(columns) + 1 :]):
            self.table.setColumnWidth(i, width)
        n = len(table)
        known = wide or self._here is not None
        text = f"<b>{n:,}</b> in {'all frames' if wide else 'this frame'}" if known else "Looking …"
        self.count.setText(text if self._study is not None else "")
        self.right.setEnabled(self._row() is not None)
        self.why.setText("")

    def _row(self) -> int | None:
        index = self.table.currentIndex()
        return int(index.row()) if index.isValid() else None

    def go_on(self) -> None:
        """Go to the next nucleus of the list; look for them first where nobody did."""
        if self._study is None:
            return
        if not self.section.isExpanded():
            self.section.expand(animate=False)
        if self._here is None and not self.all_frames.isChecked():
            self._go = True
            self.look()
            return
        row = self._row()
        following = 0 if row is None else row + 1
        if following < self.table.objects.rowCount():
            self.table.selectRow(following)
        else:
            where = "in all frames" if self.all_frames.isChecked() else "in this frame"
            self.told.emit(f"No more suspicious nuclei {where}.")

    def _chosen(self, frame: int, label: int) -> None:
        self.right.setEnabled(True)
        row = self.table.objects.row_of(frame=frame, label=label)
        if row is not None:
            y, x = (float(self.table.objects.value(row, name)) for name in ("y_px", "x_px"))
            self.why.setText(f"Nucleus {label}: {self.table.objects.value(row, 'reason')}.")
            self.object_wanted.emit(frame, label, y, x)

    def mark_right(self) -> None:
        """Say that the chosen nucleus is right, and choose the next one."""
        row = self._row()
        if row is None:
            return
        names = ("frame", "label", "area_px", "y_px", "x_px")
        frame, label, area, y, x = (self.table.objects.value(row, name) for name in names)
        self.found_right.emit(Right(int(frame), int(label), float(area), float(y), float(x)))
        self._show()
        if row < self.table.objects.rowCount():
            self.table.selectRow(row)

    def shut_down(self) -> None:
        """Stop looking."""
        self._drop()
