"""The report of an evaluation: one HTML file that holds all it shows, and the tables beside it.

It works without a network and without scripts, years later, and can be printed or sent by mail.
"""

from __future__ import annotations

import base64
import datetime
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import pandas as pd
from PIL import Image

from napari_cellseg import __version__
from napari_cellseg.data.write import write_text
from napari_cellseg.evaluate import page_parts as parts
from napari_cellseg.evaluate import plots
from napari_cellseg.evaluate.page_style import PAGE, STYLE
from napari_cellseg.evaluate.pictures import file_name
from napari_cellseg.evaluate.scores import FrameCounts, Scores
from napari_cellseg.evaluate.tables import curve_table, write_tables
from napari_cellseg.evaluate.text import as_number, frame_name, how_sure, movies_of, worst_first

REPORT_HTML = "report.html"

_MOST_SIDE_PX = 1400


@dataclass(frozen=True)
class About:
    """What was compared, for the head of the report.

    Attributes
    ----------
    truth : str
        Where the true labels are from.
    prediction : str
        Where the predicted labels are from.
    images : str
        Where the images are from that the pictures are drawn on; may be empty.
    probabilities : str
        Where the probabilities are from; may be empty.
    groups : str
        Where the groups are from; may be empty.
    when : datetime.datetime or None
        Time of the evaluation; None: now.
    """

    truth: str
    prediction: str
    images: str = ""
    probabilities: str = ""
    groups: str = ""
    when: datetime.datetime | None = None


def write_report(
    folder: Path, scores: Scores, intervals: pd.DataFrame, about: About, pictures: Path | None = None
) -> Path:
    """Write ``report.html`` and the tables ``groups.csv``, ``ap_curve.csv`` and ``calibration.csv``.

    Parameters
    ----------
    folder : Path
        Where they go; made when it is not there. Files of these names are replaced: they can be made again.
    scores : Scores
        What was counted, of at least one frame.
    intervals : pandas.DataFrame
        Of all scores, from `bootstrap.intervals`.
    about : About
        What was compared.
    pictures : Path, optional
        Folder of the overlay pictures, as `report.evaluate` writes them.

    Returns
    -------
    Path
        The HTML file.

    Raises
    ------
    StorageError
        The folder cannot be written, or the disk is full.
    """
    write_tables(folder, scores, intervals)
    path = folder / REPORT_HTML
    write_text(path, page(scores, intervals, about, pictures))
    return path


def page(scores: Scores, intervals: pd.DataFrame, about: About, pictures: Path | None = None) -> str:
    """Write the report as HTML.

    Parameters
    ----------
    scores : Scores
        What was counted, of at least one frame.
    intervals : pandas.DataFrame
        Of all scores, from `bootstrap.intervals`.
    about : About
        What was compared.
    pictures : Path, optional
        Folder of the overlay pictures; those that are not there are left out.

    Returns
    -------
    str
        One file with all that it shows; texts from outside are escaped.
    """
    sections = [
        f'<p class="lead">{escape(in_words(scores))}</p>',
        _curves(scores, intervals),
        _pictures(scores, pictures),
        f"<h2>Scores</h2>{parts.total_table(scores, intervals)}"
        f'<p class="faint">{escape(how_sure(intervals))}</p>',
    ]
    if scores.groups:
        sections.append(f"<h2>Groups</h2>{parts.group_table(scores, intervals)}")
    sections.append(f"<h2>Frames, the worst first</h2>{parts.frame_table(scores)}")
    sections.append(f"<h2>What the scores mean</h2>{parts.glossary()}")
    title = f"How well {Path(about.prediction).name or about.prediction} matches the truth"
    return PAGE.substitute(
        title=escape(title), style=STYLE, about=_head(scores, about), main="\n".join(sections)
    )


def _head(scores: Scores, about: About) -> str:
    when = about.when or datetime.datetime.now().astimezone()
    n_images = len({frame.image for frame in scores.frames})
    compared = (
        f"{_many(len(scores.frames), 'frame')} of {_many(n_images, 'image or movie', 'images or movies')}"
    )
    return parts.facts(
        {
            "Truth": about.truth,
            "Prediction": about.prediction,
            "Images": about.images,
            "Probabilities": about.probabilities,
            "Compared": compared,
            "Groups": f"{len(scores.groups)}{f' ({about.groups})' if about.groups else ''}",
            "Program": f"napari-cellseg {__version__}",
            "Date": when.isoformat(" ", "minutes"),
        }
    )


def in_words(scores: Scores) -> str:
    """Say the most important in words.

    Parameters
    ----------
    scores : Scores
        What was counted.

    Returns
    -------
    str
        Two or three sentences.
    """
    pooled = scores.pooled()
    n_truth, n_predicted = int(pooled["n_truth"]), int(pooled["n_predicted"])
    found = sum(frame.objects.matched[0] for frame in scores.frames)
    said = [f"{_many(n_truth, 'true object')}, {n_predicted:,} predicted."]
    if n_truth:
        said.append(
            f"{found:,} ({100 * found / n_truth:.0f} %) were found with an IoU of 0.5 or more, "
            f"{n_truth - found:,} were missed, and {n_predicted - found:,} predicted objects match none."
        )
        error = as_number("count_error", pooled["count_error"])
        off = as_number("count_absolute_error", pooled["count_absolute_error"])
        said.append(f"The count is off by {error} in all, and by {off} when every frame is taken by itself.")
    return " ".join(said)


def _many(n: int, one: str, many: str = "") -> str:
    return f"{n:,} {one if n == 1 else many or f'{one}s'}"


def _curves(scores: Scores, intervals: pd.DataFrame) -> str:
    marks = plots.marks_of(scores)
    figures = [
        parts.drawing(
            plots.ap_curve(curve_table(intervals), marks),
            "Average precision against IoU",
            "The further right the curve stays high, the better the outlines. The band is the interval.",
        ),
        parts.drawing(
            plots.count_scatter(scores, marks),
            "Predicted against true count",
            "One mark a frame. On the dashed line both are the same; below it objects are missing.",
        ),
    ]
    reliability = scores.reliability()
    if reliability is not None:
        held = {name: as_number(name, value) for name, value in reliability.scores().items()}
        told = (
            "On the dashed line a pixel given 70 % is foreground in 70 of 100 cases; below it the network is "
            f"too sure of foreground. ECE {held['ece']}, Brier score {held['brier']}."
        )
        curve = plots.reliability_curve(reliability.curve())
        figures.append(parts.drawing(curve, "Calibration of the probabilities", told))
    legend = parts.group_legend(marks, any(not frame.group for frame in scores.frames))
    return f'<h2>Curves</h2>{legend}<div class="figures">{"".join(figures)}</div>'


def _pictures(scores: Scores, folder: Path | None) -> str:
    """Show the best, median and worst frames, as far as their pictures are there."""
    movies, shown = movies_of(scores), []
    for which, frame in chosen(scores.frames):
        name = f"{file_name(frame.image, frame.frame if frame.image in movies else None)}.png"
        png = None if folder is None else _encoded(folder / name)
        if png is not None:
            told = f"{frame_name(frame, movies)}: {_outcome(frame)}"
            shown.append(parts.picture(png, f"{which} frame", told))
    if not shown:
        return ""
    return (
        f"<h2>Best, median and worst frame</h2>{parts.picture_legend()}"
        f'<div class="figures pictures">{"".join(shown)}</div>'
    )


def _outcome(frame: FrameCounts) -> str:
    objects = frame.objects
    found = objects.matched[0]
    f1 = as_number("object_f1", objects.scores()["object_f1"])
    return (
        f"{found} found, {objects.n_truth - found} missed, {objects.n_predicted - found} invented, "
        f"object F1 {f1}"
    )


def chosen(frames: Sequence[FrameCounts]) -> list[tuple[str, FrameCounts]]:
    """Choose the frames to show, by object F1.

    Parameters
    ----------
    frames : sequence of FrameCounts
        In any order.

    Returns
    -------
    list of (str, FrameCounts)
        ``"Best"``, ``"Median"`` and ``"Worst"``; fewer where there are fewer frames with objects.
    """
    ranked = [frame for frame in worst_first(frames) if not math.isnan(frame.scores()["object_f1"])]
    if not ranked:
        return []
    places = {"Best": len(ranked) - 1, "Worst": 0, "Median": (len(ranked) - 1) // 2}
    unique: dict[int, str] = {}
    for which, place in places.items():
        unique.setdefault(place, which)
    order = ("Best", "Median", "Worst")
    return sorted(
        ((which, ranked[place]) for place, which in unique.items()), key=lambda c: order.index(c[0])
    )


def _encoded(path: Path) -> str | None:
    """Read a picture, made smaller where it would make the page heavy; None when it is not there."""
    try:
        with Image.open(path) as picture:
            picture.thumbnail((_MOST_SIDE_PX, _MOST_SIDE_PX), Image.Resampling.LANCZOS)
            file = io.BytesIO()
            picture.save(file, "PNG", optimize=True)
    except OSError:
        return None
    return base64.b64encode(file.getvalue()).decode("ascii")
