import subprocess
import sys
import time

import numpy as np
import pytest
from napari.utils.theme import get_theme
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QAbstractButton, QAbstractSpinBox, QComboBox, QLabel

from napari_cellseg.data.project import Study
from napari_cellseg.ui import work
from napari_cellseg.ui.dock import STEPS, CellSegDock
from napari_cellseg.ui.step import Step, time_left


@pytest.fixture
def dock(viewer, until):
    dock = CellSegDock(viewer)
    viewer.window.add_dock_widget(dock, name="Cell segmentation", area="right")
    until(lambda: dock.is_ready)
    yield dock
    dock.shut_down()


def test_the_import_is_light_and_torch_stays_out():
    code = """
import sys, napari.layers
before = set(sys.modules)
import napari_cellseg.ui.dock, napari_cellseg.ui.data_step
heavy = {"torch", "pandas", "skimage", "tifffile", "dask.array", "pyqtgraph"}
print(sorted(heavy & set(sys.modules) - before))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_it_is_there_at_once_and_opens_the_first_step(viewer, until):
    torch_before = "torch" in sys.modules  # another test may have imported it
    started = time.process_time()
    dock = CellSegDock(viewer)
    viewer.window.add_dock_widget(dock, area="right")
    assert time.process_time() - started < 1  # its own time: the machine may be busy
    until(lambda: dock.is_ready)
    assert [row.accessibleName() for row in dock.rows] == [
        f"Step {i}: {title}" for i, (title, _module, _name) in enumerate(STEPS, 1)
    ]
    assert dock.step("Data").isVisible()
    assert ("torch" in sys.modules) == torch_before


def test_what_takes_longest_to_import_waits_until_there_is_a_picture(viewer, monkeypatch):
    asked = []
    monkeypatch.setattr(CellSegDock, "_import", lambda _dock, modules, _then: asked.append(modules))
    for _n in range(2):
        dock = CellSegDock(viewer)
        dock.shut_down()
        dock.close()
        viewer.add_image(np.zeros((3, 8, 8)))
    assert asked == [["napari_cellseg.ui.data_step"], ["dask.array", "napari_cellseg.ui.data_step"]]


def test_one_step_at_a_time_by_mouse_key_or_request(dock, qtbot):
    heard = []
    data, labels = dock.step("Data"), dock.step("Labels")
    qtbot.mouseClick(dock.rows[1], Qt.MouseButton.LeftButton)
    assert labels.isVisible()
    assert not data.isVisible()
    qtbot.keyClick(dock.rows[0], Qt.Key.Key_Return)
    assert data.isVisible()
    assert not labels.isVisible()
    labels.summary_changed.connect(lambda *summary: heard.append(summary))
    labels.summarise("running", "3 of 4 frames")
    assert dock.rows[1].line.text() == "3 of 4 frames"
    assert heard == [("running", "3 of 4 frames")]
    dock.session.step_wanted.emit("Labels")
    assert labels.isVisible()
    qtbot.mouseClick(dock.rows[1], Qt.MouseButton.LeftButton)
    assert not labels.isVisible()


def test_the_header_names_study_model_and_device(dock, tmp_path, until):
    assert dock.header.study.text() == "Study: none yet"
    dock.session.use_study_folder(tmp_path / "plate 7")
    until(lambda: dock.header.study.text() == "Study: plate 7")
    dock.session.model = tmp_path / "nuclei-a"
    dock.session.device = "CPU, 2 threads"
    dock.session.model_changed.emit()
    assert dock.header.running.text() == "Model: nuclei-a · CPU, 2 threads"


def test_the_log_is_one_click_away_and_grows(dock):
    dock.session.say("before")
    dock.header.show_log()
    log = dock.header._log
    assert log.isVisible()
    dock.session.say("after")
    text = log.text.toPlainText()
    assert "before" in text
    assert text.splitlines()[-1].endswith("after")


def test_every_control_says_what_it_is_for(dock):
    dumb = [
        (type(step).__name__, widget.objectName() or type(widget).__name__, getattr(widget, "text", str)())
        for step in (dock.step("Data"), dock.step("Labels"), dock.header)
        for kind in (QAbstractButton, QComboBox, QAbstractSpinBox)
        for widget in step.findChildren(kind)
        if not widget.toolTip()
        and not widget.objectName().startswith("qt_")
        and type(widget).__module__ != "superqt.utils"
        and widget.parent().objectName() not in ("qt_scrollarea_viewport",)
        and not isinstance(widget.parent(), QComboBox)
    ]
    assert dumb == []


def test_it_fits_a_small_screen(dock, viewer):
    viewer.window._qt_window.resize(1366, 768)
    for index in range(len(STEPS)):
        dock.open(index)
        assert dock.minimumSizeHint().height() < 600
        area = dock._areas[index]
        assert area.widget().minimumSizeHint().width() <= 400


def test_a_second_dock_and_a_larger_font_cut_no_step_at_its_sides(dock, viewer, until):
    viewer.window._qt_window.resize(1366, 768)
    viewer.window.add_dock_widget(QLabel("narrow"), name="another", area="right")
    own = viewer.window._wrapped_dock_widgets["Cell segmentation"]
    viewer.window._qt_window.resizeDocks([own], [200], Qt.Orientation.Horizontal)
    until(lambda: dock.width() == dock.minimumWidth())
    for index, step in enumerate(dock.steps):
        dock.open(index)
        area = dock._areas[index]
        until(lambda area=area, step=step: step.width() == area.viewport().width())
        assert dock.width() == dock.minimumWidth()  # the window does not jump
    dock.step("Count").setStyleSheet("* { font-size: 16pt }")
    area, step = dock._areas[-1], dock.step("Count")
    until(lambda: step.minimumSizeHint().width() > 380)
    until(lambda: step.width() == area.viewport().width())


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_both_themes(dock, viewer, theme):
    viewer.theme = theme
    assert get_theme(theme).current.as_hex() in dock.styleSheet()


def test_closing_the_panel_ends_everything(viewer, until):
    dock = CellSegDock(viewer)
    widget = viewer.window.add_dock_widget(dock, area="right")
    until(lambda: dock.is_ready)
    session = dock.session
    widget.destroyOnClose()
    assert session.is_closed
    viewer.dims.ndim = 3  # nobody of us listens any more


def test_closing_the_window_ends_everything_within_two_seconds(viewer, until):
    dock = CellSegDock(viewer)
    viewer.window.add_dock_widget(dock, area="right")
    until(lambda: dock.is_ready)
    session = dock.session
    session.run(work.import_all, ["json"], quick=True)
    started = time.perf_counter()
    viewer.close()
    assert session.is_closed
    assert time.perf_counter() - started < 8  # two on a quiet machine, with napari's own part


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, ""), (0.2, "1 s left"), (100, "1 min 40 s left"), (7500, "2 h 5 min left")],
)
def test_time_left(seconds, text):
    assert time_left(seconds) == text


def test_a_step_shows_errors_and_the_next_step(session, qtbot):
    class Plain(Step):
        title = "Plain"

    step = Plain(session)
    qtbot.addWidget(step)
    clicked = []
    step.message.tell("Something is missing.", "warning", "Get it", lambda: clicked.append(1))
    assert not step.message.isHidden()
    step.message.button.click()
    assert clicked == [1]
    step.show_error(ValueError("no"))
    assert step.message.button.isHidden()
    assert "log tells more" in step.message.text
    step.message.clear()
    assert step.message.isHidden()


def test_closing_the_window_while_labels_are_made_ends_cleanly(viewer, movie, until, qtbot):
    dock = CellSegDock(viewer)
    viewer.window.add_dock_widget(dock, area="right")
    until(lambda: dock.is_ready)
    phase, stain, _ = movie(n_frames=200)
    viewer.add_image(phase, name="Phase")
    viewer.add_image(stain, name="DAPI")
    session = dock.session
    until(lambda: session.fluorescence_channel is not None)
    dock.step("Labels").make_labels()
    until(lambda: session.labels_layer is not None)
    started = time.perf_counter()
    viewer.close()
    assert session.is_closed
    assert time.perf_counter() - started < 8  # two on a quiet machine, with napari's own part
    qtbot.wait(200)  # what the work still says reaches nobody; an error here would fail the test


def test_the_panel_can_be_closed_and_opened_again_from_the_menu(viewer, until):
    for _ in range(2):
        widget, dock = viewer.window.add_plugin_dock_widget("napari-cellseg", "Cell segmentation")
        until(lambda dock=dock: dock.is_ready)
        assert not dock.session.is_closed
        widget.destroyOnClose()
        assert dock.session.is_closed


def test_correcting_works_behind_the_proxy_that_napari_hands_plugins(viewer, movie, tmp_path, until, hand):
    phase, stain, _ = movie()
    viewer.add_image(phase, name="Phase")
    viewer.add_image(stain, name="DAPI")
    _, dock = viewer.window.add_plugin_dock_widget("napari-cellseg", "Cell segmentation")
    until(lambda: dock.is_ready and dock.session.fluorescence_channel is not None)
    dock.session.study = Study.at(tmp_path / "study")
    dock.step("Labels").make_labels()
    until(lambda: dock.session.labels_layer is not None and dock.step("Labels").progress.task is None)
    dock.open_named("Correct")
    step = dock.step("Correct")
    step.primary.click()
    until(lambda: step.corrections is not None)
    viewer.window.resize(1200, 740)
    viewer.reset_view()
    until(lambda: step.helpers.progress is not None and step.helpers.progress.isVisible())
    labels = step.corrections.movie[dock.session.frame()]
    y, x = np.argwhere(labels > 0)[0] + (3, 0)
    QTest.mouseClick(step.desk.buttons.buttons["delete"], Qt.MouseButton.LeftButton)
    n = len(np.unique(labels))
    hand.click(float(y), float(x))
    until(lambda: len(np.unique(step.corrections.movie[dock.session.frame()])) == n - 1)
    hand.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    until(lambda: len(np.unique(step.corrections.movie[dock.session.frame()])) == n)
    viewer.layers.remove(step.corrections.layer)
    until(lambda: step.helpers.progress is None)
