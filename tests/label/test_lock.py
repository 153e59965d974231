import json
import os
import subprocess
import sys
import time

import pytest

from napari_cellseg.errors import StorageError
from napari_cellseg.label.lock import Holder, InUseError, StudyLock, is_alive


def gone_pid():
    """Number of a process that is over."""
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return done.pid


def rewrite(lock, **changes):
    told = json.loads(lock.path.read_text())
    lock.path.write_text(json.dumps({**told, **changes}))


def test_one_window_at_a_time(tmp_path):
    one, other = StudyLock(tmp_path), StudyLock(tmp_path)
    one.acquire()
    one.check()
    holder = one.holder()
    assert holder.pid == os.getpid()
    with pytest.raises(InUseError, match="is being corrected by") as told:
        other.acquire()
    assert str(holder) in str(told.value)
    other.release()  # it has nothing to release
    one.check()
    one.release()
    assert one.holder() is None
    other.acquire()
    other.release()
    assert list(tmp_path.iterdir()) == []


def test_taken_over_and_the_first_is_told(tmp_path):
    one, other = StudyLock(tmp_path), StudyLock(tmp_path)
    one.acquire()
    other.acquire(take_over=True)
    with pytest.raises(InUseError, match="was taken over by"):
        one.check()
    one.release()
    other.check()


def test_a_process_that_is_gone_has_nothing_unless_on_another_computer(tmp_path):
    one, other = StudyLock(tmp_path), StudyLock(tmp_path)
    one.acquire()
    rewrite(one, pid=gone_pid(), host="elsewhere", who="Ada", when="2026-02-03T10:00:00+00:00")
    with pytest.raises(InUseError, match="Ada on elsewhere, since 03 Feb 2026"):
        other.acquire()
    rewrite(one, host=other._mine.host)
    other.acquire()
    other.check()


def test_a_file_that_nobody_finished_is_waited_for_and_then_taken(tmp_path):
    lock = StudyLock(tmp_path)
    lock.path.write_text('{"who": "Ad')
    with pytest.raises(InUseError, match="somebody on an unknown computer"):
        lock.acquire()
    old = time.time() - 60
    os.utime(lock.path, (old, old))
    lock.acquire()
    lock.check()


def test_a_study_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError):
        StudyLock(tmp_path / "file" / "study").acquire()


def test_who_is_told_as_far_as_it_is_known():
    assert str(Holder()) == "somebody on an unknown computer"
    assert is_alive(os.getpid())
    assert not is_alive(gone_pid())
    assert not is_alive(0)


def test_a_file_system_without_links_will_do(tmp_path, monkeypatch):
    def no_links(_source, _target):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    one = StudyLock(tmp_path)
    one.acquire()
    with pytest.raises(InUseError):
        StudyLock(tmp_path).acquire()
    one.release()
    assert list(tmp_path.iterdir()) == []
