"""The one place that reaches into napari's canvas, to draw what no layer holds.

napari offers plugins no way of drawing on the canvas but layers, and a layer of ours would stand in the
person's list. Where a later napari looks different inside, nothing is drawn, and all else goes on.
"""

from __future__ import annotations

from typing import Any


def _canvas(viewer: Any) -> Any:
    """Find napari's canvas, behind the proxy that it hands plugins in place of the viewer."""
    inner = getattr(viewer, "__wrapped__", viewer)
    return getattr(getattr(getattr(inner, "window", None), "_qt_viewer", None), "canvas", None)


def scene_of(viewer: Any) -> Any:
    """Find the node whose coordinates are the viewer's.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.

    Returns
    -------
    vispy.scene.Node or None
        x and y of its coordinates are the last two of the viewer's, exchanged; None when there is no canvas.
    """
    return getattr(getattr(_canvas(viewer), "view", None), "scene", None)


def canvas_widget(viewer: Any) -> Any:
    """Find the widget that the mouse works on.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.

    Returns
    -------
    QWidget or None
        The canvas; None when there is none.
    """
    return getattr(_canvas(viewer), "native", None)


def draw_letter(viewer: Any, letter: str) -> None:
    """Have napari draw a letter of the canvas's font, which it keeps for all texts there.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    letter : str
        One character.
    """
    font_info = getattr(_canvas(viewer), "font_info", None)
    if font_info is not None:
        font = font_info()
        font.font_manager.get_font(font.face)[letter]


def node_of(viewer: Any, layer: Any) -> Any:
    """Find the node that draws a layer.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    layer : napari.layers.Layer
        The layer.

    Returns
    -------
    vispy.scene.Node or None
        x and y of its coordinates are px of the layer, pixel edges at whole numbers; None when there is none.
    """
    visuals = getattr(_canvas(viewer), "layer_to_visual", {})
    inner = getattr(layer, "__wrapped__", layer)
    return getattr(visuals.get(inner), "node", None)


def polygon_of(layer: Any) -> Any:
    """Find what napari keeps of the polygon that is being drawn on a labels layer.

    Parameters
    ----------
    layer : napari.layers.Labels
        The layer.

    Returns
    -------
    napari.components.overlays.LabelsPolygonOverlay or None
        Its ``points`` are the corners so far, and the place of the cursor; None when there is none.
    """
    return getattr(getattr(layer, "__wrapped__", layer), "_overlays", {}).get("polygon")
