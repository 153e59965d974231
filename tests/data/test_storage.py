"""A file is there as a whole or not at all."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from napari_cellseg.data.storage import atomic_file, atomic_folder, storage, versioned
from napari_cellseg.errors import StorageError


def names(folder: Path) -> list[str]:
    return [entry.name for entry in folder.iterdir()]


def fail_within_a_file(target: Path, error: BaseException) -> None:
    with atomic_file(target) as partial:
        partial.write_text("new")
        raise error


def fail_within_a_folder(target: Path) -> None:
    with atomic_folder(target) as partial:
        (partial / "a").write_text("")
        raise RuntimeError


def test_a_file_appears_as_a_whole(tmp_path: Path) -> None:
    target = tmp_path / "new" / "a.csv"
    with atomic_file(target) as partial:
        partial.write_text("half")
        assert not target.exists()
        assert partial.parent == target.parent
        assert partial.suffix == ".csv"
    assert target.read_text() == "half"
    assert names(target.parent) == ["a.csv"]


@pytest.mark.parametrize("error", [RuntimeError("x"), KeyboardInterrupt(), GeneratorExit()])
def test_after_any_error_the_old_file_stays(tmp_path: Path, error: BaseException) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(type(error)):
        fail_within_a_file(target, error)
    assert target.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize(
    ("code", "match"),
    [
        (errno.ENOSPC, "disk is full"),
        (errno.EDQUOT, "disk is full"),
        (errno.EACCES, "may not write"),
        (errno.EROFS, "may not write"),
        (errno.ENOTDIR, "in the way"),
        (errno.EIO, "Check that the disk is connected"),
    ],
)
def test_the_systems_errors_become_sentences(tmp_path: Path, code: int, match: str) -> None:
    with pytest.raises(StorageError, match=match), storage(tmp_path / "a.tif"):
        raise OSError(code, os.strerror(code))


def test_a_file_in_the_place_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(StorageError, match="in the way"), atomic_file(tmp_path / "a" / "b.txt"):
        pass


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit on the size of files")
def test_a_limit_on_the_size_of_files(tmp_path: Path) -> None:
    """A real write that fails half-way, in a process of its own."""
    code = """
import resource, sys
from pathlib import Path
import numpy as np
from napari_cellseg.data.write import write_labels
from napari_cellseg.data.project import new_label_movie
from napari_cellseg.errors import StorageError
folder = Path(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
for write in (
    lambda: write_labels(folder / "a.tif", np.ones((9, 100, 100), np.int32)),
    lambda: write_labels(folder / "a.tif", iter(np.ones((9, 100, 100), np.int32))),
    lambda: new_label_movie(folder / "a.npy", (9, 100, 100)),
):
    try:
        write()
    except StorageError as error:
        print(error)
"""
    run = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    assert done.stdout.count("disk is full, or a limit on the size of files was reached") == 3
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_must_not_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(StorageError, match="may not write"), atomic_file(tmp_path / "a.txt") as partial:
            partial.write_text("x")
    finally:
        tmp_path.chmod(0o755)


def test_a_folder_appears_as_a_whole(tmp_path: Path) -> None:
    target = tmp_path / "model"
    target.mkdir()  # empty: may be replaced
    with atomic_folder(target) as partial:
        (partial / "inner").mkdir()
        (partial / "inner" / "card.json").write_text("{}")
        assert list(target.iterdir()) == []
    assert (target / "inner" / "card.json").read_text() == "{}"
    with pytest.raises(StorageError, match="in the way"), atomic_folder(target):
        pass
    with pytest.raises(RuntimeError):
        fail_within_a_folder(tmp_path / "other")
    assert names(tmp_path) == ["model"]


def test_versions_never_overwrite(tmp_path: Path) -> None:
    assert versioned(tmp_path / "a.csv") == tmp_path / "a.csv"
    for name in ("a.csv", "a-2.csv"):
        (tmp_path / name).write_text("")
    assert versioned(tmp_path / "a.csv") == tmp_path / "a-3.csv"
    (tmp_path / "model.v1").mkdir()
    assert versioned(tmp_path / "model.v1") == tmp_path / "model.v1-2"
