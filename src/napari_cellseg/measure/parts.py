"""Measuring the objects of label images that are too large for memory, a part at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_cellseg.config import MeasureConfig
from napari_cellseg.data.movie_file import MovieFile
from napari_cellseg.data.stack import FramePart, Stack
from napari_cellseg.measure.counts import FrameCount
from napari_cellseg.measure.objects import check_length, images_of, measure_frame, tabulate
from napari_cellseg.measure.regions import Regions
from napari_cellseg.measure.rows import Rows
from napari_cellseg.measure.tables import CellTable, Origin
from napari_cellseg.progress import Clock, Steps

SIDE_PX = 4096
"""Side of the parts in which labels are read: 64 MB, and a whole number of any usual tile."""

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Boxes:
    """Where the objects of a frame are.

    Attributes
    ----------
    numbers : ndarray
        Labels of the objects, ascending.
    corners : ndarray
        One row an object: first row and column, and those after the last, in px.
    """

    numbers: Integers
    corners: Integers


def measure_in_parts(
    stack: Stack | None, labels: MovieFile, config: MeasureConfig, origin: Origin, side_px: int = SIDE_PX
) -> Steps[CellTable]:
    """Count and measure objects as `measure` does, with a part of a frame in memory at a time.

    Labels are read twice: first to find out where each object lies, for it may be in several parts, and then
    to measure all objects that begin in the same part.

    Parameters
    ----------
    stack : Stack or None
        The images, with one z plane; None measures the labels alone.
    labels : MovieFile
        The labels.
    config : MeasureConfig
        What is counted.
    origin : Origin
        Where the numbers come from; written into every row.
    side_px : int
        Side of a part in px. More is in memory only where an object is larger.

    Yields
    ------
    Progress
        After every part.

    Returns
    -------
    CellTable
        Objects and counts, each row with its origin.

    Raises
    ------
    InputError
        Labels and images do not fit together.
    """
    check_length(stack, labels, None, origin.image)
    units = (None, None) if stack is None else (stack.pixel_size_um, stack.frame_interval_s)
    parts = list(_parts(labels.frame_shape, side_px))
    clock = Clock(2 * len(parts) * len(labels), "parts of the labels measured")
    cells, counted, done = Rows(), [], 0
    for t in range(len(labels)):
        found, ignored = [], 0
        for part in parts:
            plane = labels.frame(t, part)
            found.append(boxes_of(plane, (part[0].start, part[1].start)))
            ignored += int(np.count_nonzero(plane < 0))
            done += 1
            yield clock.at(done)
        boxes, area = joined(found), 0
        for part in parts:
            region, numbers = region_of(boxes, part)
            if len(numbers):
                plane = labels.frame(t, region)
                plane[~np.isin(plane, numbers)] = 0
                corner = region[0].start, region[1].start
                measured = measure_frame(plane, images_of(stack, t, region), t, *units, corner_px=corner)
                cells.add(measured)
                area += int(measured["area_px"].sum())
            done += 1
            yield clock.at(done)
        height, width = labels.frame_shape
        counted.append(FrameCount(t, len(boxes.numbers), area, ignored, height * width))
    table = cells.table()
    if table is not None:
        table = table.sort_values(["frame", "label"], ignore_index=True)
    return tabulate(stack, table, counted, config, origin)


def _parts(shape: tuple[int, int], side_px: int) -> Iterator[FramePart]:
    """Divide a frame, row by row."""
    height, width = shape
    for y in range(0, height, side_px):
        for x in range(0, width, side_px):
            yield slice(y, min(height, y + side_px)), slice(x, min(width, x + side_px))


def boxes_of(labels: npt.NDArray[np.int32], corner_px: tuple[int, int]) -> Boxes:
    """Find where the objects of a part are.

    Parameters
    ----------
    labels : ndarray
        Axes YX, int32: 1, 2, ... objects, anything else background.
    corner_px : tuple of int
        Row and column of the frame at which the part begins.

    Returns
    -------
    Boxes
        In the frame.
    """
    regions = Regions(labels)
    return Boxes(regions.labels, regions.boxes() + np.array([*corner_px, *corner_px]))


def joined(found: list[Boxes]) -> Boxes:
    """Put together what was found in several parts.

    Parameters
    ----------
    found : list of Boxes
        Of each part.

    Returns
    -------
    Boxes
        Of the whole objects.
    """
    numbers, index = np.unique(np.concatenate([one.numbers for one in found]), return_inverse=True)
    corners = np.concatenate([one.corners for one in found])
    whole = np.empty((len(numbers), 4), np.int64)
    whole[:, :2], whole[:, 2:] = np.iinfo(np.int64).max, 0
    np.minimum.at(whole[:, :2], index, corners[:, :2])
    np.maximum.at(whole[:, 2:], index, corners[:, 2:])
    return Boxes(numbers, whole)


def region_of(boxes: Boxes, part: FramePart) -> tuple[FramePart, Integers]:
    """Find the objects that begin in a part, and the region that holds all of them.

    Parameters
    ----------
    boxes : Boxes
        The objects of a frame.
    part : tuple of slice
        Its rows and columns.

    Returns
    -------
    region : tuple of slice
        Rows and columns; reaches beyond the part where objects do.
    numbers : ndarray
        Labels of the objects; an object begins where the first row and the first column of its box meet.
    """
    rows, columns = part
    y, x = boxes.corners[:, 0], boxes.corners[:, 1]
    here = (y >= rows.start) & (y < rows.stop) & (x >= columns.start) & (x < columns.stop)
    if not here.any():
        return (slice(0, 0), slice(0, 0)), boxes.numbers[here]
    (y0, x0), (y1, x1) = boxes.corners[here, :2].min(axis=0), boxes.corners[here, 2:].max(axis=0)
    return (slice(int(y0), int(y1)), slice(int(x0), int(x1))), boxes.numbers[here]
