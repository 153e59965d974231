"""Models side by side: how much better one is, and how sure that is.

Each resample of the bootstrap draws the same frames for both models, so that easy and hard frames cancel out
(paired percentile bootstrap, Efron and Tibshirani 1993, chapter 13).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from napari_cellseg.evaluate.bootstrap import resamples
from napari_cellseg.evaluate.formulas import FloatArray
from napari_cellseg.evaluate.review.counts import SCORES, scores_of
from napari_cellseg.evaluate.review.intervals import ALL, LEVEL, N_RESAMPLES, by_expert, ends_of, note_on
from napari_cellseg.evaluate.review.plan import Mode

DIFFERENCE_COLUMNS = {
    "expert": f"Who judged; `{ALL}` puts their counts together",
    "model": "One model",
    "other_model": "The model that it is compared with",
    "n_frames": "Frames drawn from: those judged of both models; for single objects, of either",
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
    return ends_of(drawn)


def difference_table(items: pd.DataFrame, models: Sequence[str], mode: Mode, seed: int = 0) -> pd.DataFrame:
    """Compare each model with each other one.

    Parameters
    ----------
    items : pandas.DataFrame
        From `counts.item_table`.
    models : sequence of str
        In which order models are paired.
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
    for expert, said in by_expert(items[items["judged"]]):
        there = [model for model in models if (said["model"] == model).any()]
        for pair in combinations(there, 2):
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
            "note": note_on(len(both[0])),
        }
