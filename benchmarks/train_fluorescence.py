"""Nuclei in fluorescence, learned from curated masks: AP at IoU 0.5 to 0.9 on kinds of image held out."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import ndimage as ndi
from skimage.filters import gaussian, threshold_otsu
from skimage.io import imread

from benchmarks._learning import DATA, SKIPPED, Case, Labels, find, learn, line, score
from napari_cellseg.data.samples import Sample
from napari_cellseg.learn.targets import median_diameter_px

MINUTES = float(os.environ.get("MINUTES", "8"))
HELD_OUT_EVERY = 5


def cases() -> list[Case]:
    """Read the fluorescence images of the Data Science Bowl 2018.

    Returns
    -------
    list of Case
        The set does not say which images come from one experiment. Images of one size, with nuclei of about
        one size and a background of about one brightness, are taken for a group.
    """
    index = pd.read_csv(DATA / "dsb2018" / "index.csv")
    found = []
    for name in index.loc[index["kind"] == "fluo", "id"]:
        image = np.asarray(imread(DATA / "dsb2018" / "images" / f"{name}.png"))
        image = image[..., :3].max(axis=-1) if image.ndim == 3 else image
        (mask,) = (DATA / "dsb2018" / "masks").glob(f"{name}.*")
        truth = np.asarray(imread(mask), np.int32)
        size = round(2 * np.log2(median_diameter_px(truth) or 1))
        light = round(np.log2(1 + float(np.median(image))))
        found.append(
            Case(name, f"{image.shape[0]}x{image.shape[1]}, size {size}, light {light}", image, truth)
        )
    return found


def plain_otsu(case: Case) -> Labels:
    """Label as the usual short script does: Gaussian, Otsu, connected components.

    Parameters
    ----------
    case : Case
        The image.

    Returns
    -------
    ndarray
        Axes YX, int32.
    """
    smooth = gaussian(case.image.astype(np.float32), 1)
    objects, _ = ndi.label(ndi.binary_fill_holes(smooth > threshold_otsu(smooth)))
    keep = np.bincount(objects.ravel()) >= np.pi / 4 * 4**2
    return np.where(keep[objects], objects, 0).astype(np.int32)


def main() -> int:
    """Train on some groups, score on the others.

    Returns
    -------
    int
        0, or 75 without the images.
    """
    if not (DATA / "dsb2018").is_dir():
        print("the real images are not in ../shared/data")
        return SKIPPED
    everything = cases()
    groups = sorted({case.group for case in everything})
    held_out = set(groups[2::HELD_OUT_EVERY])
    tested = [case for case in everything if case.group in held_out]
    samples = [Sample(c.image, c.truth, c.group, c.name) for c in everything if c.group not in held_out]
    print(
        f"{len(everything)} images in {len(groups)} groups; {len(tested)} images in {len(held_out)} held out"
    )
    with tempfile.TemporaryDirectory() as folder:
        print(f"  training for {MINUTES:g} min")
        found, seconds = find(learn(samples, MINUTES, Path(folder) / "model"), tested)
    ours, otsu = (score(tested, labels) for labels in (found, [plain_otsu(case) for case in tested]))
    print(line("network", ours.pooled()), f" {seconds:.2f} s/Mpx")
    print(line("baseline: Gaussian and Otsu", otsu.pooled()))
    a, b = ours.mean()["ap50"], otsu.mean()["ap50"]
    print(f"AP50, mean of the images: network {a:.3f}, baseline {b:.3f}, ratio {a / b:.2f}")
    for group in ours.groups:
        print(line(f"  {group} ({len(ours.of(group).frames)})", ours.of(group).pooled()))
    return 0
