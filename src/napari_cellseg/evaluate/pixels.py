"""Pixel scores: nucleus or background, whatever the objects.

TP, FP, FN and TN are pixels; those that are -1 (ignore) in the truth count for nothing.
Accuracy (TP + TN) / all, precision TP / (TP + FP), recall TP / (TP + FN), F1 = Dice = 2 TP / (2 TP + FP + FN)
(Dice 1945), IoU = Jaccard = TP / (TP + FP + FN). A score that has nothing to be counted on (0 / 0) is NaN.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_cellseg.evaluate.formulas import pixel_scores
from napari_cellseg.evaluate.overlaps import check_same_shape


@dataclass(frozen=True)
class PixelCounts:
    """What all pixel scores are made of; add them up over frames with ``+``.

    Attributes
    ----------
    tp : int
        Nucleus in both, in px.
    fp : int
        Nucleus in the prediction only.
    fn : int
        Nucleus in the truth only.
    tn : int
        Background in both.
    """

    tp: int = 0
    fp: int = 0
    fn: int = 0
    tn: int = 0

    def __add__(self, other: PixelCounts) -> PixelCounts:
        return PixelCounts(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn, self.tn + other.tn)

    def scores(self) -> dict[str, float]:
        """Work out the pixel scores.

        Returns
        -------
        dict
            ``pixel_accuracy``, ``pixel_precision``, ``pixel_recall``, ``pixel_f1`` (the Dice coefficient) and
            ``pixel_iou``, each 0 to 1; NaN where there is nothing to count on.
        """
        scores = pixel_scores(self.tp, self.fp, self.fn, self.tn)
        return {name: value.item() for name, value in scores.items()}


def count_pixels(truth: npt.NDArray[Any], prediction: npt.NDArray[Any]) -> PixelCounts:
    """Count what all pixel scores of one frame are made of.

    Parameters
    ----------
    truth : ndarray
        Any axes, integer: 0 background, 1, 2, ... objects, -1 ignore.
    prediction : ndarray
        The same axes, integer: 1, 2, ... objects, anything else background.

    Returns
    -------
    PixelCounts
        Add them up over frames, then ask for `PixelCounts.scores`.

    Raises
    ------
    InputError
        The shapes differ, or the labels are not whole numbers.
    """
    check_same_shape(truth, prediction)
    nucleus, predicted = truth > 0, prediction > 0
    tp = int(np.count_nonzero(nucleus & predicted))
    fn = int(np.count_nonzero(nucleus)) - tp
    ignored = truth < 0
    fp = int(np.count_nonzero(predicted)) - tp - int(np.count_nonzero(predicted & ignored))
    tn = truth.size - int(np.count_nonzero(ignored)) - tp - fn - fp
    return PixelCounts(tp, fp, fn, tn)
