"""One image file, understood from its header alone: TIFF in its dialects, OME-Zarr, PNG, JPEG."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_cellseg.data.image_file import ImageFile, check_plausible
from napari_cellseg.data.ome_zarr import is_zarr, look_at_ome_zarr
from napari_cellseg.data.pages import Array, Part, PicturePage, unreadable
from napari_cellseg.data.planes import RGB_NOTE
from napari_cellseg.data.tiff import look_at_tiff
from napari_cellseg.errors import InputError

SUFFIXES = frozenset({".tif", ".tiff", ".png", ".jpg", ".jpeg", ".btf", ".tf8", ".stk", ".lsm"})
_OTHERS = frozenset({".czi", ".nd2", ".lif", ".oib", ".oif", ".vsi", ".ims", ".dv", ".zvi"})
_TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_PNG_MAGIC, _JPEG_MAGIC = b"\x89PNG", b"\xff\xd8\xff"
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PNG_SAMPLES = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}  # PNG 11.2.2, colour type; palettes (3) are read as RGB
_MAX_RATIO = {"PNG": 1100, "JPEG": 6000}  # no compressor of the format makes an image smaller than this


def look(path: Path, series: int = 0) -> ImageFile:
    """Read the header of an image file.

    Parameters
    ----------
    path : Path
        TIFF, OME-Zarr, PNG or JPEG, recognised by its content.
    series : int
        Which image of a file that holds several, from 0.

    Returns
    -------
    ImageFile
        What it says.

    Raises
    ------
    InputError
        There is no such file, it is not such an image, or its header cannot be true.
    """
    if is_zarr(path):
        return look_at_ome_zarr(path, series)
    head = _head(path)
    if head[:4] in _TIFF_MAGIC:
        return look_at_tiff(path, series)
    if series:
        raise InputError(f"{path} holds one image", f"Number {series} was asked for", "Choose series 0")
    if head.startswith(_PNG_MAGIC):
        return _png(path, head)
    if head.startswith(_JPEG_MAGIC):
        return _jpeg(path)
    if path.suffix.lower() in _OTHERS:
        raise InputError(
            f"{path} is a microscope's own format ({path.suffix})",
            "TIFF, OME-TIFF, OME-Zarr, PNG and JPEG can be opened directly",
            "Open it in napari with a reader plugin for this format, or export it as OME-TIFF",
        )
    raise InputError(
        f"{path} is not a TIFF, PNG or JPEG image",
        "An image in one of these formats was expected",
        "Choose another file, or export this one as TIFF",
    )


def _head(path: Path) -> bytes:
    if not path.exists():
        raise InputError(f"There is no file or folder {path}", "", "Check the name")
    if path.is_dir():
        raise InputError(f"{path} is a folder", "A file was expected", "Choose a file in it")
    try:
        with path.open("rb") as file:
            head = file.read(32)
    except OSError as error:
        raise unreadable(path, error) from error
    if not head:
        raise InputError(f"{path} is empty (0 bytes)", "An image was expected", "Copy or export it again")
    return head


def _png(path: Path, head: bytes) -> ImageFile:
    if len(head) < 26:
        raise unreadable(path, "it ends within its header")
    width, height = int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")
    bits, colour = head[24], head[25]
    samples = _PNG_SAMPLES.get(colour)
    if samples is None:
        raise unreadable(path, "its header is damaged")
    return _picture(path, "PNG", (height, width, samples), "uint16" if bits == 16 else "uint8")


def _jpeg(path: Path) -> ImageFile:
    """Read the frame header (JPEG, ITU-T T.81, B.2.2); the segments before it tell how long they are."""
    with path.open("rb") as file:
        file.seek(2)
        while True:
            marker, length = file.read(2), int.from_bytes(file.read(2), "big")
            if len(marker) < 2 or marker[0] != 0xFF or length < 2:
                raise unreadable(path, "its header is damaged")
            if marker[1] in _JPEG_FRAMES:
                header = file.read(6)
                break
            file.seek(length - 2, 1)
    if len(header) < 6 or header[0] != 8:
        raise unreadable(path, "its header is damaged, or it has more than 8 bits")
    height, width = int.from_bytes(header[1:3], "big"), int.from_bytes(header[3:5], "big")
    return _picture(path, "JPEG", (height, width, header[5]), "uint8")


def _picture(path: Path, kind: str, shape: tuple[int, int, int], dtype: str) -> ImageFile:
    height, width, samples = shape
    if not height or not width:
        raise InputError(f"{path} is empty: it is {height} × {width} pixels", "", "Choose another file")
    check_plausible(path, height * width * samples * np.dtype(dtype).itemsize, _MAX_RATIO[kind])
    rgb = samples >= 3
    plane, notes = (height, width), (RGB_NOTE,) if rgb else ()
    axes, whole = ("YX", plane) if samples == 1 else ("YXS", shape)
    if samples == 2:  # grey with transparency
        grey = _GreyAlpha(PicturePage(str(path), shape, dtype))
        return ImageFile(path, kind, plane, "YX", dtype, grey, "YX", plane)
    page = PicturePage(str(path), whole, dtype)
    return ImageFile(path, kind, plane, "YX", dtype, page, axes, whole, notes=notes)


@dataclass(frozen=True)
class _GreyAlpha:
    picture: PicturePage

    def read(self, page: int = 0, part: Part | None = None) -> Array:
        whole: Array = self.picture.read(page)[..., 0]
        return whole if part is None else whole[part]
