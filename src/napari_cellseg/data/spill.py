"""Arrays that are many: the first stay in memory, the others in a file from which they are read when used."""

from __future__ import annotations

import tempfile
import weakref
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from napari_cellseg.data.storage import storage

BUDGET_BYTES = 1 << 30
"""1 GiB: some hundred frames of a camera. What is in a file stays in memory too, as long as there is room."""

_PAGE = 1 << 12

T = TypeVar("T", bound=np.generic)


class Spill:
    """Keeps arrays that are only read from now on.

    Parameters
    ----------
    folder : Path
        Where the file lies; nobody else sees it, and it is gone with the last of its arrays.
    budget_bytes : int
        So much stays in memory.
    """

    def __init__(self, folder: Path, budget_bytes: int = BUDGET_BYTES) -> None:
        self._folder, self._left = folder, budget_bytes
        self._file: Any = None

    def keep(self, array: npt.NDArray[T]) -> npt.NDArray[T]:
        """Keep an array.

        Parameters
        ----------
        array : ndarray
            Of any shape and type.

        Returns
        -------
        ndarray
            The same values: the array itself, or a read-only map of the file.

        Raises
        ------
        StorageError
            The folder cannot be written, or the disk is full.
        """
        if array.nbytes <= self._left or not array.nbytes:
            self._left -= array.nbytes
            return array
        with storage(self._folder):
            if self._file is None:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._file = tempfile.TemporaryFile(dir=self._folder, prefix=".frames-")  # noqa: SIM115
                weakref.finalize(self, self._file.close)  # maps of it stay
            start = -(-self._file.seek(0, 2) // _PAGE) * _PAGE
            self._file.seek(start)
            self._file.write(np.ascontiguousarray(array).data)
            self._file.flush()
            return np.memmap(self._file, array.dtype, "r", start, array.shape)
