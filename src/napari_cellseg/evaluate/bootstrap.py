"""How sure the scores are: percentile intervals by the bootstrap (Efron and Tibshirani 1993, chapter 13).

The frames that were evaluated are a sample of all that could have been taken. To see how much the scores hang
on which they were, as many are drawn from them with replacement, the scores are worked out anew, and this
is done a thousand times; the interval holds the middle 95 % of these results.

Frames of one group (a position, a well, an experiment) are more alike than frames of different groups, so
that drawing frames one by one makes intervals too narrow. With at least `LEAST_GROUPS` groups the total is
therefore resampled by whole groups (the clustered bootstrap, Davison and Hinkley 1997, section 3.8); a frame
without a group goes with its image. With fewer, and within a group, frames are drawn, and the table says so.
A single frame has no interval.

All scores come from counts that add up over frames: a resample is a matrix of how often each unit was drawn,
times the matrix of their counts. Resamples in which a score has nothing to be counted on are left out of it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_cellseg.errors import SettingsError
from napari_cellseg.evaluate.calibration import N_BINS
from napari_cellseg.evaluate.formulas import (
    THRESHOLDS,
    FloatArray,
    calibration_scores,
    object_scores,
    pixel_scores,
    ratios,
)
from napari_cellseg.evaluate.scores import FrameCounts, Scores

LEAST_GROUPS = 5
"""From so many groups on, whole groups are drawn instead of frames."""

_FEW_FRAMES = 5
_MOST_AT_ONCE = 1 << 22  # numbers in the matrix of draws: 32 MB


def intervals(
    scores: Scores, names: Sequence[str] | None = None, n: int = 1000, level: float = 0.95, seed: int = 0
) -> pd.DataFrame:
    """Work out bootstrap intervals of scores, in total and for each group.

    Parameters
    ----------
    scores : Scores
        The counts of all frames.
    names : sequence of str, optional
        Which scores, as in `Scores.pooled`; all but ``n_truth`` and ``n_predicted`` when not given.
    n : int
        Number of resamples, at least 1. 1000 is enough for percentiles (Efron and Tibshirani 1993).
    level : float
        Part of the resamples that the interval holds, above 0 and below 1.
    seed : int
        The same seed gives the same intervals, for a group whatever the other groups are.

    Returns
    -------
    pandas.DataFrame
        One row for each score of the total and of each group; for its columns see `tables.INTERVALS`.
        Bounds are NaN where there is no interval, and ``note`` says why.

    Raises
    ------
    SettingsError
        There is no such score, or a number is out of range.
    """
    known = [name for name in scores.pooled() if not name.startswith("n_")]
    wanted = known if names is None else list(names)
    _check(wanted, known, n, level)
    rows: list[dict[str, object]] = []
    for group in ("", *scores.groups):
        part = scores.of(group) if group else scores
        units, resampled = _units(part, by_group=not group)
        pooled, mean = part.pooled(), part.mean()
        low, high = _bounds(part.frames, units, wanted, (n, level, seed))
        n_units = len(set(units))
        for i, name in enumerate(wanted):
            rows.append(
                {
                    "scope": "group" if group else "total",
                    "group": group,
                    "n_frames": len(part.frames),
                    "n_truth": pooled["n_truth"],
                    "n_predicted": pooled["n_predicted"],
                    "score": name,
                    "pooled": pooled[name],
                    "pooled_low": low[0, i],
                    "pooled_high": high[0, i],
                    "mean": mean[name],
                    "mean_low": low[1, i],
                    "mean_high": high[1, i],
                    "resampled": f"{n_units} {resampled}" if n_units > 1 else "",
                    "level": level,
                    "n_resamples": n,
                    "seed": seed,
                    "note": _note(part, resampled, n_units),
                }
            )
    return pd.DataFrame(rows)


def _check(wanted: Sequence[str], known: Sequence[str], n: int, level: float) -> None:
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise SettingsError(
            f"There is no score {unknown[0]!r} to find the interval of", f"There are {', '.join(known)}"
        )
    if n < 1 or not 0 < level < 1:
        raise SettingsError(
            f"Intervals of level {level} from {n} resamples were asked for",
            "The level lies between 0 and 1, and at least one resample is needed",
        )


def _units(scores: Scores, by_group: bool) -> tuple[list[Hashable], str]:
    """Name what each frame is drawn together with."""
    if by_group and len(scores.groups) >= LEAST_GROUPS:
        return [frame.group or ("", frame.image) for frame in scores.frames], "groups"
    return list(range(len(scores.frames))), "frames"


def _note(scores: Scores, resampled: str, n_units: int) -> str:
    """Say what the person should know about an interval."""
    if n_units < 2:
        return "one frame only: no interval" if n_units else "no frame: no interval"
    if resampled == "groups":
        return ""
    said = []
    if n_units < _FEW_FRAMES:
        said.append(f"only {n_units} frames: a rough guide")
    if len(scores.groups) > 1:
        said.append(
            f"fewer than {LEAST_GROUPS} groups: frames were resampled, which does not cover differences "
            "between groups"
        )
    elif any(frame.frame for frame in scores.frames):
        said.append("frames of one movie are alike, so that the interval may be too narrow")
    return "; ".join(said)


def _bounds(
    frames: Sequence[FrameCounts],
    units: Sequence[Hashable],
    names: Sequence[str],
    how: tuple[int, float, int],
) -> tuple[FloatArray, FloatArray]:
    """Find both ends of the intervals; axes (pooled and mean, score)."""
    n, level, seed = how
    nothing = np.full((2, len(names)), np.nan)
    order = {unit: i for i, unit in enumerate(dict.fromkeys(units))}
    if len(order) < 2:
        return nothing, nothing
    owner = np.array([order[unit] for unit in units])
    counts = np.array([_counts(frame) for frame in frames])
    single = pooled_scores(counts)
    each = np.stack([single[name] for name in names], axis=1)
    defined = ~np.isnan(each)
    columns = np.hstack([counts, np.where(defined, each, 0), defined])
    summed = np.zeros((len(order), columns.shape[1]))
    np.add.at(summed, owner, columns)
    drawn = [_scores_of(sums, counts.shape[1], names) for sums in resamples(summed, n, seed)]
    values = np.concatenate(drawn, axis=1)
    tail = (1 - level) / 2
    return quantile(values, tail), quantile(values, 1 - tail)


def _counts(frame: FrameCounts) -> list[float]:
    """Write all counts of a frame in one row, as `pooled_scores` reads them."""
    pixels, objects, reliability = frame.pixels, frame.objects, frame.reliability
    row = [pixels.tp, pixels.fp, pixels.fn, pixels.tn, objects.n_truth, objects.n_predicted, objects.iou_sum]
    row += [objects.truth_touched, objects.predicted_touching, objects.n_off, *objects.matched]
    if reliability is None:
        return [*row, *(0.0,) * (3 * N_BINS + 1)]
    return [
        *row, *reliability.n_px, *reliability.probability_sum, *reliability.n_true, reliability.squared
    ]  # fmt: skip


def pooled_scores(counts: FloatArray) -> dict[str, FloatArray]:
    """Work out all scores of many sets of counts.

    Parameters
    ----------
    counts : ndarray
        Axes (set, count): counts in the order of `_counts`, summed over the frames of each set.

    Returns
    -------
    dict
        By name, one number a set; the same as `Scores.pooled` gives.
    """
    column = counts.T
    matched, bins = np.split(column[10:], [len(THRESHOLDS)])
    n_px, probability_sum, n_true, squared = np.split(bins, [N_BINS, 2 * N_BINS, 3 * N_BINS])
    n_truth, n_predicted, iou_sum, truth_touched, predicted_touching, n_off = column[4:10]
    return {
        **pixel_scores(*column[:4]),
        **object_scores(n_truth, n_predicted, matched, iou_sum, (truth_touched, predicted_touching), n_off),
        **calibration_scores(n_px, probability_sum, n_true, squared[0]),
    }


def resamples(summed: FloatArray, n: int, seed: int) -> Iterator[FloatArray]:
    """Draw as many units as there are, `n` times, and add up what they count.

    Parameters
    ----------
    summed : ndarray
        Axes (unit, count): what each unit counts; at least one unit.
    n : int
        Number of resamples.
    seed : int
        Of the draws.

    Yields
    ------
    ndarray
        Axes (resample, count), some of the resamples at a time.
    """
    random = np.random.default_rng(seed)
    n_units = len(summed)
    at_once = max(_MOST_AT_ONCE // n_units, 1)
    for start in range(0, n, at_once):
        size = min(at_once, n - start)
        times_drawn: npt.NDArray[np.int64] = random.multinomial(n_units, np.full(n_units, 1 / n_units), size)
        yield times_drawn.astype(np.float64) @ summed


def _scores_of(sums: FloatArray, n_counts: int, names: Sequence[str]) -> FloatArray:
    """Work out pooled and mean scores of resamples; axes (pooled and mean, resample, score)."""
    pooled = pooled_scores(sums[:, :n_counts])
    total, defined = np.split(sums[:, n_counts:], 2, axis=1)
    return np.stack([np.stack([pooled[name] for name in names], axis=1), ratios(total, defined)])


def quantile(values: FloatArray, part: float) -> FloatArray:
    """Find a quantile along the second axis, linear between neighbours, NaN left out.

    Parameters
    ----------
    values : ndarray
        Axes (any, resample, score).
    part : float
        Which quantile, 0 to 1.

    Returns
    -------
    ndarray
        Axes (any, score); NaN where all values are.
    """
    ordered = np.sort(values, axis=1)  # NaN last
    last = np.maximum(np.count_nonzero(~np.isnan(values), axis=1) - 1, 0)[:, None]
    place = part * last
    below = np.floor(place).astype(np.int64)
    low = np.take_along_axis(ordered, below, axis=1)
    high = np.take_along_axis(ordered, np.minimum(below + 1, last), axis=1)
    result: FloatArray = (low + (place - below) * (high - low))[:, 0]
    return result
