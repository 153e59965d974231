"""A mosaic of 50,000 x 50,000 px from the file to its counts: memory, time, and each nucleus counted once.

Mosaics of two sizes are drawn from one square of nuclei that goes on at its own opposite edges, so that the
true number is known and nuclei lie across the borders of all blocks. ``SIDES`` (9000,50000) are the lengths
of their sides, multiples of 1,000 px. Each is predicted in a fresh process. Measured is the peak of all
memory that the process uses (VmHWM of Linux), files that it reads included. ``KEEP`` is a folder where the
mosaics stay, and are taken from the next time.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tifffile
from scipy import ndimage as ndi

from benchmarks._learning import SKIPPED
from napari_cellseg.config import PredictConfig
from napari_cellseg.data.opening import open_stack
from napari_cellseg.learn.registry import find_model
from napari_cellseg.pipeline import predict_stacks
from napari_cellseg.progress import follow

SIDES = tuple(int(n) for n in os.environ.get("SIDES", "9000,50000").split(","))
SQUARE, NUCLEUS_PX, TRIES = 1000, 26, 600
MOST_MB = 4096
STATUS = Path("/proc/self/status")


def square() -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.bool_]]:
    """Draw nuclei on a square that goes on at its opposite edge.

    Returns
    -------
    image : ndarray
        Axes YX, uint16.
    inside : ndarray
        Axes YX, bool: nuclei, none of which touches another.
    """
    rng = np.random.default_rng(0)
    rows, columns = np.indices((SQUARE, SQUARE))
    inside, glow = np.zeros((SQUARE, SQUARE), np.bool_), np.zeros((SQUARE, SQUARE))
    for _ in range(TRIES):
        place, turn = rng.uniform(0, SQUARE, 2), rng.uniform(0, np.pi)
        dy, dx = (
            (axis - at + SQUARE / 2) % SQUARE - SQUARE / 2
            for axis, at in zip((rows, columns), place, strict=True)
        )
        long, short = NUCLEUS_PX / 2 * rng.uniform(0.9, 1.3), NUCLEUS_PX / 2 * rng.uniform(0.7, 1)
        along, across = dy * np.cos(turn) + dx * np.sin(turn), dx * np.cos(turn) - dy * np.sin(turn)
        near = np.hypot(along / (long + 3), across / (short + 3)) < 1
        if not inside[near].any():
            here = np.hypot(along / long, across / short) < 1
            inside |= here
            glow += rng.uniform(400, 2500) * here
    blurred = ndi.gaussian_filter(glow, 1.5, mode="wrap")
    return (300 + blurred + rng.normal(0, 25, glow.shape)).clip(0, 65535).astype(np.uint16), inside


def true_number(inside: npt.NDArray[np.bool_], times: int) -> int:
    """Count the nuclei of a mosaic.

    Parameters
    ----------
    inside : ndarray
        From `square`.
    times : int
        So many squares lie along each side.

    Returns
    -------
    int
        Worked out from mosaics of one, two and three squares: it is a quadratic function of their side.
    """
    numbers = [ndi.label(np.tile(inside, (n, n)), np.ones((3, 3)))[1] for n in (1, 2, 3)]
    return round(float(np.polyval(np.polyfit((1, 2, 3), numbers, 2), times)))


def write(path: Path, image: npt.NDArray[np.uint16], side: int) -> None:
    """Write a mosaic in tiles, a few of them in memory.

    Parameters
    ----------
    path : Path
        A TIFF.
    image : ndarray
        From `square`.
    side : int
        Length of its sides in px.
    """
    tile, per_side = 512, -(-side // 512)

    def tiles() -> Iterator[npt.NDArray[np.uint16]]:
        for y in range(per_side):
            rows = np.take(image, np.arange(y * tile, (y + 1) * tile) % SQUARE, axis=0)
            for x in range(per_side):
                yield np.take(rows, np.arange(x * tile, (x + 1) * tile) % SQUARE, axis=1)

    tifffile.imwrite(
        path,
        tiles(),
        shape=(side, side),
        dtype=np.uint16,
        tile=(tile, tile),
        bigtiff=True,
        photometric="minisblack",
    )


def count(path: str) -> None:
    """Count the nuclei of a mosaic, and print number, peak of memory in MB and seconds.

    Parameters
    ----------
    path : str
        The TIFF.
    """
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(dir=Path(path).parent) as folder:
        model, config = find_model("nuclei-fluorescence"), PredictConfig(diameter_px=NUCLEUS_PX)
        cells = follow(predict_stacks([open_stack(path)], model, Path(folder) / "out", config=config))
        seconds = time.perf_counter() - start
    peak = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM"))
    print(f"{len(cells.cells)} {int(peak.split()[1]) / 1024:.0f} {seconds:.0f}")


def main() -> int:
    """Measure all sizes.

    Returns
    -------
    int
        0 when memory stays within 4 GB and numbers are right within 1 %, 1 when not, 75 where memory cannot
        be measured.
    """
    if not STATUS.is_file():
        print("this system does not tell the memory of a process as Linux does")
        return SKIPPED
    image, inside = square()
    fine = True
    with tempfile.TemporaryDirectory() as folder:
        for side in SIDES:
            path = Path(os.environ.get("KEEP", folder)) / f"mosaic_{side}.tif"
            if not path.is_file():
                write(path, image, side)
            code = f"from benchmarks.mosaic import count; count({str(path)!r})"
            done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
            found, peak, seconds = (int(word) for word in done.stdout.split())
            true = true_number(inside, side // SQUARE)
            print(
                f"{side} x {side} px: {found:,} of {true:,} nuclei ({(found - true) / true:+.3%}), "
                f"peak {peak:,} MB, {seconds} s, {side * side / 1e6 / seconds:.1f} Mpx/s",
                flush=True,
            )
            fine = fine and peak <= MOST_MB and abs(found - true) <= 0.01 * true
    return 0 if fine else 1
