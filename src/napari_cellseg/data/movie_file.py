"""Labels and probabilities in their files: movies of planes that are read when they are asked for."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from napari_cellseg.data.image_file import ImageFile
from napari_cellseg.data.pages import Array
from napari_cellseg.data.stack import WHOLE, FramePart

MOVIE = 3
"""Number of axes of a movie."""


@dataclass(frozen=True)
class MovieFile:
    """A movie in a file; a single image is a movie of one frame.

    Attributes
    ----------
    shape : tuple of int
        Frames, height and width.
    read : callable
        Reads rows and columns, as slices with a start and an end, of a frame.
    single : bool
        True where the file holds an image without an axis of time.
    """

    shape: tuple[int, int, int]
    read: Callable[[int, FramePart], Array]
    single: bool = False

    @property
    def frame_shape(self) -> tuple[int, int]:
        """Height and width in px."""
        return self.shape[1:]

    def __len__(self) -> int:
        """Say how many frames there are."""
        return self.shape[0]

    def __getitem__(self, t: int) -> Array:
        """Read a frame."""
        return self.frame(t)

    def __iter__(self) -> Iterator[Array]:
        """Read the frames, one after the other."""
        return (self.frame(t) for t in range(len(self)))

    def frame(self, t: int, part: FramePart = WHOLE) -> Array:
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
            Axes YX.

        Raises
        ------
        InputError
            It cannot be read.
        """
        rows, columns = (slice(*one.indices(n)[:2]) for one, n in zip(part, self.frame_shape, strict=True))
        return self.read(range(len(self))[t], (rows, columns))

    def whole(self) -> Array:
        """Read all frames into memory.

        Returns
        -------
        ndarray
            Axes TYX, or YX where the file holds a single image.
        """
        first = self.frame(0)
        movie = np.empty(self.shape, first.dtype)
        for t in range(len(self)):
            movie[t] = first if t == 0 else self.frame(t)
        return movie[0] if self.single else movie


def movie_file_of(image: ImageFile) -> MovieFile | None:
    """Take an image file for a movie of planes.

    Parameters
    ----------
    image : ImageFile
        What its header says.

    Returns
    -------
    MovieFile
        Any third axis is taken as time; None where there are more.
    """
    shape = tuple(n for n in image.shape[:-2] if n > 1) + image.shape[-2:]
    if len(shape) > MOVIE:
        return None
    leading = image.file_shape[image.paged : -2]  # axes of a page beside height and width

    def read(t: int, part: FramePart) -> Array:
        page, plane = divmod(t, math.prod(leading))
        at = (slice(int(i), int(i) + 1) for i in np.unravel_index(plane, leading))
        array: Array = image.pages.read(page, (*at, *part))
        return array.reshape(array.shape[-2:])

    frames = shape[0] if len(shape) == MOVIE else 1
    return MovieFile((frames, shape[-2], shape[-1]), read, single=len(shape) < MOVIE)


def movie_of_array(array: Array) -> MovieFile:
    """Take an array, such as a memory map, for a movie of planes.

    Parameters
    ----------
    array : ndarray
        Axes YX or TYX.

    Returns
    -------
    MovieFile
        They stay where they are.
    """
    movie = array[None] if array.ndim < MOVIE else array
    return MovieFile(
        (len(movie), movie.shape[1], movie.shape[2]), lambda t, part: movie[t][part], array.ndim < MOVIE
    )
