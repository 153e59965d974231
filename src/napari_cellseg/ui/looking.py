"""Bringing a place of the picture into view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari.layers import Labels

_ROOM = 1.15


def centre_on(viewer: Any, layer: Labels, y_px: float, x_px: float) -> None:
    """Bring a place into view; the picture stays where it is when the place is seen already.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    layer : napari.layers.Labels
        Whose pixels the place is told in.
    y_px, x_px : float
        The place.
    """
    y, x = _world(layer, y_px, x_px)
    camera = viewer.scene.camera
    centre = camera.center
    reach = [0.4 * side / camera.zoom for side in viewer.canvas.size]
    if abs(y - centre[-2]) > reach[0] or abs(x - centre[-1]) > reach[1]:
        camera.center = (*centre[:-2], y, x)


def show_box(viewer: Any, layer: Labels, box: tuple[int, int, int, int]) -> None:
    """Fill the canvas with a box of the picture.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    layer : napari.layers.Labels
        Whose pixels the box is told in.
    box : tuple of int
        y0, x0, y1, x1.
    """
    y0, x0 = _world(layer, box[0], box[1])
    y1, x1 = _world(layer, box[2], box[3])
    camera = viewer.scene.camera
    height, width = viewer.canvas.size
    camera.center = (*camera.center[:-2], (y0 + y1) / 2, (x0 + x1) / 2)
    camera.zoom = min(height / max(y1 - y0, 1e-9), width / max(x1 - x0, 1e-9)) / _ROOM


def _world(layer: Labels, y_px: float, x_px: float) -> tuple[float, float]:
    y, x = layer.data_to_world((*(0.0,) * (layer.ndim - 2), y_px, x_px))[-2:]
    return float(y), float(x)
