"""A combo box that follows napari's layer list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QWidget

if TYPE_CHECKING:
    from napari.layers import Layer


class LayerCombo(QComboBox):
    """A combo box of layers that follows the viewer's layer list; it never grabs or renames one.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose layers.
    wanted : callable
        Says of a layer whether to list it.
    empty : str
        Text of the entry for "none"; no such entry when empty.
    """

    layer_changed = Signal(object)

    def __init__(
        self, viewer: Any, wanted: Callable[[Layer], bool], empty: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._viewer, self._wanted, self._empty = viewer, wanted, empty
        self._listed: list[Layer | None] = []
        self._named: list[Layer] = []
        self._last: Layer | None = None
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)
        for event in (
            viewer.layers.events.inserted,
            viewer.layers.events.removed,
            viewer.layers.events.moved,
        ):
            event.connect(self.refresh)
        self.currentIndexChanged.connect(self._on_index)
        self.refresh()

    @property
    def layer(self) -> Any:
        """The layer chosen; None when there is none."""
        index = self.currentIndex()
        return self._listed[index] if 0 <= index < len(self._listed) else None

    def choose(self, layer: Layer | None) -> None:
        """Choose a layer.

        Parameters
        ----------
        layer : napari.layers.Layer or None
            One of those listed; others are ignored.
        """
        if layer in self._listed:
            self.setCurrentIndex(self._listed.index(layer))

    def refresh(self, _event: object = None) -> None:
        """List the layers anew, keeping the choice while its layer is there.

        Parameters
        ----------
        _event : object, optional
            Napari's event; not looked at.
        """
        kept = self.layer
        layers: list[Layer | None] = [layer for layer in self._viewer.layers if self._wanted(layer)]
        if self._empty:
            layers.insert(0, None)
        self._listen(layers)
        self.blockSignals(True)
        self._listed = layers
        self.clear()
        self.addItems([layer.name if layer is not None else self._empty for layer in layers])
        self.setCurrentIndex(layers.index(kept) if kept in layers else 0 if layers else -1)
        self.blockSignals(False)
        self._on_index()

    def _listen(self, layers: Sequence[Layer | None]) -> None:
        for layer in self._named:
            layer.events.name.disconnect(self.refresh)
        self._named = [layer for layer in layers if layer is not None]
        for layer in self._named:
            layer.events.name.connect(self.refresh)

    def _on_index(self, _index: int = 0) -> None:
        if self.layer is not self._last:
            self._last = self.layer
            self.layer_changed.emit(self._last)

    def shut_down(self) -> None:
        """Stop following the layer list."""
        events = self._viewer.layers.events
        for event in (events.inserted, events.removed, events.moved):
            event.disconnect(self.refresh)
        self._listen([])
