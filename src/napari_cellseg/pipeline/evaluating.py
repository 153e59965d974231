"""Last step: how good predictions are, against a known truth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy.typing as npt

from napari_cellseg.data.channels import find_channels
from napari_cellseg.data.listing import images_in
from napari_cellseg.data.names import understand_names
from napari_cellseg.data.read import match_by_stem, open_stacks
from napari_cellseg.evaluate.report import Scores, evaluate, write_scores
from napari_cellseg.progress import Steps


def evaluate_folders(
    truth: Path, prediction: Path, out: Path, *, images: Path | None = None
) -> Steps[Scores]:
    """Compare predicted labels with a known truth.

    Writes ``scores.json`` and overlay pictures.

    Parameters
    ----------
    truth, prediction : Path
        Folders of label files, matched by name; or two files.
    out : Path
        Where scores and pictures go.
    images : Path, optional
        Folder of the images, to draw on.

    Yields
    ------
    Event
        `Progress`.

    Returns
    -------
    Scores
        Of all images, of each group, and pooled.
    """
    pairs = match_by_stem(_label_files(truth), _label_files(prediction))
    stacks = {stack.name: stack for stack in open_stacks([images], z="max")} if images else {}
    names = understand_names([file for file, _ in pairs])
    groups = {row.file.stem: row.field for row in names.rows if row.told}

    def image_of(name: str, t: int) -> npt.NDArray[Any] | None:
        stack = stacks.get(name)
        return None if stack is None else stack.frame(t, find_channels(stack).image or 0)

    named = [(file.stem, file, other) for file, other in pairs]
    scores = yield from evaluate(named, groups, pictures=out, image_of=image_of)
    write_scores(out, scores)
    return scores


def _label_files(path: Path) -> list[Path]:
    return images_in(path) if path.is_dir() else [path]
