"""Frames as they were before anybody changed them, until the journal has the change.

napari's brush writes into the labels on the disk while the mouse moves, and tells of the stroke afterwards. A
program that dies in between leaves pixels behind that no journal knows of. So each frame is put into a file
beside the labels before it is changed for the first time in a session, as data bases do with their pages (a
rollback journal). Who opens the labels next puts these frames back, and then replays the journal.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_cellseg.data.storage import storage

_MOST_BYTES = 256 << 20


class Guard:
    """The file of frames of one session.

    Parameters
    ----------
    labels : Path
        The ``.npy`` file of the labels; the guard lies beside it.
    """

    def __init__(self, labels: Path) -> None:
        self.path = guard_of(labels)
        self._kept: set[int] = set()
        self._size = 0

    @property
    def is_full(self) -> bool:
        """Whether it has grown so large (256 MB) that it should be emptied."""
        return self._size > _MOST_BYTES

    def missing(self, frames: Iterable[int]) -> list[int]:
        """Say which frames are not kept yet.

        Parameters
        ----------
        frames : iterable of int
            The frames that are about to be changed.

        Returns
        -------
        list of int
            Those of them, ascending.
        """
        return sorted(set(frames) - self._kept)

    def keep(self, frame: int, labels: npt.NDArray[np.int32]) -> None:
        """Keep a frame as it is; it is on the disk when this returns.

        Parameters
        ----------
        frame : int
            The frame, from 0.
        labels : ndarray
            Axes YX, int32.

        Raises
        ------
        StorageError
            The disk is full, or the place cannot be written.
        """
        record = _record(frame, labels)
        with storage(self.path), self.path.open("r+b" if self._kept else "wb") as file:
            file.seek(self._size)  # over what a full disk left incomplete
            file.truncate()
            file.write(record)
            file.flush()
            os.fsync(file.fileno())
        self._size += len(record)
        self._kept.add(frame)

    def drop(self) -> None:
        """Remove the file: the journal and the labels on the disk hold everything."""
        if self._kept:
            with storage(self.path):
                self.path.unlink(missing_ok=True)
        self._kept.clear()
        self._size = 0


def guard_of(labels: Path) -> Path:
    """Name the guard of a file of labels.

    Parameters
    ----------
    labels : Path
        The ``.npy`` file.

    Returns
    -------
    Path
        A hidden file beside it.
    """
    return labels.with_name(f".{labels.stem}.guard")


def put_back(labels: Path, movie: npt.NDArray[Any]) -> tuple[int, ...]:
    """Put the frames back that a session that died may have left half changed.

    Parameters
    ----------
    labels : Path
        The ``.npy`` file of the labels.
    movie : ndarray
        These labels, axes TYX, int32; changed in place. Bring them to where the journal ends next, write them
        to the disk, and call `forget`.

    Returns
    -------
    tuple of int
        The frames.
    """
    path = guard_of(labels)
    if not path.is_file():
        return ()
    frames: dict[int, npt.NDArray[np.int32]] = {}
    for frame, plane in _records(path, movie.shape):
        if frame not in frames:
            movie[frame] = plane
            frames[frame] = plane[:0]
    return tuple(frames)


def forget(labels: Path) -> None:
    """Remove a guard that is no longer needed.

    Parameters
    ----------
    labels : Path
        The ``.npy`` file of the labels.
    """
    with storage(labels):
        guard_of(labels).unlink(missing_ok=True)


def _record(frame: int, labels: npt.NDArray[np.int32]) -> bytes:
    """Write a frame as runs, without compression: this happens at the first touch, and must not be felt."""
    flat = np.ascontiguousarray(labels, np.int32).ravel()
    starts = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1]).astype("<i4")
    runs: bytes = starts.tobytes() + flat[starts].astype("<i4").tobytes()
    head = {"frame": int(frame), "shape": labels.shape, "runs": starts.size, "crc": zlib.crc32(runs)}
    return json.dumps(head).encode() + b"\n" + runs


def _records(path: Path, shape: tuple[int, ...]) -> Iterator[tuple[int, npt.NDArray[np.int32]]]:
    """Read what is complete; a torn end was never relied upon, since its frame was not changed yet."""
    with path.open("rb") as file:
        while line := file.readline(1 << 12):
            try:
                head = json.loads(line)
                frame, size, crc = int(head["frame"]), int(head["runs"]), int(head["crc"])
            except (ValueError, TypeError, LookupError):
                return
            runs = file.read(8 * size) if 0 < size <= shape[1] * shape[2] else b""
            fits = tuple(head.get("shape", ())) == shape[1:] and 0 <= frame < shape[0]
            if not fits or len(runs) != 8 * size or zlib.crc32(runs) != crc:
                return
            starts, labels = np.frombuffer(runs, "<i4").reshape(2, -1)
            lengths = np.diff(starts, append=shape[1] * shape[2])
            yield frame, np.repeat(labels, lengths).astype(np.int32).reshape(shape[1:])
