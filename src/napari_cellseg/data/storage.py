"""Writing beside the place and renaming into it: a file is there as a whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_cellseg.errors import StorageError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


@contextmanager
def storage(path: Path | str) -> Iterator[None]:
    """Turn the operating system's errors into sentences.

    Parameters
    ----------
    path : Path or str
        What is written, for the message.

    Yields
    ------
    None
        Write within.

    Raises
    ------
    StorageError
        The disk is full, or the place cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise _told(Path(path), error) from error


def _told(path: Path, error: OSError) -> StorageError:
    short = error.errno is None and "requested and" in str(error)  # as numpy tells of an incomplete write
    if error.errno in _FULL or short:
        return StorageError(
            f"{path} could not be written: the disk is full, or a limit on the size of files was reached",
            "Nothing incomplete was left behind",
            "Make room, or choose a folder on another disk, and try again",
        )
    if error.errno in _FORBIDDEN:
        return StorageError(
            f"{path} could not be written: you may not write in {path.parent}",
            "",
            "Choose another folder, or ask its owner for permission",
        )
    if error.errno in (errno.ENOTDIR, errno.EEXIST, errno.ENOTEMPTY, errno.EISDIR):
        return StorageError(
            f"{path} could not be written: a file or folder of that name is in the way",
            "",
            "Choose another name, or move what is there",
        )
    return StorageError(
        f"{path} could not be written: {error.strerror or error}",
        "",
        "Check that the disk is connected, and try again",
    )


def _beside(path: Path) -> Path:
    """Name something hidden in the same folder, with the same ending (writers choose the format by it)."""
    return path.with_name(f".{path.stem}.{secrets.token_hex(4)}.partial{path.suffix}")


@contextmanager
def atomic_file(path: Path | str) -> Iterator[Path]:
    """Write a file as a whole or not at all.

    Parameters
    ----------
    path : Path or str
        The file; its folder is made when it is not there, and a file of that name is replaced at the end.

    Yields
    ------
    Path
        Write to this one, in the same folder. At the end it is flushed to the disk and renamed; after an
        error of any kind it is removed, and the file that was there before is untouched.

    Raises
    ------
    StorageError
        The disk is full, or the place cannot be written.
    """
    path = Path(path)
    partial = _beside(path)
    with storage(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield partial
            _to_disk(partial)
            partial.replace(path)
            _to_disk(path.parent)
        finally:
            partial.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path | str, replaces: Callable[[Path], bool] | None = None) -> Iterator[Path]:
    """Write a folder as a whole or not at all.

    Parameters
    ----------
    path : Path or str
        The folder. It must not exist yet, or be empty: see `versioned`.
    replaces : callable, optional
        Asked of a folder that is there: True lets it be replaced at the end.

    Yields
    ------
    Path
        A folder beside it to write into. At the end it is renamed; after an error it is removed.

    Raises
    ------
    StorageError
        The disk is full, the place cannot be written, or something of that name is there.
    """
    path = Path(path)
    partial = _beside(path)
    with storage(path):
        old = replaces is not None and path.is_dir() and replaces(path)
        if path.exists() and not old and (not path.is_dir() or any(path.iterdir())):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
        partial.mkdir(parents=True)
        try:
            yield partial
            for file in partial.rglob("*"):
                _to_disk(file)
            if old:
                shutil.rmtree(path)
            elif path.is_dir():
                path.rmdir()  # empty, and Windows does not replace folders
            partial.rename(path)
            _to_disk(path.parent)
        finally:
            if partial.exists():
                shutil.rmtree(partial, ignore_errors=True)


def _to_disk(path: Path) -> None:
    """Have the operating system put a file, or the names in a folder, on the disk."""
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot open folders, and needs no such thing
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() or os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (
            errno.EINVAL,
            errno.ENOTSUP,
            errno.EBADF,
        ):  # knows no such thing
            raise
    finally:
        os.close(descriptor)


def versioned(path: Path | str) -> Path:
    """Find a name that is free, so that no result is ever overwritten.

    Parameters
    ----------
    path : Path or str
        A file or folder.

    Returns
    -------
    Path
        The same when nothing is there, else with ``-2``, ``-3``, ... before the ending.
    """
    path = Path(path)
    stem, suffix = (path.name, "") if path.is_dir() else (path.stem, path.suffix)
    candidate, number = path, 1
    while candidate.exists() or candidate.is_symlink():
        number += 1
        candidate = path.with_name(f"{stem}-{number}{suffix}")
    return candidate
