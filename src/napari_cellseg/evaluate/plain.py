"""Scores and their intervals as JSON can keep them: plain numbers, and null where there is none."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd


def number(value: float) -> float | None:
    """Write a number so that JSON can keep it.

    Parameters
    ----------
    value : float
        May be NaN.

    Returns
    -------
    float or None
        None for NaN.
    """
    return None if math.isnan(value) else value


def numbers(scores: Mapping[str, float]) -> dict[str, float | None]:
    """Write scores so that JSON can keep them.

    Parameters
    ----------
    scores : mapping of str to float
        By name; may be NaN.

    Returns
    -------
    dict
        With None for NaN.
    """
    return {name: number(value) for name, value in scores.items()}


def intervals_of(table: pd.DataFrame | None, group: str) -> dict[str, Any]:
    """Take the intervals of one group, or of the total, from the table of all.

    Parameters
    ----------
    table : pandas.DataFrame or None
        From `bootstrap.intervals`.
    group : str
        Name of the group; empty for the total.

    Returns
    -------
    dict
        Empty without a table; else with the key ``intervals``: lower and upper end of each score, ``pooled``
        and ``mean``, and how they were found.
    """
    if table is None:
        return {}
    rows = table[table["group"] == group]
    kept: dict[str, Any] = {
        way: {
            name: [number(low), number(high)]
            for name, low, high in zip(rows["score"], rows[f"{way}_low"], rows[f"{way}_high"], strict=True)
        }
        for way in ("pooled", "mean")
    }
    for key in ("level", "n_resamples", "seed", "resampled", "note"):
        kept[key] = rows[key].tolist()[0] if len(rows) else None
    return {"intervals": kept}
