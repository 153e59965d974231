"""Label movies on the disk, as large as they need to be."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from napari_cellseg.data.pages import unreadable
from napari_cellseg.data.storage import atomic_file
from napari_cellseg.errors import InputError


def new_label_movie(path: Path | str, shape: Sequence[int]) -> npt.NDArray[np.int32]:
    """Make an empty label movie on the disk.

    Parameters
    ----------
    path : Path or str
        The ``.npy`` file; a file of that name is replaced.
    shape : sequence of int
        Lengths of TYX.

    Returns
    -------
    numpy.memmap
        Axes TYX, int32, all 0, writable. The room on the disk is taken at once, as a full disk would end the
        program while it writes into the map.

    Raises
    ------
    StorageError
        The disk is full, or the place cannot be written.
    """
    path = Path(path)
    t, y, x = (int(n) for n in shape)
    with atomic_file(path) as partial:
        movie = np.lib.format.open_memmap(partial, "w+", np.int32, (t, y, x))
        size = partial.stat().st_size
        del movie
        if hasattr(os, "posix_fallocate"):
            _take_room(partial, size)
    return open_label_movie(path)


def _take_room(file: Path, size: int) -> None:
    with file.open("r+b") as opened:
        try:
            os.posix_fallocate(opened.fileno(), 0, size)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):  # file systems that know no such thing
                raise


def open_label_movie(path: Path | str, mode: Literal["r", "r+", "c"] = "r+") -> npt.NDArray[np.int32]:
    """Open a label movie on the disk.

    Parameters
    ----------
    path : Path or str
        A ``.npy`` file made by `new_label_movie`.
    mode : {"r", "r+", "c"}
        Read, read and write, or changes that stay in memory.

    Returns
    -------
    numpy.memmap
        Axes TYX, int32.

    Raises
    ------
    InputError
        There is none, or it is damaged or something else.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"There are no labels at {path}", "", "Make labels first")
    try:
        movie = np.lib.format.open_memmap(path, "r")  # first: to write would silently lengthen a cut file
        if mode != "r":
            movie = np.lib.format.open_memmap(path, mode)
    except (OSError, ValueError, EOFError) as error:
        raise unreadable(path, error) from error
    if movie.ndim != 3 or movie.dtype != np.int32:
        raise InputError(
            f"{path} holds {movie.dtype} of the shape {movie.shape}",
            "Labels of the type int32 with the axes TYX were expected",
            "Make the labels again",
        )
    return movie
