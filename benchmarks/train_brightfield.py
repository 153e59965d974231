"""Nuclei in bright-field, learned from automatic labels of the stain, and from curated masks.

Both start from `nuclei-fluorescence`, which knows no image without a stain. ``MINUTES`` is the time of each.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from skimage.io import imread

from benchmarks._learning import DATA, SKIPPED, Case, Labels, find, learn, line, samples_of, score
from napari_cellseg.config import LabelConfig
from napari_cellseg.data.samples import Sample
from napari_cellseg.evaluate.scores import Scores
from napari_cellseg.label.auto import auto_label_frame, suggest_diameters
from napari_cellseg.learn.registry import bundled_models_folder

MINUTES = float(os.environ.get("MINUTES", "5"))
HELD_OUT_EVERY = 4


def cases() -> Iterator[tuple[Case, Labels]]:
    """Read the fields that have a stain.

    Yields
    ------
    Case
        Bright-field image with the curated mask (it merges touching nuclei); its group is the position.
    labels : ndarray
        Axes YX: automatic labels from the stain of the same field, -1 ignored.
    """
    for stain in sorted((DATA / "aisegcell" / "nuc").glob("*.tif")):
        (file,) = (DATA / "aisegcell" / "images").glob(f"{stain.stem}.*")
        (mask,) = (DATA / "aisegcell" / "masks").glob(f"{stain.stem}.*")
        position = "_".join(stain.stem.split("_")[:2])
        nuclei = imread(stain)
        low, high = suggest_diameters(nuclei) or (5.0, 30.0)
        config = LabelConfig(min_diameter_px=low, max_diameter_px=high)
        truth = np.asarray(imread(mask), np.int32)
        yield Case(stain.stem, position, imread(file), truth), auto_label_frame(nuclei, config)


def overlap(scores: Scores) -> str:
    """Write how well objects and pixels overlap with the truth.

    Parameters
    ----------
    scores : Scores
        Of some frames.

    Returns
    -------
    str
        Precision, recall and Dice of objects that overlap at all; Dice and IoU of pixels.
    """
    pooled = scores.pooled()
    told = "  ".join(f"{name} {pooled[f'overlap_{name}']:.3f}" for name in ("precision", "recall"))
    pixels = f"pixel Dice {pooled['pixel_f1']:.3f}  pixel IoU {pooled['pixel_iou']:.3f}"
    return f"    objects that overlap: {told}  Dice {pooled['overlap_f1']:.3f}  {pixels}"


def main() -> int:
    """Train on some positions, score on the others.

    Returns
    -------
    int
        0, or 75 without the images.
    """
    if not (DATA / "aisegcell").is_dir():
        print("the real images are not in ../shared/data")
        return SKIPPED
    everything = list(cases())
    positions = sorted({case.group for case, _ in everything})
    held_out = set(positions[1::HELD_OUT_EVERY])
    learned = [(case, labels) for case, labels in everything if case.group not in held_out]
    tested = [case for case, _ in everything if case.group in held_out]
    stain = [np.maximum(labels, 0) for case, labels in everything if case.group in held_out]
    print(f"{len(positions)} positions, {len(held_out)} held out: {', '.join(sorted(held_out))}")

    sources = {
        "automatic labels": [Sample(c.image, labels, c.group, c.name) for c, labels in learned],
        "curated masks": samples_of([case for case, _ in learned]),
    }
    experiments = {case.name: case.name.split("_")[0] for case in tested}
    with tempfile.TemporaryDirectory() as folder:
        for name, samples in sources.items():
            print(f"  training for {MINUTES:g} min on {name}")
            base = bundled_models_folder() / "nuclei-fluorescence"
            found, seconds = find(learn(samples, MINUTES, Path(folder) / name, base), tested)
            scores = score(tested, found, experiments)
            print(line(f"bright-field, learned from {name}", scores.pooled()), f" {seconds:.2f} s/Mpx")
            print(overlap(scores))
            for experiment in scores.groups:
                print(line(f"  {experiment}", scores.of(experiment).pooled()))
    itself = score(tested, stain, experiments)
    print(line("baseline: the stain itself, labelled", itself.pooled()))
    print(overlap(itself))
    return 0
