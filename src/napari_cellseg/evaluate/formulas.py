"""Every formula of the scores, written once, for one set of counts or for many at a time.

All functions take numbers or arrays of any one shape: the scores of a frame, of a group and of a thousand
resamples of a bootstrap come from the same lines. What the scores mean is told in `pixels` and `objects`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Counts = npt.NDArray[Any] | float
"""One count, or an array of them."""

THRESHOLDS: tuple[float, ...] = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
"""IoU thresholds at which AP is reported: those of the 2018 Data Science Bowl (Caicedo et al. 2019)."""


def ap_name(threshold: float) -> str:
    """Name the score AP at a threshold.

    Parameters
    ----------
    threshold : float
        IoU, 0 to 1.

    Returns
    -------
    str
        Such as ``"ap50"``.
    """
    return f"ap{round(100 * threshold)}"


def ratios(part: Counts, whole: Counts) -> FloatArray:
    """Divide, with NaN where there is nothing to divide by.

    Parameters
    ----------
    part : float or ndarray
        Numerators.
    whole : float or ndarray
        Denominators.

    Returns
    -------
    ndarray
        ``part / whole``, float64, of their common shape; NaN where `whole` is 0.
    """
    above, below = np.broadcast_arrays(np.asarray(part, np.float64), np.asarray(whole, np.float64))
    result: FloatArray = np.full(above.shape, np.nan)
    np.divide(above, below, out=result, where=below != 0)
    return result


def harmonic(precision: Counts, recall: Counts) -> FloatArray:
    """Combine precision and recall to F1.

    Parameters
    ----------
    precision : float or ndarray
        0 to 1; NaN when nothing was predicted.
    recall : float or ndarray
        0 to 1; NaN when there is nothing to find.

    Returns
    -------
    ndarray
        Their harmonic mean; 0 when only one of them is defined, NaN when neither is.
    """
    neither = np.isnan(precision) & np.isnan(recall)
    p, r = np.nan_to_num(np.asarray(precision)), np.nan_to_num(np.asarray(recall))
    mean = np.nan_to_num(ratios(2 * p * r, p + r))
    return np.where(neither, np.nan, mean)


def pixel_scores(tp: Counts, fp: Counts, fn: Counts, tn: Counts) -> dict[str, FloatArray]:
    """Work out the pixel scores.

    Parameters
    ----------
    tp, fp, fn, tn : float or ndarray
        Pixels, see `pixels.PixelCounts`.

    Returns
    -------
    dict
        Scores by name, see `pixels.PixelCounts.scores`.
    """
    wrong = np.asarray(fp) + fn
    return {
        "pixel_accuracy": ratios(tp + tn, tp + tn + wrong),
        "pixel_precision": ratios(tp, tp + fp),
        "pixel_recall": ratios(tp, tp + fn),
        "pixel_f1": ratios(2 * tp, 2 * tp + wrong),
        "pixel_iou": ratios(tp, tp + wrong),
    }


def object_scores(
    n_truth: Counts,
    n_predicted: Counts,
    matched: npt.NDArray[Any],
    iou_sum: Counts,
    touched: tuple[Counts, Counts],
    n_off: Counts,
) -> dict[str, FloatArray]:
    """Work out the object scores.

    Parameters
    ----------
    n_truth, n_predicted : float or ndarray
        True and predicted objects.
    matched : ndarray
        Pairs at each of `THRESHOLDS`, along the first axis.
    iou_sum : float or ndarray
        Sum of the IoU of the pairs at 0.5.
    touched : tuple of float or ndarray
        True objects of which any pixel is predicted; predicted objects that share any pixel with a true one.
    n_off : float or ndarray
        Absolute difference of the two counts, summed frame by frame.

    Returns
    -------
    dict
        Scores by name, see `objects.ObjectCounts.scores`.
    """
    both = np.asarray(n_truth) + n_predicted
    ap = ratios(matched, both - matched)
    tp = matched[0]
    f1, sq = ratios(2 * tp, both), ratios(iou_sum, tp)
    recall, precision = ratios(touched[0], n_truth), ratios(touched[1], n_predicted)
    return {
        **{ap_name(t): value for t, value in zip(THRESHOLDS, ap, strict=True)},
        "ap_mean": ap.mean(axis=0),
        "object_precision": ratios(tp, n_predicted),
        "object_recall": ratios(tp, n_truth),
        "object_f1": f1,
        "sq": sq,
        "pq": np.where(tp > 0, sq * f1, f1),
        "overlap_precision": precision,
        "overlap_recall": recall,
        "overlap_f1": harmonic(precision, recall),
        "n_truth": np.asarray(n_truth),
        "n_predicted": np.asarray(n_predicted),
        "count_error": ratios(both - 2 * np.asarray(n_truth), n_truth),
        "count_absolute_error": ratios(n_off, n_truth),
    }


def calibration_scores(
    n_px: npt.NDArray[Any], probability_sum: npt.NDArray[Any], n_true: npt.NDArray[Any], squared: Counts
) -> dict[str, FloatArray]:
    """Work out how far probabilities can be taken at their word.

    Parameters
    ----------
    n_px, probability_sum, n_true : ndarray
        Pixels, their summed probability, and how many of them are foreground, per bin of probability along
        the first axis; see `calibration.Reliability`.
    squared : float or ndarray
        Sum of (probability - truth)² over all pixels.

    Returns
    -------
    dict
        Scores by name, see `calibration.Reliability.scores`.
    """
    all_px = np.sum(n_px, axis=0)
    apart = np.abs(np.asarray(n_true) - probability_sum).sum(axis=0)
    return {"brier": ratios(squared, all_px), "ece": ratios(apart, all_px)}
