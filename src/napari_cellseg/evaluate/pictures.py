"""Pictures of what was found, missed and invented, for people who would rather look than read numbers.

Green, solid outlines: true objects that were found. Blue, dashed: true objects that were missed. Orange,
dotted: predicted objects that are none. Colours and lines differ, so that either alone is enough. Where
outlines are drawn twice, the thin white ones are the truth.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from napari_cellseg.data.write import atomic_file
from napari_cellseg.errors import InputError
from napari_cellseg.evaluate.objects import Matches, match
from napari_cellseg.evaluate.overlaps import check_same_shape

Picture = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Pen:
    """How one kind of object is outlined.

    Attributes
    ----------
    name : str
        What it stands for.
    colour : tuple of int
        Red, green, blue, 0 to 255.
    dash_px : float
        Length of a dash and the gap behind it; 0 for a solid line.
    drawn : float
        Part of that length that is drawn, 0 to 1.
    """

    name: str
    colour: tuple[int, int, int]
    dash_px: float = 0.0
    drawn: float = 1.0


FOUND = Pen("found", (60, 200, 85))
MISSED = Pen("missed", (80, 150, 255), 12.0, 0.65)
INVENTED = Pen("invented", (255, 110, 30), 5.0, 0.45)
TRUE = Pen("truth", (235, 235, 235))

_BACKGROUND = 24
_FLAT_GREY = 0.25
_LEAST_SIDE_PX = 512
_MOST_SCALE = 6
_BAR_PX = 22


def overlay(
    image: npt.NDArray[Any] | None,
    truth: npt.NDArray[Any],
    prediction: npt.NDArray[Any],
    scale: int = 1,
    matches: Matches | None = None,
    twice: bool = False,
) -> Picture:
    """Draw what was found, missed and invented.

    Parameters
    ----------
    image : ndarray or None
        Axes YX, any real dtype: drawn in grey below, from its 0.5th to its 99.5th percentile, NaN black.
        None: right and wrong pixels are drawn below in dark shades of the same colours.
    truth : ndarray
        Axes YX, integer: 0 background, 1, 2, ... objects, -1 ignore (hatched).
    prediction : ndarray
        Axes YX, integer: 1, 2, ... objects, anything else background.
    scale : int
        Draw so many times as large.
    matches : Matches, optional
        What was found; by default the pairs at IoU 0.5.
    twice : bool
        True draws objects that were found as they were predicted, over thin white outlines of the true ones.

    Returns
    -------
    ndarray
        Axes YXC, uint8, RGB, `scale` times as high and wide as the labels.

    Raises
    ------
    InputError
        The shapes differ, or the labels are not whole numbers.
    """
    check_same_shape(truth, prediction)
    if image is not None and image.shape != truth.shape:
        raise InputError(
            f"The image has the shape {image.shape}, its truth {truth.shape}",
            "Both must have the same height and width",
            "Choose the image that the truth was made for",
        )
    matches = matches or match(truth, prediction)
    below = _shaded(truth, prediction) if image is None else np.repeat(grey(image)[..., None], 3, axis=2)
    picture = _enlarged(below, scale)
    true, predicted = _enlarged(truth, scale), _enlarged(prediction, scale)
    _hatch(picture, true < 0)
    if twice:
        outline(picture, true, matches.found, TRUE, 1)
        outline(picture, predicted, matches.found_by, FOUND, scale)
    else:
        outline(picture, true, matches.found, FOUND, scale)
    outline(picture, true, matches.missed, MISSED, scale)
    outline(picture, predicted, matches.invented, INVENTED, scale)
    return picture


def _enlarged(array: npt.NDArray[Any], scale: int) -> npt.NDArray[Any]:
    """Repeat every pixel; always a new array."""
    return np.repeat(np.repeat(array, scale, axis=0), scale, axis=1)


def grey(image: npt.NDArray[Any]) -> Picture:
    """Spread the grey levels of an image, of any kind, over 0 to 255.

    Parameters
    ----------
    image : ndarray
        Axes YX, any real dtype.

    Returns
    -------
    ndarray
        Axes YX, uint8: from the 0.5th to the 99.5th percentile, NaN black.
    """
    values = image.astype(np.float64)
    finite = np.isfinite(values)
    if not finite.any():
        return np.zeros(image.shape, np.uint8)
    low, high = np.percentile(values[finite], [0.5, 99.5])
    if high <= low:  # nearly constant: the few pixels that differ show as white and black
        low, high = float(values[finite].min()), float(values[finite].max())
    if high <= low:
        spread = np.full(image.shape, _FLAT_GREY)
    else:
        with np.errstate(over="ignore", invalid="ignore"):
            spread = np.clip(values / (high - low) - low / (high - low), 0, 1)
    return np.asarray(np.where(finite, 255 * spread, 255 * (values > 0)), dtype=np.float64).astype(np.uint8)


def _shaded(truth: npt.NDArray[Any], prediction: npt.NDArray[Any]) -> Picture:
    """Paint pixels right and wrong in dark shades; pixels to ignore stay background."""
    picture = np.full((*truth.shape, 3), _BACKGROUND, np.uint8)
    predicted = prediction > 0
    for pixels, pen in (
        ((truth > 0) & predicted, FOUND),
        ((truth > 0) & ~predicted, MISSED),
        ((truth == 0) & predicted, INVENTED),
    ):
        picture[pixels] = np.array(pen.colour) * 2 // 5
    return picture


def _hatch(picture: Picture, where: npt.NDArray[np.bool_]) -> None:
    """Draw diagonal lines over pixels to ignore."""
    y, x = np.nonzero(where)
    lines = (y + x) % 10 < 2
    picture[y[lines], x[lines]] = picture[y[lines], x[lines]] // 2 + 70


def outline(
    picture: Picture, labels: npt.NDArray[Any], chosen: npt.NDArray[np.int64], pen: Pen, scale: int
) -> None:
    """Draw the inner outlines of some objects.

    Dashes follow the angle about the object's centre, at the radius of a disc of its area: evenly long on
    roundish objects, and without any tracing of outlines.

    Parameters
    ----------
    picture : ndarray
        Axes YXC, uint8, RGB; drawn on in place.
    labels : ndarray
        Axes YX, integer, of the picture's size.
    chosen : ndarray
        The objects to outline.
    pen : Pen
        How.
    scale : int
        How many times the picture was enlarged: lines of enlarged ones are wider.
    """
    if not len(chosen):
        return
    rows = np.searchsorted(np.sort(chosen), labels)
    rows = np.minimum(rows, len(chosen) - 1)
    index = np.where(np.sort(chosen)[rows] == labels, rows + 1, 0).astype(np.int32)
    width = 3 if scale == 1 else 5
    inside = index > 0
    edge = np.pad(index, 1)
    edge = (ndimage.minimum_filter(edge, width) != ndimage.maximum_filter(edge, width))[1:-1, 1:-1] & inside
    y, x = np.nonzero(edge)
    if pen.dash_px:
        drawn = _dashes(index, y, x, pen, 1.0 if scale == 1 else 1.5)
        y, x = y[drawn], x[drawn]
    picture[y, x] = pen.colour


def _dashes(
    index: npt.NDArray[np.int32], y: npt.NDArray[np.intp], x: npt.NDArray[np.intp], pen: Pen, stretch: float
) -> npt.NDArray[np.bool_]:
    """Say which pixels of the outlines are drawn."""
    all_y, all_x = np.nonzero(index)
    owner = index[all_y, all_x]
    area = np.maximum(np.bincount(owner), 1)
    centre_y, centre_x = np.bincount(owner, all_y) / area, np.bincount(owner, all_x) / area
    mine = index[y, x]
    turn = np.arctan2(y - centre_y[mine], x - centre_x[mine]) / (2 * np.pi)
    around = 2 * np.sqrt(np.pi * area[mine])  # the circumference of a disc of the object's area
    n_dashes = np.maximum(np.round(around / (stretch * pen.dash_px)), 3)
    drawn: npt.NDArray[np.bool_] = (turn * n_dashes) % 1 < pen.drawn
    return drawn


def with_legend(picture: Picture, matches: Matches) -> Picture:
    """Add a line below a picture that says what the outlines mean, and how many there are of each.

    Parameters
    ----------
    picture : ndarray
        Axes YXC, uint8, RGB.
    matches : Matches
        What was found.

    Returns
    -------
    ndarray
        The picture, a little higher, and as wide as the line needs.
    """
    counted = ((FOUND, matches.found), (MISSED, matches.missed), (INVENTED, matches.invented))
    font = ImageFont.load_default()
    texts = [f"{len(labels)} {pen.name}" for pen, labels in counted]
    widths = [int(font.getlength(text)) for text in texts]
    width = max(picture.shape[1], sum(widths) + 3 * 52)
    canvas = Image.new("RGB", (width, picture.shape[0] + _BAR_PX))
    canvas.paste(Image.fromarray(picture))
    draw = ImageDraw.Draw(canvas)
    left, middle = 8, picture.shape[0] + _BAR_PX // 2
    for (pen, _), text, text_width in zip(counted, texts, widths, strict=True):
        for x in range(28):
            if not pen.dash_px or (x / pen.dash_px) % 1 < pen.drawn:
                draw.line([(left + x, middle - 1), (left + x, middle)], fill=pen.colour)
        draw.text((left + 34, middle), text, fill=(230, 230, 230), font=font, anchor="lm")
        left += text_width + 52
    return np.asarray(canvas)


def write_overlays(
    folder: Path,
    name: str,
    truth: npt.NDArray[Any],
    prediction: npt.NDArray[Any],
    image: npt.NDArray[Any] | None = None,
) -> list[Path]:
    """Write a picture of every frame: ``NAME.png``, or ``NAME_t0007.png`` for the frames of a movie.

    Parameters
    ----------
    folder : Path
        Where they go; made when it is not there. Pictures of the same names are replaced.
    name : str
        Name of the image or movie.
    truth, prediction : ndarray
        Axes YX or TYX, integer, see `overlay`.
    image : ndarray, optional
        The same axes, to draw on.

    Returns
    -------
    list of Path
        The pictures; small images are enlarged.

    Raises
    ------
    InputError
        The shapes differ, or the labels are not whole numbers.
    StorageError
        The folder cannot be written, or the disk is full.
    """
    check_same_shape(truth, prediction, name)
    if truth.ndim == 2:
        return [write_overlay(folder / f"{file_name(name)}.png", image, truth, prediction)]
    return [
        write_overlay(
            folder / f"{file_name(name, t)}.png", None if image is None else image[t], truth[t], prediction[t]
        )
        for t in range(len(truth))
    ]


def write_overlay(
    path: Path, image: npt.NDArray[Any] | None, truth: npt.NDArray[Any], prediction: npt.NDArray[Any]
) -> Path:
    """Write the picture of one frame, with its legend.

    Parameters
    ----------
    path : Path
        A PNG file; replaced when it is there.
    image, truth, prediction : ndarray
        Axes YX, see `overlay`.

    Returns
    -------
    Path
        The same path.

    Raises
    ------
    InputError
        The shapes differ, or the labels are not whole numbers.
    StorageError
        The folder cannot be written, or the disk is full.
    """
    matches = match(truth, prediction)
    scale = int(np.clip(np.ceil(_LEAST_SIDE_PX / min(truth.shape)), 1, _MOST_SCALE))
    picture = with_legend(overlay(image, truth, prediction, scale, matches), matches)
    encoded = imagecodecs.png_encode(np.ascontiguousarray(picture), level=4)
    with atomic_file(path) as partial:
        partial.write_bytes(encoded)
    return path


def file_name(name: str, t: int | None = None) -> str:
    """Make a file name of an image's name.

    Parameters
    ----------
    name : str
        Any text; what a file name cannot hold becomes ``_``.
    t : int, optional
        Time point, for the frames of a movie.

    Returns
    -------
    str
        Without ending.
    """
    safe = "".join("_" if letter in '/\\:*?"<>|' or ord(letter) < 32 else letter for letter in name)
    return safe if t is None else f"{safe}_t{t:04d}"
