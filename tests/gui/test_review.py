"""The story of a review in a real window: prepare, judge six items by mouse and keys, report."""

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QLabel, QWidget
from skimage.draw import disk

from napari_cellseg.data.read import read_labels
from napari_cellseg.data.write import write_labels
from napari_cellseg.evaluate.review.judgement import read_sheets
from napari_cellseg.evaluate.review.plan import read_plan
from napari_cellseg.ui.review_dock import ReviewDock

N_FRAMES = 3
SECRET = ("pure-model", "mixed-model")


@pytest.fixture
def dock(viewer):
    dock = ReviewDock(viewer)
    viewer.window.add_dock_widget(dock, area="right")
    viewer.window.resize(1366, 740)
    yield dock
    dock.shut_down()


@pytest.fixture
def scene(viewer, movie):
    """A movie and two sets of labels: one misses the first cell, one invents one in the corner."""
    phase, stain, places = movie(n_frames=N_FRAMES)
    labels = np.zeros((2, *phase.shape), np.int32)
    for t in range(N_FRAMES):
        for label, (y, x) in enumerate(places, start=1):
            labels[:, t][:, *disk((y + t % 2, x), 7, shape=phase.shape[1:])] = label
        labels[1, t][disk((110, 140), 7, shape=phase.shape[1:])] = 50
    labels[0][labels[0] == 1] = 0
    viewer.add_image(phase, name="Phase")
    viewer.add_image(stain, name="DAPI")
    for name, data in zip(SECRET, labels, strict=True):
        viewer.add_labels(data, name=name)
    return places


def click_button(button):
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def click(viewer, y, x, modifier=Qt.KeyboardModifier.NoModifier):
    """Click a pixel of the picture that is judged."""
    canvas = viewer.window._qt_viewer.canvas
    px, py, *_ = canvas.view.scene.transform.map([x, y, 0])
    at = QPoint(round(px), round(py))
    QTest.mouseMove(canvas.native, at + QPoint(1, 1))
    QTest.qWait(20)
    QTest.mouseMove(canvas.native, at)
    QTest.qWait(20)
    QTest.mouseClick(canvas.native, Qt.MouseButton.LeftButton, modifier, at)
    QTest.qWait(20)


def press(viewer, key, modifier=Qt.KeyboardModifier.NoModifier):
    QTest.keyClick(viewer.window._qt_viewer.canvas.native, key, modifier)
    QTest.qWait(20)


def prepare(dock, until, **told):
    panel = dock.prepare
    panel.beside.setCurrentIndex(panel.beside.findText(told.get("beside", "DAPI")))
    for item in panel._rows():
        item.setCheckState(Qt.CheckState.Checked)
    panel.what.setCurrentIndex(panel.what.findData(told.get("what", "whole")))
    panel.n_items.setValue(6)
    until(lambda: dock.session.study_folder is not None)
    click_button(panel.primary)
    until(lambda: "ready" in panel.message.text or panel.message._sign.text() == "✖")
    assert "ready to be judged" in panel.message.text
    until(lambda: panel.progress.task is None)
    dock.tabs.setCurrentIndex(1)


def start(dock, until, expert="Ada"):
    dock.judge.expert.setText(expert)
    click_button(dock.judge.primary)
    until(lambda: dock.judge._shown == dock.judge.number > 0)


def all_texts(dock, viewer):
    """Everything that can be read while judging: in the panel, in the layers of ours, in their tooltips."""
    widgets = [w for w in dock.judge.findChildren(QWidget) if w.isVisible()]
    texts = [w.text() for w in widgets if hasattr(w, "text")]
    texts += [w.toolTip() for w in widgets] + [label.text() for label in dock.judge.findChildren(QLabel)]
    shown = [layer for layer in viewer.layers if layer.visible]
    return texts + [layer.name for layer in shown] + [str(layer.metadata) for layer in shown]


def test_six_items_are_judged_by_mouse_and_keys_and_reported(dock, viewer, scene, until):
    before = {layer.name: (layer.visible, np.array(layer.data)) for layer in viewer.layers}
    zoom = viewer.scene.camera.zoom
    prepare(dock, until)
    judge = dock.judge
    start(dock, until)
    plan, folder = judge.sheet.plan, judge.review
    truth = {}
    for step in range(6):
        until(lambda: judge._shown == judge.number)
        item = plan.item(judge.number)
        assert judge.number == step + 1
        assert f"{step + 1} of 6" in judge.where.text()
        assert not any(secret in text for text in all_texts(dock, viewer) for secret in SECRET)
        assert [layer.name for layer in viewer.layers if layer.visible][:1] == ["to judge"]
        assert not any(layer.editable for layer in (judge.scene.outlines, judge.scene.marks))
        mixed = 50 in item.objects
        if mixed:
            click(viewer, 110, 140)
            assert judge.sheet.judgement(item.number).objects("wrong") == {50}
        else:
            y, x = scene[0]
            click(viewer, y + item.frame % 2, x)
            assert len(judge.sheet.judgement(item.number).places("missed")) == 1
        truth[item.number] = mixed
        if step == 0:
            y, x = scene[2]
            click(viewer, y, x, Qt.KeyboardModifier.ShiftModifier)
            assert judge.sheet.judgement(1).objects("unsure") == {3}
            press(viewer, Qt.Key.Key_Backspace)
            assert judge.sheet.judgement(1).objects("unsure") == set()
            assert len(judge.sheet.judgement(1).marks) == 1
            press(viewer, Qt.Key.Key_O)
            assert not judge.scene.outlines.visible
            press(viewer, Qt.Key.Key_O)
            assert judge.scene.outlines.visible
        if step == 2:
            viewer.layers.remove(judge.scene.outlines)  # it comes back with the next item
        if step % 2:
            press(viewer, Qt.Key.Key_N)
        else:
            click_button(judge.next)
        assert step == 5 or "left" in judge.where.text()
    until(lambda: judge.sheet is None)
    assert "All 6 items are judged" in judge.message.text
    for layer in viewer.layers:  # the viewer is as it was, and no label was touched
        visible, data = before[layer.name]
        assert layer.visible == visible
        assert np.array_equal(layer.data, data)
    assert len(viewer.layers) == len(before)
    assert math.isclose(viewer.scene.camera.zoom, zoom)

    said = read_sheets(folder, read_plan(folder))["Ada"]
    assert {n: bool(judged.objects("wrong")) for n, judged in said.items()} == truth
    dock.tabs.setCurrentIndex(2)
    click_button(dock.report.primary)
    until(lambda: dock.report.result is not None)
    scores = pd.read_csv(folder / "report" / "scores.csv").set_index(["model", "score"])["value"]
    n = len(scene)
    assert scores[SECRET[0], "precision"] == 1
    assert math.isclose(scores[SECRET[0], "recall"], (n - 1) / n)
    assert math.isclose(scores[SECRET[1], "precision"], n / (n + 1))
    assert scores[SECRET[1], "recall"] == 1
    assert dock.report.table.item(0, 1).text() == SECRET[0]
    assert dock.report.result.page.exists()


def test_single_objects_by_one_key_and_going_on_another_day(dock, viewer, scene, until):
    prepare(dock, until, what="objects", beside="none")
    judge = dock.judge
    start(dock, until)
    press(viewer, Qt.Key.Key_W)
    until(lambda: judge._shown == judge.number == 2)
    press(viewer, Qt.Key.Key_U)
    until(lambda: judge._shown == judge.number == 3)
    press(viewer, Qt.Key.Key_Backspace)
    until(lambda: judge._shown == judge.number == 2)
    press(viewer, Qt.Key.Key_R)
    until(lambda: judge._shown == judge.number == 3)
    click_button(judge.leave)
    assert len(viewer.layers) == 4
    folder = judge.review
    start(dock, until)
    assert judge.number == 3
    said = [judge.sheet.judgement(n) for n in (1, 2)]
    assert [bool(one.objects("wrong")) for one in said] == [True, False]
    assert not any(one.unsure for one in said)
    dock.tabs.setCurrentIndex(0)
    assert judge.sheet is None
    lines = [json.loads(line) for line in (folder / "sheets" / "Ada.jsonl").read_text().splitlines()]
    assert lines[0]["expert"] == "Ada"
    assert not any(secret in json.dumps(line) for line in lines for secret in SECRET)


def test_what_is_missing_is_said(dock, viewer, until):
    assert not dock.prepare.primary.isEnabled()
    dock.tabs.setCurrentIndex(1)
    click_button(dock.judge.primary)
    assert dock.judge.message.text == "Choose a review first."
    dock.judge.offer(Path("/nowhere/review"))
    dock.judge.expert.setText("Ada")
    click_button(dock.judge.primary)
    until(lambda: "holds no review" in dock.judge.message.text)
    assert dock.judge.sheet is None


@pytest.mark.real
def test_touching_cells_of_a_real_movie_are_judged_from_disk(dock, viewer, real_data, tmp_path, until):
    """Two phase-contrast images; one set of labels is the truth, in the other every fifth cell is gone."""
    images = sorted((real_data / "usiigaci" / "images").iterdir())[:2]
    gone = {}
    for image in images:
        mask = read_labels(real_data / "usiigaci" / "masks" / image.name)
        (tmp_path / "images").mkdir(exist_ok=True)
        shutil.copy(image, tmp_path / "images")
        gone[image.stem] = set(np.unique(mask)[1::5].tolist())
        write_labels(tmp_path / SECRET[0] / image.name, mask)
        write_labels(
            tmp_path / SECRET[1] / image.name, np.where(np.isin(mask, list(gone[image.stem])), 0, mask)
        )
    panel = dock.prepare
    panel.source.setCurrentIndex(1)
    panel.use_images(tmp_path / "images")
    for name in SECRET:
        panel.add_labels_of(tmp_path / name)
    panel.n_items.setValue(6)
    click_button(panel.primary)
    until(lambda: "ready to be judged" in panel.message.text)
    dock.tabs.setCurrentIndex(1)
    start(dock, until)
    judge, missed = dock.judge, {}
    plan, folder = judge.sheet.plan, judge.review
    for _ in range(6):
        until(lambda: judge._shown == judge.number)
        item = plan.item(judge.number)
        mask = read_labels(real_data / "usiigaci" / "masks" / f"{item.movie}.tif")
        y0, x0, y1, x1 = item.box
        inside = {label: np.argwhere(mask == label) for label in gone[item.movie] - set(item.objects)}
        centres = {label: px.mean(axis=0) for label, px in inside.items()}
        held = [label for label, (y, x) in centres.items() if y0 <= y < y1 and x0 <= x < x1]
        for label in held:
            px = inside[label][
                ((inside[label] > (y0 + 2, x0 + 2)) & (inside[label] < (y1 - 3, x1 - 3))).all(axis=1)
            ]
            y, x = px[np.abs(px - centres[label]).sum(axis=1).argmin()]
            click(viewer, y - item.window[0], x - item.window[1])
        missed[item.number] = len(held)
        press(viewer, Qt.Key.Key_N)
    until(lambda: judge.sheet is None)
    said = read_sheets(folder, plan)["Ada"]
    whole = {item.number for item in plan.items if gone[item.movie] & set(item.objects)}
    assert whole, "the truth itself is among what is judged"
    for number, count in missed.items():
        judged = said[number]
        assert len(judged.places("missed")) + len(judged.objects("wrong")) == count
    assert sum(missed.values()) > 0
