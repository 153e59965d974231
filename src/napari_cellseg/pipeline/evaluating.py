"""Last step: how good predictions are, against a known truth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy.typing as npt

from napari_cellseg.data.channels import find_channels
from napari_cellseg.data.listing import images_at
from napari_cellseg.data.names import understand_names
from napari_cellseg.data.read import match_by_stem, open_stacks
from napari_cellseg.errors import InputError
from napari_cellseg.evaluate.bootstrap import intervals
from napari_cellseg.evaluate.groups import groups_of, read_groups
from napari_cellseg.evaluate.report import Scores, evaluate, write_scores
from napari_cellseg.progress import Note, Steps


def evaluate_folders(
    truth: Path,
    prediction: Path,
    out: Path,
    *,
    images: Path | None = None,
    probabilities: Path | None = None,
    groups: Path | None = None,
    report: bool = True,
) -> Steps[Scores]:
    """Compare predicted labels with a known truth.

    Writes ``scores.json`` and ``scores.csv``, overlay pictures, and, unless told otherwise, ``report.html``,
    ``groups.csv``, ``ap_curve.csv`` and, with probabilities, ``calibration.csv``.

    Parameters
    ----------
    truth, prediction : Path
        Folders of label files, matched by name; or two files.
    out : Path
        Where scores and pictures go.
    images : Path, optional
        Folder of the images, to draw on.
    probabilities : Path, optional
        Folder of predicted probabilities, or one file, matched by name.
    groups : Path, optional
        A CSV file with the columns image and group; by default groups are told apart by the names of the
        files.
    report : bool
        False leaves the report and its tables out.

    Yields
    ------
    Event
        `Progress`, and a `Note` where `groups` does not name all images.

    Returns
    -------
    Scores
        Of all images, of each group, and pooled.
    """
    pairs = match_by_stem(images_at(truth), images_at(prediction))
    stacks = {stack.name: stack for stack in open_stacks([images], z="max")} if images else {}
    files = [file for file, _ in pairs]
    grouped = _groups(files, groups)
    if groups is not None and len(grouped) < len(files):
        yield Note(f"{groups} names {len(grouped)} of {len(files)} images; the others belong to no group.")

    def image_of(name: str, t: int) -> npt.NDArray[Any] | None:
        stack = stacks.get(name)
        return None if stack is None else stack.frame(t, find_channels(stack).image or 0)

    named = [(file.stem, file, other) for file, other in pairs]
    chances = _probabilities(files, probabilities)
    scores = yield from evaluate(named, grouped, pictures=out, image_of=image_of, probabilities=chances)
    found = intervals(scores)
    write_scores(out, scores, found)
    if report:
        from napari_cellseg.evaluate.report_page import About, write_report  # matplotlib only where needed

        told = {"images": images, "probabilities": probabilities, "groups": groups}
        where = {name: str(path) if path else "" for name, path in told.items()}
        about = About(str(truth), str(prediction), where["images"], where["probabilities"], where["groups"])
        write_report(out, scores, found, about, pictures=out)
    return scores


def _groups(files: Sequence[Path], told: Path | None) -> dict[str, str]:
    """Find the group of every image, as the person tells it or as its name does."""
    if told is not None:
        return groups_of([file.stem for file in files], read_groups(told), f"of {told}")
    return {row.file.stem: row.field for row in understand_names(list(files)).rows if row.told}


def _probabilities(files: Sequence[Path], told: Path | None) -> dict[str, Path]:
    """Find the probabilities of every image."""
    if told is None:
        return {}
    try:
        matched = match_by_stem(list(files), images_at(told))
    except InputError as error:
        found, expected, _ = error.args
        to_do = "Write them with `napari-cellseg predict --probabilities`, or leave --probabilities out"
        raise InputError(f"Probabilities: {found}", expected, to_do) from error
    return {file.stem: other for file, other in matched}
