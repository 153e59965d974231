"""How much faster more processors are: a batch by 1, 2, ... workers, one frame by 1, 2, ... threads.

``FILES`` (48) images of nuclei of 1000 x 1000 px are counted by ``batch``, once for each number of workers up
to the number of processors, and one of them is predicted with as many threads. ``--write`` renews
docs/benchmarks.md.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import tifffile
import torch

from benchmarks._front import put_between
from benchmarks._turns import in_turns, machine, spread
from benchmarks.mosaic import NUCLEUS_PX, square
from napari_cellseg.config import MeasureConfig, PredictConfig
from napari_cellseg.data.opening import open_stack
from napari_cellseg.data.write import write_text
from napari_cellseg.learn.predict import predict
from napari_cellseg.learn.registry import find_model
from napari_cellseg.pipeline.batch import BatchJob, WorkersPlan, items_in, predict_batch
from napari_cellseg.progress import follow

FILES, ROUNDS = int(os.environ.get("FILES", "48")), int(os.environ.get("ROUNDS", "5"))
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
MODEL, CONFIG = "nuclei-fluorescence", PredictConfig(diameter_px=NUCLEUS_PX)


def by_workers(folder: Path, n: int) -> float:
    """Count all images.

    Parameters
    ----------
    folder : Path
        With the images in ``in``.
    n : int
        Number of workers.

    Returns
    -------
    float
        Seconds, the start of the workers included.
    """
    job = BatchJob(find_model(MODEL).absolute(), folder / f"out-{n}", CONFIG, MeasureConfig())
    start = time.perf_counter()
    follow(predict_batch(items_in([folder / "in"]), job, WorkersPlan(workers=n)))
    return time.perf_counter() - start


def by_threads(file: Path, n: int) -> float:
    """Predict one image.

    Parameters
    ----------
    file : Path
        The image.
    n : int
        Number of threads.

    Returns
    -------
    float
        Seconds.
    """
    torch.set_num_threads(n)
    start = time.perf_counter()
    follow(predict(open_stack(file), 0, find_model(MODEL), CONFIG, keep_probability=False))
    return time.perf_counter() - start


def main() -> int:
    """Measure all numbers of processors.

    Returns
    -------
    int
        0.
    """
    numbers = range(1, (os.cpu_count() or 1) + 1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "in").mkdir()
        image, _ = square()
        for i in range(FILES):
            tifffile.imwrite(folder / "in" / f"image-{i:03d}.tif", image)
        runs: dict[str, Callable[[], float]] = {
            str(n): partial(by_threads, folder / "in" / "image-000.tif", n) for n in numbers
        }
        threads = {int(n): spread(seconds).median for n, seconds in in_turns(runs, ROUNDS).items()}
        workers = {n: by_workers(folder, n) for n in numbers}
    lines = [
        f"{FILES} images of 1000 x 1000 px; one frame in {ROUNDS} rounds, median. "
        f"{machine(max(numbers), ['torch', 'distributed'])}.",
        "",
        "| processors | batch, workers | times as fast as one | one frame, threads | times as fast as one |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {n} | {workers[n]:.1f} s | {workers[1] / workers[n]:.2f} | {threads[n]:.3f} s "
        f"| {threads[1] / threads[n]:.2f} |"
        for n in numbers
    ]
    print("\n".join(lines), flush=True)
    if "--write" in sys.argv:
        page = PAGE.read_text(encoding="utf-8")
        write_text(PAGE, put_between(page, "\n".join(lines), "scaling"))
    return 0
