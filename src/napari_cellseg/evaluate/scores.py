"""The scores of many frames: each, per group, and in total, to be kept as JSON and CSV.

Frames are put together in two ways, and both are always given by name: ``pooled`` counts all pixels and
objects of all frames together, so that a frame weighs as much as it holds; ``mean`` is the mean of the scores
of the frames, each weighing the same, frames without the score (NaN) left out.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from napari_cellseg import __version__
from napari_cellseg.errors import InputError
from napari_cellseg.evaluate.calibration import Reliability
from napari_cellseg.evaluate.objects import THRESHOLDS, ObjectCounts
from napari_cellseg.evaluate.pixels import PixelCounts
from napari_cellseg.evaluate.plain import intervals_of, numbers
from napari_cellseg.evaluate.text import as_text

SCHEMA = 1

DEFINITIONS = {
    "pixel_f1": "2 TP / (2 TP + FP + FN) in pixels; the Dice coefficient",
    "ap50": "TP / (TP + FP + FN) in objects paired one to one at IoU 0.5 (DSB 2018, StarDist, Cellpose)",
    "ap_mean": "mean of AP over the IoU thresholds",
    "object_f1": "2 TP / (2 TP + FP + FN) in objects at IoU 0.5",
    "pq": "panoptic quality: SQ, the mean IoU of the pairs at IoU 0.5, times object_f1",
    "overlap_recall": "true objects of which any pixel is predicted / true objects",
    "overlap_precision": "predicted objects that share any pixel with a true one / predicted objects",
    "count_error": "(predicted - true objects) / true objects",
    "count_absolute_error": "the same without sign, frame by frame",
    "brier": "mean of (predicted probability - truth)² over the pixels (Brier 1950); 0 is perfect",
    "ece": "expected calibration error of the probabilities, ten bins (Guo et al. 2017); 0 is perfect",
    "pooled": "all pixels and objects of all frames counted together",
    "mean": "mean of the frames' scores, frames without the score left out",
    "ignore": "pixels of the truth that are -1 count for nothing; nor do predicted objects mostly on them",
    "intervals": "percentile bootstrap: lower and upper end (Efron and Tibshirani 1993)",
    "null": "nothing to count on, such as the AP of a rightly empty frame",
}
"""What the less usual scores mean, kept with the numbers."""


@dataclass(frozen=True)
class FrameCounts:
    """What was counted on one frame.

    Attributes
    ----------
    image : str
        Name of the image or movie.
    frame : int
        Time point, from 0.
    group : str
        Group of the image; empty when there are none.
    pixels : PixelCounts
        Pixels right and wrong.
    objects : ObjectCounts
        Objects right and wrong.
    reliability : Reliability or None
        How far the probabilities held; None when none were given.
    """

    image: str
    frame: int
    group: str
    pixels: PixelCounts
    objects: ObjectCounts
    reliability: Reliability | None = None

    def scores(self) -> dict[str, float]:
        """Work out all scores of the frame.

        Returns
        -------
        dict
            Pixel and object scores by name, and those of the probabilities where there are any.
        """
        calibration = {} if self.reliability is None else self.reliability.scores()
        return {**self.pixels.scores(), **self.objects.scores(), **calibration}


@dataclass(frozen=True)
class Scores:
    """The scores of many frames.

    Attributes
    ----------
    frames : tuple of FrameCounts
        One for each frame, in the order of evaluation.
    """

    frames: tuple[FrameCounts, ...]

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the groups, in the order of their first frame; empty when there are none."""
        return tuple(dict.fromkeys(frame.group for frame in self.frames if frame.group))

    def of(self, group: str) -> Scores:
        """Take the frames of one group.

        Parameters
        ----------
        group : str
            Its name.

        Returns
        -------
        Scores
            Of its frames only.
        """
        return Scores(tuple(frame for frame in self.frames if frame.group == group))

    def reliability(self) -> Reliability | None:
        """Add up how far the probabilities held.

        Returns
        -------
        Reliability or None
            Of all frames with probabilities; None when there is no such frame.
        """
        known = [frame.reliability for frame in self.frames if frame.reliability is not None]
        return sum(known, Reliability()) if known else None

    def pooled(self) -> dict[str, float]:
        """Count all pixels and objects together.

        Returns
        -------
        dict
            Scores by name; a frame weighs as much as it holds.
        """
        pixels = sum((frame.pixels for frame in self.frames), PixelCounts())
        objects = sum((frame.objects for frame in self.frames), ObjectCounts())
        reliability = self.reliability()
        calibration = {} if reliability is None else reliability.scores()
        return {**pixels.scores(), **objects.scores(), **calibration}

    def mean(self) -> dict[str, float]:
        """Average the scores of the frames.

        Returns
        -------
        dict
            Scores by name; each frame weighs the same, those without the score are left out.
        """
        each = [frame.scores() for frame in self.frames] or [self.pooled()]
        names = dict.fromkeys(name for scores in each for name in scores)
        return {name: _mean(scores.get(name, math.nan) for scores in each) for name in names}

    def to_frame(self) -> pd.DataFrame:
        """Lay the scores out as a table.

        Returns
        -------
        pandas.DataFrame
            One row a frame: image, frame, group, then all scores.
        """
        rows = [
            {"image": frame.image, "frame": frame.frame, "group": frame.group, **frame.scores()}
            for frame in self.frames
        ]
        return pd.DataFrame(rows, columns=["image", "frame", "group", *self.pooled()])

    def table(self, most_rows: int = 20, intervals: pd.DataFrame | None = None) -> str:
        """Write the scores for a person in a terminal.

        Parameters
        ----------
        most_rows : int
            Show the scores of at most so many frames, the worst.
        intervals : pandas.DataFrame, optional
            From `bootstrap.intervals`, to be shown beside the scores.

        Returns
        -------
        str
            Several lines.
        """
        return as_text(self, most_rows, intervals)

    def to_json(self, intervals: pd.DataFrame | None = None) -> str:
        """Write everything as JSON.

        Parameters
        ----------
        intervals : pandas.DataFrame, optional
            From `bootstrap.intervals`, to be kept with the scores of the total and of the groups.

        Returns
        -------
        str
            Total, groups and frames with all scores, the counts that they come from, and the definitions.
        """
        frames = [
            {
                **{key: getattr(frame, key) for key in ("image", "frame", "group")},
                "scores": numbers(frame.scores()),
                "pixels": asdict(frame.pixels),
                "objects": asdict(frame.objects),
                "reliability": None if frame.reliability is None else asdict(frame.reliability),
            }
            for frame in self.frames
        ]
        content = {
            "schema": SCHEMA,
            "program_version": __version__,
            "definitions": DEFINITIONS,
            "iou_thresholds": THRESHOLDS,
            "total": {**self._summary(), **intervals_of(intervals, "")},
            "groups": {
                group: {**self.of(group)._summary(), **intervals_of(intervals, group)}
                for group in self.groups
            },
            "frames": frames,
        }
        return json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False)

    def _summary(self) -> dict[str, Any]:
        return {
            "n_frames": len(self.frames),
            "pooled": numbers(self.pooled()),
            "mean": numbers(self.mean()),
        }

    @classmethod
    def from_json(cls, text: str) -> Scores:
        """Read what `to_json` wrote.

        Parameters
        ----------
        text : str
            The JSON.

        Returns
        -------
        Scores
            All scores are worked out again from the counts.

        Raises
        ------
        InputError
            The text is not such JSON, or of another version.
        """
        to_do = "Evaluate again with `napari-cellseg evaluate`"
        try:
            content = json.loads(text)
            schema, thresholds = content["schema"], tuple(content["iou_thresholds"])
            if schema != SCHEMA or thresholds != THRESHOLDS:
                raise InputError(
                    f"The scores are of version {schema} with thresholds {thresholds}",
                    f"This program reads version {SCHEMA} with thresholds {THRESHOLDS}",
                    to_do,
                )
            return cls(tuple(_read_frame(row) for row in content["frames"]))
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"This file does not hold scores ({error})", "", to_do) from error


def _read_frame(row: dict[str, Any]) -> FrameCounts:
    objects = ObjectCounts(**{**row["objects"], "matched": tuple(row["objects"]["matched"])})
    told = row.get("reliability")
    reliability = None if told is None else Reliability(**{key: _exact(part) for key, part in told.items()})
    pixels = PixelCounts(**row["pixels"])
    return FrameCounts(row["image"], row["frame"], row["group"], pixels, objects, reliability)


def _exact(part: Any) -> Any:
    return tuple(part) if isinstance(part, list) else part


def _mean(values: Iterable[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return float(np.mean(known)) if known else math.nan
