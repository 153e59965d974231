"""Reading label images and movies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from napari_cellseg.data.axes import describe
from napari_cellseg.data.files import look
from napari_cellseg.data.image_file import ImageFile
from napari_cellseg.data.pages import Array, unreadable
from napari_cellseg.data.samples import IGNORE
from napari_cellseg.errors import InputError

_EXPECTED = (
    "Whole numbers were expected: 0 for background, 1, 2, ... for objects, -1 for what is to be ignored"
)


def read_labels(path: Path | str) -> npt.NDArray[np.int32]:
    """Read a label image or movie.

    Parameters
    ----------
    path : Path or str
        TIFF, PNG or NumPy (``.npy``) file, or OME-Zarr folder.

    Returns
    -------
    ndarray
        Axes YX, or TYX for a movie (any third axis is taken as time), int32: 0 background, 1, 2, ... objects,
        -1 ignore. All of it is in memory.

    Raises
    ------
    InputError
        It cannot be read, or holds colours, fractions, channels, or numbers that are no labels.
    """
    path = Path(path)
    if path.suffix.lower() == ".npy":
        return _whole_numbers(path, _from_npy(path))
    image = look(path)
    if _is_palette(path):
        with Image.open(path) as picture:
            return _whole_numbers(path, np.asarray(picture))
    if "S" in image.file_axes:
        raise InputError(
            f"{path} is a colour picture (RGB)",
            _EXPECTED,
            "Export the labels as a grey 16-bit TIFF instead of the coloured overlay",
        )
    return _whole_numbers(path, _from_image(path, image))


def _from_npy(path: Path) -> Array:
    try:
        array: Array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise unreadable(path, error) from error
    if array.ndim not in (2, 3) or array.size == 0:
        raise _wrong_shape(path, describe(array.shape))
    return array


def _is_palette(path: Path) -> bool:
    """Find PNGs with a palette of colours: the numbers in the palette are the labels."""
    if path.is_dir():
        return False
    with path.open("rb") as file:
        head = file.read(26)
    return head.startswith(b"\x89PNG") and head[25] == 3


def _from_image(path: Path, image: ImageFile) -> Array:
    shape = tuple(n for n in image.shape[:-2] if n > 1) + image.shape[-2:]
    if len(shape) > 3:
        raise _wrong_shape(path, describe(image.shape, image.declared))
    pages = int(np.prod(image.file_shape[: image.paged], dtype=np.int64))
    if pages == 1:
        return image.pages.read(0).reshape(shape)
    return np.stack([image.pages.read(page) for page in range(pages)]).reshape(shape)


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
