"""napari's polygon, closed by a click on its first corner: a double click is hard with a pen."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from qtpy.QtCore import QTimer

from napari_cellseg.ui.scene import polygon_of

_NEAR_PX = 12.0


def close_polygon(viewer: Any, layer: Any, seen: tuple[float, float]) -> None:
    """Paint the polygon that is being drawn when its first corner was clicked.

    Parameters
    ----------
    viewer : napari.Viewer
        Its zoom tells what is near on the screen.
    layer : napari.layers.Labels
        The layer, in its polygon mode.
    seen : tuple of float
        x and y of the click in the viewer's coordinates.
    """
    polygon = polygon_of(layer)
    if polygon is None or len(polygon.points) < 4:  # three corners, and the cursor
        return
    y, x = layer.data_to_world(polygon.points[0])[-2:]
    if math.dist(seen, (x, y)) * viewer.scene.camera.zoom < _NEAR_PX:
        corners = list(polygon.points[:-1])
        QTimer.singleShot(0, partial(_paint, layer, polygon, corners))  # after napari's own click


def _paint(layer: Any, polygon: Any, corners: list[Any]) -> None:
    polygon.points = []
    layer.paint_polygon(corners, layer.selected_label)
