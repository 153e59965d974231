"""The frames and whether their labels are trusted: a sortable table with thumbnails, overruled by a click."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import (
    QAbstractTableModel,
    QItemSelectionModel,
    QModelIndex,
    QSize,
    QSortFilterProxyModel,
    Qt,
    QTimer,
    Signal,
)
from qtpy.QtGui import QIcon, QImage, QPixmap
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from napari_cellseg.label.triage import Verdict

FRAME, PICTURE, NUCLEI, KEPT, REASON = range(5)
_HEADINGS = ("Frame", "", "Nuclei", "Keep", "Why")
_TIPS = (
    "Time point, counted from 0 as in napari",
    "The fluorescence, with the nuclei that were found in green",
    "Number of nuclei found",
    "Whether training learns from this frame. Click it, or press Space, K (keep) or R (reject)",
    "Why the frame was kept or rejected",
)
_WIDTHS = (48, 64, 50, 42)
_ROW_PX = 48
_SORT = Qt.ItemDataRole.UserRole
_KEEP_THUMBNAILS = 3000


class Frames(QAbstractTableModel):
    """The verdicts as rows."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.verdicts: list[Verdict] = []
        self._pictures: dict[int, QIcon] = {}

    def set_verdicts(self, verdicts: Sequence[Verdict], *, keep_pictures: bool = False) -> None:
        """Show other verdicts.

        Parameters
        ----------
        verdicts : sequence of Verdict
            One per frame.
        keep_pictures : bool
            Whether the thumbnails are still right.
        """
        self.beginResetModel()
        self.verdicts = list(verdicts)
        if not keep_pictures:
            self._pictures.clear()
        self.endResetModel()

    def replace(self, row: int, verdict: Verdict) -> None:
        """Show another verdict in one row.

        Parameters
        ----------
        row : int
            Row of this model, not of the view.
        verdict : Verdict
            For the same frame.
        """
        self.verdicts[row] = verdict
        self.dataChanged.emit(self.index(row, 0), self.index(row, REASON))

    def set_picture(self, t: int, picture: npt.NDArray[np.uint8]) -> None:
        """Show a thumbnail.

        Parameters
        ----------
        t : int
            The frame.
        picture : ndarray
            Axes YXC, uint8, RGB.
        """
        if len(self._pictures) >= _KEEP_THUMBNAILS:
            self._pictures.pop(next(iter(self._pictures)))
        height, width = picture.shape[:2]
        image = QImage(picture.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888)
        icon, pixmap = QIcon(), QPixmap.fromImage(image)
        for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected):  # Qt would tint it in the selected row
            icon.addPixmap(pixmap, mode)
        self._pictures[t] = icon
        row = next((i for i, verdict in enumerate(self.verdicts) if verdict.frame == t), None)
        if row is not None:
            self.dataChanged.emit(self.index(row, PICTURE), self.index(row, PICTURE))

    def has_picture(self, t: int) -> bool:
        """Say whether a thumbnail is there.

        Parameters
        ----------
        t : int
            The frame.

        Returns
        -------
        bool
            Whether it is.
        """
        return t in self._pictures

    def rowCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802 - Qt's name
        """Count the frames."""
        return 0 if parent is not None and parent.isValid() else len(self.verdicts)

    def columnCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802, ARG002 - Qt's
        """Count the columns."""
        return len(_HEADINGS)

    def headerData(self, section: int, orientation: Any, role: int = 0) -> Any:  # noqa: N802 - Qt's name
        """Name the columns."""
        if orientation == Qt.Orientation.Horizontal:
            if role == Qt.ItemDataRole.DisplayRole:
                return _HEADINGS[section]
            if role == Qt.ItemDataRole.ToolTipRole:
                return _TIPS[section]
        return None

    def flags(self, index: QModelIndex) -> Any:
        """Say what can be done with a cell."""
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return flags | Qt.ItemFlag.ItemIsUserCheckable if index.column() == KEPT else flags

    def data(self, index: QModelIndex, role: int = 0) -> Any:
        """Say what a cell shows."""
        verdict, column = self.verdicts[index.row()], index.column()
        if role in (Qt.ItemDataRole.DisplayRole, _SORT):
            return _text(verdict, column) if role != _SORT else _sort_key(verdict, column)
        if role == Qt.ItemDataRole.CheckStateRole and column == KEPT:
            return Qt.CheckState.Checked if verdict.keep else Qt.CheckState.Unchecked
        if role == Qt.ItemDataRole.DecorationRole and column == PICTURE:
            return self._pictures.get(verdict.frame)
        if role == Qt.ItemDataRole.TextAlignmentRole and column in (FRAME, NUCLEI):
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.ToolTipRole:
            return verdict.reason if column == REASON else _TIPS[column]
        return None


def _text(verdict: Verdict, column: int) -> str | None:
    reason = f"By you: {verdict.reason}" if verdict.by == "person" else verdict.reason
    texts = {FRAME: str(verdict.frame), NUCLEI: f"{verdict.scores.n_objects:,}", REASON: reason}
    return texts.get(column)


def _sort_key(verdict: Verdict, column: int) -> int | str:
    keys: dict[int, int | str] = {
        NUCLEI: verdict.scores.n_objects,
        KEPT: int(verdict.keep),
        REASON: verdict.reason,
    }
    return keys.get(column, verdict.frame)


class TriageTable(QTableView):
    """The table. A click goes to the frame; a click on its check box, Space, K or R overrules the verdict."""

    frame_chosen = Signal(int)
    overruled = Signal(list, bool)
    pictures_wanted = Signal(list)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.frames = Frames(self)
        self._sorted = QSortFilterProxyModel(self)
        self._sorted.setSourceModel(self.frames)
        self._sorted.setSortRole(_SORT)
        self.setModel(self._sorted)
        self.setSortingEnabled(True)
        self.sortByColumn(FRAME, Qt.SortOrder.AscendingOrder)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setWordWrap(True)
        self.setShowGrid(False)
        self.setIconSize(QSize(_WIDTHS[PICTURE] - 8, _ROW_PX - 4))
        self.setMinimumHeight(5 * _ROW_PX)
        rows, columns = self.verticalHeader(), self.horizontalHeader()
        rows.hide()
        rows.setDefaultSectionSize(_ROW_PX)
        for column, width in enumerate(_WIDTHS):
            self.setColumnWidth(column, width)
        columns.setSectionResizeMode(REASON, QHeaderView.ResizeMode.Stretch)
        columns.setMinimumSectionSize(30)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(60)
        self._soon.timeout.connect(self._ask_for_pictures)
        for signal in (
            self.verticalScrollBar().valueChanged,
            self._sorted.layoutChanged,
            self._sorted.modelReset,
        ):
            signal.connect(lambda *_news: self._soon.start())
        self.clicked.connect(self._on_click)
        self.selectionModel().currentRowChanged.connect(self._on_current)
        self._following = False

    def set_verdicts(self, verdicts: Sequence[Verdict], *, keep_pictures: bool = False) -> None:
        """Show other verdicts; the order chosen stays.

        Parameters
        ----------
        verdicts : sequence of Verdict
            One per frame.
        keep_pictures : bool
            Whether the thumbnails are still right.
        """
        self.frames.set_verdicts(verdicts, keep_pictures=keep_pictures)
        self._soon.start()

    def show_frame(self, t: int) -> None:
        """Mark the frame that the window shows.

        Parameters
        ----------
        t : int
            The frame.
        """
        row = next((i for i, verdict in enumerate(self.frames.verdicts) if verdict.frame == t), None)
        if row is None:
            return
        index = self._sorted.mapFromSource(self.frames.index(row, FRAME))
        self._following = True
        flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
        if index.row() not in {chosen.row() for chosen in self.selectionModel().selectedRows()}:
            self.selectionModel().setCurrentIndex(index, flags)
        self._following = False

    def selected_frames(self) -> list[int]:
        """List the frames of the selected rows.

        Returns
        -------
        list of int
            In the order of the selection.
        """
        rows = [self._sorted.mapToSource(index).row() for index in self.selectionModel().selectedRows()]
        return [self.frames.verdicts[row].frame for row in rows]

    def overrule(self, keep: bool | None = None) -> None:
        """Overrule the verdicts of the selected rows.

        Parameters
        ----------
        keep : bool, optional
            The verdict; by default the opposite of the first one selected.
        """
        chosen = self.selected_frames()
        if not chosen:
            return
        if keep is None:
            keep = not next(v.keep for v in self.frames.verdicts if v.frame == chosen[0])
        self.overruled.emit(chosen, keep)

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Overrule by key."""
        key = event.key()
        if key == Qt.Key.Key_Space:
            self.overrule()
        elif key in (Qt.Key.Key_K, Qt.Key.Key_R):
            self.overrule(key == Qt.Key.Key_K)
        else:
            super().keyPressEvent(event)

    def _on_click(self, index: QModelIndex) -> None:
        if index.column() == KEPT:
            verdict = self.frames.verdicts[self._sorted.mapToSource(index).row()]
            self.overruled.emit([verdict.frame], not verdict.keep)

    def _on_current(self, index: QModelIndex, _before: QModelIndex) -> None:
        if index.isValid() and not self._following:
            self.frame_chosen.emit(self.frames.verdicts[self._sorted.mapToSource(index).row()].frame)

    def resizeEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """See more rows: ask for their thumbnails."""
        super().resizeEvent(event)
        self._soon.start()

    def _ask_for_pictures(self) -> None:
        first = max(0, self.rowAt(0))
        last = self.rowAt(self.viewport().height() - 1)
        last = self._sorted.rowCount() - 1 if last < 0 else last
        wanted = []
        for row in range(first, min(last + 3, self._sorted.rowCount())):
            t = self.frames.verdicts[self._sorted.mapToSource(self._sorted.index(row, 0)).row()].frame
            if not self.frames.has_picture(t):
                wanted.append(t)
        if wanted:
            self.pictures_wanted.emit(wanted)
