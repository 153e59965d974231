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
from napari_cellseg.evaluate.objects import THRESHOLDS, ObjectCounts
from napari_cellseg.evaluate.pixels import PixelCounts
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
    "pooled": "all pixels and objects of all frames counted together",
    "mean": "mean of the frames' scores, frames without the score left out",
    "ignore": "pixels of the truth that are -1 count for nothing; nor do predicted objects mostly on them",
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
    """

    image: str
    frame: int
    group: str
    pixels: PixelCounts
    objects: ObjectCounts

    def scores(self) -> dict[str, float]:
        """Work out all scores of the frame.

        Returns
        -------
        dict
            Pixel and object scores by name.
        """
        return {**self.pixels.scores(), **self.objects.scores()}


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

    def pooled(self) -> dict[str, float]:
        """Count all pixels and objects together.

        Returns
        -------
        dict
            Scores by name; a frame weighs as much as it holds.
        """
        pixels = sum((frame.pixels for frame in self.frames), PixelCounts())
        objects = sum((frame.objects for frame in self.frames), ObjectCounts())
        return {**pixels.scores(), **objects.scores()}

    def mean(self) -> dict[str, float]:
        """Average the scores of the frames.

        Returns
        -------
        dict
            Scores by name; each frame weighs the same, those without the score are left out.
        """
        each = [frame.scores() for frame in self.frames] or [self.pooled()]
        return {name: _mean(scores[name] for scores in each) for name in each[0]}

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
        return pd.DataFrame(rows, columns=["image", "frame", "group", *Scores(()).pooled()])

    def table(self, most_rows: int = 20) -> str:
        """Write the scores for a person in a terminal.

        Parameters
        ----------
        most_rows : int
            Show the scores of at most so many frames, the worst.

        Returns
        -------
        str
            Several lines.
        """
        return as_text(self, most_rows)

    def to_json(self) -> str:
        """Write everything as JSON.

        Returns
        -------
        str
            Total, groups and frames with all scores, the counts that they come from, and the definitions.
        """
        frames = [
            {
                **{key: getattr(frame, key) for key in ("image", "frame", "group")},
                "scores": _numbers(frame.scores()),
                "pixels": asdict(frame.pixels),
                "objects": asdict(frame.objects),
            }
            for frame in self.frames
        ]
        content = {
            "schema": SCHEMA,
            "program_version": __version__,
            "definitions": DEFINITIONS,
            "iou_thresholds": THRESHOLDS,
            "total": self._summary(),
            "groups": {group: self.of(group)._summary() for group in self.groups},
            "frames": frames,
        }
        return json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False)

    def _summary(self) -> dict[str, Any]:
        return {
            "n_frames": len(self.frames),
            "pooled": _numbers(self.pooled()),
            "mean": _numbers(self.mean()),
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
    return FrameCounts(row["image"], row["frame"], row["group"], PixelCounts(**row["pixels"]), objects)


def _mean(values: Iterable[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return float(np.mean(known)) if known else math.nan


def _numbers(scores: dict[str, float]) -> dict[str, float | None]:
    return {name: None if math.isnan(value) else value for name, value in scores.items()}
