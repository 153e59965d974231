"""Reading single pages of a file, which is open only meanwhile: small picklable readers."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import imagecodecs
import numpy as np
import numpy.typing as npt
import tifffile

from napari_cellseg.errors import InputError

Array = npt.NDArray[Any]
Part = tuple[slice, ...]
"""Which part of a page is read: a slice along each of its axes."""

_JPEG_END, _JPEG_TAIL = b"\xff\xd9", 1024

BROKEN = (
    ValueError,
    LookupError,
    TypeError,
    ArithmeticError,
    AttributeError,
    AssertionError,
    RuntimeError,
    EOFError,
    struct.error,
    zlib.error,
)
"""What the decoders raise on damaged data (imagecodecs' errors are RuntimeErrors)."""


class Pages(Protocol):
    """The pages of an image file, each with one or more planes."""

    def read(self, page: int, part: Part | None = None) -> Array:
        """Read one page, or a part of it.

        Parameters
        ----------
        page : int
            From 0.
        part : tuple of slice, optional
            One along each axis of the page, without steps; the whole page when not given.

        Returns
        -------
        ndarray
            As it is in the file.
        """
        ...


@dataclass(frozen=True)
class RawPages:
    """Uncompressed pages one after the other: an ImageJ hyperstack of any size has only one header for all.

    Attributes
    ----------
    path : str
        The file.
    offset : int
        Where the first page starts, in bytes.
    shape : tuple of int
        Shape of a page.
    dtype : str
        With the byte order of the file.
    """

    path: str
    offset: int
    shape: tuple[int, ...]
    dtype: str

    def read(self, page: int, part: Part | None = None) -> Array:
        """Read one page, or a part of it.

        Parameters
        ----------
        page : int
            From 0.
        part : tuple of slice, optional
            See `Pages.read`; nothing else is read.

        Returns
        -------
        ndarray
            In the machine's own byte order.

        Raises
        ------
        InputError
            The file has become shorter, or cannot be read any more.
        """
        dtype, count = np.dtype(self.dtype), int(np.prod(self.shape, dtype=np.int64))
        try:
            if part is not None:
                place = self.offset + page * count * dtype.itemsize
                mapped = np.memmap(self.path, dtype, "r", place, self.shape)
                return np.array(mapped[part], dtype.newbyteorder("="))  # a copy: the file is open no longer
            flat = np.fromfile(self.path, dtype, count, offset=self.offset + page * count * dtype.itemsize)
        except (OSError, MemoryError, ValueError) as error:  # numpy maps no file that is too short
            raise unreadable(self.path, error) from error
        if flat.size < count:
            raise unreadable(self.path, f"it ends within plane {page}")
        return flat.reshape(self.shape).astype(dtype.newbyteorder("="), copy=False)


@dataclass(frozen=True, eq=False)
class TiffPages:
    """Pages of a TIFF, each with its own header, compressed or not.

    Attributes
    ----------
    paths : tuple of str
        The file, or the files of an OME-TIFF set.
    where : ndarray
        One row per page: number of the file, position of the page's header in it (-1: the page was never
        written, as OME-TIFF allows; it reads as zeros).
    shape : tuple of int
        Shape of a page.
    dtype : str
        In the machine's own byte order.
    """

    paths: tuple[str, ...]
    where: npt.NDArray[np.int64]
    shape: tuple[int, ...]
    dtype: str

    def read(self, page: int, part: Part | None = None) -> Array:
        """Read one page, or a part of it; nothing else of the file is decoded.

        Parameters
        ----------
        page : int
            From 0.
        part : tuple of slice, optional
            See `Pages.read`. Only the tiles or strips that it touches are decoded.

        Returns
        -------
        ndarray
            In the machine's own byte order.

        Raises
        ------
        InputError
            The page is damaged.
        """
        file, offset = (int(n) for n in self.where[page])
        if offset < 0:
            blank: Array = np.zeros(1, self.dtype)
            whole = np.broadcast_to(blank, self.shape)
            return np.array(whole if part is None else whole[part])
        try:
            with tifffile.TiffFile(self.paths[file]) as tiff:
                tiff.filehandle.seek(offset)
                found = tifffile.TiffPage(tiff, index=page)
                if part is not None and _squeezed(found.shape) == _squeezed(self.shape):
                    return _part_of(found, self.shape, part).astype(np.dtype(self.dtype), copy=False)
                array: Array = found.asarray()
        except (OSError, MemoryError, *BROKEN) as error:
            raise unreadable(self.paths[file], f"its plane {page} is damaged ({error})") from error
        if array.size != int(np.prod(self.shape, dtype=np.int64)):
            raise unreadable(self.paths[file], f"its plane {page} has another size than the first")
        array = array.reshape(self.shape).astype(np.dtype(self.dtype), copy=False)
        return array if part is None else array[part].copy()


def _squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(n for n in shape if n > 1)


def _part_of(page: tifffile.TiffPage, shape: tuple[int, ...], part: Part) -> Array:
    """Decode the tiles or strips of a page that a part touches; zarr knows which."""
    import zarr  # noqa: PLC0415 - takes half a second

    with page.aszarr() as store:
        array = zarr.open_array(store, mode="r", zarr_format=2)
        spans = iter(span for span, n in zip(part, shape, strict=True) if n > 1)
        asked = tuple(next(spans) if n > 1 else slice(0, 1) for n in array.shape)
        lengths = [len(range(*span.indices(n))) for span, n in zip(part, shape, strict=True)]
        return np.asarray(array[asked]).reshape(lengths)


@dataclass(frozen=True)
class PicturePage:
    """The one page of a PNG or JPEG.

    Attributes
    ----------
    path : str
        The file.
    shape : tuple of int
        Shape of the page, with samples last.
    dtype : str
        Pixel type.
    """

    path: str
    shape: tuple[int, ...]
    dtype: str

    def read(self, page: int = 0, part: Part | None = None) -> Array:  # noqa: ARG002 - as all `Pages`
        """Read the picture.

        Parameters
        ----------
        page : int
            Always 0.
        part : tuple of slice, optional
            See `Pages.read`; all of it is decoded nevertheless.

        Returns
        -------
        ndarray
            Axes YX or YXS.

        Raises
        ------
        InputError
            The file is damaged.
        """
        try:
            data = Path(self.path).read_bytes()
            is_png = data[:4] == b"\x89PNG"
            if not is_png and _JPEG_END not in data[-_JPEG_TAIL:]:
                raise unreadable(self.path, "it is cut short")  # the decoder would fill up with grey
            array = np.asarray(imagecodecs.png_decode(data) if is_png else imagecodecs.jpeg_decode(data))
        except (OSError, MemoryError, *BROKEN) as error:
            raise unreadable(self.path, error) from error
        if array.size != int(np.prod(self.shape)):
            raise unreadable(self.path, f"it holds {array.shape} instead of the declared {self.shape}")
        array = array.reshape(self.shape).astype(np.dtype(self.dtype), copy=False)
        return array if part is None else array[part].copy()


def unreadable(path: str | Path, why: object) -> InputError:
    """Make the error for a file that cannot be read.

    Parameters
    ----------
    path : str or Path
        The file.
    why : object
        The reason in a few words, or an exception.

    Returns
    -------
    InputError
        To be raised by the caller.
    """
    if isinstance(why, MemoryError):
        return InputError(
            f"{path} does not fit into the memory of this computer",
            "",
            "Crop it, or save it in smaller pieces",
        )
    if isinstance(why, PermissionError):
        return InputError(f"{path} must not be read by you", "", "Ask its owner for permission to read it")
    reason = why.strerror if isinstance(why, OSError) and why.strerror else why
    return InputError(
        f"{path} cannot be read: {reason}",
        "A complete, undamaged image file was expected",
        "Copy it again from the microscope's computer, or export it again",
    )
