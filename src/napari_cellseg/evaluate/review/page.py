"""The page of a review: one HTML file that holds all it shows. Texts from outside are escaped."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from html import escape
from itertools import groupby
from typing import Any

import pandas as pd

from napari_cellseg import __version__
from napari_cellseg.evaluate import page_parts as parts
from napari_cellseg.evaluate.page_style import PAGE, STYLE
from napari_cellseg.evaluate.pictures import FOUND, INVENTED, MISSED
from napari_cellseg.evaluate.review.counts import SCORES
from napari_cellseg.evaluate.review.drawing import UNSURE
from napari_cellseg.evaluate.review.intervals import ALL
from napari_cellseg.evaluate.review.plan import ReviewPlan
from napari_cellseg.evaluate.review.report import ReviewReport, Shown, number

HEADS = {"precision": "precision", "recall": "recall", "dice": "Dice (F1)", "iou": "IoU"}
"""What the scores are called."""

MOST_ITEMS = 500
"""So many items are listed in the page; all of them are in ``items.csv``."""

_DASHES = {"found": "", "missed": "8 4", "wrong": "2.5 3", "unsure": "9 2 2 2"}


def page(made: ReviewReport, shown: Sequence[Shown]) -> str:
    """Write the report of a review as HTML.

    Parameters
    ----------
    made : ReviewReport
        The tables.
    shown : sequence of Shown
        The items to show.

    Returns
    -------
    str
        One file.
    """
    sections = [
        f'<p class="lead">{escape(_lead(made))}</p>',
        f"<h2>Scores</h2>{_scores(made)}{_how(made)}",
        _differences(made),
        _agreement(made),
        _pictures(shown),
        _items(made),
        f"<h2>What the numbers mean</h2>{_glossary(made.plan)}",
    ]
    title = f"Review: {made.plan.name}"
    return PAGE.substitute(
        title=escape(title), style=STYLE, about=_head(made), main="\n".join(part for part in sections if part)
    )


def _head(made: ReviewReport) -> str:
    plan = made.plan
    what = "single objects" if plan.mode == "objects" else "frames or parts of frames, with all their objects"
    n_frames = len({item.place for item in plan.items})
    return parts.facts(
        {
            "Judged": f"{len(plan.items)} items: {what}",
            "From": f"{n_frames} frames of {len(plan.movies)} images or movies",
            "Labels": ", ".join(model.name for model in plan.models),
            "Experts": ", ".join(f"{who} ({n} of {len(plan.items)})" for who, n in made.n_done.items()),
            "Blind": "The order was random; no expert saw whose labels they are, nor what the others said",
            "Seed": str(plan.seed),
            "Prepared": f"{plan.created}, napari-cellseg {plan.program}",
            "Program": f"napari-cellseg {__version__}",
        }
    )


def _lead(made: ReviewReport) -> str:
    """Say the most important in words."""
    unfinished = [who for who, n in made.n_done.items() if n < len(made.plan.items)]
    judged = made.items[made.items["judged"]]
    n = len(judged.drop_duplicates("item"))
    who = f"{len(made.n_done)} expert{'s' * (len(made.n_done) != 1)}"
    said = f"{who} judged {n} item{'s' * (n != 1)} with {_n_objects(judged):,} objects."
    if unfinished:
        said += f" Not finished yet: {', '.join(unfinished)}."
    return said


def _n_objects(judged: pd.DataFrame) -> int:
    return int(judged.drop_duplicates("item")["n_objects"].sum())


def _scores(made: ReviewReport) -> str:
    names = SCORES[made.plan.mode]
    keys = ["expert", "model", "scope", "group"]
    rows = []
    for (expert, model, _scope, group), part in made.scores.groupby(keys, sort=False):
        by_name = {row["score"]: row for row in part.to_dict("records")}
        first = by_name[names[0]]
        counts = [first["n_frames"], first["tp"], first["fp"]]
        counts += [first["fn"]] if made.plan.mode == "frames" else []
        cells = "".join(parts.cell(f"{int(count):,}") for count in [*counts, first["n_unsure_objects"]])
        cells += "".join(_with_interval(by_name[name]) for name in names)
        whose = f'<td>{escape(str(expert))}<span class="note">{escape(str(group))}</span></td>'
        rows.append(f"<tr>{whose}<td>{escape(str(model))}</td>{cells}</tr>")
    counted = ["frames", "TP", "FP", *(["FN"] if made.plan.mode == "frames" else []), "unsure"]
    return parts.table(["expert", "labels", *counted, *(HEADS[name] for name in names)], rows, "", "grouped")


def _with_interval(row: Mapping[Hashable, Any]) -> str:
    return parts.cell(number(row["value"]), _interval(row["low"], row["high"]))


def _interval(low: object, high: object, signed: bool = False) -> str:
    ends = [number(low, signed), number(high, signed)]
    return "no interval" if "–" in ends else " to ".join(ends)


def _how(made: ReviewReport) -> str:
    told = (
        "Intervals of 95 %. Precision and recall of one expert: Wilson's score interval, which takes objects "
        "as independent; cells of one frame are not quite, so that it may be too narrow. All others: "
        "percentile bootstrap, 1000 resamples of frames."
    )
    notes = [note for note in made.scores["note"].unique() if note]
    return f'<p class="faint">{escape(" ".join([told, *(f"{note.capitalize()}." for note in notes)]))}</p>'


def _differences(made: ReviewReport) -> str:
    """Lay models out side by side."""
    if made.differences.empty:
        return ""
    names = SCORES[made.plan.mode]
    rows = []
    keys = ["expert", "model", "other_model"]
    for (expert, model, other), part in made.differences.groupby(keys, sort=False):
        by_name = {row["score"]: row for row in part.to_dict("records")}
        cells = "".join(_difference(by_name[name]) for name in names)
        pair = f"{escape(str(model))} − {escape(str(other))}"
        n = parts.cell(str(int(part["n_frames"].iloc[0])))
        rows.append(f"<tr><td>{escape(str(expert))}</td><td>{pair}</td>{n}{cells}</tr>")
    head = ["expert", "difference", "frames", *(HEADS[name] for name in names)]
    told = (
        "Above 0 the first is better. Bold: the interval of the difference leaves 0 out. The same frames "
        "were drawn for both in each of 1000 resamples, so that hard and easy frames cancel out."
    )
    return f'<h2>Side by side</h2>{parts.table(head, rows, "", "grouped")}<p class="faint">{escape(told)}</p>'


def _difference(row: Mapping[Hashable, Any]) -> str:
    clear = row["low"] > 0 or row["high"] < 0
    value = number(row["difference"], signed=True)
    return parts.cell(f"<b>{value}</b>" if clear else value, _interval(row["low"], row["high"], signed=True))


def _agreement(made: ReviewReport) -> str:
    if made.agreement.empty:
        return ""
    frames = made.plan.mode == "frames"
    rows = []
    for row in made.agreement.to_dict("records"):
        kappa = parts.cell(number(row["kappa"]), _interval(row["kappa_low"], row["kappa_high"]))
        note = f'<span class="note">{escape(row["note"])}</span>' if row["note"] else ""
        counts = [
            row[name]
            for name in ("n_objects", "both_right", "both_wrong", "first_only_wrong", "other_only_wrong")
        ]
        missed = ("both_missed", "first_only_missed", "other_only_missed") if frames else ()
        cells = "".join(parts.cell(f"{int(n):,}") for n in [*counts, *(row[name] for name in missed)])
        last = parts.cell(number(row["missed_agreement"])) if frames else ""
        pair = f"{escape(row['expert'])}, {escape(row['other_expert'])}{note}"
        rows.append(f"<tr><td>{pair}</td>{kappa}{parts.cell(number(row['agreement']))}{cells}{last}</tr>")
    head = ["experts", "Cohen's kappa", "agreement", "objects", "both right", "both wrong", "only 1st wrong",
            "only 2nd wrong"]  # fmt: skip
    head += ["both missed", "only 1st missed", "only 2nd missed", "missed agreement"] if frames else []
    told = (
        f"Clicks within {made.agreement['radius_px'].iloc[0]:g} px of each other mean the same missed cell."
        if frames
        else ""
    )
    return f'<h2>Agreement of the experts</h2>{parts.table(head, rows)}<p class="faint">{escape(told)}</p>'


def _pictures(shown: Sequence[Shown]) -> str:
    """Show the best, median and worst items of each model."""
    if not shown:
        return ""
    blocks = [f"<h2>Best, median and worst items</h2>{legend()}"]
    for model, items in groupby(shown, key=lambda one: one.model):
        figures = "".join(parts.picture(one.png, f"{one.which} of {model}", one.told) for one in items)
        blocks.append(f'<div class="figures pictures">{figures}</div><br>')
    return "".join(blocks)


def legend() -> str:
    """Say what the outlines in the pictures mean.

    Returns
    -------
    str
        HTML.
    """
    told = {
        "found": (FOUND, "green, solid: all experts call it right"),
        "wrong": (INVENTED, "orange, dotted: at least half of them call it wrong (false positive)"),
        "missed": (MISSED, "blue, dashed rings: missed cells, one ring a click"),
        "unsure": (UNSURE, "yellow, dash-dotted: not sure, or not agreed"),
    }
    keys = "".join(
        f'<span><svg width="34" height="8" aria-hidden="true"><line x1="0" x2="34" y1="4" y2="4" '
        f'stroke="rgb{pen.colour}" stroke-width="3" stroke-dasharray="{_DASHES[name]}"/></svg> {text}</span>'
        for name, (pen, text) in told.items()
    )
    return f'<div class="legend">{keys}</div>'


def _items(made: ReviewReport) -> str:
    """List FP and FN of every item and expert, image by image."""
    experts = list(made.n_done)
    frames = made.plan.mode == "frames"
    table = made.items.sort_values(["image", "frame", "item", "expert"])
    rows = []
    for number_, part in list(table.groupby("item", sort=False))[:MOST_ITEMS]:
        first = part.iloc[0]
        said = {row["expert"]: row for row in part.to_dict("records")}
        cells = "".join(_said(said, expert, frames) for expert in experts)
        where = f"{escape(str(first['image']))}, frame {first['frame']}"
        rows.append(
            f"<tr><td>{where}</td><td>{escape(str(first['model']))}</td>{parts.cell(str(number_))}"
            f"{parts.cell(str(first['n_objects']))}{cells}</tr>"
        )
    n = made.items["item"].nunique()
    caption = f"{MOST_ITEMS} of {n:,} items; all of them are in items.csv." if n > MOST_ITEMS else ""
    head = [
        "image",
        "labels",
        "item",
        "objects",
        *(f"{who}: FP{' / FN' if frames else ''}" for who in experts),
    ]
    return f"<h2>Image by image</h2>{parts.table(head, rows, caption, 'grouped')}"


def _said(said: Mapping[str, Mapping[Hashable, Any]], expert: str, frames: bool) -> str:
    if expert not in said:
        return parts.cell("–")
    row = said[expert]
    if not row["judged"]:
        return parts.cell("unsure")
    unsure = int(row["n_unsure_objects"])
    return parts.cell(
        f"{row['fp']} / {row['fn']}" if frames else str(row["fp"]), f"{unsure} unsure" if unsure else ""
    )


def _glossary(plan: ReviewPlan) -> str:
    told = {
        "TP": "Objects that the expert did not object to.",
        "FP": "Objects that the expert clicked as wrong (false positives).",
        "FN": "Cells that the expert clicked as missed (false negatives).",
        "unsure": "Objects marked unsure count neither as right nor as wrong; such items are left out.",
        "precision": "TP / (TP + FP): of the objects, the part that is right.",
        "recall": "TP / (TP + FN): of the cells that are there, the part that was found.",
        "Dice (F1)": "2 TP / (2 TP + FP + FN), of objects, not of pixels.",
        "IoU": "TP / (TP + FP + FN), of objects, not of pixels.",
        ALL: "The counts of all experts added up.",
        "Cohen's kappa": (
            "(p_o - p_e) / (1 - p_e): agreement on right and wrong beyond chance (Cohen 1960). 1 is full "
            "agreement, 0 no more than chance. When wrong objects are rare it is low even where experts "
            "rarely differ: look at the counts beside it."
        ),
        "missed agreement": "2 both / (all clicks of either): 1 when both missed the same cells.",
    }
    if plan.mode == "objects":
        told = {
            key: text
            for key, text in told.items()
            if key not in ("FN", "recall", "Dice (F1)", "IoU", "missed agreement")
        }
    return parts.facts(told)
