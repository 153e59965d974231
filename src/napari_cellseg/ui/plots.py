"""A small plot that wears napari's theme."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyqtgraph as pg
from napari.utils.theme import get_theme
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QSizePolicy, QWidget

FOUND = "#3cb44b"
MISSED = "#4363d8"
INVENTED = "#f58231"


class ThemedPlot(pg.PlotWidget):
    """A plot in the colours of napari's theme, that follows when the theme changes.

    It cannot be dragged or zoomed: what there is to see is always shown whole.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose theme it wears.
    x_label, y_label : str
        Names of the axes, with their units.
    height_px : int
        Height on the screen.
    parent : QWidget, optional
        Its parent.
    """

    def __init__(
        self, viewer: Any, x_label: str, y_label: str, height_px: int, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._dressers: list[Callable[[], object]] = []
        self._labels = {"bottom": x_label, "left": y_label}
        self.setFixedHeight(height_px)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setMouseEnabled(x=False, y=False)
        self.setMenuEnabled(False)
        self.hideButtons()
        self.getAxis("left").setWidth(48)
        for side in self._labels:
            self.getAxis(side).enableAutoSIPrefix(False)
        viewer.events.theme.connect(self.dress)
        self.dress()

    def add_curve(self, name: str, role: str, style: Qt.PenStyle, width: int = 2) -> Any:
        """Add an empty curve.

        Parameters
        ----------
        name : str
            Shown in the legend, where there is one; may be empty.
        role : str
            A colour of napari's theme (``"text"``, ``"current"``, ``"icon"``) or a colour as ``"#rrggbb"``.
        style : Qt.PenStyle
            Solid, dashed, ...: curves differ in more than their colour.
        width : int
            Width of the line in px.

        Returns
        -------
        pyqtgraph.PlotDataItem
            The curve; give it data with ``setData(x, y)``.
        """
        curve = self.plot([], [], name=name or None)
        self.dress_with(lambda: curve.setPen(pg.mkPen(self.colour(role), width=width, style=style)))
        return curve

    def dress_with(self, dresser: Callable[[], object]) -> None:
        """Colour something now and whenever the theme changes.

        Parameters
        ----------
        dresser : callable
            Sets the colours of one item of the plot, from `colour`.
        """
        self._dressers.append(dresser)
        dresser()

    def colour(self, role: str) -> str:
        """Look a colour up in the theme.

        Parameters
        ----------
        role : str
            See `add_curve`.

        Returns
        -------
        str
            The colour as Qt understands it.
        """
        if role.startswith("#"):
            return role
        return str(getattr(get_theme(self._viewer.theme), role).as_hex())

    def name_axis(self, side: str, label: str) -> None:
        """Give an axis another name.

        Parameters
        ----------
        side : str
            ``"bottom"`` or ``"left"``.
        label : str
            The name, with its unit.
        """
        if self._labels[side] != label:  # laying a text out takes a millisecond
            self._labels[side] = label
            self.getAxis(side).setLabel(label, color=self.colour("text"))

    def dress(self, _event: object = None) -> None:
        """Take the colours of the theme that is on now."""
        text = self.colour("text")
        self.setBackground(self.colour("background"))
        for side, label in self._labels.items():
            axis = self.getAxis(side)
            axis.setPen(self.colour("secondary"))
            axis.setTextPen(text)
            axis.setLabel(label, color=text)
        legend = self.getPlotItem().legend
        if legend is not None:
            legend.setLabelTextColor(text)
        for dresser in self._dressers:
            dresser()
