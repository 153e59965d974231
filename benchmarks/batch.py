"""Many files, some of them broken, on two workers of which one is killed half-way: all good ones done once.

``FILES`` (2,000) are generated, ``BROKEN`` (20) of them cut, empty or no images. The same is done by one
worker, and all labels and tables are compared. ``SIDE`` (128) is their side in px.
"""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import psutil
import tifffile

from napari_cellseg.config import Precision, PredictConfig
from napari_cellseg.learn.registry import find_model
from napari_cellseg.pipeline.batch import BatchJob, BatchResult, WorkersPlan, items_in, predict_batch
from napari_cellseg.progress import Event, Progress, follow

FILES, BROKEN = int(os.environ.get("FILES", "2000")), int(os.environ.get("BROKEN", "20"))
SIDE = int(os.environ.get("SIDE", "128"))
NUCLEUS_PX = 20
PRECISION: Precision = "bfloat16"
"""A batch finds out once which is faster; two batches that are compared must not find out differently."""


def generate(folder: Path) -> set[str]:
    """Write the files.

    Parameters
    ----------
    folder : Path
        An empty folder.

    Returns
    -------
    set of str
        Names of those that are broken.
    """
    rows, columns = np.indices((SIDE, SIDE))
    for i in range(FILES):
        rng = np.random.default_rng(i)
        image = rng.normal(300, 20, (SIDE, SIDE))
        for y, x in rng.uniform(0, SIDE, (4, 2)):
            image += 2000 * (np.hypot(rows - y, columns - x) < NUCLEUS_PX / 2)
        well = f"{'ABCDEFGH'[i // 12 % 8]}{i % 12 + 1:02d}"
        tifffile.imwrite(folder / f"exp_{well}_s{i // 96 + 1}_t000.tif", image.astype(np.uint16))
    broken = set()
    for i, file in enumerate(sorted(folder.glob("*.tif"))[:: FILES // BROKEN][:BROKEN]):
        content = file.read_bytes()
        file.write_bytes((b"", b"no image", content[: len(content) // 2])[i % 3])
        broken.add(file.stem)
    return broken


def kill_half_way(event: Event, killed: list[int]) -> None:
    """Kill one worker when half of the files are done.

    Parameters
    ----------
    event : Event
        What the batch tells.
    killed : list of int
        Receives the process.
    """
    if isinstance(event, Progress) and event.done >= FILES // 2 and not killed:
        children = psutil.Process().children(recursive=True)
        workers = [child for child in children if "spawn_main" in " ".join(child.cmdline())]
        killed.append(workers[0].pid)
        os.kill(workers[0].pid, signal.SIGKILL)


def results(folder: Path) -> dict[str, bytes]:
    """Read labels and tables.

    Parameters
    ----------
    folder : Path
        Of a batch.

    Returns
    -------
    dict of str to bytes
        By name.
    """
    files = [
        *folder.glob("items/*/*.tif"),
        *folder.glob("items/*/*.csv"),
        folder / "counts.csv",
        folder / "cells.csv",
    ]
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def carried_out(images: Path, out: Path, workers: int, killed: list[int] | None) -> tuple[BatchResult, float]:
    """Run the batch.

    Parameters
    ----------
    images, out : Path
        Folders.
    workers : int
        Processes.
    killed : list of int or None
        Receives the process that is killed half-way; None: none is.

    Returns
    -------
    result : BatchResult
        What came of it.
    seconds : float
        How long it took.
    """
    model, config = (
        find_model("nuclei-fluorescence"),
        PredictConfig(diameter_px=NUCLEUS_PX, precision=PRECISION),
    )
    start = time.perf_counter()
    result = follow(
        predict_batch(
            items_in([images]), BatchJob(model, out, config, channel=0), WorkersPlan(workers=workers)
        ),
        None if killed is None else lambda event: kill_half_way(event, killed),
    )
    return result, time.perf_counter() - start


def main() -> int:
    """Do all, and compare.

    Returns
    -------
    int
        0 when everything is as it should be.
    """
    with tempfile.TemporaryDirectory() as place:
        images, folder = Path(place) / "images", Path(place)
        images.mkdir()
        broken, killed = generate(images), []
        two, seconds_two = carried_out(images, folder / "two", 2, killed)
        told = Counter(outcome.status for outcome in two.outcomes)
        print(f"2 workers, one killed ({bool(killed)}): {dict(told)} in {seconds_two:.0f} s", flush=True)
        again, seconds_again = carried_out(images, folder / "two", 2, None)
        told = Counter(outcome.status for outcome in again.outcomes)
        print(f"once more: {dict(told)} in {seconds_again:.0f} s", flush=True)
        _, seconds_one = carried_out(images, folder / "one", 1, None)
        same = results(folder / "one") == results(folder / "two")
        print(
            f"1 worker: {seconds_one:.0f} s, {seconds_one / seconds_two:.2f} x; labels and tables are "
            f"{'the same bytes' if same else 'NOT the same'}"
        )
        failed = {outcome.name for outcome in two.outcomes if outcome.status == "failed"}
        well = same and failed == broken and two.count("done") == FILES - len(broken) and bool(killed)
        print("as it should be" if well else "NOT as it should be")
    return 0 if well else 1
