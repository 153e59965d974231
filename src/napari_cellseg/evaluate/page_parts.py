"""Pieces of the report in HTML. Every text that comes from outside is escaped here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

import pandas as pd

from napari_cellseg.evaluate.pictures import FOUND, INVENTED, MISSED
from napari_cellseg.evaluate.plots import Mark
from napari_cellseg.evaluate.scores import DEFINITIONS, Scores
from napari_cellseg.evaluate.text import (
    COLUMNS,
    SECTIONS,
    as_number,
    frame_name,
    how_sure,
    interval_texts,
    movies_of,
    worst_first,
)

MOST_FRAMES = 500
"""So many frames are listed in the page; all of them are in ``scores.csv``."""

_GROUP_COLUMNS = (
    ("count_error", "count error"),
    ("ap50", "AP at IoU 0.5"),
    ("object_f1", "object F1 at IoU 0.5"),
    ("overlap_f1", "overlap F1"),
    ("pixel_f1", "pixel F1 (Dice)"),
    ("ece", "ECE"),
)


def facts(told: Mapping[str, str]) -> str:
    """List facts by name.

    Parameters
    ----------
    told : mapping of str to str
        Any text; entries without text are left out.

    Returns
    -------
    str
        HTML.
    """
    rows = (f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in told.items() if text)
    return f"<dl>{''.join(rows)}</dl>"


def table(head: Sequence[str], rows: Iterable[str], caption: str = "", kind: str = "") -> str:
    """Lay out a table.

    Parameters
    ----------
    head : sequence of str
        Headings; any text.
    rows : iterable of str
        Rows in HTML.
    caption : str
        What stands above it; any text.
    kind : str
        Its class in the style sheet.

    Returns
    -------
    str
        HTML.
    """
    told = f"<caption>{escape(caption)}</caption>" if caption else ""
    headings = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    return (
        f'<div class="scroll"><table class="{kind}">{told}<thead><tr>{headings}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def cell(value: str, interval: str = "") -> str:
    """Make one cell of a table.

    Parameters
    ----------
    value, interval : str
        The number and, below it, its interval; HTML.

    Returns
    -------
    str
        HTML.
    """
    return f'<td>{value}<span class="range">{interval}</span></td>' if interval else f"<td>{value}</td>"


def total_table(scores: Scores, intervals: pd.DataFrame) -> str:
    """Lay out all scores of the total with their intervals.

    Parameters
    ----------
    scores : Scores
        What was counted.
    intervals : pandas.DataFrame
        From `bootstrap.intervals`.

    Returns
    -------
    str
        HTML.
    """
    pooled, mean, known = scores.pooled(), scores.mean(), interval_texts(intervals)
    rows = []
    for title, listed in SECTIONS:
        present = [(name, label) for name, label in listed if name in pooled]
        if present:
            rows.append(f'<tr class="section"><th scope="rowgroup" colspan="5">{escape(title)}</th></tr>')
        for name, label in present:
            both = ((pooled, "pooled"), (mean, "mean"))
            cells = "".join(
                f"<td>{as_number(name, values[name])}</td><td>{known.get(('', name, way), '–')}</td>"
                for values, way in both
            )
            rows.append(f"<tr><td>{escape(label)}</td>{cells}</tr>")
    level = f"{100 * intervals['level'].iloc[0]:g} % interval"
    return table(["", "all counted together", level, "mean of the frames", level], rows)


def group_table(scores: Scores, intervals: pd.DataFrame) -> str:
    """Lay out the most telling scores of each group with their intervals.

    Parameters
    ----------
    scores : Scores
        What was counted.
    intervals : pandas.DataFrame
        From `bootstrap.intervals`.

    Returns
    -------
    str
        HTML, one row a group.
    """
    known = interval_texts(intervals)
    notes = dict(zip(intervals["group"], intervals["note"], strict=True))
    notes.pop("", None)
    columns = [(name, label) for name, label in _GROUP_COLUMNS if name in scores.pooled()]
    rows = []
    for group in scores.groups:
        part = scores.of(group)
        pooled = part.pooled()
        counts = [str(len(part.frames)), *(as_number(n, pooled[n]) for n in ("n_truth", "n_predicted"))]
        cells = "".join(cell(count) for count in counts) + "".join(
            cell(as_number(name, pooled[name]), known.get((group, name, "pooled"), ""))
            if name in pooled
            else cell("–")
            for name, _ in columns
        )
        note = f'<span class="note">{escape(notes[group])}</span>' if len(set(notes.values())) > 1 else ""
        rows.append(f"<tr><td>{escape(group)}{note}</td>{cells}</tr>")
    head = ["group", "frames", "true objects", "predicted objects", *(label for _, label in columns)]
    told = "" if len(set(notes.values())) > 1 else how_sure(intervals, scores.groups[0])
    return table(head, rows) + (f'<p class="faint">{escape(told)}</p>' if told else "")


def frame_table(scores: Scores) -> str:
    """List the frames, those to look at first.

    Parameters
    ----------
    scores : Scores
        What was counted.

    Returns
    -------
    str
        HTML, one row a frame, at most `MOST_FRAMES`.
    """
    movies, shown = movies_of(scores), worst_first(scores.frames)[:MOST_FRAMES]
    columns = [*COLUMNS, *((name, name.upper()) for name in ("ece",) if name in scores.pooled())]
    with_group = bool(scores.groups)
    rows = []
    for frame in shown:
        values = frame.scores()
        cells = "".join(cell(as_number(name, values[name]) if name in values else "–") for name, _ in columns)
        group = f"<td>{escape(frame.group)}</td>" if with_group else ""
        rows.append(f"<tr><td>{escape(frame_name(frame, movies))}</td>{group}{cells}</tr>")
    n = len(scores.frames)
    left = f"The {len(shown)} worst of {n:,} frames; all of them are in scores.csv." if n > len(shown) else ""
    head = ["frame", *(["group"] if with_group else []), *(name for _, name in columns)]
    return table(head, rows, left, "grouped" if with_group else "")


def drawing(svg: str, caption: str, told: str) -> str:
    """Put a drawing into the page.

    Parameters
    ----------
    svg : str
        From `plots`.
    caption : str
        Its title.
    told : str
        What it shows, in a sentence or two.

    Returns
    -------
    str
        HTML.
    """
    return f"<figure>{svg}<figcaption><b>{escape(caption)}.</b> {escape(told)}</figcaption></figure>"


def picture(png_base64: str, caption: str, told: str) -> str:
    """Put a picture into the page.

    Parameters
    ----------
    png_base64 : str
        A PNG, encoded.
    caption : str
        Its title.
    told : str
        What it shows.

    Returns
    -------
    str
        HTML.
    """
    shown = f'<img alt="{escape(f"{caption}: {told}", quote=True)}" src="data:image/png;base64,{png_base64}">'
    return f"<figure>{shown}<figcaption><b>{escape(caption)}.</b> {escape(told)}</figcaption></figure>"


def group_legend(marks: Mapping[str, Mark], ungrouped: bool = False) -> str:
    """Say which mark is which group.

    Parameters
    ----------
    marks : mapping of str to Mark
        From `plots.marks_of`.
    ungrouped : bool
        Whether some frames are in no group.

    Returns
    -------
    str
        HTML; empty without groups, and where all of them are drawn alike.
    """
    total = '<span><b style="color:var(--total)">━━</b> all together, with interval</span>'
    if not marks:
        return ""
    if len(set(marks.values())) < len(marks):
        each = '<span><b style="color:var(--faint)">●</b> one group each</span>'
    else:
        each = "".join(
            f'<span><b style="color:var(--{mark.role})">{mark.sign}</b> {escape(group)}</span>'
            for group, mark in marks.items()
        )
    rest = '<span><b style="color:var(--total)">○</b> frames in no group</span>' if ungrouped else ""
    return f'<div class="legend">{total}{each}{rest}</div>'


def picture_legend() -> str:
    """Say what the outlines in the pictures mean.

    Returns
    -------
    str
        HTML.
    """
    lines = {"solid": FOUND, "dashed": MISSED, "dotted": INVENTED}
    told = {
        "found": "green, solid: true objects that were found",
        "missed": "blue, dashed: true objects that were missed",
        "invented": "orange, dotted: predicted objects that are none",
    }
    keys = "".join(
        f'<span><svg width="34" height="8" aria-hidden="true"><line x1="0" x2="34" y1="4" y2="4" '
        f'stroke="rgb{pen.colour}" stroke-width="3" {_dashes(line)}/></svg> {told[pen.name]}</span>'
        for line, pen in lines.items()
    )
    return f'<div class="legend">{keys}</div>'


def _dashes(line: str) -> str:
    return {"solid": "", "dashed": 'stroke-dasharray="8 4"', "dotted": 'stroke-dasharray="2.5 3"'}[line]


def glossary() -> str:
    """Say what the scores mean.

    Returns
    -------
    str
        HTML.
    """
    labels = {name: label for _, rows in SECTIONS for name, label in rows} | {
        "pixel_f1": "pixel F1 (Dice)",
        "ap50": "AP",
        "ap_mean": "mean AP",
        "object_f1": "object F1",
        "overlap_recall": "overlap recall",
        "overlap_precision": "overlap precision",
        "count_error": "count error",
        "count_absolute_error": "absolute count error",
        "pooled": "all counted together",
        "mean": "mean of the frames",
        "ignore": "ignore regions",
        "null": "–",
    }
    return facts({labels.get(name, name): told for name, told in DEFINITIONS.items()})
