"""A study is opened again as it was left."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_cellseg.data.project import (
    STUDY_FILE,
    Source,
    Study,
    default_study_folder,
    new_label_movie,
    open_label_movie,
)
from napari_cellseg.data.read import inspect, open_stack, open_stacks, pair
from napari_cellseg.errors import InputError, StorageError


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    tifffile.imwrite(folder / "p.tif", np.arange(360, dtype=np.uint16).reshape(12, 5, 6))
    tifffile.imwrite(folder / "f.tif", np.arange(360, dtype=np.uint16).reshape(12, 5, 6) + 1000)
    return folder


def test_sources_channels_and_axes_come_back(tmp_path: Path, images: Path) -> None:
    study = Study.create(tmp_path / "s-cellseg")
    study.remember(
        Source(paths=(str(images / "p.tif"),), axes="TYX", channel_names=("BF",), pixel_size_um=0.5),
        Source(paths=(str(images / "f.tif"),), axes="TYX"),
        image_channel="BF",
        fluorescence_channel="fluorescence",
    )
    again = Study.open(tmp_path / "s-cellseg" / STUDY_FILE)
    stack = again.open_stack()
    assert stack.channels == ("BF", "fluorescence")
    assert (stack.pixel_size_um, stack.axes_sure) == (0.5, True)
    assert stack.frame(3, 1)[0, 0] == 1090
    assert (again.record.image_channel, again.record.fluorescence_channel) == ("BF", "fluorescence")
    assert again.record == study.record


def test_study_and_images_can_be_moved_together(tmp_path: Path, images: Path) -> None:
    (tmp_path / "data").mkdir()
    images.rename(tmp_path / "data" / "images")
    study = Study.create(tmp_path / "data" / "s-cellseg")
    study.remember(Source(paths=(str(tmp_path / "data" / "images" / "p.tif"),)))
    assert study.record.image is not None
    assert study.record.image.paths == ("../images/p.tif",)
    (tmp_path / "data").rename(tmp_path / "moved")
    assert Study.open(tmp_path / "moved" / "s-cellseg").open_stack().n_frames == 12
    (tmp_path / "moved" / "images").rename(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="no longer at"):
        Study.open(tmp_path / "moved" / "s-cellseg").open_stack()


def test_folders_are_ready_and_a_study_is_never_overwritten(tmp_path: Path) -> None:
    study = Study.create(tmp_path / "s", name="my study")
    for place in (study.labels_folder, study.models, study.predictions, study.results):
        assert place.is_dir()
    for file in (study.labels_auto, study.labels_corrected, study.verdicts, study.journal):
        assert not file.exists()
        assert file.is_relative_to(study.folder)
    with pytest.raises(StorageError, match="holds a study already"):
        Study.create(tmp_path / "s")
    assert Study.at(tmp_path / "s").record.name == "my study"
    assert Study.at(tmp_path / "t").record.name == "t"
    with pytest.raises(InputError, match="names no images"):
        study.open_stack()


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "is damaged"),
        ("{", "is damaged"),
        ('{"schema": "napari-cellseg study", "version": 1, "image": 5}', "is damaged"),
        ('{"schema": "something else", "version": 1}', "is damaged"),
        ("\x00\xff" * 20, "is damaged"),
        ('{"schema": "napari-cellseg study", "version": 2}', "newer version"),
        ('{"schema": "napari-cellseg study", "version": 7, "more": []}', "newer version"),
    ],
)
def test_a_damaged_record_is_a_sentence(tmp_path: Path, text: str, match: str) -> None:
    (tmp_path / STUDY_FILE).write_text(text, encoding="latin-1")
    with pytest.raises(InputError, match=match):
        Study.open(tmp_path)
    assert (tmp_path / STUDY_FILE).read_text(encoding="latin-1") == text  # nothing is lost


def test_a_folder_without_a_study(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not the folder of a study"):
        Study.open(tmp_path)


def test_a_failed_update_keeps_the_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = Study.create(tmp_path / "s")
    before = (tmp_path / "s" / STUDY_FILE).read_bytes()

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(StorageError, match="disk is full"):
        study.update(name="other")
    assert study.record.name == "s"
    assert (tmp_path / "s" / STUDY_FILE).read_bytes() == before


def test_where_a_study_goes(tmp_path: Path, images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_study_folder(images / "p.tif") == images / "p-cellseg"
    assert default_study_folder(images) == tmp_path / "images-cellseg"
    monkeypatch.setattr(os, "access", lambda *_: False)
    elsewhere = default_study_folder(images / "p.tif")
    assert elsewhere.parent.name == "studies"
    assert elsewhere != default_study_folder(images / "sub" / "p.tif")


@given(st.tuples(st.integers(1, 5), st.integers(1, 6), st.integers(1, 7)))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_label_movies_come_back(tmp_path: Path, shape: tuple[int, int, int]) -> None:
    movie = new_label_movie(tmp_path / "a.npy", shape)
    assert movie.shape == shape
    assert movie.dtype == np.int32
    assert not movie.any()
    movie[-1, -1, -1] = -1
    movie.flush()  # type: ignore[attr-defined]
    assert open_label_movie(tmp_path / "a.npy", "r")[-1, -1, -1] == -1
    assert [p.name for p in tmp_path.iterdir()] == ["a.npy"]


def test_a_damaged_label_movie(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no labels at"):
        open_label_movie(tmp_path / "a.npy")
    new_label_movie(tmp_path / "a.npy", (2, 50, 60))
    whole = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(whole[:2000])
    with pytest.raises(InputError, match="cannot be read"):
        open_label_movie(tmp_path / "a.npy")
    np.save(tmp_path / "b.npy", np.zeros((3, 4)))
    with pytest.raises(InputError, match="float64"):
        open_label_movie(tmp_path / "b.npy")


def test_the_record_is_plain_json(tmp_path: Path) -> None:
    Study.create(tmp_path / "s")
    told = json.loads((tmp_path / "s" / STUDY_FILE).read_text())
    assert (told["schema"], told["version"]) == ("napari-cellseg study", 1)
    assert told["created"].endswith("+00:00")


def test_whatever_was_opened_is_opened_again(tmp_path: Path, planes_folder: Callable[..., Path]) -> None:
    folder = planes_folder(*(f"xy{p}c{c}t{t}.tif" for p in (1, 2) for c in (1, 2) for t in (1, 2, 3)))
    single = planes_folder("a.tif", "b.tif", folder="single")
    with tifffile.TiffWriter(tmp_path / "s.ome.tif", ome=True) as writer:
        for n in (5, 7):
            writer.write(np.full((2, n, n), n, np.uint8), metadata={"axes": "TYX"}, photometric="minisblack")
    stacks = [
        *open_stacks([folder], z="max"),
        *open_stacks(sorted(folder.iterdir()), channel_names=["BF", "DAPI"], frame_interval_s=60),
        *open_stacks([single]),
        *inspect(folder).stacks,
        open_stack(folder, field="xy2"),
        open_stack(single, axes="ZYX"),
        open_stack(tmp_path / "s.ome.tif", series=1, pixel_size_um=0.5),
        pair(open_stack(single / "a.tif"), open_stack(single / "b.tif", channel_names=["DAPI"])),
    ]
    for i, stack in enumerate(stacks):
        study = Study.create(tmp_path / f"s{i}")
        study.remember_stack(stack, image_channel=stack.channels[0])
        again = Study.open(tmp_path / f"s{i}").open_stack()
        np.testing.assert_array_equal(np.asarray(again.data), np.asarray(stack.data))
        assert again.channels == stack.channels
        assert (again.pixel_size_um, again.frame_interval_s) == (stack.pixel_size_um, stack.frame_interval_s)


def test_a_field_of_view_that_is_not_there(planes_folder: Callable[..., Path]) -> None:
    folder = planes_folder("xy1c1t1.tif", "xy1c2t1.tif")
    with pytest.raises(InputError, match=r"xy1\. One of them was expected, not xy9"):
        open_stack(folder, field="xy9")
