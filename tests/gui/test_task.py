import threading
import time

import pytest

from napari_cellseg.errors import InputError
from napari_cellseg.progress import Cancelled, Note, Progress
from napari_cellseg.ui.task import Task, message_of


class Heard:
    """Writes down what a task says, and in which thread."""

    def __init__(self, task):
        self.news, self.threads = [], set()
        task.listen(
            event=lambda event: self.hear("event", event),
            done=lambda result: self.hear("done", result),
            failed=lambda error: self.hear("failed", error),
            cancelled=lambda: self.hear("cancelled", None),
        )

    def hear(self, kind, what):
        self.news.append((kind, what))
        self.threads.add(threading.current_thread())


def count(n, pause_s=0.0, keeps=True):
    done = 0
    try:
        for done in range(1, n + 1):
            yield Progress(done, n, "naps")
            time.sleep(pause_s)
    except Cancelled:
        if not keeps:
            raise
    return done


def run(qtbot, task):
    heard = Heard(task)
    with qtbot.waitSignal(task.finished, timeout=10_000):
        task.start()
    qtbot.wait(10)
    return heard


def test_events_then_the_result_all_in_the_windows_thread(qtbot):
    heard = run(qtbot, Task(lambda: count(3)))
    assert heard.news == [("event", Progress(i, 3, "naps")) for i in (1, 2, 3)] + [("done", 3)]
    assert heard.threads == {threading.main_thread()}


@pytest.mark.parametrize(
    "error", [RuntimeError("out of memory"), InputError("Not an image"), StopIteration()]
)
def test_every_failure_is_told_runtime_errors_too(qtbot, error):
    def fail():
        yield Note("about to fail")
        raise error

    heard = run(qtbot, Task(fail))
    assert heard.news[0] == ("event", Note("about to fail"))
    assert heard.news[1][0] == "failed"
    assert len(heard.news) == 2


def test_stop_is_answered_within_a_step_and_the_result_is_kept(qtbot):
    task = Task(lambda: count(1000, 0.01))
    heard = Heard(task)
    task.start()
    qtbot.waitUntil(lambda: len(heard.news) > 3)
    started = time.perf_counter()
    task.stop()
    qtbot.waitUntil(lambda: heard.news[-1][0] == "done")
    assert time.perf_counter() - started < 2
    assert 3 <= heard.news[-1][1] < 1000


def test_stop_of_work_that_keeps_nothing_says_cancelled(qtbot):
    task = Task(lambda: count(1000, 0.01, keeps=False))
    task.stop()
    assert run(qtbot, task).news[-1] == ("cancelled", None)


def test_a_dropped_task_is_not_heard_even_of_news_on_their_way(qtbot):
    task = Task(lambda: count(5))
    heard = Heard(task)
    task.start()
    assert task.over.wait(5)  # all its news wait in Qt's queue now: the window did not look yet
    task.drop()
    qtbot.wait(50)
    assert heard.news == []
    assert task.dropped
    assert task.stopping


def test_the_generator_is_closed(qtbot):
    closed = []

    def steps():
        try:
            yield Note("a")
            yield Note("b")
        finally:
            closed.append(True)

    task = Task(steps)
    task.stop()
    run(qtbot, task)
    assert closed == [True]


def test_messages():
    assert message_of(InputError("It is dark", "Light was expected", "Switch it on")) == (
        "It is dark. Light was expected. Switch it on."
    )
    assert message_of(ValueError("no")) == (
        "Something unforeseen happened (ValueError: no). The log tells more."
    )
