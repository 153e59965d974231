"""Cutting items out of frames: pixels, labels, and which objects are judged."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_cellseg.data.labels import open_labels
from napari_cellseg.data.movie_file import MovieFile
from napari_cellseg.data.movies import open_label_movie
from napari_cellseg.data.stack import Stack
from napari_cellseg.errors import InputError
from napari_cellseg.evaluate.review.draw import Extent, Place, part_of
from napari_cellseg.evaluate.review.pack import Pixels
from napari_cellseg.evaluate.review.plan import Box, Item

LabelSource = Path | Stack
"""Labels of one movie: a file, or a snapshot of a layer as a stack of one channel."""

_MARGIN = 8  # of the side of a part of a frame, an eighth is shown around it
_AROUND = 3.0  # a single object is shown in a square of so many times its own extent
_LEAST_WINDOW_PX = 96


@dataclass(frozen=True)
class Scene:
    """One movie, and which of its channels are shown.

    Attributes
    ----------
    stack : Stack
        With one z plane.
    image : int
        The channel that is judged on, from 0.
    fluorescence : int or None
        The channel shown beside it.
    group : str
        Its position, well or experiment; empty takes the stack's.
    """

    stack: Stack
    image: int = 0
    fluorescence: int | None = None
    group: str = ""

    @property
    def extent(self) -> Extent:
        """How large it is, and its group."""
        return Extent(self.group or self.stack.group, self.stack.n_frames, *self.stack.frame_shape)


@dataclass(frozen=True)
class Draft:
    """An item before its pixels are read.

    Attributes
    ----------
    model : str
        Name of the model.
    place : Place
        Which frame, and which part of it; of a single object the part is not known yet.
    number : int
        Of the item, from 1.
    which : int or None
        The how-manieth object of the frame, from 0; None for all of them.
    """

    model: str
    place: Place
    number: int = 0
    which: int | None = None


class Labels:
    """The labels of one movie, one frame at a time where the file allows.

    Parameters
    ----------
    source : Path or Stack
        Where they are.
    scene : Scene
        The movie that they belong to.
    model : str
        Whose they are, for the message.

    Raises
    ------
    InputError
        They cannot be read, or differ in size from the images.
    """

    def __init__(self, source: LabelSource, scene: Scene, model: str) -> None:
        expected = (scene.stack.n_frames, *scene.stack.frame_shape)
        self._source = source if isinstance(source, Stack) else _movie(source)
        held = self._source
        shape = (held.n_frames, *held.frame_shape) if isinstance(held, Stack) else held.shape
        if shape != expected:
            raise InputError(
                f"The labels of {scene.stack.name} by {model} have the shape {shape}",
                f"The images have the shape {expected} (frames, height, width)",
                "Choose the labels that were made for these images, at their full size",
            )

    def frame(self, t: int) -> npt.NDArray[np.int32]:
        """Read one frame.

        Parameters
        ----------
        t : int
            Time point, from 0.

        Returns
        -------
        ndarray
            Axes YX; what is to be ignored (-1) is background here.
        """
        raw = self._source.frame(t, 0) if isinstance(self._source, Stack) else self._source[t]
        whole: npt.NDArray[np.int32] = np.maximum(np.asarray(raw), 0).astype(np.int32)
        return whole


def _movie(path: Path) -> npt.NDArray[np.int32] | MovieFile:
    if path.suffix.lower() == ".npy":
        try:
            return open_label_movie(path, "r")
        except InputError:  # another kind of .npy: read as any label file
            pass
    return open_labels(path)


def objects_of(labels: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """List the objects of a frame.

    Parameters
    ----------
    labels : ndarray
        Axes YX.

    Returns
    -------
    ndarray
        Their labels, ascending.
    """
    found = np.unique(labels)
    return found[found > 0].astype(np.int64)


def cut_item(draft: Draft, scene: Scene, labels: npt.NDArray[np.int32], key: str) -> tuple[Item, Pixels]:
    """Cut what is shown out of a frame.

    Parameters
    ----------
    draft : Draft
        The item.
    scene : Scene
        Its movie.
    labels : ndarray
        Axes YX: the labels of its frame.
    key : str
        `Model.key`.

    Returns
    -------
    item : Item
        For the plan, without the hash of its file.
    pixels : Pixels
        What is shown.
    """
    t = draft.place.frame
    if draft.which is None:
        box = draft.place.box
        objects = _inside(labels, box)
        window = _grown(box, max(box[2] - box[0], box[3] - box[1]) // _MARGIN, labels.shape)
        shown = labels
    else:
        target = int(objects_of(labels)[draft.which])
        box = window = _around(labels, target)
        objects, shown = (target,), np.where(labels == target, labels, 0)
    cut = slice(window[0], window[2]), slice(window[1], window[3])
    beside = scene.fluorescence
    pixels = Pixels(
        scene.stack.frame(t, scene.image)[cut],
        np.ascontiguousarray(shown[cut], np.int32),
        None if beside is None else scene.stack.frame(t, beside)[cut],
    )
    item = Item(
        number=draft.number,
        sha256="",
        model=key,
        movie=scene.stack.name,
        frame=t,
        part=part_of(t, scene.stack.n_frames),
        box=box,
        window=window,
        objects=objects,
    )
    return item, pixels


def _inside(labels: npt.NDArray[np.int32], box: Box) -> tuple[int, ...]:
    """List the objects whose centroid lies in a box, which is how none is counted in two boxes."""
    present = objects_of(labels)
    if not len(present):
        return ()
    centres = np.asarray(ndimage.center_of_mass(labels > 0, labels, present)).reshape(-1, 2)
    y0, x0, y1, x1 = box
    rows, columns = centres.T
    held = (rows >= y0 - 0.5) & (rows < y1 - 0.5) & (columns >= x0 - 0.5) & (columns < x1 - 0.5)
    return tuple(int(label) for label in present[held])


def _around(labels: npt.NDArray[Any], target: int) -> Box:
    """Choose the square in which a single object is shown."""
    rows, columns = np.nonzero(labels == target)
    extent = max(int(np.ptp(rows)), int(np.ptp(columns))) + 1
    side = max(round(_AROUND * extent), _LEAST_WINDOW_PX)
    height, width = (min(side, n) for n in labels.shape)
    top = int(np.clip((rows.min() + rows.max()) // 2 - height // 2, 0, labels.shape[0] - height))
    left = int(np.clip((columns.min() + columns.max()) // 2 - width // 2, 0, labels.shape[1] - width))
    return top, left, top + height, left + width


def _grown(box: Box, margin: int, shape: tuple[int, ...]) -> Box:
    return (
        max(box[0] - margin, 0),
        max(box[1] - margin, 0),
        min(box[2] + margin, shape[0]),
        min(box[3] + margin, shape[1]),
    )
