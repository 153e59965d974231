"""Evaluating many predictions, one pair of frames in memory at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_cellseg.data.labels import open_labels
from napari_cellseg.data.movie_file import MovieFile, movie_of_array
from napari_cellseg.data.probabilities import as_fractions, open_probabilities
from napari_cellseg.data.write import write_csv, write_text
from napari_cellseg.errors import InputError
from napari_cellseg.evaluate.calibration import Reliability, count_probabilities
from napari_cellseg.evaluate.objects import count_objects
from napari_cellseg.evaluate.overlaps import check_shapes
from napari_cellseg.evaluate.pictures import file_name, write_overlay
from napari_cellseg.evaluate.pixels import count_pixels
from napari_cellseg.evaluate.scores import FrameCounts, Scores
from napari_cellseg.progress import Clock, Steps

__all__ = ["ImageOf", "Scores", "Source", "evaluate", "write_scores"]

Source = npt.NDArray[Any] | Path | str
"""Labels: an array with the axes YX or TYX, or a file."""

ImageOf = Callable[[str, int], npt.NDArray[Any] | None]
"""Gives the image YX of (name, time point) to draw on; None where there is none."""


def evaluate(
    pairs: Sequence[tuple[str, Source, Source]],
    groups: Mapping[str, str] | None = None,
    *,
    pictures: Path | None = None,
    image_of: ImageOf | None = None,
    probabilities: Mapping[str, Source] | None = None,
) -> Steps[Scores]:
    """Compare predictions with the truth.

    Parameters
    ----------
    pairs : sequence of (str, labels, labels)
        Name, truth and prediction, each an array or a file, with the axes YX or TYX, integer: 0 background,
        1, 2, ... objects; -1 in the truth is ignored.
    groups : mapping of str to str, optional
        Group of each name, such as its position or experiment; those not named have none.
    pictures : Path, optional
        Folder for an overlay picture of every frame, see `pictures`.
    image_of : callable, optional
        Gives the images to draw on.
    probabilities : mapping of str to array or file, optional
        Predicted probability of foreground of each name, of the shape of the truth: fractions from 0 to 1,
        uint8 (of 255) or uint16 (of 65,535); names without are evaluated without.

    Yields
    ------
    Progress
        After every frame.

    Returns
    -------
    Scores
        One row a frame; total and groups are worked out from them.

    Raises
    ------
    InputError
        There is nothing to compare, a truth and its prediction or probabilities differ in shape, or a file
        cannot be read.
    StorageError
        The pictures cannot be written.
    """
    if not pairs:
        raise InputError("There are no images to evaluate", "A truth and its prediction are needed")
    groups = groups or {}
    rows: list[FrameCounts] = []
    clock = Clock(len(pairs), "images compared")
    for done, (name, truth_source, prediction_source) in enumerate(pairs):
        truth, prediction = _movie(truth_source), _movie(prediction_source)
        check_shapes(truth.shape, prediction.shape, name)
        chances = _chances((probabilities or {}).get(name), truth, name)
        for t, (true, predicted) in enumerate(zip(truth, prediction, strict=True)):
            counted = count_pixels(true, predicted), count_objects(true, predicted)
            held = None if chances is None else _held(true, chances[t], name)
            rows.append(FrameCounts(name, t, groups.get(name, ""), *counted, held))
            if pictures is not None:
                image = None if image_of is None else image_of(name, t)
                file = file_name(name, t if len(truth) > 1 else None)
                write_overlay(pictures / f"{file}.png", image, true, predicted)
            yield clock.at(done + 1 if t + 1 == len(truth) else done)
    return Scores(tuple(rows))


def _movie(source: Source) -> MovieFile:
    if not isinstance(source, np.ndarray):
        return open_labels(source)
    if source.ndim not in (2, 3):
        raise InputError(
            f"The labels have the shape {source.shape}",
            "Two axes (height, width) or three (time, height, width) are needed",
        )
    return movie_of_array(source)


def _chances(source: Source | None, truth: MovieFile, name: str) -> MovieFile | None:
    """Open probabilities, and refuse those of another shape."""
    if source is None:
        return None
    movie = movie_of_array(source) if isinstance(source, np.ndarray) else open_probabilities(source)
    if movie.shape != truth.shape:
        raise InputError(
            f"The truth of {name} has the shape {truth.shape}, its probabilities {movie.shape}",
            "Both must have the same frames, height and width",
            "Choose the probabilities that were predicted for this image, at its full size",
        )
    return movie


def _held(truth: npt.NDArray[Any], chances: npt.NDArray[Any], name: str) -> Reliability:
    return count_probabilities(truth, as_fractions(chances, f"of {name}"), name)


def write_scores(folder: Path, scores: Scores, intervals: pd.DataFrame | None = None) -> tuple[Path, Path]:
    """Write ``scores.json`` (everything) and ``scores.csv`` (one row a frame).

    Parameters
    ----------
    folder : Path
        Where they go; made when it is not there. Files of these names are replaced: they can be made again.
    scores : Scores
        What to write.
    intervals : pandas.DataFrame, optional
        From `bootstrap.intervals`, to be kept in the JSON.

    Returns
    -------
    tuple of Path
        The two files, JSON first.

    Raises
    ------
    StorageError
        The folder cannot be written, or the disk is full.
    """
    paths = folder / "scores.json", folder / "scores.csv"
    write_text(paths[0], scores.to_json(intervals) + "\n")
    write_csv(paths[1], scores.to_frame())
    return paths
