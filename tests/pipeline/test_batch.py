"""Many files on several processes: all of the good ones once, the broken ones told, the same bytes always."""

from __future__ import annotations

import os
import pickle
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import distributed
import numpy as np
import pandas as pd
import psutil
import pytest
import tifffile
import torch

from napari_cellseg.config import PredictConfig
from napari_cellseg.errors import CellSegError, InputError, SettingsError, StorageError
from napari_cellseg.learn.engine import choose_engine
from napari_cellseg.learn.registry import find_model
from napari_cellseg.pipeline.batch import BatchJob, BatchResult, Item, WorkersPlan, items_in, predict_batch
from napari_cellseg.pipeline.batch import run as run_module
from napari_cellseg.pipeline.batch import workers as workers_module
from napari_cellseg.pipeline.batch.outcome import fingerprint, key_of, read_outcome
from napari_cellseg.pipeline.batch.summary import counts_by_well
from napari_cellseg.pipeline.batch.workers import Ended
from napari_cellseg.progress import Event, Note, Progress, follow

WELLS = ("A01", "A02", "B01")
TIMES = 2


@pytest.fixture
def plate(tmp_path: Path, nuclei: Callable[[int, int], np.ndarray]) -> Path:
    folder = tmp_path / "plate"
    folder.mkdir()
    for i, well in enumerate(WELLS):
        for t in range(TIMES):
            tifffile.imwrite(folder / f"exp_{well}_s1_t{t:03d}.tif", nuclei(10 * i + t, 3 + i))
    return folder


def break_some(folder: Path) -> set[str]:
    (folder / "empty.tif").write_bytes(b"")
    (folder / "letter.tif").write_text("Dear colleague, here are the images.")
    whole = sorted(folder.glob("exp_*.tif"))[0].read_bytes()
    (folder / "cut.tif").write_bytes(whole[: len(whole) // 2])
    return {"empty", "letter", "cut"}


def job_in(folder: Path, **told: object) -> BatchJob:
    config = PredictConfig(**{"diameter_px": 20, "precision": "bfloat16", **told})
    return BatchJob(find_model("nuclei-fluorescence"), folder, config, channel=0)


@contextmanager
def nobody(_plan: WorkersPlan) -> Iterator[None]:
    yield None


def here(_client: object, work: Callable[[Item], object], pieces: Sequence[Item]) -> Iterator[Ended | None]:
    """Work in this process, as workers would; starting those takes long."""
    yield None
    for at, piece in enumerate(pieces):
        try:
            yield Ended(at, pickle.loads(pickle.dumps(work))(piece))  # noqa: S301 - it has to reach workers
        except CellSegError as error:
            yield Ended(at, None, str(error))


@pytest.fixture
def without_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "workers", nobody)
    monkeypatch.setattr(run_module, "in_workers", here)


def run(
    items: list[Item], job: BatchJob, workers: int = 1, tell: Callable[[Event], None] | None = None
) -> BatchResult:
    return follow(predict_batch(items, job, WorkersPlan(workers=workers)), tell)


def results(folder: Path) -> dict[str, bytes]:
    """All labels and tables by name; not what tells when files were made."""
    kinds = (".tif", ".csv", ".png")
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.suffix in kinds and file.name != "outcomes.csv"
    }


@pytest.mark.usefixtures("without_workers")
def test_a_plate_is_counted_the_broken_are_told_and_a_second_run_has_nothing_to_do(
    plate: Path, tmp_path: Path
) -> None:
    broken, told = break_some(plate), []
    items, job = items_in([plate]), job_in(tmp_path / "out")
    result = run(items, job, 2, told.append)
    failed = {outcome.name: outcome.reason for outcome in result.outcomes if outcome.status == "failed"}
    assert set(failed) == broken
    assert all(name in reason for name, reason in failed.items())
    notes = [event.text for event in told if isinstance(event, Note)]
    assert len(notes) == len(broken)
    assert [e.done for e in told if isinstance(e, Progress)][-1] == len(items)
    assert result.count("done") == len(WELLS) * TIMES

    counts = pd.read_csv(tmp_path / "out" / "counts.csv")
    assert counts["image"].tolist() == [item.name for item in items if item.name not in broken]
    assert counts["n_by_instances"].tolist() == [3, 3, 4, 4, 5, 5]
    cells = pd.read_csv(tmp_path / "out" / "cells.csv")
    assert len(cells) == counts["n_by_instances"].sum()
    assert np.allclose(counts["n_by_area"], counts["n_by_instances"], rtol=0.1)
    page = result.page.read_text()
    assert "24 objects in 6 of 9 images or movies. 3 failed." in page
    assert page.count("<img") == 6
    assert page.count("<polyline") == len(WELLS)
    assert "Dear" not in page

    assert run(items, job).count("kept") == 6
    assert not list((tmp_path / "out").glob("c*.*.csv"))  # the same tables are not kept twice
    before = results(tmp_path / "out")
    (plate / "empty.tif").write_bytes((plate / "exp_A01_s1_t000.tif").read_bytes())
    again = run(items_in([plate]), job)
    assert again.count("kept") == 6
    assert [outcome.name for outcome in again.outcomes if outcome.status == "done"] == ["empty"]
    after = results(tmp_path / "out")
    assert all(after[name] == content for name, content in before.items() if name.startswith("items"))


@pytest.mark.usefixtures("without_workers")
def test_what_changed_is_done_again(
    plate: Path, tmp_path: Path, nuclei: Callable[[int, int], np.ndarray]
) -> None:
    items, job = items_in([plate])[:3], job_in(tmp_path / "out")
    assert run(items, job).count("done") == 3
    os.utime(items[0].files[0])  # touched, but the same
    tifffile.imwrite(items[1].files[0], nuclei(99, 7))
    changed = run(items, job)
    assert [outcome.status for outcome in changed.outcomes] == ["kept", "done", "kept"]
    assert changed.outcomes[1].n_objects == 7
    assert run(items, job_in(tmp_path / "out", threshold=0.6)).count("done") == 3


@pytest.mark.usefixtures("without_workers")
def test_two_batches_do_not_write_into_one_folder(plate: Path, tmp_path: Path) -> None:
    items, job = items_in([plate]), job_in(tmp_path / "out")
    first = predict_batch(items, job)
    next(event for event in first if isinstance(event, Progress) and event.done == 1)
    with pytest.raises(StorageError, match="Another batch is writing its results"):
        run(items, job)
    first.close()
    assert run(items, job).count("kept") == 1


def test_a_worker_that_is_killed_changes_nothing(
    plate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_some(plate)
    items = items_in([plate])
    with monkeypatch.context() as patch:
        patch.setattr(run_module, "workers", nobody)
        patch.setattr(run_module, "in_workers", here)
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # as a worker has
        run(items, job_in(tmp_path / "alone"))
        torch.set_num_threads(threads)
    killed: list[int] = []

    def kill_one(event: Event) -> None:
        if isinstance(event, Progress) and event.done >= 1 and not killed:
            children = psutil.Process().children(recursive=True)
            worker = next(c for c in children if "spawn_main" in " ".join(c.cmdline()))
            killed.append(worker.pid)
            os.kill(worker.pid, signal.SIGKILL)

    result = run(items, job_in(tmp_path / "two"), 2, kill_one)
    assert killed
    assert result.count("done") == len(items) - 3
    assert results(tmp_path / "two") == results(tmp_path / "alone")


@pytest.mark.usefixtures("without_workers")
def test_nothing_that_can_be_done_is_said(tmp_path: Path) -> None:
    (tmp_path / "bad.tif").write_bytes(b"II*\x00")
    with pytest.raises(InputError, match=r"None of the 1 images could be done"):
        run(items_in([tmp_path]), job_in(tmp_path / "out"))
    assert read_outcome(tmp_path / "out" / "items" / "bad").status == "failed"


def test_the_size_of_objects_is_measured_once_for_all(
    plate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[BatchJob] = []

    def watched(
        client: object, work: Callable[[Item], object], pieces: Sequence[Item]
    ) -> Iterator[Ended | None]:
        if "job" in getattr(work, "keywords", {}):
            seen.append(work.keywords["job"])
        return here(client, work, pieces)

    monkeypatch.setattr(run_module, "workers", nobody)
    monkeypatch.setattr(run_module, "in_workers", watched)
    job = replace(job_in(tmp_path / "out"), config=PredictConfig(precision="float32"))
    told: list[Event] = []
    run(items_in([plate]), job, tell=told.append)
    measuring, doing = seen
    assert measuring.config.diameter_px is None
    assert (doing.config.precision, doing.config.engine) == ("float32", choose_engine())
    assert doing.config.diameter_px == pytest.approx(20, rel=0.25)
    assert any("A typical object is" in event.text for event in told if isinstance(event, Note))
    result = run(items_in([plate]), job)  # takes what was measured
    assert len(seen) == 3
    assert seen[2] == doing
    assert result.count("kept") == len(WELLS) * TIMES


def test_items_come_from_folders_patterns_and_tables(plate: Path, tmp_path: Path) -> None:
    of_folder = items_in([plate])
    assert [item.well for item in of_folder] == ["A01", "A01", "A02", "A02", "B01", "B01"]
    assert [item.t for item in of_folder] == [0, 1] * 3
    assert items_in([plate / "*_A01_*.tif"]) == of_folder[:2]
    table = tmp_path / "list.csv"
    table.write_text(
        "path,well,name\nplate/exp_A01_s1_t000.tif,C03,first\nplate/exp_A01_s1_t000.tif,,\nx/no.tif,,\n"
    )
    first, second, missing = items_in([table])
    assert (first.name, first.well, second.name, second.well) == ("first", "C03", "exp_A01_s1_t000", "")
    assert missing.files == (tmp_path / "x" / "no.tif",)
    table.write_text("file\na.tif\n")
    with pytest.raises(InputError, match="The column path"):
        items_in([table])
    with pytest.raises(InputError, match="cannot be read"):
        items_in([tmp_path / "none.csv"])
    with pytest.raises(InputError, match=r"There is no file or folder .*none"):
        items_in([tmp_path / "none"])


def test_names_are_kept_apart_and_fit_for_files(tmp_path: Path) -> None:
    table = tmp_path / "list.csv"
    table.write_text("path,name\na/x.tif,\nb/x.tif,\nc.tif,a/b:c\nd.tif,A_B_C\ne.tif,..\n")
    names = [item.name for item in items_in([table])]
    assert names == ["a_x", "b_x", "a_b_c", "A_B_C-2", "image"]


def test_a_file_is_read_through_only_when_it_looks_changed(tmp_path: Path) -> None:
    file = tmp_path / "a.tif"
    file.write_bytes(b"one")
    first = fingerprint([file])
    outcome = read_outcome(tmp_path)
    assert outcome is None
    copied = tmp_path / "b" / "a.tif"
    copied.parent.mkdir()
    copied.write_bytes(b"one")
    assert key_of(fingerprint([copied]), {}) == key_of(first, {})
    assert key_of(first, {"x": 1}) != key_of(first, {})


def test_counts_of_a_well_are_means_over_its_fields_by_time() -> None:
    items = [Item("a", (), "A1", 0), Item("b", (), "A1", 0), Item("c", (), "A1", 1), Item("d", (), "")]
    counts = pd.DataFrame({"image": list("abcd"), "frame": [0, 0, 0, 0], "n_by_instances": [2, 4, 7, 9]})
    assert counts_by_well(items, counts).to_dict("list") == {
        "well": ["A1", "A1"],
        "t": [0, 1],
        "n": [3.0, 7.0],
    }


def test_workers_that_are_not_there_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers_module.importlib.util, "find_spec", lambda name: None)
    with (
        pytest.raises(SettingsError, match=r"napari-cellseg\[batch\]"),
        workers_module.workers(WorkersPlan()),
    ):
        pass


def test_a_scheduler_without_workers_is_waited_for_and_one_that_goes_is_said(
    plate: Path, tmp_path: Path
) -> None:
    cluster = distributed.LocalCluster(
        n_workers=0, processes=False, protocol="tcp", dashboard_address=":0", silence_logs=50
    )
    notes: list[str] = []

    def tell(event: Event) -> None:
        if isinstance(event, Note):
            notes.append(event.text)
            cluster.close()

    steps = predict_batch(items_in([plate]), job_in(tmp_path / "out"), WorkersPlan(cluster.scheduler_address))
    with pytest.raises(SettingsError, match="connection to the Dask scheduler was lost"):
        follow(steps, tell)
    assert notes == ["The Dask scheduler has no workers yet. The batch begins as soon as there is one."]
