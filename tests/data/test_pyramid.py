"""Labels larger than memory, on the disk."""

import numpy as np
import ome_zarr_models
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st

from napari_cellseg.data import pyramid as pyramid_module
from napari_cellseg.data.labels import read_labels
from napari_cellseg.data.opening import open_stack
from napari_cellseg.data.pyramid import LabelPyramid, ProbabilityPyramid, levels_of
from napari_cellseg.errors import StorageError


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(pyramid_module, "_CHUNK_PX", 16)
    monkeypatch.setattr(pyramid_module, "_SMALLEST_PX", 20)


def some_labels(shape=(2, 70, 45)):
    return np.random.default_rng(0).integers(0, 90_000, shape)


def written(path, labels, **units):
    with LabelPyramid(path, labels.shape, **units) as pyramid:
        for t, plane in enumerate(labels):
            pyramid.write(t, (slice(0, 40), slice(None)), plane[:40])
            pyramid.write(t, (slice(40, None), slice(None)), plane[40:])
            np.testing.assert_array_equal(pyramid.read(t, (slice(30, 60), slice(5, 9))), plane[30:60, 5:9])
    return path


def test_what_was_written_is_there(tmp_path):
    labels = some_labels()
    path = written(tmp_path / "a.ome.zarr", labels, pixel_size_um=0.5, frame_interval_s=60.0)
    np.testing.assert_array_equal(read_labels(path), labels)
    stack = open_stack(path)
    assert (stack.name, stack.pixel_size_um, stack.frame_interval_s) == ("a", 0.5, 60.0)
    group = zarr.open_group(path, mode="r")
    for level, shape in enumerate(levels_of(labels.shape)):
        step = 2**level
        assert group[str(level)].shape == shape
        np.testing.assert_array_equal(group[str(level)][:], labels[:, ::step, ::step])


def test_it_is_a_label_image_by_the_specification(tmp_path):
    path = written(tmp_path / "a.ome.zarr", some_labels((1, 30, 30)))
    found = ome_zarr_models.open_ome_zarr(zarr.open_group(path, mode="r"))
    assert type(found).__name__ == "ImageLabel"


def test_probabilities_are_kept_in_bytes_and_averaged(tmp_path):
    chances = np.random.default_rng(0).random((2, 45, 33)).astype(np.float16)
    with ProbabilityPyramid(tmp_path / "a.ome.zarr", chances.shape, 0.5) as pyramid:
        for t, plane in enumerate(chances):
            pyramid.write(t, (slice(0, 40), slice(None)), plane[:40])
            pyramid.write(t, (slice(40, None), slice(None)), plane[40:])
    stack = open_stack(tmp_path / "a.ome.zarr")
    assert stack.pixel_size_um == 0.5
    kept = np.asarray(stack.data)[:, 0, 0]
    assert kept.dtype == np.uint8
    np.testing.assert_allclose(kept / 255, chances, atol=1 / 500)
    group = zarr.open_group(tmp_path / "a.ome.zarr", mode="r")
    smaller = group["1"][:]
    assert smaller.shape == (2, 23, 17)
    np.testing.assert_allclose(smaller[0, 3, 5], kept[0, 6:8, 10:12].mean(), atol=0.51)
    np.testing.assert_allclose(smaller[1, 22, 16], kept[1, 44, 32], atol=0.51)  # the last one stands alone
    assert type(ome_zarr_models.open_ome_zarr(group)).__name__ == "Image"


@given(st.integers(1, 3), st.integers(1, 5000), st.integers(1, 5000))
def test_levels_halve(frames, height, width):
    shapes = levels_of((frames, height, width))
    assert shapes[0] == (frames, height, width)
    assert max(shapes[-1][1:]) <= 20
    assert all(max(shape[1:]) > 20 for shape in shapes[:-1])


def test_nothing_is_left_after_an_error(tmp_path):
    with pytest.raises(ValueError, match="stop"), LabelPyramid(tmp_path / "a.ome.zarr", (1, 30, 30)):
        raise ValueError("stop")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_when_it_cannot_be_completed(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(LabelPyramid, "_describe", full)
    with (
        pytest.raises(StorageError, match="disk is full"),
        LabelPyramid(tmp_path / "a.ome.zarr", (1, 30, 30)),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_an_older_one_is_replaced_when_the_new_one_is_complete(tmp_path):
    old, new = some_labels((1, 30, 30)), some_labels((1, 40, 40))
    path = written(tmp_path / "a.ome.zarr", old)
    with pytest.raises(ValueError, match="stop"), LabelPyramid(path, new.shape):
        raise ValueError("stop")
    np.testing.assert_array_equal(read_labels(path), old[0])
    written(path, new)
    np.testing.assert_array_equal(read_labels(path), new[0])


def test_what_is_there_is_not_overwritten(tmp_path):
    (tmp_path / "a.ome.zarr").mkdir()
    (tmp_path / "a.ome.zarr" / "note.txt").write_text("mine")
    with pytest.raises(StorageError), LabelPyramid(tmp_path / "a.ome.zarr", (1, 30, 30)):
        pytest.fail("it was opened")
    assert (tmp_path / "a.ome.zarr" / "note.txt").read_text() == "mine"
