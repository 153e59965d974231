"""Stacks made of a layer's arrays, made ready for another process without stalling this one.

Pickling an array holds Python's interpreter lock while it is copied: a movie of a gigabyte would stop the
window for a second. Writing it to a file plane by plane does not, and the helper maps the file.
"""

from __future__ import annotations

import pickle
import shutil
import tempfile
import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_cellseg.progress import Clock, Steps

if TYPE_CHECKING:
    import dask.array as da

    from napari_cellseg.data.stack import Stack

_SMALL_BYTES = 1 << 20


class Spill:
    """A temporary folder for the planes of stacks, made when it is first needed.

    Every stack is written once: the same stack asked for again gets the same file.
    """

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._files: dict[str, Path] = {}
        self._given = 0
        self._lock = threading.Lock()

    def file_for(self, key: str) -> tuple[Path, bool]:
        """Name the file of a stack.

        Parameters
        ----------
        key : str
            What tells the stack from others; dask's name of the array.

        Returns
        -------
        path : Path
            Where it is, or will be.
        ready : bool
            Whether it was written to the end already.
        """
        with self._lock:
            if key in self._files:
                return self._files[key], True
            return self._new("stack"), False

    def new_file(self, name: str) -> Path:
        """Name a temporary file that nobody used before.

        Parameters
        ----------
        name : str
            What it is for.

        Returns
        -------
        Path
            Where it may be written.
        """
        with self._lock:
            return self._new(name)

    def _new(self, name: str) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="napari-cellseg-"))
        self._given += 1
        return self._folder / f"{name}-{self._given}.npy"

    def finished(self, key: str, path: Path) -> None:
        """Remember a file that was written to the end.

        Parameters
        ----------
        key : str
            See `file_for`.
        path : Path
            The file.
        """
        with self._lock:
            self._files[key] = path

    def close(self) -> None:
        """Delete the folder."""
        with self._lock:
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)
            self._folder, self._files = None, {}


@dataclass(frozen=True)
class Plane:
    """One plane of a stack, read in the task's thread and handed over as its array.

    Attributes
    ----------
    stack : Stack
        With one z plane.
    t : int
        Time point, from 0.
    channel : int
        Channel, from 0.
    """

    stack: Stack
    t: int
    channel: int


def portable(args: Iterable[object], spill: Spill) -> Steps[tuple[object, ...]]:
    """Make arguments ready for another process.

    Parameters
    ----------
    args : iterable of object
        Arguments of the work; stacks, lists or tuples of stacks, and planes among them.
    spill : Spill
        Where the planes go.

    Yields
    ------
    Progress
        After every plane written.

    Returns
    -------
    tuple
        The arguments, with stacks that read from files where they held arrays.
    """
    from napari_cellseg.data.stack import Stack  # noqa: PLC0415 - dask takes long to import

    ready: list[object] = []
    for value in args:
        if isinstance(value, Stack):
            ready.append((yield from _portable_stack(value, spill)))
        elif isinstance(value, list | tuple) and value and all(isinstance(item, Stack) for item in value):
            kind = type(value)
            ready.append(kind((yield from _portable_stacks(value, spill))))
        elif isinstance(value, Plane):
            ready.append(value.stack.frame(value.t, value.channel))
        else:
            ready.append(value)
    return tuple(ready)


def _portable_stacks(stacks: Iterable[Stack], spill: Spill) -> Steps[list[Stack]]:
    ready: list[Stack] = []
    for stack in stacks:
        light = yield from _portable_stack(stack, spill)
        ready.append(light)
    return ready


def _portable_stack(stack: Stack, spill: Spill) -> Steps[Stack]:
    if _travels_light(stack.data):
        return stack
    path, done = spill.file_for(stack.data.name)
    if not done:
        out = np.lib.format.open_memmap(path, mode="w+", dtype=stack.data.dtype, shape=stack.data.shape)
        clock = Clock(stack.n_frames, "frames handed over")
        for t in range(stack.n_frames):
            out[t] = np.asarray(stack.data[t])
            yield clock.at(t + 1)
        out.flush()
        del out
        spill.finished(stack.data.name, path)
    return replace(stack, data=from_npy(path))


def _travels_light(data: da.Array) -> bool:
    """Whether the array pickles, into little; arrays in it are counted without being copied."""
    buffers: list[pickle.PickleBuffer] = []
    try:
        pickle.dumps(data, protocol=5, buffer_callback=buffers.append)
    except Exception:  # noqa: BLE001 - whatever another reader's array holds that cannot be sent: we read it here
        return False
    return sum(memoryview(buffer).nbytes for buffer in buffers) <= _SMALL_BYTES


def from_npy(path: Path) -> da.Array:
    """Open an array file as a lazy array that opens the file where it is computed.

    Parameters
    ----------
    path : Path
        A ``.npy`` file; first axis time, the last two YX.

    Returns
    -------
    dask.array.Array
        One chunk per plane; pickles into little.
    """
    import dask.array as da  # noqa: PLC0415 - takes long to import

    found = np.load(path, mmap_mode="r")
    shape, dtype = found.shape, found.dtype
    chunks = (*((1,) * n for n in shape[:-2]), (shape[-2],), (shape[-1],))
    return da.map_blocks(
        _plane, str(path), dtype=dtype, chunks=chunks, meta=np.empty((0,) * len(shape), dtype)
    )


def _plane(path: str, block_info: Any = None) -> npt.NDArray[Any]:
    where = tuple(slice(a, b) for a, b in block_info[None]["array-location"])
    return np.array(np.load(path, mmap_mode="r")[where])
