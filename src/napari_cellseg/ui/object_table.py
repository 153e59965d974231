"""The table of counted objects, sortable, linked both ways with the label selected in the viewer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

if TYPE_CHECKING:
    import pandas as pd

_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class FrameModel(QAbstractTableModel):
    """A pandas table as Qt sees it; sorting is pandas' own, so that 100,000 rows are no trouble.

    Parameters
    ----------
    parent : QWidget, optional
        Its parent.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._given: pd.DataFrame | None = None
        self._table: pd.DataFrame | None = None
        self._columns: tuple[str, ...] = ()
        self._headings: tuple[str, ...] = ()
        self._sorted_by: tuple[int, bool] | None = None

    def set_table(
        self, table: pd.DataFrame, columns: tuple[str, ...], headings: tuple[str, ...] | None = None
    ) -> None:
        """Show another table, in the order that was chosen for the one before.

        The same table again changes nothing: what is selected stays so.

        Parameters
        ----------
        table : pandas.DataFrame
            One object a row.
        columns : tuple of str
            Which columns to show, in this order.
        headings : tuple of str, optional
            Their headings; by default their names.
        """
        headings = headings or columns
        same = columns == self._columns and headings == self._headings
        if same and self._given is not None and table.equals(self._given):
            return
        self._given = table
        self.beginResetModel()
        if columns != self._columns:
            self._sorted_by = None
        self._columns, self._headings = columns, headings
        self._table = self._in_order(table)
        self.endResetModel()

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns shown."""
        return self._columns

    def row_of(self, **values: object) -> int | None:
        """Find a row.

        Parameters
        ----------
        **values : object
            Values by column.

        Returns
        -------
        int or None
            The first row, as shown, that has all of them.
        """
        if self._table is None or self._table.empty:
            return None
        found = self._table[list(values)].eq(list(values.values())).all(axis=1).to_numpy()
        return int(found.argmax()) if found.any() else None

    def value(self, row: int, column: str) -> Any:
        """Read one value.

        Parameters
        ----------
        row : int
            Row as shown.
        column : str
            Name of the column, shown or not.

        Returns
        -------
        object
            Its value.
        """
        assert self._table is not None  # noqa: S101 - there are no rows without a table
        return self._table[column].iat[row]

    def rowCount(self, _parent: QModelIndex | None = None) -> int:  # noqa: N802 - Qt's name
        """Count the rows.

        Returns
        -------
        int
            How many objects there are.
        """
        return 0 if self._table is None else len(self._table)

    def columnCount(self, _parent: QModelIndex | None = None) -> int:  # noqa: N802 - Qt's name
        """Count the columns shown.

        Returns
        -------
        int
            How many.
        """
        return len(self._columns)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Tell Qt what a cell shows.

        Parameters
        ----------
        index : QModelIndex
            The cell.
        role : int
            What Qt asks about.

        Returns
        -------
        object
            Text, alignment, or None.
        """
        if role == Qt.ItemDataRole.TextAlignmentRole:
            text = isinstance(self.value(index.row(), self._columns[index.column()]), str)
            return int(_LEFT if text else _RIGHT)
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        return as_text(self.value(index.row(), self._columns[index.column()]))

    def headerData(  # noqa: N802 - Qt's name
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        """Tell Qt what a heading shows.

        Parameters
        ----------
        section : int
            Number of the column.
        orientation : Qt.Orientation
            Columns have headings, rows have none.
        role : int
            What Qt asks about.

        Returns
        -------
        object
            The heading; as tooltip the column's name in the exported file.
        """
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._headings[section]
        return self._columns[section] if role == Qt.ItemDataRole.ToolTipRole else None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column; equal rows keep their order.

        Parameters
        ----------
        column : int
            Number of the column; -1 does nothing.
        order : Qt.SortOrder
            Ascending or descending.
        """
        if self._table is None or not 0 <= column < len(self._columns):
            return
        self.layoutAboutToBeChanged.emit()
        self._sorted_by = (column, order == Qt.SortOrder.AscendingOrder)
        self._table = self._in_order(self._table)
        self.layoutChanged.emit()

    def _in_order(self, table: pd.DataFrame) -> pd.DataFrame:
        if self._sorted_by is None:
            return table
        column, ascending = self._sorted_by
        return table.sort_values(self._columns[column], ascending=ascending, kind="stable")


def as_text(value: Any) -> str:
    """Write a number with the digits that mean something.

    Parameters
    ----------
    value : object
        A number or anything else.

    Returns
    -------
    str
        Whole numbers as they are, others with three to four digits, nothing for a missing value.
    """
    if not isinstance(value, float) and not hasattr(value, "dtype"):
        return str(value)
    if math.isnan(value):
        return ""
    if float(value).is_integer() and abs(value) < 1e9:
        return str(int(value))
    size = abs(float(value))
    return f"{value:.0f}" if size >= 1000 else f"{value:.1f}" if size >= 100 else f"{value:.3g}"


class ObjectTable(QTableView):
    """Objects in rows; choosing one tells the viewer, and the viewer can choose one here.

    ``object_chosen(int frame, int label)`` is told when the person chooses a row, not when the viewer did.

    Parameters
    ----------
    parent : QWidget, optional
        Its parent.
    """

    object_chosen = Signal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.objects = FrameModel(self)
        self.setModel(self.objects)
        self.setSortingEnabled(True)
        self.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(20)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self.horizontalHeader().setMinimumSectionSize(40)
        self.setToolTip("Choose a row to see the object; choose an object in the viewer to see its row.")
        self._chosen_by_viewer = False
        self.selectionModel().currentRowChanged.connect(self._row_changed)

    def show_objects(
        self, table: pd.DataFrame, columns: tuple[str, ...], headings: tuple[str, ...] | None = None
    ) -> None:
        """Show objects; the columns become as wide as their headings need.

        Parameters
        ----------
        table, columns, headings : object
            See `FrameModel.set_table`.
        """
        other = columns != self.objects.columns
        self.objects.set_table(table, columns, headings)
        if other:
            header = self.horizontalHeader()
            for section in range(len(columns)):
                header.resizeSection(section, header.sectionSizeHint(section) + 4)

    def choose(self, frame: int, label: int) -> bool:
        """Show the row of an object.

        Parameters
        ----------
        frame, label : int
            Which object.

        Returns
        -------
        bool
            False when the table has no such object.
        """
        row = self.objects.row_of(frame=frame, label=label)
        if row is None:
            return False
        self._chosen_by_viewer = True
        try:
            self.selectRow(row)
            self.scrollTo(self.objects.index(row, 0))
        finally:
            self._chosen_by_viewer = False
        return True

    def _row_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        if current.isValid() and not self._chosen_by_viewer:
            frame = int(self.objects.value(current.row(), "frame"))
            self.object_chosen.emit(frame, int(self.objects.value(current.row(), "label")))
