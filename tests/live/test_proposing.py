from datetime import UTC, datetime

import dask.array as da
import numpy as np
import pytest
from skimage.draw import disk

from napari_cellseg.data.project import Study, new_label_movie
from napari_cellseg.data.record import Source
from napari_cellseg.data.stack import Stack
from napari_cellseg.data.write import write_labels
from napari_cellseg.errors import InputError
from napari_cellseg.label.journal import Journal
from napari_cellseg.label.notes import FILE, Right, open_notes
from napari_cellseg.live import proposing
from napari_cellseg.live.found import FOUND_FILE, load_found, table_of
from napari_cellseg.live.next_frames import next_frames
from napari_cellseg.live.proposing import Movie, evenly, find_in_study, find_next, suspects_in_study
from napari_cellseg.progress import Cancelled, Note, Progress, follow

SHAPE = (6, 120, 160)


@pytest.fixture
def labels():
    """Twelve round nuclei in each frame; frame 3 has one more, and lacks one."""
    plane = np.zeros(SHAPE[1:], np.int32)
    for label in range(1, 13):
        y, x = divmod(label - 1, 4)
        plane[disk((y * 40 + 20, x * 40 + 20), 9 + label % 3)] = label
    movie = np.stack([plane] * SHAPE[0])
    movie[3][movie[3] == 6] = 0
    movie[3, 36:43, 36:43] = 50
    return movie


@pytest.fixture
def study(tmp_path, labels):
    study = Study.create(tmp_path / "study")
    new_label_movie(study.labels_auto, SHAPE)[:] = labels
    return study


@pytest.fixture
def stack(labels):
    image = np.random.default_rng(0).normal(100, 5, SHAPE) + 100 * (labels > 0)
    return Stack(da.from_array(image[:, None, None]), ("phase",), "movie")


def predict_for(study, labels, frames=range(SHAPE[0])):
    folder = study.predictions / "model"
    folder.mkdir(exist_ok=True)
    probability = np.zeros(SHAPE, np.float16)
    for t in frames:
        probability[t] = np.where(labels[t] > 0, 0.9, 0.02)
    np.save(folder / "labels.npy", labels)
    np.save(folder / "probability.npy", probability)
    return folder / "probability.npy"


def test_the_frame_that_does_not_go_with_its_neighbours_comes_first(study, stack):
    told = []
    found = follow(find_in_study(stack, 0, study), told.append)
    assert found.usual.in_time
    first = found.queue(())[0]
    assert first.frame == 3
    assert first.reason == "1 nucleus appears for one frame only; 1 is missing in this frame only"
    assert 3 not in [one.frame for one in found.queue({3})]
    assert [event for event in told if isinstance(event, Progress)][-1].seconds_left == 0
    rows = table_of(found.suspects)
    assert rows[["frame", "label"]].iloc[0].tolist() == [3, 50]
    assert found.said() == "By time."


def test_a_model_that_doubts_is_heard_only_where_it_was_asked(study, stack, labels):
    path = predict_for(study, labels, range(5))
    half = follow(find_in_study(stack, 0, study))
    assert [one.uncertainty is None for one in half.facts] == [False] * 5 + [True]
    probability = np.load(path)
    probability[5] = np.where(labels[5] > 0, 0.9, 0.02)
    probability[1] = np.where(labels[1] > 0, 0.4, 0.02)
    np.save(path, probability)
    whole = follow(find_in_study(stack, 0, study))
    by_frame = {one.frame: one for one in whole.queue(())}
    assert by_frame[1].reason.startswith("the model is unsure of 12 nuclei")
    assert whole.said() == "By what the model is unsure of and time."


def test_long_movies_are_looked_at_evenly_and_that_is_said(study, stack):
    told = []
    found = follow(find_in_study(stack, 0, study, at_most=3), told.append)
    assert [one.t for one in found.facts] == evenly(6, 3) == [0, 2, 5]
    assert any(isinstance(event, Note) and "3 of 6 frames" in event.text for event in told)
    assert "3 of 6 frames were looked at" in found.said()


def test_stopping_keeps_the_frames_seen(study, stack):
    seen = []
    movie = Movie(study.labels_auto, SHAPE)

    def stop():
        return len(seen) >= 6 + 2  # six frames to learn what is usual, then two

    found = follow(find_next(stack, 0, movie), seen.append, stop)
    assert [one.t for one in found.facts] == [0, 1]
    with pytest.raises(Cancelled):
        follow(find_next(stack, 0, movie), stop=lambda: True)


def test_what_was_found_comes_back(study, stack):
    found = follow(find_in_study(stack, 0, study))
    assert follow(load_found(study.folder / FOUND_FILE)) == found
    assert follow(load_found(study.folder / "nothing.json")) is None
    (study.folder / FOUND_FILE).write_text('{"schema": 1}')
    told = []
    assert follow(load_found(study.folder / FOUND_FILE), told.append) is None
    assert "cannot be read" in told[0].text


def test_one_frame_at_a_time_with_what_is_usual_handed_on(study, monkeypatch):
    here = follow(suspects_in_study(study, SHAPE, 3))
    assert here.suspects[0].label == 50
    monkeypatch.setattr(proposing, "_learn_usual", None)  # not learned again
    assert follow(suspects_in_study(study, SHAPE, 2, here.usual)).suspects == ()


def test_what_is_right_is_not_listed_until_it_changes(study):
    (row,) = (row for row in follow(suspects_in_study(study, SHAPE, 3)).suspects if row.label == 50)
    right = Right(3, 50, row.area_px, row.y_px, row.x_px)
    assert len(table_of([row], [right])) == 0
    assert len(table_of([row], [Right(3, 50, 2 * row.area_px, row.y_px, row.x_px)])) == 1
    assert len(table_of([row], [Right(2, 50, row.area_px, row.y_px, row.x_px)])) == 1


def test_labels_of_other_images_are_refused(study, stack):
    with pytest.raises(InputError, match=r"labels have the shape \(6, 120, 160\)"):
        follow(find_next(stack, 0, Movie(study.labels_auto, (6, 9, 9))))
    empty = Study.create(study.folder.parent / "empty")
    with pytest.raises(InputError, match="no labels yet"):
        follow(find_in_study(stack, 0, empty))


def test_a_study_without_a_window(study, labels, tmp_path):
    images = tmp_path / "movie.tif"
    write_labels(images, (labels * 100).astype(np.int32))
    study.remember(Source(paths=(str(images),)))
    new_label_movie(study.labels_corrected, SHAPE)[:] = labels
    journal = Journal(study.journal, SHAPE)
    journal.mark(3, "accepted")
    journal.mark(2, "rejected")
    notes = open_notes(study.folder / FILE)
    notes.write(notes.spent(3, 20))
    found = follow(next_frames(study))
    assert sorted(one.frame for one in found.queue) == [0, 1, 4, 5]
    assert not (found.suspects["frame"] == 3).any()
    assert datetime.now(UTC).timestamp() - (study.folder / FOUND_FILE).stat().st_mtime < 60
