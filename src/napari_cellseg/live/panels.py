"""Small pictures of one frame: its truth, and what several models found in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from napari_cellseg.data.samples import Sample
from napari_cellseg.evaluate.objects import Matches, match
from napari_cellseg.evaluate.pictures import Picture, overlay

PANEL_PX = 576
"""Longest side of a picture: twice as large as it is shown, so that outlines stay fine when made smaller."""

_SCALE = 2
_ACROSS = 12
_LEAST_PX, _MOST_PX = 160, 1024
_MOST_PLACES = 500

Found = tuple[str, npt.NDArray[Any], npt.NDArray[np.int32]]
"""What a model is called, the image that it looked at, and the labels that it made; axes YX."""

Box = tuple[slice, slice]


@dataclass(frozen=True)
class Panel:
    """One frame as one model sees it.

    Attributes
    ----------
    heading : str
        Name of the model, or that it is the truth.
    caption : str
        What there is of each kind in the whole frame.
    detail, whole : ndarray
        The part of the frame where most is wrong, and all of it: axes YXC, uint8, red-green-blue. Objects
        found are green over the thin white outline of the true object, missed ones blue and dashed, invented
        ones orange and dotted.
    """

    heading: str
    caption: str
    detail: Picture
    whole: Picture


def panels_of(sample: Sample, found: Sequence[Found]) -> tuple[Panel, ...]:
    """Draw the truth of a frame, and what each model found.

    Parameters
    ----------
    sample : Sample
        The frame and its truth.
    found : sequence of (str, ndarray, ndarray)
        Name of each model, the image that it looked at, and the labels that it made.

    Returns
    -------
    tuple of Panel
        The truth first, then the models in their order.
    """
    truth = sample.labels
    matches = [match(truth, labels) for _name, _image, labels in found]
    box = where_most_is_wrong(truth, [labels for *_, labels in found], matches)
    n = len(np.unique(truth[truth > 0]))
    perfect = match(truth, truth)
    first = _panel("Truth", f"{n} object{'s' * (n != 1)}", (sample.image, truth, truth), perfect, box)
    panels = [first]
    for (name, image, labels), pairs in zip(found, matches, strict=True):
        caption = f"{len(pairs.found)} found · {len(pairs.missed)} missed · {len(pairs.invented)} invented"
        panels.append(_panel(name, caption, (image, truth, labels), pairs, box, twice=True))
    return tuple(panels)


def where_most_is_wrong(
    truth: npt.NDArray[np.int32], labels: Sequence[npt.NDArray[np.int32]], matches: Sequence[Matches]
) -> Box:
    """Choose the part of a frame in which the models miss and invent most.

    Parameters
    ----------
    truth : ndarray
        Axes YX.
    labels : sequence of ndarray
        What each model found, axes YX.
    matches : sequence of Matches
        What of it is right.

    Returns
    -------
    tuple of slice
        A square of about twelve objects' diameters, at least 160 px where the frame is as large.
    """
    wrong = [
        centre
        for found, pairs in zip(labels, matches, strict=True)
        for centre in (*_centres(truth, pairs.missed), *_centres(found, pairs.invented))
    ]
    areas = np.bincount(truth[truth > 0])
    diameter = 2 * np.sqrt(np.median(areas[areas > 0]) / np.pi) if areas.any() else 0.0
    side = round(float(np.clip(_ACROSS * diameter, _LEAST_PX, _MOST_PX)))
    sides = np.minimum(truth.shape, side)
    places = np.array(wrong or [(truth.shape[0] / 2, truth.shape[1] / 2)])
    places = places[:: 1 + len(places) // _MOST_PLACES]  # each is compared with each
    near = np.abs(places[:, None] - places[None]).max(axis=2) <= side / 2
    middle = places[near[near.sum(axis=1).argmax()]].mean(axis=0)
    start = np.clip(np.round(middle - sides / 2).astype(int), 0, np.array(truth.shape) - sides)
    end = start + sides
    return slice(int(start[0]), int(end[0])), slice(int(start[1]), int(end[1]))


def _centres(labels: npt.NDArray[np.int32], chosen: npt.NDArray[np.int64]) -> list[tuple[float, float]]:
    return ndimage.center_of_mass(labels > 0, labels, chosen) if len(chosen) else []


def _panel(
    heading: str,
    caption: str,
    layers: tuple[npt.NDArray[Any], npt.NDArray[np.int32], npt.NDArray[np.int32]],
    pairs: Matches,
    box: Box,
    twice: bool = False,
) -> Panel:
    whole: Box = (slice(None), slice(None))
    pictures = []
    for part in (box, whole):
        image, truth, found = (layer[part] for layer in layers)
        y, x = _grid(truth.shape)
        at = np.ix_(y, x)
        pictures.append(overlay(_resized(image, len(y), len(x)), truth[at], found[at], _SCALE, pairs, twice))
    return Panel(heading, caption, *pictures)


def _grid(shape: tuple[int, ...]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Choose the rows and columns of a picture of the wanted size."""
    factor = PANEL_PX / _SCALE / max(shape)
    n_rows, n_columns = (max(1, round(n * factor)) for n in shape)
    rows = ((np.arange(n_rows) + 0.5) * shape[0] / n_rows).astype(np.intp)
    return rows, ((np.arange(n_columns) + 0.5) * shape[1] / n_columns).astype(np.intp)


def _resized(image: npt.NDArray[Any], height: int, width: int) -> npt.NDArray[np.float32]:
    grey = Image.fromarray(np.nan_to_num(image.astype(np.float32)))
    return np.asarray(grey.resize((width, height), Image.Resampling.BILINEAR))
