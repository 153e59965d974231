"""How good the models became, over the time spent on corrections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyqtgraph as pg
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QWidget

from napari_cellseg.ui.plots import INVENTED, ThemedPlot

if TYPE_CHECKING:
    from napari_cellseg.evaluate.learning import LearningLog, LearningPoint

_SIZE_PX = 9


class LearnPlot(ThemedPlot):
    """A point for each model: its AP at IoU 0.5, and its counting error.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose theme it wears.
    parent : QWidget, optional
        Its parent.
    """

    def __init__(self, viewer: Any, parent: QWidget | None = None) -> None:
        super().__init__(viewer, "minutes of correction", "", 120, parent)
        self.getAxis("left").setWidth(30)
        self._ap = self.add_curve("", "current", Qt.PenStyle.SolidLine)
        self._error = self.add_curve("", INVENTED, Qt.PenStyle.DashLine)
        self._spots = pg.ScatterPlotItem(size=_SIZE_PX, hoverable=True, hoverSize=_SIZE_PX + 4, tip=_tip)
        self.addItem(self._spots)
        self._log: LearningLog | None = None
        self.setYRange(0, 1, padding=0.06)
        self.dress_with(self._draw)

    def show_log(self, log: LearningLog) -> None:
        """Draw what is known of learning.

        Parameters
        ----------
        log : LearningLog
            With one point at least.
        """
        self._log = log
        self._draw()

    def texts(self) -> list[str]:
        """Tell what hovering over each point tells.

        Returns
        -------
        list of str
            The oldest first.
        """
        return [] if self._log is None else [text_of(point) for point in self._log.points]

    def legend(self) -> str:
        """Say which line is which.

        Returns
        -------
        str
            Rich text, in the colours of the theme that is on now.
        """
        return (
            f'<span style="color:{self.colour("current")}">━●━</span> AP at IoU 0.5&nbsp;&nbsp; '
            f'<span style="color:{INVENTED}">╍╍╍</span> counting error&nbsp;&nbsp; ○ flattering'
        )

    def _draw(self) -> None:
        points = () if self._log is None else self._log.points
        x, ap = [one.minutes for one in points], [one.ap50 for one in points]
        colour = self.colour("current")
        hollow = self.colour("background")
        self._ap.setData(x, ap)
        error = [min(one.count_error, 1.0) for one in points]
        self._error.setData(x, error, symbol="t", symbolSize=6, symbolBrush=INVENTED, symbolPen=None)
        self._spots.setData(
            x=x,
            y=ap,
            data=[text_of(one) for one in points],
            brush=[pg.mkBrush(hollow if one.flatters else colour) for one in points],
            pen=[pg.mkPen(colour if one.kept else self.colour("warning"), width=2) for one in points],
        )
        if points:
            self.setXRange(0, max(1.0, *x), padding=0.04)


def text_of(point: LearningPoint) -> str:
    """Tell what came of learning once.

    Parameters
    ----------
    point : LearningPoint
        The scores.

    Returns
    -------
    str
        A few lines.
    """
    n = len(point.learned)
    on = "on the frames it learned from" if point.flatters else _frames(len(point.exam), "of the exam")
    lines = [
        f"{point.model}, after {point.minutes:.1f} min of correction",
        f"learned from {n} frame{'s' * (n != 1)}, goes on from {point.before}",
        f"AP {point.ap50:.2f} (before {point.ap50_before:.2f})",
        f"counting error {point.count_error:.0%} (before {point.count_error_before:.0%})",
        on + (": it flatters" if point.flatters else ""),
    ]
    return "\n".join([*lines, *(() if point.kept else ("worse, so not used",))])


def _frames(n: int, what: str) -> str:
    return f"on {n} frame{'s' * (n != 1)} {what}"


def _tip(x: float, y: float, data: str) -> str:  # noqa: ARG001 - as pyqtgraph calls it
    return data
