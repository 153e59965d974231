"""Which pixels are nucleus: Otsu's threshold for the whole frame, or one for each place of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from napari_cellseg.config import LabelConfig
from napari_cellseg.label.contrast import Signal
from napari_cellseg.label.light import Plane, stretch

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

_LEVELS = 128
_SIGNIFICANT = 4.0  # standard deviations of the noise
_LEAST_PART = 0.05  # of a window's pixels, in the smaller of its two classes
_LEAST_STEP = 0.05  # between the two classes of a window, of the equalised range
_REACH = 1.2  # windows; how far thresholds are handed on to windows that have none
_STRIP = 64  # rows of windows computed at a time, so that memory stays small


def foreground(signal: Signal, equalised: Plane, config: LabelConfig) -> Mask:
    """Tell nucleus from background.

    A pixel is nucleus where the equalised frame is above Otsu's threshold and where the frame itself stands
    out of its background: by `config.otsu_low` of the frame's range, and by four standard deviations of the
    noise, so that empty and dark frames stay empty. Above `config.otsu_high` of the range all is nucleus.

    Parameters
    ----------
    signal : Signal
        The frame.
    equalised : ndarray
        Axes YX, float32, 0 to 1; see `contrast.equalise`.
    config : LabelConfig
        Kind of threshold, window and bounds.

    Returns
    -------
    ndarray
        Axes YX, bool.
    """
    _, low, high = otsu(_histograms(equalised.reshape(1, -1)))
    overall = float(low[0] + high[0]) / 2
    thresholds: Plane | float = overall
    if config.threshold == "adaptive":
        thresholds = local_thresholds(equalised, config.otsu_window_px, overall)
    floor = max(config.otsu_low * signal.top, _SIGNIFICANT * signal.noise)
    ceiling = config.otsu_high * signal.top
    bright = (equalised > thresholds) | (signal.above > ceiling)
    return np.asarray(bright & (signal.above > floor))


def otsu(histograms: npt.NDArray[Any]) -> tuple[Floats, Floats, Floats]:
    """Divide many histograms into two classes each (Otsu 1979, IEEE Trans. SMC 9, 62-66).

    Parameters
    ----------
    histograms : ndarray
        Last axis: counts in bins of equal width, from 0 to 1. Any further axes before it.

    Returns
    -------
    part : ndarray
        Fraction of the pixels in the smaller class; 0 where there is only one grey value.
    low, high : ndarray
        Mean of the darker and of the brighter class. Half-way between them is Otsu's threshold.
    """
    levels = (np.arange(histograms.shape[-1]) + 0.5) / histograms.shape[-1]
    below = np.cumsum(histograms, axis=-1, dtype=np.float64)
    moment = np.cumsum(histograms * levels, axis=-1, dtype=np.float64)
    n, total = below[..., -1:], moment[..., -1:]
    above = n - below
    with np.errstate(divide="ignore", invalid="ignore"):
        difference = (total - moment) / above - moment / below
        between = np.where((below > 0) & (above > 0), below * above * difference**2, -1.0)
    at = between.argmax(axis=-1)[..., None]
    below, moment = np.take_along_axis(below, at, -1), np.take_along_axis(moment, at, -1)
    two = np.take_along_axis(between, at, -1)[..., 0] > 0
    below, moment, n, total = below[..., 0], moment[..., 0], n[..., 0], total[..., 0]
    mean = np.divide(total, n, out=np.zeros_like(total), where=n > 0)
    part = np.where(two, np.minimum(below, n - below) / np.maximum(n, 1), 0)
    low = np.where(two, moment / np.maximum(below, 1), mean)
    high = np.where(two, (total - moment) / np.maximum(n - below, 1), mean)
    return part, low, high


def local_thresholds(equalised: Plane, window_px: int, overall: float) -> Plane:
    """Give each place a threshold of its own.

    Half-overlapping windows are divided by Otsu's method; only windows that do hold two classes keep their
    threshold, the others get it from their neighbours, or the whole frame's where none is near (after Chow
    and Kaneko 1972, Computers and Biomedical Research 5, 388-410). Within the background or within a nucleus
    a window's own threshold would be noise.

    Parameters
    ----------
    equalised : ndarray
        Axes YX, float32, 0 to 1.
    window_px : int
        Side of the windows in px.
    overall : float
        Threshold of the whole frame.

    Returns
    -------
    ndarray
        Axes YX, float32, a threshold per pixel.
    """
    step = max(window_px // 2, 2)
    height, width = equalised.shape
    padded = np.pad(equalised, ((0, -height % step), (0, -width % step)), mode="symmetric")
    rows, columns = padded.shape[0] // step, padded.shape[1] // step
    cells = padded.reshape(rows, step, columns, step).transpose(0, 2, 1, 3).reshape(rows, columns, -1)
    threshold = np.empty((rows + 1, columns + 1))
    weight = np.empty_like(threshold)
    for start in range(0, rows + 1, _STRIP):
        stop = min(start + _STRIP, rows + 1)
        strip = _windows(cells[max(start - 1, 0) : stop], start == 0, stop == rows + 1)
        part, low, high = otsu(strip)
        threshold[start:stop] = (low + high) / 2
        weight[start:stop] = (part > _LEAST_PART) & (high - low > max(_LEAST_STEP, 0.1 * overall))
    little = 1e-4
    near = ndi.gaussian_filter(weight, _REACH) + little
    known = (ndi.gaussian_filter(weight * threshold, _REACH) + little * overall) / near
    middles = (known[:-1, :-1] + known[1:, :-1] + known[:-1, 1:] + known[1:, 1:]) / 4
    return stretch(middles.astype(np.float32), padded.shape)[:height, :width]


def _windows(cells: Plane, first: bool, last: bool) -> npt.NDArray[Any]:
    """Add the histograms of two by two neighbouring cells; an edge cell is its own neighbour."""
    rows, columns = cells.shape[:2]
    counts = _histograms(cells.reshape(rows * columns, -1)).reshape(rows, columns, _LEVELS)
    counts = np.pad(counts, ((int(first), int(last)), (1, 1), (0, 0)), mode="edge")
    return np.asarray(counts[:-1, :-1] + counts[1:, :-1] + counts[:-1, 1:] + counts[1:, 1:])


def _histograms(values: Plane) -> npt.NDArray[np.int64]:
    """Count grey values from 0 to 1, one histogram per row."""
    bins = np.clip((values * _LEVELS).astype(np.int64), 0, _LEVELS - 1)
    bins += np.arange(len(values))[:, None] * _LEVELS
    return np.bincount(bins.ravel(), minlength=len(values) * _LEVELS).reshape(len(values), _LEVELS)
