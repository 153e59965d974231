"""Scores as lines for a person in a terminal."""

from __future__ import annotations

import math
from collections.abc import Container, Sequence
from typing import TYPE_CHECKING

from napari_cellseg.evaluate.objects import THRESHOLDS

if TYPE_CHECKING:
    from napari_cellseg.evaluate.scores import FrameCounts, Scores

_SECTIONS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
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
            *((f"ap{round(100 * t)}", f"at IoU {t:.2f}") for t in THRESHOLDS),
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
)

_COLUMNS = (
    ("n_truth", "true"),
    ("n_predicted", "predicted"),
    ("count_error", "count error"),
    ("pixel_f1", "pixel F1"),
    ("ap50", "AP 0.5"),
    ("object_f1", "F1 0.5"),
    ("overlap_f1", "overlap F1"),
)

_NAME_WIDTH = 36


def as_text(scores: Scores, most_rows: int = 20) -> str:
    """Write scores as lines.

    Parameters
    ----------
    scores : Scores
        What to write.
    most_rows : int
        Show at most so many frames, the worst.

    Returns
    -------
    str
        A table of the total, one line per group, and one line per frame.
    """
    pooled, mean = scores.pooled(), scores.mean()
    n = len(scores.frames)
    lines = [
        f"{n} {'frame' if n == 1 else 'frames'}, {pooled['n_truth']:,} true objects, "
        f"{pooled['n_predicted']:,} predicted",
        f"{'':<{_NAME_WIDTH}}{'pooled':>10}{'mean of frames':>17}",
    ]
    for title, rows in _SECTIONS:
        lines.append(title)
        lines += [
            f"  {label:<{_NAME_WIDTH - 2}}{_number(name, pooled[name]):>10}{_number(name, mean[name]):>17}"
            for name, label in rows
        ]
    if scores.groups:
        named = [(group, scores.of(group).pooled()) for group in scores.groups]
        lines += ["", *_rows("group (pooled)", named)]
    shown, title = _frames_to_show(scores, most_rows)
    if shown:
        movies = {frame.image for frame in scores.frames if frame.frame}
        lines += ["", *_rows(title, [(_name(frame, movies), frame.scores()) for frame in shown])]
    return "\n".join(lines)


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


def _name(frame: FrameCounts, movies: Container[str]) -> str:
    return f"{frame.image}, frame {frame.frame}" if frame.image in movies else frame.image


def _rows(title: str, named: Sequence[tuple[str, dict[str, float]]]) -> list[str]:
    """Lay out one line per name, with the most telling scores."""
    width = min(max(len(title), *(len(name) for name, _ in named)), 60)
    head = f"{title:<{width}}" + "".join(f"{label:>13}" for _, label in _COLUMNS)
    return [
        head,
        *(
            f"{_shortened(name, width):<{width}}"
            + "".join(f"{_number(key, values[key]):>13}" for key, _ in _COLUMNS)
            for name, values in named
        ),
    ]


def _shortened(name: str, width: int) -> str:
    return name if len(name) <= width else f"{name[: width - 13]}…{name[-12:]}"


def _number(name: str, value: float) -> str:
    """Write a score with the digits that mean something; errors as percentages."""
    if math.isnan(value):
        return "–"
    if name.startswith("n_"):
        return f"{value:,.0f}"
    if name == "count_error":
        return f"{100 * value:+.1f} %" if round(1000 * value) else "0.0 %"
    if name == "count_absolute_error":
        return f"{100 * value:.1f} %"
    return f"{value:.3f}"
