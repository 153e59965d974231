"""Labels and journal together, whatever order things are done in, and however damaged the journal is."""

import json
import time
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_cellseg.data.project import new_label_movie, open_label_movie
from napari_cellseg.errors import CellSegError, InputError, StorageError
from napari_cellseg.label import edit as tools
from napari_cellseg.label.change import Edit
from napari_cellseg.label.guard import guard_of
from napari_cellseg.label.history import History
from napari_cellseg.label.journal import Journal
from napari_cellseg.label.journal_lines import entry_of, line_of
from napari_cellseg.label.restore import restored

SHAPE = (3, 16, 20)
ACTIONS = st.sampled_from(["do", "paint", "undo", "redo", "restart", "crash"])


def start_movie():
    movie = np.zeros(SHAPE, np.int32)
    for number, (y, x) in enumerate([(1, 1), (1, 11), (9, 2), (9, 12)], 1):
        movie[:, y : y + 6, x : x + 7] = number
    return movie


class Study:
    """A study that is opened, worked on and closed, or not closed, as the window does."""

    def __init__(self, folder):
        self.labels, self.journal = folder / "corrected.npy", folder / "journal.jsonl"
        new_label_movie(self.labels, SHAPE)[:] = start_movie()
        self.open()

    def open(self):
        self.history = History(self.movie, restored(self.labels, self.journal))

    @property
    def movie(self):
        return open_label_movie(self.labels)

    def do(self, rng):
        edits = []
        for t in rng.permutation(SHAPE[0])[: rng.integers(1, SHAPE[0] + 1)]:
            y, x = rng.integers(0, 12, 2)
            before = np.array(self.history.movie[t, y : y + 4, x : x + 5])
            after = rng.integers(-1, 7, before.shape).astype(np.int32)
            edits.append(Edit("stroke", int(t), (y, x, y + 4, x + 5), before, after))
        self.history.do(*edits)

    def paint(self, rng):
        """Paint half a stroke, which is only told when the program lives on: here it does not."""
        t = int(rng.integers(SHAPE[0]))
        self.history.guard((t,))
        self.history.movie[t, 3:9, 3:9] = 77
        self.crash(rng)

    def undo(self, _rng):
        self.history.undo(frozenset(), lambda: None)

    def redo(self, _rng):
        self.history.redo(frozenset(), lambda: None)

    def restart(self, _rng):
        self.history.close()
        assert not guard_of(self.labels).exists()
        self.open()

    def crash(self, _rng):
        """Leave everything as it is; only the thread must end."""
        self.history.flush()
        self.history._writer.shutdown()
        self.open()


@settings(max_examples=40)
@given(st.lists(ACTIONS, max_size=14), st.integers(0, 2**32 - 1))
def test_whatever_is_done_labels_and_journal_agree(tmp_path_factory, actions, seed):
    study, rng = Study(tmp_path_factory.mktemp("study")), np.random.default_rng(seed)
    past, future = [start_movie()], []
    for action in actions:
        getattr(study, action)(rng)
        if action == "do":
            past.append(study.movie.copy())
            future.clear()
        elif action == "undo" and len(past) > 1:
            future.append(past.pop())
        elif action == "redo" and future:
            past.append(future.pop())
        assert np.array_equal(study.movie, past[-1]), action
        assert study.history.n_done == len(past) - 1
        assert study.history.n_undone == len(future)
    study.history.flush()
    replayed = start_movie()
    Journal(study.journal, SHAPE).replay(replayed)
    assert np.array_equal(replayed, past[-1])
    changed = {t for step in study.history.journal.steps() for t in step.frames}
    assert study.history.frames() == changed
    while study.history.n_done:
        study.undo(rng)
    assert np.array_equal(study.movie, start_movie())
    assert study.history.frames() == frozenset()
    study.history.close()


def test_a_step_through_time_is_one_step_after_a_restart_too(tmp_path):
    study = Study(tmp_path)
    study.history.do(*(tools.delete(study.movie[t], 1, frame=t) for t in range(3)))
    study.history.do(tools.delete(study.movie[0], 2, frame=0))
    study.restart(None)
    assert study.history.n_done == 2
    assert study.history.frames() == {0, 1, 2}
    study.undo(None)
    step = study.history.undo(frozenset(), lambda: None)
    assert [edit.frame for edit in step.edits] == [0, 1, 2]
    assert np.array_equal(study.movie, start_movie())
    assert step.who == study.history.journal.who
    study.history.close()


def test_more_steps_than_are_kept_in_memory_are_undone(tmp_path):
    study = Study(tmp_path)
    for k in range(70):
        y, x = divmod(k, 20)
        study.history.do(
            tools.Edit("stroke", 0, (y, x, y + 1, x + 1), study.movie[0, y : y + 1, x : x + 1], [[9]])
        )
    last = study.movie.copy()
    for _ in range(70):
        assert study.history.undo(frozenset(), lambda: None) is not None
    assert np.array_equal(study.movie, start_movie())
    for _ in range(70):
        assert study.history.redo(frozenset(), lambda: None) is not None
    assert np.array_equal(study.movie, last)
    study.history.close()


def test_an_edit_that_does_not_fit_changes_nothing_of_its_step(tmp_path):
    study = Study(tmp_path)
    good, bad = tools.delete(study.movie[0], 1), Edit("stroke", 0, (15, 0, 17, 1), [[0], [0]], [[1], [1]])
    with pytest.raises(InputError, match="does not fit"):
        study.history.do(good, bad)
    assert np.array_equal(study.movie, start_movie())
    assert study.history.n_done == 0
    study.history.close()


def test_what_cannot_be_written_waits_in_its_order(tmp_path, monkeypatch):
    study, told = Study(tmp_path), []
    history = study.history = History(study.movie, study.history.journal, told.append)
    real = Journal._write

    def full(_journal, _entry):
        raise StorageError("The disk is full")

    monkeypatch.setattr(Journal, "_write", full)
    for number in (1, 2):
        history.do(tools.delete(study.movie[0], number))
    assert not history.flush()
    assert len(told) == 2
    monkeypatch.setattr(Journal, "_write", real)
    history.do(tools.delete(study.movie[0], 3))
    assert history.flush()
    assert [int(edit.before.max()) for edit in Journal(study.journal).edits()] == [1, 2, 3]
    history.close()


def test_a_frame_that_cannot_be_kept_is_not_changed(tmp_path, monkeypatch):
    study = Study(tmp_path)

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("napari_cellseg.label.guard.os.fsync", full)
        with pytest.raises(StorageError, match="full"):
            study.history.do(tools.delete(study.movie[0], 1))
    assert np.array_equal(study.movie, start_movie())
    assert study.history.n_done == 0
    study.history.do(tools.delete(study.movie[0], 1))  # there is room again
    study.history.close()


def journal_of(folder):
    path, movie = folder / "journal.jsonl", start_movie()
    journal = Journal(path, SHAPE, who="Ada")
    journal.append(*(tools.delete(movie[t], 1, frame=t) for t in range(2)))
    journal.append(tools.delete(movie[2], 2, frame=2))
    journal.undo()
    journal.mark(0, "accepted")
    return path


def survives(path):
    """Whatever the file holds: a sentence, or labels changed inside the boxes of its edits only."""
    movie, told = start_movie(), ""
    began = time.monotonic()
    try:
        journal = Journal(path, SHAPE)
        journal.replay(movie)
        journal.times()
        boxes = np.zeros(SHAPE, bool)
        for _start, entry in journal.entries():
            for each in entry.get("edits", [entry] if entry["kind"] == "edit" else []):
                y0, x0, y1, x1 = each["bbox"]
                boxes[each["frame"], y0:y1, x0:x1] = True
        assert not (movie != start_movie())[~boxes].any()
    except CellSegError as error:
        told = str(error)
    assert not told or len(told) > 20
    assert time.monotonic() - began < 5


@settings(max_examples=150)
@given(st.data())
def test_damage_of_any_kind_is_told_and_never_a_crash(tmp_path_factory, data):
    path = journal_of(tmp_path_factory.mktemp("journal"))
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content))) :]
    for _ in range(data.draw(st.integers(0, 4)) if content else 0):
        content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    survives(path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**70) | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=300)
@given(st.data())
def test_foreign_entries_with_a_right_checksum_are_told(tmp_path_factory, data):
    path = journal_of(tmp_path_factory.mktemp("journal"))
    lines = path.read_bytes().splitlines(keepends=True)
    number = data.draw(st.integers(0, len(lines) - 1))
    entry = entry_of(lines[number])
    target = entry["edits"][0] if "edits" in entry and data.draw(st.booleans()) else entry
    key = data.draw(st.sampled_from(sorted(target)))
    if data.draw(st.booleans()):
        target[key] = data.draw(JSON)
    else:
        del target[key]
    lines[number] = line_of(entry)
    path.write_bytes(b"".join(lines))
    survives(path)


@pytest.mark.parametrize("body", [b"[]", b"7", b"null", b"{}", b'{"kind":"undo"}', b"[" * 100_000])
def test_lines_of_something_else_are_told(tmp_path, body):
    path = tmp_path / "journal.jsonl"
    path.write_bytes((f"{zlib.crc32(body):08x} ".encode() + body + b"\n") * 2)
    with pytest.raises(InputError, match="damaged in line 1"):
        Journal(path)


@pytest.mark.parametrize("bbox", [[0, 0, 10**9, 10**9], [0, 0, -3, 2], [14, 0, 18, 4], [0, 0, 2, 10**6]])
def test_a_huge_or_outlying_box_takes_no_memory(tmp_path, bbox):
    path = journal_of(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    entry = json.loads(lines[2].partition(b" ")[2])
    entry["edits"][0]["bbox"] = bbox
    path.write_bytes(b"".join([*lines[:2], line_of(entry)]))
    with pytest.raises(InputError):
        Journal(path).edits()


def test_what_is_no_entry_of_the_journal_never_holds_up_corrections(tmp_path):
    labels, path = tmp_path / "corrected.npy", tmp_path / "journal.jsonl"
    new_label_movie(labels, SHAPE)[:] = start_movie()
    told = []
    history = History(open_label_movie(labels), restored(labels, path), told.append)

    def broken():
        raise StorageError("The verdicts cannot be written")

    history.write_down(broken)
    history.do(tools.delete(history.movie[0], 1))
    assert history.flush()
    assert [str(error) for error in told] == [str(StorageError("The verdicts cannot be written"))]
    assert [edit.tool for edit in Journal(path).edits()] == ["delete"]
    history.close()


def test_an_entry_whose_fsync_failed_counts_once(tmp_path, monkeypatch):
    path = tmp_path / "journal.jsonl"
    movie, journal = start_movie(), Journal(path, SHAPE)
    journal.append(tools.delete(movie[0], 1))
    edit = tools.delete(movie[0], 2)

    def full(_file):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(StorageError):
            journal.append(edit)
    assert Journal(path).n_done == 1
    journal.append(edit)
    assert journal.n_done == Journal(path).n_done == 2
