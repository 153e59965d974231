"""Whether memory grows with the number of frames: counting short and long movies, each in a fresh process.

Frames of 256 x 256 px with a few nuclei are generated as they are asked for; labels and tables are written
as always. ``FRAMES`` (20,200,2000) are the lengths. Measured is the peak of memory that belongs to the
process (RssAnon of Linux, every 20 ms): pages of mapped files can be dropped by the system at any time.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import dask.array as da
import numpy as np
import numpy.typing as npt

from benchmarks._learning import SKIPPED
from napari_cellseg.config import PredictConfig
from napari_cellseg.data.stack import Stack
from napari_cellseg.learn.registry import find_model
from napari_cellseg.pipeline import predict_stacks
from napari_cellseg.progress import follow

FRAMES = tuple(int(n) for n in os.environ.get("FRAMES", "20,200,2000").split(","))
SIDE, NUCLEI, NUCLEUS_PX = 256, 5, 20
ALLOWED = 1.15
STATUS = Path("/proc/self/status")


def frame(block_id: tuple[int, ...]) -> npt.NDArray[np.uint16]:
    """Draw one frame.

    Parameters
    ----------
    block_id : tuple of int
        Its place in the movie comes first.

    Returns
    -------
    ndarray
        Axes TCZYX, one plane.
    """
    rng = np.random.default_rng(block_id[0])
    rows, columns = np.ogrid[:SIDE, :SIDE]
    image = rng.normal(300, 20, (SIDE, SIDE))
    for y, x in rng.uniform(0, SIDE, (NUCLEI, 2)):
        image += 2000 * (np.hypot(rows - y, columns - x) < NUCLEUS_PX / 2)
    return image.astype(np.uint16)[None, None, None]


def anonymous_mb() -> float:
    """Read how much memory belongs to this process alone.

    Returns
    -------
    float
        In MB.
    """
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith("RssAnon"))
    return int(line.split()[1]) / 1000


def count(n_frames: int) -> None:
    """Count a movie, and print the peak of memory and the time.

    Parameters
    ----------
    n_frames : int
        Its length.
    """
    movie = da.map_blocks(
        frame,
        chunks=((1,) * n_frames, (1,), (1,), (SIDE,), (SIDE,)),
        dtype=np.uint16,
        meta=np.empty((0,) * 5),
    )
    peak, over = [anonymous_mb()], threading.Event()

    def watch() -> None:
        while not over.wait(0.02):
            peak[0] = max(peak[0], anonymous_mb())

    thread = threading.Thread(target=watch)
    thread.start()
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        config = PredictConfig(diameter_px=NUCLEUS_PX)
        stack = Stack(movie, ("Nuclei",), "movie")
        cells = follow(
            predict_stacks([stack], find_model("nuclei-fluorescence"), Path(folder), config=config)
        )
    over.set()
    thread.join()
    print(f"{peak[0]:.0f} {time.perf_counter() - start:.0f} {len(cells.cells)}")


def main() -> int:
    """Measure all lengths.

    Returns
    -------
    int
        0 when memory is flat, 1 when it grows, 75 where it cannot be measured.
    """
    if not STATUS.is_file():
        print("this system does not tell the memory of a process as Linux does")
        return SKIPPED
    peaks = {}
    for n in FRAMES:
        code = f"from benchmarks.memory import count; count({n})"
        done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
        peak, seconds, objects = (float(word) for word in done.stdout.split())
        peaks[n] = peak
        ratio = peak / peaks[FRAMES[0]]
        print(
            f"{n:>6} frames, {objects:.0f} objects: peak {peak:.0f} MB, {ratio:.2f} x, {seconds:.0f} s",
            flush=True,
        )
    return 0 if max(peaks.values()) <= ALLOWED * peaks[FRAMES[0]] else 1
