"""Results larger than memory: OME-Zarr images in chunks, with smaller copies for a quick look."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from napari_cellseg import __version__
from napari_cellseg.data.probabilities import as_bytes
from napari_cellseg.data.stack import WHOLE, FramePart
from napari_cellseg.data.storage import atomic_folder

SUFFIX = ".ome.zarr"
_PROGRAM = "napari-cellseg"
_CHUNK_PX = 1024
_SMALLEST_PX = 1024
"""Copies are halved until they are no larger than this."""

Labels = npt.NDArray[np.integer[Any]]
Array = npt.NDArray[Any]


def levels_of(shape: tuple[int, int, int]) -> list[tuple[int, int, int]]:
    """List the shapes of a movie and its smaller copies.

    Parameters
    ----------
    shape : tuple of int
        Frames, height and width.

    Returns
    -------
    list of tuple
        Each half as high and wide as the one before, rounded up; the last no larger than 1024 px.
    """
    shapes = [shape]
    while max(shapes[-1][1:]) > _SMALLEST_PX:
        frames, height, width = shapes[-1]
        shapes.append((frames, -(-height // 2), -(-width // 2)))
    return shapes


class Pyramid(ABC):
    """A movie on the disk, written part by part; it appears under its name when it is complete.

    OME-Zarr 0.5 (https://ngff.openmicroscopy.org/0.5/), axes TYX.

    Parameters
    ----------
    path : Path
        The folder; one that was written before is replaced at the end.
    shape : tuple of int
        Frames, height and width.
    pixel_size_um : float, optional
        Side of a pixel in µm.
    frame_interval_s : float, optional
        Time between frames in s.

    Raises
    ------
    StorageError
        On entering or leaving: the disk is full, or the place cannot be written, or something else is there.
    """

    dtype: ClassVar[type[np.generic]]
    """Of its pixels."""
    method: ClassVar[str]
    """How smaller copies are made, in a word."""
    told: ClassVar[dict[str, Any]] = {}
    """More that OME-Zarr wants to know."""

    def __init__(
        self,
        path: Path,
        shape: tuple[int, int, int],
        pixel_size_um: float | None = None,
        frame_interval_s: float | None = None,
    ) -> None:
        self.shape = shape
        self._path, self._place = path, atomic_folder(path, _is_ours)
        self._pixel_size_um, self._frame_interval_s = pixel_size_um, frame_interval_s
        self._levels: list[Any] = []

    def __enter__(self) -> Self:
        """Make room beside the place.

        Returns
        -------
        Pyramid
            Itself.
        """
        self._folder = self._place.__enter__()
        self._add_level(self.shape)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Complete it and move it to its place; after an error nothing is left.

        Parameters
        ----------
        kind, error, trace
            The error, if there was one.
        """
        if error is None:
            try:
                self._finish()
            except BaseException as late:
                self._place.__exit__(type(late), late, late.__traceback__)
                raise
        self._place.__exit__(kind, error, trace)

    @property
    def step(self) -> int:
        """The smallest copy has every so many-th pixel."""
        return int(2 ** (len(levels_of(self.shape)) - 1))

    def read(self, t: int, part: FramePart) -> Array:
        """Read what was written.

        Parameters
        ----------
        t : int
            Frame, from 0.
        part : tuple of slice
            Rows and columns.

        Returns
        -------
        ndarray
            Axes YX, of the type `dtype`; 0 where nothing was written.
        """
        return np.asarray(self._levels[0][(t, *part)])

    def write(self, t: int, part: FramePart, pixels: Array) -> None:
        """Write a part.

        Parameters
        ----------
        t : int
            Frame, from 0.
        part : tuple of slice
            Rows and columns.
        pixels : ndarray
            Axes YX.
        """
        self._levels[0][(t, *part)] = self._stored(pixels)

    @abstractmethod
    def _stored(self, pixels: Array) -> Array:
        """Turn pixels into what is kept of them."""

    @abstractmethod
    def _halved(self, square: Array) -> Array:
        """Make half as many rows and columns, rounded up."""

    def _add_level(self, shape: tuple[int, int, int]) -> None:
        import zarr  # noqa: PLC0415 - takes half a second

        self._levels.append(
            zarr.create_array(
                self._folder / str(len(self._levels)),
                shape=shape,
                chunks=(1, min(_CHUNK_PX, shape[1]), min(_CHUNK_PX, shape[2])),
                dtype=self.dtype,
                dimension_names=("t", "y", "x"),
                zarr_format=3,
            )
        )

    def _finish(self) -> None:
        for shape in levels_of(self.shape)[1:]:
            self._add_level(shape)
            for t, y, x in np.ndindex(shape[0], *(-(-n // _CHUNK_PX) for n in shape[1:])):
                self._halve(t, y * _CHUNK_PX, x * _CHUNK_PX)
        self._describe()

    def _halve(self, t: int, y: int, x: int) -> None:
        """Fill a chunk of the smallest copy so far."""
        large, small = self._levels[-2:]
        square = large[t, 2 * y : 2 * (y + _CHUNK_PX), 2 * x : 2 * (x + _CHUNK_PX)]
        small[t, y : y + _CHUNK_PX, x : x + _CHUNK_PX] = self._halved(square)

    def _describe(self) -> None:
        import zarr  # noqa: PLC0415 - takes half a second
        from ome_zarr_models.v05.axes import Axis  # noqa: PLC0415 - takes half a second
        from ome_zarr_models.v05.multiscales import Dataset, Multiscale  # noqa: PLC0415 - takes half a second

        size, interval = self._pixel_size_um, self._frame_interval_s
        space = {"type": "space"} | ({"unit": "micrometer"} if size else {})
        time = {"type": "time"} | ({"unit": "second"} if interval else {})
        axes = [Axis(name="t", **time), Axis(name="y", **space), Axis(name="x", **space)]
        steps = [(size or 1.0) * 2**level for level in range(len(self._levels))]
        datasets = [
            Dataset.build(path=str(level), scale=(interval or 1.0, step, step), translation=None)
            for level, step in enumerate(steps)
        ]
        name = self._path.name.removesuffix(SUFFIX)
        described = Multiscale(axes=axes, datasets=datasets, name=name, type=self.method)
        told = {
            "version": "0.5",
            "multiscales": [described.model_dump(mode="json", exclude_none=True)],
        }
        program = {"program": f"{_PROGRAM} {__version__}"}
        zarr.create_group(
            self._folder, zarr_format=3, attributes={"ome": told | self.told, _PROGRAM: program}
        )


class LabelPyramid(Pyramid):
    """A label movie: whole numbers from 0, kept as uint32, with the metadata of a label image.

    Smaller copies take every second pixel, so that every number in them is that of an object.
    """

    dtype, method = np.uint32, "nearest"
    told: ClassVar[dict[str, Any]] = {"image-label": {"version": "0.5"}}

    def __setitem__(self, t: int, labels: Labels) -> None:
        """Write a whole frame, as into an array."""
        self.write(t, WHOLE, labels)

    def __len__(self) -> int:
        """Count the frames."""
        return self.shape[0]

    def __iter__(self) -> Iterator[Labels]:
        """Read frame after frame."""
        return (self.read(t, WHOLE) for t in range(len(self)))

    def _stored(self, pixels: Array) -> Array:
        return pixels.astype(self.dtype, copy=False)

    def _halved(self, square: Array) -> Array:
        return square[::2, ::2]


class ProbabilityPyramid(Pyramid):
    """A movie of probabilities from 0 to 1, kept in 8 bits (255 for 1); smaller copies are averages."""

    dtype, method = np.uint8, "mean"

    def _stored(self, pixels: Array) -> Array:
        return as_bytes(pixels)

    def _halved(self, square: Array) -> Array:
        even = np.pad(square, [(0, n % 2) for n in square.shape], "edge")
        height, width = (n // 2 for n in even.shape)
        means: Array = np.rint(even.reshape(height, 2, width, 2).mean((1, 3))).astype(np.uint8)
        return means


def _is_ours(path: Path) -> bool:
    """Tell whether a folder is a pyramid that this program has written."""
    mark = path / "zarr.json"
    return mark.is_file() and f'"{_PROGRAM}"' in mark.read_text(encoding="utf-8", errors="replace")
