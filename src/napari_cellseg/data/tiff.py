"""TIFF in its dialects (ImageJ, OME, tifffile's own, plain, BigTIFF), understood from the headers."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from napari_cellseg.data.image_file import ImageFile, check_plausible, in_words
from napari_cellseg.data.metadata import Calibration, imagej_calibration, ome_calibration, tag_pixel_size
from napari_cellseg.data.pages import BROKEN, Pages, RawPages, TiffPages, unreadable
from napari_cellseg.data.planes import RGB_NOTE
from napari_cellseg.data.stack import is_large
from napari_cellseg.data.tiff_chain import Chain, walk
from napari_cellseg.errors import InputError

_KINDS = {
    "imagej": "ImageJ TIFF",
    "ome": "OME-TIFF",
    "shaped": "TIFF (tifffile)",
    "lsm": "Zeiss LSM",
    "stk": "MetaMorph STK",
    "mmstack": "Micro-Manager TIFF",
}
_RGB = (2, 6)  # TIFF 6.0, PhotometricInterpretation: RGB, YCbCr
_MAX_RATIO = {1: 1, 5: 3000, 8: 1100, 32946: 1100, 32773: 130, 6: 6000, 7: 6000}
_MAX_RATIO_OTHER = 200_000
# Damage is told in sentences of our own; without a handler Python prints tifffile's to the terminal as well.
logging.getLogger("tifffile").addHandler(logging.NullHandler())

_MOST_CHANNELS = 10
_SPARSE_TILES = 20_000  # tiles that were never written take only their entry in the table


@dataclass(frozen=True)
class _Layout:
    """Axes without those of length one (height and width stay), with S for the samples of a pixel."""

    axes: str
    shape: tuple[int, ...]
    paged: int


def look_at_tiff(path: Path, series: int = 0) -> ImageFile:
    """Read the headers of a TIFF.

    Parameters
    ----------
    path : Path
        The file.
    series : int
        Which of its images, from 0. Of a pyramid the full resolution is taken.

    Returns
    -------
    ImageFile
        What the headers say; no pixel was read.

    Raises
    ------
    InputError
        A damaged or truncated file, an impossible header, no such series, or pixels that are no numbers.
    """
    try:
        chain = walk(path)
        if not chain.pages:
            raise unreadable(path, "it holds no image, or was cut short")
        _refuse_broken_chain(path, chain)
        with tifffile.TiffFile(path) as tiff:
            if not tiff.pages:
                raise unreadable(path, "it holds no image, or was cut short")
            _refuse_cut_imagej(path, tiff)
            listed = list(tiff.series)
            if not 0 <= series < len(listed):
                raise InputError(
                    f"{path} holds {len(listed)} images (series), number {series} was asked for",
                    "They are " + "; ".join(_series_line(i, s) for i, s in enumerate(listed)),
                    "Choose one of them by its number",
                )
            return _understand(path, tiff, listed, series)
    except (OSError, MemoryError, *BROKEN) as error:
        raise unreadable(path, error) from error


def _series_line(i: int, series: Any) -> str:
    name = f" {series.name!r}" if series.name else ""
    levels = f", {len(series.levels)} resolutions" if len(series.levels) > 1 else ""
    return f"{i}:{name} {' × '.join(map(str, series.shape))} ({series.axes}) {series.dtype}{levels}"


def _refuse_cut_imagej(path: Path, tiff: Any) -> None:
    """Find a truncated ImageJ hyperstack, which tifffile would read as its first plane."""
    meta = tiff.imagej_metadata if tiff.is_imagej else None
    page = tiff.pages.first
    if meta and page.is_final:
        images = [meta.get(key, 1) for key in ("channels", "slices", "frames")]
        if all(isinstance(n, int) and n > 0 for n in images):
            planes = int(np.prod(images, dtype=np.int64))
            planes = planes // images[0] if page.samplesperpixel == images[0] else planes
            if not tiff.pages.is_multipage:
                _check_end(path, page.dataoffsets[0] + planes * page.nbytes, f"{planes} planes")


def _check_end(path: Path, end: int, what: str) -> None:
    size = path.stat().st_size
    if end > size:
        raise InputError(
            f"{path} is cut short: its header declares {what}, which end at {in_words(end)}, "
            f"but the file holds only {in_words(size)}",
            "A complete file was expected",
            "Copy it again from the microscope's computer, or export it again",
        )


def _understand(path: Path, tiff: Any, listed: list[Any], number: int) -> ImageFile:
    series = listed[number].levels[0]
    page = series.keyframe
    dtype = _pixel_type(path, series.dtype)
    layout = _layout(path, series, page)
    _check_size(path, series, page)
    rgb = "S" in layout.axes and page.photometric in _RGB and page.samplesperpixel >= 3
    file_axes = layout.axes if rgb else layout.axes.replace("S", "C" if "C" not in layout.axes else "?")
    kept = [i for i, letter in enumerate(file_axes) if letter != "S"]
    declared = "".join(file_axes[i] for i in kept)
    length = dict(zip(declared, (layout.shape[i] for i in kept), strict=True))
    declared, doubt = _second_thoughts(tiff, series, declared, length)
    pages = _pages(path, tiff, series, layout)
    notes = [doubt] if doubt else []
    notes += [RGB_NOTE] if rgb else []
    notes += [_missing_note(pages)] if isinstance(pages, TiffPages) and (pages.where[:, 1] < 0).any() else []
    if len(listed) > 1:
        notes.append(f"The file holds {len(listed)} images (series); this is number {number}")
    return ImageFile(
        path,
        _KINDS.get(series.kind, "TIFF") + (" (BigTIFF)" if tiff.is_bigtiff else ""),
        tuple(layout.shape[i] for i in kept),
        declared,
        dtype,
        pages,
        file_axes,
        layout.shape,
        layout.paged,
        trusted=not doubt,
        calibration=_calibration(tiff, series, page, number, length.get("C", 1) if "C" in declared else 1),
        series=tuple(_series_line(i, s) for i, s in enumerate(listed)),
        notes=tuple(notes),
        smaller=tuple(_smaller(path, tiff, listed[number], layout)),
    )


def _smaller(path: Path, tiff: Any, series: Any, layout: _Layout) -> Iterator[tuple[Pages, tuple[int, ...]]]:
    """Find the smaller copies of large frames that are arranged as the frames are."""
    sides = [layout.shape[layout.axes.rfind(letter)] for letter in "YX" if letter in layout.axes]
    if len(sides) < 2 or not is_large(sides):
        return
    for level in series.levels[1:]:
        copy = _layout(path, level, level.keyframe)
        if (copy.axes, copy.paged) == (layout.axes, layout.paged):
            yield _pages(path, tiff, level, copy), copy.shape


def _pixel_type(path: Path, dtype: Any) -> str:
    """Name the pixel type, in the machine's byte order."""
    if dtype is None or dtype.kind not in "biuf":
        raise InputError(
            f"{path} has pixels of the type {dtype}",
            "Whole or floating-point numbers of 8, 16, 32 or 64 bits were expected",
            "Save the image as 16-bit or 32-bit grey values (of complex pixels: their magnitude)",
        )
    return "uint8" if dtype.kind == "b" else str(np.dtype(dtype).newbyteorder("=").name)


def _layout(path: Path, series: Any, page: Any) -> _Layout:
    axes, shape = series.get_axes(False), series.get_shape(False)
    if 0 in shape:
        raise InputError(f"{path} is empty: its shape is {shape} ({axes})", "", "Choose another file")
    axes, shape = _squeezed(axes, shape)
    planes = len(series) if not series.is_truncated else int(np.prod(shape, dtype=np.int64)) // page.size
    paged, count = 0, 1
    while count < planes and paged < len(shape):
        count *= shape[paged]
        paged += 1
    inner = shape[paged:]
    twice = any(axes.count(letter) > 1 for letter in "TCZYXS")
    if count != planes or int(np.prod(inner, dtype=np.int64)) != page.size or twice:
        raise InputError(
            f"{path} is arranged in an unusual way: {len(series)} pages for {shape} ({axes})",
            "",
            "Save it as an ImageJ hyperstack or an OME-TIFF",
        )
    return _Layout(axes, shape, paged)


def _squeezed(axes: str, shape: Iterable[int]) -> tuple[str, tuple[int, ...]]:
    """Drop axes of length one, but never the height and width."""
    lengths = list(shape)
    height_width = {axes.rfind("Y"), axes.rfind("X")}
    if -1 in height_width:
        height_width = {len(axes) - 2, len(axes) - 1}
    kept = [i for i, n in enumerate(lengths) if n > 1 or i in height_width]
    return "".join(axes[i] for i in kept), tuple(lengths[i] for i in kept)


def _check_size(path: Path, series: Any, page: Any) -> None:
    """Refuse headers that the file cannot keep, before any memory is taken."""
    if series.is_multifile:
        return
    compression = int(page.compression)
    ratio = _MAX_RATIO.get(compression, _MAX_RATIO_OTHER)
    if page.is_tiled and compression == 1:
        ratio = _SPARSE_TILES
    bits = page.bitspersample * page.size * max(1, len(series))
    check_plausible(path, bits // 8, ratio)
    if not page.dataoffsets:
        raise unreadable(path, "its header points to no pixels")


def _pages(path: Path, tiff: Any, series: Any, layout: _Layout) -> RawPages | TiffPages:
    page = series.keyframe
    inner = layout.shape[layout.paged :]
    count = int(np.prod(layout.shape[: layout.paged], dtype=np.int64))
    if (
        page.is_final
        and not series.is_multifile
        and series.dataoffset is not None
        and page.dtype == series.dtype
    ):
        _check_end(path, series.dataoffset + count * page.nbytes, f"{count} planes")
        dtype = page.dtype.newbyteorder(tiff.byteorder)
        return RawPages(str(path), series.dataoffset, inner, dtype.str)
    files: dict[str, int] = {}
    where = np.full((count, 2), -1, np.int64)
    for i, one in enumerate(series):
        if one is None:
            continue
        file = str(Path(one.parent.filehandle.path))
        where[i] = files.setdefault(file, len(files)), one.offset or -1
        if one.databytecounts and file == str(path.absolute()):
            _check_end(path, one.dataoffsets[-1] + one.databytecounts[-1], f"{count} planes")
    dtype = _pixel_type(path, series.dtype)
    return TiffPages(tuple(files), where, inner, dtype)


def _refuse_broken_chain(path: Path, chain: Chain) -> None:
    """Refuse a file that was cut between or within its pages."""
    if chain.broken_at is None:
        return
    _check_end(path, chain.broken_at, f"more pages than the {chain.pages} that are left")
    raise unreadable(path, f"its pages after the first {chain.pages} are damaged or were cut off")


def _missing_note(pages: TiffPages) -> str:
    missing = np.flatnonzero(pages.where[:, 1] < 0)
    some = ", ".join(str(i) for i in missing[:5]) + (", ..." if len(missing) > 5 else "")
    return f"{len(missing)} of {len(pages.where)} planes were never written and are black (planes {some})"


def _second_thoughts(tiff: Any, series: Any, declared: str, length: dict[str, int]) -> tuple[str, str]:
    """Doubt what a program writes by habit rather than by knowledge: most often it means time."""
    if series.kind != "imagej" or "T" in declared:
        return declared, ""
    meta = tiff.imagej_metadata or {}
    if "Z" in declared and not meta.get("hyperstack") and "spacing" not in meta:
        return declared.replace("Z", "T"), (
            f"ImageJ calls the {length['Z']} planes of a plain stack slices, of movies too; they are taken "
            "as time points. Please check: if they are depth, say so by axes"
        )
    if length.get("C", 1) > _MOST_CHANNELS:
        return declared.replace("C", "T"), (
            f"The file declares {length['C']} channels, which is what some programs write for a movie; they "
            "are taken as time points. Please check: if they are channels, say so by axes"
        )
    return declared, ""


def _calibration(tiff: Any, series: Any, page: Any, number: int, n_channels: int) -> Calibration:
    tags = page.tags
    x_resolution = tags.valueof("XResolution")
    if series.kind == "ome":
        return ome_calibration(tiff.ome_metadata or "", number)
    if tiff.is_imagej:
        return imagej_calibration(tiff.imagej_metadata or {}, x_resolution, n_channels)
    size = tag_pixel_size(x_resolution, _as_int(tags.valueof("ResolutionUnit")))
    if series.kind == "lsm" and tiff.lsm_metadata:
        metres = tiff.lsm_metadata.get("VoxelSizeX")
        size = metres * 1e6 if metres else size
    return Calibration(size)


def _as_int(value: Any) -> int | None:
    return None if value is None else int(value)
