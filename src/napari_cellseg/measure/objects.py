"""Measuring the objects of a movie, one frame in memory at a time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_cellseg.config import MeasureConfig
from napari_cellseg.data.stack import WHOLE, FramePart, Stack
from napari_cellseg.errors import InputError
from napari_cellseg.measure.columns import SHAPES, STATISTICS, TIME
from napari_cellseg.measure.counts import FrameCount, count_frame, counts_table, typical_area_px
from napari_cellseg.measure.regions import Regions
from napari_cellseg.measure.rows import Rows
from napari_cellseg.measure.tables import CellTable, Origin
from napari_cellseg.progress import Clock, Progress, Steps

__all__ = ["CellTable", "Labels", "check_length", "images_of", "measure", "measure_frame", "tabulate"]

_PLACES = {"centroid_y": 0, "centroid_x": 1, "bbox_y0": 0, "bbox_x0": 1, "bbox_y1": 0, "bbox_x1": 1}
"""What depends on where the labels lie in the frame, and along which axis."""

Labels = npt.NDArray[Any] | Iterable[npt.NDArray[Any]]
"""A label movie: axes TYX, or the planes YX one after the other."""


def measure_frame(
    labels: npt.NDArray[Any],
    images: Mapping[str, npt.NDArray[Any]] | None = None,
    t: int = 0,
    pixel_size_um: float | None = None,
    frame_interval_s: float | None = None,
    *,
    corner_px: tuple[int, int] = (0, 0),
) -> pd.DataFrame:
    """Measure the objects of one frame, or of a part of one.

    Parameters
    ----------
    labels : ndarray
        Axes YX, integer: 0 background, 1, 2, ... objects, -1 ignore.
    images : mapping of str to ndarray, optional
        Axes YX, any real dtype, by channel name. A NaN pixel makes the intensities of its object NaN.
    t : int
        Time point, from 0.
    pixel_size_um : float, optional
        Side of a pixel in µm; without it there are no columns in µm.
    frame_interval_s : float, optional
        Time between frames in s; without it there is no ``time_s``.
    corner_px : tuple of int
        Row and column of the frame at which the part begins: places are those in the frame.

    Returns
    -------
    pandas.DataFrame
        One row an object, ascending by label, with the columns `columns.TIME`, `columns.SHAPES` and those of
        the channels. No rows for an empty frame.

    Raises
    ------
    InputError
        The labels are not whole numbers in a plane, or an image has another shape.
    """
    images = images or {}
    _check(labels, images, t)
    regions = Regions(labels)
    shapes = regions.shapes()
    table: dict[str, npt.NDArray[Any]] = {TIME[0].name: np.full(len(regions), t)}
    if frame_interval_s is not None:
        table[TIME[1].name] = np.full(len(regions), t * frame_interval_s)
    for column in SHAPES:
        base = _base(column.name)
        values = shapes[base]
        if base in _PLACES:
            values = values + corner_px[_PLACES[base]]
        if not column.scale:
            table[column.name] = values
        elif pixel_size_um is not None:
            table[column.name] = values * pixel_size_um**column.scale
    for channel, image in images.items():
        found = regions.intensities(image)
        table |= {f"{statistic.name}_{channel}": found[statistic.name] for statistic in STATISTICS}
    return pd.DataFrame(table)


def _base(name: str) -> str:
    """Take the unit of length or area off a column's name."""
    for unit in ("_px", "_um2", "_um"):
        name = name.removesuffix(unit)
    return name


def _check(labels: npt.NDArray[Any], images: Mapping[str, npt.NDArray[Any]], t: int) -> None:
    if labels.ndim != 2 or labels.dtype.kind not in "iub":
        raise InputError(
            f"The labels of frame {t} have the shape {labels.shape} and hold {labels.dtype} numbers",
            "One plane (height, width) of whole numbers is needed",
            "Choose a label image, or a label movie with the axes time, height, width",
        )
    for channel, image in images.items():
        if image.shape != labels.shape:
            raise InputError(
                f"The labels of frame {t} have the shape {labels.shape}, the channel {channel} {image.shape}",
                "Both must have the same height and width",
                "Choose the labels that were made for these images",
            )


def measure(
    stack: Stack | None,
    labels: Labels,
    config: MeasureConfig,
    origin: Origin,
    frames: Sequence[int] | None = None,
) -> Steps[CellTable]:
    """Count and measure the objects of a movie.

    Parameters
    ----------
    stack : Stack or None
        The images, with one z plane, for the intensities of all channels and for the units; None measures the
        labels alone.
    labels : ndarray or iterable of ndarray
        Axes TYX (YX for a single image), integer: 0 background, 1, 2, ... objects, -1 ignore; or such planes
        one after the other. Only one plane at a time is held in memory.
    config : MeasureConfig
        What is counted.
    origin : Origin
        Where the numbers come from; written into every row.
    frames : sequence of int, optional
        The time points that the planes of `labels` belong to; without it 0, 1, 2, ...

    Yields
    ------
    Progress
        After every frame.

    Returns
    -------
    CellTable
        Objects and counts, each row with its origin.

    Raises
    ------
    InputError
        Labels and images do not fit together.
    """
    if isinstance(labels, np.ndarray) and labels.ndim == 2:
        labels = labels[None]
    total = check_length(stack, labels, frames, origin.image)
    scale = None if stack is None else stack.pixel_size_um
    interval = None if stack is None else stack.frame_interval_s
    clock = Clock(total, "frames measured")
    cells = Rows()
    counted: list[FrameCount] = []
    for t, plane in _timed(labels, frames, stack, origin.image):
        cells.add(measure_frame(plane, images_of(stack, t), t, scale, interval))
        counted.append(count_frame(plane, t))
        yield clock.at(len(counted)) if total else Progress(len(counted), 0, clock.what)
    if total and len(counted) != total:
        raise _wrong_length(origin.image, len(counted), total)
    return tabulate(stack, cells.table(), counted, config, origin)


def tabulate(
    stack: Stack | None,
    cells: pd.DataFrame | None,
    counted: Sequence[FrameCount],
    config: MeasureConfig,
    origin: Origin,
) -> CellTable:
    """Lay out what was measured and counted.

    Parameters
    ----------
    stack : Stack or None
        The images, for the units.
    cells : pandas.DataFrame or None
        All objects, see `measure_frame`; None when no frame has any.
    counted : sequence of FrameCount
        One for each frame.
    config : MeasureConfig
        What is counted.
    origin : Origin
        Where the numbers come from.

    Returns
    -------
    CellTable
        Objects and counts, each row with its origin.
    """
    scale = None if stack is None else stack.pixel_size_um
    interval = None if stack is None else stack.frame_interval_s
    if cells is None:
        none = {} if stack is None else dict.fromkeys(stack.channels, np.zeros((1, 1)))
        cells = measure_frame(np.zeros((1, 1), np.int32), none, 0, scale, interval)
    typical = typical_area_px(cells["area_px"], config.typical_diameter_px)
    counts = counts_table(counted, typical, scale, interval)
    return CellTable(origin.stamp(cells), origin.stamp(counts), config.typical_diameter_px is not None)


def _timed(
    labels: Iterable[npt.NDArray[Any]], frames: Sequence[int] | None, stack: Stack | None, name: str
) -> Iterator[tuple[int, npt.NDArray[Any]]]:
    """Give each plane its time point."""
    most = math.inf if stack is None else stack.n_frames
    for index, plane in enumerate(labels):
        if frames is not None and index >= len(frames):
            raise _wrong_length(name, index + 1, len(frames))
        t = index if frames is None else frames[index]
        if not 0 <= t < most:
            raise _wrong_length(name, t + 1, int(most))
        yield t, np.asarray(plane)


def check_length(stack: Stack | None, labels: Labels, frames: Sequence[int] | None, name: str) -> int:
    """Say how many planes there will be, and refuse a wrong number before any work is done.

    Parameters
    ----------
    stack : Stack or None
        The images.
    labels : ndarray or iterable of ndarray
        See `measure`.
    frames : sequence of int or None
        The time points that the planes of `labels` belong to.
    name : str
        Of the images, for messages.

    Returns
    -------
    int
        0 when it is not known.

    Raises
    ------
    InputError
        There are labels of more or fewer frames than there should be.
    """
    given = len(labels) if isinstance(labels, Sized) else None
    expected = len(frames) if frames is not None else None if stack is None else stack.n_frames
    if given is not None and expected is not None and given != expected:
        raise _wrong_length(name, given, expected)
    return expected or given or 0


def _wrong_length(name: str, given: int, expected: int) -> InputError:
    return InputError(
        f"There are labels of {given} frames of {name}, which has {expected}",
        "Each frame needs its labels",
        "Choose the labels that were made for these images",
    )


def images_of(
    stack: Stack | None,
    t: int,
    part: FramePart = WHOLE,
    known: Mapping[int, npt.NDArray[Any]] | None = None,
) -> dict[str, npt.NDArray[Any]]:
    """Read all channels of a frame, or of a part of it.

    Parameters
    ----------
    stack : Stack or None
        The images; None has no channels.
    t : int
        Time point, from 0.
    part : tuple of slice
        Rows and columns.
    known : mapping of int to ndarray, optional
        Channels that were read before, by number.

    Returns
    -------
    dict
        Axes YX, by the channel's name; channels of the same name are told apart by a number.
    """
    images: dict[str, npt.NDArray[Any]] = {}
    if stack is None:
        return images
    known = known or {}
    for index, channel in enumerate(stack.channels):
        name, again = channel, 1
        while name in images:
            again += 1
            name = f"{channel} {again}"
        images[name] = known[index] if index in known else stack.frame(t, index, part)
    return images
