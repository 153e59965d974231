"""Many files, started from a program that may be killed."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
import tifffile

from napari_cellseg.config import MeasureConfig, PredictConfig
from napari_cellseg.errors import CellSegError, InputError, SettingsError
from napari_cellseg.learn.registry import find_model
from napari_cellseg.live.many_files import ManyFiles, count_files, results_beside
from napari_cellseg.pipeline.batch import Item, WorkersPlan
from napari_cellseg.pipeline.batch import run as run_module
from napari_cellseg.pipeline.batch import workers as workers_module
from napari_cellseg.pipeline.batch.workers import Ended
from napari_cellseg.progress import Cancelled, Event, Progress, follow

PROGRAM = """
import sys
from pathlib import Path
from napari_cellseg.config import MeasureConfig, PredictConfig
from napari_cellseg.learn.registry import find_model
from napari_cellseg.live.many_files import ManyFiles, count_files
from napari_cellseg.process import Helper
from napari_cellseg.progress import follow

images, results = map(Path, sys.argv[1:])
model = find_model("nuclei-fluorescence")
order = ManyFiles(images, results, model, PredictConfig(diameter_px=20), MeasureConfig(), workers=2)
follow(Helper(children=True).run(count_files, order), lambda event: print(event, flush=True))
"""


@pytest.fixture
def images(tmp_path: Path, nuclei: Callable[[int, int], np.ndarray]) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for i, name in enumerate("abcd"):
        tifffile.imwrite(folder / f"{name}.tif", nuclei(i, 3 + i))
    (folder / "bad.tif").write_text("Dear colleague, here are the images.")
    return folder


@pytest.fixture
def without_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in this process; that workers do the same is tested with the batch."""

    @contextmanager
    def nobody(_plan: WorkersPlan) -> Iterator[None]:
        yield None

    def here(
        _client: object, work: Callable[[Item], object], pieces: Sequence[Item]
    ) -> Iterator[Ended | None]:
        for at, piece in enumerate(pieces):
            try:
                yield Ended(at, work(piece))
            except CellSegError as error:
                yield Ended(at, None, str(error))

    monkeypatch.setattr(run_module, "workers", nobody)
    monkeypatch.setattr(run_module, "in_workers", here)


def order_for(images: Path, **told: object) -> ManyFiles:
    model = find_model("nuclei-fluorescence")
    config = PredictConfig(diameter_px=20, precision="bfloat16")
    return ManyFiles(images, results_beside(images, model), model, config, MeasureConfig(), **told)


@pytest.mark.usefixtures("without_workers")
def test_a_stop_keeps_what_is_finished_and_the_next_run_goes_on(images: Path) -> None:
    order, told = order_for(images), []

    def stop() -> bool:
        return isinstance(told[-1], Progress) and told[-1].done == 2

    came = follow(count_files(order), told.append, stop)
    assert (came.n_done, came.n_kept, came.n_failed, came.n_left) == (2, 0, 0, 3)
    results = order.folder
    assert came.page == results / "batch.html"
    assert "<dt>Stopped</dt><dd>before 3 more</dd>" in came.page.read_text()
    assert pd.read_csv(results / "counts.csv")["n_by_instances"].tolist() == [3, 4]

    debris = results / "items" / ".c.0123abcd.partial"  # of a worker that was killed
    debris.mkdir()
    again: list[Event] = []
    came = follow(count_files(order), again.append)
    assert (came.n_done, came.n_kept, came.n_failed, came.n_left) == (2, 2, 1, 0)
    assert came.failures[0].startswith("bad: ")
    assert "bad.tif" in came.failures[0]
    assert pd.read_csv(results / "counts.csv")["n_by_instances"].tolist() == [3, 4, 5, 6]
    assert not debris.exists()
    left = [event.seconds_left for event in again if isinstance(event, Progress)]
    assert left[:3] == [None] * 3  # nothing was worked on yet: what is kept takes no time
    assert left[-1] == 0


@pytest.mark.usefixtures("without_workers")
def test_a_stop_before_anything_is_done_is_just_a_stop(images: Path) -> None:
    with pytest.raises(Cancelled):
        follow(count_files(order_for(images)), stop=lambda: True)
    (images / "none").mkdir()
    with pytest.raises(InputError, match="is empty"):
        follow(count_files(order_for(images / "none")))


def test_what_has_to_be_installed_is_said(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers_module.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SettingsError, match=r'pip install "napari-cellseg\[batch\]"'):
        follow(count_files(order_for(images)))


@pytest.mark.parametrize(
    ("inputs", "model", "results"),
    [
        ("data/plate", "mine", "data/plate-mine"),
        ("data/plate.v2", "mine", "data/plate.v2-mine"),
        ("data/list.csv", "mine", "data/list-mine"),
        ("data/one.tif", "mine", "data/one-mine"),
        ("data/plate/*_A01.tif", "mine", "data/plate-mine"),
        ("data/day?/plate/a.tif", "mine", "data-mine"),
        ("data/plate", None, "data/plate-counts"),
        ("/", "mine", "/images-mine"),
    ],
)
def test_results_go_beside_the_images(inputs: str, model: str | None, results: str) -> None:
    assert results_beside(Path(inputs), Path("models") / model if model else None) == Path(results)


def test_no_process_outlives_a_program_that_is_killed(images: Path, tmp_path: Path) -> None:
    for i in range(20):  # enough for the workers to be at work when they are looked for
        shutil.copy(images / "a.tif", images / f"more{i}.tif")
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    command = [sys.executable, str(program), str(images), str(tmp_path / "results")]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    with running:
        assert running.stdout is not None
        for line in running.stdout:
            family = psutil.Process(running.pid).children(recursive=True)
            if len(workers_of(family)) == 2 and "done=" in line:
                break
        else:
            pytest.fail("the program ended before it had two workers")
        running.kill()
    deadline = time.monotonic() + 20
    while any(alive(process) for process in family) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert [process for process in family if alive(process)] == []


def workers_of(family: list[psutil.Process]) -> list[psutil.Process]:
    """Leave out the helper, and Python's tracker of shared resources."""
    return [
        process for process in family if alive(process) and "spawn_main" in " ".join(command_of(process))
    ][1:]


def command_of(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


def alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
