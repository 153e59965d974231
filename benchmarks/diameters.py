"""How well the bundled models measure objects, and what leaving out the second look spares.

Frames are resized by ``FACTORS`` (1,0.5), which magnifies less. A model looks at each in one size or two,
see `napari_cellseg.learn.size`, and the typical diameter that it finds is compared with that of the true
objects; then it looks in both sizes always. It learned from most of these frames, but from no diameter.
``EVERY`` so many-th frame is taken (7).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from unittest import mock

import dask.array as da
import numpy as np
import numpy.typing as npt
from skimage.transform import rescale

from benchmarks._bundled_data import cells_phase, nuclei_brightfield, nuclei_fluorescence
from benchmarks._learning import DATA, SKIPPED
from napari_cellseg.config import PredictConfig
from napari_cellseg.data.stack import Stack
from napari_cellseg.learn import size
from napari_cellseg.learn.predict import estimate_diameter
from napari_cellseg.learn.registry import find_model
from napari_cellseg.learn.targets import median_diameter_px

FACTORS = [float(factor) for factor in os.environ.get("FACTORS", "1,0.5").split(",")]
EVERY = int(os.environ.get("EVERY", "7"))
PARTS = {
    "nuclei-fluorescence": nuclei_fluorescence,
    "nuclei-brightfield": nuclei_brightfield,
    "cells-phase": cells_phase,
}
ALLOWED = 1.3
NEVER = 2.0
"""Pixels cannot agree so well."""


@dataclass(frozen=True, eq=False)
class Frame:
    """A frame, the model for it, and the typical diameter of its true objects in px."""

    model: str
    image: npt.NDArray[np.float32]
    diameter_px: float


def frames(factor: float) -> Iterator[Frame]:
    """Read frames and resize them.

    Parameters
    ----------
    factor : float
        Of their sides.

    Yields
    ------
    Frame
        Those that hold objects.
    """
    for model, part in PARTS.items():
        read = part()
        for case in (read.tested + read.training)[::EVERY]:
            true = median_diameter_px(case.truth)
            image = case.image.astype(np.float32)
            if true is not None:
                yield Frame(model, rescale(image, factor, anti_aliasing=factor < 1), true * factor)


def measured(kept: list[Frame], sure: float) -> tuple[npt.NDArray[np.float64], float]:
    """Measure the diameter in every frame.

    Parameters
    ----------
    kept : list of Frame
        The frames.
    sure : float
        How well pixels must agree for the second look to be left out.

    Returns
    -------
    ratios : ndarray
        Of each diameter to the true one.
    seconds : float
        What it took in all.
    """
    ratios, start = [], time.perf_counter()
    with mock.patch.object(size, "_SURE", sure):
        for frame in kept:
            stack = Stack(da.from_array(frame.image[None, None, None]), ("image",), "frame")
            found = estimate_diameter(stack, 0, find_model(frame.model), PredictConfig())
            ratios.append(found / frame.diameter_px)
    return np.array(ratios), time.perf_counter() - start


def main() -> int:
    """Measure, and print how often it goes wrong.

    Returns
    -------
    int
        0, or 75 without the images.
    """
    if not (DATA / "dsb2018").is_dir():
        print("the real images are not in ../shared/data")
        return SKIPPED
    for factor in FACTORS:
        kept = list(frames(factor))
        times = []
        for told, sure in (("as it is", size._SURE), ("always two looks", NEVER)):
            ratios, seconds = measured(kept, sure)
            off = np.exp(np.abs(np.log(ratios)))
            times.append(seconds)
            print(
                f"{len(kept)} frames at {factor:g} of their size, {told}: {np.mean(off > ALLOWED):.1%} off "
                f"by more than {ALLOWED:g}, median {np.median(off):.3f}, {seconds / len(kept):.2f} s each",
                flush=True,
            )
        print(f"  always two looks take {times[1] / times[0]:.2f} x as long")
    return 0
