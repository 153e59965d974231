"""The tables of an evaluation as CSV files: their columns, declared once, and how they are filled.

``scores.csv`` (one row a frame) is written with the scores themselves, see `report.write_scores`.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from napari_cellseg import __version__
from napari_cellseg.data.write import storage, write_csv
from napari_cellseg.evaluate.calibration import Reliability
from napari_cellseg.evaluate.formulas import THRESHOLDS, ap_name
from napari_cellseg.evaluate.scores import DEFINITIONS, Scores
from napari_cellseg.evaluate.text import SECTIONS

GROUPS_CSV, CURVE_CSV, CALIBRATION_CSV = "groups.csv", "ap_curve.csv", "calibration.csv"

_WHOSE = {
    "scope": "`total`, or `group`",
    "group": "Name of the group; empty for the total",
}

INTERVALS = {
    **_WHOSE,
    "n_frames": "Number of frames",
    "n_truth": "True objects in them",
    "n_predicted": "Predicted objects in them",
    "score": "Name of the score, as a column of scores.csv",
    "pooled": "The score, all pixels and objects counted together",
    "pooled_low": "Lower end of its interval; empty when there is none",
    "pooled_high": "Upper end of its interval",
    "mean": "Mean of the frames' scores, frames without the score left out",
    "mean_low": "Lower end of its interval",
    "mean_high": "Upper end of its interval",
    "resampled": "What was drawn for the bootstrap, and how many of them there are",
    "level": "Part of the resamples that lies within the interval",
    "n_resamples": "Number of resamples",
    "seed": "Seed of the random draws",
    "note": "Why there is no interval, or what it does not cover",
    "program_version": "Version of napari-cellseg",
}
"""Columns of ``groups.csv`` and what they hold."""

CURVE = {
    **_WHOSE,
    "iou_threshold": "Least IoU at which a predicted object counts as found",
    "ap": "TP / (TP + FP + FN), all objects counted together",
    "ap_low": "Lower end of its interval; empty when there is none",
    "ap_high": "Upper end of its interval",
    "program_version": "Version of napari-cellseg",
}
"""Columns of ``ap_curve.csv`` and what they hold."""

CALIBRATION = {
    **_WHOSE,
    "probability_from": "Lower edge of the bin of predicted probability",
    "probability_to": "Upper edge of the bin",
    "n_px": "Pixels in the bin",
    "mean_probability": "Their mean predicted probability; empty when there are none",
    "observed_fraction": "Part of them that is foreground in the truth",
    "program_version": "Version of napari-cellseg",
}
"""Columns of ``calibration.csv`` and what they hold."""


def curve_table(intervals: pd.DataFrame) -> pd.DataFrame:
    """Take AP against the IoU threshold from the table of all scores.

    Parameters
    ----------
    intervals : pandas.DataFrame
        From `bootstrap.intervals`.

    Returns
    -------
    pandas.DataFrame
        One row for each threshold of the total and of each group; the columns of `CURVE` but the last.
    """
    threshold = {ap_name(t): t for t in THRESHOLDS}
    rows = intervals[intervals["score"].isin(list(threshold))]
    curve = rows[["scope", "group"]].copy()
    curve["iou_threshold"] = rows["score"].map(threshold)
    for name, of in (("ap", "pooled"), ("ap_low", "pooled_low"), ("ap_high", "pooled_high")):
        curve[name] = rows[of]
    return curve.reset_index(drop=True)


def calibration_table(scores: Scores) -> pd.DataFrame:
    """Lay the reliability curves of the total and of each group out as a table.

    Parameters
    ----------
    scores : Scores
        Of frames with probabilities.

    Returns
    -------
    pandas.DataFrame
        One row a bin; the columns of `CALIBRATION` but the last. Groups without probabilities have no pixels.
    """
    parts = []
    for group in ("", *scores.groups):
        held = (scores.of(group) if group else scores).reliability() or Reliability()
        curve = held.curve()
        curve.insert(0, "scope", "group" if group else "total")
        curve.insert(1, "group", group)
        parts.append(curve)
    return pd.concat(parts, ignore_index=True)


def write_tables(folder: Path, scores: Scores, intervals: pd.DataFrame) -> list[Path]:
    """Write ``groups.csv``, ``ap_curve.csv`` and, where there are probabilities, ``calibration.csv``.

    Parameters
    ----------
    folder : Path
        Where they go; made when it is not there. Files of these names are replaced: they can be made again.
    scores : Scores
        What was counted.
    intervals : pandas.DataFrame
        From `bootstrap.intervals`.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    StorageError
        The folder cannot be written, or the disk is full.
    """
    tables = {GROUPS_CSV: intervals, CURVE_CSV: curve_table(intervals)}
    if scores.reliability() is not None:
        tables[CALIBRATION_CSV] = calibration_table(scores)
    else:  # that of an earlier evaluation would be taken for this one's
        with storage(folder):
            (folder / CALIBRATION_CSV).unlink(missing_ok=True)
    for name, table in tables.items():
        write_csv(folder / name, table.assign(program_version=__version__))
    return [folder / name for name in tables]


def reference() -> str:
    """Write the reference of all columns.

    Returns
    -------
    str
        Markdown: one table a file.
    """
    labels = {name: f"{label} ({title})" for title, rows in SECTIONS for name, label in rows}
    frames = {
        "image": "Name of the image or movie",
        "frame": "Time point, from 0",
        "group": "Group of the image; empty when there is none",
        **{name: DEFINITIONS.get(name, label) for name, label in labels.items()},
        "n_truth": "True objects",
        "n_predicted": "Predicted objects",
    }
    files = {
        "scores.csv": frames,
        GROUPS_CSV: INTERVALS,
        CURVE_CSV: CURVE,
        CALIBRATION_CSV: CALIBRATION,
    }
    lines: list[str] = []
    for file, columns in files.items():
        lines += [f"### {file}", "", "| column | what it holds |", "|---|---|"]
        lines += [f"| `{name}` | {told} |" for name, told in columns.items()]
        lines.append("")
    return "\n".join(lines)
