"""What counting shows: numbers of this frame, counts over time, sizes, and the table of objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QTabWidget, QVBoxLayout, QWidget

from napari_cellseg.live.counts import Counts, Summary
from napari_cellseg.measure.columns import heading
from napari_cellseg.ui.count_plot import AreaHistogram, CountPlot
from napari_cellseg.ui.object_table import ObjectTable

if TYPE_CHECKING:
    from napari_cellseg.measure.tables import CellTable

_COLUMNS = (
    ("frame",),
    ("label",),
    ("area_um2", "area_px"),
    ("diameter_um", "diameter_px"),
    ("eccentricity",),
    ("solidity",),
)
_TABS_PX = 240


class CountPanel(QWidget):
    """Numbers, plots and table; buttons for the results go into ``actions``.

    ``frame_wanted(int)`` is told when a place of the plot is clicked, ``object_wanted(int frame, int label)``
    when a row is chosen.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose theme the plots wear.
    parent : QWidget, optional
        Its parent.
    """

    frame_wanted = Signal(int)
    object_wanted = Signal(int, int)

    def __init__(self, viewer: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._counts = Counts()
        self._whole: CellTable | None = None
        self._frame = 0
        self.here = QLabel(self)
        self.here.setWordWrap(True)
        self.plot = CountPlot(viewer, self)
        self.sizes = AreaHistogram(viewer, self)
        self.table = ObjectTable(self)
        self.all_frames = QCheckBox("Objects of all frames in the table", self)
        self.all_frames.setToolTip("Otherwise the table shows the objects of the frame in view")
        self._legend = QLabel(self)
        self.plot.dress_with(lambda: self._legend.setText(self.plot.legend()))
        self.actions = QHBoxLayout()
        objects = QWidget(self)
        rows = QVBoxLayout(objects)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addWidget(self.table)
        rows.addWidget(self.all_frames)
        self.tabs = QTabWidget(self)
        self.tabs.addTab(objects, "Objects")
        self.tabs.addTab(self.sizes, "Sizes")
        self.tabs.setFixedHeight(_TABS_PX)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        for widget in (self.here, self._legend, self.plot):
            column.addWidget(widget)
        column.addLayout(self.actions)
        column.addWidget(self.tabs)
        self.plot.frame_clicked.connect(self.frame_wanted)
        self.table.object_chosen.connect(self.object_wanted)
        self.all_frames.toggled.connect(lambda _on: self._fill_table())

    def show_counts(self, counts: Counts, summary: Summary) -> None:
        """Show what was counted so far.

        Parameters
        ----------
        counts : Counts
            The frames.
        summary : Summary
            What the plots show.
        """
        self._counts, self._whole = counts, None
        several = len(summary.frames) > 1
        self.plot.setVisible(several)
        self._legend.setVisible(several)
        self.all_frames.setVisible(several)
        self.plot.show_counts(summary.frames, summary.by_instances, summary.by_area)
        self.sizes.show_areas(summary.histogram, summary.edges, summary.unit)
        self.show_frame(self._frame, summary)

    def show_frame(self, frame: int, summary: Summary) -> None:
        """Show the numbers and objects of a frame.

        Parameters
        ----------
        frame : int
            The frame in view.
        summary : Summary
            What was counted so far.
        """
        self._frame = frame
        self.plot.mark(frame)
        self.here.setText(f"<b>Frame {frame}</b>: {count_text(frame, summary)}")
        if not self.all_frames.isChecked() or self._whole is None:
            self._fill_table()

    def show_whole(self, table: CellTable) -> None:
        """Show the finished table.

        Parameters
        ----------
        table : CellTable
            Of all frames.
        """
        self._whole = table
        if self.all_frames.isChecked():
            self._fill_table()

    def choose(self, frame: int, label: int) -> None:
        """Show the row of the object that was chosen in the viewer.

        Parameters
        ----------
        frame, label : int
            Which object.
        """
        if not self.table.choose(frame, label):
            self.table.clearSelection()

    def _fill_table(self) -> None:
        if self.all_frames.isChecked() and self._whole is not None:
            cells = self._whole.cells
        elif len(self._counts):
            seen = self._frame in self._counts
            cells = self._counts.cells(self._frame) if seen else self._counts.no_cells()
        else:
            return
        several = self.all_frames.isChecked() and self._whole is not None
        first = _COLUMNS if several else _COLUMNS[1:]
        names = [next((name for name in either if name in cells), None) for either in first]
        intensities = [name for name in cells if str(name).startswith("mean_")]
        columns = tuple(str(name) for name in (*names, *intensities) if name is not None)
        self.table.show_objects(cells, columns, tuple(heading(name) for name in columns))


COUNT_LETTERS = "0123456789 nuclei nucleus (by area: )"
"""What `count_text` is made of."""


def count_text(frame: int, summary: Summary) -> str:
    """Say how many objects a frame has.

    Parameters
    ----------
    frame : int
        The frame.
    summary : Summary
        What was counted so far.

    Returns
    -------
    str
        By instances and by area.
    """
    if frame not in summary.frames:
        return "not counted yet"
    index = summary.frames.index(frame)
    n = summary.by_instances[index]
    return f"{n} nucle{'us' if n == 1 else 'i'} (by area: {summary.by_area[index]:.0f})"
