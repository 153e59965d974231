import time

import numpy as np
import pandas as pd
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QFileDialog
from skimage.draw import disk

from napari_cellseg.config import PredictConfig
from napari_cellseg.data.project import Study
from napari_cellseg.label.review import Review
from napari_cellseg.learn import registry
from napari_cellseg.live.comparing import Comparison
from napari_cellseg.live.panels import Panel
from napari_cellseg.progress import Clock
from napari_cellseg.ui.comparison_result import PictureStrip
from napari_cellseg.ui.count_step import CountStep
from napari_cellseg.ui.layers import add_labels
from napari_cellseg.ui.pictures import join_pictures, picture_of

N_FRAMES = 3
TWO = ("nuclei-brightfield", "nuclei-fluorescence")


@pytest.fixture
def count(session, viewer, movie, tmp_path):
    """Step 5 with a small study that has nothing corrected yet."""
    phase, stain, _places = movie(n_frames=N_FRAMES)
    image, other = viewer.add_image(phase, name="Phase"), viewer.add_image(stain, name="DAPI")
    session.use_stack(*join_pictures(picture_of(image), picture_of(other)), image, other)
    session.study = Study.at(tmp_path / "study")
    step = CountStep(session)
    viewer.window.add_dock_widget(step, area="right")
    yield step
    step.shut_down()


@pytest.fixture
def masks(movie):
    """True labels of the frames, axes TYX."""
    phase, _stain, places = movie(n_frames=N_FRAMES)
    masks = np.zeros(phase.shape, np.int32)
    for t in range(N_FRAMES):
        for label, (y, x) in enumerate(places, start=1):
            masks[t][disk((y + t % 2, x), 7, shape=masks.shape[1:])] = label
    return masks


@pytest.fixture
def corrected(session, viewer, masks):
    """Two frames corrected, one of them accepted."""
    session.corrected_layer = add_labels(viewer, masks, "c", "corrected", session.image_layer)
    session.review, session.corrected_frames = Review(frozenset({0})), frozenset({0, 2})
    session.corrected_changed.emit()
    return session.corrected_layer


def open_comparison(step, until):
    step.menu.compare.trigger()
    window = step.menu._comparison
    until(lambda: not window.models.is_reading)
    return window


def click(button):
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def by_engine(stack, masks, frames, folders):
    """Compare as the command line does, but for the channel of stained cells; runs in the helper."""
    from napari_cellseg.data.samples import Sample  # noqa: PLC0415
    from napari_cellseg.learn.comparison import compare_models  # noqa: PLC0415

    tables = []
    for channel, folder in enumerate(folders):
        samples = [Sample(stack.frame(t, channel), masks[t], stack.group, f"{t}") for t in frames]
        tables.append((yield from compare_models([folder], samples, PredictConfig())))
    return pd.concat(tables)


def endless(stack, labels, job):
    """Go on until stopped."""
    clock = Clock(10_000, "frames predicted")
    for done in range(10_000):
        yield clock.at(done)
        time.sleep(0.005)
    return None


def test_two_models_are_compared_and_the_best_is_used(
    count, session, corrected, masks, until, tmp_path, monkeypatch
):
    window = open_comparison(count, until)
    assert window.truth.currentText() == "corrected and accepted frames"
    assert "1 corrected and 1 accepted frames. Few frames" in window.said.text()
    assert [one.name for one in window.models.ticked] == ["cells-phase"]  # the only one for phase contrast
    assert window.go.text() == "Compare: tick one more"
    assert not window.go.isEnabled()
    window.models.tick(*TWO)
    assert window.go.text() == "Compare 2 models"
    click(window.go)
    assert not window.go.isEnabled()
    until(lambda: window.result is not None or window.message.text)
    assert window.message.text == ""
    until(lambda: window.progress.task is None)

    told = []
    folders = [registry.bundled_models_folder() / name for name in TWO]
    session.run(by_engine, session.stack, masks, (0, 2), folders, on_done=told.append)
    until(lambda: told)
    expected = told[0].set_index("model").loc[list(window.result.table["model"])]
    for key in ("frames", "iou", "ap50", "f1", "count_error", "model_hash"):
        assert window.result.table[key].tolist() == expected[key].tolist()
    assert window.result.frames == (0, 2)

    table = window.table
    assert [table.item(row, 0).text() for row in range(2)] == list(expected.index)
    best = expected["ap50"].max()
    for row, value in enumerate(expected["ap50"]):
        assert table.item(row, 1).text() == f"{value:.2f}"
        assert table.item(row, 1).font().bold() == (f"{value:.2f}" == f"{best:.2f}")
    assert len(window.strip.pictures) == 3
    assert window.strip.whole.isHidden()  # the frames are so small that all of them is seen

    saved = tmp_path / "table"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(saved), ""))
    click(window.save)
    until(lambda: "was written to" in window.message.text)
    written = pd.read_csv(tmp_path / "table.csv")
    assert written["ap50"].tolist() == window.result.table["ap50"].tolist()
    assert set(written["image"]) == {session.stack.name}
    click(window.use)
    assert count.model.model == session.model == registry.bundled_models_folder() / expected.index[0]


def test_pictures_are_of_a_part_or_of_the_whole_frame(qtbot):
    strip = PictureStrip()
    qtbot.addWidget(strip)
    black, white = (np.full((60, 80, 3), grey, np.uint8) for grey in (0, 255))
    table = pd.DataFrame({"model": ["a"]})
    strip.show_comparison(Comparison(table, (3, 7), 7, (Panel("Truth", "2 objects", black, white),) * 3))
    assert strip.heading.text() == "<b>Frame 7</b>, the worst of 2 frames"
    assert len(strip.pictures) == 3
    assert not strip.whole.isHidden()
    shades = []
    for on in (False, True):
        strip.whole.setChecked(on)
        shades.append([one.pixmap().toImage().pixelColor(9, 9).lightness() for one in strip.pictures])
    assert shades == [[0] * 3, [255] * 3]
    strip.show_comparison(Comparison(table, (3,), 3, (Panel("Truth", "2 objects", black, black),)))
    assert len(strip.pictures) == 1
    assert strip.whole.isHidden()
    assert "the only frame" in strip.heading.text()


def test_cancel_leaves_nothing_behind(count, session, corrected, until, tmp_path, monkeypatch):
    monkeypatch.setattr("napari_cellseg.ui.model_comparison.compare_on_study", endless)
    window = open_comparison(count, until)
    window.models.tick(*TWO)
    before = sorted(tmp_path.rglob("*"))
    click(window.go)
    until(lambda: "frames predicted · " in window.progress.text.text())
    assert "left" in window.progress.text.text()
    assert window.progress.stop.text() == "Cancel"
    click(window.progress.stop)
    until(lambda: window.progress.task is None)
    assert window.message.text == "Cancelled; nothing was kept."
    assert window.result is None
    assert not window.table.isVisible()
    assert sorted(tmp_path.rglob("*")) == before
    click(window.go)  # and closing the window ends it, too
    until(lambda: window.progress.task is not None and "predicted" in window.progress.text.text())
    window.reject()
    until(lambda: window.progress.task is None)


def test_what_is_missing_is_told_with_the_way_there(count, session, viewer, masks, until):
    wanted = []
    session.step_wanted.connect(wanted.append)
    window = open_comparison(count, until)
    assert "No frame was corrected yet" in window.message.text
    assert not window.go.isEnabled()
    click(window.message.button)
    assert wanted == ["Correct"]
    assert not window.isVisible()
    assert open_comparison(count, until) is window
    layer = add_labels(viewer, masks, "c", "corrected", session.image_layer)
    session.corrected_layer = layer
    session.corrected_changed.emit()
    assert "press N where nothing is" in window.message.text
    session.review = Review(frozenset({1}))
    session.corrected_changed.emit()
    assert window.message.text == ""
    assert window.frames.currentText() == "frame 1"
    session.use_stack(None)
    session.corrected_changed.emit()
    assert "step 1" in window.message.text


def test_masks_of_the_person_are_a_truth_and_predictions_are_none(count, session, viewer, masks, until):
    viewer.add_labels(masks, name="my masks")
    add_labels(viewer, masks, "nuclei (model)", "prediction", session.image_layer)
    session.labels_layer = add_labels(viewer, masks, "nuclei (auto)", "auto", session.image_layer)
    window = open_comparison(count, until)
    choices = [window.truth.itemText(row) for row in range(window.truth.count())]
    assert choices == ["corrected and accepted frames", "my masks", "nuclei (auto)"]
    assert window.truth.currentText() == "my masks"  # nothing is corrected
    assert [window.frames.itemText(row) for row in range(2)] == ["all 3", "only the one in view (1)"]
    window.truth.setCurrentIndex(2)
    window.truth.activated.emit(2)
    assert "nobody has looked at them" in window.said.text()


def test_failures_are_told(count, corrected, until, monkeypatch, tmp_path, fake_model):
    monkeypatch.setattr(registry, "bundled_models_folder", lambda: tmp_path / "bundled")
    for name in ("a", "b"):
        fake_model(tmp_path / "bundled" / name)
    window = open_comparison(count, until)
    window.models.tick("a", "b")
    (tmp_path / "bundled" / "b" / "card.json").unlink()
    click(window.go)
    until(lambda: "has no card.json" in window.message.text)
    assert window.go.isEnabled()
