"""What was counted so far, frame by frame: summed up as it comes, and put together when it is wanted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_cellseg.measure.counts import typical_area_px
from napari_cellseg.measure.tables import CellTable

_N_BINS = 40
_TOP = 0.995
"""The histogram ends at the area that so many of all objects do not reach: clumps must not stretch it."""
_JOINED_AT_ONCE = 256


@dataclass(frozen=True)
class Summary:
    """What the plots of counts show.

    Attributes
    ----------
    frames : list of int
        Frames counted, ascending.
    by_instances : list of int
        Objects of each, counted one by one.
    by_area : list of float
        Objects of each by area.
    histogram : list of int
        Objects per bin of area.
    edges : list of float
        Edges of the bins, in µm² where the pixel size is known, else in px.
    unit : str
        ``"µm²"`` or ``"px"``.
    """

    frames: list[int]
    by_instances: list[int]
    by_area: list[float]
    histogram: list[int]
    edges: list[float]
    unit: str


class Counts:
    """Takes the table of each frame, and says at any time what they add up to.

    What it takes to say so does not grow with the number of objects and hardly with that of frames, and the
    tables are joined a few hundred at a time: of 20,000 frames, each by itself would need hundreds of
    megabytes, and seconds to be handed on.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget all frames."""
        self._recent: dict[int, CellTable] = {}
        self._joined: list[CellTable] = []
        self._places: dict[int, tuple[int, slice]] = {}
        self._by_area = np.zeros(0, np.int64)  # objects of each area in px
        self._objects, self._pixels = np.full(0, -1, np.int64), np.zeros(0, np.int64)  # of each frame

    def __len__(self) -> int:
        """Say how many frames there are."""
        return len(self._recent) + len(self._places)

    def __contains__(self, t: object) -> bool:
        """Say whether a frame was counted."""
        return t in self._recent or t in self._places

    def __iter__(self) -> Iterator[int]:
        """Give the frames, ascending."""
        return iter(np.flatnonzero(self._objects >= 0).tolist())

    def put(self, t: int, table: CellTable) -> None:
        """Take a frame; one that was counted before is replaced.

        Parameters
        ----------
        t : int
            The frame, from 0.
        table : CellTable
            Its objects and its count.
        """
        if t in self:
            self._count(t, self.cells(t), -1)
        self._places.pop(t, None)
        self._recent[t] = table
        self._count(t, table.cells, 1)
        if len(self._recent) == _JOINED_AT_ONCE:
            self._join()

    def cells(self, t: int) -> pd.DataFrame:
        """Look a frame up.

        Parameters
        ----------
        t : int
            A frame that was counted.

        Returns
        -------
        pandas.DataFrame
            Its objects, see `CellTable.cells`.
        """
        if t in self._recent:
            return self._recent[t].cells
        at, rows = self._places[t]
        return self._joined[at].cells.iloc[rows]

    def no_cells(self) -> pd.DataFrame:
        """Give the columns of the objects without a row.

        Returns
        -------
        pandas.DataFrame
            Of any frame; without columns when there is none.
        """
        tables = self._joined or list(self._recent.values())
        return tables[0].cells.iloc[:0] if tables else pd.DataFrame()

    def tables(self) -> tuple[CellTable, ...]:
        """Give all objects and counts.

        Returns
        -------
        tuple of CellTable
            Of one or more frames each, in any order.
        """
        by_table: dict[int, set[int]] = {}
        for t, (at, _) in self._places.items():
            by_table.setdefault(at, set()).add(t)
        kept = (_only(self._joined[at], frames) for at, frames in sorted(by_table.items()))
        return (*kept, *self._recent.values())

    def summary(self, diameter_px: float | None, pixel_size_um: float | None) -> Summary:
        """Work out what the plots show.

        Parameters
        ----------
        diameter_px : float or None
            The diameter of one object in px, where the person knows it.
        pixel_size_um : float or None
            Side of a pixel in µm.

        Returns
        -------
        Summary
            Counts by area take the median area of all objects so far for a typical one, unless it is known.
        """
        frames = np.flatnonzero(self._objects >= 0)
        objects, pixels = self._objects[frames], self._pixels[frames]
        typical = typical_area_px(self._middle(), diameter_px)
        scale = 1.0 if pixel_size_um is None else pixel_size_um**2
        sizes = np.arange(len(self._by_area)) * scale
        up_to = np.cumsum(self._by_area)
        top = sizes[np.searchsorted(up_to, _TOP * up_to[-1])] if len(up_to) else 1.0
        histogram, edges = np.histogram(sizes, _N_BINS, (0, top), weights=self._by_area)
        return Summary(
            frames.tolist(),
            objects.tolist(),
            np.divide(pixels, typical, out=np.zeros(len(frames)), where=objects > 0).tolist(),
            histogram.tolist(),
            edges.tolist(),
            "px" if pixel_size_um is None else "µm²",
        )

    def _middle(self) -> npt.NDArray[np.int64]:
        """Find the one or two areas in the middle of all: their median is that of all."""
        up_to = np.cumsum(self._by_area)
        n = int(up_to[-1]) if len(up_to) else 0
        return np.searchsorted(up_to, sorted({(n - 1) // 2, n // 2}), side="right") if n else up_to[:0]

    def _count(self, t: int, cells: pd.DataFrame, times: int) -> None:
        """Add the objects of a frame to the sums, or take them away."""
        areas = cells["area_px"].to_numpy(np.int64)
        missing = t + 1 - len(self._objects)
        if missing > 0:
            self._objects = np.pad(self._objects, (0, missing + t), constant_values=-1)
            self._pixels = np.pad(self._pixels, (0, missing + t))
        self._objects[t], self._pixels[t] = (len(areas), areas.sum()) if times > 0 else (-1, 0)
        if len(areas):
            by_area = np.bincount(areas)
            missing = len(by_area) - len(self._by_area)
            self._by_area = np.pad(self._by_area, (0, max(0, missing)))
            self._by_area[: len(by_area)] += times * by_area

    def _join(self) -> None:
        frames = sorted(self._recent)
        tables = [self._recent[t] for t in frames]
        ends = np.cumsum([len(table.cells) for table in tables])
        for t, table, end in zip(frames, tables, ends.tolist(), strict=True):
            self._places[t] = len(self._joined), slice(end - len(table.cells), end)
        self._joined.append(CellTable.concat(tables))
        self._recent = {}


def _only(table: CellTable, frames: set[int]) -> CellTable:
    """Leave out the frames that were counted again since."""
    if len(table.counts) == len(frames):
        return table
    cells, counts = (rows[rows["frame"].isin(frames)] for rows in (table.cells, table.counts))
    return CellTable(cells, counts, table.typical_given)
