"""Reading label images and movies."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from napari_cellseg.data.axes import describe
from napari_cellseg.data.files import look
from napari_cellseg.data.image_file import ImageFile
from napari_cellseg.data.pages import Array, unreadable
from napari_cellseg.data.samples import IGNORE
from napari_cellseg.data.stack import WHOLE, FramePart
from napari_cellseg.errors import InputError

_MOVIE = 3
"""Number of axes of a movie."""
_EXPECTED = (
    "Whole numbers were expected: 0 for background, 1, 2, ... for objects, -1 for what is to be ignored"
)


@dataclass(frozen=True)
class LabelMovie:
    """A label image or movie in its file; iterating gives one plane after the other.

    Attributes
    ----------
    path : Path
        The file.
    shape : tuple of int
        Lengths of the axes YX, or TYX for a movie.
    """

    path: Path
    shape: tuple[int, ...]
    _read: Callable[[int, FramePart], Array]

    def __len__(self) -> int:
        """Say how many frames there are."""
        return self.shape[0] if len(self.shape) == _MOVIE else 1

    def __iter__(self) -> Iterator[npt.NDArray[np.int32]]:
        """Read the frames, one after the other."""
        return (self.frame(t) for t in range(len(self)))

    @property
    def frame_shape(self) -> tuple[int, int]:
        """Height and width in px."""
        return self.shape[-2], self.shape[-1]

    def frame(self, t: int, part: FramePart = WHOLE) -> npt.NDArray[np.int32]:
        """Read a frame, or a part of it.

        Parameters
        ----------
        t : int
            Time point, from 0.
        part : tuple of slice
            Rows and columns, without steps.

        Returns
        -------
        ndarray
            Axes YX, int32: 0 background, 1, 2, ... objects, -1 ignore.

        Raises
        ------
        InputError
            It cannot be read, or holds numbers that are no labels.
        """
        rows, columns = (slice(*one.indices(n)[:2]) for one, n in zip(part, self.frame_shape, strict=True))
        return _whole_numbers(self.path, self._read(t, (rows, columns)))


def open_labels(path: Path | str) -> LabelMovie:
    """Open a label image or movie; frames are read when they are asked for.

    Parameters
    ----------
    path : Path or str
        TIFF, PNG or NumPy (``.npy``) file, or OME-Zarr folder.

    Returns
    -------
    LabelMovie
        Any third axis is taken as time.

    Raises
    ------
    InputError
        It cannot be read, or holds colours or channels.
    """
    path = Path(path)
    if path.suffix.lower() == ".npy":
        return _of_array(path, _from_npy(path))
    image = look(path)
    if _is_palette(path):
        with Image.open(path) as picture:
            return _of_array(path, np.asarray(picture))
    if "S" in image.file_axes:
        raise InputError(
            f"{path} is a colour picture (RGB)",
            _EXPECTED,
            "Export the labels as a grey 16-bit TIFF instead of the coloured overlay",
        )
    return _of_image(path, image)


def read_labels(path: Path | str) -> npt.NDArray[np.int32]:
    """Read a label image or movie into memory.

    Parameters
    ----------
    path : Path or str
        See `open_labels`.

    Returns
    -------
    ndarray
        Axes YX, or TYX for a movie (any third axis is taken as time), int32: 0 background, 1, 2, ... objects,
        -1 ignore.

    Raises
    ------
    InputError
        It cannot be read, or holds colours, fractions, channels, or numbers that are no labels.
    """
    movie = open_labels(path)
    labels = np.empty((len(movie), *movie.frame_shape), np.int32)
    for t, plane in enumerate(movie):
        labels[t] = plane
    return labels.reshape(movie.shape)


def _from_npy(path: Path) -> Array:
    try:
        array: Array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise unreadable(path, error) from error
    if array.ndim not in (2, _MOVIE) or array.size == 0:
        raise _wrong_shape(path, describe(array.shape))
    return array


def _of_array(path: Path, array: Array) -> LabelMovie:
    planes = array.reshape(-1, *array.shape[-2:])
    return LabelMovie(path, array.shape, lambda t, part: planes[t][part])


def _is_palette(path: Path) -> bool:
    """Find PNGs with a palette of colours: the numbers in the palette are the labels."""
    if path.is_dir():
        return False
    with path.open("rb") as file:
        head = file.read(26)
    return head.startswith(b"\x89PNG") and head[25] == 3


def _of_image(path: Path, image: ImageFile) -> LabelMovie:
    shape = tuple(n for n in image.shape[:-2] if n > 1) + image.shape[-2:]
    if len(shape) > _MOVIE:
        raise _wrong_shape(path, describe(image.shape, image.declared))
    leading = image.file_shape[image.paged : -2]  # axes of a page beside height and width

    def read(t: int, part: FramePart) -> Array:
        page, plane = divmod(t, math.prod(leading))
        at = (slice(int(i), int(i) + 1) for i in np.unravel_index(plane, leading))
        array: Array = image.pages.read(page, (*at, *part))
        return array.reshape(array.shape[-2:])

    return LabelMovie(path, shape, read)


def _wrong_shape(path: Path, found: str) -> InputError:
    return InputError(
        f"{path} has the shape {found}",
        "Labels are one image (YX) or one movie (TYX)",
        "Save the labels of one channel and one plane",
    )


def _whole_numbers(path: Path, array: Array) -> npt.NDArray[np.int32]:
    if array.dtype.kind not in "biuf":
        raise InputError(f"{path} holds values of the type {array.dtype}", _EXPECTED)
    if array.dtype.kind == "f" and not bool(np.all(np.mod(array, 1) == 0)):
        raise InputError(
            f"{path} holds fractions or missing values, as a probability map does",
            _EXPECTED,
            "Choose the label image instead",
        )
    low, high = array.min(), array.max()
    if low < IGNORE or high > np.iinfo(np.int32).max:
        raise InputError(f"{path} holds values from {low} to {high}", _EXPECTED, "Choose a label image")
    return array.astype(np.int32)
