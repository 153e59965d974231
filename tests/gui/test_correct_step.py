import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from napari_cellseg.data.project import Study, new_label_movie, open_label_movie
from napari_cellseg.label import edit as tools
from napari_cellseg.label.journal import Journal
from napari_cellseg.label.lock import InUseError, StudyLock
from napari_cellseg.label.triage import FrameScores, Verdict
from napari_cellseg.ui.correct_step import CorrectStep
from napari_cellseg.ui.layers import add_labels
from napari_cellseg.ui.pictures import join_pictures, picture_of

CHILD = Path(__file__).with_name("crash_while_correcting.py")


@pytest.fixture
def auto(movie):
    """Square nuclei, 11 px wide, at the known places of every frame; the first has a hole in frame 0."""
    phase, _stain, places = movie()
    labels = np.zeros(phase.shape, np.int32)
    for label, (y, x) in enumerate(places, start=1):
        labels[:, y - 5 : y + 6, x - 5 : x + 6] = label
    y, x = places[0]
    labels[0, y, x] = 0
    return labels


@pytest.fixture
def step(session, viewer, movie, auto, tmp_path, until):
    """Step 3 with labels of four frames, opened for correction in a study."""
    study_of(session, viewer, movie, auto, tmp_path)
    step = CorrectStep(session)
    viewer.window.add_dock_widget(step, area="right")
    step.source.choose(session.labels_layer)
    QTest.mouseClick(step.primary, Qt.MouseButton.LeftButton)
    until(lambda: step.corrections is not None)
    viewer.window.resize(1200, 740)
    QTest.qWait(50)
    viewer.reset_view()  # all of the picture within reach of the mouse
    yield step
    step.shut_down()


def study_of(session, viewer, movie, auto, folder):
    phase, stain, _places = movie()
    image, other = viewer.add_image(phase, name="Phase"), viewer.add_image(stain, name="DAPI")
    stack, channels = join_pictures(picture_of(image), picture_of(other))
    session.use_stack(stack, channels, image, other)
    session.study = Study.at(folder / "study")
    if not session.study.labels_auto.exists():
        new_label_movie(session.study.labels_auto, auto.shape)[:] = auto
    session.labels_layer = add_labels(
        viewer, open_label_movie(session.study.labels_auto), "auto", "auto", image
    )
    scores = FrameScores(0, 100, 0, 1000, 8, 1.0, 100.0)
    session.verdicts = [
        Verdict(t, t != 2, "count jumps" if t == 2 else "good", replace(scores, t=t))
        for t in range(len(phase))
    ]
    session.go_to(0)


def canvas(step):
    return step.session.viewer.window._qt_viewer.canvas


def place(step, y, x):
    """Where a pixel of the labels is on the canvas, as Qt counts."""
    view = canvas(step).view
    px, py, *_ = view.scene.transform.map([x, y, 0])
    return QPoint(round(px), round(py))


def hover(step, y, x):
    QTest.mouseMove(canvas(step).native, place(step, y + 1, x + 1))
    QTest.qWait(20)
    QTest.mouseMove(canvas(step).native, place(step, y, x))
    QTest.qWait(20)


def click(step, y, x):
    hover(step, y, x)
    QTest.mouseClick(canvas(step).native, Qt.MouseButton.LeftButton, pos=place(step, y, x))
    QTest.qWait(20)


def drag(step, *points):
    native = canvas(step).native
    hover(step, *points[0])
    QTest.mousePress(native, Qt.MouseButton.LeftButton, pos=place(step, *points[0]))
    for point in points[1:]:
        QTest.mouseMove(native, place(step, *point))
        QTest.qWait(20)
    QTest.mouseRelease(native, Qt.MouseButton.LeftButton, pos=place(step, *points[-1]))
    QTest.qWait(20)


def press(step, key, modifier=Qt.KeyboardModifier.NoModifier):
    QTest.keyClick(canvas(step).native, key, modifier)
    QTest.qWait(20)


def undo(step):
    press(step, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)


def redo(step):
    press(step, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)


def test_a_copy_is_corrected_and_the_source_stays(step, movie, auto):
    y, x = movie()[2][1]
    hover(step, y, x)
    press(step, Qt.Key.Key_X)
    frame = step.corrections.movie[0]
    assert not (frame == 2).any()
    assert (frame == 3).any()
    assert np.array_equal(open_label_movie(step.session.study.labels_auto), auto)
    assert np.array_equal(open_label_movie(step.session.study.labels_corrected)[0], frame)
    assert "Nucleus deleted" in step.message.text
    assert step.summary[1].startswith("1 in work · next: frame 2 (count jumps)")


def test_strokes_and_tools_share_one_order_of_undo(step, movie, auto, until):
    places = movie()[2]
    frame = step.corrections.movie[0]
    states = [frame.copy()]
    (y0, x0), (y1, x1), (y2, x2) = places[:3]

    press(step, Qt.Key.Key_P)  # a stroke on background is a new nucleus
    free = (y1 + y0) // 2 + 14, (x0 + x1) // 2
    drag(step, free, (free[0], free[1] + 3))
    states.append(frame.copy())
    assert step.tools.tool == "paint"
    assert frame[free] == len(places) + 1

    hover(step, y1, x1)
    press(step, Qt.Key.Key_X)
    states.append(frame.copy())
    hover(step, y0, x0 + 3)
    press(step, Qt.Key.Key_F)
    states.append(frame.copy())
    assert frame[y0, x0] == 1, step.message.text

    press(step, Qt.Key.Key_E)
    drag(step, (y2, x2), (y2, x2 + 3))
    states.append(frame.copy())
    assert frame[y2, x2] == 0

    assert all((a != b).any() for a, b in zip(states[1:], states[:-1], strict=True))
    for expected in states[-2::-1]:
        undo(step)
        assert np.array_equal(frame, expected)
    assert np.array_equal(frame, auto[0])
    undo(step)
    assert "nothing left to undo" in step.message.text
    for expected in states[1:]:
        redo(step)
        assert np.array_equal(frame, expected)
    redo(step)
    assert "nothing to do again" in step.message.text
    step.corrections.flush()
    told = [edit.tool for edit in Journal(step.session.study.journal).edits()]
    assert told == ["stroke", "delete", "fill_holes", "stroke"]


def test_a_stroke_that_starts_in_a_nucleus_extends_it(step, movie):
    y, x = movie()[2][3]
    QTest.mouseClick(step.desk.buttons.buttons["paint"], Qt.MouseButton.LeftButton)
    drag(step, (y, x), (y + 9, x))
    assert step.corrections.movie[0][y + 9, x] == 4
    step.desk.new_on_background.setChecked(False)
    step.corrections.layer.selected_label = 7
    drag(step, (y + 20, x), (y + 20, x + 2))
    assert step.corrections.movie[0][y + 20, x] == 7


def test_merge_by_two_clicks_and_background_answers_with_a_sentence(step, movie):
    (y0, x0), (y1, x1) = movie()[2][:2]
    press(step, Qt.Key.Key_M)
    assert step.desk.buttons.buttons["merge"].isChecked()
    click(step, y0 + 14, x0 + 14)
    assert "no nucleus under the cursor" in step.message.text
    click(step, y0, x0 + 3)
    assert "Now click" in step.message.text
    click(step, y1, x1)
    frame = step.corrections.movie[0]
    assert frame[y1, x1] == 1
    assert not (frame == 2).any()
    click(step, y0, x0 + 3)
    click(step, y1, x1)
    assert "already one" in step.message.text
    press(step, Qt.Key.Key_Escape)
    assert step.tools.tool == "move"
    assert step.desk.buttons.buttons["move"].isChecked()


def test_cut_by_a_line_and_a_line_that_cuts_nothing(step, movie, auto):
    y, x = movie()[2][4]
    frame = step.corrections.movie[0]
    brush = step.corrections.layer.brush_size
    press(step, Qt.Key.Key_K)
    drag(step, (y, x - 2), (y, x), (y, x + 2))
    assert "does not cut through" in step.message.text
    assert np.array_equal(frame, auto[0])
    drag(step, (y + 14, x), (y + 14, x + 4))
    assert "no nucleus under the line" in step.message.text
    drag(step, (y, x - 9), (y, x), (y, x + 9))
    assert "Nucleus cut" in step.message.text
    assert frame[y - 4, x] != frame[y + 4, x]
    assert {int(frame[y - 4, x]), int(frame[y + 4, x])} == {5, auto.max() + 1}
    assert np.count_nonzero(frame) == np.count_nonzero(auto[0])
    undo(step)
    assert np.array_equal(frame, auto[0])
    press(step, Qt.Key.Key_Escape)
    assert step.corrections.layer.brush_size == brush
    step.corrections.flush()
    assert Journal(step.session.study.journal).edits() == ()


def test_tools_by_buttons_and_by_napari_itself(step, viewer):
    for name, button in step.desk.buttons.buttons.items():
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        assert step.tools.tool == name
        assert [n for n, b in step.desk.buttons.buttons.items() if b.isChecked()] == [name]
        assert button.toolTip()
    step.corrections.layer.mode = "paint"
    assert step.tools.tool == "paint"
    assert step.desk.buttons.buttons["paint"].isChecked()
    step.corrections.layer.mode = "polygon"
    assert step.desk.buttons.buttons["polygon"].isChecked()
    step.corrections.layer.mode = "fill"
    assert not any(b.isChecked() for b in step.desk.buttons.buttons.values())
    QTest.mouseClick(step.desk.buttons.buttons["delete"], Qt.MouseButton.LeftButton)
    step.closed()
    assert step.tools.tool == "move"

    layer = step.corrections.layer
    press(step, Qt.Key.Key_O)
    assert not layer.visible
    press(step, Qt.Key.Key_O)
    assert layer.visible

    step.desk.buttons.help.click()
    assert step._sheet.isVisible()
    step._sheet.close()

    other = viewer.add_labels(np.ones((20, 20), np.int32))  # the person's own keeps napari's keys
    viewer.layers.selection.active = other
    other.selected_label = 1
    press(step, Qt.Key.Key_M)
    assert other.selected_label == 2
    assert step.tools.tool == "move"


def test_clicks_delete_and_fill_with_the_tool_in_hand(step, movie):
    places = movie()[2]
    QTest.mouseClick(step.desk.buttons.buttons["fill"], Qt.MouseButton.LeftButton)
    y, x = places[0]
    click(step, y, x + 3)
    assert step.corrections.movie[0][y, x] == 1
    QTest.mouseClick(step.desk.buttons.buttons["delete"], Qt.MouseButton.LeftButton)
    for y, x in places[:3]:
        click(step, y, x)
    assert set(np.unique(step.corrections.movie[0])) == {0, *range(4, len(places) + 1)}
    click(step, *places[0])
    assert "Click a nucleus to delete it" in step.message.text
    QTest.mouseClick(step.desk.undo, Qt.MouseButton.LeftButton)
    assert (step.corrections.movie[0] == 3).any()
    QTest.mouseClick(step.desk.redo, Qt.MouseButton.LeftButton)
    assert not (step.corrections.movie[0] == 3).any()


def test_accept_skip_and_the_order_of_frames(step, session):
    assert session.frame() == 0
    press(step, Qt.Key.Key_N)
    assert session.frame() == 2  # the doubtful one first
    assert "count jumps" in step.message.text
    press(step, Qt.Key.Key_N, Qt.KeyboardModifier.ShiftModifier)
    assert session.frame() == 3
    QTest.mouseClick(step.primary, Qt.MouseButton.LeftButton)
    assert session.frame() == 1
    press(step, Qt.Key.Key_N)
    assert session.frame() == 2  # skipped, so last
    press(step, Qt.Key.Key_N)
    assert "All frames are done" in step.message.text
    assert step.summary == ("done", "4 accepted")
    assert session.verdicts[2].keep
    assert session.verdicts[2].by == "person"
    step.corrections.flush()
    assert Journal(session.study.journal).states() == dict.fromkeys(range(4), "accepted")


def test_a_change_to_an_accepted_frame_asks_for_it_again(step, session, movie):
    press(step, Qt.Key.Key_N)
    session.go_to(0)
    hover(step, *movie()[2][1])
    press(step, Qt.Key.Key_X)
    assert 0 not in session.review.accepted
    assert session.corrected_frames == {0}
    session.go_to(3)
    undo(step)  # what is undone is shown
    assert session.frame() == 0
    assert session.corrected_frames == frozenset()


def test_a_removed_layer_can_be_opened_again(step, viewer, movie, until):
    y, x = movie()[2][1]
    hover(step, y, x)
    press(step, Qt.Key.Key_X)
    viewer.layers.remove(step.corrections.layer)
    assert step.corrections is None
    QTest.mouseClick(step.message.button, Qt.MouseButton.LeftButton)
    until(lambda: step.corrections is not None)
    assert "were restored: 1 frame." in step.message.text
    assert not (step.corrections.movie[0] == 2).any()
    undo(step)  # yesterday's work can be undone too
    assert (step.corrections.movie[0] == 2).any()


def test_another_window_is_told_and_may_take_over(session, viewer, movie, auto, tmp_path, until):
    study_of(session, viewer, movie, auto, tmp_path)
    other = StudyLock(session.study.folder)
    other.acquire()
    step = CorrectStep(session)
    viewer.window.add_dock_widget(step, area="right")
    step.source.choose(session.labels_layer)
    QTest.mouseClick(step.primary, Qt.MouseButton.LeftButton)
    until(lambda: step.progress.task is None)
    assert step.corrections is None
    assert f"is being corrected by {other.holder()}" in step.message.text
    assert step.message.button.text() == "Take over"
    if shots := os.environ.get("NAPARI_CELLSEG_SHOTS"):
        step.resize(380, 700)
        QTest.qWait(200)
        step.grab().save(f"{shots}/take-over.png")
    QTest.mouseClick(step.message.button, Qt.MouseButton.LeftButton)
    until(lambda: step.corrections is not None)
    with pytest.raises(InUseError, match="was taken over"):
        other.check()
    y, x = movie()[2][1]
    hover(step, y, x)
    press(step, Qt.Key.Key_X)
    assert not (step.corrections.movie[0] == 2).any()

    other.acquire(take_over=True)  # and back: here nothing is changed any more
    hover(step, *movie()[2][2])
    press(step, Qt.Key.Key_X)
    assert (step.corrections.movie[0] == 3).any()
    assert "was taken over by" in step.message.text
    other.release()
    QTest.mouseClick(step.message.button, Qt.MouseButton.LeftButton)
    until(lambda: step.corrections is not None)
    assert not (step.corrections.movie[0] == 2).any()
    undo(step)
    assert (step.corrections.movie[0] == 2).any()
    lock = session.study.folder / ".correcting.lock"
    assert lock.is_file()
    step.shut_down()
    assert not lock.exists()


def test_edits_through_time_are_one_step(step, movie, auto):
    labels = step.corrections.movie
    step.corrections.do(*(tools.delete(labels[t], 2, frame=t) for t in range(3)))
    assert step.session.corrected_frames == {0, 1, 2}
    undo(step)
    assert np.array_equal(labels, auto)
    assert "3 frames from 0 on" in step.message.text
    redo(step)
    assert not (labels[:3] == 2).any()
    assert (labels[3] == 2).any()


def test_start_over_puts_aside_and_deletes_nothing(step, session, movie, until):
    y, x = movie()[2][1]
    hover(step, y, x)
    press(step, Qt.Key.Key_X)
    step.again.click()
    until(lambda: step.progress.task is None)
    assert step.corrections is None
    names = {path.name for path in (*session.study.folder.iterdir(), *session.study.labels_folder.iterdir())}
    assert {"corrected-aside.npy", "journal-aside.jsonl"} <= names
    assert "corrected.npy" not in names
    QTest.mouseClick(step.primary, Qt.MouseButton.LeftButton)
    until(lambda: step.corrections is not None)
    assert (step.corrections.movie[0] == 2).any()
    assert not step.corrections.can_undo


def test_what_cannot_be_corrected_is_said(session, viewer, movie, auto, tmp_path):
    step = CorrectStep(session)
    viewer.window.add_dock_widget(step, area="right")
    wanted = []
    session.step_wanted.connect(wanted.append)
    step.primary.click()
    assert "step 1" in step.message.text
    step.message.button.click()
    assert wanted == ["Data"]
    study_of(session, viewer, movie, auto, tmp_path)
    step.source.choose(viewer.add_labels(np.ones((9, 9), np.int32), name="small"))
    step.primary.click()
    assert "small have the shape (9, 9)" in step.message.text
    assert step.corrections is None
    step.shut_down()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_corrections_come_back_after_a_crash(tmp_path, session, viewer, movie, auto, until):
    """A process that corrects is killed without any chance to tidy up."""
    study_of(session, viewer, movie, auto, tmp_path)
    study = session.study
    command = [sys.executable, CHILD, study.folder]
    child = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert child.returncode == -signal.SIGKILL, child.stderr
    assert "edits done" in child.stdout
    session.study = None
    step = CorrectStep(session)
    viewer.window.add_dock_widget(step, area="right")
    session.study = Study.open(study.folder)
    session.study_changed.emit()
    until(lambda: step.corrections is not None)
    assert "were restored: 2 frames." in step.message.text
    frames = step.corrections.movie
    assert not (frames[0] == 1).any()
    assert (frames[1] == 2).any()  # deleted, and undone
    assert frames[3, 60, 75] == 99  # a brush stroke
    step.shut_down()
