"""Stacks and labels as napari layers and back, as snapshots; combo boxes that follow the layer list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import dask.array as da
from napari.layers import Image, Labels, Layer
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QWidget

from napari_cellseg.data.stack import Stack, ZChoice
from napari_cellseg.errors import InputError

if TYPE_CHECKING:
    import numpy.typing as npt

AUTO = "nuclei (auto)"
PREVIEW = "nuclei (preview)"
CORRECTED = "nuclei (corrected)"
PROBABILITY = "probability"

_MARK = "napari-cellseg"
_PICTURE = "napari-cellseg-stack"
_UM = {"micrometer", "micron", "micrometre", "um", "µm"}
_TO_UM = {"nanometer": 1e-3, "millimeter": 1e3, "meter": 1e6}


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
        Integer labels on the picture's grid: YX, or TYX (T1YX for a picture with z).
    name : str
        Its name.
    role : str
        What it is for, see `role_of`.
    over : napari.layers.Image
        The picture.
    contour : int
        Width of the contours in screen px; 0 fills the objects.

    Returns
    -------
    napari.layers.Labels
        Shown on top of the picture; the active layer stays what it was.
    """
    like = layers_like(over)
    lead = over.ndim - data.ndim
    if lead > 0:
        like = {key: value[lead:] for key, value in like.items()}
    active = viewer.layers.selection.active
    layer = viewer.add_labels(data, name=name, metadata={_MARK: role}, **like)
    layer.contour = contour
    if active is not None:
        viewer.layers.selection.active = active
    return layer


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


def pixel_size_um(layer: Layer) -> float | None:
    """Read the side of a pixel from a layer.

    Parameters
    ----------
    layer : napari.layers.Layer
        Any layer with YX as its last axes.

    Returns
    -------
    float or None
        In µm; None when the layer's units are not lengths.
    """
    unit = str(layer.units[-1])
    size = float(layer.scale[-1])
    if unit in _UM:
        return size
    return size * _TO_UM[unit] if unit in _TO_UM else None


def axes_of(layer: Image) -> tuple[str, bool]:
    """Say which axis of a picture is which.

    Parameters
    ----------
    layer : napari.layers.Image
        A picture; its rgb axis is not counted.

    Returns
    -------
    axes : str
        Letters of TCZ followed by YX.
    sure : bool
        Whether the layer's axis labels say so; otherwise a lone leading axis is taken for time, two for TZ.
    """
    named = "".join(label[:1].upper() for label in layer.axis_labels[:-2])
    lead = layer.ndim - 2
    if len(set(named)) == lead and all(letter in "TCZ" for letter in named) and lead:
        return f"{named}YX", True
    if lead > 3:
        raise InputError(
            f"The layer {layer.name} has {layer.ndim} axes", "At most time, channel and z besides YX", ""
        )
    return {0: "", 1: "T", 2: "TZ", 3: "TCZ"}[lead] + "YX", lead < 2


def stack_of(
    image: Image,
    fluorescence: Image | None = None,
    *,
    axes: str | None = None,
    z: ZChoice = "max",
    pixel_size: float | None = None,
) -> Stack:
    """Make a snapshot of one or two picture layers.

    Parameters
    ----------
    image : napari.layers.Image
        The label-free picture.
    fluorescence : napari.layers.Image, optional
        The fluorescence of the same frames.
    axes : str, optional
        What the layer's axes are, letters of TCZYX; see `axes_of`.
    z : {"max", "middle"} or int
        Which z plane; see `Stack.flat`.
    pixel_size : float, optional
        Side of a pixel in µm, where the layer does not know it.

    Returns
    -------
    Stack
        Lazy; channel names are the layers' names, or their channels' names where we opened them.

    Raises
    ------
    InputError
        The two layers are not of one size.
    """
    axes = axes or axes_of(image)[0]
    arrays = [_tczyx(image, axes)]
    names = list(_channel_names(image, arrays[0].shape[1]))
    if fluorescence is not None and fluorescence is not image:
        other = _tczyx(fluorescence, axes if fluorescence.ndim == image.ndim else axes_of(fluorescence)[0])
        first = arrays[0].shape
        if (other.shape[0], *other.shape[3:]) != (first[0], *first[3:]):
            raise InputError(
                f"The layer {image.name} has {first[0]} frames of {first[3]} × {first[4]} px, "
                f"{fluorescence.name} has {other.shape[0]} of {other.shape[3]} × {other.shape[4]} px",
                "Both must show the same frames",
                "Choose two layers of one recording",
            )
        arrays.append(other)
        names += _channel_names(fluorescence, other.shape[1])
    if len({array.shape[2] for array in arrays}) > 1:
        arrays = [array.max(axis=2, keepdims=True) for array in arrays]
    known = image.metadata.get(_PICTURE)
    source = known[0] if known is not None else None
    stack = Stack(
        data=da.concatenate(arrays, axis=1) if len(arrays) > 1 else arrays[0],
        channels=_unique(names),
        name=source.name if source is not None else image.name,
        source=source.source if source is not None else f"layer {image.name}",
        group=source.group if source is not None else "",
        pixel_size_um=pixel_size if pixel_size is not None else pixel_size_um(image),
        frame_interval_s=source.frame_interval_s if source is not None else None,
        axes_note=source.axes_note if source is not None else f"{axes}, from the layer",
        axes_sure=source.axes_sure if source is not None else axes_of(image)[1],
    )
    return stack.flat(z)


def _tczyx(layer: Image, axes: str) -> da.Array:
    """Level 0 as a lazy array of axes TCZYX, one chunk per plane; colour becomes grey by its mean."""
    data: Any = layer.data[0] if layer.multiscale else layer.data
    if layer.rgb:
        lazy = _lazy(data, len(data.shape) - 3)
        lazy = lazy[..., :3].astype("float32").mean(axis=-1).astype(lazy.dtype)
    else:
        lazy = _lazy(data, len(data.shape) - 2)
    if len(axes) != lazy.ndim:
        raise InputError(
            f"The layer {layer.name} has {lazy.ndim} axes", f"{axes} was chosen", "Choose other axes"
        )
    order = sorted(range(len(axes)), key=lambda i: "TCZYX".index(axes[i]))
    lazy = lazy.transpose(order)
    index = tuple(slice(None) if letter in axes else None for letter in "TCZYX")
    return lazy[index]


def _lazy(data: Any, lead: int) -> da.Array:
    chunks = (*((1,) * lead), *((-1,) * (len(data.shape) - lead)))
    if isinstance(data, da.Array):
        return data.rechunk(chunks)
    return da.from_array(data, chunks=chunks, name=f"layer-{id(data)}-{data.shape}")


def _channel_names(layer: Image, n: int) -> Sequence[str]:
    known = layer.metadata.get(_PICTURE)
    if known is not None and n == 1:
        return (known[0].channels[known[1]],)
    return (layer.name,) if n == 1 else tuple(f"{layer.name} {i}" for i in range(n))


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name if name not in names[:i] else f"{name} {i + 1}" for i, name in enumerate(names))


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
