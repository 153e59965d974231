"""How much of each frame is of which class, where a model gives every pixel one: nothing is counted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_cellseg.data.stack import Stack
from napari_cellseg.measure.columns import class_columns
from napari_cellseg.measure.tables import Origin
from napari_cellseg.progress import Clock, Steps

CLASSES_FILE = "classes.csv"


def measure_classes(
    stack: Stack, labels: Iterable[npt.NDArray[Any]], classes: int, origin: Origin
) -> Steps[pd.DataFrame]:
    """Measure the area of every class in a movie.

    Parameters
    ----------
    stack : Stack
        The images, for the units.
    labels : iterable of ndarray
        One plane YX for each of their frames, integer: the class of every pixel, 0 to ``classes - 1``.
    classes : int
        How many there are, with background.
    origin : Origin
        Where the numbers come from; written into every row.

    Yields
    ------
    Progress
        After every frame.

    Returns
    -------
    pandas.DataFrame
        One row for each class of each frame, with the columns `columns.class_columns`.
    """
    areas = np.zeros((stack.n_frames, classes), np.int64)
    clock = Clock(stack.n_frames, "frames measured")
    for t, plane in enumerate(labels):
        areas[t] = np.bincount(np.ravel(plane), minlength=classes)
        yield clock.at(t + 1)
    return class_table(stack, areas, origin)


def class_table(stack: Stack, areas: npt.NDArray[np.int64], origin: Origin) -> pd.DataFrame:
    """Lay out the areas of classes.

    Parameters
    ----------
    stack : Stack
        The images, for the units.
    areas : ndarray
        Axes (frame, class): area in px.
    origin : Origin
        Where the numbers come from; written into every row.

    Returns
    -------
    pandas.DataFrame
        One row for each class of each frame, with the columns `columns.class_columns`.
    """
    (n, classes), area = areas.shape, areas.ravel()
    frame = np.repeat(np.arange(n), classes)
    known = {
        "frame": frame,
        "time_s": frame * (stack.frame_interval_s or 0),
        "class": np.tile(np.arange(classes), n),
        "class_area_px": area,
        "class_area_um2": area * (stack.pixel_size_um or 0) ** 2,
        "class_fraction": area / np.prod(stack.frame_shape),
    }
    columns = class_columns(
        pixel_size=stack.pixel_size_um is not None, frame_interval=stack.frame_interval_s is not None
    )
    return origin.stamp(pd.DataFrame({one.name: known[one.name] for one in columns if one.name in known}))
