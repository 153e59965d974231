"""Labels, tables and texts come back as they were written."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_cellseg.data import write
from napari_cellseg.data.read import open_stack, read_labels
from napari_cellseg.data.write import write_csv, write_labels, write_text
from napari_cellseg.errors import InputError, StorageError

Array = np.ndarray[Any, Any]

small_movies = hnp.arrays(
    np.int32,
    hnp.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=7),
    elements=st.one_of(st.integers(-1, 5), st.integers(0, 2**31 - 1)),
)


@given(small_movies, st.booleans())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_labels_come_back(tmp_path: Path, labels: Array, one_by_one: bool) -> None:
    file = tmp_path / "labels.tif"
    planes = labels[None] if labels.ndim == 2 else labels
    write_labels(file, iter(planes) if one_by_one else labels)
    back = read_labels(file)
    assert back.dtype == np.int32
    np.testing.assert_array_equal(back, np.maximum(planes[0] if len(planes) == 1 else planes, 0))


def test_units_and_type_as_imagej_reads_them(tmp_path: Path) -> None:
    labels = np.zeros((3, 5, 6), np.int32)
    labels[1, 2, 3] = 65_535
    write_labels(tmp_path / "a.tif", labels, pixel_size_um=0.65, frame_interval_s=600)
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        assert tiff.is_imagej
        assert tiff.series[0].axes == "TYX"
        assert tiff.series[0].dtype == np.uint16
        assert tiff.imagej_metadata["frames"] == 3
        assert tiff.imagej_metadata["unit"] == "um"
    stack = open_stack(tmp_path / "a.tif")
    assert (stack.pixel_size_um, stack.frame_interval_s, stack.axes_sure) == (0.65, 600, True)


def test_more_objects_than_imagej_can_number(tmp_path: Path) -> None:
    labels = np.zeros((3, 5, 6), np.int32)
    labels[1, 2, 3] = 65_536
    write_labels(tmp_path / "a.tif", labels, pixel_size_um=0.65, frame_interval_s=600)
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        assert tiff.is_ome
        assert tiff.series[0].dtype == np.uint32
    stack = open_stack(tmp_path / "a.tif")
    assert (stack.pixel_size_um, stack.frame_interval_s) == (0.65, 600)
    assert read_labels(tmp_path / "a.tif")[1, 2, 3] == 65_536


def test_beyond_four_gigabytes_it_is_a_bigtiff(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "_MOST_IMAGEJ_BYTES", 100)
    write_labels(tmp_path / "a.tif", np.ones((3, 5, 6), np.int32))
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        assert tiff.is_bigtiff
        assert tiff.is_ome
    assert read_labels(tmp_path / "a.tif").sum() == 90


def test_ignored_regions_become_background_and_the_file_says_so(tmp_path: Path) -> None:
    write_labels(tmp_path / "a.tif", np.array([[-1, 0, 1]]))
    assert read_labels(tmp_path / "a.tif").tolist() == [[0, 0, 1]]
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        assert "ignored" in tiff.imagej_metadata["Info"]


@pytest.mark.parametrize(
    ("labels", "match"),
    [
        (np.zeros((2, 5, 6), np.float32), "float32"),
        (np.full((5, 6), -2), "from -2"),
        (np.full((5, 6), 2**32), "4294967296"),
        (np.zeros((0, 5, 6), np.int32), "shape"),
        (np.zeros((2, 2, 5, 6), np.int32), "shape"),
        (iter([]), "shape"),
        (iter([np.zeros((5, 6), np.int32), np.zeros((5, 7), np.int32)]), r"plane 1 has the shape \(5, 7\)"),
    ],
)
def test_what_are_no_labels_is_refused_and_leaves_nothing(tmp_path: Path, labels: Any, match: str) -> None:
    with pytest.raises(InputError, match=match):
        write_labels(tmp_path / "a.tif", labels)
    assert list(tmp_path.iterdir()) == []


def test_planes_are_taken_one_at_a_time(tmp_path: Path) -> None:
    alive: list[int] = []

    class Plane(np.ndarray[Any, Any]):
        def __del__(self) -> None:
            if alive:
                alive.pop()

    most = 0

    def planes() -> Iterator[Array]:
        nonlocal most
        for i in range(20):
            plane = np.full((5, 6), i, np.int32).view(Plane)
            alive.append(i)
            most = max(most, len(alive))
            yield plane

    write_labels(tmp_path / "a.tif", planes())
    assert most <= 6
    assert read_labels(tmp_path / "a.tif")[:, 0, 0].tolist() == list(range(20))


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.tif"
    write_labels(file, np.ones((2, 5, 6), np.int32))

    def full(path: Path, planes: Any, **_: object) -> None:
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tifffile, "imwrite", full)
    with pytest.raises(StorageError, match="disk is full"):
        write_labels(file, np.zeros((2, 5, 6), np.int32))
    assert read_labels(file).sum() == 60
    assert [p.name for p in tmp_path.iterdir()] == ["a.tif"]


def test_tables_and_texts(tmp_path: Path) -> None:
    table = pd.DataFrame({"image": ["a,b", 'µ "x"'], "area_px": [1, 2], "area_um2": [0.1, 1 / 3]})
    write_csv(tmp_path / "deep" / "counts.csv", table)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "deep" / "counts.csv"), table, check_exact=True)
    write_text(tmp_path / "a.txt", "µm\nline\n")
    assert (tmp_path / "a.txt").read_bytes() == "µm\nline\n".encode()
