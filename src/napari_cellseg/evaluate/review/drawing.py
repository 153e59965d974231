"""Pictures of items with what the experts said, for the report.

Green, solid: objects that all experts called right. Orange, dotted: objects that at least half of them called
wrong. Yellow, dash-dotted: objects that some called wrong or were not sure of. Blue, dashed rings: cells that
were missed, one ring a click. Grey, thin: objects in the margin, which were not judged. Colours and lines
differ, so that either alone is enough.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
from PIL import Image

from napari_cellseg.evaluate.pictures import FOUND, INVENTED, MISSED, Pen, Picture, grey, outline
from napari_cellseg.evaluate.review.judgement import Judgement
from napari_cellseg.evaluate.review.pack import Pixels
from napari_cellseg.evaluate.review.plan import Item

UNSURE = Pen("unsure", (240, 228, 66), 16.0, 0.8)
"""Objects that experts were not sure of, or did not agree on."""

_MARGIN_PEN = Pen("not judged", (150, 150, 150))
_MOST_SIDE_PX, _LEAST_SIDE_PX, _MOST_SCALE = 1100, 300, 4
_WIDE = 2  # lines are drawn as wide as on enlarged pictures: the page makes most of them smaller
_LEAST_RING_PX = 5.0


@dataclass(frozen=True)
class Verdicts:
    """What all experts said of the objects of one item.

    Attributes
    ----------
    right, wrong, unsure : ndarray
        Labels, see the head of this module.
    missed, unsure_places : tuple of (float, float)
        Row and column of every click, in px of the frame.
    """

    right: npt.NDArray[np.int64]
    wrong: npt.NDArray[np.int64]
    unsure: npt.NDArray[np.int64]
    missed: tuple[tuple[float, float], ...]
    unsure_places: tuple[tuple[float, float], ...]


def verdicts(item: Item, said: Sequence[Judgement]) -> Verdicts:
    """Put together what several experts said of one item.

    Parameters
    ----------
    item : Item
        The item.
    said : sequence of Judgement
        Of the experts who could judge it.

    Returns
    -------
    Verdicts
        Every object of the item is in one of the three lists.
    """
    objects = np.asarray(item.objects, np.int64)
    n_wrong = _votes(objects, [judgement.objects("wrong") for judgement in said])
    n_unsure = _votes(objects, [judgement.objects("unsure") for judgement in said])
    wrong = (n_wrong > 0) & (2 * n_wrong >= len(said))
    unsure = ~wrong & (n_wrong + n_unsure > 0)
    return Verdicts(
        objects[~wrong & ~unsure],
        objects[wrong],
        objects[unsure],
        tuple(place for judgement in said for place in judgement.places("missed")),
        tuple(place for judgement in said for place in judgement.places("unsure")),
    )


def _votes(objects: npt.NDArray[np.int64], named: Sequence[frozenset[int]]) -> npt.NDArray[np.int64]:
    return sum(
        (np.isin(objects, list(each)).astype(np.int64) for each in named), np.zeros(len(objects), np.int64)
    )


def draw_item(pixels: Pixels, item: Item, found: Verdicts, ring_px: float) -> Picture:
    """Draw an item with what the experts said.

    Parameters
    ----------
    pixels : Pixels
        What was shown.
    item : Item
        The item.
    found : Verdicts
        What the experts said.
    ring_px : float
        Radius of the rings around missed cells, in px of the frame.

    Returns
    -------
    ndarray
        Axes YXC, uint8, RGB; small items are enlarged.
    """
    shape = pixels.labels.shape
    scale = int(np.clip(np.ceil(_LEAST_SIDE_PX / min(shape)), 1, _MOST_SCALE))
    picture = _enlarged(np.repeat(grey(pixels.image)[..., None], 3, axis=2), scale)
    labels = _enlarged(pixels.labels, scale)
    others = np.setdiff1d(np.unique(labels[labels > 0]), np.asarray(item.objects, np.int64))
    outline(picture, labels, others, _MARGIN_PEN, 1)
    for chosen, pen in ((found.right, FOUND), (found.unsure, UNSURE), (found.wrong, INVENTED)):
        outline(picture, labels, np.sort(chosen), pen, _WIDE)
    radius = max(ring_px, _LEAST_RING_PX) * scale
    for places, pen in ((found.missed, MISSED), (found.unsure_places, UNSURE)):
        for y, x in places:
            _ring(
                picture, (y - item.window[0] + 0.5) * scale, (x - item.window[1] + 0.5) * scale, radius, pen
            )
    return picture


def _enlarged(array: npt.NDArray[Any], scale: int) -> npt.NDArray[Any]:
    return np.repeat(np.repeat(array, scale, axis=0), scale, axis=1)


def _ring(picture: Picture, y: float, x: float, radius: float, pen: Pen) -> None:
    """Draw a dashed ring, two pixels wide."""
    n_dashes = max(round(2 * np.pi * radius / pen.dash_px), 5)
    turn = np.linspace(0, 1, max(round(4 * np.pi * radius), 16), endpoint=False)
    turn = 2 * np.pi * turn[(turn * n_dashes) % 1 < pen.drawn]
    for r in (radius - 1, radius, radius + 1):
        rows, columns = np.round(y + r * np.sin(turn)).astype(int), np.round(x + r * np.cos(turn)).astype(int)
        inside = (rows >= 0) & (rows < picture.shape[0]) & (columns >= 0) & (columns < picture.shape[1])
        picture[rows[inside], columns[inside]] = pen.colour


def as_png(picture: Picture) -> str:
    """Encode a picture to be put into a page.

    Parameters
    ----------
    picture : ndarray
        Axes YXC, uint8, RGB.

    Returns
    -------
    str
        PNG in base 64, made smaller where it would make the page heavy.
    """
    if max(picture.shape) > _MOST_SIDE_PX:
        small = Image.fromarray(picture)
        small.thumbnail((_MOST_SIDE_PX, _MOST_SIDE_PX), Image.Resampling.LANCZOS)
        picture = np.asarray(small)
    encoded = imagecodecs.png_encode(np.ascontiguousarray(picture), level=6)
    return base64.b64encode(encoded).decode("ascii")
