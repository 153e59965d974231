"""Images too large for memory, from file to counts: as if they had been looked at as a whole."""

import numpy as np
import pytest
import tifffile
import zarr

from napari_cellseg.config import MeasureConfig, PredictConfig
from napari_cellseg.data import planes
from napari_cellseg.data import pyramid as pyramid_module
from napari_cellseg.data import stack as stack_module
from napari_cellseg.data.labels import read_labels
from napari_cellseg.data.opening import open_stack
from napari_cellseg.errors import InputError, SettingsError
from napari_cellseg.evaluate.objects import count_objects
from napari_cellseg.learn import blocks, spots
from napari_cellseg.learn.events import LargePredicted
from napari_cellseg.learn.large import predict_blocks
from napari_cellseg.learn.predict import predict
from napari_cellseg.learn.registry import find_model
from napari_cellseg.measure.objects import images_of, measure_frame
from napari_cellseg.pipeline.batch import BatchJob, items_in
from napari_cellseg.pipeline.batch.job import do_item
from napari_cellseg.pipeline.predicting import predict_stacks
from napari_cellseg.progress import Cancelled, Note, Progress, follow

SIDE, PITCH = 700, 40


def nuclei(seed=0):
    """Round nuclei of 16 to 24 px, on a grid that fits no block."""
    rng = np.random.default_rng(seed)
    image = rng.normal(300, 20, (SIDE, SIDE))
    rows, columns = np.indices((PITCH, PITCH))
    places = [(y, x) for y in range(5, SIDE - PITCH, PITCH) for x in range(5, SIDE - PITCH, PITCH)]
    for y, x in places:
        off = rng.uniform(-3, 3, 2)
        near = np.hypot(rows - PITCH / 2 - off[0], columns - PITCH / 2 - off[1]) < rng.uniform(8, 12)
        image[y : y + PITCH, x : x + PITCH] += 2000 * near
    return np.clip(image, 0, 65535).astype(np.uint16), len(places)


@pytest.fixture
def file(tmp_path):
    image, _ = nuclei()
    both = np.stack([image, image[::-1]])
    tifffile.imwrite(
        tmp_path / "well.tif",
        both,
        ome=True,
        metadata={"axes": "CYX", "PhysicalSizeX": 0.5, "Channel": {"Name": ["DAPI", "GFP"]}},
    )
    return tmp_path / "well.tif"


@pytest.fixture
def in_blocks(monkeypatch):
    in_small_blocks(monkeypatch)


def in_small_blocks(monkeypatch):
    monkeypatch.setattr(stack_module, "LARGE_PX", 400 * 400)
    monkeypatch.setattr(blocks, "SIDE_PX", 256)
    monkeypatch.setattr(planes, "BLOCK_PX", 128)
    monkeypatch.setattr(spots, "BLOCK_PX", 128)


def predicted(file, folder, tell=None, *, probabilities=False, **settings):
    steps = predict_stacks(
        [open_stack(file)],
        find_model("nuclei-fluorescence"),
        folder,
        channel="DAPI",
        config=PredictConfig(diameter_px=20, **settings),
        probabilities=probabilities,
    )
    return follow(steps, tell)


@pytest.fixture
def as_a_whole(file, tmp_path):
    return predicted(file, tmp_path / "whole"), read_labels(tmp_path / "whole" / "well.tif")


def test_blocks_find_what_the_whole_shows(file, tmp_path, as_a_whole, in_blocks):
    events = []
    cells = predicted(file, tmp_path / "parts", events.append)
    whole, labels = as_a_whole
    found = read_labels(tmp_path / "parts" / "well.ome.zarr")
    counts = count_objects(labels, found)
    n = nuclei()[1]
    assert len(whole.cells) == len(cells.cells) == n
    assert counts.matched[0] == n  # each matches one: none twice, none cut
    assert counts.iou_sum / n > 0.95
    assert sorted(cells.cells["label"]) == list(range(1, n + 1))
    assert set(np.unique(found)) == set(range(n + 1))
    progress = [event for event in events if isinstance(event, Progress)]
    assert progress[-1].done == progress[-1].total > 4
    assert any("OME-Zarr" in event.text for event in events if isinstance(event, Note))
    assert sorted(p.name for p in (tmp_path / "parts").iterdir()) == [
        "cells.csv",
        "counts.csv",
        "well.ome.zarr",
    ]


def test_probabilities_of_parts_are_those_of_the_whole(file, tmp_path, monkeypatch):
    predicted(file, tmp_path / "whole", probabilities=True)
    in_small_blocks(monkeypatch)
    predicted(file, tmp_path / "parts", probabilities=True)
    places = tmp_path / "whole" / "probabilities" / "well.tif", tmp_path / "parts" / "probabilities"
    whole, parts = open_stack(places[0]), open_stack(places[1] / "well.ome.zarr")
    assert parts.pixel_size_um == whole.pixel_size_um == 0.5
    here, there = np.asarray(whole.data, float), np.asarray(parts.data, float)
    assert np.abs(here - there).mean() < 2  # of 255; grey levels are stretched by spots, not by all pixels
    assert ((here > 127) == (there > 127)).mean() > 0.99
    assert [p.name for p in places[1].iterdir()] == ["well.ome.zarr"]


def test_tables_say_the_same_as_those_of_the_labels(file, tmp_path, in_blocks):
    cells = predicted(file, tmp_path / "parts")
    found = read_labels(tmp_path / "parts" / "well.ome.zarr")
    stack = open_stack(file)
    expected = measure_frame(found, images_of(stack, 0), 0, stack.pixel_size_um, stack.frame_interval_s)
    measured = cells.cells.sort_values("label", ignore_index=True)[expected.columns]
    assert "mean_GFP" in expected.columns
    np.testing.assert_allclose(measured.to_numpy(float), expected.to_numpy(float), rtol=1e-9, atol=1e-9)
    row = cells.counts.iloc[0]
    assert row["n_by_instances"] == len(expected)
    assert row["segmented_area_px"] == (found > 0).sum()
    assert row["segmented_fraction"] == pytest.approx((found > 0).mean())


def test_a_small_copy_for_a_look(file, tmp_path, in_blocks, monkeypatch):
    monkeypatch.setattr(pyramid_module, "_SMALLEST_PX", 100)
    events = []
    predicted(file, tmp_path / "parts", events.append)
    look = [event for event in events if isinstance(event, LargePredicted)]
    assert len(look) == 1
    np.testing.assert_array_equal(look[0].image, nuclei()[0][::8, ::8])
    np.testing.assert_array_equal(look[0].labels, read_labels(tmp_path / "parts" / "well.ome.zarr")[::8, ::8])


def test_the_size_is_found_where_there_are_objects(file, tmp_path, in_blocks):
    image = np.full((SIDE, SIDE), 300, np.uint16)
    image[300:, 300:] = nuclei()[0][300:, 300:]
    tifffile.imwrite(tmp_path / "corner.tif", image)
    steps = predict_stacks(
        [open_stack(tmp_path / "corner.tif")], find_model("nuclei-fluorescence"), tmp_path / "out"
    )
    cells = follow(steps)
    shown = [y for y in range(5, SIDE - PITCH, PITCH) if y + PITCH / 2 > 300]
    assert len(cells.cells) == pytest.approx(len(shown) ** 2, abs=3)


def test_an_image_without_objects(tmp_path, in_blocks):
    tifffile.imwrite(tmp_path / "none.tif", np.full((500, 500), 7, np.uint16))
    steps = predict_stacks(
        [open_stack(tmp_path / "none.tif")], find_model("nuclei-fluorescence"), tmp_path / "out"
    )
    cells = follow(steps)
    assert len(cells.cells) == 0
    assert cells.counts["n_by_instances"].tolist() == [0]
    assert not zarr.open_array(tmp_path / "out" / "none.ome.zarr" / "0", mode="r")[:].any()


def test_a_movie_of_large_frames_is_numbered_frame_by_frame(tmp_path, in_blocks):
    movie = np.stack([nuclei(1)[0], nuclei(2)[0]])
    tifffile.imwrite(tmp_path / "movie.tif", movie, imagej=True, metadata={"axes": "TYX"})
    model = find_model("nuclei-fluorescence")
    config = PredictConfig(diameter_px=20)
    cells = follow(
        predict_stacks([open_stack(tmp_path / "movie.tif")], model, tmp_path / "out", config=config)
    )
    n = nuclei()[1]
    assert cells.counts["n_by_instances"].tolist() == [n, n]
    for _, frame in cells.cells.groupby("frame"):
        assert sorted(frame["label"]) == list(range(1, n + 1))


def test_stopping_leaves_nothing_behind(file, tmp_path, in_blocks):
    steps = predict_stacks(
        [open_stack(file)], find_model("nuclei-fluorescence"), tmp_path / "out", channel="DAPI",
        config=PredictConfig(diameter_px=20),
    )  # fmt: skip
    events = []
    with pytest.raises(Cancelled):
        follow(steps, events.append, stop=lambda: isinstance(events[-1], Progress))
    assert any(isinstance(event, Progress) for event in events)
    assert list((tmp_path / "out").iterdir()) == []


def test_as_a_whole_it_is_refused(file, in_blocks):
    with pytest.raises(InputError, match="700 × 700 px"):
        follow(predict(open_stack(file), 0, find_model("nuclei-fluorescence"), PredictConfig()))


def test_a_channel_that_is_not_there(file, in_blocks):
    steps = predict_blocks(
        open_stack(file), 5, find_model("nuclei-fluorescence"), PredictConfig(), lambda _: 0
    )
    with pytest.raises(InputError, match="Channel 5"):
        follow(steps)


def test_an_ordinary_movie_as_ome_zarr(tmp_path):
    movie = np.stack([nuclei(1)[0][:300, :300], nuclei(2)[0][:300, :300]])
    tifffile.imwrite(tmp_path / "movie.tif", movie, imagej=True, metadata={"axes": "TYX", "finterval": 60})
    settings = {"config": PredictConfig(diameter_px=20)}
    model = find_model("nuclei-fluorescence")
    stacks = [open_stack(tmp_path / "movie.tif")]
    as_tiff = follow(predict_stacks(stacks, model, tmp_path / "tiff", **settings))
    as_zarr = follow(predict_stacks(stacks, model, tmp_path / "zarr", labels_as="ome-zarr", **settings))
    again = follow(predict_stacks(stacks, model, tmp_path / "zarr", labels_as="ome-zarr", **settings))
    np.testing.assert_array_equal(
        read_labels(tmp_path / "zarr" / "movie.ome.zarr"), read_labels(tmp_path / "tiff" / "movie.tif")
    )
    assert as_zarr.cells.equals(as_tiff.cells)
    assert again.counts.equals(as_tiff.counts)
    names = sorted(path.name for path in (tmp_path / "zarr").iterdir())
    assert names[-1] == "movie.ome.zarr"
    assert all(name.endswith(".csv") for name in names[:-1])


def test_large_images_cannot_be_tiffs(file, tmp_path, in_blocks):
    model = find_model("nuclei-fluorescence")
    with pytest.raises(SettingsError, match="700 × 700 px"):
        follow(predict_stacks([open_stack(file)], model, tmp_path / "out", labels_as="tiff"))


def test_in_a_batch(tmp_path, in_blocks):
    (tmp_path / "in").mkdir()
    tifffile.imwrite(tmp_path / "in" / "a.tif", nuclei()[0])
    job = BatchJob(
        find_model("nuclei-fluorescence"), tmp_path / "out", PredictConfig(diameter_px=20), MeasureConfig()
    )
    outcome = do_item(items_in([tmp_path / "in"])[0], job)
    assert (outcome.status, outcome.n_objects) == ("done", nuclei()[1])
    place = tmp_path / "out" / "items" / "a"
    assert {p.name for p in place.iterdir()} >= {"a.ome.zarr", "picture.png", "cells.csv", "outcome.json"}
    assert do_item(items_in([tmp_path / "in"])[0], job).status == "kept"
