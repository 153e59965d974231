"""The tools of correcting."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_cellseg.errors import CellSegError, InputError
from napari_cellseg.label import edit as tools
from napari_cellseg.label.cut import rasterise
from napari_cellseg.label.edit import Edit


@pytest.fixture
def labels():
    """Three objects: a ring, a bar, a block that touches the bar; and an ignored region."""
    plane = np.zeros((40, 60), np.int32)
    plane[4:15, 4:15] = 1
    plane[8:11, 8:11] = 0
    plane[20:26, 5:45] = 2
    plane[26:35, 5:15] = 3
    plane[0:5, 50:60] = -1
    return plane


def applied(edit, labels):
    after = labels.copy()
    edit.apply(after)
    return after


def test_deleting_leaves_the_others(labels):
    edit = tools.delete(labels, 2, frame=7, who="Ada")
    after = applied(edit, labels)
    assert not (after == 2).any()
    np.testing.assert_array_equal(after[labels != 2], labels[labels != 2])
    assert (edit.tool, edit.frame, edit.who, edit.bbox) == ("delete", 7, "Ada", (20, 5, 26, 45))
    assert edit.when.endswith("+00:00")


def test_merging_keeps_the_first_number(labels):
    after = applied(tools.merge(labels, 3, 2), labels)
    assert (after == 3).sum() == ((labels == 3) | (labels == 2)).sum()
    assert not (after == 2).any()
    assert (after == 1).sum() == (labels == 1).sum()


def test_a_line_splits_what_it_crosses(labels):
    edit = tools.split(labels, [[15, 20], [30, 20]], 1)
    after = applied(edit, labels)
    assert after[22, 40] == 2  # the larger part keeps the number
    assert after[22, 6] == tools.next_label(labels) == 4
    np.testing.assert_array_equal(np.isin(after, (2, 4)), labels == 2)
    np.testing.assert_array_equal(after[labels != 2], labels[labels != 2])


def test_a_diagonal_and_a_bent_line_cut_too(labels):
    for points in ([[17, 10], [29, 40]], [[18, 12], [23, 20], [28, 12]], [[18.4, 12.7], [27.9, 30.2]]):
        after = applied(tools.split(labels, points, 0.5), labels)
        assert len(np.unique(after[labels == 2])) == 2


def test_two_cuts_make_three_parts(labels):
    after = applied(tools.split(labels, [[18, 15], [28, 15], [28, 30], [18, 30]], 2), labels)
    parts, sizes = np.unique(after[labels == 2], return_counts=True)
    assert len(parts) == 3
    assert parts[sizes.argmax()] == 2


@pytest.mark.parametrize(
    ("points", "sentence"),
    [
        ([[22, 10], [22, 30]], "does not cut through"),
        ([[18, 10], [23, 10]], "does not cut through"),
        ([[38, 30], [38, 50]], "no nucleus under the line"),
        ([[2, 52], [2, 58]], "no nucleus under the line"),
        ([[-20, -20], [-10, -10]], "outside the picture"),
        ([[np.nan, 3], [4, 5]], "no points"),
        ([], "no points"),
    ],
)
def test_a_line_that_cuts_nothing_is_told(labels, points, sentence):
    with pytest.raises(InputError, match=sentence):
        tools.split(labels, points, 1)


def test_a_neighbour_that_the_line_only_nicks_stays_whole(labels):
    after = applied(tools.split(labels, [[18, 10], [27, 10]], 1), labels)  # ends within object 3
    assert len(np.unique(after[labels == 2])) == 2
    assert set(np.unique(after[labels == 3])) == {3}


def test_the_line_is_as_wide_as_asked():
    mask, box = rasterise([[10, 5], [10, 25]], 5, (40, 40))
    assert mask.sum(axis=0)[5 - box[1] : 25 - box[1]].tolist() == [5] * 20
    assert rasterise([[3, 3]], 3, (10, 10))[0].sum() == 9


def test_holes_are_filled_in_one_or_in_all(labels):
    after = applied(tools.fill_holes(labels, 1), labels)
    assert (after[4:15, 4:15] == 1).all()
    np.testing.assert_array_equal(applied(tools.fill_holes(labels), labels), after)
    with pytest.raises(InputError, match="no holes"):
        tools.fill_holes(labels, 2)
    with pytest.raises(InputError, match="No object has holes"):
        tools.fill_holes(after)


@pytest.mark.parametrize("inside", [9, -1])
def test_a_hole_with_something_in_it_stays(labels, inside):
    labels[9, 9] = inside
    for label in (1, None):
        with pytest.raises(InputError, match="has"):
            tools.fill_holes(labels, label)


def test_smoothing_takes_spikes_and_respects_neighbours(labels):
    labels[18:20, 30] = 2  # a spike
    after = applied(tools.smooth(labels, 2), labels)
    assert not (after[18:20, 30] == 2).any()
    for other in (1, 3, -1):
        np.testing.assert_array_equal(after == other, labels == other)
    assert 0.8 < (after == 2).sum() / (labels == 2).sum() < 1.1


def test_smoothing_does_not_draw_back_from_the_edge():
    plane = np.zeros((30, 30), np.int32)
    plane[0:12, 5:20] = 1
    after = applied(tools.smooth(plane, 1), plane)
    assert (after[0, 8:17] == 1).all()


def test_what_is_too_small_to_smooth_is_told():
    plane = np.zeros((20, 20), np.int32)
    plane[5, 5] = 1
    with pytest.raises(InputError, match="too small"):
        tools.smooth(plane, 1)


def test_strokes_are_cut_to_what_changed(labels):
    after = labels.copy()
    after[30:33, 50:55] = 8
    edit = tools.stroke(labels, after, frame=2)
    assert edit.bbox == (30, 50, 33, 55)
    np.testing.assert_array_equal(applied(edit, labels), after)
    with pytest.raises(InputError, match="changed nothing"):
        tools.stroke(labels, labels)
    with pytest.raises(InputError, match="shape"):
        tools.stroke(labels, labels[1:])


def test_a_new_object_takes_only_what_is_free(labels):
    mask = np.zeros(labels.shape, bool)
    mask[0:30, 40:58] = True
    after = applied(tools.new_object(labels, mask), labels)
    np.testing.assert_array_equal(after == 4, mask & (labels <= 0))
    np.testing.assert_array_equal(after == 2, labels == 2)
    with pytest.raises(InputError, match="no room"):
        tools.new_object(labels, labels == 2)
    with pytest.raises(InputError, match="same frame"):
        tools.new_object(labels, mask[1:])


@pytest.mark.parametrize("label", [0, -1, 99])
def test_what_is_no_object_is_told(labels, label):
    for tool in (tools.delete, tools.smooth, tools.fill_holes):
        with pytest.raises(InputError, match="A nucleus was expected"):
            tool(labels, label)
    with pytest.raises(InputError, match="A nucleus was expected"):
        tools.merge(labels, 1, label)
    with pytest.raises(InputError, match="already one object"):
        tools.merge(labels, 1, 1)


def test_an_edit_reaches_its_frame_of_a_movie(labels):
    movie = np.stack([labels, labels, labels])
    tools.delete(labels, 1, frame=1).apply(movie)
    assert (movie[0] == 1).any()
    assert not (movie[1] == 1).any()
    assert (movie[2] == 1).any()


def test_an_edit_changes_only_its_own_pixels(labels):
    edit = tools.delete(labels, 1)
    labels[9, 9] = 5  # painted meanwhile, within the box
    edit.apply(labels)
    assert labels[9, 9] == 5
    edit.inverse().apply(labels)
    assert labels[9, 9] == 5
    assert (labels == 1).any()


def test_an_edit_of_other_labels_is_refused(labels):
    edit = tools.delete(labels, 2, frame=3)
    with pytest.raises(InputError, match="does not fit"):
        edit.apply(labels[:10])
    with pytest.raises(InputError, match="does not fit"):
        edit.apply(np.stack([labels]))
    with pytest.raises(InputError, match="box"):
        Edit("stroke", 0, (0, 0, 2, 2), np.zeros((2, 3)), np.zeros((2, 3)))


def test_an_edit_cannot_be_altered(labels):
    edit = tools.delete(labels, 2)
    with pytest.raises(ValueError, match="read-only"):
        edit.before[0, 0] = 4
    before = edit.before.copy()
    labels[:] = 0
    np.testing.assert_array_equal(edit.before, before)


def random_edit(labels, rng):
    """Apply a random tool to random objects, as a person might; None when the tool declines."""
    present = np.unique(labels[labels > 0])
    pick = (lambda: int(rng.choice(present))) if present.size else (lambda: 1)
    height, width = labels.shape
    painted = labels.copy()
    y, x = rng.integers(0, height), rng.integers(0, width)
    painted[y : y + 4, x : x + 5] = rng.integers(-1, 6)
    mask = np.zeros(labels.shape, bool)
    mask[y : y + 6, x : x + 6] = True
    line = rng.uniform(0, min(height, width), (3, 2))
    choices = [
        (lambda: tools.delete(labels, pick()), 1),
        (lambda: tools.merge(labels, pick(), pick()), 2),
        (lambda: tools.split(labels, line, 1), 1),
        (lambda: tools.fill_holes(labels, None), None),
        (lambda: tools.smooth(labels, pick()), 1),
        (lambda: tools.stroke(labels, painted), None),
        (lambda: tools.new_object(labels, mask), 0),
    ]
    make, touched = choices[rng.integers(len(choices))]
    try:
        return make(), touched
    except CellSegError:
        return None, touched


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_whatever_is_done_can_be_undone_and_touches_no_other_object(seed):
    rng = np.random.default_rng(seed)
    labels = np.zeros((32, 32), np.int32)
    for number in range(1, 6):
        y, x = rng.integers(0, 26, 2)
        labels[y : y + rng.integers(2, 10), x : x + rng.integers(2, 10)] = number
    start, done = labels.copy(), []
    for _ in range(8):
        edit, touched = random_edit(labels, rng)
        if edit is None:
            continue
        before = labels.copy()
        edit.apply(labels)
        done.append(edit)
        y0, x0, y1, x1 = edit.bbox
        np.testing.assert_array_equal(edit.before, before[y0:y1, x0:x1])
        np.testing.assert_array_equal(edit.after, labels[y0:y1, x0:x1])
        if touched is not None:
            changed = np.unique(before[before != labels])
            assert (changed > 0).sum() <= touched
    for edit in reversed(done):
        edit.inverse().apply(labels)
    np.testing.assert_array_equal(labels, start)
