"""What is understood is shown before anything runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest
import tifffile

from napari_cellseg.data.read import inspect, thumbnails
from napari_cellseg.data.stack import Stack


def test_a_movie_in_words(tmp_path: Path, ramp: Callable[..., Any]) -> None:
    tifffile.imwrite(
        tmp_path / "m.tif",
        ramp(3, 2, 40, 60),
        imagej=True,
        resolution=(2, 2),
        metadata={"axes": "TCYX", "unit": "um", "finterval": 600, "Labels": ["Phase", "Nuclei"] * 3},
    )
    lines = inspect(tmp_path / "m.tif").lines()
    assert lines[0].endswith("m.tif: ImageJ TIFF")
    assert "Stack: 3 time points × 2 channels × 1 plane × 40 high × 60 wide (TCZYX)" in lines
    assert "Channels: 0: Phase (label-free), 1: Nuclei (fluorescence)" in lines
    assert "Pixel size: 0.5 µm" in lines
    assert "Frame interval: 10 min" in lines
    assert "Pixel type: uint16" in lines


def test_a_guess_is_shouted(tmp_path: Path, ramp: Callable[..., Any]) -> None:
    tifffile.imwrite(tmp_path / "m.tif", ramp(9, 40, 60))
    text = "\n".join(inspect(tmp_path / "m.tif").lines())
    assert "Axes: NOT SURE" in text
    assert "Pixel size: not known" in text
    assert "NOT SURE" not in "\n".join(inspect(tmp_path / "m.tif", axes="TYX").lines())


def test_all_series_are_listed(tmp_path: Path, ramp: Callable[..., Any]) -> None:
    with tifffile.TiffWriter(tmp_path / "s.ome.tif", ome=True) as writer:
        for name, n in (("first", 5), ("second", 7)):
            writer.write(ramp(2, n, n), metadata={"axes": "TYX", "Name": name}, photometric="minisblack")
    lines = inspect(tmp_path / "s.ome.tif", series=1).lines()
    assert any("0: 'first' 2 × 5 × 5 (TYX)" in line for line in lines)
    assert any(line.startswith("Stack: 2 time points") and "7 high" in line for line in lines)


def test_a_folder_with_its_names(planes_folder: Callable[..., Path]) -> None:
    folder = planes_folder(*(f"xy{p}c{c}t{t}.tif" for p in (1, 2) for c in (1, 2) for t in (1, 2, 3)))
    found = inspect(folder)
    lines = found.lines()
    assert lines[0].endswith("folder of 12 images")
    assert "12 files: 2 positions (xy1, xy2), 2 channels (c1, c2), 3 times" in lines
    assert "2 stacks" in lines
    assert len(inspect(folder, together=False).stacks) == 12
    single = inspect(planes_folder("a.tif", "b.tif", folder="others"), together=True)
    assert single.stacks[0].n_frames == 2


def test_many_stacks_are_not_all_listed(planes_folder: Callable[..., Path]) -> None:
    lines = inspect(planes_folder(*(f"{word}.tif" for word in "abdeghijklmnopq"))).lines()
    assert "15 stacks" in lines
    assert any("and 3 more" in line for line in lines)


def test_thumbnails_show_channels_time_and_depth() -> None:
    t, c, z, y, x = 9, 2, 5, 200, 400
    data = np.zeros((t, c, z, y, x), np.uint16)
    for i in range(t):
        data[i, 0, :, :, 40 * i : 40 * i + 40] = 1000 + i  # a bar that walks with time
    for i in range(z):
        data[:, 1, i, 40 * i : 40 * i + 40] = 7
    stack = Stack(da.from_array(data, chunks=(1, 1, 1, y, x)), ("Phase", "channel 1"), "m")
    pictures = thumbnails(stack, max_px=96)
    assert list(pictures) == ["channel Phase", "channel 1", "time 0, 4, 8", "depth 0, 2, 4"]
    assert all(picture.dtype == np.uint8 for picture in pictures.values())
    assert pictures["channel Phase"].shape == (40, 80)
    assert pictures["time 0, 4, 8"].shape == (40, 3 * 80 + 2 * 2)
    walked = pictures["time 0, 4, 8"]
    for i, picture in enumerate((walked[:, :80], walked[:, 82:162], walked[:, 164:])):
        assert picture.mean(axis=0).argmax() in range(32 * i, 32 * i + 8)


@pytest.mark.parametrize("value", [0.0, 5.0, np.nan, np.inf])
@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (7, 9)])
def test_thumbnails_of_odd_frames(value: float, shape: tuple[int, int]) -> None:
    frame = np.full((1, 1, 1, *shape), value, np.float32)
    picture = thumbnails(Stack(da.from_array(frame), ("a",), "m"))["channel a"]
    assert picture.dtype == np.uint8
    assert max(picture.shape) <= 96
    assert min(picture.shape) >= 1


def test_nan_pixels_are_black_beside_others() -> None:
    frame = np.linspace(0, 1, 64, dtype=np.float32).reshape(1, 1, 1, 8, 8)
    frame[..., 0, 0] = np.nan
    picture = thumbnails(Stack(da.from_array(frame), ("a",), "m"))["channel a"]
    assert picture[0, 0] == 0
    assert picture[-1, -1] == 255


def test_inspecting_reads_no_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tifffile.imwrite(
        tmp_path / "m.tif", np.zeros((5, 40, 60), np.uint8), compression="zlib", metadata={"axes": "TYX"}
    )

    def never(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(tifffile.TiffPage, "asarray", never)
    monkeypatch.setattr(np, "fromfile", never)
    assert inspect(tmp_path / "m.tif").lines()
