"""Pictures of predicted probabilities: 8-bit TIFF that any program shows, 0 for 0 and 255 for 1.

Eight bits are enough to look at, to threshold, and to see how far probabilities can be taken at their word
(steps of 0.004 in bins of 0.1), in a quarter of the room of floating point; half precision, in which the
network's answer is kept meanwhile, is a TIFF that few programs read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from napari_cellseg.data.axes import describe
from napari_cellseg.data.files import look
from napari_cellseg.data.movie_file import MovieFile, movie_file_of
from napari_cellseg.data.storage import atomic_file
from napari_cellseg.errors import InputError

FOLDER = "probabilities"
"""Name of their folder among the results."""

_FULL_SCALE = 255
_MOST_IMAGEJ_BYTES = 2**32 - 2**25  # beyond, only BigTIFF, which ImageJ itself does not read
_EXPECTED = "Fractions from 0 to 1, or grey levels of 8 or 16 bits (0 to 255, 0 to 65,535), were expected"


def write_probabilities(
    path: Path | str,
    movie: npt.NDArray[Any],
    *,
    pixel_size_um: float | None = None,
    frame_interval_s: float | None = None,
) -> None:
    """Write probabilities as an 8-bit TIFF.

    Parameters
    ----------
    path : Path or str
        The file; replaced when it is there. ImageJ opens it up to 4 GB; beyond, it is a BigTIFF.
    movie : ndarray
        Axes TYX, floating, 0 to 1; may be a memory map: one frame at a time is in memory.
    pixel_size_um : float or None
        Side of a pixel in µm, written into the file.
    frame_interval_s : float or None
        Time between frames in s, written into the file.

    Raises
    ------
    StorageError
        The disk is full, or the place cannot be written.
    """
    shape = tuple(int(n) for n in movie.shape)
    imagej = int(np.prod(shape, dtype=np.int64)) < _MOST_IMAGEJ_BYTES
    metadata: dict[str, Any] = {"axes": "TZCYXS" if imagej else "TYX"}
    metadata |= {"mode": "grayscale"} if imagej else {}
    metadata |= {"unit": "um"} if imagej and pixel_size_um else {}
    metadata |= {"finterval": frame_interval_s, "tunit": "s"} if imagej and frame_interval_s else {}
    known = {"resolution": (1 / pixel_size_um, 1 / pixel_size_um)} if imagej and pixel_size_um else {}
    with atomic_file(path) as partial:
        tifffile.imwrite(
            partial,
            map(as_bytes, movie),
            shape=(shape[0], 1, 1, *shape[1:], 1) if imagej else shape,
            dtype=np.uint8,
            photometric="minisblack",
            imagej=imagej,
            bigtiff=not imagej,
            metadata=metadata,
            **known,
        )


def as_bytes(frame: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Scale probabilities to 0 to 255.

    Parameters
    ----------
    frame : ndarray
        Any axes, floating; what is below 0 or above 1 is taken for these.

    Returns
    -------
    ndarray
        The same axes, rounded.
    """
    clipped = np.clip(np.asarray(frame, np.float32), 0, 1)
    return np.rint(clipped * _FULL_SCALE).astype(np.uint8)


def open_probabilities(path: Path | str) -> MovieFile:
    """Open a picture or movie of probabilities; frames are read when they are asked for.

    Parameters
    ----------
    path : Path or str
        TIFF or PNG: fractions from 0 to 1, or whole numbers of 8 or 16 bits.

    Returns
    -------
    MovieFile
        In the type of the file: see `as_fractions`. Any third axis is taken as time.

    Raises
    ------
    InputError
        It cannot be read, or holds colours, channels, or a type that no probability has.
    """
    path = Path(path)
    image = look(path)
    planes = movie_file_of(image)
    if "S" in image.file_axes or planes is None:
        what = "is a colour picture" if "S" in image.file_axes else "has the shape"
        raise InputError(
            f"{path} {what} {describe(image.shape, image.declared)}",
            "Probabilities are one image (YX) or one movie (TYX) in grey",
            "Save the probability of foreground by itself",
        )
    _divisor(np.dtype(image.dtype), str(path))
    return planes


def as_fractions(frame: npt.NDArray[Any], name: str = "") -> npt.NDArray[np.float32]:
    """Scale probabilities to 0 to 1.

    Parameters
    ----------
    frame : ndarray
        Any axes: floating (taken as it is), bool, uint8 (of 255) or uint16 (of 65,535).
    name : str
        What they belong to, for the message.

    Returns
    -------
    ndarray
        The same axes, float32.

    Raises
    ------
    InputError
        They are of another type.
    """
    fractions: npt.NDArray[np.float32] = frame.astype(np.float32) / np.float32(_divisor(frame.dtype, name))
    return fractions


def _divisor(dtype: np.dtype[Any], name: str) -> int:
    if dtype.kind in "fb":
        return 1
    if dtype in (np.uint8, np.uint16):
        return int(np.iinfo(dtype).max)
    raise InputError(f"The probabilities {name} are numbers of the type {dtype}", _EXPECTED)
