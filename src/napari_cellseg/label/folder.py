"""A folder of labels, as the command line writes and reads it.

``NAME.tif`` holds the labels of the image or movie NAME. ``ignored/NAME.tif`` is 1 where pixels are ignored:
a label TIFF that every program opens cannot say -1. ``verdicts.csv`` tells which frames are trusted, and why.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_cellseg.data.labels import open_labels
from napari_cellseg.data.movie_file import MovieFile
from napari_cellseg.data.samples import IGNORE
from napari_cellseg.data.stack import Stack
from napari_cellseg.data.write import write_csv, write_labels
from napari_cellseg.errors import InputError
from napari_cellseg.label.triage import Verdict

VERDICTS = "verdicts.csv"
IGNORED = "ignored"


def write_labelled(folder: Path, stack: Stack, labels: npt.NDArray[Any]) -> None:
    """Write the labels of a stack, and what is to be ignored.

    Parameters
    ----------
    folder : Path
        The folder of labels.
    stack : Stack
        The images: their name and units.
    labels : ndarray
        Axes TYX, int32, -1 is ignored; may be a memory map.
    """
    units = {"pixel_size_um": stack.pixel_size_um, "frame_interval_s": stack.frame_interval_s}
    write_labels(folder / f"{stack.name}.tif", labels, **units)
    if any((plane == IGNORE).any() for plane in labels):
        ignored = ((plane == IGNORE).astype(np.uint8) for plane in labels)
        write_labels(folder / IGNORED / f"{stack.name}.tif", ignored, **units)


def open_labelled(file: Path) -> MovieFile:
    """Open a file of such a folder; a label file from elsewhere serves as well.

    Parameters
    ----------
    file : Path
        The label file.

    Returns
    -------
    MovieFile
        int32, -1 where pixels are ignored.

    Raises
    ------
    InputError
        What is ignored has another shape than the labels.
    """
    labels = open_labels(file)
    sidecar = file.parent / IGNORED / file.name
    if not sidecar.is_file():
        return labels
    ignored = open_labels(sidecar)
    if ignored.shape != labels.shape:
        raise InputError(
            f"{sidecar} has the shape {ignored.shape}, the labels {labels.shape}",
            "Both must be the same",
            "Make the labels again, or delete that file",
        )
    return replace(
        labels,
        read=lambda t, part: np.where(ignored.read(t, part) > 0, np.int32(IGNORE), labels.read(t, part)),
    )


def write_verdicts(folder: Path, judged: Iterable[tuple[str, Verdict]]) -> pd.DataFrame:
    """Write what is thought of every frame.

    Parameters
    ----------
    folder : Path
        The folder of labels.
    judged : iterable of (str, Verdict)
        Name of the image or movie, and the verdict on one of its frames.

    Returns
    -------
    pandas.DataFrame
        One row a frame: image, frame, keep, reason, by, and the scores.
    """
    rows = [
        {"image": name, "frame": v.frame, "keep": v.keep, "reason": v.reason, "by": v.by}
        | {key: value for key, value in asdict(v.scores).items() if key not in ("t", "frame")}
        for name, v in judged
    ]
    table = pd.DataFrame(rows)
    write_csv(folder / VERDICTS, table)
    return table


def rejected_frames(folder: Path) -> frozenset[tuple[str, int]]:
    """Read which frames are not trusted.

    Parameters
    ----------
    folder : Path
        A folder of labels; without ``verdicts.csv`` all its frames are trusted.

    Returns
    -------
    frozenset of (str, int)
        Name of the image or movie, and frame.

    Raises
    ------
    InputError
        ``verdicts.csv`` does not have the columns image, frame and keep.
    """
    file = folder / VERDICTS
    if not file.is_file():
        return frozenset()
    try:
        table = pd.read_csv(file, dtype={"image": str, "frame": int, "keep": bool})
        rejected = table[~table["keep"]]
        return frozenset(zip(rejected["image"], rejected["frame"], strict=True))
    except (KeyError, ValueError, TypeError) as error:
        raise InputError(
            f"{file} cannot be understood ({error})",
            "A table with the columns image, frame and keep (True or False) was expected",
            "Mend it, or delete it to trust all frames",
        ) from error
