"""How sure the experts' scores are.

Precision and recall of one expert are proportions of objects: they get Wilson's score interval (Wilson
1927). Dice and IoU are none, and where several experts judged the same objects these are not independent:
they get a percentile bootstrap by frame (Efron and Tibshirani 1993, chapter 13; see
`napari_cellseg.evaluate.bootstrap`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
    return ends_of(drawn)


def ends_of(drawn: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Find both ends of the interval that holds most of the resamples.

    Parameters
    ----------
    drawn : ndarray
        Axes (resample, score).

    Returns
    -------
    low, high : ndarray
        One number a score.
    """
    tail = (1 - LEVEL) / 2
    return quantile(drawn[None], tail)[0], quantile(drawn[None], 1 - tail)[0]


def score_table(items: pd.DataFrame, models: Sequence[str], mode: Mode, seed: int = 0) -> pd.DataFrame:
    """Work out all scores with their intervals.

    Parameters
    ----------
    items : pandas.DataFrame
        From `counts.item_table`.
    models : sequence of str
        In which order models are listed.
    mode : {"frames", "objects"}
        What an item is.
    seed : int
        Of the bootstrap.

    Returns
    -------
    pandas.DataFrame
        One row a score of each expert (and of all), model, and total or group; columns: `SCORE_COLUMNS`.
    """
    rows: list[dict[str, object]] = []
    for expert, said in by_expert(items):
        for model in [model for model in models if (said["model"] == model).any()]:
            of_model = said[said["model"] == model]
            groups = sorted(set(of_model["group"]) - {""})
            for group in ("", *(groups if len(set(items["group"])) > 1 else ())):
                part = of_model[of_model["group"] == group] if group else of_model
                whose = {
                    "expert": expert,
                    "model": model,
                    "scope": "group" if group else "total",
                    "group": group,
                }
                rows += [{**whose, **row} for row in _scores(part, mode, expert == ALL, seed)]
    return pd.DataFrame(rows, columns=list(SCORE_COLUMNS))


def by_expert(items: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Give the items of each expert, and of all of them where there are several.

    Parameters
    ----------
    items : pandas.DataFrame
        From `counts.item_table`.

    Yields
    ------
    expert : str
        The expert, or `ALL`.
    rows : pandas.DataFrame
        Their items.
    """
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
            "note": "" if exact else note_on(len(frames)),
        }


def note_on(n_frames: int) -> str:
    """Say what should be known about an interval from so many frames.

    Parameters
    ----------
    n_frames : int
        How many frames were drawn from.

    Returns
    -------
    str
        Empty when there is nothing to say.
    """
    if n_frames < 2:
        return "one frame only: no interval" if n_frames else "no frame: no interval"
    return f"only {n_frames} frames: a rough guide" if n_frames < _FEW_FRAMES else ""
