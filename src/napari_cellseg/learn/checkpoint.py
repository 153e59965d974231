"""An interrupted training run on disk, to be resumed: tensors as safetensors, the rest as JSON."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from napari_cellseg.data.samples import Sample
from napari_cellseg.data.write import atomic_file
from napari_cellseg.learn.model import write_tensors

_NUMBERS_FILE = "run.json"
_TENSORS_FILE = "run-{}.safetensors"


def fingerprint(samples: Sequence[Sample]) -> str:
    """Compute a checksum of training data.

    Parameters
    ----------
    samples : sequence of Sample
        Images, labels and groups.

    Returns
    -------
    str
        SHA-256, 64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for sample in samples:
        digest.update(f"{sample.group}\0{sample.image.dtype}{sample.image.shape}".encode())
        digest.update(np.ascontiguousarray(sample.image).data)
        digest.update(np.ascontiguousarray(sample.labels).data)
    return digest.hexdigest()


@dataclass(frozen=True)
class Checkpoint:
    """Where a run stood.

    Attributes
    ----------
    tensors : dict of str to Tensor
        As `Learner.state` gives them, and the best weights as ``best.…``.
    numbers : dict
        The rest.
    """

    tensors: dict[str, Tensor]
    numbers: dict[str, Any]


def partial_folder(out: Path) -> Path:
    """Name the folder of the interrupted run of a model.

    Parameters
    ----------
    out : Path
        Folder of the model to be.

    Returns
    -------
    Path
        Beside it.
    """
    return out.with_name(f"{out.name}.partial")


def save_checkpoint(folder: Path, run: str, checkpoint: Checkpoint) -> None:
    """Write a checkpoint; the one before stays valid until this one is whole.

    Parameters
    ----------
    folder : Path
        See `partial_folder`.
    run : str
        Fingerprint of settings and data: only the same run goes on from it.
    checkpoint : Checkpoint
        Where the run stands.

    Raises
    ------
    StorageError
        The folder cannot be written, or the disk is full.
    """
    file = folder / _TENSORS_FILE.format(checkpoint.numbers["steps"])
    with atomic_file(file) as partial:
        write_tensors(partial, checkpoint.tensors)
    with atomic_file(folder / _NUMBERS_FILE) as partial:
        partial.write_text(
            json.dumps({"run": run, "tensors": file.name, **checkpoint.numbers}), encoding="utf-8"
        )
    for old in folder.glob(_TENSORS_FILE.format("*")):
        if old != file:
            old.unlink(missing_ok=True)


def load_checkpoint(folder: Path, run: str) -> Checkpoint | None:
    """Read a checkpoint.

    Parameters
    ----------
    folder : Path
        See `partial_folder`.
    run : str
        Fingerprint of settings and data.

    Returns
    -------
    Checkpoint or None
        None when there is none, it is of another run, or it is damaged.
    """
    try:
        numbers = json.loads((folder / _NUMBERS_FILE).read_text(encoding="utf-8"))
        if numbers.pop("run") != run:
            return None
        return Checkpoint(load_file(folder / numbers.pop("tensors")), numbers)
    except (OSError, ValueError, KeyError, AttributeError, SafetensorError):  # then the run starts anew
        return None


def remove_checkpoint(folder: Path) -> None:
    """Remove a checkpoint that has done its duty.

    Parameters
    ----------
    folder : Path
        See `partial_folder`; it may be absent.
    """
    shutil.rmtree(folder, ignore_errors=True)
