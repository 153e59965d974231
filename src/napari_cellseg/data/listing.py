"""Which image files a folder holds, and in which order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from napari_cellseg.data.files import SUFFIXES
from napari_cellseg.data.names import NameParts
from napari_cellseg.data.ome_zarr import is_zarr
from napari_cellseg.data.pages import unreadable
from napari_cellseg.errors import InputError

_MOST_LISTED = 5


def natural(path: Path) -> list[tuple[int, int | str]]:
    """Make a key that sorts ``img2`` before ``img10``.

    Parameters
    ----------
    path : Path
        A file.

    Returns
    -------
    list
        For `sorted`.
    """
    pieces = re.split(r"(\d+)", path.name.lower())
    return [(0, int(piece)) if piece.isdigit() else (1, piece) for piece in pieces if piece]


def images_in(folder: Path) -> list[Path]:
    """List the image files of a folder, not of the folders in it.

    Parameters
    ----------
    folder : Path
        The folder.

    Returns
    -------
    list of Path
        In natural order; hidden files are left out.

    Raises
    ------
    InputError
        It cannot be read, or holds no image.
    """
    try:
        entries = list(folder.iterdir())
    except OSError as error:
        raise unreadable(folder, error) from error
    files = [
        p
        for p in entries
        if not p.name.startswith(".")
        and ((p.suffix.lower() in SUFFIXES and p.is_file()) or (p.suffix.lower() == ".zarr" and is_zarr(p)))
    ]
    if files:
        return sorted(files, key=natural)
    inner = [p.name for p in entries if p.is_dir() and not p.name.startswith(".")]
    others = sorted({p.suffix.lower() for p in entries if p.is_file() and p.suffix})
    if not entries:
        raise InputError(
            f"The folder {folder} is empty", "Images were expected in it", "Choose another folder"
        )
    raise InputError(
        f"The folder {folder} holds no TIFF, OME-Zarr, PNG or JPEG images"
        + (f", only files of the type {', '.join(others)}" if others else ""),
        "",
        f"Choose one of its folders: {', '.join(sorted(inner)[:_MOST_LISTED])}" if inner else "",
    )


def images_at(path: Path) -> list[Path]:
    """List the image files that a path means.

    Parameters
    ----------
    path : Path
        An image file or OME-Zarr folder, or a folder of them.

    Returns
    -------
    list of Path
        The path itself, or what `images_in` finds.

    Raises
    ------
    InputError
        See `images_in`.
    """
    return images_in(path) if path.is_dir() and not is_zarr(path) else [path]


def numbered(files: Sequence[Path], axis: Literal["t", "z"] = "t") -> list[NameParts]:
    """Take files whose names are not understood as frames in natural order.

    Parameters
    ----------
    files : sequence of Path
        The files.
    axis : {"t", "z"}
        What they are.

    Returns
    -------
    list of NameParts
        Numbered from 0.
    """
    ordered = sorted(files, key=natural)
    if axis == "z":
        return [NameParts(file, z=i) for i, file in enumerate(ordered)]
    return [NameParts(file, t=i) for i, file in enumerate(ordered)]
