import importlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from napari_cellseg.errors import InputError
from napari_cellseg.process import Helper, HelperError
from napari_cellseg.progress import Cancelled, Note, Progress, Steps, follow


@pytest.fixture
def helper():
    helper = Helper()
    yield helper
    helper.close()


def test_events_and_result_come_back(helper: Helper) -> None:
    told: list[object] = []
    assert follow(helper.run(add, np.ones(3)), told.append) == 3.0
    assert told == [Note("adding")]


def test_the_process_stays_between_pieces_of_work(helper: Helper) -> None:
    assert follow(helper.run(pid)) == follow(helper.run(pid)) != os.getpid()


def test_stop_reaches_the_work_and_its_result_is_kept(helper: Helper) -> None:
    told: list[object] = []
    kept = follow(helper.run(slow, True), told.append, lambda: len(told) >= 3)
    assert 2 <= kept < 100
    with pytest.raises(Cancelled):
        follow(helper.run(slow, False), stop=lambda: True)
    assert follow(helper.run(pid))


def test_our_errors_come_back_as_they_are_and_others_with_their_traceback(helper: Helper) -> None:
    with pytest.raises(InputError, match=r"Not an image\. Choose another\."):
        follow(helper.run(fail, True))
    with pytest.raises(HelperError, match="ZeroDivisionError") as caught:
        follow(helper.run(fail, False))
    assert "in fail" in "".join(caught.value.__notes__)


def test_a_dead_process_is_told_and_replaced(helper: Helper) -> None:
    with pytest.raises(HelperError, match="ended before its work was done"):
        follow(helper.run(die))
    assert follow(helper.run(pid))


def test_work_that_nobody_follows_any_more_ends(helper: Helper) -> None:
    steps = helper.run(slow, True)
    next(steps)
    start = time.perf_counter()
    steps.close()
    assert time.perf_counter() - start < 5
    assert follow(helper.run(pid))


def test_close_ends_work_in_another_thread_within_two_seconds(helper: Helper) -> None:
    errors: list[BaseException] = []

    def work() -> None:
        try:
            follow(helper.run(slow, True))
        except HelperError as error:
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(1.0)
    start = time.perf_counter()
    helper.close()
    thread.join(2)
    assert time.perf_counter() - start < 5
    assert len(errors) == 1


def test_a_script_without_a_guard_is_not_run_again(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from napari_cellseg.process import Helper\n"
        "from napari_cellseg.progress import follow\n"
        "from napari_cellseg.live.training import known_models\n"
        "print('once')\n"
        "helper = Helper()\n"
        "print(follow(helper.run(known_models, ())) is not None)\n"
    )
    told = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["once", "True"]


def test_a_closed_helper_says_so(helper: Helper) -> None:
    helper.close()
    with pytest.raises(HelperError, match="was ended"):
        follow(helper.run(pid))


def add(values: np.ndarray) -> Steps[float]:
    yield Note("adding")
    return float(values.sum())


def pid() -> Steps[int]:
    yield Note("pid")
    return os.getpid()


def slow(keeps: bool) -> Steps[int]:
    done = 0
    try:
        for done in range(100):
            yield Progress(done, 100, "naps")
            time.sleep(0.05)
    except Cancelled:
        if not keeps:
            raise
    return done


def fail(ours: bool) -> Steps[None]:
    yield Note("about to fail")
    if ours:
        raise InputError("Not an image", "", "Choose another")
    1 / 0  # noqa: B018


def die() -> Steps[None]:
    yield Note("about to die")
    os._exit(3)


BROOD = """
import subprocess, sys
from napari_cellseg.progress import Note

def brood():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield Note(str(child.pid))
    child.wait()
"""
STARTS = """
import os, time
from brood import brood
from napari_cellseg.process import Helper

if __name__ == "__main__":
    helper = Helper(children=True)
    steps = helper.run(brood)
    child = next(steps).text
    print(helper._process.pid, child, flush=True)
    time.sleep(600)
"""


def test_work_may_start_processes_which_end_with_the_helper(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "brood.py").write_text(BROOD)
    monkeypatch.syspath_prepend(str(tmp_path))
    helper = Helper(children=True)
    steps = helper.run(importlib.import_module("brood").brood)
    child = psutil.Process(int(next(steps).text))
    assert child.is_running()
    helper.close()
    psutil.wait_procs([child], timeout=10)
    assert not child.is_running()
    with pytest.raises(HelperError):
        next(steps)


def test_what_was_started_does_not_outlive_a_program_that_crashes(tmp_path: Path) -> None:
    (tmp_path / "brood.py").write_text(BROOD)
    (tmp_path / "starts.py").write_text(STARTS)
    program = subprocess.Popen(
        [sys.executable, str(tmp_path / "starts.py")], stdout=subprocess.PIPE, text=True
    )
    with program:
        assert program.stdout is not None
        left = [psutil.Process(int(number)) for number in program.stdout.readline().split()]
        assert len(left) == 2
        assert all(process.is_running() for process in left)
        program.kill()
    _gone, alive = psutil.wait_procs(left, timeout=10)
    assert [p for p in alive if p.status() != psutil.STATUS_ZOMBIE] == []
