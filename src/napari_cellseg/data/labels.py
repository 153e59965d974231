"""Reading label images and movies."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from napari_cellseg.data.axes import describe
from napari_cellseg.data.files import look
from napari_cellseg.data.movie_file import MOVIE, MovieFile, movie_file_of, movie_of_array
from napari_cellseg.data.pages import Array, unreadable
from napari_cellseg.data.samples import IGNORE
from napari_cellseg.errors import InputError

_EXPECTED = (
    "Whole numbers were expected: 0 for background, 1, 2, ... for objects, -1 for what is to be ignored"
)


def open_labels(path: Path | str) -> MovieFile:
    """Open a label image or movie; frames are read, and looked at more closely, when they are asked for.

    Parameters
    ----------
    path : Path or str
        TIFF, PNG or NumPy (``.npy``) file, or OME-Zarr folder.

    Returns
    -------
    MovieFile
        int32: 0 background, 1, 2, ... objects, -1 ignore. Any third axis is taken as time.

    Raises
    ------
    InputError
        It cannot be read, or holds colours or channels; a frame is read that cannot be, or holds fractions or
        numbers that are no labels.
    """
    path = Path(path)
    planes = _open(path)
    return replace(planes, read=lambda t, part: _whole_numbers(path, planes.read(t, part)))


def _open(path: Path) -> MovieFile:
    if path.suffix.lower() == ".npy":
        return movie_of_array(_from_npy(path))
    image = look(path)
    if _is_palette(path):
        with Image.open(path) as picture:
            return movie_of_array(np.asarray(picture))
    if "S" in image.file_axes:
        raise InputError(
            f"{path} is a colour picture (RGB)",
            _EXPECTED,
            "Export the labels as a grey 16-bit TIFF instead of the coloured overlay",
        )
    planes = movie_file_of(image)
    if planes is None:
        raise _wrong_shape(path, describe(image.shape, image.declared))
    return planes


def read_labels(path: Path | str) -> npt.NDArray[np.int32]:
    """Read a label image or movie into memory.

    Parameters
    ----------
    path : Path or str
        See `open_labels`.

    Returns
    -------
    ndarray
        Axes YX, or TYX for a movie, int32: 0 background, 1, 2, ... objects, -1 ignore.

    Raises
    ------
    InputError
        See `open_labels`.
    """
    return open_labels(path).whole()


def _from_npy(path: Path) -> Array:
    try:
        array: Array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise unreadable(path, error) from error
    if array.ndim not in (2, MOVIE) or array.size == 0:
        raise _wrong_shape(path, describe(array.shape))
    return array


def _is_palette(path: Path) -> bool:
    """Find PNGs with a palette of colours: the numbers in the palette are the labels."""
    if path.is_dir():
        return False
    with path.open("rb") as file:
        head = file.read(26)
    return head.startswith(b"\x89PNG") and head[25] == 3


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
