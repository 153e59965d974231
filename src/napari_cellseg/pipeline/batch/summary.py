"""The page at the end of a batch: what was counted, over a plate and over time, and what failed."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import pandas as pd

from napari_cellseg.data.write import write_text
from napari_cellseg.evaluate import page_parts as parts
from napari_cellseg.evaluate.page_style import PAGE, STYLE
from napari_cellseg.pipeline.batch.items import Item
from napari_cellseg.pipeline.batch.job import PICTURE, BatchJob
from napari_cellseg.pipeline.batch.outcome import Outcome

PAGE_FILE = "batch.html"
_MOST_PICTURES = 24
_WELL = re.compile(r"([A-P])0*(\d+)")
_LINE = (64, 24)
"""Width and height of the small curves, in px."""


def write_summary(
    job: BatchJob,
    items: Sequence[Item],
    outcomes: Sequence[Outcome],
    counts: pd.DataFrame,
    told: Mapping[str, str],
) -> Path:
    """Write ``batch.html``.

    Parameters
    ----------
    job : BatchJob
        What was done.
    items : sequence of Item
        All items.
    outcomes : sequence of Outcome
        What became of them, in the same order.
    counts : pandas.DataFrame
        One row a frame, as in ``counts.csv``.
    told : mapping of str to str
        Facts for the head of the page.

    Returns
    -------
    Path
        The page: one file without scripts.

    Raises
    ------
    StorageError
        The folder cannot be written, or the disk is full.
    """
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    done = len(outcomes) - len(failed)
    objects = sum(outcome.n_objects for outcome in outcomes)
    lead = f"{objects:,} objects in {done:,} of {len(outcomes):,} images or movies."
    sections = [f'<p class="lead">{lead}{f" {len(failed):,} failed." if failed else ""}</p>']
    by_well = counts_by_well(items, counts)
    if len(by_well):
        sections.append(f"<h2>Plate</h2>{_plate(by_well)}")
    if failed:
        rows = (
            f"<tr><td>{escape(outcome.name)}</td><td>{escape(outcome.reason)}</td></tr>" for outcome in failed
        )
        sections.append(f"<h2>Failed</h2>{parts.table(('image', 'why'), rows, kind='grouped')}")
    sections.append(_pictures(job, items, outcomes))
    page = PAGE.substitute(
        title=escape(f"Batch: {job.folder.name}"),
        style=STYLE,
        about=parts.facts(told),
        main="\n".join(sections),
    )
    write_text(job.folder / PAGE_FILE, page)
    return job.folder / PAGE_FILE


def counts_by_well(items: Sequence[Item], counts: pd.DataFrame) -> pd.DataFrame:
    """Average the counts of every well at every time.

    Parameters
    ----------
    items : sequence of Item
        All items.
    counts : pandas.DataFrame
        One row a frame, as in ``counts.csv``.

    Returns
    -------
    pandas.DataFrame
        Columns ``well``, ``t`` (time point, from 0) and ``n`` (objects per image, mean over the fields of the
        well); empty where no wells are known.
    """
    known = {item.name: item for item in items if _WELL.fullmatch(item.well)}
    rows = counts[counts["image"].isin(list(known))]
    names = rows["image"]
    t = [
        known[name].t if known[name].t is not None else frame
        for name, frame in zip(names, rows["frame"], strict=True)
    ]
    table = pd.DataFrame(
        {"well": [known[name].well for name in names], "t": t, "n": rows["n_by_instances"].to_numpy()}
    )
    return pd.DataFrame(table.groupby(["well", "t"], as_index=False).mean())


def _plate(by_well: pd.DataFrame) -> str:
    """Lay the wells out as on the plate, coloured by their mean count, with the curve over time."""
    places: dict[tuple[str, int], list[float]] = {}
    for well, of_well in by_well.groupby("well"):
        match = _WELL.fullmatch(str(well))
        assert match is not None  # noqa: S101 - only such wells are here
        places[match[1], int(match[2])] = of_well.sort_values("t")["n"].tolist()
    letters = sorted({letter for letter, _ in places})
    numbers = range(min(n for _, n in places), max(n for _, n in places) + 1)
    most = max((max(curve) for curve in places.values()), default=0) or 1
    rows = []
    for letter in letters:
        cells = "".join(_well(places.get((letter, number)), most) for number in numbers)
        rows.append(f"<tr><th scope=row>{letter}</th>{cells}</tr>")
    caption = (
        "Objects per image, mean over the fields of each well. Curves run over time, from 0 to the most."
    )
    return parts.table(("", *map(str, numbers)), rows, caption, "plate")


def _well(curve: list[float] | None, most: float) -> str:
    if curve is None:
        return "<td></td>"
    mean = sum(curve) / len(curve)
    shade = f"background:color-mix(in srgb, var(--total) {round(60 * mean / most)}%, transparent)"
    return f'<td style="{shade}">{mean:,.1f}{_curve(curve, most) if len(curve) > 1 else ""}</td>'


def _curve(curve: list[float], most: float) -> str:
    width, height = _LINE
    points = " ".join(
        f"{width * i / (len(curve) - 1):.1f},{height - 1 - (height - 2) * n / most:.1f}"
        for i, n in enumerate(curve)
    )
    line = f'<polyline points="{points}" fill="none" stroke="currentColor" stroke-width="1.5"/>'
    size = f'width="{width}" height="{height}"'
    return f'<svg style="display:block" {size} role="img" aria-label="over time">{line}</svg>'


def _pictures(job: BatchJob, items: Sequence[Item], outcomes: Sequence[Outcome]) -> str:
    """Show some items, spread evenly over all."""
    good = [(i, o) for i, o in zip(items, outcomes, strict=True) if o.status != "failed"]
    step = max(1, -(-len(good) // _MOST_PICTURES))
    shown = []
    for item, outcome in good[::step]:
        file = job.place(item) / PICTURE
        if file.is_file():
            told = (
                f"{outcome.n_objects:,} objects in {outcome.n_frames:,} frame{'s' * (outcome.n_frames != 1)}"
            )
            encoded = base64.b64encode(file.read_bytes()).decode()
            shown.append(parts.picture(encoded, item.name, told))
    if not shown:
        return ""
    head = '<h2>Some of them</h2><p class="faint">The first frame of each.</p>'
    return f'{head}<div class="figures">{"".join(shown)}</div>'
