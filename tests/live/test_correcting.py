from datetime import datetime, timedelta

import dask.array as da
import numpy as np
import pytest

from napari_cellseg.data.project import new_label_movie, open_label_movie
from napari_cellseg.data.stack import Stack
from napari_cellseg.errors import InputError
from napari_cellseg.label import edit
from napari_cellseg.label.journal import Journal
from napari_cellseg.live.correcting import copy_labels, open_corrections, put_corrections_aside
from napari_cellseg.progress import Cancelled, Progress, follow


@pytest.fixture
def labels():
    movie = np.zeros((3, 20, 24), np.int32)
    movie[:, 2:8, 2:8], movie[:, 12:18, 12:20] = 1, 2
    return movie


def test_copies_are_whole_and_int32(labels, tmp_path):
    source = tmp_path / "auto.npy"
    new_label_movie(source, labels.shape)[:] = labels
    stack = Stack(da.from_array(labels.astype(np.uint16)[:, None, None]), ("labels",), "mine")
    for given in (source, stack):
        told = []
        path = follow(copy_labels(given, tmp_path / "to" / "corrected.npy"), told.append)
        assert np.array_equal(open_label_movie(path), labels)
        assert told[-1] == Progress(3, 3, "frames copied", 0)


def test_a_copy_that_is_stopped_leaves_nothing(labels, tmp_path):
    stack = Stack(da.from_array(labels[:, None, None]), ("labels",), "mine")
    with pytest.raises(Cancelled):
        follow(copy_labels(stack, tmp_path / "corrected.npy"), stop=lambda: True)
    assert list(tmp_path.iterdir()) == []


def test_what_the_journal_holds_comes_back_whatever_reached_the_labels(labels, tmp_path):
    path, journal = tmp_path / "corrected.npy", tmp_path / "journal.jsonl"
    source = Stack(da.from_array(labels[:, None, None]), ("labels",), "mine")
    opened = follow(open_corrections(source, path, journal))
    assert opened.journal.edits() == ()
    opened.lock.release()
    assert opened.when == ""

    book = opened.journal
    book.append(edit.delete(labels[0], 1, frame=0))
    book.append(edit.delete(labels[1], 2, frame=1))
    book.undo()
    book.mark(2, "accepted")
    movie = open_label_movie(path)
    movie[1][movie[1] == 2] = 0  # the undo did not reach the labels before the crash, nor the first edit
    del movie

    opened.lock.release()
    again = follow(open_corrections(None, path, journal))
    expected = labels.copy()
    expected[0][expected[0] == 1] = 0
    assert np.array_equal(open_label_movie(path), expected)
    assert [e.frame for e in again.journal.edits()] == [0]
    assert again.review.accepted == {2}
    assert datetime.strptime(again.when, "%H:%M") is not None
    assert again.journal.can_redo


def test_an_older_correction_is_told_with_its_day(labels, tmp_path):
    path, journal = tmp_path / "corrected.npy", tmp_path / "journal.jsonl"
    day = datetime.now().astimezone() - timedelta(days=40)
    one = edit.delete(labels[0], 1)
    old = edit.Edit(one.tool, 0, one.bbox, one.before, one.after, when=day.isoformat())
    Journal(journal, labels.shape).append(old)
    source = Stack(da.from_array(labels[:, None, None]), ("labels",), "mine")
    assert follow(open_corrections(source, path, journal)).when == f"{day:%d %b %Y, %H:%M}"


def test_nothing_to_correct_is_said(tmp_path):
    with pytest.raises(InputError, match="no corrected labels"):
        follow(open_corrections(None, tmp_path / "corrected.npy", tmp_path / "journal.jsonl"))


def test_put_aside_keeps_everything(labels, tmp_path):
    path, journal = tmp_path / "corrected.npy", tmp_path / "journal.jsonl"
    for round_ in range(2):
        new_label_movie(path, labels.shape)[:] = round_
        Journal(journal).append(edit.delete(labels[0], 1))
        follow(put_corrections_aside(path, journal))
    assert {p.name for p in tmp_path.iterdir()} == {
        "corrected-aside.npy",
        "corrected-aside-2.npy",
        "journal-aside.jsonl",
        "journal-aside-2.jsonl",
    }
    assert open_label_movie(tmp_path / "corrected-aside.npy").max() == 0
