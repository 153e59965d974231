import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_cellseg.errors import InputError, StorageError
from napari_cellseg.label.change import Edit
from napari_cellseg.label.compact import compact
from napari_cellseg.label.journal import Journal, apply_edits

SHAPE = (3, 6, 7)


def random_work(journal, movie, rng, n):
    """Steps of one or several edits, undo, redo and marks; the labels follow."""
    for _ in range(n):
        choice = rng.random()
        if choice < 0.25:
            step = journal.undo()
        elif choice < 0.4:
            step = journal.redo()
        elif choice < 0.5:
            journal.mark(int(rng.integers(SHAPE[0])), "accepted")
            step = None
        else:
            edits = []
            for t in rng.permutation(SHAPE[0])[: rng.integers(1, SHAPE[0] + 1)]:
                y, x = rng.integers(0, 4, 2)
                after = rng.integers(-1, 5, (2, 3)).astype(np.int32)
                edits.append(
                    Edit("stroke", int(t), (y, x, y + 2, x + 3), movie[t, y : y + 2, x : x + 3], after)
                )
            journal.append(*edits)
            step = None
            for edit in edits:
                edit.apply(movie)
        if step is not None:
            step.apply(movie)


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(0, 40), keep=st.integers(1, 8))
def test_a_short_journal_is_as_good_as_the_long_one(tmp_path_factory, seed, n, keep):
    path = tmp_path_factory.mktemp("journal") / "journal.jsonl"
    movie, rng = np.zeros(SHAPE, np.int32), np.random.default_rng(seed)
    journal = Journal(path, SHAPE, who="Ada")
    random_work(journal, movie, rng, n)
    before = Journal(path, SHAPE)
    times, steps = [time.timestamp() for time in before.times()], list(before.steps())
    old = compact(before, keep)
    short = Journal(path, SHAPE)
    assert short.n_done >= min(keep, before.n_done)
    assert short.n_undone == before.n_undone
    assert short.frames() == before.frames()
    assert short.states() == before.states()
    assert [time.timestamp() for time in short.times()] == times
    assert short.when == before.when
    replayed = movie.copy()
    short.replay(replayed)
    np.testing.assert_array_equal(replayed, movie)
    if old is not None:
        start = np.zeros(SHAPE, np.int32)
        Journal(old, SHAPE).replay(start)
        short.replay(start)
        np.testing.assert_array_equal(start, movie)
    control, expected, ours = before.n_done, movie.copy(), movie.copy()
    for _ in range(min(keep, control)):
        short.undo().apply(ours)
    for step in reversed(steps[control - min(keep, control) :]):
        step.inverse().apply(expected)
    np.testing.assert_array_equal(ours, expected)
    again = compact(Journal(path, SHAPE), 1)  # twice is no harm
    assert again is None or again.is_file()


def test_short_journals_lead_from_the_labels_of_the_start_to_those_of_now(tmp_path):
    path = tmp_path / "journal.jsonl"
    movie, rng = np.zeros(SHAPE, np.int32), np.random.default_rng(3)
    old = []
    for _ in range(3):
        random_work(Journal(path, SHAPE), movie, rng, 30)
        old.append(compact(Journal(path, SHAPE), 2))
    assert all(old)
    assert Journal(path).before == old[-1]
    np.testing.assert_array_equal(apply_edits(np.zeros(SHAPE, np.int32), Journal(path)), movie)
    np.testing.assert_array_equal(apply_edits(movie.copy(), Journal(path)), movie)
    old[0].rename(tmp_path / "elsewhere.jsonl")
    with pytest.raises(InputError, match=f"goes on from {old[0].name}.*Copy it into the same folder"):
        apply_edits(np.zeros(SHAPE, np.int32), Journal(path))


def test_a_crash_leaves_one_whole_journal(tmp_path, monkeypatch):
    path = tmp_path / "journal.jsonl"
    movie = np.zeros(SHAPE, np.int32)
    random_work(Journal(path, SHAPE), movie, np.random.default_rng(1), 60)
    whole = path.read_bytes()
    real = os.replace
    monkeypatch.setattr("pathlib.os.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(StorageError, match="full"):
        compact(Journal(path, SHAPE), 3)
    monkeypatch.setattr("pathlib.os.replace", real)
    assert path.read_bytes() == whole
    old = compact(Journal(path, SHAPE), 3)
    assert old is not None
    assert old.read_bytes() == whole
    assert path.stat().st_size < len(whole)
