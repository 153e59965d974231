"""How far experts agree: on the objects that they called right or wrong, and on the cells that they missed.

Two experts who say "right" of nearly everything agree often by chance alone. Cohen's kappa (Cohen 1960,
*Educational and Psychological Measurement* 20:37) takes that off: kappa = (p_o - p_e) / (1 - p_e), with p_o
the part of objects of which both say the same, and p_e the part that would be expected if each said "right"
and "wrong" as often as they did, but by chance. 1 is full agreement, 0 no more than chance. Where both said
one and the same of everything, p_e is 1 and kappa is 0 / 0: it is undefined, and the table says so (Feinstein
and Cicchetti 1990, *J. Clin. Epidemiol.* 43:543, on what else it does when one answer is rare).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from napari_cellseg.evaluate.bootstrap import quantile, resamples
from napari_cellseg.evaluate.formulas import FloatArray, ratios
from napari_cellseg.evaluate.review.counts import Sheets
from napari_cellseg.evaluate.review.intervals import LEVEL, N_RESAMPLES
from napari_cellseg.evaluate.review.judgement import Judgement
from napari_cellseg.evaluate.review.plan import ReviewPlan

AGREEMENT_COLUMNS = {
    "expert": "One expert",
    "other_expert": "The other",
    "n_items": "Items that both judged",
    "n_objects": "Objects of them that both called right or wrong",
    "n_left_out": "Objects that one of them was not sure of; left out",
    "both_right": "Objects that both called right",
    "both_wrong": "Objects that both called wrong",
    "first_only_wrong": "Objects that only the first called wrong",
    "other_only_wrong": "Objects that only the other called wrong",
    "agreement": "Part of the objects of which both said the same",
    "kappa": "Cohen's kappa; empty where it is undefined",
    "kappa_low": "Lower end of its interval (bootstrap by frame); empty when there is none",
    "kappa_high": "Upper end of its interval",
    "level": "Part of the resamples that lies within the interval",
    "both_missed": "Missed cells that both clicked, within the radius; empty for single objects",
    "first_only_missed": "Missed cells that only the first clicked",
    "other_only_missed": "Missed cells that only the other clicked",
    "missed_agreement": "2 both / (all clicks of either): 1 when they missed the same; empty without any",
    "radius_px": "How near two clicks are to be the same cell",
    "note": "Why kappa is undefined, or what should be known about it",
}
"""Columns of ``agreement.csv`` and what they hold."""

_FEW_OBJECTS = 50


def kappa(both_right: float, first_only_wrong: float, other_only_wrong: float, both_wrong: float) -> float:
    """Work out Cohen's kappa of two experts and two answers.

    Parameters
    ----------
    both_right, both_wrong : float
        Objects of which both say the same.
    first_only_wrong, other_only_wrong : float
        Objects of which only one says "wrong".

    Returns
    -------
    float
        -1 to 1, see the head of this module; NaN where it is undefined.
    """
    return float(_kappas(np.array([[both_right, first_only_wrong, other_only_wrong, both_wrong]]))[0])


def _kappas(tables: FloatArray) -> FloatArray:
    """Work out kappa of many tables; axes (table, count in the order of the arguments of `kappa`)."""
    right, first, other, wrong = np.asarray(tables, np.float64).T
    n = right + first + other + wrong
    observed = ratios(right + wrong, n)
    expected = ratios((right + first) * (right + other) + (wrong + first) * (wrong + other), n * n)
    return ratios(observed - expected, 1 - expected)


def match_places(
    places: Sequence[tuple[float, float]], others: Sequence[tuple[float, float]], radius_px: float
) -> int:
    """Count the clicks of two experts that mean the same cell.

    Parameters
    ----------
    places, others : sequence of (float, float)
        Row and column in px.
    radius_px : float
        How near two clicks are to mean the same cell.

    Returns
    -------
    int
        As many one-to-one pairs as there can be (and of these the nearest; the Hungarian method).
    """
    if not places or not others:
        return 0
    gaps = np.linalg.norm(np.asarray(places)[:, None] - np.asarray(others)[None], axis=2)
    near = gaps <= radius_px
    far = 1 + len(places) * (1 + radius_px)  # one pair more is worth any distances
    rows, columns = linear_sum_assignment(np.where(near, gaps, far))
    return int(near[rows, columns].sum())


def default_radius_px(plan: ReviewPlan) -> float:
    """Choose how near two clicks are to mean the same cell.

    Parameters
    ----------
    plan : ReviewPlan
        The plan.

    Returns
    -------
    float
        Half the typical diameter of an object, in px; 10 where there are no objects.
    """
    return round(plan.object_diameter_px / 2, 1) or 10.0


def agreement_table(
    plan: ReviewPlan, sheets: Sheets, radius_px: float | None = None, seed: int = 0
) -> pd.DataFrame:
    """Compare each expert with each other one.

    Parameters
    ----------
    plan : ReviewPlan
        The plan.
    sheets : mapping
        What the experts said.
    radius_px : float, optional
        How near two clicks are to mean the same missed cell; see `default_radius_px`.
    seed : int
        Of the bootstrap.

    Returns
    -------
    pandas.DataFrame
        One row a pair of experts; the columns of `AGREEMENT_COLUMNS`.
    """
    radius = default_radius_px(plan) if radius_px is None else radius_px
    rows = [
        {
            "expert": first,
            "other_expert": other,
            **_objects(plan, sheets[first], sheets[other], seed),
            **_missed(plan, sheets[first], sheets[other], radius),
        }
        for first, other in combinations(sheets, 2)
    ]
    return pd.DataFrame(rows, columns=list(AGREEMENT_COLUMNS))


def _shared(
    first: Mapping[int, Judgement], other: Mapping[int, Judgement]
) -> Iterator[tuple[int, Judgement, Judgement]]:
    """Give the items that both could judge."""
    for number in sorted(first.keys() & other.keys()):
        if not (first[number].unsure or other[number].unsure):
            yield number, first[number], other[number]


def _objects(
    plan: ReviewPlan, first: Mapping[int, Judgement], other: Mapping[int, Judgement], seed: int
) -> dict[str, object]:
    """Compare what two experts said of objects."""
    tables: dict[tuple[str, int], FloatArray] = {}
    n_items = left_out = 0
    for number, mine, theirs in _shared(first, other):
        item = plan.item(number)
        unsure = mine.objects("unsure") | theirs.objects("unsure")
        sure = frozenset(item.objects) - unsure
        a, b = mine.objects("wrong") & sure, theirs.objects("wrong") & sure
        row = np.array([len(sure - a - b), len(a - b), len(b - a), len(a & b)], np.float64)
        tables[item.place] = tables.get(item.place, np.zeros(4)) + row
        n_items, left_out = n_items + 1, left_out + len(unsure)
    by_frame = np.array(list(tables.values())).reshape(-1, 4)
    total = by_frame.sum(axis=0)
    low, high = _kappa_interval(by_frame, seed)
    right, only_first, only_other, wrong = (int(count) for count in total)
    value, n = kappa(*total), int(total.sum())
    return {
        "n_items": n_items,
        "n_objects": n,
        "n_left_out": left_out,
        "both_right": right,
        "both_wrong": wrong,
        "first_only_wrong": only_first,
        "other_only_wrong": only_other,
        "agreement": float(ratios(right + wrong, n)),
        "kappa": value,
        "kappa_low": low,
        "kappa_high": high,
        "level": LEVEL,
        "note": _note(value, n),
    }


def _kappa_interval(by_frame: FloatArray, seed: int) -> tuple[float, float]:
    if len(by_frame) < 2 or np.isnan(_kappas(by_frame.sum(axis=0)[None])[0]):
        return float("nan"), float("nan")
    drawn = np.concatenate([_kappas(sums) for sums in resamples(by_frame, N_RESAMPLES, seed)])[None, :, None]
    tail = (1 - LEVEL) / 2
    return float(quantile(drawn, tail)[0, 0]), float(quantile(drawn, 1 - tail)[0, 0])


def _note(value: float, n: int) -> str:
    if not n:
        return "no object that both judged: kappa is undefined"
    if np.isnan(value):
        return "both said the same of every object: kappa is undefined"
    return f"only {n} objects: a rough guide" if n < _FEW_OBJECTS else ""


def _missed(
    plan: ReviewPlan, first: Mapping[int, Judgement], other: Mapping[int, Judgement], radius_px: float
) -> dict[str, object]:
    """Compare which missed cells two experts clicked."""
    if plan.mode == "objects":
        return {}
    both = n_first = n_other = 0
    for _, mine, theirs in _shared(first, other):
        a, b = mine.places("missed"), theirs.places("missed")
        both += match_places(a, b, radius_px)
        n_first, n_other = n_first + len(a), n_other + len(b)
    return {
        "both_missed": both,
        "first_only_missed": n_first - both,
        "other_only_missed": n_other - both,
        "missed_agreement": float(ratios(2 * both, n_first + n_other)),
        "radius_px": radius_px,
    }
