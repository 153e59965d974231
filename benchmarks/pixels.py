"""Pixels of held-out Data Science Bowl images of all kinds, at 256 x 256: IoU, F1 and accuracy.

As the literature on this set has it, images and masks are resized to 256 x 256, whatever their shape, and
only foreground and background count. Held out are whole groups of images, none of which a model in the folder
``MODELS`` may have seen (those that come with the program have: they learned from all in the end).

Published figures are of images drawn at random, so that every kind is known from others like it. With
``MINUTES``, a network learns for so long from four of every five images of each group and is scored on the
fifth; it is kept in the folder ``RESULTS``, ``SEED`` is its seed. Its encoder starts from photographs, see
`_photographs`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from skimage.transform import resize

from benchmarks._bundled_data import Part, nuclei_fluorescence
from benchmarks._learning import DATA, SKIPPED, Case, find
from benchmarks._photographs import taught
from napari_cellseg.evaluate.pixels import PixelCounts, count_pixels
from napari_cellseg.learn.registry import bundled_models_folder

MODEL = Path(os.environ.get("MODELS", bundled_models_folder())) / "nuclei-fluorescence"
MINUTES, SEED = float(os.environ.get("MINUTES", "0")), int(os.environ.get("SEED", "0"))
RESULTS = Path(os.environ.get("RESULTS", Path(__file__).parent / ".results"))
SIDE_PX, OBJECT_PX = 256, 20.0
EVERY = 5
PUBLISHED = {"pixel_iou": 0.8269, "pixel_f1": 0.8973, "pixel_accuracy": 0.9715}
"""Of a U-Net with 31 million parameters on this set."""


def resized(case: Case) -> Case:
    """Resize an image, averaging, and its mask, taking the nearest pixel.

    Parameters
    ----------
    case : Case
        Any size.

    Returns
    -------
    Case
        256 x 256 px.
    """
    shape = (SIDE_PX, SIDE_PX)
    image = resize(case.image.astype(np.float32), shape, order=1, anti_aliasing=True, preserve_range=True)
    truth = resize(case.truth, shape, order=0, anti_aliasing=False, preserve_range=True)
    return Case(case.name, case.group, image, truth.astype(np.int32))


def told(counts: Sequence[PixelCounts]) -> str:
    """Write the scores of some images.

    Parameters
    ----------
    counts : sequence of PixelCounts
        One per image.

    Returns
    -------
    str
        Over all pixels together, the mean over images that have anything to score, and what was published.
    """
    pooled = sum(counts, PixelCounts()).scores()
    each = [count.scores() for count in counts]
    return "  ".join(
        f"{name.removeprefix('pixel_')} {pooled[name]:.4f}, by image "
        f"{np.nanmean([scores[name] for scores in each]):.4f} (published {published})"
        for name, published in PUBLISHED.items()
    )


def by_image(cases: Sequence[Case]) -> tuple[list[Case], list[Case]]:
    """Part images at random, those of every group alike.

    Parameters
    ----------
    cases : sequence of Case
        All images.

    Returns
    -------
    learned, tested : list of Case
        Four of every five, and the others; of a group of fewer, none is tested.
    """
    order = np.random.default_rng(SEED).permutation(len(cases))
    seen: dict[str, int] = {}
    learned: list[Case] = []
    tested: list[Case] = []
    for case in (cases[i] for i in order):
        seen[case.group] = seen.get(case.group, 0) + 1
        (tested if seen[case.group] % EVERY == 0 else learned).append(case)
    return learned, tested


def _bowl_of(part: Part, cases: Sequence[Case]) -> list[Case]:
    return [case for case in cases if part.kinds[case.name] != "U2OS"]


def main() -> int:
    """Predict and score.

    Returns
    -------
    int
        0, or 75 without the images.
    """
    if not (DATA / "dsb2018").is_dir():
        print("the real images are not in ../shared/data")
        return SKIPPED
    part = nuclei_fluorescence()
    if MINUTES:
        learned, cases = by_image([resized(c) for c in _bowl_of(part, [*part.training, *part.tested])])
        model = RESULTS / f"pixels-{MINUTES:g}-{SEED}"
        if not model.is_dir():
            taught(learned, model, MINUTES, SEED, OBJECT_PX)
    else:
        model, cases = MODEL, [resized(case) for case in _bowl_of(part, part.tested)]
    found, _ = find(model, cases)
    counts = [count_pixels(case.truth, labels) for case, labels in zip(cases, found, strict=True)]
    print(f"all, {len(cases)} images: {told(counts)}")
    groups = [case.group for case in cases]
    for group in sorted(set(groups)):
        of_group = [count for count, is_of in zip(counts, groups, strict=True) if is_of == group]
        print(f"{group}, {len(of_group)} images: {told(of_group)}")
    return 0
