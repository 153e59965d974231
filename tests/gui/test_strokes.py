from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from napari.layers import Labels

from napari_cellseg.data.project import new_label_movie, open_label_movie
from napari_cellseg.label.journal import Journal
from napari_cellseg.label.restore import restored
from napari_cellseg.ui.corrections import Corrections
from napari_cellseg.ui.strokes import edits_of


def edits_while(layer, movie, time_axis, work):
    heard = []
    layer.events.paint.connect(lambda event: heard.extend(edits_of(movie, time_axis, event.value)))
    work(layer)
    return heard


def paint(layer):
    layer.brush_size = 5
    with layer.block_history():
        for place in ((1, 6, 6), (1, 8, 9), (1, 0, 0)):
            layer.paint(place, 7)
        layer.paint((1, 8, 9), 0)


def polygon(layer):
    layer.paint_polygon([(1, 3, 3), (1, 3, 12), (1, 10, 12), (1, 10, 3)], 4)


def fill(layer):
    layer.fill((1, 5, 5), 9)


def fill_all(layer):
    layer.fill((2, 0, 0), 9)


def setitem(layer):
    layer.data_setitem((np.array([1, 1, 2]), np.array([3, 4, 5]), np.array([3, 4, 5])), [5, 6, 7])


def through_all_frames(layer):
    layer.n_edit_dimensions = 3
    layer.brush_size = 7
    layer.paint((1, 8, 8), 3)


@pytest.mark.parametrize("work", [paint, polygon, fill, fill_all, setitem, through_all_frames])
def test_what_napari_tells_becomes_edits_that_undo_it(work):
    movie = np.zeros((3, 16, 20), np.int32)
    movie[:2, 4:9, 4:9] = 2
    before = movie.copy()
    edits = edits_while(Labels(movie), movie, 0, work)
    after = movie.copy()
    assert edits
    assert not np.array_equal(before, after)
    for edit in reversed(edits):
        edit.inverse().apply(movie)
    assert np.array_equal(movie, before)
    for edit in edits:
        edit.apply(movie)
    assert np.array_equal(movie, after)


def test_a_single_frame_and_time_behind_another_axis():
    frame = np.zeros((1, 16, 20), np.int32)
    (edit,) = edits_while(Labels(frame[0]), frame, None, lambda layer: layer.paint((5, 5), 3))
    assert edit.frame == 0
    movie = np.zeros((3, 16, 20), np.int32)
    deep = np.lib.stride_tricks.as_strided(movie, (4, *movie.shape), (0, *movie.strides))
    (edit,) = edits_while(Labels(deep), movie, 1, lambda layer: layer.paint((2, 1, 5, 5), 3))
    assert edit.frame == 1
    assert movie[1, 5, 5] == 3
    assert not movie[[0, 2]].any()


def test_strokes_that_change_nothing_are_none():
    movie = np.zeros((3, 16, 20), np.int32)
    assert edits_while(Labels(movie), movie, 0, lambda layer: layer.paint((1, 5, 5), 0)) == []


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(
            st.integers(0, 2), st.integers(0, 15), st.integers(0, 19), st.integers(0, 5), st.integers(1, 9)
        ),
        min_size=1,
        max_size=6,
    )
)
def test_any_stroke_goes_back_and_forth(dabs):
    movie = np.zeros((3, 16, 20), np.int32)
    movie[:, 5:12, 5:12] = 1
    before = movie.copy()

    def work(layer):
        with layer.block_history():
            for t, y, x, label, size in dabs:
                layer.brush_size = size
                layer.paint((t, y, x), label)

    edits = edits_while(Labels(movie), movie, 0, work)
    after = movie.copy()
    for edit in reversed(edits):
        edit.inverse().apply(movie)
    assert np.array_equal(movie, before)
    for edit in edits:
        edit.apply(movie)
    assert np.array_equal(movie, after)


def test_a_stroke_through_time_is_lost_as_a_whole_when_the_program_is_killed(tmp_path):
    path, shape = tmp_path / "corrected.npy", (9, 16, 20)
    new_label_movie(path, shape)
    movie = open_label_movie(path)
    layer = Labels(movie)
    layer.n_edit_dimensions, layer.brush_size, layer.mode = 3, 4, "paint"
    corrections = Corrections(layer, movie, 0, Journal(tmp_path / "journal.jsonl", shape))
    layer.events.paint.disconnect(corrections._on_paint)  # killed before napari tells
    press = SimpleNamespace(position=(4, 8, 8))
    for callback in layer.mouse_drag_callbacks[:1]:
        callback(layer, press)
    layer.paint((4, 8, 8), 3)
    assert len({t for t in range(len(movie)) if movie[t].any()}) > 1
    assert restored(path, tmp_path / "journal.jsonl").n_done == 0
    assert not open_label_movie(path).any()
    layer.mode = "fill"
    assert corrections._reached(layer, 4) == range(9)
    layer.n_edit_dimensions = 2
    assert corrections._reached(layer, 4) == range(4, 5)
    layer.events.paint.connect(corrections._on_paint)
    corrections.close()
