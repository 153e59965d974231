import time
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from skimage.draw import disk

from napari_cellseg.config import NetConfig, TrainConfig
from napari_cellseg.data.project import Study
from napari_cellseg.errors import InputError
from napari_cellseg.label.review import Review
from napari_cellseg.label.triage import FrameScores, Verdict
from napari_cellseg.learn.events import BatchDone, Compared, EpochDone, Preflight
from napari_cellseg.live.training import DeviceChosen, PicturesShown
from napari_cellseg.progress import Cancelled
from napari_cellseg.ui.layers import add_labels
from napari_cellseg.ui.pictures import join_pictures, picture_of
from napari_cellseg.ui.train_step import TrainStep

N_FRAMES = 5


@pytest.fixture
def ready(session, viewer, movie, tmp_path):
    """Images, and masks drawn by the person for all frames but the last."""
    phase, stain, places = movie(n_frames=N_FRAMES)
    image, other = viewer.add_image(phase, name="Phase"), viewer.add_image(stain, name="DAPI")
    stack, channels = join_pictures(picture_of(image), picture_of(other))
    session.use_stack(stack, channels, image, other)
    session.study = Study.at(tmp_path / "study")
    masks = np.zeros(phase.shape, np.uint16)
    for t in range(N_FRAMES - 1):
        for label, (y, x) in enumerate(places, start=1):
            masks[t][disk((y + t % 2, x), 7, shape=masks.shape[1:])] = label
    return viewer.add_labels(masks, name="my masks")


@pytest.fixture
def train(session, viewer):
    step = TrainStep(session)
    viewer.window.add_dock_widget(step, area="right")
    yield step
    step.shut_down()


def click(button):
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def lesson(stack, labels, job):
    """Tell what a training tells, without one."""
    yield DeviceChosen("CPU, 2 threads")
    yield Preflight("One batch went through.")
    picture = np.zeros((20, 30), np.uint8)
    rows = ((picture, np.zeros((20, 30, 3), np.uint8), np.zeros((20, 30, 3), np.uint8)),)
    try:
        for epoch in range(1, 1000):
            for batch in range(1, 11):
                yield BatchDone(epoch, batch, 10, 12.3, 100.0)
                time.sleep(0.002)
            yield EpochDone(
                epoch, 1 / epoch, 1.1 / epoch, 0.4 + 0.1 * (epoch == 2), 0.4, epoch in (1, 2), 99.0
            )
            yield PicturesShown(rows)
    except Cancelled:
        if epoch < 2:
            raise
    return job.out


def test_without_images_or_labels_the_way_there_is_told(train, session, movie, viewer):
    wanted = []
    session.step_wanted.connect(wanted.append)
    click(train.primary)
    assert "step 1" in train.message.text
    click(train.message.button)
    image = viewer.add_image(movie()[0], name="Phase")
    session.use_stack(*join_pictures(picture_of(image)), image)
    click(train.primary)
    assert "no labels to learn from" in train.message.text
    click(train.message.button)
    assert wanted == ["Data", "Labels"]


def test_curves_pictures_and_stop_keep_best(train, ready, session, until, monkeypatch):
    monkeypatch.setattr("napari_cellseg.ui.train_step.train_on_study", lesson)
    assert train.labels.layer is ready
    assert "5 frames" in train.frames.text()
    train.name.setText("mine")
    click(train.primary)
    assert not train.primary.isEnabled()
    until(lambda: len(train.curves.values()[0]) >= 3)
    assert train.pictures.isVisibleTo(train)
    until(lambda: train.rate.text() == "12.3 images per second")
    assert train.summary[0] == "running"
    assert "IoU 0.50 · 1 min" in train.summary[1]  # the best, not the last
    assert train.curves._best.value() == 2
    assert session.device == "CPU, 2 threads"
    assert train.progress.stop.text() == "Stop, keep best"
    click(train.progress.stop)
    until(lambda: train.summary[0] == "done")
    assert train.summary[1] == "mine · IoU 0.50"
    assert session.model == session.study.models / "mine"
    assert train.primary.isEnabled()
    wanted = []
    session.step_wanted.connect(wanted.append)
    click(train.message.button)
    assert wanted == ["Count"]


def test_failures_are_told_and_training_can_start_again(train, ready, session, until, monkeypatch):
    monkeypatch.setattr("napari_cellseg.ui.train_step.train_on_study", refusal)
    click(train.primary)
    until(lambda: train.summary[0] == "attention")
    assert "Nothing to learn" in train.message.text
    until(train.primary.isEnabled)


def refusal(stack, labels, job):
    yield Preflight("One batch went through.")
    raise InputError("Nothing to learn", "", "Label some frames")


def test_which_frames_are_learned_from(train, ready, session, viewer, movie):
    scores = FrameScores(0, 100, 0, 1000, 8, 1.0, 100.0)
    session.verdicts = [Verdict(t, t < 3, "", scores) for t in range(N_FRAMES)]
    session.corrected_layer = add_labels(
        viewer, ready.data.astype(np.int32), "c", "corrected", session.image_layer
    )
    session.review, session.corrected_frames = Review(frozenset({0})), frozenset({4})
    train.labels.choose(ready)
    train.labels.activated.emit(train.labels.currentIndex())
    session.corrected_changed.emit()
    assert train.labels.layer is ready  # the person's choice stays
    train._by_hand = False
    session.corrected_changed.emit()
    assert train.labels.layer is session.corrected_layer
    text = train.frames.text()
    assert text.startswith("4 of 5 frames: 1 accepted, 1 corrected, 2 labelled automatically.")
    assert "Few frames" in text


def test_the_better_of_two_models_is_told_side_by_side(train):
    train._begin()
    old, new = (
        {"iou": 0.7, "ap50": 0.61, "count_error": 0.08},
        {"iou": 0.8, "ap50": 0.75, "count_error": 0.021},
    )
    train._on_event(Compared(old, new, "new", "The new one is better"))
    train._on_done(Path("mine"))
    assert train.scores.isVisibleTo(train)
    for text in ("0.700", "0.800", "0.750", "8.0 %", "2.1 %", "<b>new</b>"):
        assert text in train.scores.text()
    assert "is better than the one before" in train.message.text
    assert train.summary[1].endswith("IoU 0.80")


@pytest.mark.slow
def test_a_real_network_learns_and_is_stopped(train, ready, session, until):
    assert train.labels.layer is ready
    assert "5 frames" in train.frames.text()
    quick = {"max_epochs": 500, "patch_px": 32, "batch_size": 8, "device": "cpu", "learning_rate": 5e-3}
    train.config.set_value(TrainConfig(**quick))
    train.net.set_value(NetConfig(encoder="tu-regnetx_002", decoder_channels=(32, 16, 16)))
    train.name.setText("mine")
    click(train.primary)
    assert not train.primary.isEnabled()
    until(lambda: len(train.curves.values()[0]) >= 4, 200_000)
    assert train.pictures.isVisibleTo(train)
    assert "images per second" in train.rate.text()
    assert train.summary[0] == "running"
    assert "epoch" in train.summary[1]
    assert session.device
    click(train.progress.stop)
    until(lambda: train.summary[0] != "running")
    assert train.summary[0] == "done", train.message.text
    assert session.model == session.study.models / "mine"
    assert train.primary.isEnabled()
