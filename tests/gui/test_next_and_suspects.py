"""The strip under the canvas, rejecting, the queue, and suspicious nuclei, as a person meets them."""

import time

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_cellseg.data.project import Study, new_label_movie, open_label_movie
from napari_cellseg.label.journal import Journal
from napari_cellseg.label.notes import FILE, open_notes
from napari_cellseg.label.review import URGENCY
from napari_cellseg.ui.correct_step import CorrectStep
from napari_cellseg.ui.frame_strip import FrameProgress
from napari_cellseg.ui.layers import add_labels
from napari_cellseg.ui.pictures import join_pictures, picture_of

N_FRAMES = 6


@pytest.fixture
def auto(movie):
    """Square nuclei of 11 px; frame 4 has a merged pair and a speck, frame 2 a speck."""
    phase, _stain, places = movie(N_FRAMES)
    labels = np.zeros(phase.shape, np.int32)
    for label, (y, x) in enumerate(places, start=1):
        labels[:, y - 5 : y + 6, x - 5 : x + 6] = label
    (y0, x0), (_y1, x1) = places[:2]
    labels[4, y0 - 5 : y0 + 6, x0 - 5 : x1 + 6] = 1
    labels[4, 110:113, 30:33] = 70
    labels[2, 110:113, 90:93] = 71
    return labels


@pytest.fixture
def step(session, viewer, movie, auto, tmp_path, until):
    open_study(session, viewer, movie, auto, tmp_path)
    step = CorrectStep(session)
    viewer.window.add_dock_widget(step, area="right")
    viewer.window.resize(1366, 768)
    step.source.choose(session.labels_layer)
    step.primary.click()
    until(lambda: step.corrections is not None)
    yield step
    step.shut_down()


def open_study(session, viewer, movie, auto, folder):
    phase, stain, _places = movie(N_FRAMES)
    image, other = viewer.add_image(phase, name="Phase"), viewer.add_image(stain, name="DAPI")
    stack, channels = join_pictures(picture_of(image), picture_of(other))
    session.use_stack(stack, channels, image, other)
    session.study = Study.at(folder / "study")
    new_label_movie(session.study.labels_auto, auto.shape)[:] = auto
    labels = open_label_movie(session.study.labels_auto)
    session.labels_layer = add_labels(viewer, labels, "auto", "auto", image)
    session.go_to(0)


def press(step, key):
    QTest.keyClick(step.session.viewer.window._qt_viewer.canvas.native, key)
    QTest.qWait(20)


def find(step, until):
    step.helpers.next.find.click()
    until(lambda: step.helpers.next.found is not None)


def state(step, t):
    return step._states()[t]


def test_the_queue_leads_to_the_frame_that_teaches_most(step, session, until):
    panel = step.helpers.next
    assert panel.find.text() == "Find what to correct next"
    assert panel.queue == ()
    find(step, until)
    assert panel.queue[0].frame == 4
    assert panel.line.text().startswith("<b>Next: frame 4</b>, because ")
    assert "one frame only" in panel.line.text()
    until(lambda: not panel.buttons[0].icon().isNull())
    assert [button.text() for button in panel.buttons] == [str(t) for t in panel.frames()[:5]]
    assert "next: frame 4" in step.summary[1]
    press(step, Qt.Key.Key_N)
    assert session.frame() == 4
    assert "Now frame 4: " in step.message.text
    assert 0 not in panel.frames()
    panel.buttons[1].click()
    assert session.frame() == int(panel.buttons[1].text())


def test_what_was_found_is_there_when_the_study_is_opened_again(step, session, until):
    find(step, until)
    queue = step.helpers.next.frames()
    study, session.study = session.study, None
    session.study_changed.emit()
    assert step.helpers.next.found is None
    session.study = study
    session.study_changed.emit()
    until(lambda: step.helpers.next.found is not None)
    assert step.helpers.next.frames() == queue


def test_a_box_in_doubt_fills_the_canvas(step, viewer):
    step.helpers.look_at(3, (20, 40, 60, 100))
    assert step.session.frame() == 3
    assert viewer.scene.camera.center[-2:] == pytest.approx((40, 70))
    height, width = viewer.canvas.size
    assert viewer.scene.camera.zoom == pytest.approx(min(height / 40, width / 60) / 1.15)
    step.helpers.look_at(2)
    assert viewer.scene.camera.center[-2:] == pytest.approx((63.5, 79.5), abs=1)
    viewer.scene.camera.zoom = 3
    step.helpers.look_at(1)
    assert viewer.scene.camera.zoom == 3  # the person's own view stays


def test_rejecting_and_taking_it_back(step, session, until):
    find(step, until)
    step.desk.reject.menu().actions()[0].trigger()
    assert "Frame 0 rejected. Now frame 4" in step.message.text
    assert state(step, 0) == "rejected"
    assert "1 rejected" in step.summary[1]
    session.go_to(0)
    assert step.desk.state.text() == "<b>Frame 0</b>: rejected (out of focus)"
    assert step.desk.reject.text() == "Take back"
    step.corrections.flush()
    assert Journal(session.study.journal).states() == {0: "rejected"}
    assert open_notes(session.study.folder / FILE).reasons == {0: "out of focus"}
    step.desk.reject.click()
    assert state(step, 0) == "auto"
    assert step.desk.reject.text() == "Reject"
    step.corrections.flush()
    assert Journal(session.study.journal).states() == {0: "auto"}


def test_a_rejection_survives_a_restart(step, session, until):
    step.reject("debris")
    study, session.study = session.study, None
    session.study_changed.emit()
    session.study = study
    session.study_changed.emit()
    until(lambda: step.corrections is not None)
    assert session.review.rejected == {0}
    assert step._reasons() == {0: "debris"}


def test_suspicious_nuclei_one_after_the_other(step, session, until):
    panel = step.helpers.suspects
    session.go_to(4)
    press(step, Qt.Key.Key_Period)  # unfolds the list, looks, and goes to the worst
    until(lambda: panel.table.currentIndex().isValid())
    assert panel.section.isExpanded()
    labels = [panel.table.objects.value(row, "label") for row in range(panel.table.objects.rowCount())]
    assert set(labels) == {1, 70}
    assert panel.count.text() == "<b>2</b> in this frame"
    assert step.corrections.layer.selected_label == labels[0]
    assert panel.why.text().startswith(f"Nucleus {labels[0]}: ")
    press(step, Qt.Key.Key_Period)
    assert step.corrections.layer.selected_label == labels[1]
    press(step, Qt.Key.Key_Period)
    assert "No more suspicious nuclei in this frame" in step.message.text


def test_what_is_right_is_not_listed_again_even_after_a_restart(step, session, until):
    panel = step.helpers.suspects
    session.go_to(4)
    press(step, Qt.Key.Key_Period)
    until(lambda: panel.table.currentIndex().isValid())
    label = step.corrections.layer.selected_label
    panel.right.click()
    assert panel.table.objects.row_of(frame=4, label=label) is None
    assert panel.table.objects.rowCount() == 1
    study, session.study = session.study, None
    session.study_changed.emit()
    session.study = study
    session.study_changed.emit()
    until(lambda: step.corrections is not None)
    press(step, Qt.Key.Key_Period)
    until(lambda: panel.table.currentIndex().isValid())
    assert panel.table.objects.rowCount() == 1


def test_deleting_a_suspect_takes_it_off_the_list(step, session, until):
    panel = step.helpers.suspects
    session.go_to(4)
    press(step, Qt.Key.Key_Period)
    until(lambda: panel.table.currentIndex().isValid())
    from napari_cellseg.label import edit  # noqa: PLC0415 - only here

    step.corrections.do(edit.delete(step.corrections.movie[4], 70, frame=4))
    until(lambda: panel.count.text() == "<b>1</b> in this frame")


def test_the_list_of_all_frames_leads_to_other_frames(step, session, until):
    panel = step.helpers.suspects
    assert not panel.all_frames.isVisibleTo(panel)
    find(step, until)
    panel.section.expand(animate=False)
    panel.all_frames.setChecked(True)
    frames = {panel.table.objects.value(row, "frame") for row in range(panel.table.objects.rowCount())}
    assert frames == {2, 4}
    panel.table.selectRow(0)
    assert session.frame() == 4
    step.accept()  # what is in an accepted frame is right
    frames = {panel.table.objects.value(row, "frame") for row in range(panel.table.objects.rowCount())}
    assert frames == {2}


def test_time_is_measured_kept_and_told(step, session, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("napari_cellseg.ui.attention.time.monotonic", lambda: now[0])
    attention = step.helpers._attention
    attention.tell()
    attention.did()
    attention.tell()
    before = step.helpers.notes.seconds.get(0, 0.0)
    now[0] += 12
    attention.did()
    step.accept()
    assert step.helpers.notes.seconds[0] == pytest.approx(before + 12, abs=0.2)
    line = step.helpers.progress.line.text()
    assert line.startswith(f"1 of {N_FRAMES} done · 12 s each · about ")
    assert "12 s of work" in step.helpers.progress.strip.told_of(0)
    t = session.frame()
    now[0] += 500  # the person went for lunch
    attention.tell()
    assert step.helpers.notes.seconds[t] <= 31
    step.corrections.flush()
    assert open_notes(session.study.folder / FILE).seconds[0] == pytest.approx(before + 12, abs=0.2)


def test_the_strip_is_under_the_canvas_and_goes_with_the_corrections(step, session, viewer):
    strip = step.helpers.progress.strip
    assert strip.isVisible()
    assert strip.mapToGlobal(strip.rect().topLeft()).y() > viewer.window._qt_viewer.canvas.native.height()
    QTest.mouseClick(strip, Qt.MouseButton.LeftButton, pos=QPoint(round(0.9 * strip.width()), 5))
    assert session.frame() == N_FRAMES - 1
    session.study = None
    session.study_changed.emit()
    assert step.helpers.progress is None
    QApplication.processEvents()


def test_labels_of_a_model_are_predicted_until_somebody_looks(session, viewer, movie, auto, tmp_path, until):
    open_study(session, viewer, movie, auto, tmp_path)
    found = add_labels(viewer, auto.copy(), "nuclei (model)", "prediction", session.image_layer)
    session.prediction_layer = found
    step = CorrectStep(session)
    viewer.window.add_dock_widget(step, area="right")
    step.source.choose(found)
    step.primary.click()
    until(lambda: step.corrections is not None)
    assert [state(step, t) for t in range(N_FRAMES)] == ["predicted"] * N_FRAMES
    assert "as a model predicted it" in step.desk.state.text()
    step.accept()
    assert state(step, 0) == "accepted"
    study, session.study = session.study, None
    session.study_changed.emit()
    session.study = study
    session.study_changed.emit()
    until(lambda: step.corrections is not None)
    assert state(step, 1) == "predicted"
    step.shut_down()


def test_twenty_thousand_frames_are_painted_in_a_moment(viewer, qtbot):
    rng = np.random.default_rng(0)
    states = {t: URGENCY[i] for t, i in enumerate(rng.integers(0, len(URGENCY), 20_000).tolist())}
    progress = FrameProgress(viewer)
    qtbot.addWidget(progress)
    progress.resize(1300, 30)
    progress.show_states(0, states, {}, {})
    progress.strip.grab()
    times = []
    for t in range(20):
        progress.strip.mark(t * 900)
        started = time.perf_counter()
        progress.strip.grab()
        times.append(time.perf_counter() - started)
    assert np.median(times) < 0.016
