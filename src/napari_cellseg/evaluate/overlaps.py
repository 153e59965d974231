"""The pixels that true and predicted objects share: the sparse table that all object scores are counted from.

A pair of a true and a predicted object has the IoU |A∩B| / |A∪B|. At a threshold t a pair matches when its
IoU is at least t. For t > 0.5 matches are unique by themselves: no object can have two partners. At exactly
0.5, and below, the largest possible number of one-to-one pairs is taken (Hopcroft and Karp 1973).

Pixels of the truth that are -1 (ignore) count for nothing: they are left out of all areas, and a predicted
object of which more than half lies on them is left out, neither right nor wrong. Negative pixels of the
prediction are background.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from napari_cellseg.errors import InputError, SettingsError

_MOSTLY_IGNORED = 0.5
_ROUNDING = 1e-9  # so that an IoU of 11/20 reaches the threshold 0.55

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Overlaps:
    """The pixels that true and predicted objects share, outside ignore regions.

    Attributes
    ----------
    truth : ndarray
        Labels of the true objects, ascending.
    prediction : ndarray
        Labels of the predicted objects that count, ascending.
    ignored : ndarray
        Labels of the predicted objects that lie mostly on ignore regions and do not count.
    truth_area_px : ndarray
        Area of each true object in px.
    prediction_area_px : ndarray
        Area of each predicted object in px, outside ignore regions.
    pairs : ndarray
        Axes (pair, 2): indices into `truth` and `prediction` of the objects that share pixels.
    shared_px : ndarray
        Number of pixels that each pair shares.
    """

    truth: IntArray
    prediction: IntArray
    ignored: IntArray
    truth_area_px: IntArray
    prediction_area_px: IntArray
    pairs: IntArray
    shared_px: IntArray

    @property
    def iou(self) -> FloatArray:
        """Intersection over union of each pair, 0 to 1."""
        union = (
            self.truth_area_px[self.pairs[:, 0]] + self.prediction_area_px[self.pairs[:, 1]] - self.shared_px
        )
        return np.asarray(self.shared_px / union, dtype=np.float64)

    def iou_matrix(self) -> FloatArray:
        """Write the IoU of all pairs as a matrix.

        Returns
        -------
        ndarray
            Axes (true object, predicted object), float64, 0 where they share nothing.
        """
        matrix = np.zeros((len(self.truth), len(self.prediction)))
        matrix[self.pairs[:, 0], self.pairs[:, 1]] = self.iou
        return matrix


def ratio(part: float, whole: float) -> float:
    """Divide, with NaN where there is nothing to divide by.

    Parameters
    ----------
    part : float
        Numerator.
    whole : float
        Denominator.

    Returns
    -------
    float
        ``part / whole``; NaN when `whole` is 0.
    """
    return float(part / whole) if whole else float("nan")


def check_shapes(truth: tuple[int, ...], prediction: tuple[int, ...], name: str = "") -> None:
    """Refuse a prediction of another shape than the truth.

    Parameters
    ----------
    truth, prediction : tuple of int
        Their shapes.
    name : str
        What they belong to, for the message.

    Raises
    ------
    InputError
        The shapes differ.
    """
    if truth != prediction:
        of = f" of {name}" if name else ""
        raise InputError(
            f"The truth{of} has the shape {truth}, its prediction {prediction}",
            "Both must have the same frames, height and width",
            "Choose the prediction that was made for this image, at its full size",
        )


def check_same_shape(truth: npt.NDArray[Any], prediction: npt.NDArray[Any], name: str = "") -> None:
    """Refuse a truth and a prediction that do not lie on the same pixels.

    Parameters
    ----------
    truth : ndarray
        Labels, any axes.
    prediction : ndarray
        Labels of the same axes.
    name : str
        What they belong to, for the message.

    Raises
    ------
    InputError
        The shapes differ, or the labels are not whole numbers.
    """
    check_shapes(truth.shape, prediction.shape, name)
    of = f" of {name}" if name else ""
    for labels, what in ((truth, "truth"), (prediction, "prediction")):
        if labels.dtype.kind not in "iub":
            raise InputError(f"The {what}{of} holds {labels.dtype} numbers", "Labels are whole numbers")


def overlaps(truth: npt.NDArray[Any], prediction: npt.NDArray[Any]) -> Overlaps:
    """Count the pixels that each true object shares with each predicted one.

    Parameters
    ----------
    truth : ndarray
        Axes YX, integer: 0 background, 1, 2, ... objects, -1 ignore.
    prediction : ndarray
        Axes YX, integer: 1, 2, ... objects, anything else background.

    Returns
    -------
    Overlaps
        In time linear in the number of foreground pixels; labels may be of any size.

    Raises
    ------
    InputError
        The shapes differ, or the labels are not whole numbers.
    """
    check_same_shape(truth, prediction)
    foreground = np.flatnonzero((truth.ravel() != 0) | (prediction.ravel() > 0))
    true_pixels = truth.ravel()[foreground].astype(np.int64)
    predicted_pixels = np.maximum(prediction.ravel()[foreground].astype(np.int64), 0)
    true_names, true_index = _consecutive(np.maximum(true_pixels, 0))
    predicted_names, predicted_index = _consecutive(predicted_pixels)

    full_area = np.bincount(predicted_index, minlength=len(predicted_names))
    seen = true_pixels >= 0
    true_index, predicted_index = true_index[seen], predicted_index[seen]
    true_area = np.bincount(true_index, minlength=len(true_names))
    seen_area = np.bincount(predicted_index, minlength=len(predicted_names))

    counted = full_area - seen_area <= _MOSTLY_IGNORED * full_area
    counted[0] = False
    new_index = np.cumsum(counted) - 1
    inside = (true_index > 0) & counted[predicted_index]
    pairs, shared = _count_pairs(
        true_index[inside] - 1, new_index[predicted_index[inside]], len(true_names), len(predicted_names)
    )
    ignored = ~counted
    ignored[0] = False
    return Overlaps(
        true_names[1:],
        predicted_names[counted],
        predicted_names[ignored],
        true_area[1:],
        seen_area[counted],
        pairs,
        shared,
    )


def _consecutive(values: IntArray) -> tuple[IntArray, IntArray]:
    """Give non-negative values the numbers 0, 1, 2, ... in ascending order; 0 is always among them."""
    largest = int(values.max(initial=0))
    if largest > max(4 * values.size, 1 << 16):  # a table of all possible labels would be too large
        names, index = np.unique(np.append(values, 0), return_inverse=True)
        return names, index[:-1]
    present = np.zeros(largest + 1, dtype=bool)
    present[values] = True
    present[0] = True
    return np.flatnonzero(present), (np.cumsum(present) - 1)[values]


def _count_pairs(rows: IntArray, columns: IntArray, n_rows: int, n_columns: int) -> tuple[IntArray, IntArray]:
    """Count how often each (row, column) occurs, by way of a sparse matrix."""
    ones = np.ones(len(rows), dtype=np.int64)
    table = coo_array((ones, (rows, columns)), shape=(n_rows, n_columns)).tocsr().tocoo()
    row, column = table.coords
    return np.stack([row, column], axis=1).astype(np.int64), table.data.astype(np.int64)


def pair_indices(table: Overlaps, threshold: float) -> IntArray:
    """Choose which of the pairs match at a threshold.

    Parameters
    ----------
    table : Overlaps
        From `overlaps`.
    threshold : float
        Least IoU of a pair, above 0 to 1.

    Returns
    -------
    ndarray
        Indices into ``table.pairs``: as many one-to-one pairs as there can be; unique above 0.5.

    Raises
    ------
    SettingsError
        The threshold is out of range.
    """
    if not 0 < threshold <= 1:
        raise SettingsError(f"The IoU threshold is {threshold}", "It lies above 0 and up to 1")
    candidates = np.flatnonzero(table.iou >= threshold - _ROUNDING)
    rows, columns = table.pairs[candidates].T
    if len(np.unique(rows)) == len(rows) and len(np.unique(columns)) == len(columns):
        return candidates  # always so for thresholds above 0.5
    ones = np.ones(len(candidates), dtype=np.int8)
    graph = csr_array((ones, (rows, columns)), shape=(len(table.truth), len(table.prediction)))
    partner = maximum_bipartite_matching(graph, perm_type="column")
    chosen: IntArray = candidates[partner[rows] == columns]
    return chosen
