"""How many objects there are: counted one by one, and by area where touching objects were not told apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_cellseg.measure.columns import COUNTS, TIME


@dataclass(frozen=True)
class FrameCount:
    """What one frame holds.

    Attributes
    ----------
    frame : int
        Time point, from 0.
    n_by_instances : int
        Number of objects.
    segmented_area_px : int
        Area of all objects together in px.
    ignored_px : int
        Pixels marked as to be ignored (-1).
    n_pixels : int
        Pixels of the frame.
    """

    frame: int
    n_by_instances: int
    segmented_area_px: int
    ignored_px: int
    n_pixels: int

    def by_area(self, typical_area_px: float) -> float:
        """Count the objects by area.

        Parameters
        ----------
        typical_area_px : float
            Area of one object in px; NaN when not known.

        Returns
        -------
        float
            Segmented area over typical area; 0 for an empty frame, NaN when the typical area is not known.
        """
        return self.segmented_area_px / typical_area_px if self.segmented_area_px else 0.0


def count_frame(labels: npt.NDArray[Any], t: int = 0) -> FrameCount:
    """Count the objects of one frame.

    Parameters
    ----------
    labels : ndarray
        Axes YX, integer: 0 background, 1, 2, ... objects, -1 ignore.
    t : int
        Time point, from 0.

    Returns
    -------
    FrameCount
        All zeros for an empty frame.
    """
    objects = labels[labels > 0]
    ignored = int(np.count_nonzero(labels < 0))
    return FrameCount(t, len(np.unique(objects)), len(objects), ignored, labels.size)


def typical_area_px(areas_px: npt.ArrayLike, diameter_px: float | None = None) -> float:
    """Say how large one object is.

    Parameters
    ----------
    areas_px : array_like
        Areas of the objects measured in px.
    diameter_px : float, optional
        The diameter of one object in px, where the person knows it: the area is then that of its circle.

    Returns
    -------
    float
        In px; without a diameter the median of all areas, which a few clumps and fragments do not change. NaN
        when neither is known.
    """
    if diameter_px is not None:
        return math.pi * diameter_px**2 / 4
    areas = np.asarray(areas_px, dtype=np.float64)
    return float(np.median(areas)) if areas.size else math.nan


def counts_table(
    frames: Sequence[FrameCount],
    typical_px: float,
    pixel_size_um: float | None = None,
    frame_interval_s: float | None = None,
) -> pd.DataFrame:
    """Lay counts out as a table.

    Parameters
    ----------
    frames : sequence of FrameCount
        One for each frame.
    typical_px : float
        Area of one object in px, see `typical_area_px`.
    pixel_size_um : float, optional
        Side of a pixel in µm.
    frame_interval_s : float, optional
        Time between frames in s.

    Returns
    -------
    pandas.DataFrame
        One row a frame, with the columns `columns.TIME` and `columns.COUNTS`.
    """
    scale = math.nan if pixel_size_um is None else pixel_size_um
    interval = math.nan if frame_interval_s is None else frame_interval_s
    rows = [
        {
            "frame": one.frame,
            "time_s": one.frame * interval,
            "n_by_instances": one.n_by_instances,
            "n_by_area": one.by_area(typical_px),
            "typical_area_px": typical_px,
            "typical_area_um2": typical_px * scale**2,
            "segmented_area_px": one.segmented_area_px,
            "segmented_area_um2": one.segmented_area_px * scale**2,
            "segmented_fraction": _part(one.segmented_area_px, one.n_pixels - one.ignored_px),
            "ignored_fraction": _part(one.ignored_px, one.n_pixels),
            "pixel_size_um": scale,
        }
        for one in frames
    ]
    known = {"pixel size": pixel_size_um is not None, "frame interval": frame_interval_s is not None}
    columns = [column.name for column in (*TIME, *COUNTS) if known.get(column.needs, True)]
    return pd.DataFrame(rows, columns=columns)


def recount(counts: pd.DataFrame, typical_px: float) -> pd.DataFrame:
    """Count by area again, with another typical area.

    Parameters
    ----------
    counts : pandas.DataFrame
        From `counts_table`.
    typical_px : float
        Area of one object in px.

    Returns
    -------
    pandas.DataFrame
        A new table; empty frames count 0.
    """
    segmented = counts["segmented_area_px"].astype(np.float64)
    by_area = (segmented / typical_px).where(segmented > 0, 0.0)
    changed = counts.assign(n_by_area=by_area, typical_area_px=typical_px)
    if "pixel_size_um" in counts:
        changed["typical_area_um2"] = typical_px * changed["pixel_size_um"] ** 2
    return changed


def _part(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
