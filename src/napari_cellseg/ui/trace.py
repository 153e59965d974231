"""The line that follows the mouse while something is drawn, and the mark of the first of two clicks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from vispy.scene.visuals import Line, Markers

from napari_cellseg.ui.scene import scene_of

_DARK, _LIGHT = (0.0, 0.0, 0.0, 1.0), (1.0, 1.0, 1.0, 1.0)  # by name, vispy would import matplotlib
_ON_TOP = 1_000_000


class Trace:
    """A white line with a dark rim: it is seen on any picture, by any eye.

    Parameters
    ----------
    viewer : napari.Viewer
        On whose canvas it is drawn.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self._lines: list[Any] = []
        self._mark: Any = None

    def draw(self, points: Sequence[tuple[float, float]], closed: bool) -> None:
        """Draw a line.

        Parameters
        ----------
        points : sequence of tuple of float
            x and y in the viewer's coordinates.
        closed : bool
            Whether a lasso is drawn: its end is joined to its start.
        """
        if len(points) < 2:
            return
        scene = scene_of(self._viewer)
        if scene is None:
            return
        if not self._lines:
            for width, colour, order in ((4, _DARK, _ON_TOP), (1.5, _LIGHT, _ON_TOP + 1)):
                line = Line(parent=scene, width=width, color=colour, method="agg")
                line.order = order
                line.set_gl_state("translucent", depth_test=False)
                self._lines.append(line)
        path = np.asarray([*points, points[0]] if closed else points, np.float32)
        for line in self._lines:
            line.set_data(pos=path)

    def mark(self, point: tuple[float, float]) -> None:
        """Mark the first of two clicks.

        Parameters
        ----------
        point : tuple of float
            x and y in the viewer's coordinates.
        """
        self.clear()
        scene = scene_of(self._viewer)
        if scene is None:
            return
        self._mark = Markers(parent=scene)
        self._mark.order = _ON_TOP
        self._mark.set_gl_state("translucent", depth_test=False)
        self._mark.set_data(
            np.asarray([point], np.float32), size=11, edge_width=2, edge_color=_DARK, face_color=_LIGHT
        )

    def clear(self) -> None:
        """Take line and mark away."""
        for node in (*self._lines, self._mark):
            if node is not None:
                node.parent = None
        self._lines, self._mark = [], None
