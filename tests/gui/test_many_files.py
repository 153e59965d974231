"""Many files from the window: what comes out, again, stopped, and closed in the middle."""

import time

import pandas as pd
import psutil
import pytest
import tifffile
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_cellseg.config import PredictConfig
from napari_cellseg.learn.registry import find_model
from napari_cellseg.live.many_files import CameOut
from napari_cellseg.progress import Progress
from napari_cellseg.ui.count_step import CountStep
from napari_cellseg.ui.many_panel import outcome_text

MODEL = "nuclei-fluorescence"


@pytest.fixture
def plate(tmp_path, nuclei):
    folder = tmp_path / "plate"
    folder.mkdir()
    for i, name in enumerate("ab"):
        tifffile.imwrite(folder / f"{name}.tif", nuclei(i, 3 + i))
    (folder / "bad.tif").write_text("Dear colleague, here are the images.")
    return folder


@pytest.fixture
def count(session, viewer):
    step = CountStep(session)
    viewer.window.add_dock_widget(step, area="right")
    step.many_files.expand(animate=False)
    yield step
    step.shut_down()


@pytest.fixture
def many(count):
    """The panel with a model chosen, and the size of nuclei told: measuring it takes long."""
    panel = count.many
    count.model.choose(find_model(MODEL))
    count.config.set_value(PredictConfig(diameter_px=20))
    panel.choice.at_once.setValue(1)
    return panel


def click(button):
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def workers():
    """Processes below the helper of the window."""
    own = psutil.Process()
    children = {child.pid for child in own.children()}
    return [process for process in own.children(recursive=True) if process.pid not in children]


def test_what_is_missing_is_said(count, session, plate):
    click(count.many.go)
    assert count.many.message.text == "Choose a folder of images above, or a table of them."
    count.many.choice.inputs.setText(str(plate))
    click(count.many.go)
    assert "Choose a model" in count.many.message.text
    assert count.many.choice.output.placeholderText() == "plate-counts"
    count.model.choose(find_model(MODEL))
    assert count.many.choice.output.placeholderText() == f"plate-{MODEL}"
    assert str(plate.with_name(f"plate-{MODEL}")) in count.many.choice.output.toolTip()
    count.many.choice.inputs.clear()
    assert count.many.choice.output.placeholderText() == "beside the images"


def test_a_folder_is_counted_then_only_what_is_missing_and_a_stop_loses_nothing(
    many,
    count,
    session,
    plate,
    until,
    monkeypatch,
    nuclei,
):
    opened, lines = [], []
    monkeypatch.setattr(
        "napari_cellseg.ui.many_panel.QDesktopServices.openUrl", lambda url: opened.append(url.toLocalFile())
    )
    monkeypatch.setattr(
        "napari_cellseg.ui.many_choice.QFileDialog.getExistingDirectory", lambda *_args: str(plate)
    )
    count.summary_changed.connect(lambda state, text: lines.append((state, text)))
    many.choice._ask_folder()
    assert many.choice.inputs.text() == str(plate)

    click(many.go)
    assert not many.go.isEnabled()
    assert count.primary.isEnabled()  # the movie can be counted meanwhile
    until(lambda: any(state == "running" and text.endswith("of 3") for state, text in lines))
    until(lambda: many.progress.task is None)
    results = plate.with_name(f"plate-{MODEL}")
    assert many.message.text.startswith("2 done, 1 failed.\n• bad: ")
    assert "bad.tif" in many.message.text
    assert pd.read_csv(results / "counts.csv")["n_by_instances"].tolist() == [3, 4]
    click(many.open_page)
    click(many.show_folder)
    assert opened == [str(results / "batch.html"), str(results)]
    assert count.summary == ("attention", "many files: 2 done, 1 failed")

    tifffile.imwrite(plate / "bad.tif", nuclei(7, 5))
    for i in range(3):
        tifffile.imwrite(plate / f"more{i}.tif", nuclei(10 + i, 6))
    click(many.go)
    many.progress.task.listen(
        event=lambda event: isinstance(event, Progress) and event.done >= 3 and many.progress._stop()
    )
    until(lambda: many.progress.task is None)
    text = many.message.text
    assert text.startswith("Stopped: ")
    assert "2 kept from before" in text
    assert text.endswith("left. Count again to go on.")
    first = len(pd.read_csv(results / "counts.csv"))
    assert 3 <= first < 6

    click(many.go)
    until(lambda: many.progress.task is None)
    assert many.message.text == f"{6 - first} done, {first} kept from before."
    assert len(pd.read_csv(results / "counts.csv")) == 6
    until(lambda: not workers())


def test_closing_the_window_ends_the_work_within_two_seconds(many, session, plate, until):
    many.choice.inputs.setText(str(plate))
    click(many.go)
    until(workers)
    left = workers()
    started = time.perf_counter()
    session.close()
    assert time.perf_counter() - started < 6  # 2 on a quiet machine
    _gone, alive = psutil.wait_procs(left, timeout=10)
    assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []


def test_what_fails_as_a_whole_is_told(many, tmp_path, until):
    many.choice.inputs.setText(str(tmp_path / "nowhere"))
    click(many.go)
    until(lambda: many.progress.task is None)
    assert many.message.text == f"There is no file or folder {tmp_path / 'nowhere'}. Check the name."
    assert many.go.isEnabled()
    assert many._results.isHidden()


def test_the_outcome_in_words(tmp_path):
    def said(*numbers, failures=()):
        return outcome_text(CameOut(*numbers, failures, tmp_path))

    assert said(1200, 0, 0, 0) == "1,200 done."
    assert said(0, 7, 0, 0) == "0 done, 7 kept from before."
    failed = said(5, 1, 9, 0, failures=("a: It is empty.", "b: It is torn."))
    assert failed.splitlines() == [
        "5 done, 1 kept from before, 9 failed.",
        "• a: It is empty.",
        "• b: It is torn.",
        "7 more failed; the summary tells why.",
    ]
    assert said(2, 0, 0, 3) == "Stopped: 2 done, 3 left. Count again to go on."
