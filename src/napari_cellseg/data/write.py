"""Writing labels, tables and texts; the room's other writing helpers are found here too."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import tifffile

from napari_cellseg.data.storage import atomic_file, atomic_folder, storage, versioned
from napari_cellseg.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "atomic_file",
    "atomic_folder",
    "storage",
    "versioned",
    "write_csv",
    "write_labels",
    "write_text",
]

_MOST_IMAGEJ_BYTES = 2**32 - 2**25  # beyond, only BigTIFF, which ImageJ itself does not read
_MOST_UINT16 = 2**16 - 1
_IGNORED_NOTE = "Regions marked to be ignored (-1) are written as background (0)."


def write_text(path: Path | str, text: str) -> None:
    """Write a text file as a whole or not at all.

    Parameters
    ----------
    path : Path or str
        The file.
    text : str
        Its content, written as UTF-8.

    Raises
    ------
    StorageError
        The disk is full, or the place cannot be written.
    """
    with atomic_file(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="")


def write_csv(path: Path | str, frame: pd.DataFrame) -> None:
    """Write a table as a whole or not at all.

    Parameters
    ----------
    path : Path or str
        The file.
    frame : pandas.DataFrame
        The table; its index is left out. Floating-point numbers come back as they were.

    Raises
    ------
    StorageError
        The disk is full, or the place cannot be written.
    """
    with atomic_file(path) as partial:
        frame.to_csv(partial, index=False, encoding="utf-8", lineterminator="\n")


def write_labels(
    path: Path | str,
    labels: npt.NDArray[Any] | Iterable[npt.NDArray[Any]],
    *,
    pixel_size_um: float | None = None,
    frame_interval_s: float | None = None,
) -> None:
    """Write labels as a TIFF that ImageJ, napari and others open.

    An ImageJ hyperstack of uint16. With more than 65,535 objects uint32 is needed, and beyond 4 GB a
    BigTIFF: ImageJ knows neither, so these are OME-TIFF, which Fiji opens through Bio-Formats. Only one frame
    at a time is in memory; planes that come one by one wait in a temporary file beside.

    Parameters
    ----------
    path : Path or str
        The file.
    labels : ndarray or iterable of ndarray
        Axes YX or TYX (also a memory map), or planes YX one by one; whole numbers. 0 is background, 1, 2, ...
        are objects; -1 (ignore) is written as 0, and the file says so.
    pixel_size_um : float or None
        Side of a pixel in µm, written into the file.
    frame_interval_s : float or None
        Time between frames in s, written into the file.

    Raises
    ------
    InputError
        No plane, planes of different shapes, no whole numbers, or numbers below -1 or beyond uint32.
    StorageError
        The disk is full, or the place cannot be written.
    """
    path = Path(path)
    if isinstance(labels, np.ndarray) or hasattr(labels, "__array__"):
        array: Any = labels
        movie = array[None] if array.ndim == 2 else array
        _write_movie(path, movie, pixel_size_um, frame_interval_s)
        return
    with storage(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent, prefix=f".{path.stem}.") as spool:
            shape, dtype = _spool(path, iter(labels), spool)
            movie = np.memmap(spool, dtype, "r", shape=shape)
            _write_movie(path, movie, pixel_size_um, frame_interval_s)
            del movie  # Windows removes no file that is mapped


def _spool(path: Path, planes: Iterator[npt.NDArray[Any]], spool: Any) -> tuple[tuple[int, int, int], Any]:
    first = np.asarray(next(planes, np.zeros((0, 0), np.int32)))
    count = 0
    for plane in _with_first(first, planes):
        array = np.asarray(plane)
        if array.ndim != 2 or array.shape != first.shape or 0 in array.shape:
            raise _not_labels(path, f"plane {count} has the shape {array.shape}, the first {first.shape}")
        _range(path, array)
        spool.write(np.ascontiguousarray(array, np.int64).tobytes())
        count += 1
    spool.flush()
    return (count, *first.shape), np.int64


def _with_first(first: npt.NDArray[Any], planes: Iterator[npt.NDArray[Any]]) -> Iterator[npt.NDArray[Any]]:
    yield first
    yield from planes


def _not_labels(path: Path, found: str) -> InputError:
    return InputError(
        f"These labels cannot be written to {path.name}: {found}",
        "Planes of the same height and width with whole numbers from 0 (and -1 for ignore) were expected",
        "",
    )


def _range(path: Path, plane: npt.NDArray[Any]) -> tuple[int, int]:
    """Find the lowest and highest label of a plane."""
    if plane.dtype.kind not in "biu":
        raise _not_labels(path, f"their type is {plane.dtype}")
    low, high = int(plane.min()), int(plane.max())
    if low < -1 or high >= 2**32:
        raise _not_labels(path, f"they reach from {low} to {high}")
    return low, high


def _write_movie(path: Path, movie: Any, pixel_size_um: float | None, frame_interval_s: float | None) -> None:
    shape = tuple(int(n) for n in movie.shape)
    if len(shape) != 3 or 0 in shape:
        raise _not_labels(path, f"their shape is {shape}")
    low = high = 0
    for t in range(shape[0]):
        lowest, highest = _range(path, np.asarray(movie[t]))
        low, high = min(low, lowest), max(high, highest)
    dtype = np.uint16 if high <= _MOST_UINT16 else np.uint32
    n_bytes = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    imagej = dtype is np.uint16 and n_bytes < _MOST_IMAGEJ_BYTES
    described = (low, pixel_size_um, frame_interval_s if shape[0] > 1 else None)
    metadata = _imagej(*described) if imagej else _ome(*described)
    planes = (np.maximum(np.asarray(movie[t]), 0).astype(dtype) for t in range(shape[0]))
    in_full = (shape[0], 1, 1, *shape[1:])  # a column of pixels could be taken for colours
    with atomic_file(path) as partial:
        tifffile.imwrite(
            partial,
            planes,
            shape=(*in_full, 1) if imagej else in_full,
            dtype=dtype,
            photometric="minisblack",
            imagej=imagej,
            ome=not imagej,
            bigtiff=not imagej and n_bytes >= _MOST_IMAGEJ_BYTES,
            metadata={"axes": "TZCYXS" if imagej else "TZCYX", **metadata},
            **_resolution(imagej, pixel_size_um),
        )


def _resolution(imagej: bool, pixel_size_um: float | None) -> dict[str, Any]:
    if not pixel_size_um:
        return {}
    if imagej:
        return {"resolution": (1 / pixel_size_um, 1 / pixel_size_um)}
    return {"resolution": (1e4 / pixel_size_um, 1e4 / pixel_size_um), "resolutionunit": "CENTIMETER"}


def _imagej(low: int, size: float | None, interval: float | None) -> dict[str, Any]:
    metadata: dict[str, Any] = {"mode": "grayscale"}
    if size:
        metadata["unit"] = "um"
    if interval:
        metadata.update(finterval=interval, tunit="s")
    if low < 0:
        metadata["Info"] = _IGNORED_NOTE
    return metadata


def _ome(low: int, size: float | None, interval: float | None) -> dict[str, Any]:
    metadata: dict[str, Any] = {"Channel": {"Name": ["labels"]}}
    if size:
        metadata.update(
            PhysicalSizeX=size, PhysicalSizeXUnit="µm", PhysicalSizeY=size, PhysicalSizeYUnit="µm"
        )
    if interval:
        metadata.update(TimeIncrement=interval, TimeIncrementUnit="s")
    if low < 0:
        metadata["Description"] = _IGNORED_NOTE
    return metadata
