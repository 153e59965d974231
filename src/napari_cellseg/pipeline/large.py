"""Third and fourth step for frames too large for memory: what is found, measured and written by blocks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_cellseg.config import MeasureConfig, PredictConfig
from napari_cellseg.data.pyramid import LabelPyramid, ProbabilityPyramid
from napari_cellseg.data.stack import Stack
from napari_cellseg.learn.blocks import settle
from napari_cellseg.learn.events import LargePredicted
from napari_cellseg.measure.classes import class_table
from napari_cellseg.measure.counts import FrameCount
from napari_cellseg.measure.objects import images_of, measure_frame, tabulate
from napari_cellseg.measure.rows import Rows
from napari_cellseg.measure.tables import CellTable, Origin
from napari_cellseg.progress import Steps

if TYPE_CHECKING:
    from napari_cellseg.learn.large import BlockFound


@dataclass(frozen=True)
class Sheets:
    """Where the pixels of the results go.

    Attributes
    ----------
    labels : LabelPyramid
        Objects, or classes.
    probabilities : ProbabilityPyramid or None
        How likely a pixel is part of an object, or no background; None where nobody wants to know.
    """

    labels: LabelPyramid
    probabilities: ProbabilityPyramid | None = None

    def keep_probability(self, found: BlockFound) -> None:
        """Write the probability of the pixels that are a block's own."""
        if self.probabilities is not None:
            block = found.block
            self.probabilities.write(found.t, block.own, found.probability[block.own_inside])


def predict_large(
    stack: Stack,
    channel: int,
    model: Path,
    sheets: Sheets,
    config: PredictConfig,
    measuring: MeasureConfig,
    origin: Origin,
) -> Steps[CellTable]:
    """Find and measure the objects of a stack of large frames; little of a frame is in memory.

    Parameters
    ----------
    stack : Stack
        The images, of one z plane.
    channel : int
        The channel to look at, from 0.
    model : Path
        The model's folder.
    sheets : Sheets
        Where labels and probabilities go.
    config : PredictConfig
        How the model is applied.
    measuring : MeasureConfig
        What is counted.
    origin : Origin
        Where the numbers come from.

    Yields
    ------
    Event
        `Progress` per block, and at the end `LargePredicted` for the first frame.

    Returns
    -------
    CellTable
        Objects, numbered from 1 in each frame in the order of the blocks, and counts.
    """
    from napari_cellseg.learn.large import predict_blocks  # torch only where it is needed

    desk = _Desk(stack, channel, sheets)
    yield from predict_blocks(stack, channel, model, config, desk.keep)
    yield LargePredicted(0, *desk.small)
    return desk.table(measuring, origin)


def classes_large(
    stack: Stack,
    channel: int,
    model: Path,
    sheets: Sheets,
    config: PredictConfig,
    classes: int,
    origin: Origin,
) -> Steps[pd.DataFrame]:
    """Give every pixel of a stack of large frames a class; little of a frame is in memory.

    Parameters
    ----------
    stack, channel, model, sheets, config, origin
        As in `predict_large`.
    classes : int
        How many classes the model knows, with background.

    Yields
    ------
    Event
        `Progress` per block.

    Returns
    -------
    pandas.DataFrame
        One row for each class of each frame, see `measure.classes`.
    """
    from napari_cellseg.learn.large import predict_blocks  # torch only where it is needed

    areas = np.zeros((stack.n_frames, classes), np.int64)

    def keep(found: BlockFound) -> int:
        own = found.labels[found.block.own_inside]
        sheets.labels.write(found.t, found.block.own, own)
        sheets.keep_probability(found)
        areas[found.t] += np.bincount(own.ravel(), minlength=classes)
        return 0

    yield from predict_blocks(stack, channel, model, config, keep)
    return class_table(stack, areas, origin)


class _Desk:
    """Takes the objects that are found in block after block: settles, writes and measures them."""

    def __init__(self, stack: Stack, channel: int, sheets: Sheets) -> None:
        self._stack, self._channel, self._sheets = stack, channel, sheets
        self._so_far = [0] * stack.n_frames
        height, width = (-(-n // sheets.labels.step) for n in stack.frame_shape)
        self.small = np.zeros((height, width), stack.data.dtype), np.zeros((height, width), np.int32)
        self._cells = Rows()

    def keep(self, found: BlockFound) -> int:
        """Write and measure the objects of a block that no other block writes; say how many they are."""
        t, part = found.t, found.block.part
        written = self._sheets.labels.read(t, part)
        labels, n = settle(found.labels, written, found.block, self._so_far[t] + 1)
        if n:
            self._so_far[t] += n
            written = np.where(labels > 0, labels, written)
            self._sheets.labels.write(t, part, written)
            images = images_of(self._stack, t, part, {self._channel: found.image})
            units = (self._stack.pixel_size_um, self._stack.frame_interval_s)
            self._cells.add(measure_frame(labels, images, t, *units, corner_px=found.block.corner))
        self._sheets.keep_probability(found)
        if t == 0:
            self._keep_small(found, written)
        return n

    def _keep_small(self, found: BlockFound, written: npt.NDArray[Any]) -> None:
        """Keep every so many-th pixel of the first frame and its labels, for a look at all of it."""
        step = self._sheets.labels.step
        top, left = found.block.corner
        y, x = -(-top // step), -(-left // step)
        for small, whole in zip(self.small, (found.image, written), strict=True):
            some = whole[y * step - top :: step, x * step - left :: step]
            small[y : y + some.shape[0], x : x + some.shape[1]] = some

    def table(self, config: MeasureConfig, origin: Origin) -> CellTable:
        """Lay out all that was measured."""
        cells = self._cells.table()
        n = self._stack.n_frames
        areas = np.zeros(n) if cells is None else np.bincount(cells["frame"], cells["area_px"], n)
        n_pixels = self._stack.frame_shape[0] * self._stack.frame_shape[1]
        counted = [
            FrameCount(t, n, int(area), 0, n_pixels)
            for t, (n, area) in enumerate(zip(self._so_far, areas, strict=True))
        ]
        return tabulate(self._stack, cells, counted, config, origin)
