"""The report of a review: all numbers as tables, and one page to read and to print."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from napari_cellseg import __version__
from napari_cellseg.data.write import write_csv, write_text
from napari_cellseg.errors import InputError
from napari_cellseg.evaluate.review.agreement import AGREEMENT_COLUMNS, agreement_table, default_radius_px
from napari_cellseg.evaluate.review.counts import ITEM_COLUMNS, SCORES, Sheets, item_table, scores_of, totals
from napari_cellseg.evaluate.review.differences import DIFFERENCE_COLUMNS, difference_table
from napari_cellseg.evaluate.review.drawing import as_png, draw_item, verdicts
from napari_cellseg.evaluate.review.intervals import SCORE_COLUMNS, score_table
from napari_cellseg.evaluate.review.judgement import read_sheets
from napari_cellseg.evaluate.review.pack import file_hash, read_pixels
from napari_cellseg.evaluate.review.plan import PLAN_JSON, REPORT, Item, ReviewPlan, read_plan
from napari_cellseg.progress import Clock, Steps

REPORT_HTML = "report.html"

_ORIGIN = {
    "review": "Name of the review",
    "plan_sha256": "SHA-256 of its plan, which names images, labels, seed and their hashes",
    "program_version": "Version of napari-cellseg",
}

FILES = {
    "scores.csv": {**SCORE_COLUMNS, **_ORIGIN},
    "items.csv": {**ITEM_COLUMNS, **_ORIGIN},
    "agreement.csv": {**AGREEMENT_COLUMNS, **_ORIGIN},
    "differences.csv": {**DIFFERENCE_COLUMNS, **_ORIGIN},
}
"""The tables of a report: their columns and what they hold."""


@dataclass(frozen=True)
class Shown:
    """One item as the page shows it.

    Attributes
    ----------
    model : str
        Whose labels they are.
    which : str
        ``"Best"``, ``"Median"`` or ``"Worst"``.
    item : Item
        The item.
    told : str
        What the experts said, in words.
    png : str
        Its picture, in base 64.
    """

    model: str
    which: str
    item: Item
    told: str
    png: str


@dataclass(frozen=True)
class ReviewReport:
    """What came of a review.

    Attributes
    ----------
    folder : Path
        Where it was written.
    plan : ReviewPlan
        The plan.
    n_done : dict of str to int
        By expert: items finished.
    scores, items, agreement, differences : pandas.DataFrame
        The tables, without where they come from.
    """

    folder: Path
    plan: ReviewPlan
    n_done: dict[str, int]
    scores: pd.DataFrame
    items: pd.DataFrame
    agreement: pd.DataFrame
    differences: pd.DataFrame

    @property
    def page(self) -> Path:
        """The page to read."""
        return self.folder / REPORT_HTML


def write_review_report(
    review: Path, out: Path | None = None, radius_px: float | None = None
) -> Steps[ReviewReport]:
    """Work out what the experts said, and write tables and the page.

    Parameters
    ----------
    review : Path
        The folder of the review.
    out : Path, optional
        Where the report goes; ``report`` in the folder of the review by default. Files of these names are
        replaced: they can be made again.
    radius_px : float, optional
        How near two clicks are to mean the same missed cell; half the typical diameter by default.

    Yields
    ------
    Progress
        After every picture.

    Returns
    -------
    ReviewReport
        The tables, and where they are.

    Raises
    ------
    InputError
        The plan, a sheet or an item cannot be used, or nobody has finished any item.
    StorageError
        The folder cannot be written.
    """
    review = review.parent if review.name == PLAN_JSON else review
    plan = read_plan(review)
    sheets = {expert: said for expert, said in read_sheets(review, plan).items() if said}
    if not sheets:
        raise InputError(
            f"Nobody has finished any item of the review {plan.name} yet",
            "At least one is needed for a report",
            "Judge some items first",
        )
    items, models = item_table(plan, sheets), [model.name for model in plan.models]
    made = ReviewReport(
        out or review / REPORT,
        plan,
        {expert: len(said) for expert, said in sheets.items()},
        score_table(items, models, plan.mode),
        items,
        agreement_table(plan, sheets, radius_px),
        difference_table(items, models, plan.mode),
    )
    shown: list[Shown] = []
    chosen = list(_chosen(made))
    clock = Clock(len(chosen), "pictures drawn")
    for done, (model, which, number) in enumerate(chosen, start=1):
        shown.append(_shown(review, plan, sheets, (model, which, number)))
        yield clock.at(done)
    from napari_cellseg.evaluate.review.page import page  # noqa: PLC0415 - matplotlib only where needed

    _write_tables(made, file_hash(review / PLAN_JSON))
    write_text(made.page, page(made, shown))
    return made


def _write_tables(made: ReviewReport, plan_hash: str) -> None:
    origin = {"review": made.plan.name, "plan_sha256": plan_hash, "program_version": __version__}
    tables = (made.scores, made.items, made.agreement, made.differences)
    for name, table in zip(FILES, tables, strict=True):
        write_csv(made.folder / name, table.assign(**origin))


def _chosen(made: ReviewReport) -> Iterator[tuple[str, str, int]]:
    """Choose the best, median and worst item of each model, by the experts' mean Dice (or precision)."""
    name = "dice" if made.plan.mode == "frames" else "precision"
    judged = made.items[made.items["judged"]]
    for model in [model.name for model in made.plan.models]:
        of_model = judged[judged["model"] == model]
        means: dict[int, float] = {}
        for number, rows in of_model.groupby("item"):
            value = float(scores_of(totals(rows), [name])[0])
            if not np.isnan(value):
                means[int(str(number))] = value
        ranked = sorted(means, key=lambda number: (means[number], number))
        places = {"Best": len(ranked) - 1, "Median": (len(ranked) - 1) // 2, "Worst": 0}
        taken: set[int] = set()
        for which, place in places.items() if ranked else ():
            if place not in taken:
                taken.add(place)
                yield model, which, ranked[place]


def _shown(review: Path, plan: ReviewPlan, sheets: Sheets, chosen: tuple[str, str, int]) -> Shown:
    model, which, number = chosen
    item = plan.item(number)
    said = {
        expert: items[number]
        for expert, items in sheets.items()
        if number in items and not items[number].unsure
    }
    picture = draw_item(
        read_pixels(review, item), item, verdicts(item, list(said.values())), default_radius_px(plan)
    )
    parts = [
        f"{expert}: {len(one.objects('wrong'))} wrong"
        + (f", {len(one.places('missed'))} missed" if plan.mode == "frames" else "")
        + (f", {len(one.objects('unsure'))} unsure" if one.objects("unsure") else "")
        for expert, one in said.items()
    ]
    where = f"{item.movie}, frame {item.frame}, item {number}"
    n = len(item.objects)
    return Shown(
        model, which, item, f"{where}; {n} object{'s' * (n != 1)}. {'; '.join(parts)}", as_png(picture)
    )


def reference() -> str:
    """Write the reference of all columns.

    Returns
    -------
    str
        Markdown: one table a file.
    """
    lines: list[str] = []
    for file, columns in FILES.items():
        lines += [f"### {file} of a review", "", "| column | what it holds |", "|---|---|"]
        lines += [f"| `{name}` | {told} |" for name, told in columns.items()]
        lines.append("")
    return "\n".join(lines)


def summary(made: ReviewReport) -> list[str]:
    """Say the most important in words.

    Parameters
    ----------
    made : ReviewReport
        The report.

    Returns
    -------
    list of str
        A sentence a model and expert, and one a pair of experts.
    """
    lines = []
    total = made.scores[made.scores["scope"] == "total"]
    for expert, model in total[["expert", "model"]].drop_duplicates().itertuples(index=False):
        rows = total[(total["expert"] == expert) & (total["model"] == model)].set_index("score")
        told = ", ".join(
            f"{_LABELS[name]} {number(rows.loc[name, 'value'])}" for name in SCORES[made.plan.mode]
        )
        lines.append(f"{expert} on {model}: {told}")
    for row in made.agreement.to_dict("records"):
        undefined = f"undefined ({row['note']})"
        value = undefined if pd.isna(row["kappa"]) else f"{row['kappa']:.2f}"
        lines.append(f"{row['expert']} and {row['other_expert']}: Cohen's kappa {value}")
    return lines


_LABELS = {"precision": "precision", "recall": "recall", "dice": "Dice", "iou": "IoU"}


def number(value: object, signed: bool = False) -> str:
    """Write a score for people.

    Parameters
    ----------
    value : object
        A number, or NaN.
    signed : bool
        True writes a plus sign too.

    Returns
    -------
    str
        Three digits after the point; a dash for NaN.
    """
    told = float(value)  # type: ignore[arg-type]
    return "–" if np.isnan(told) else f"{told:+.3f}" if signed else f"{told:.3f}"
