"""Counts over time, where a click goes to the frame, and the sizes of what was counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QWidget

from napari_cellseg.ui.plots import FOUND, ThemedPlot

_HEADROOM = 1.05


class CountPlot(ThemedPlot):
    """Objects per frame, counted by instances and by area.

    ``frame_clicked(int)`` tells which frame was clicked.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose theme it wears.
    parent : QWidget, optional
        Its parent.
    """

    frame_clicked = Signal(int)

    def __init__(self, viewer: Any, parent: QWidget | None = None) -> None:
        super().__init__(viewer, "frame", "objects", 140, parent)
        self._instances = self.add_curve("", "current", Qt.PenStyle.SolidLine)
        self._by_area = self.add_curve("", FOUND, Qt.PenStyle.DashLine)
        self._here = pg.InfiniteLine(angle=90)
        self.addItem(self._here, ignoreBounds=True)
        self.scene().sigMouseClicked.connect(self._clicked)
        self.setToolTip("Objects in each frame. Click to go to a frame.")
        self.dress_with(lambda: self._here.setPen(pg.mkPen(self.colour("warning"), width=2)))
        self._frames: Sequence[int] = ()

    def show_counts(
        self, frames: Sequence[int], instances: Sequence[float], by_area: Sequence[float]
    ) -> None:
        """Draw the counts known so far.

        Parameters
        ----------
        frames : sequence of int
            Frames that were counted, ascending.
        instances : sequence of float
            Objects of each frame, counted one by one.
        by_area : sequence of float
            Objects of each frame by area: covered area divided by a typical object's area.
        """
        self._frames = list(frames)
        dots = {"symbol": "o", "symbolSize": 5, "symbolPen": None, "symbolBrush": self.colour("current")}
        self._instances.setData(
            list(frames), list(instances), **(dots if len(frames) < 60 else {"symbol": None})
        )
        self._by_area.setData(list(frames), list(by_area))
        if len(frames):
            self.setYRange(0, _HEADROOM * max(1.0, *instances, *by_area), padding=0)
            self.setXRange(min(frames) - 0.5, max(frames) + 0.5, padding=0.02)

    def legend(self) -> str:
        """Say which line is which.

        Returns
        -------
        str
            Rich text, in the colours of the theme that is on now.
        """
        return (
            f'<span style="color:{self.colour("current")}">━●━</span> one by one&nbsp;&nbsp; '
            f'<span style="color:{FOUND}">╍╍╍</span> by area'
        )

    def mark(self, frame: int) -> None:
        """Mark the frame that the viewer shows.

        Parameters
        ----------
        frame : int
            The frame.
        """
        self._here.setValue(frame)

    def _clicked(self, event: Any) -> None:
        if event.button() != Qt.MouseButton.LeftButton or not len(self._frames):
            return
        x = self.getViewBox().mapSceneToView(event.scenePos()).x()
        self.frame_clicked.emit(min(self._frames, key=lambda frame: abs(frame - x)))


class AreaHistogram(ThemedPlot):
    """How large the counted objects are.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose theme it wears.
    parent : QWidget, optional
        Its parent.
    """

    def __init__(self, viewer: Any, parent: QWidget | None = None) -> None:
        super().__init__(viewer, "area (px)", "objects", 110, parent)
        self._bars = pg.BarGraphItem(x0=[], x1=[], height=[])
        self.addItem(self._bars)
        self.setToolTip("Areas of all objects. Dust and clumps show as tails left and right.")
        self.dress_with(self._dress_bars)

    def show_areas(self, counts: Sequence[int], edges: Sequence[float], unit: str) -> None:
        """Draw a histogram.

        Parameters
        ----------
        counts : sequence of int
            Objects per bin.
        edges : sequence of float
            Edges of the bins, one more than bins.
        unit : str
            Unit of the edges, such as ``"µm²"``.
        """
        edges = list(edges)
        self.name_axis("bottom", f"area ({unit})")
        self._bars.setOpts(x0=edges[:-1], x1=edges[1:], height=np.asarray(counts, dtype=float))
        self.enableAutoRange()

    def _dress_bars(self) -> None:
        self._bars.setOpts(brush=self.colour("current"), pen=pg.mkPen(self.colour("background")))
