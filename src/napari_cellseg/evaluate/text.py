"""Scores as lines for a person in a terminal."""

from __future__ import annotations

import math
from collections.abc import Container, Sequence
from typing import TYPE_CHECKING

from napari_cellseg.evaluate.formulas import THRESHOLDS, ap_name

if TYPE_CHECKING:
    import pandas as pd

    from napari_cellseg.evaluate.scores import FrameCounts, Scores

SECTIONS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Pixels",
        (
            ("pixel_accuracy", "accuracy"),
            ("pixel_precision", "precision"),
            ("pixel_recall", "recall"),
            ("pixel_f1", "F1 (Dice)"),
            ("pixel_iou", "IoU"),
        ),
    ),
    (
        "Objects, paired one to one at IoU 0.5 or more",
        (
            ("object_precision", "precision"),
            ("object_recall", "recall"),
            ("object_f1", "F1"),
            ("sq", "mean IoU of the pairs (SQ)"),
            ("pq", "panoptic quality (PQ)"),
        ),
    ),
    (
        "Average precision AP = TP / (TP + FP + FN)",
        (
            *((ap_name(t), f"at IoU {t:.2f}") for t in THRESHOLDS),
            ("ap_mean", "mean of these"),
        ),
    ),
    (
        "Objects, overlap rule: found if any pixel is predicted",
        (("overlap_precision", "precision"), ("overlap_recall", "recall"), ("overlap_f1", "F1")),
    ),
    (
        "Counting error, relative to the truth",
        (
            ("count_error", "signed (+ too many, - too few)"),
            ("count_absolute_error", "absolute"),
        ),
    ),
    (
        "Probabilities (0 is perfect)",
        (("brier", "Brier score"), ("ece", "expected calibration error (ECE)")),
    ),
)
"""Every score in the order in which people read them: a title, then names and labels."""

COLUMNS = (
    ("n_truth", "true"),
    ("n_predicted", "predicted"),
    ("count_error", "count error"),
    ("pixel_f1", "pixel F1"),
    ("ap50", "AP 0.5"),
    ("object_f1", "F1 0.5"),
    ("overlap_f1", "overlap F1"),
)
"""The most telling scores, for one line a group or frame."""

_NAME_WIDTH = 36


def as_text(scores: Scores, most_rows: int = 20, intervals: pd.DataFrame | None = None) -> str:
    """Write scores as lines.

    Parameters
    ----------
    scores : Scores
        What to write.
    most_rows : int
        Show at most so many frames, the worst.
    intervals : pandas.DataFrame, optional
        From `bootstrap.intervals`, to be shown beside the scores.

    Returns
    -------
    str
        A table of the total, one line per group, and one line per frame.
    """
    pooled, mean = scores.pooled(), scores.mean()
    n = len(scores.frames)
    known = interval_texts(intervals)
    level = "" if intervals is None or intervals.empty else f"{100 * intervals['level'].iloc[0]:g} % interval"
    lines = [
        f"{n} {'frame' if n == 1 else 'frames'}, {pooled['n_truth']:,} true objects, "
        f"{pooled['n_predicted']:,} predicted",
        _row("", ("pooled", level, "mean of frames", level), bool(level)),
    ]
    for title, rows in SECTIONS:
        present = [(name, label) for name, label in rows if name in pooled]
        lines += [title] if present else []
        for name, label in present:
            low, high = (known.get(("", name, way), "–") for way in ("pooled", "mean"))
            cells = (as_number(name, pooled[name]), low, as_number(name, mean[name]), high)
            lines.append(_row(f"  {label}", cells, bool(level)))
    if level:
        lines.append(how_sure(intervals))
    if scores.groups:
        named = [(group, scores.of(group).pooled()) for group in scores.groups]
        lines += ["", *_rows("group (pooled)", named)]
    shown, title = _frames_to_show(scores, most_rows)
    if shown:
        movies = movies_of(scores)
        lines += ["", *_rows(title, [(frame_name(frame, movies), frame.scores()) for frame in shown])]
    return "\n".join(lines)


def _row(label: str, cells: tuple[str, str, str, str], with_intervals: bool) -> str:
    """Lay out pooled score, its interval, mean and its interval."""
    pooled, interval, mean, other = cells
    if not with_intervals:
        return f"{label:<{_NAME_WIDTH}}{pooled:>10}{mean:>17}"
    return f"{label:<{_NAME_WIDTH}}{pooled:>10}{interval:>20}{mean:>17}{other:>20}"


def interval_texts(intervals: pd.DataFrame | None) -> dict[tuple[str, str, str], str]:
    """Write intervals for people.

    Parameters
    ----------
    intervals : pandas.DataFrame or None
        From `bootstrap.intervals`.

    Returns
    -------
    dict
        Text such as ``"0.781 to 0.853"`` by group (empty: total), score, and ``"pooled"`` or ``"mean"``; a
        dash where there is no interval. Empty without intervals.
    """
    texts: dict[tuple[str, str, str], str] = {}
    for row in () if intervals is None else intervals.to_dict("records"):
        for way in ("pooled", "mean"):
            ends = [as_number(row["score"], row[f"{way}_{end}"]) for end in ("low", "high")]
            text = "–" if "–" in ends else " to ".join(ends)
            texts[row["group"], row["score"], way] = text
    return texts


def how_sure(intervals: pd.DataFrame | None, group: str = "") -> str:
    """Say how the intervals were found.

    Parameters
    ----------
    intervals : pandas.DataFrame or None
        From `bootstrap.intervals`.
    group : str
        Of which group; empty for the total.

    Returns
    -------
    str
        A sentence or two; empty without intervals.
    """
    rows = () if intervals is None else intervals[intervals["group"] == group].to_dict("records")
    if not rows:
        return ""
    told = rows[0]
    said = f"; {told['note']}" if told["note"] else ""
    if not told["resampled"]:
        return f"No intervals: {told['note'].partition(':')[0]}."
    return (
        f"Intervals of {100 * told['level']:g} %: percentile bootstrap, {told['n_resamples']} resamples of "
        f"{told['resampled']}{said}."
    )


def _frames_to_show(scores: Scores, most: int) -> tuple[Sequence[FrameCounts], str]:
    if len(scores.frames) <= most:
        return scores.frames, "frame"
    return worst_first(scores.frames)[:most], f"the {most} worst of {len(scores.frames)} frames"


def worst_first(frames: Sequence[FrameCounts]) -> list[FrameCounts]:
    """Sort frames so that those to look at come first.

    Parameters
    ----------
    frames : sequence of FrameCounts
        In any order.

    Returns
    -------
    list of FrameCounts
        By object F1, ascending; frames without objects last.
    """

    def key(frame: FrameCounts) -> float:
        f1 = frame.objects.scores()["object_f1"]
        return math.inf if math.isnan(f1) else f1

    return sorted(frames, key=key)


def movies_of(scores: Scores) -> frozenset[str]:
    """Tell which images are movies.

    Parameters
    ----------
    scores : Scores
        All frames.

    Returns
    -------
    frozenset of str
        Names of the images with more than a first frame.
    """
    return frozenset(frame.image for frame in scores.frames if frame.frame)


def frame_name(frame: FrameCounts, movies: Container[str]) -> str:
    """Name a frame for people.

    Parameters
    ----------
    frame : FrameCounts
        The frame.
    movies : container of str
        See `movies_of`.

    Returns
    -------
    str
        The image's name, with the time point if it is one of a movie.
    """
    return f"{frame.image}, frame {frame.frame}" if frame.image in movies else frame.image


def _rows(title: str, named: Sequence[tuple[str, dict[str, float]]]) -> list[str]:
    """Lay out one line per name, with the most telling scores."""
    width = min(max(len(title), *(len(name) for name, _ in named)), 60)
    head = f"{title:<{width}}" + "".join(f"{label:>13}" for _, label in COLUMNS)
    return [
        head,
        *(
            f"{_shortened(name, width):<{width}}"
            + "".join(f"{as_number(key, values[key]):>13}" for key, _ in COLUMNS)
            for name, values in named
        ),
    ]


def _shortened(name: str, width: int) -> str:
    return name if len(name) <= width else f"{name[: width - 13]}…{name[-12:]}"


def as_number(name: str, value: float) -> str:
    """Write a score with the digits that mean something.

    Parameters
    ----------
    name : str
        Name of the score.
    value : float
        The score; may be NaN.

    Returns
    -------
    str
        Counting errors as percentages, a dash for NaN.
    """
    if math.isnan(value):
        return "–"
    if name.startswith("n_"):
        return f"{value:,.0f}"
    if name == "count_error":
        return f"{100 * value:+.1f} %" if round(1000 * value) else "0.0 %"
    if name == "count_absolute_error":
        return f"{100 * value:.1f} %"
    return f"{value:.3f}"
