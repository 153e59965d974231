import dask.array as da
import numpy as np
import pandas as pd
import pytest
from scipy import ndimage as ndi
from skimage.draw import disk

from napari_cellseg.config import MeasureConfig, NetConfig, PredictConfig, TrainConfig
from napari_cellseg.data.project import new_label_movie
from napari_cellseg.data.read import read_labels
from napari_cellseg.data.stack import Stack
from napari_cellseg.errors import InputError, ModelError
from napari_cellseg.learn.events import EpochDone
from napari_cellseg.learn.registry import find_model
from napari_cellseg.live import counting
from napari_cellseg.live.counts import Counts
from napari_cellseg.live.training import (
    DeviceChosen,
    PicturesShown,
    TrainingJob,
    known_models,
    train_on_study,
)
from napari_cellseg.progress import Cancelled, follow

PLACES = [(y, x) for y in range(14, 96, 28) for x in range(14, 96, 28)]
TINY = NetConfig(encoder="tu-regnetx_002", decoder_channels=(32, 16, 16))
QUICK = TrainConfig(max_epochs=4, patch_px=64, batch_size=4, device="cpu", learning_rate=5e-3)


@pytest.fixture(scope="module")
def labels():
    movie = np.zeros((6, 96, 96), np.int32)
    for t in range(6):
        for label, (y, x) in enumerate(PLACES, start=1):
            movie[t][disk((y + t % 3, x), 7, shape=movie.shape[1:])] = label
    return movie


@pytest.fixture(scope="module")
def stack(labels):
    light = ndi.gaussian_filter((labels > 0).astype(float), (0, 1, 1))
    noise = np.random.default_rng(0).normal(0, 40, labels.shape)
    image = (200 + 800 * light + noise).clip(0).astype(np.uint16)
    data = da.from_array(image[:, None, None], chunks=(1, 1, 1, 96, 96))
    return Stack(data, ("Phase",), "pos1", pixel_size_um=0.5, frame_interval_s=600.0)


@pytest.fixture(scope="module")
def trained(stack, labels, tmp_path_factory):
    """A model that was trained in the way of the window, and what it told."""
    folder = tmp_path_factory.mktemp("study")
    path = folder / "labels.npy"
    new_label_movie(path, labels.shape)[:] = labels
    told = []
    job = TrainingJob(0, (0, 1, 2, 3, 4, 5), QUICK, TINY, folder / "models" / "model")
    return follow(train_on_study(stack, path, job), told.append), told, path


def test_training_tells_device_epochs_and_small_pictures(trained, stack):
    model, told, _path = trained
    assert isinstance(told[0], DeviceChosen)
    assert sum(isinstance(event, EpochDone) for event in told) >= 1
    shown = [event for event in told if isinstance(event, PicturesShown)]
    assert shown
    for image, truth, prediction in shown[-1].rows:
        assert image.ndim == 2
        assert truth.shape == prediction.shape == (*image.shape, 3)
        assert {image.dtype, truth.dtype, prediction.dtype} == {np.dtype(np.uint8)}
    (found,) = [entry for entry in follow(known_models((model.parent,))) if entry[1] == model]
    assert found[2].image_channel == "Phase"
    assert found[2].pixel_size_um == 0.5
    assert find_model("model", (model.parent,)) == model


def test_frames_without_labels_are_left_out_or_said(stack, labels, tmp_path):
    empty = labels.copy()
    empty[:] = 0
    mine = Stack(da.from_array(empty[:, None, None], chunks=(1, 1, 1, 96, 96)), ("labels",), "mine")
    job = TrainingJob(0, (0, 1), QUICK, TINY, tmp_path / "model", skip_empty=True)
    with pytest.raises(InputError, match="None of the 2 frames chosen has a label"):
        follow(train_on_study(stack, mine, job))


def test_accepted_frames_are_learned_from_as_checked_ones(stack, labels, tmp_path, monkeypatch):
    learned = []

    def train(samples, *_, **_told):
        learned.extend(sample.checked for sample in samples)
        yield from ()

    monkeypatch.setattr("napari_cellseg.learn.train.train", train)
    path = tmp_path / "labels.npy"
    new_label_movie(path, labels.shape)[:] = labels
    job = TrainingJob(0, (0, 1, 2), QUICK, TINY, tmp_path / "model", accepted=frozenset({1}))
    follow(train_on_study(stack, path, job))
    assert learned == [False, True, False]


def job_of(model, folder, frames):
    config = PredictConfig(device="cpu")
    return counting.PredictionJob(0, frames, model, config, MeasureConfig(), folder)


def test_classes_are_not_counted_but_said(stack, tmp_path, fake_model):
    model = fake_model(tmp_path / "model", net={"classes": 3})
    with pytest.raises(ModelError, match="gives pixels 3 classes, and finds no separate objects"):
        follow(counting.count_frames(stack, job_of(model, tmp_path / "found", (0,))))
    assert not (tmp_path / "found").exists()


def test_frames_come_in_order_into_the_files_with_their_numbers(trained, stack, labels, tmp_path):
    told = []
    done = follow(counting.count_frames(stack, job_of(trained[0], tmp_path, (3, 4, 5, 0))), told.append)
    assert done == (3, 4, 5, 0)
    (files,) = [event for event in told if isinstance(event, counting.FilesReady)]
    counted = {event.t: event.table for event in told if isinstance(event, counting.FrameCounted)}
    assert list(counted) == [3, 4, 5, 0]
    movie, probability = np.load(files.labels), np.load(files.probability)
    assert movie.shape == probability.shape == labels.shape
    assert probability.dtype == np.float16
    for t, table in counted.items():
        assert len(table.cells) == len(np.unique(movie[t])) - 1
        assert table.counts["n_by_instances"].tolist() == [len(table.cells)]
        assert abs(len(table.cells) - len(PLACES)) <= len(PLACES) // 2
    assert not movie[1].any()

    follow(counting.count_frames(stack, job_of(trained[0], tmp_path, (1,))))
    again = np.load(files.labels)
    assert again[1].any()
    assert np.array_equal(again[3], movie[3])  # what was there stays


def test_a_stop_keeps_the_frames_done(trained, stack, tmp_path):
    told = []

    def enough():
        return sum(isinstance(event, counting.FrameCounted) for event in told) >= 2

    with pytest.raises(Cancelled):
        follow(
            counting.count_frames(stack, job_of(trained[0], tmp_path, tuple(range(6)))), told.append, enough
        )
    movie = np.load(tmp_path / counting.LABELS_FILE)
    assert movie[:2].any(axis=(1, 2)).all()
    assert not movie[3:].any()


def test_summary_and_export_agree_and_keep_what_was_there(trained, stack, labels, tmp_path):
    told = []
    follow(counting.count_labels(stack, trained[2], "mine", MeasureConfig()), told.append)
    counts = Counts()
    for event in told:
        if isinstance(event, counting.FrameCounted):
            counts.put(event.t, event.table)
    summary = counts.summary(None, stack.pixel_size_um)
    assert summary.frames == list(range(6))
    assert summary.by_instances == [len(PLACES)] * 6
    assert sum(summary.histogram) >= 0.99 * 6 * len(PLACES)
    assert summary.unit == "µm²"

    first = follow(counting.export(stack, counts.tables(), trained[2], tmp_path / "results"))
    second = follow(counting.export(stack, counts.tables(), trained[2], tmp_path / "results"))
    assert first.labels != second.labels
    assert len(list((tmp_path / "results").glob("counts*.csv"))) == 2
    counts, cells = pd.read_csv(second.counts), pd.read_csv(second.cells)
    assert counts["frame"].tolist() == list(range(6))
    assert counts["n_by_instances"].tolist() == summary.by_instances
    assert counts["n_by_area"].to_numpy() == pytest.approx(summary.by_area)
    assert len(cells) == 6 * len(PLACES)
    assert set(cells["image"]) == {"pos1"}
    assert cells["frame"].is_monotonic_increasing
    assert np.array_equal(read_labels(second.labels), labels)
