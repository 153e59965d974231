"""A real napari viewer on a (virtual) screen, small movies, and what must be gone after every test."""

import multiprocessing
import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from benchmarks._hand import Hand
from napari.qt.threading import WorkerBase
from qtpy.QtWidgets import QApplication
from skimage.draw import disk

from napari_cellseg.ui.session import Session

HERE = Path(__file__).parent
PATIENCE_MS = 60_000  # a helper process that starts on a busy machine takes its time


def pytest_collection_modifyitems(items):
    """Mark what needs a screen; without one a Qt binding ends the whole process, so skip it there."""
    blind = sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.gui)
            if blind and os.environ.get("QT_QPA_PLATFORM") != "offscreen":
                item.add_marker(pytest.mark.skip(reason="no screen: run it under xvfb-run, or make test"))


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    """Keep results of tests out of the person's own data."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "own data"))
    monkeypatch.setattr("platformdirs.user_data_path", lambda name: tmp_path / "own data" / name)
    monkeypatch.setattr("platformdirs.user_config_path", lambda name: tmp_path / "own settings" / name)


@pytest.fixture
def viewer(make_napari_viewer, qtbot):
    """A window that is shown; none of our widgets may outlive it."""
    viewer = make_napari_viewer(show=True)
    yield viewer
    viewer.close()
    qtbot.waitUntil(lambda: not widgets_of_ours(), timeout=10_000)


def widgets_of_ours():
    """List the widgets of ours that Qt still holds."""
    return [w for w in QApplication.allWidgets() if type(w).__module__.startswith("napari_cellseg")]


@pytest.fixture
def session(viewer):
    session = Session(viewer)
    yield session
    started = time.perf_counter()
    session.close()
    assert time.perf_counter() - started < 6  # 2 on a quiet machine
    session.deleteLater()


@pytest.fixture(autouse=True)
def nothing_left_behind():
    """Fail when a helper process or a task outlives its test."""
    before = set(multiprocessing.active_children())
    yield
    deadline = time.monotonic() + 10
    left: list[object] = []
    while time.monotonic() < deadline:
        left = [process for process in multiprocessing.active_children() if process not in before]
        left += [task for task in WorkerBase._worker_set if not task.over.is_set()]
        if not left:
            return
        time.sleep(0.02)
    raise AssertionError(f"these outlive the test: {left}")


@pytest.fixture
def until(qtbot):
    """Wait until something is so, with the window alive."""

    def until(condition, timeout=PATIENCE_MS):
        qtbot.waitUntil(lambda: bool(condition()), timeout=timeout)

    return until


@pytest.fixture
def movie():
    """Make a pair of movies, phase-like and fluorescence, with nuclei at known places; axes TYX, uint16."""

    def movie(n_frames=4, height=128, width=160, n_nuclei=8, radius=7, seed=0):
        rng = np.random.default_rng(seed)
        places = [
            (y, x)
            for y in range(2 * radius, height - 2 * radius, 4 * radius)
            for x in range(2 * radius, width - 2 * radius, 4 * radius)
        ][:n_nuclei]
        stain = rng.normal(200, 8, (n_frames, height, width))
        for t in range(n_frames):
            for y, x in places:
                stain[t][disk((y + t % 2, x), radius, shape=(height, width))] += 1500
        phase = rng.normal(5000, 60, stain.shape) - 0.4 * stain
        return np.clip(phase, 0, None).astype(np.uint16), np.clip(stain, 0, None).astype(np.uint16), places

    return movie


@pytest.fixture
def hand(viewer):
    """A hand on the canvas of the viewer."""
    return Hand(viewer)
