"""What became of each item, kept beside its results: by this a second run knows what is left to do."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from napari_cellseg.data.storage import storage
from napari_cellseg.data.write import write_text

OUTCOME_FILE = "outcome.json"
_AT_ONCE = 1 << 20

Status = Literal["done", "kept", "failed"]


class Print(BaseModel):
    """By what a file is known again.

    Attributes
    ----------
    name : str
        Its name, without its folder; of a file of an OME-Zarr image, with the folders within it.
    size : int
        In bytes.
    mtime_ns : int
        When it was changed.
    sha256 : str
        Of its content.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    size: int
    mtime_ns: int
    sha256: str


class Outcome(BaseModel):
    """What became of one item.

    Attributes
    ----------
    name : str
        The item.
    status : {"done", "kept", "failed"}
        Done now, done by an earlier run in the same way, or failed.
    reason : str
        Why it failed, as a sentence.
    key : str
        Hash of all that the results depend on: content of the files, model, settings, program.
    files : tuple of Print
        The files.
    n_frames, n_objects : int
        What was found.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    status: Status
    reason: str = ""
    key: str = ""
    files: tuple[Print, ...] = ()
    n_frames: int = 0
    n_objects: int = 0


def fingerprint(files: Sequence[Path], before: Outcome | None = None) -> tuple[Print, ...]:
    """Read the files through, unless neither size nor time have changed since the last run.

    Parameters
    ----------
    files : sequence of Path
        The files of an item.
    before : Outcome, optional
        Of the last run.

    Returns
    -------
    tuple of Print
        One per file.

    Raises
    ------
    OSError
        A file cannot be read.
    """
    known = {(old.name, old.size, old.mtime_ns): old for old in (before.files if before else ())}
    prints = []
    for name, file in _within(files):
        told = file.stat()
        same = known.get((name, told.st_size, told.st_mtime_ns))
        prints.append(same or _read_through(name, file, told.st_size, told.st_mtime_ns))
    return tuple(prints)


def _within(files: Sequence[Path]) -> Iterator[tuple[str, Path]]:
    """Name files, and those in folders that are images (OME-Zarr)."""
    for file in files:
        inner = sorted(one for one in file.rglob("*") if one.is_file()) if file.is_dir() else [file]
        for one in inner:
            yield one.relative_to(file.parent).as_posix(), one


def _read_through(name: str, file: Path, size: int, mtime_ns: int) -> Print:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while piece := stream.read(_AT_ONCE):
            digest.update(piece)
    return Print(name=name, size=size, mtime_ns=mtime_ns, sha256=digest.hexdigest())


def key_of(files: Sequence[Print], depends_on: dict[str, Any]) -> str:
    """Hash all that the results depend on.

    Parameters
    ----------
    files : sequence of Print
        The inputs; only names and contents count, so that a copy is the same.
    depends_on : dict
        Everything else, as JSON has it.

    Returns
    -------
    str
        SHA-256, hexadecimal.
    """
    told = json.dumps(
        {"files": [[file.name, file.sha256] for file in files], **depends_on}, sort_keys=True, default=str
    )
    return hashlib.sha256(told.encode()).hexdigest()


def read_outcome(folder: Path) -> Outcome | None:
    """Read what became of an item.

    Parameters
    ----------
    folder : Path
        Of the item's results.

    Returns
    -------
    Outcome or None
        None where nothing that can be read is there: the item is then done anew.
    """
    try:
        return Outcome.model_validate_json((folder / OUTCOME_FILE).read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValidationError):
        return None


def write_outcome(folder: Path, outcome: Outcome) -> None:
    """Write what became of an item.

    Parameters
    ----------
    folder : Path
        Of the item's results; made when it is not there.
    outcome : Outcome
        What became of it.

    Raises
    ------
    StorageError
        The folder cannot be written, or the disk is full.
    """
    with storage(folder):
        folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / OUTCOME_FILE, outcome.model_dump_json(indent=1))
