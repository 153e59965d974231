"""Speed of measuring and evaluating a frame of 1,000 nuclei, against scikit-image and a dense matching."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment
from skimage.measure import regionprops_table
from skimage.metrics import contingency_table

from napari_cellseg.evaluate.objects import THRESHOLDS, average_precision
from napari_cellseg.measure.objects import measure_frame

SIDE, TILE = 1024, 32
PROPERTIES = (
    *("label", "area", "bbox", "centroid", "eccentricity", "equivalent_diameter_area", "orientation"),
    *("perimeter", "solidity", "axis_major_length", "axis_minor_length"),
    *("intensity_mean", "intensity_min", "intensity_max", "intensity_std"),
)


def nuclei(shift_px: int = 0) -> npt.NDArray[np.int32]:
    """Draw 1,024 discs of different sizes.

    Parameters
    ----------
    shift_px : int
        Move all of them to the right.

    Returns
    -------
    ndarray
        Axes YX, int32.
    """
    n = SIDE // TILE
    y, x = np.mgrid[:SIDE, :SIDE]
    radius = np.random.default_rng(0).uniform(7, 14, (n, n))[y // TILE, x // TILE]
    inside = np.hypot(y % TILE - TILE / 2 + 0.5, x % TILE - TILE / 2 + 0.5) < radius
    labels = np.where(inside, 1 + (y // TILE) * n + x // TILE, 0).astype(np.int32)
    return np.roll(labels, shift_px, axis=1)


def dense_ap(truth: npt.NDArray[np.int32], prediction: npt.NDArray[np.int32]) -> list[float]:
    """Work out AP from the full matrix with the Hungarian algorithm, as is common.

    Parameters
    ----------
    truth, prediction : ndarray
        Axes YX, int32, labels 1 to n.

    Returns
    -------
    list of float
        AP at each threshold.
    """
    shared = contingency_table(truth, prediction).toarray().astype(float)
    areas = shared.sum(axis=1)[1:, None] + shared.sum(axis=0)[None, 1:]
    iou = shared[1:, 1:] / (areas - shared[1:, 1:])
    scores = []
    for threshold in THRESHOLDS:
        good = iou >= threshold
        tp = int(good[linear_sum_assignment(-(good + iou / 1e4))].sum())
        scores.append(tp / (sum(iou.shape) - tp))
    return scores


def best_of(work: Callable[[], object], times: int = 5) -> float:
    """Time some work.

    Parameters
    ----------
    work : callable
        What to do.
    times : int
        How often.

    Returns
    -------
    float
        The shortest time in s.
    """
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return min(taken)


def main() -> int:
    """Print times and ratios.

    Returns
    -------
    int
        0.
    """
    truth, prediction = nuclei(), nuclei(shift_px=3)
    image = np.random.default_rng(1).random(truth.shape)
    np.testing.assert_allclose(average_precision(truth, prediction), dense_ap(truth, prediction))
    rows = (
        (
            "all columns of 1,024 nuclei",
            best_of(lambda: measure_frame(truth, {"phase": image})),
            "regionprops_table",
            best_of(lambda: regionprops_table(truth, image, properties=PROPERTIES), times=2),
        ),
        (
            "AP at nine thresholds",
            best_of(lambda: average_precision(truth, prediction)),
            "dense matrix, Hungarian",
            best_of(lambda: dense_ap(truth, prediction), times=2),
        ),
    )
    for what, ours, baseline, theirs in rows:
        times = f"{1000 * ours:7.0f} ms   {baseline:<24} {1000 * theirs:7.0f} ms"
        print(f"{what:<30} {times}   {theirs / ours:5.1f} x")
    return 0
