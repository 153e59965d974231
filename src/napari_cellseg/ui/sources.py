"""Labels of a layer as something that can travel to the helper."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import dask.array as da
import numpy as np
from napari.layers import Labels

from napari_cellseg.data.stack import Stack
from napari_cellseg.errors import InputError
from napari_cellseg.ui.layers import role_of, spread

if TYPE_CHECKING:
    import numpy.typing as npt
    from napari.layers import Image, Layer

    from napari_cellseg.ui.session import Session

FILE = "napari-cellseg-file"
"""Key in a layer's metadata: the study's file that it shows."""


def is_labels(layer: Layer) -> bool:
    """Say whether a layer holds labels that a copy can be made of, to correct it.

    Parameters
    ----------
    layer : napari.layers.Layer
        Any layer.

    Returns
    -------
    bool
        True for labels layers, ours and the person's, but for previews, proposals and corrected ones.
    """
    return isinstance(layer, Labels) and role_of(layer) not in ("preview", "proposal", "corrected")


def is_finished_labels(layer: Layer) -> bool:
    """Say whether a layer holds labels that can be learned from or counted.

    Parameters
    ----------
    layer : napari.layers.Layer
        Any layer.

    Returns
    -------
    bool
        True for labels layers, ours and the person's, but for previews and proposals.
    """
    return isinstance(layer, Labels) and role_of(layer) not in ("preview", "proposal")


def over_picture(session: Session) -> Image | None:
    """Choose the picture onto whose grid a new layer is put.

    Parameters
    ----------
    session : Session
        What the steps share.

    Returns
    -------
    napari.layers.Image or None
        The label-free picture, else the fluorescence; None when both were removed.
    """
    for layer in (session.image_layer, session.fluorescence_layer):
        if layer is not None and layer in session.viewer.layers:
            return layer
    return None


def labels_source(layer: Labels, session: Session) -> Path | Stack:
    """Say where the helper finds a layer's labels.

    Parameters
    ----------
    layer : napari.layers.Labels
        Ours or the person's own.
    session : Session
        What the steps share: the images that the labels belong to, and the study.

    Returns
    -------
    Path or Stack
        The study's file for labels of ours; else a snapshot as a stack of one channel.

    Raises
    ------
    InputError
        The labels have another number of frames, height or width than the images.
    """
    if FILE in layer.metadata:
        return Path(layer.metadata[FILE])
    if role_of(layer) == "auto" and session.study is not None:
        return session.study.labels_auto
    data = layer.data[0] if layer.multiscale else layer.data
    shape = tuple(int(n) for n in data.shape)
    stack = session.stack
    if stack is None:
        raise InputError("There are no images yet", "", "Choose the images in step 1 first")
    expected = (stack.n_frames, *stack.frame_shape)
    if (*(n for n in shape[:-2] if n > 1), *shape[-2:]) != (*expected[: int(expected[0] > 1)], *expected[1:]):
        raise InputError(
            f"The labels {layer.name} have the shape {shape}",
            f"{stack.name} has the shape {expected} (frames, height, width)",
            "Choose labels that were made for these images",
        )
    chunks = (*(1,) * (len(shape) - 2), *shape[-2:])
    lazy = da.from_array(data, chunks=chunks, name=f"labels-{uuid.uuid4()}")  # a snapshot has no second
    return Stack(lazy.reshape(expected)[:, None, None], ("labels",), layer.name)


def spread_writable(movie: npt.NDArray[np.int32], over: Image) -> npt.NDArray[np.int32]:
    """Spread labels over the axes that only the picture has, so that painting on any plane paints them.

    Parameters
    ----------
    movie : ndarray
        Axes TYX, writable.
    over : napari.layers.Image
        The picture.

    Returns
    -------
    ndarray
        See `napari_cellseg.ui.layers.spread`; it shares the movie's memory and is writable.
    """
    wide = spread(movie, over)
    if wide.flags.writeable:
        return wide
    return np.lib.stride_tricks.as_strided(movie, wide.shape, wide.strides, writeable=True)
