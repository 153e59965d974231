"""Curves of an evaluation as SVG that takes its colours from the page, light, dark or printed.

Drawn by matplotlib without pyplot. Only words of ours stand in the figures: names of files and groups, which
may hold anything, stand in the page beside them.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from napari_cellseg.evaluate.scores import Scores


@dataclass(frozen=True)
class Mark:
    """How one group is drawn: colour, marker and line differ, so that either alone is enough.

    Attributes
    ----------
    role : str
        Its colour among those of the page, see `ROLES`.
    marker : str
        As matplotlib names it.
    sign : str
        The same marker as a letter, for the legend in the page.
    line : str or tuple
        Line style, as matplotlib names it.
    """

    role: str
    marker: str
    sign: str
    line: str | tuple[float, tuple[float, ...]]


MARKS = (
    Mark("group-1", "o", "●", "--"),
    Mark("group-2", "s", "■", "-."),
    Mark("group-3", "^", "▲", ":"),
    Mark("group-4", "D", "◆", (0, (6, 1, 1, 1, 1, 1))),
    Mark("group-5", "v", "▼", (0, (3, 1))),
    Mark("group-6", "P", "✚", (0, (1, 1))),
)
"""Of the groups in their order; with more groups all are drawn alike."""

OTHERS = Mark("faint", "o", "●", "-")

ROLES = {
    "ink": "#010203",
    "faint": "#010204",
    "total": "#010205",
    "group-1": "#010206",
    "group-2": "#010207",
    "group-3": "#010208",
    "group-4": "#010209",
    "group-5": "#01020a",
    "group-6": "#01020b",
}
"""Stand-ins for the colours of the page, exchanged for its CSS variables once the figure is drawn."""

_SIZE_IN = (3.9, 3.4)


def marks_of(scores: Scores) -> dict[str, Mark]:
    """Choose how each group is drawn.

    Parameters
    ----------
    scores : Scores
        With their groups.

    Returns
    -------
    dict
        `Mark` by group; groups too many to be told apart all have the same.
    """
    if len(scores.groups) > len(MARKS):
        return dict.fromkeys(scores.groups, OTHERS)
    return dict(zip(scores.groups, MARKS, strict=False))


def ap_curve(curve: pd.DataFrame, marks: dict[str, Mark]) -> str:
    """Draw AP against the IoU threshold.

    Parameters
    ----------
    curve : pandas.DataFrame
        From `tables.curve_table`.
    marks : dict
        From `marks_of`; groups that are not in it are not drawn.

    Returns
    -------
    str
        SVG: the total as a thick line in its band, groups as thin lines.
    """

    def draw(axes: Axes) -> None:
        for group, mark in marks.items():
            rows = curve[curve["group"] == group]
            axes.plot(
                rows["iou_threshold"], rows["ap"], ls=mark.line, lw=1.2, color=ROLES[mark.role],
                marker=mark.marker, ms=4,
            )  # fmt: skip
        rows = curve[curve["scope"] == "total"]
        x = rows["iou_threshold"]
        axes.fill_between(x, rows["ap_low"], rows["ap_high"], color=ROLES["total"], alpha=0.2, lw=0)
        axes.plot(x, rows["ap"], color=ROLES["total"], lw=2.4)
        axes.set(xlim=(0.48, 0.97), ylim=(-0.02, 1.02))
        axes.set_xlabel("IoU from which an object counts as found")
        axes.set_ylabel("AP = TP / (TP + FP + FN)")

    return _svg("ap", "AP against the IoU threshold", draw)


def count_scatter(scores: Scores, marks: dict[str, Mark]) -> str:
    """Draw the predicted against the true count, one point a frame.

    Parameters
    ----------
    scores : Scores
        The frames.
    marks : dict
        From `marks_of`.

    Returns
    -------
    str
        SVG, with the line on which both are the same.
    """
    groups = np.array([frame.group for frame in scores.frames], dtype=object)
    true = np.array([frame.objects.n_truth for frame in scores.frames])
    predicted = np.array([frame.objects.n_predicted for frame in scores.frames])
    most = 1.06 * max(int(true.max(initial=1)), int(predicted.max(initial=1)))

    def draw(axes: Axes) -> None:
        axes.plot([0, most], [0, most], color=ROLES["faint"], lw=1, ls="--")
        for group in dict.fromkeys(groups.tolist()):
            mark = marks.get(group, OTHERS)
            colour = ROLES["total" if mark is OTHERS else mark.role]
            which = groups == group
            axes.scatter(
                true[which], predicted[which], s=22, marker=mark.marker, facecolors="none", edgecolors=colour,
                linewidths=1.2,
            )  # fmt: skip
        axes.set(xlim=(-0.02 * most, most), ylim=(-0.02 * most, most), aspect="equal")
        axes.set_xlabel("true objects per frame")
        axes.set_ylabel("predicted objects per frame")

    return _svg("count", "Predicted against true count, frame by frame", draw)


def reliability_curve(curve: pd.DataFrame) -> str:
    """Draw the part of pixels that is foreground against the probability predicted for them.

    Parameters
    ----------
    curve : pandas.DataFrame
        From `calibration.Reliability.curve`.

    Returns
    -------
    str
        SVG, with the line of perfect calibration, and below it how many pixels there are.
    """

    def draw(above: Axes, below: Axes) -> None:
        above.plot([0, 1], [0, 1], color=ROLES["faint"], lw=1, ls="--")
        above.plot(
            curve["mean_probability"],
            curve["observed_fraction"],
            color=ROLES["total"],
            lw=2,
            marker="o",
            ms=5,
        )
        above.set(xlim=(0, 1), ylim=(-0.02, 1.02))
        above.set_ylabel("fraction that is foreground")
        above.tick_params(labelbottom=False)
        share = 100 * curve["n_px"] / max(int(curve["n_px"].sum()), 1)
        below.bar(curve["probability_from"] + 0.05, share, width=0.09, color=ROLES["total"], alpha=0.6)
        below.set(xlim=(0, 1), ylim=(0, 100))
        below.set_ylabel("pixels (%)")
        below.set_xlabel("predicted probability of foreground")

    return _svg("calibration", "Observed fraction against predicted probability", draw, heights=(3, 1))


def _svg(name: str, told: str, draw: Callable[..., None], heights: Sequence[float] = (1,)) -> str:
    """Draw a figure and write it as SVG to be put into a page."""
    with style.context("default"):  # whatever the person's own settings of matplotlib are
        figure = Figure(figsize=_SIZE_IN, layout="constrained")
        axes = figure.subplots(len(heights), squeeze=False, gridspec_kw={"height_ratios": list(heights)})
        for one in axes[:, 0]:
            _dress(one)
        draw(*axes[:, 0])
        file = io.StringIO()
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _for_page(file.getvalue(), name, told)


def _dress(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(ROLES["ink"])
    axes.tick_params(colors=ROLES["ink"])
    axes.xaxis.label.set_color(ROLES["ink"])
    axes.yaxis.label.set_color(ROLES["ink"])
    axes.grid(color=ROLES["faint"], alpha=0.25, lw=0.6)
    axes.set_axisbelow(True)


def _for_page(svg: str, name: str, told: str) -> str:
    """Take the drawing itself, give its parts names that no other drawing has, and the page's colours."""
    svg = svg[svg.index("<svg") :].strip()
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    numbers: dict[str, str] = {}
    for found in re.findall(r'\bid="([^"]+)"', svg):
        numbers.setdefault(found, f"{name}-{len(numbers)}")
    svg = re.sub(r'\bid="([^"]+)"', lambda m: f'id="{numbers[m[1]]}"', svg)
    svg = re.sub(r'(url\(|href=")#([^")]+)', lambda m: f"{m[1]}#{numbers[m[2]]}", svg)
    for role, stand_in in ROLES.items():
        svg = svg.replace(stand_in, f"var(--{role})")
    return svg.replace("<svg", f'<svg role="img" aria-label="{told}"', 1)
