"""Automatic labels against curated masks: object F1 at IoU 0.5 per group, and time per frame."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import tifffile
from scipy import ndimage as ndi
from skimage.filters import gaussian, threshold_otsu
from skimage.io import imread

from napari_cellseg.config import LabelConfig
from napari_cellseg.evaluate.report import evaluate
from napari_cellseg.evaluate.scores import Scores
from napari_cellseg.label.auto import auto_label_frame, suggest_diameters
from napari_cellseg.progress import follow

DATA = Path(__file__).parents[2] / "shared" / "data"
SKIPPED = 75
TUNED_ON = frozenset({"181024TK20", "200925SK30", "210824YZ12", "240417YZ15", "170601SH11", "bbbc039 even"})
"""Experiments that settings inside the program were chosen on; the others were only looked at afterwards."""

Plane = npt.NDArray[Any]
Labeller = Callable[[Plane], npt.NDArray[np.int32]]


@dataclass(frozen=True, eq=False)
class Case:
    """A frame with its truth."""

    name: str
    experiment: str
    group: str
    image: Plane
    truth: npt.NDArray[np.int32]


def cases() -> Iterator[Case]:
    """Read the real images.

    Yields
    ------
    Case
        aisegcell (touching nuclei are merged in its masks), then bbbc039.
    """
    groups = pd.read_csv(DATA / "aisegcell" / "index.csv").set_index("name")["group"]
    for file in sorted((DATA / "aisegcell" / "nuc").glob("*.tif")):
        (mask,) = (DATA / "aisegcell" / "masks").glob(f"{file.stem}.*")
        name = file.stem
        yield Case(name, name.split("_")[0], groups[name], tifffile.imread(file), _truth(mask))
    for n, file in enumerate(sorted((DATA / "bbbc039" / "images").glob("*.tif"))):
        (mask,) = (DATA / "bbbc039" / "masks").glob(f"{file.stem}.*")
        half = "bbbc039 odd" if n % 2 else "bbbc039 even"
        yield Case(file.stem, half, "bbbc039", tifffile.imread(file), _truth(mask))


def _truth(file: Path) -> npt.NDArray[np.int32]:
    return np.asarray(imread(file), np.int32)


def plain_otsu(image: Plane) -> npt.NDArray[np.int32]:
    """Label as the usual short script does: Gaussian, Otsu, connected components of at least 5 px.

    Parameters
    ----------
    image : ndarray
        Axes YX.

    Returns
    -------
    ndarray
        Axes YX, int32.
    """
    smooth = gaussian(image.astype(np.float32), 1)
    objects, _ = ndi.label(ndi.binary_fill_holes(smooth > threshold_otsu(smooth)))
    keep = np.bincount(objects.ravel()) >= np.pi / 4 * 5**2
    return np.where(keep[objects], objects, 0).astype(np.int32)


def with_defaults(image: Plane) -> npt.NDArray[np.int32]:
    """Label with the settings that a person starts with (5 to 30 px).

    Parameters
    ----------
    image : ndarray
        Axes YX.

    Returns
    -------
    ndarray
        Axes YX, int32; ignored regions as background.
    """
    return np.maximum(auto_label_frame(image, LabelConfig()), 0)


def with_suggested_diameters(image: Plane) -> npt.NDArray[np.int32]:
    """Label with diameters estimated from the image itself.

    Parameters
    ----------
    image : ndarray
        Axes YX.

    Returns
    -------
    ndarray
        Axes YX, int32; ignored regions as background.
    """
    low, high = suggest_diameters(image) or (5.0, 30.0)
    config = LabelConfig(min_diameter_px=low, max_diameter_px=high)
    return np.maximum(auto_label_frame(image, config), 0)


def joined(labels: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Merge what touches, as the truth of aisegcell does.

    Parameters
    ----------
    labels : ndarray
        Axes YX, int32.

    Returns
    -------
    ndarray
        Axes YX, int32.
    """
    return np.asarray(ndi.label(labels > 0, np.ones((3, 3)))[0], np.int32)


def compare(title: str, label: Labeller, frames: list[Case]) -> None:
    """Label all frames and print the scores.

    Parameters
    ----------
    title : str
        What is measured.
    label : callable
        Makes labels from an image.
    frames : list of Case
        The frames.
    """
    predictions, seconds = [], []
    for case in frames:
        start = time.perf_counter()
        predictions.append(label(case.image))
        seconds.append((time.perf_counter() - start) * 2**20 / case.image.size)
    print(f"\n{title} ({np.median(seconds):.2f} s per 1024 x 1024 px)")
    print(f"{'':24}  frames nuclei     F1   recall precision  F1 joined  overlap F1   Dice   count")
    for part, chosen in _parts(frames).items():
        _print_row(
            part, [(case, labels) for case, labels in zip(frames, predictions, strict=True) if case in chosen]
        )


def _parts(frames: list[Case]) -> dict[str, list[Case]]:
    """Divide the frames by group, and by whether settings were chosen on them."""
    parts: dict[str, list[Case]] = {}
    for case in frames:
        parts.setdefault(case.group, []).append(case)
    for name in ("aisegcell", "bbbc039"):
        every = [case for case in frames if (case.group == "bbbc039") == (name == "bbbc039")]
        parts[f"{name}: tuned on"] = [case for case in every if case.experiment in TUNED_ON]
        parts[f"{name}: held out"] = [case for case in every if case.experiment not in TUNED_ON]
        parts[f"{name}: all"] = every
    return parts


def _print_row(name: str, some: list[tuple[Case, npt.NDArray[np.int32]]]) -> None:
    scores = _scores([(case.name, case.truth, labels) for case, labels in some]).pooled()
    merged = _scores([(case.name, case.truth, joined(labels)) for case, labels in some]).pooled()
    figures = "  ".join(
        f"{value:7.3f}"
        for value in (
            scores["object_f1"],
            scores["object_recall"],
            scores["object_precision"],
            merged["object_f1"],
            scores["overlap_f1"],
            scores["pixel_f1"],
        )
    )
    print(f"{name:24} {len(some):5d} {scores['n_truth']:7.0f}  {figures}  {scores['count_error']:+7.1%}")


def _scores(pairs: list[tuple[str, Plane, Plane]]) -> Scores:
    return follow(evaluate(pairs))


def main() -> int:
    """Print the scores of automatic labels and of a plain Otsu threshold.

    Returns
    -------
    int
        0; 75 when the real images are not there.
    """
    if not DATA.is_dir():
        print(f"The real images are not in {DATA.name}: skipped")
        return SKIPPED
    frames = list(cases())
    compare("baseline: Gaussian, global Otsu, connected components", plain_otsu, frames)
    compare("auto-label, default settings (5 to 30 px)", with_defaults, frames)
    compare("auto-label, diameters suggested per image", with_suggested_diameters, frames)
    return 0
