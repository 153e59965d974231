"""Labels as napari layers: their names, their marks, and how they are put onto a picture's grid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels, Layer
from napari.utils.colormaps import CyclicLabelColormap, DirectLabelColormap, label_colormap

from napari_cellseg.ui.layer_combo import LayerCombo
from napari_cellseg.ui.pictures import PICTURE, Picture, axes_of, join_pictures, picture_of, stack_of

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "AUTO",
    "CORRECTED",
    "PICTURE",
    "PREVIEW",
    "PROBABILITY",
    "PROPOSAL",
    "LayerCombo",
    "Picture",
    "add_labels",
    "is_ours",
    "is_picture",
    "join_pictures",
    "layers_like",
    "picture_of",
    "remove",
    "role_of",
    "stack_of",
]

AUTO = "nuclei (auto)"
PREVIEW = "nuclei (preview)"
PROPOSAL = "nuclei (proposal)"
CORRECTED = "nuclei (corrected)"
PROBABILITY = "probability"

_MARK = "napari-cellseg"
_CYCLE = 4999
_IGNORED = (0.6, 0.6, 0.6, 0.6)


def is_ours(layer: Layer) -> bool:
    """Say whether a layer holds a result of ours.

    Parameters
    ----------
    layer : napari.layers.Layer
        Any layer.

    Returns
    -------
    bool
        True for labels and probabilities that we made; False for pictures, ours or not.
    """
    return _MARK in layer.metadata


def role_of(layer: Layer) -> str:
    """Say what a layer of ours is for.

    Parameters
    ----------
    layer : napari.layers.Layer
        Any layer.

    Returns
    -------
    str
        For example ``"auto"``; empty for layers that are not ours.
    """
    return str(layer.metadata.get(_MARK, ""))


def layers_like(layer: Image) -> dict[str, Any]:
    """Collect what puts a new layer onto the same grid.

    Parameters
    ----------
    layer : napari.layers.Image
        The picture below.

    Returns
    -------
    dict
        Arguments for the new layer: scale, translate, units and axis labels.
    """
    return {
        "scale": layer.scale,
        "translate": layer.translate,
        "units": layer.units,
        "axis_labels": layer.axis_labels,
    }


def add_labels(
    viewer: Any, data: npt.NDArray[Any], name: str, role: str, over: Image, *, contour: int = 0
) -> Labels:
    """Add a labels layer of ours above a picture.

    Parameters
    ----------
    viewer : napari.Viewer
        Where.
    data : array-like
        Integer labels on the picture's grid, axes YX or TYX; they are spread over the picture's further axes.
    name : str
        Its name.
    role : str
        What it is for, see `role_of`.
    over : napari.layers.Image
        The picture.
    contour : int
        Width of the contours in px; 0 fills the objects.

    Returns
    -------
    napari.layers.Labels
        Shown on top; ignored regions (-1) are grey. The active layer stays what it was.
    """
    spread_out = spread(data, over)
    like = {key: value[-spread_out.ndim :] for key, value in layers_like(over).items()}
    active = viewer.layers.selection.active
    colours = preview_colours() if role in ("preview", "proposal") else nucleus_colours()
    layer = viewer.add_labels(spread_out, name=name, metadata={_MARK: role}, colormap=colours, **like)
    layer.contour = contour
    if active is not None:
        viewer.layers.selection.active = active
    return layer


def spread(data: npt.NDArray[Any], over: Image) -> npt.NDArray[Any]:
    """Spread labels over the axes that only the picture has, without copying them.

    Parameters
    ----------
    data : array-like
        Axes YX or TYX.
    over : napari.layers.Image
        The picture.

    Returns
    -------
    array-like
        The picture's axes for a movie: read-only where the picture has depth or channels; YX stays YX.
    """
    axes = axes_of(over)[0]
    if data.ndim == 2:
        return data
    if "T" not in axes:
        first: npt.NDArray[Any] = data[0]
        return first
    if len(axes) == data.ndim:
        return data
    shape = [n if axis in "ZC" else -1 for axis, n in zip(axes, over.data.shape, strict=False)]
    at = tuple(None if n > 0 else slice(None) for n in shape)
    full = [m if n < 0 else n for n, m in zip(shape, data[at].shape, strict=True)]
    spread_out: npt.NDArray[Any] = np.broadcast_to(data[at], full)
    return spread_out


def nucleus_colours() -> CyclicLabelColormap:
    """Make napari's colours of labels, with grey for ignored regions (-1).

    Returns
    -------
    CyclicLabelColormap
        The colours repeat; -1 comes last in the cycle, which is long enough for the nuclei of a frame.
    """
    few = 0.35 + 0.65 * label_colormap(49, 0.5).colors[1:]  # lighter: contours lie on dark and on grey
    colours = np.tile(few, (_CYCLE // len(few) + 1, 1))[:_CYCLE].astype(np.float32)
    colours[-2] = _IGNORED  # napari takes labels modulo the cycle: -1 becomes the last but one
    return CyclicLabelColormap(colors=np.vstack([np.zeros((1, 4), np.float32), colours]), name="nuclei")


def preview_colours() -> DirectLabelColormap:
    """Make the colours of a preview: all nuclei alike, ignored regions grey.

    Returns
    -------
    DirectLabelColormap
        The colours.
    """
    return DirectLabelColormap(
        color_dict={None: "#ffd23f", 0: "transparent", -1: np.array(_IGNORED)}, name="preview"
    )


def remove(viewer: Any, layer: Layer | None) -> None:
    """Take a layer away if it is still there.

    Parameters
    ----------
    viewer : napari.Viewer
        From where.
    layer : napari.layers.Layer or None
        The layer.
    """
    if layer is not None and layer in viewer.layers:
        viewer.layers.remove(layer)


def is_picture(layer: Layer) -> bool:
    """Say whether a layer can be chosen as a picture.

    Parameters
    ----------
    layer : napari.layers.Layer
        Any layer.

    Returns
    -------
    bool
        True for image layers that are not results of ours.
    """
    return isinstance(layer, Image) and not is_ours(layer)
