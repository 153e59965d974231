"""The command that works on many files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from napari_cellseg.cli import INTERRUPTED, main
from napari_cellseg.pipeline.batch import BatchJob, BatchResult, Item, Outcome, WorkersPlan
from napari_cellseg.progress import Note, Steps


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[Item], BatchJob, WorkersPlan, bool]]:
    """Stand in for the work, and keep what was asked; every image but the first fails."""
    kept: list[tuple[list[Item], BatchJob, WorkersPlan, bool]] = []

    def batch(items: list[Item], job: BatchJob, plan: WorkersPlan, *, same_size: bool) -> Steps[BatchResult]:
        kept.append((items, job, plan, same_size))
        yield Note("working")
        first, *others = (item.name for item in items)
        failed = [Outcome(name=name, status="failed", reason="It is empty.") for name in others]
        return BatchResult((Outcome(name=first, status="done"), *failed), job.folder / "batch.html")

    monkeypatch.setattr("napari_cellseg.pipeline.batch.predict_batch", batch)
    return kept


def test_what_is_asked_reaches_the_workers(
    asked: list[tuple[list[Item], BatchJob, WorkersPlan, bool]],
    tmp_path: Path,
    fake_model: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    images = tmp_path / "images"
    images.mkdir()
    for name in ("a.tif", "b.tif"):
        (images / name).write_bytes(b"")
    model = fake_model(tmp_path / "model")
    options = [
        "--threshold",
        "0.4",
        "--workers",
        "3",
        "--z",
        "middle",
        "--no-same-size",
        "--image-channel",
        "1",
    ]
    code = main(["batch", str(images), "--model", str(model), "-o", str(tmp_path / "out"), *options])
    assert code == 3
    (items, job, plan, same_size), told = asked[0], capsys.readouterr()
    assert [item.name for item in items] == ["a", "b"]
    assert (job.model, job.folder, job.channel) == (model, tmp_path / "out", "1")
    assert job.config.threshold == 0.4
    assert job.reading["z"] == "middle"
    assert (plan.workers, plan.scheduler, same_size) == (3, "", False)
    assert "1 of 2 images or movies done, 0 done before, 1 failed" in told.out
    assert "working" in told.err


def test_a_scheduler_and_one_good_image(
    asked: list[tuple[list[Item], BatchJob, WorkersPlan, bool]],
    tmp_path: Path,
    fake_model: Callable[..., Path],
) -> None:
    (tmp_path / "a.tif").write_bytes(b"")
    model = fake_model(tmp_path / "model")
    address = "tcp://10.0.0.1:8786"
    given = ["batch", str(tmp_path / "a.tif"), "--model", str(model), "-o", str(tmp_path / "out")]
    assert main([*given, "--scheduler", address]) == 0
    assert asked[0][2].scheduler == address


def test_an_empty_folder_is_said(
    tmp_path: Path, fake_model: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "none").mkdir()
    model = fake_model(tmp_path / "model")
    assert main(["batch", str(tmp_path / "none"), "--model", str(model), "-o", str(tmp_path / "out")]) == 3
    assert "is empty" in capsys.readouterr().err


def test_after_ctrl_c_it_is_said_what_is_left(
    tmp_path: Path,
    fake_model: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def stopped(items: list[Item], job: BatchJob, _plan: WorkersPlan, **_told: bool) -> Steps[BatchResult]:
        yield Note("working")
        done = Outcome(name=items[0].name, status="done")
        return BatchResult((done,), job.folder / "batch.html", n_left=len(items) - 1)

    monkeypatch.setattr("napari_cellseg.pipeline.batch.predict_batch", stopped)
    for name in ("a.tif", "b.tif", "c.tif"):
        (tmp_path / name).write_bytes(b"")
    model = fake_model(tmp_path / "model")
    code = main(["batch", str(tmp_path / "*.tif"), "--model", str(model), "-o", str(tmp_path / "out")])
    assert code == 130
    told = capsys.readouterr().out
    assert "1 of 3 images or movies done" in told
    assert "Stopped before 2 of them; the same command goes on." in told


def test_a_second_ctrl_c_says_that_finished_files_stay(
    tmp_path: Path,
    fake_model: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def ended(*_told: object, **_more: object) -> Steps[BatchResult]:
        yield Note("working")
        raise KeyboardInterrupt

    monkeypatch.setattr("napari_cellseg.pipeline.batch.predict_batch", ended)
    (tmp_path / "a.tif").write_bytes(b"")
    model = fake_model(tmp_path / "model")
    assert (
        main(["batch", str(tmp_path / "a.tif"), "--model", str(model), "-o", str(tmp_path / "out")])
        == INTERRUPTED
    )
    assert "Files that were finished are kept" in capsys.readouterr().err
