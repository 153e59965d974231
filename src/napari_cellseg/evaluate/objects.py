"""Object scores: which true objects were found, and which predicted objects are true.

Counts are taken frame by frame (`count_objects`), can be added up, and give the scores
(`ObjectCounts.scores`). TP are the one-to-one pairs of a true and a predicted object at an IoU threshold (see
`overlaps`), FN the true objects without partner, FP the predicted objects without partner.

- AP = TP / (TP + FP + FN), as in the Data Science Bowl 2018 (Caicedo et al. 2019), StarDist and Cellpose.
- Precision TP / (TP + FP), recall TP / (TP + FN), F1 = 2 TP / (2 TP + FP + FN), at IoU 0.5.
- SQ is the mean IoU of the pairs at 0.5, PQ = SQ · F1 (panoptic quality, Kirillov et al. 2019).
- Overlap rule: a true object is found if any of its pixels is predicted (recall = found / true objects), and
  a predicted object is right if it shares any pixel with a true object (precision = right / predicted
  objects); F1 is their harmonic mean. A clump predicted as one object therefore finds all of its members.
- Counting error of a frame: (predicted - true) / true.

A score that has nothing to be counted on (0 / 0, such as the AP of a rightly empty frame) is NaN.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_cellseg.evaluate.formulas import THRESHOLDS, object_scores
from napari_cellseg.evaluate.overlaps import FloatArray, IntArray, Overlaps, overlaps, pair_indices, ratio

__all__ = ["THRESHOLDS", "Matches", "ObjectCounts", "average_precision", "count_objects", "match", "pair_up"]


@dataclass(frozen=True)
class Matches:
    """True and predicted objects paired one to one.

    Attributes
    ----------
    found : ndarray
        Labels of the true objects that have a partner.
    found_by : ndarray
        Labels of their partners in the prediction, in the same order.
    iou : ndarray
        IoU of these pairs.
    missed : ndarray
        Labels of the true objects without partner.
    invented : ndarray
        Labels of the predicted objects without partner; those mostly on ignore regions are not among them.
    """

    found: IntArray
    found_by: IntArray
    iou: FloatArray
    missed: IntArray
    invented: IntArray


@dataclass(frozen=True)
class ObjectCounts:
    """What all object scores are made of; add them up over frames with ``+``.

    Attributes
    ----------
    n_truth : int
        True objects.
    n_predicted : int
        Predicted objects that count.
    n_ignored : int
        Predicted objects left out because they lie mostly on ignore regions.
    matched : tuple of int
        One-to-one pairs at each of `THRESHOLDS`.
    iou_sum : float
        Sum of the IoU of the pairs at 0.5.
    truth_touched : int
        True objects of which any pixel is predicted.
    predicted_touching : int
        Predicted objects that share any pixel with a true object.
    n_off : int
        Absolute difference of the two counts, frame by frame.
    """

    n_truth: int = 0
    n_predicted: int = 0
    n_ignored: int = 0
    matched: tuple[int, ...] = (0,) * len(THRESHOLDS)
    iou_sum: float = 0.0
    truth_touched: int = 0
    predicted_touching: int = 0
    n_off: int = 0

    def __add__(self, other: ObjectCounts) -> ObjectCounts:
        return ObjectCounts(
            self.n_truth + other.n_truth,
            self.n_predicted + other.n_predicted,
            self.n_ignored + other.n_ignored,
            tuple(a + b for a, b in zip(self.matched, other.matched, strict=True)),
            self.iou_sum + other.iou_sum,
            self.truth_touched + other.truth_touched,
            self.predicted_touching + other.predicted_touching,
            self.n_off + other.n_off,
        )

    def scores(self) -> dict[str, float]:
        """Work out the object scores.

        Returns
        -------
        dict
            ``ap50`` to ``ap95``, ``ap_mean`` (mean over `THRESHOLDS`), ``object_precision``,
            ``object_recall`` and ``object_f1`` at IoU 0.5, ``sq``, ``pq``, ``overlap_precision``,
            ``overlap_recall``, ``overlap_f1``, ``n_truth``, ``n_predicted``, ``count_error``
            (predicted less true, relative to true) and ``count_absolute_error`` (the same without signs,
            summed frame by frame). NaN where there is nothing to count on.
        """
        scores = object_scores(
            self.n_truth,
            self.n_predicted,
            np.array(self.matched),
            self.iou_sum,
            (self.truth_touched, self.predicted_touching),
            self.n_off,
        )
        return {name: value.item() for name, value in scores.items()}


def pair_up(table: Overlaps, threshold: float = 0.5) -> Matches:
    """Pair true and predicted objects one to one.

    Parameters
    ----------
    table : Overlaps
        From `overlaps`.
    threshold : float
        Least IoU of a pair, above 0 to 1.

    Returns
    -------
    Matches
        As many pairs as there can be; unique for thresholds above 0.5.

    Raises
    ------
    SettingsError
        The threshold is out of range.
    """
    chosen = pair_indices(table, threshold)
    rows, columns = table.pairs[chosen].T
    return Matches(
        table.truth[rows],
        table.prediction[columns],
        table.iou[chosen],
        np.delete(table.truth, rows),
        np.delete(table.prediction, columns),
    )


def match(truth: npt.NDArray[Any], prediction: npt.NDArray[Any], threshold: float = 0.5) -> Matches:
    """Pair the objects of a truth and a prediction one to one.

    Parameters
    ----------
    truth : ndarray
        Axes YX, integer: 0 background, 1, 2, ... objects, -1 ignore.
    prediction : ndarray
        Axes YX, integer: 1, 2, ... objects, anything else background.
    threshold : float
        Least IoU of a pair, above 0 to 1.

    Returns
    -------
    Matches
        What was found, missed and invented.

    Raises
    ------
    InputError
        The shapes differ, or the labels are not whole numbers.
    SettingsError
        The threshold is out of range.
    """
    return pair_up(overlaps(truth, prediction), threshold)


def count_objects(truth: npt.NDArray[Any], prediction: npt.NDArray[Any]) -> ObjectCounts:
    """Count what all object scores of one frame are made of.

    Parameters
    ----------
    truth : ndarray
        Axes YX, integer: 0 background, 1, 2, ... objects, -1 ignore.
    prediction : ndarray
        Axes YX, integer: 1, 2, ... objects, anything else background.

    Returns
    -------
    ObjectCounts
        Add them up over frames, then ask for `ObjectCounts.scores`.

    Raises
    ------
    InputError
        The shapes differ, or the labels are not whole numbers.
    """
    return counts_from(overlaps(truth, prediction))


def counts_from(table: Overlaps) -> ObjectCounts:
    """Count what all object scores are made of.

    Parameters
    ----------
    table : Overlaps
        From `overlaps`.

    Returns
    -------
    ObjectCounts
        Of this one frame.
    """
    chosen = [pair_indices(table, threshold) for threshold in THRESHOLDS]
    touched = [len(np.unique(table.pairs[:, side])) for side in (0, 1)]
    return ObjectCounts(
        n_truth=len(table.truth),
        n_predicted=len(table.prediction),
        n_ignored=len(table.ignored),
        matched=tuple(len(pairs) for pairs in chosen),
        iou_sum=float(table.iou[chosen[0]].sum()),
        truth_touched=touched[0],
        predicted_touching=touched[1],
        n_off=abs(len(table.prediction) - len(table.truth)),
    )


def average_precision(
    truth: npt.NDArray[Any], prediction: npt.NDArray[Any], thresholds: tuple[float, ...] = THRESHOLDS
) -> FloatArray:
    """Work out AP = TP / (TP + FP + FN) of one frame.

    Parameters
    ----------
    truth : ndarray
        Axes YX, integer: 0 background, 1, 2, ... objects, -1 ignore.
    prediction : ndarray
        Axes YX, integer: 1, 2, ... objects, anything else background.
    thresholds : tuple of float
        IoU thresholds, each above 0 to 1.

    Returns
    -------
    ndarray
        AP at each threshold, 0 to 1; NaN when neither has any object.

    Raises
    ------
    InputError
        The shapes differ, or the labels are not whole numbers.
    SettingsError
        A threshold is out of range.
    """
    table = overlaps(truth, prediction)
    both = len(table.truth) + len(table.prediction)
    pairs = [len(pair_indices(table, threshold)) for threshold in thresholds]
    return np.array([ratio(n, both - n) for n in pairs])
