"""What experts said, counted: true and false positives and misses of every item, and the scores of them.

Of the objects of an item that an expert finished, those clicked as wrong are false positives (FP), those
marked unsure count for nothing, all others are true positives (TP). Cells clicked as missed are false
negatives (FN). Items that the expert could not judge at all are left out.

- precision = TP / (TP + FP), recall = TP / (TP + FN)
- Dice = 2 TP / (2 TP + FP + FN), the F1 of objects (Dice 1945; van Rijsbergen 1979)
- IoU = TP / (TP + FP + FN) (Jaccard 1912)

When single objects were judged nobody looked for missed ones: then there is only the precision.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_cellseg.evaluate.formulas import FloatArray, ratios
from napari_cellseg.evaluate.review.judgement import Judgement
from napari_cellseg.evaluate.review.plan import Mode, ReviewPlan

SCORES: dict[Mode, tuple[str, ...]] = {
    "frames": ("precision", "recall", "dice", "iou"),
    "objects": ("precision",),
}
"""Which scores there are of a review of frames, and of one of single objects."""

COUNTS = ("tp", "fp", "fn")

Sheets = Mapping[str, Mapping[int, Judgement]]
"""By expert, then by item: what they said."""

ITEM_COLUMNS = {
    "item": "Number of the item, in the order in which it was shown",
    "expert": "Who judged it",
    "model": "Whose labels they are",
    "image": "Name of the image or movie",
    "frame": "Time point, from 0",
    "group": "Group of the image; may be empty",
    "part": "Part of the movie's time: early, middle, late; empty for single images",
    "top_px": "First row of what was judged",
    "left_px": "First column",
    "height_px": "Height of what was judged",
    "width_px": "Width",
    "n_objects": "Objects that were judged",
    "tp": "Objects that are right",
    "fp": "Objects that are wrong",
    "fn": "Cells that were missed",
    "n_unsure_objects": "Objects marked unsure; counted neither as right nor as wrong",
    "n_unsure_places": "Places without an object marked unsure; not counted as missed",
    "judged": "False when the expert could not judge the item at all; then it is in no score",
    "seconds": "How long the expert looked at it",
    "when": "When it was finished (UTC)",
}
"""Columns of ``items.csv`` and what they hold."""


def item_table(plan: ReviewPlan, sheets: Sheets) -> pd.DataFrame:
    """Count what each expert said of each item.

    Parameters
    ----------
    plan : ReviewPlan
        The plan.
    sheets : mapping
        What the experts said, from `sheet.read_sheets`.

    Returns
    -------
    pandas.DataFrame
        One row for each item that an expert finished; the columns of `ITEM_COLUMNS`.
    """
    rows = [
        _row(plan, expert, number, said) for expert, items in sheets.items() for number, said in items.items()
    ]
    return pd.DataFrame(rows, columns=list(ITEM_COLUMNS))


def _row(plan: ReviewPlan, expert: str, number: int, said: Judgement) -> dict[str, Any]:
    item = plan.item(number)
    n, wrong, unsure = len(item.objects), len(said.objects("wrong")), len(said.objects("unsure"))
    top, left, bottom, right = item.box
    return {
        "item": number,
        "expert": expert,
        "model": plan.name_of(item.model),
        "image": item.movie,
        "frame": item.frame,
        "group": plan.group_of(item),
        "part": item.part,
        "top_px": top,
        "left_px": left,
        "height_px": bottom - top,
        "width_px": right - left,
        "n_objects": n,
        "tp": n - wrong - unsure,
        "fp": wrong,
        "fn": len(said.places("missed")),
        "n_unsure_objects": unsure,
        "n_unsure_places": len(said.places("unsure")),
        "judged": not said.unsure,
        "seconds": round(said.seconds, 1),
        "when": said.when,
    }


def scores_of(counts: FloatArray, names: Sequence[str]) -> FloatArray:
    """Work out scores of many sets of counts.

    Parameters
    ----------
    counts : ndarray
        Last axis TP, FP, FN.
    names : sequence of str
        Which scores; see `SCORES`.

    Returns
    -------
    ndarray
        Last axis the scores; NaN where there is nothing to count on.
    """
    tp, fp, fn = np.moveaxis(np.asarray(counts, np.float64), -1, 0)
    known = {
        "precision": ratios(tp, tp + fp),
        "recall": ratios(tp, tp + fn),
        "dice": ratios(2 * tp, 2 * tp + fp + fn),
        "iou": ratios(tp, tp + fp + fn),
    }
    return np.stack([known[name] for name in names], axis=-1)


def counts_by_frame(rows: pd.DataFrame) -> pd.DataFrame:
    """Add up counts by frame, which is what the bootstrap draws.

    Parameters
    ----------
    rows : pandas.DataFrame
        Rows of `item_table`.

    Returns
    -------
    pandas.DataFrame
        Columns tp, fp, fn, float; one row a frame, named by image and time point.
    """
    return rows.groupby(["image", "frame"])[list(COUNTS)].sum().astype(np.float64)


def totals(rows: pd.DataFrame) -> npt.NDArray[np.float64]:
    """Add up counts.

    Parameters
    ----------
    rows : pandas.DataFrame
        Rows of `item_table`.

    Returns
    -------
    ndarray
        TP, FP, FN.
    """
    return rows[list(COUNTS)].sum().to_numpy(np.float64)
