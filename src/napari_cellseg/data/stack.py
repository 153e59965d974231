"""The stack: a lazy movie with its channels and units, whatever it was read from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from napari_cellseg.errors import InputError, SettingsError

if TYPE_CHECKING:
    import dask.array as da

AXES = "TCZYX"

ZChoice = Literal["max", "middle"] | int

FramePart = tuple[slice, slice]
"""Rows and columns of a frame."""
WHOLE: FramePart = (slice(None), slice(None))

LARGE_PX = 8192**2
"""Frames of more pixels are never in memory as a whole: they are read, predicted and written in blocks."""


def is_large(frame_shape: Sequence[int]) -> bool:
    """Tell whether frames are too large to be in memory as a whole.

    Parameters
    ----------
    frame_shape : sequence of int
        Height and width in px.

    Returns
    -------
    bool
        True above `LARGE_PX`.
    """
    return frame_shape[0] * frame_shape[1] > LARGE_PX


@dataclass(frozen=True)
class Stack:
    """A movie as a lazy array, with what is known about it.

    Attributes
    ----------
    data : dask.array.Array
        Axes TCZYX (always five), any integer or floating dtype, one chunk per plane; several where planes are
        large. Picklable.
    channels : tuple of str
        One name per channel.
    name : str
        What results are named after: the stem of the file, or the layer's name.
    source : str
        Where the pixels come from: a path, or a layer's name.
    group : str
        Position or field of view; training and validation never share one. Equals `name` unless known better.
    pixel_size_um : float or None
        Side of a pixel in µm; None when not known.
    frame_interval_s : float or None
        Time between frames in seconds; None when not known.
    axes_note : str
        How the axes were understood, in words, for the person to check.
    axes_sure : bool
        False when the file did not name its axes, so that the person should look before anything runs.
    extra : dict
        Further facts by name, such as how it was opened.
    smaller : tuple of dask.array.Array
        Smaller copies that the file of large frames holds, each about half as high and wide as the one
        before; for a look, never for results.
    """

    data: da.Array
    channels: tuple[str, ...]
    name: str
    source: str = ""
    group: str = ""
    pixel_size_um: float | None = None
    frame_interval_s: float | None = None
    axes_note: str = ""
    axes_sure: bool = True
    extra: dict[str, str] = field(default_factory=dict)
    smaller: tuple[da.Array, ...] = ()

    def __post_init__(self) -> None:
        if self.data.ndim != len(AXES):
            raise InputError(
                f"{self.name} has {self.data.ndim} axes {self.data.shape}", f"Five, {AXES}, were expected"
            )
        if 0 in self.data.shape:
            raise InputError(
                f"{self.name} is empty: its shape is {self.data.shape} ({AXES})", "", "Choose another file"
            )
        if len(self.channels) != self.data.shape[1]:
            raise InputError(
                f"{self.name} has {self.data.shape[1]} channels but {len(self.channels)} channel names",
                "One name per channel is needed",
            )
        if not self.group:
            object.__setattr__(self, "group", self.name)

    @property
    def n_frames(self) -> int:
        """Number of time points."""
        return int(self.data.shape[0])

    @property
    def frame_shape(self) -> tuple[int, int]:
        """Height and width in px."""
        return int(self.data.shape[3]), int(self.data.shape[4])

    def flat(self, z: ZChoice = "max") -> Stack:
        """Make a stack of one plane per frame, as the two-dimensional network needs it.

        Parameters
        ----------
        z : {"max", "middle"} or int
            Maximum projection, the middle plane, or the plane of this index (from 0).

        Returns
        -------
        Stack
            With one z plane; the stack itself when it has only one already.

        Raises
        ------
        SettingsError
            There is no such plane.
        """
        depth = self.data.shape[2]
        if depth == 1:
            return self
        index = depth // 2 if z == "middle" else 0 if z == "max" else int(z)
        if not 0 <= index < depth:
            raise SettingsError(f"Plane {index} was asked of {self.name}", f"It has planes 0 to {depth - 1}")

        def plane(data: da.Array) -> da.Array:
            return data.max(axis=2, keepdims=True) if z == "max" else data[:, :, index : index + 1]

        return replace(self, data=plane(self.data), smaller=tuple(plane(copy) for copy in self.smaller))

    def frame(self, t: int, channel: int, part: FramePart = WHOLE) -> npt.NDArray[Any]:
        """Read one frame, or a part of it.

        Parameters
        ----------
        t : int
            Time point, from 0.
        channel : int
            Channel, from 0.
        part : tuple of slice
            Rows and columns; all of them when not given.

        Returns
        -------
        ndarray
            Axes YX, in the stack's own dtype; only this plane is read, and of large ones only the blocks that
            the part touches.

        Raises
        ------
        InputError
            The stack has several z planes: choose one with `flat` first.
        """
        if self.data.shape[2] != 1:
            raise InputError(
                f"{self.name} has {self.data.shape[2]} z planes",
                "One plane per frame is needed",
                "Choose a plane",
            )
        return np.asarray(self.data[(t, channel, 0, *part)])
