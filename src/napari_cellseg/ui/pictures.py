"""Picture layers as stacks: snapshots that a thread or another process can work on."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pint

from napari_cellseg.data.axes import describe
from napari_cellseg.data.channels import Channels, find_channels
from napari_cellseg.data.planes import lazy_planes, luminance
from napari_cellseg.data.stack import AXES, Stack, ZChoice
from napari_cellseg.errors import InputError

if TYPE_CHECKING:
    from napari.layers import Image, Layer

PICTURE = "napari-cellseg-stack"
"""Key in a layer's metadata: the stack that it shows and the index of its channel."""

_LEADING = (
    ("",),
    ("T", "Z", "C"),
    ("TZ", "TC", "ZT", "CT", "CZ", "ZC"),
    ("TCZ", "TZC", "CTZ", "CZT", "ZTC", "ZCT"),
)


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
    side = pint.Quantity(float(layer.scale[-1]), layer.units[-1])
    return float(side.to("um").magnitude) if side.is_compatible_with("um") else None


def named_axes(layer: Image) -> str:
    """Read which axis is which from the layer's axis labels.

    Parameters
    ----------
    layer : napari.layers.Image
        A picture.

    Returns
    -------
    str
        Letters of TCZYX; empty when the labels do not say.
    """
    lead = "".join(label[:1].upper() for label in layer.axis_labels[:-2])
    return f"{lead}YX" if len(set(lead)) == layer.ndim - 2 and set(lead) <= set("TCZ") else ""


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
        Whether the layer's axis labels say so, or there are at most three; a movie is the likeliest by far.

    Raises
    ------
    InputError
        There are more axes than time, channel and z besides YX.
    """
    lead = layer.ndim - 2
    named = named_axes(layer)
    if named:
        return named, True
    if not 0 <= lead <= len(_LEADING) - 1:
        raise InputError(
            f"The layer {layer.name} has {layer.ndim} axes",
            "Height and width, and at most time, channel and depth besides them, can be used",
            "Choose another layer",
        )
    return f"{_LEADING[lead][0]}YX", lead <= 1


def axes_choices(layer: Image) -> list[str]:
    """List what the axes of a picture may be.

    Parameters
    ----------
    layer : napari.layers.Image
        A picture.

    Returns
    -------
    list of str
        Letters of TCZYX, the likeliest first.
    """
    first = axes_of(layer)[0]
    return [first, *(f"{lead}YX" for lead in _LEADING[layer.ndim - 2] if f"{lead}YX" != first)]


@dataclass(frozen=True)
class Picture:
    """What is in a picture layer at one moment, to work on in a thread.

    Attributes
    ----------
    name : str
        The layer's name.
    data : array-like
        Level 0.
    axes : str
        Letters of TCZYX, see `axes_of`; without the rgb axis.
    sure : bool
        See `axes_of`.
    rgb : bool
        Whether a last axis holds colours.
    pixel_size_um : float or None
        Side of a pixel in µm.
    known : tuple of Stack and int, or None
        The stack and channel that the layer shows, where we opened it.
    source : str
        The file that another reader opened; empty when there is none.
    """

    name: str
    data: Any
    axes: str
    sure: bool
    rgb: bool
    pixel_size_um: float | None
    known: tuple[Stack, int] | None
    source: str = ""


def picture_of(layer: Image, axes: str | None = None) -> Picture:
    """Take the snapshot of a layer; copies nothing.

    Parameters
    ----------
    layer : napari.layers.Image
        A picture.
    axes : str, optional
        What its axes are, where the person told.

    Returns
    -------
    Picture
        The snapshot.
    """
    guess, sure = axes_of(layer)
    return Picture(
        name=layer.name,
        data=layer.data[0] if layer.multiscale else layer.data,
        axes=axes or guess,
        sure=sure or axes is not None,
        rgb=bool(layer.rgb),
        pixel_size_um=pixel_size_um(layer),
        known=layer.metadata.get(PICTURE),
        source=str(layer.source.path or ""),
    )


def stack_of(
    image: Image, fluorescence: Image | None = None, *, axes: str | None = None, z: ZChoice = "max"
) -> Stack:
    """Make a snapshot of one or two picture layers.

    Parameters
    ----------
    image : napari.layers.Image
        The label-free picture.
    fluorescence : napari.layers.Image, optional
        The fluorescence of the same frames.
    axes : str, optional
        What the axes of the label-free layer are, letters of TCZYX; see `axes_of`.
    z : {"max", "middle"} or int
        Which z plane; see `Stack.flat`.

    Returns
    -------
    Stack
        See `join_pictures`.
    """
    other = None if fluorescence is None else picture_of(fluorescence)
    return join_pictures(picture_of(image, axes), other, z)[0]


def join_pictures(
    image: Picture, fluorescence: Picture | None = None, z: ZChoice = "max"
) -> tuple[Stack, Channels]:
    """Make one stack of one or two snapshots.

    Parameters
    ----------
    image : Picture
        The label-free picture.
    fluorescence : Picture, optional
        The fluorescence of the same frames.
    z : {"max", "middle"} or int
        Which z plane; see `Stack.flat`.

    Returns
    -------
    stack : Stack
        Lazy, one z plane. Two channels of a stack that we opened give that stack back; else the channels are
        named after the layers.
    channels : Channels
        Which of its channels is which; for a layer with several channels, as their names say.

    Raises
    ------
    InputError
        The two layers are not of one size.
    """
    if image.known is not None and (
        fluorescence is None
        or (fluorescence.known is not None and fluorescence.known[0].data is image.known[0].data)
    ):
        stack, first = image.known
        second = fluorescence.known[1] if fluorescence is not None and fluorescence.known else None
        return stack.flat(z), Channels(first, second)
    stack = _stack_of_one(image).flat(z)
    if fluorescence is not None and fluorescence.data is image.data:
        return stack, Channels(0, 0)
    if fluorescence is None:
        return stack, find_channels(stack, need_image=False) if len(stack.channels) > 1 else Channels(0, None)
    other = _stack_of_one(fluorescence).flat(z)
    if (stack.n_frames, stack.frame_shape) != (other.n_frames, other.frame_shape):
        raise InputError(
            f"The layer {image.name} has {_size(stack)}, the layer {fluorescence.name} {_size(other)}",
            "Both must show the same frames",
            "Choose two layers of one recording",
        )
    both = replace(
        stack,
        data=np.concatenate([stack.data, other.data], axis=1),
        channels=_unique((*stack.channels, *other.channels)),
    )
    return both, Channels(0, len(stack.channels))


def _size(stack: Stack) -> str:
    height, width = stack.frame_shape
    return f"{stack.n_frames} frame{'s' * (stack.n_frames > 1)} of {width} × {height} px"


def _stack_of_one(picture: Picture) -> Stack:
    if picture.known is not None:
        stack, channel = picture.known
        return replace(stack, data=stack.data[:, channel : channel + 1], channels=(stack.channels[channel],))
    shape = tuple(int(n) for n in picture.data.shape[: len(picture.axes)])
    length = dict(zip(picture.axes, shape, strict=True))
    data = lazy_planes(_Planes(picture), tuple(length.get(axis, 1) for axis in AXES), str(picture.data.dtype))
    note = f"The layer {picture.name} was read as {describe(shape, picture.axes)}"
    n = data.shape[1]
    return Stack(
        data=data,
        channels=(picture.name,) if n == 1 else tuple(f"{picture.name} {i}" for i in range(n)),
        name=picture.name,
        source=picture.source or f"layer {picture.name}",
        pixel_size_um=picture.pixel_size_um,
        axes_note=f"{note}; its colours were turned into grey" if picture.rgb else note,
        axes_sure=picture.sure,
    )


@dataclass(frozen=True, repr=False)
class _Planes:
    """Reads one plane of a layer's array, of whatever kind the array is."""

    picture: Picture

    def __call__(self, block_id: tuple[int, ...] | None = None) -> npt.NDArray[Any]:
        at = dict(zip(AXES, block_id or (0,) * len(AXES), strict=True))
        index = tuple(at[axis] if axis in "TCZ" else slice(None) for axis in self.picture.axes)
        plane = np.asarray(self.picture.data[index])
        if self.picture.rgb:
            plane = luminance(plane)
        return plane.reshape((1, 1, 1, *plane.shape))

    def __dask_tokenize__(self) -> str:
        return uuid.uuid4().hex  # dask would read the whole array to name it


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name if name not in names[:i] else f"{name} {i + 1}" for i, name in enumerate(names))
