"""How sure the experts' scores are.

Precision and recall of one expert are proportions of objects: they get Wilson's score interval (Wilson 1927).
Dice and IoU are none, and where several experts judged the same objects these are not independent: they get a
percentile bootstrap by frame (Efron and Tibshirani 1993, chapter 13; see `napari_cellseg.evaluate.bootstrap`).
Two models are compared by the bootstrap of their difference: each resample draws the same frames for both, so
that easy and hard frames cancel out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from statistics import NormalDist

import numpy as np
import pandas as pd

from napari_cellseg.errors import SettingsError
from napari_cellseg.evaluate.bootstrap import quantile, resamples
from napari_cellseg.evaluate.formulas import FloatArray
from napari_cellseg.evaluate.review.counts import SCORES, counts_by_frame, scores_of, totals
from napari_cellseg.evaluate.review.plan import Mode

ALL = "all experts"
"""What stands for the expert in rows that put all of them together."""

LEVEL, N_RESAMPLES = 0.95, 1000
_FEW_FRAMES = 5

SCORE_COLUMNS = {
    "expert": f"Who judged; `{ALL}` puts their counts together",
    "model": "Whose labels they are",
    "scope": "`total`, or `group`",
    "group": "Name of the group; empty for the total",
    "n_items": "Items judged",
    "n_frames": "Different frames among them",
    "tp": "Objects that are right",
    "fp": "Objects that are wrong",
    "fn": "Cells that were missed; empty when single objects were judged",
    "n_unsure_objects": "Objects marked unsure, which are in no score",
    "n_unsure_items": "Items that could not be judged at all, which are in no score",
    "score": "precision, recall, dice (F1 of objects) or iou (TP / (TP + FP + FN))",
    "value": "The score; empty when there is nothing to count on",
    "low": "Lower end of its interval; empty when there is none",
    "high": "Upper end of its interval",
    "level": "Part of repeated studies in which such an interval holds the true value",
    "method": "How the interval was found: wilson, or bootstrap by frame",
    "note": "What should be known about the interval",
}
"""Columns of ``scores.csv`` and what they hold."""

DIFFERENCE_COLUMNS = {
    "expert": f"Who judged; `{ALL}` puts their counts together",
    "model": "One model",
    "other_model": "The model that it is compared with",
    "n_frames": "Frames that were drawn from: those judged of both models, or of either when single objects were judged",
    "score": "precision, recall, dice or iou",
    "value": "Score of the model on these frames",
    "other_value": "Score of the other model on these frames",
    "difference": "The first less the second",
    "low": "Lower end of the interval of the difference; empty when there is none",
    "high": "Upper end of its interval",
    "level": "Part of the resamples that lies within the interval",
    "n_resamples": "Number of resamples",
    "seed": "Seed of the random draws",
    "note": "What should be known about the interval",
}
"""Columns of ``differences.csv`` and what they hold."""


def wilson(part: float, whole: float, level: float = LEVEL) -> tuple[float, float]:
    """Work out Wilson's score interval of a proportion.

    With p = part / whole and z the normal quantile of the level: (p + z²/2n ± z √(p (1-p)/n + z²/4n²)) /
    (1 + z²/n) (Wilson 1927, *J. Am. Stat. Assoc.* 22:209; without correction for continuity, method 3 of
    Newcombe 1998, *Stat. Med.* 17:857).

    Parameters
    ----------
    part : float
        How many have the property.
    whole : float
        Of how many.
    level : float
        Above 0 and below 1.

    Returns
    -------
    low, high : float
        Within 0 to 1; NaN when `whole` is 0.

    Raises
    ------
    SettingsError
        The numbers are no proportion.
    """
    if not 0 < level < 1 or not 0 <= part <= whole:
        raise SettingsError(
            f"An interval of level {level} was asked for {part} of {whole}", "The part lies within the whole"
        )
    if whole == 0:
        return float("nan"), float("nan")
    p, z = part / whole, NormalDist().inv_cdf((1 + level) / 2)
    shift = z * z / (2 * whole)
    half = z * float(np.sqrt(p * (1 - p) / whole + shift / (2 * whole)))
    below = 1 + 2 * shift
    low, high = (p + shift - half) / below, (p + shift + half) / below
    return (0.0 if part == 0 else low), (1.0 if part == whole else high)


def bootstrap(
    frames: FloatArray, names: Sequence[str], n: int = N_RESAMPLES, seed: int = 0
) -> tuple[FloatArray, FloatArray]:
    """Work out percentile intervals of scores by drawing frames.

    Parameters
    ----------
    frames : ndarray
        Axes (frame, count): TP, FP, FN of each frame.
    names : sequence of str
        Which scores.
    n : int
        Number of resamples.
    seed : int
        Of the draws.

    Returns
    -------
    low, high : ndarray
        One number a score; NaN for fewer than two frames.
    """
    if len(frames) < 2:
        return np.full(len(names), np.nan), np.full(len(names), np.nan)
    drawn = np.concatenate([scores_of(sums, names) for sums in resamples(frames, n, seed)])
    return _ends(drawn)


def paired_bootstrap(
    frames: FloatArray, others: FloatArray, names: Sequence[str], n: int = N_RESAMPLES, seed: int = 0
) -> tuple[FloatArray, FloatArray]:
    """Work out percentile intervals of the difference of two models by drawing the same frames for both.

    Parameters
    ----------
    frames, others : ndarray
        Axes (frame, count): TP, FP, FN of each frame, of one model and of the other; the same frames.
    names : sequence of str
        Which scores.
    n : int
        Number of resamples.
    seed : int
        Of the draws.

    Returns
    -------
    low, high : ndarray
        Of the first model's scores less the second's; NaN for fewer than two frames.
    """
    if len(frames) < 2:
        return np.full(len(names), np.nan), np.full(len(names), np.nan)
    both, cut = np.hstack([frames, others]), frames.shape[1]
    drawn = np.concatenate(
        [
            scores_of(sums[:, :cut], names) - scores_of(sums[:, cut:], names)
            for sums in resamples(both, n, seed)
        ]
    )
    return _ends(drawn)


def _ends(drawn: FloatArray) -> tuple[FloatArray, FloatArray]:
    tail = (1 - LEVEL) / 2
    return quantile(drawn[None], tail)[0], quantile(drawn[None], 1 - tail)[0]


def score_table(items: pd.DataFrame, mode: Mode, seed: int = 0) -> pd.DataFrame:
    """Work out all scores with their intervals.

    Parameters
    ----------
    items : pandas.DataFrame
        From `counts.item_table`.
    mode : {"frames", "objects"}
        What an item is.
    seed : int
        Of the bootstrap.

    Returns
    -------
    pandas.DataFrame
        One row a score of each expert (and of all), model, and total or group; the columns of `SCORE_COLUMNS`.
    """
    rows: list[dict[str, object]] = []
    for expert, said in _experts(items):
        for model in sorted(said["model"].unique()):
            of_model = said[said["model"] == model]
            groups = sorted(set(of_model["group"]) - {""})
            for group in ("", *(groups if len(set(items["group"])) > 1 else ())):
                part = of_model[of_model["group"] == group] if group else of_model
                whose = {"expert": expert, "model": model, "scope": "group" if group else "total", "group": group}
                rows += [{**whose, **row} for row in _scores(part, mode, expert == ALL, seed)]
    return pd.DataFrame(rows, columns=list(SCORE_COLUMNS))


def _experts(items: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Give the items of each expert, and of all of them where there are several."""
    experts = sorted(items["expert"].unique())
    for expert in experts:
        yield expert, items[items["expert"] == expert]
    if len(experts) > 1:
        yield ALL, items


def _scores(part: pd.DataFrame, mode: Mode, several: bool, seed: int) -> Iterator[dict[str, object]]:
    judged, names = part[part["judged"]], SCORES[mode]
    frames = counts_by_frame(judged)
    total = totals(judged)
    tp, fp, fn = (int(count) for count in total)
    values = scores_of(total, names)
    low, high = bootstrap(frames.to_numpy(), names, seed=seed)
    for i, name in enumerate(names):
        exact = name in ("precision", "recall") and not several
        ends = wilson(tp, tp + (fp if name == "precision" else fn)) if exact else (low[i], high[i])
        yield {
            "n_items": len(judged),
            "n_frames": len(frames),
            "tp": tp,
            "fp": fp,
            "fn": fn if mode == "frames" else np.nan,
            "n_unsure_objects": int(judged["n_unsure_objects"].sum()),
            "n_unsure_items": len(part) - len(judged),
            "score": name,
            "value": values[i],
            "low": ends[0],
            "high": ends[1],
            "level": LEVEL,
            "method": "wilson" if exact else "bootstrap by frame",
            "note": "" if exact else _note(len(frames)),
        }


def _note(n_frames: int) -> str:
    if n_frames < 2:
        return "one frame only: no interval" if n_frames else "no frame: no interval"
    return f"only {n_frames} frames: a rough guide" if n_frames < _FEW_FRAMES else ""


def difference_table(items: pd.DataFrame, mode: Mode, seed: int = 0) -> pd.DataFrame:
    """Compare each model with each other one.

    Parameters
    ----------
    items : pandas.DataFrame
        From `counts.item_table`.
    mode : {"frames", "objects"}
        What an item is.
    seed : int
        Of the bootstrap.

    Returns
    -------
    pandas.DataFrame
        One row a score of each expert (and of all) and pair of models; the columns of `DIFFERENCE_COLUMNS`.
    """
    rows: list[dict[str, object]] = []
    for expert, said in _experts(items[items["judged"]]):
        for pair in combinations(sorted(said["model"].unique()), 2):
            sides = [_by_place(said[said["model"] == model], mode) for model in pair]
            rows += [
                {"expert": expert, "model": pair[0], "other_model": pair[1], **row}
                for row in _differences(sides[0], sides[1], mode, seed)
            ]
    return pd.DataFrame(rows, columns=list(DIFFERENCE_COLUMNS))


def _by_place(rows: pd.DataFrame, mode: Mode) -> pd.DataFrame:
    """Add up by what both models were judged on: by expert and place, or just by frame."""
    exact = ["expert", "top_px", "left_px"] if mode == "frames" else []
    return rows.groupby(["image", "frame", *exact])[["tp", "fp", "fn"]].sum().astype(np.float64)


def _differences(
    mine: pd.DataFrame, other: pd.DataFrame, mode: Mode, seed: int
) -> Iterator[dict[str, object]]:
    """Compare two models; whole and parts of frames only where the same expert judged both of them."""
    if mode == "frames":
        shared = mine.index.intersection(other.index)
        mine, other = mine.loc[shared], other.loc[shared]
    index = mine.index.union(other.index)
    both = [
        side.reindex(index, fill_value=0.0).groupby(level=["image", "frame"]).sum().to_numpy(np.float64)
        for side in (mine, other)
    ]
    names = SCORES[mode]
    values, other_values = (scores_of(side.sum(axis=0), names) for side in both)
    low, high = paired_bootstrap(both[0], both[1], names, seed=seed)
    for i, name in enumerate(names):
        yield {
            "n_frames": len(both[0]),
            "score": name,
            "value": values[i],
            "other_value": other_values[i],
            "difference": values[i] - other_values[i],
            "low": low[i],
            "high": high[i],
            "level": LEVEL,
            "n_resamples": N_RESAMPLES,
            "seed": seed,
            "note": _note(len(both[0])),
        }
