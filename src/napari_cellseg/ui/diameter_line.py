"""Measure a nucleus by drawing a line across it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import numpy as np
from napari.layers import Layer
from qtpy.QtCore import QObject, QTimer, Signal

NAME = "draw a line across a nucleus"
_SHORTEST_PX = 1.0


class DiameterLine(QObject):
    """A layer of its own to draw one line on; it goes when the line is drawn.

    Parameters
    ----------
    viewer : napari.Viewer
        Where to draw.
    over : callable
        Answers the picture layer whose pixels count.
    """

    measured = Signal(float)
    ended = Signal()

    def __init__(self, viewer: Any, over: Callable[[], Layer | None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer, self._over = viewer, over
        self._layer: Any = None
        self._before: Layer | None = None

    @property
    def active(self) -> bool:
        """Whether the person is asked for a line."""
        return self._layer is not None

    def start(self) -> None:
        """Ask for a line; the layer that was active is so again afterwards."""
        picture = self._over()
        if picture is None or self.active:
            return
        self._before = self._viewer.layers.selection.active
        self._layer = self._viewer.add_shapes(
            ndim=2,
            name=NAME,
            scale=picture.scale[-2:],
            translate=picture.translate[-2:],
            units=picture.units[-2:],
            edge_color="#3cb44b",
            edge_width=2 if min(picture.data.shape[-2:]) > 200 else 0.5,
            metadata={"napari-cellseg": "diameter"},
        )
        self._layer.mode = "add_line"
        self._layer.mouse_drag_callbacks.append(self._on_drag)
        self._viewer.layers.events.removed.connect(self._on_removed)

    def stop(self) -> None:
        """Take the layer away."""
        layer, self._layer = self._layer, None
        if layer is None:
            return
        self._viewer.layers.events.removed.disconnect(self._on_removed)
        if layer in self._viewer.layers:
            self._viewer.layers.remove(layer)
        if self._before is not None and self._before in self._viewer.layers:
            self._viewer.layers.selection.active = self._before
        self._before = None
        self.ended.emit()

    def _on_drag(self, layer: Any, event: Any) -> Generator[None, None, None]:
        start = np.array(layer.world_to_data(event.position)[-2:])
        yield
        while event.type == "mouse_move":
            yield
        length = float(np.linalg.norm(np.array(layer.world_to_data(event.position)[-2:]) - start))
        QTimer.singleShot(0, lambda: self._finish(length))  # napari is still busy with this very event

    def _finish(self, length: float) -> None:
        if not self.active:
            return
        if length < _SHORTEST_PX:
            self._layer.data = []
            return
        self.stop()
        self.measured.emit(length)

    def _on_removed(self, event: Any) -> None:
        if event.value == self._layer:  # not "is": one of them may be a proxy
            self.stop()
