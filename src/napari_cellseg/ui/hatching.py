"""Hatching over ignored regions: told apart from nuclei by a pattern, not by a colour alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QObject, QTimer
from vispy.scene.visuals import Image
from vispy.visuals.transforms import STTransform

from napari_cellseg.data.samples import IGNORE
from napari_cellseg.label.change import box_of
from napari_cellseg.ui.scene import node_of

_FINEST_PX = 12
_STRIPES = 48
_MOST_PX = 768
_CLEAR, _DARK, _LIGHT = (0, 0, 0, 0), (20, 20, 20, 130), (235, 235, 235, 130)


def hatched(
    ignored: npt.NDArray[np.bool_], corner: tuple[int, int], period_px: int, step: int
) -> npt.NDArray[np.uint8]:
    """Draw stripes over a region.

    Parameters
    ----------
    ignored : ndarray
        Axes YX, bool: the region, every step-th pixel of it.
    corner : tuple of int
        y and x in px of its first pixel in the frame, so that stripes stay in place while the region changes.
    period_px : int
        From one dark stripe to the next, along an axis.
    step : int
        Distance in px of the pixels given.

    Returns
    -------
    ndarray
        Axes YX and RGBA, uint8: oblique stripes, a sixth dark, a sixth light, the rest clear: they show on
        any picture and hide little of it. Clear outside.
    """
    y, x = (corner[axis] + step * np.arange(ignored.shape[axis]) for axis in (0, 1))
    phase = (y[:, None] + x) % period_px * 6 // period_px
    colours = np.array([_DARK, _LIGHT, *(_CLEAR,) * 5], np.uint8)
    drawn: npt.NDArray[np.uint8] = colours[np.where(ignored, phase, 6)]
    return drawn


class Hatching(QObject):
    """Hatches the ignored regions of the frame in view of one labels layer.

    Parameters
    ----------
    viewer : napari.Viewer
        Where it is shown.
    layer : napari.layers.Labels
        The layer; the hatching is hidden with it.
    movie : ndarray
        Its labels, axes TYX.
    frame : callable
        Answers the frame in view.
    parent : QObject, optional
        Qt's owner.
    """

    def __init__(
        self, viewer: Any, layer: Any, movie: npt.NDArray[np.int32], frame: Any, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._viewer, self._layer, self._movie, self._frame = viewer, layer, movie, frame
        self._node: Any = None
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(0)
        self._soon.timeout.connect(self.refresh)
        self._told = (layer.events.set_data, layer.events.labels_update)  # all of the frame, or part of it
        for event in self._told:
            event.connect(self._changed)
        self._soon.start()

    def _changed(self, _event: object = None) -> None:
        self._soon.start()

    def refresh(self) -> None:
        """Draw the regions of the frame in view."""
        t = self._frame()
        frame = self._movie[t] if 0 <= t < len(self._movie) else self._movie[0]
        found = frame == IGNORE
        box = box_of(found)
        if box is None:
            self._forget()
            return
        owner = node_of(self._viewer, self._layer)
        if owner is None:
            return
        y0, x0, y1, x1 = box
        if self._node is None:
            self._node = Image(np.zeros((1, 1, 4), np.uint8), parent=owner)
            self._node.order = 1
            self._node.set_gl_state("translucent", depth_test=False)
        step = -(-max(y1 - y0, x1 - x0) // _MOST_PX)
        period = max(_FINEST_PX, max(found.shape) // _STRIPES)
        self._node.set_data(hatched(found[y0:y1:step, x0:x1:step], (y0, x0), period, step))
        self._node.transform = STTransform(scale=(step, step), translate=(x0, y0))

    @property
    def is_shown(self) -> bool:
        """Whether something is hatched."""
        return self._node is not None

    def close(self) -> None:
        """Let go of the layer."""
        self._soon.stop()
        for event in self._told:
            event.disconnect(self._changed)
        self._forget()

    def _forget(self) -> None:
        if self._node is not None:
            self._node.parent = None
        self._node = None
