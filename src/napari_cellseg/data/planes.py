"""From the pages of a file to the planes of a lazy stack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_cellseg.data.axes import to_tczyx
from napari_cellseg.data.stack import AXES, is_large

if TYPE_CHECKING:
    import dask.array as da

    from napari_cellseg.data.pages import Array, Pages

LUMINANCE = (0.2126, 0.7152, 0.0722)
"""Weights of red, green and blue: Rec. ITU-R BT.709, as in skimage.color.rgb2gray."""

BLOCK_PX = 1024
"""Side of the blocks in which large planes are read: small enough that a part of the plane needs little more
than itself, large enough that reading it takes longer than asking for it."""

RGB_NOTE = "The colours (RGB) were turned into grey (luminance)"


@dataclass(frozen=True)
class PlaneReader:
    """Maps a time point, channel and depth to a plane of a file.

    Attributes
    ----------
    pages : Pages
        The file's pages.
    axes : str
        Letters of all axes of the file, S for the colours of RGB.
    shape : tuple of int
        Their lengths.
    paged : int
        How many of the leading axes count pages; the others lie within a page.
    dtype : str
        Pixel type of the planes.
    block_px : int
        Side of the blocks in which planes are read; 0 for whole planes.
    """

    pages: Pages
    axes: str
    shape: tuple[int, ...]
    paged: int
    dtype: str
    block_px: int = 0

    def __call__(self, block_id: tuple[int, ...] | None = None) -> Array:
        """Read one plane, or a block of one.

        Parameters
        ----------
        block_id : tuple of int
            Indices along TCZYX, those along Y and X in blocks; dask gives them.

        Returns
        -------
        ndarray
            Axes TCZYX, with one plane.
        """
        at = dict(zip(AXES, block_id or (0,) * len(AXES), strict=True))
        page = 0
        for letter, length in zip(self.axes[: self.paged], self.shape[: self.paged], strict=True):
            page = page * length + at[letter]
        inside = self.axes[self.paged :]
        if self.block_px and block_id:
            array = self.pages.read(page, tuple(self._span(letter, at) for letter in inside))
            at |= dict.fromkeys("TCZ", 0)  # nothing else was read
        else:
            array = self.pages.read(page)
        if "S" in inside:
            array = luminance(np.moveaxis(array, inside.index("S"), -1))
            inside = inside.replace("S", "")
        plane = array[tuple(slice(None) if letter in "YX" else at[letter] for letter in inside)]
        if inside.index("X") < inside.index("Y"):
            plane = plane.T
        return np.ascontiguousarray(plane, dtype=np.dtype(self.dtype))[None, None, None]

    def _span(self, letter: str, at: dict[str, int]) -> slice:
        if letter == "S":
            return slice(None)
        side = self.block_px if letter in "YX" else 1
        return slice(at[letter] * side, (at[letter] + 1) * side)


@dataclass(frozen=True)
class _WholePage:
    reader: PlaneReader

    def __call__(self, block_id: tuple[int, ...] | None = None) -> Array:
        lead = (block_id or ())[: self.reader.paged]
        page = int(np.ravel_multi_index(lead, self.reader.shape[: self.reader.paged])) if lead else 0
        inner = self.reader.shape[self.reader.paged :]
        return self.reader.pages.read(page).reshape((1,) * self.reader.paged + inner)


def lazy_tczyx(reader: PlaneReader) -> da.Array:
    """Make the lazy array of a file.

    Parameters
    ----------
    reader : PlaneReader
        How its planes are read.

    Returns
    -------
    dask.array.Array
        Axes TCZYX, one chunk per plane, several where planes are large. Its graph is symbolic: as small for
        20,000 frames as for one.
    """
    if not {"Y", "X"} <= set(reader.axes[reader.paged :]):  # as told, height or width counts pages
        inner = reader.shape[reader.paged :]
        chunks = tuple((1,) * n for n in reader.shape[: reader.paged]) + tuple((n,) for n in inner)
        return to_tczyx(_lazy(_WholePage(reader), chunks, reader.dtype), reader.axes)
    length = dict(zip(reader.axes, reader.shape, strict=True))
    shape = tuple(length.get(letter, 1) for letter in AXES)
    reader = replace(reader, block_px=block_px_of(shape[3:]))
    return lazy_planes(reader, shape, reader.dtype, reader.block_px)


def block_px_of(frame_shape: Sequence[int]) -> int:
    """Say in which blocks planes are read.

    Parameters
    ----------
    frame_shape : sequence of int
        Height and width in px.

    Returns
    -------
    int
        Side of the blocks in px; 0 for planes that are read whole.
    """
    return BLOCK_PX if is_large(frame_shape) else 0


def _lazy(reader: Any, chunks: tuple[tuple[int, ...], ...], dtype: str) -> da.Array:
    import dask.array as da  # noqa: PLC0415 - takes long to import, and the window needs it only for a stack

    meta = np.empty((0,) * len(chunks), dtype)
    return da.map_blocks(reader, chunks=chunks, dtype=np.dtype(dtype), meta=meta)


def lazy_planes(reader: Any, shape: tuple[int, ...], dtype: str, block_px: int = 0) -> da.Array:
    """Make a lazy array whose planes a function reads.

    Parameters
    ----------
    reader : callable
        Takes ``block_id`` (indices along TCZYX), returns one plane or block with axes TCZYX; picklable.
    shape : tuple of int
        Along TCZYX.
    dtype : str
        Pixel type.
    block_px : int
        Side of the blocks that it reads; 0 where it reads whole planes.

    Returns
    -------
    dask.array.Array
        Axes TCZYX, one chunk per plane or block.
    """
    sides = (_blocks(n, block_px) if block_px else (n,) for n in shape[3:])
    return _lazy(reader, (*((1,) * n for n in shape[:3]), *sides), dtype)


def _blocks(length: int, block_px: int) -> tuple[int, ...]:
    whole, rest = divmod(length, block_px)
    return (block_px,) * whole + ((rest,) if rest else ())


def luminance(colours: Array) -> Array:
    """Turn colours into grey.

    Parameters
    ----------
    colours : ndarray
        Axes ...S with red, green, blue first; further samples (alpha) are left out.

    Returns
    -------
    ndarray
        Weighted by `LUMINANCE` (Rec. ITU-R BT.709), same dtype; integers are rounded.
    """
    grey = np.asarray(colours[..., :3], dtype=np.float64) @ np.asarray(LUMINANCE)
    if np.issubdtype(colours.dtype, np.integer):
        grey = np.rint(grey)
    result: Array = grey.astype(colours.dtype)
    return result
