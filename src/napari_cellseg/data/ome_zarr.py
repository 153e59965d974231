"""OME-Zarr images (versions 0.4 and 0.5), understood from their metadata alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_cellseg.data.image_file import ImageFile
from napari_cellseg.data.match import stem_of
from napari_cellseg.data.metadata import ome_zarr_calibration
from napari_cellseg.data.names import NameParts
from napari_cellseg.data.pages import BROKEN, Array, Part, unreadable
from napari_cellseg.data.stack import is_large
from napari_cellseg.errors import InputError

_MARKS = ("zarr.json", ".zgroup")
_KIND = "OME-Zarr"


def is_zarr(path: Path) -> bool:
    """Tell whether a folder is a zarr group.

    Parameters
    ----------
    path : Path
        Anything; it need not exist.

    Returns
    -------
    bool
        True where it holds what a group is recognised by.
    """
    return path.is_dir() and any((path / mark).is_file() for mark in _MARKS)


@dataclass(frozen=True)
class ZarrPages:
    """The planes of a zarr array.

    Attributes
    ----------
    path : str
        Folder of the array.
    lengths : tuple of int
        Of its axes; those before the last two count the pages.
    dtype : str
        In the machine's own byte order.
    """

    path: str
    lengths: tuple[int, ...]
    dtype: str

    def read(self, page: int, part: Part | None = None) -> Array:
        """Read one plane, or a part of it; only the chunks that it touches are decoded.

        Parameters
        ----------
        page : int
            From 0.
        part : tuple of slice, optional
            Rows and columns.

        Returns
        -------
        ndarray
            Axes YX.

        Raises
        ------
        InputError
            It is damaged.
        """
        import zarr  # noqa: PLC0415 - takes half a second

        place = np.unravel_index(page, self.lengths[:-2]) if self.lengths[:-2] else ()
        try:
            array = zarr.open_array(self.path, mode="r")
            found = np.asarray(array[(*(int(at) for at in place), *(part or (slice(None),) * 2))])
        except (OSError, MemoryError, *BROKEN) as error:
            raise unreadable(self.path, f"its plane {page} is damaged ({error})") from error
        return found.astype(np.dtype(self.dtype), copy=False)


def look_at_ome_zarr(path: Path, series: int = 0) -> ImageFile:
    """Read the metadata of an OME-Zarr folder.

    Parameters
    ----------
    path : Path
        The folder: an image, a label image, several images as Bio-Formats converts them, or a plate.
    series : int
        Which of its images, from 0. The full resolution is taken.

    Returns
    -------
    ImageFile
        What the metadata say; no pixel was read.

    Raises
    ------
    InputError
        It is no such image, is damaged, or has no such series.
    """
    import zarr  # noqa: PLC0415 - takes half a second

    try:
        group = zarr.open_group(path, mode="r")
        images = list(_images(group))
        if not images:
            raise _no_image(path)
        if not 0 <= series < len(images):
            listed = "; ".join(f"{i}: {name}" for i, name in enumerate(images[:20]))
            raise InputError(
                f"{path} holds {len(images)} images (series), number {series} was asked for",
                f"They are {listed}",
                "Choose one of them by its number",
            )
        return _understood(path, group[images[series]] if images[series] else group, images, series)
    except (OSError, *BROKEN) as error:
        raise unreadable(path, error) from error


def plate_fields(path: Path) -> list[NameParts]:
    """List the fields of view of an OME-Zarr plate.

    Parameters
    ----------
    path : Path
        A zarr folder.

    Returns
    -------
    list of NameParts
        One for each image, with its well and number; none where it is no plate.

    Raises
    ------
    InputError
        It cannot be read.
    """
    import zarr  # noqa: PLC0415 - takes half a second

    try:
        group = zarr.open_group(path, mode="r")
        images = list(_images(group)) if "plate" in _told(group) else []
    except (OSError, *BROKEN) as error:
        raise unreadable(path, error) from error
    fields = []
    for image in images:
        *well, number = image.split("/")
        fields.append(NameParts(path / image, _KIND, stem_of(path), "".join(well), number))
    return fields


def _no_image(path: Path) -> InputError:
    return InputError(
        f"{path} is a zarr folder without OME metadata",
        "An OME-Zarr image (version 0.4 or 0.5) was expected",
        "Choose the folder that holds the image, or export it as OME-Zarr or OME-TIFF",
    )


def _told(group: Any) -> Mapping[str, Any]:
    """Take the OME metadata of a group: under a key of their own since version 0.5."""
    attributes = dict(group.attrs)
    told = attributes.get("ome", attributes)
    return told if isinstance(told, Mapping) else {}


def _images(group: Any) -> Iterator[str]:
    """Name the images within a group, "" for the group itself."""
    told = _told(group)
    if told.get("multiscales"):
        yield ""
    elif "plate" in told:
        for well in told["plate"]["wells"]:
            for image in _told(group[well["path"]])["well"]["images"]:
                yield f"{well['path']}/{image['path']}"
    elif "bioformats2raw.layout" in told:
        names = _told(group["OME"]).get("series") if "OME" in group else None
        yield from names or sorted((name for name in group.group_keys() if name.isdigit()), key=int)


def _understood(path: Path, group: Any, images: list[str], number: int) -> ImageFile:
    told = _told(group)
    scales = told["multiscales"][0]
    full = scales["datasets"][0]
    array = group[full["path"]]
    letters = "".join(str(axis["name"] if isinstance(axis, Mapping) else axis) for axis in scales["axes"])
    axes = letters.upper()
    if not axes.endswith("YX") or len(axes) != array.ndim or len(set(axes)) != len(axes):
        raise InputError(
            f"{path} has the axes {axes} for {array.ndim} dimensions",
            "Axes of TCZYX that end in Y and X were expected",
            "Export it again as OME-Zarr or OME-TIFF",
        )
    if array.dtype.kind not in "biuf":
        raise InputError(
            f"{path} has pixels of the type {array.dtype}",
            "Whole or floating-point numbers of 8, 16, 32 or 64 bits were expected",
            "Save the image as 16-bit or 32-bit grey values",
        )
    dtype = "uint8" if array.dtype.kind == "b" else str(np.dtype(array.dtype).newbyteorder("=").name)
    lengths = tuple(int(n) for n in array.shape)
    copies = [group[level["path"]] for level in scales["datasets"][1:]] if is_large(lengths[-2:]) else []
    is_labels = "image-label" in told and "C" not in axes
    n_channels = lengths[axes.index("C")] if "C" in axes else 1
    calibration = ome_zarr_calibration(scales, told.get("omero") or {}, n_channels)
    kept = [i for i, n in enumerate(lengths) if n > 1 or i >= len(lengths) - 2]
    declared = "".join(axes[i] for i in kept)
    shape = tuple(lengths[i] for i in kept)

    def pages(array: Any) -> ZarrPages:
        return ZarrPages(str(path / array.path), tuple(int(n) for n in array.shape), dtype)

    notes = (f"The folder holds {len(images)} images; this is number {number}",) if len(images) > 1 else ()
    return ImageFile(
        path,
        _KIND,
        shape,
        declared,
        dtype,
        pages(array),
        declared,
        shape,
        len(kept) - 2,
        calibration=replace(calibration, channels=("labels",)) if is_labels else calibration,
        series=tuple(f"{i}: {name or path.name}" for i, name in enumerate(images)),
        notes=notes,
        smaller=tuple((pages(copy), tuple(int(copy.shape[i]) for i in kept)) for copy in copies),
    )
