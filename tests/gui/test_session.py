# ruff: noqa: PLC0415 - helper processes import this module for its functions: nothing heavy at its top
import os
import threading
import time

import numpy as np
import pytest

from napari_cellseg.errors import InputError
from napari_cellseg.progress import Cancelled, Note, Progress


def where(n=1):
    for i in range(n):
        yield Progress(i + 1, n, "steps")
    return os.getpid(), threading.current_thread() is threading.main_thread()


def total(stack):
    yield Note("adding")
    return int(np.asarray(stack.data).sum())


def slow(seconds):
    try:
        for i in range(1000):
            yield Progress(i, 1000, "naps")
            time.sleep(seconds / 1000)
    except Cancelled:
        return "kept"
    return "all"


def fail():
    yield Note("about to fail")
    raise InputError("It is dark", "", "Switch the light on")


def shout(pixels):
    yield Note("reading")
    return pixels.shape, type(pixels).__name__


def use(session, viewer, movie, **kwargs):
    from napari_cellseg.ui.pictures import join_pictures, picture_of

    phase, stain, _places = movie(**kwargs)
    image, other = viewer.add_image(phase, name="Phase"), viewer.add_image(stain, name="DAPI")
    stack, channels = join_pictures(picture_of(image), picture_of(other))
    session.use_stack(stack, channels, image, other)
    return stack


def test_work_runs_in_one_helper_process_quick_work_in_another(session, until):
    seen = {}
    for name, how in (("long", {}), ("again", {}), ("quick", {"quick": True}), ("here", {"here": True})):
        session.run(where, on_done=lambda found, name=name: seen.update({name: found}), **how)
        until(lambda name=name: name in seen)
    assert seen["long"] == seen["again"]
    assert len({seen["long"][0], seen["quick"][0], seen["here"][0]}) == 3
    assert seen["here"] == (os.getpid(), False)


def test_a_stack_of_layers_reaches_the_helper(session, viewer, movie, until):
    stack = use(session, viewer, movie, height=600, width=600)
    answer = []
    session.run(total, stack, on_done=answer.append)
    until(lambda: answer)
    phase, stain, _places = movie(height=600, width=600)
    assert answer == [int(phase.sum(dtype=np.int64) + stain.sum(dtype=np.int64))]


def test_work_waits_its_turn_and_can_be_dropped_meanwhile(session, until):
    answers = []
    first = session.run(slow, 60.0, on_done=answers.append)
    waiting = session.run(where, on_done=answers.append)
    waiting.drop()
    until(waiting.over.is_set, timeout=5000)
    assert answers == []
    first.stop()
    until(lambda: answers)
    assert answers == ["kept"]


def test_errors_are_told_and_the_log_tells_more(session, until):
    errors, lines = [], []
    session.logged.connect(lines.append)
    session.run(fail, on_failed=errors.append, title="Looking")
    until(lambda: errors and "over after" in lines[-1])
    assert str(errors[0]) == "It is dark. Switch the light on."
    text = "\n".join(session.log)
    assert "Looking: started" in text
    assert "about to fail" in text
    assert "Looking: failed. It is dark." in text


def test_titled_work_shows_in_naparis_activity_dock(session, until):
    from napari.utils import progress

    before = set(progress._all_instances)
    seen = []
    task = session.run(
        slow, 30.0, on_event=lambda _e: seen.extend(set(progress._all_instances) - before), title="Napping"
    )
    until(lambda: len(seen) > 2)
    assert seen[0].desc.startswith("Napping")
    until(lambda: seen[0].total == 1000)
    task.stop()
    until(lambda: set(progress._all_instances) == before)


def test_close_ends_helpers_at_work_within_two_seconds(viewer, until):
    from napari_cellseg.ui.session import Session

    session = Session(viewer)
    heard = []
    for quick in (False, True):
        session.run(slow, 600.0, on_event=heard.append, on_failed=heard.append, quick=quick)
    until(lambda: len(heard) > 20)
    started = time.perf_counter()
    session.close()
    session.close()
    assert time.perf_counter() - started < 6  # 2 on a quiet machine
    said = len(heard)
    with pytest.raises(RuntimeError, match="closed"):
        session.run(where)
    until(lambda: not session._tasks or all(task.over.is_set() for task in session._tasks))
    assert len(heard) == said


def test_frames(session, viewer, movie, qtbot):
    assert session.frame() == 0
    use(session, viewer, movie, n_frames=5)
    with qtbot.waitSignal(session.frame_changed) as told:
        session.go_to(0)
    with qtbot.waitSignal(session.frame_changed) as told:
        viewer.dims.set_current_step(0, 3)
    assert told.args == [3]
    assert session.frame() == 3
    with qtbot.assertNotEmitted(session.frame_changed):
        session.go_to(3)


def test_the_study_is_made_when_it_is_needed_and_found_again(session, viewer, movie, until, tmp_path):
    from napari_cellseg.data.project import Study

    use(session, viewer, movie)
    until(lambda: session.study_folder is not None)
    assert session.study is None
    assert not session.study_folder.exists()
    study = session.need_study()
    assert study.folder == session.study_folder
    assert session.need_study() is study
    folder, session.study = session.study_folder, None
    elsewhere = tmp_path / "elsewhere"
    Study.create(elsewhere)
    session.use_study_folder(elsewhere)
    until(lambda: session.study is not None)
    assert session.study.folder == elsewhere
    session.use_study_folder(folder)
    until(lambda: session.study is not None and session.study.folder == folder)


def test_other_pictures_forget_the_results_of_those_before(session, viewer, movie, qtbot, until):
    use(session, viewer, movie)
    until(lambda: session.study_folder is not None)
    session.need_study()
    session.verdicts = ["some"]
    with qtbot.waitSignal(session.stack_changed):
        session.use_stack(None)
    assert session.study is None
    assert session.verdicts == []
    assert session.image_channel_name == ""
