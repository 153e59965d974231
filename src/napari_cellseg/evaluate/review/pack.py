"""The file of one item: the pixels that are shown and the labels that are outlined, and nothing else.

A compressed NumPy archive (``.npz``) of ``image``, ``labels`` and, where there is one, ``fluorescence``, all
with the axes YX. It does not say whose labels they are.
"""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_cellseg.errors import InputError
from napari_cellseg.evaluate.review.plan import Item

_KEYS = frozenset({"image", "labels", "fluorescence"})
_MOST_BYTES = 1 << 32


@dataclass(frozen=True)
class Pixels:
    """What is shown of one item.

    Attributes
    ----------
    image : ndarray
        Axes YX, any real dtype.
    labels : ndarray
        Axes YX, int32: 0 background; the objects that are judged and, in the margin, others.
    fluorescence : ndarray or None
        Axes YX; shown beside the image.
    """

    image: npt.NDArray[Any]
    labels: npt.NDArray[np.int32]
    fluorescence: npt.NDArray[Any] | None = None


def write_pixels(path: Path, pixels: Pixels) -> str:
    """Write the file of an item.

    Parameters
    ----------
    path : Path
        The file; its folder is there.
    pixels : Pixels
        What is shown.

    Returns
    -------
    str
        SHA-256 of the file.
    """
    arrays = {"image": pixels.image, "labels": pixels.labels}
    if pixels.fluorescence is not None:
        arrays["fluorescence"] = pixels.fluorescence
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]
    return file_hash(path)


def file_hash(path: Path) -> str:
    """Work out the SHA-256 of a file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    str
        Hexadecimal.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_pixels(folder: Path, item: Item) -> Pixels:
    """Read the file of an item.

    Parameters
    ----------
    folder : Path
        The folder of the review.
    item : Item
        The item.

    Returns
    -------
    Pixels
        What is shown.

    Raises
    ------
    InputError
        The file is missing, or is not the one that was made for the item.
    """
    path = folder / item.file
    if not path.is_file():
        raise InputError(
            f"{path} is missing", "Every item has its file", "Copy the whole folder of the review"
        )
    try:
        if file_hash(path) != item.sha256:
            raise _changed(path)
        arrays = _arrays(path)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(
            f"{path} cannot be read ({error})", "", "Copy the folder of the review again"
        ) from error
    y0, x0, y1, x1 = item.window
    if any(array.shape != (y1 - y0, x1 - x0) for array in arrays.values()):
        raise _changed(path)
    return Pixels(arrays["image"], arrays["labels"].astype(np.int32), arrays.get("fluorescence"))


def limits(picture: npt.NDArray[Any]) -> tuple[float, float]:
    """Choose the grey values between which a picture is shown.

    Parameters
    ----------
    picture : ndarray
        Axes YX, any real dtype.

    Returns
    -------
    tuple of float
        Its 0.1th and 99.9th percentile; of an even one, the value and one more.
    """
    values = picture[np.isfinite(picture)]
    if not values.size:
        return 0.0, 1.0
    low, high = (float(value) for value in np.percentile(values, [0.1, 99.9]))
    return (low, high) if high > low else (low, low + 1)


def _arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    with zipfile.ZipFile(path) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > _MOST_BYTES:
            raise ValueError("it would be larger than 4 GB")
    with np.load(path, allow_pickle=False) as archive:
        return {key: archive[key] for key in archive.files if key in _KEYS}


def _changed(path: Path) -> InputError:
    return InputError(
        f"{path} is not the file that the review was prepared with",
        "Experts judge the same pixels and outlines",
        "Put back the original, or prepare a new review",
    )
