"""Corrections on disk."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_cellseg.errors import CellSegError, InputError, StorageError
from napari_cellseg.label import edit as tools
from napari_cellseg.label.journal import Journal, apply_edits
from napari_cellseg.label.journal_lines import entry_of, line_of, packed, unpacked

SHAPE = (3, 24, 30)


def start_movie():
    movie = np.zeros(SHAPE, np.int32)
    for t in range(SHAPE[0]):
        for number, (y, x) in enumerate([(2, 2), (2, 14), (12, 4), (13, 18)], 1):
            movie[t, y : y + 8, x : x + 9] = number
    return movie


def random_edit(movie, rng):
    """Make an edit of one kind or another that a person could make."""
    t = int(rng.integers(SHAPE[0]))
    frame = movie[t]
    painted = frame.copy()
    y, x = rng.integers(0, 20, 2)
    painted[y : y + 4, x : x + 5] = rng.integers(-1, 9)
    present = np.unique(frame[frame > 0])
    try:
        if rng.random() < 0.3 and present.size:
            return tools.delete(frame, int(rng.choice(present)), frame=t)
        return tools.stroke(frame, painted, frame=t, who="Grace")
    except CellSegError:
        return None


def work(journal, movie, rng, steps):
    """Edit, undo and redo at random; yields after each entry."""
    for _ in range(steps):
        choice = rng.random()
        if choice < 0.2 and journal.can_undo:
            journal.undo().apply(movie)
        elif choice < 0.35 and journal.can_redo:
            journal.redo().apply(movie)
        else:
            edit = random_edit(movie, rng)
            if edit is None:
                continue
            journal.append(edit)
            edit.apply(movie)
        yield


def same_edit(one, other):
    np.testing.assert_array_equal(one.before, other.before)
    np.testing.assert_array_equal(one.after, other.after)
    fields = ("tool", "frame", "bbox", "who", "when")
    assert [getattr(one, f) for f in fields] == [getattr(other, f) for f in fields]


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), steps=st.integers(0, 25))
def test_replay_gives_the_same_labels(tmp_path_factory, seed, steps):
    path = tmp_path_factory.mktemp("journal") / "journal.jsonl"
    movie, rng = start_movie(), np.random.default_rng(seed)
    journal = Journal(path, SHAPE)
    for _ in work(journal, movie, rng, steps):
        pass
    again = Journal(path, SHAPE)
    np.testing.assert_array_equal(apply_edits(start_movie(), again), movie)
    np.testing.assert_array_equal(apply_edits(movie.copy(), again), movie)  # labels that hold them already
    effective = start_movie()
    for edit in again.edits():
        edit.apply(effective)
    np.testing.assert_array_equal(effective, movie)
    while again.can_undo:
        again.undo().apply(effective)
    np.testing.assert_array_equal(effective, start_movie())


@given(st.integers(0, 2**32 - 1))
def test_an_edit_survives_being_written(seed):
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(1, 12, 2))
    before, after = rng.integers(-1, 3, (2, *shape)).astype(np.int32)
    edit = tools.Edit("stroke", 5, (3, 4, 3 + shape[0], 4 + shape[1]), before, after, "Müller µ", "now")
    same_edit(unpacked(entry_of(line_of(packed(edit)))), edit)


def test_undo_and_redo_come_back(tmp_path):
    path = tmp_path / "journal.jsonl"
    movie = start_movie()
    journal = Journal(path)
    assert journal.undo() is None
    assert journal.redo() is None
    first, second = tools.delete(movie[0], 1), tools.delete(movie[0], 2)
    journal.append(first)
    journal.append(second)
    journal.undo()
    again = Journal(path)
    assert again.can_redo
    assert len(again.edits()) == 1
    same_edit(again.edits()[0], first)
    same_edit(again.redo().edits[0], second)
    assert len(Journal(path).edits()) == 2
    again.undo()
    again.append(tools.delete(movie[0], 3))
    assert not again.can_redo  # a new edit ends what could be redone


def test_states_of_frames_come_back(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    assert journal.states() == {}
    journal.mark(3, "accepted", who="Ada")
    journal.mark(4, "rejected")
    journal.mark(3, "corrected")
    assert Journal(journal.path).states() == {3: "corrected", 4: "rejected"}
    assert Journal(journal.path).edits() == ()
    with pytest.raises(InputError, match="no state"):
        journal.mark(0, "finished")


def test_a_torn_last_line_is_forgotten_and_overwritten(tmp_path):
    path = tmp_path / "journal.jsonl"
    movie = start_movie()
    journal = Journal(path, SHAPE)
    journal.append(tools.delete(movie[0], 1))
    whole = path.read_bytes()
    journal.append(tools.delete(movie[0], 2))
    line = path.read_bytes()[len(whole) :]
    for cut in range(len(line)):
        path.write_bytes(whole + line[:cut])
        assert len(Journal(path).edits()) == 1
    path.write_bytes(whole + b"\0" * 500)
    torn = Journal(path, SHAPE)
    torn.append(tools.delete(movie[0], 3))
    assert [int(edit.before.max()) for edit in Journal(path).edits()] == [1, 3]


def test_damage_before_the_end_is_told_and_left_alone(tmp_path):
    path = tmp_path / "journal.jsonl"
    movie = start_movie()
    journal = Journal(path)
    for number in (1, 2, 3):
        journal.append(tools.delete(movie[0], number))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match="damaged in line"):
        Journal(path)
    assert path.read_bytes() == bytes(content)


@pytest.mark.parametrize("content", [b"frame,count\n0,12\n", b"{}\n{}\n", bytes(range(256)) * 2])
def test_another_file_is_refused(tmp_path, content):
    path = tmp_path / "journal.jsonl"
    path.write_bytes(content)
    with pytest.raises(InputError, match="damaged in line 1"):
        Journal(path)


def test_a_later_version_is_refused(tmp_path):
    path = tmp_path / "journal.jsonl"
    path.write_bytes(line_of({"kind": "journal", "version": 99}))
    with pytest.raises(InputError, match="later version"):
        Journal(path)


def test_labels_of_another_shape_are_refused(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl", SHAPE)
    journal.append(tools.delete(start_movie()[0], 1))
    with pytest.raises(InputError, match="were made on labels of the shape"):
        Journal(journal.path, (3, 24, 31))
    with pytest.raises(InputError, match="These labels have the shape"):
        Journal(journal.path).replay(np.zeros((3, 30, 24), np.int32))


def test_a_journal_learns_its_shape_late(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    journal.append(tools.delete(start_movie()[0], 1))
    journal.replay(start_movie())
    journal.append(tools.delete(start_movie()[0], 2))
    with pytest.raises(InputError, match="were made on labels of the shape"):
        Journal(journal.path, (1, 2, 3))


def test_a_second_window_adds_and_destroys_nothing(tmp_path):
    movie = start_movie()
    one, other = (Journal(tmp_path / "journal.jsonl") for _ in range(2))
    one.append(tools.delete(movie[0], 1))
    other.append(tools.delete(movie[0], 2))
    one.append(tools.delete(movie[0], 3))
    assert len(Journal(one.path).edits()) == 3


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("in the way")
    journal = Journal(tmp_path / "file" / "journal.jsonl")
    with pytest.raises(StorageError):
        journal.append(tools.delete(start_movie()[0], 1))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full to play a full disk")
def test_a_full_disk_is_told_and_nothing_is_lost(tmp_path, monkeypatch):
    movie = start_movie()
    journal = Journal(tmp_path / "journal.jsonl")
    journal.append(tools.delete(movie[0], 1))

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(StorageError, match="full"):
            journal.append(tools.delete(movie[0], 2))
    journal.append(tools.delete(movie[0], 3))
    numbers = [int(edit.before.max()) for edit in Journal(journal.path).edits()]
    assert numbers in ([1, 3], [1, 2, 3])


VICTIM = """
import sys
import numpy as np
sys.path.insert(0, sys.argv[1])
from importlib.util import module_from_spec, spec_from_file_location
spec = spec_from_file_location("helpers", sys.argv[2])
helpers = module_from_spec(spec)
spec.loader.exec_module(helpers)
movie = helpers.start_movie()
journal = helpers.Journal(sys.argv[3], helpers.SHAPE)
for _ in helpers.work(journal, movie, np.random.default_rng(int(sys.argv[4])), 100_000):
    print(".", end="", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is no such thing there")
@pytest.mark.parametrize("seed", range(4))
def test_corrections_survive_a_kill(tmp_path, seed):
    path = tmp_path / "journal.jsonl"
    command = [sys.executable, "-c", VICTIM, str(tmp_path), __file__, str(path), str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as victim:
        assert victim.stdout is not None
        assert victim.stdout.read(20) == b"." * 20  # at work
        time.sleep(np.random.default_rng(seed).uniform(0.01, 0.25))
        victim.send_signal(signal.SIGKILL)
        told = 20 + len(victim.stdout.read())
    expected, rng = start_movie(), np.random.default_rng(seed)
    control = Journal(tmp_path / "control.jsonl", SHAPE)
    states = []
    for count, _ in enumerate(work(control, expected, rng, 100_000), 1):
        if count >= told:
            states.append(expected.copy())
        if count == told + 1:  # one may have been written down but not told
            break
    brought_back = apply_edits(start_movie(), Journal(path, SHAPE))
    assert any(np.array_equal(brought_back, state) for state in states)


def test_large_frames_are_quick(tmp_path):
    frame = np.zeros((2048, 2048), np.int32)
    number = 0
    for y in range(10, 2010, 40):
        for x in range(10, 2010, 40):
            number += 1
            frame[y : y + 24, x : x + 24] = number
    journal = Journal(tmp_path / "journal.jsonl", frame.shape)
    took = []
    for make in (
        lambda: tools.delete(frame, 700),
        lambda: tools.merge(frame, 900, 901),
        lambda: tools.split(frame, [[5, 20], [40, 20]], 1),
        lambda: tools.smooth(frame, 1500),
    ):
        start = time.perf_counter()
        edit = make()
        journal.append(edit)
        edit.apply(frame)
        took.append(time.perf_counter() - start)
    assert np.median(took) < 0.25  # usually 10 ms; a busy test machine is slower
