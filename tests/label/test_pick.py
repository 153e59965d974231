"""Choosing objects by an outline or a line, and what is done with many at once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.path import Path as Outline
from scipy import ndimage as ndi

from napari_cellseg.errors import InputError
from napari_cellseg.label import edit as tools
from napari_cellseg.label.pick import filled_outline, pixel_at
from napari_cellseg.label.runs import runs_of


@pytest.fixture
def labels():
    """Three blocks in a row, and one far away that has a second piece."""
    plane = np.zeros((40, 60), np.int32)
    plane[10:20, 5:15] = 7
    plane[10:20, 20:30] = 3
    plane[10:20, 35:45] = 12
    plane[30:38, 5:15] = plane[2:4, 22:24] = 5
    plane[0:5, 50:60] = -1
    return plane


def test_a_lasso_takes_what_lies_mostly_within(labels):
    assert tools.objects_within(labels, [[8, 3], [8, 26], [22, 26], [22, 3]]) == [3, 7]
    assert tools.objects_within(labels, [[8, 3], [8, 24], [22, 24], [22, 3]]) == [7]
    assert tools.objects_within(labels, [[0, 20], [0, 30], [6, 30], [6, 20]]) == []  # a small piece of 5
    assert tools.objects_within(labels, [[-50, -50], [-50, 99], [99, 99], [99, -50]]) == [3, 5, 7, 12]
    assert tools.objects_within(labels, [[22, 3], [22, 20], [28, 20]]) == []


@pytest.mark.parametrize(
    "outline", [[], [[5, 5]], [[5, 5], [9, 9]], [[-9, 0], [-9, 9], [-3, 4]], [[0, np.nan]] * 3]
)
def test_an_outline_without_area_is_told(labels, outline):
    for use in (tools.objects_within, tools.new_polygon, tools.ignore, tools.unignore):
        with pytest.raises(InputError, match=r"no pixel|no points"):
            use(labels, outline)


def test_a_line_meets_objects_in_order(labels):
    assert tools.objects_along(labels, [[15, 50], [15, 0]]) == [12, 3, 7]
    assert tools.objects_along(labels, [[15, 0], [15, 25], [33, 10], [15, 10]]) == [7, 3, 5]
    assert tools.objects_along(labels, [[15.4, 20.2]]) == [3]
    assert tools.objects_along(labels, [[-30, -30], [-1, 80]]) == []
    assert tools.objects_along(labels, [[2, 48], [2, 59]]) == []  # ignored is no object
    with pytest.raises(InputError, match="no points"):
        tools.objects_along(labels, [])


def test_many_become_one_with_the_number_of_the_first(labels):
    after = labels.copy()
    tools.merge_many(labels, [3, 12, 7, 12], frame=4, who="Ada").apply(after)
    np.testing.assert_array_equal(after == 3, np.isin(labels, (3, 7, 12)))
    np.testing.assert_array_equal(after == 5, labels == 5)
    for numbers, sentence in (([3], "only one"), ([3, 3], "only one"), ([], "Nothing"), ([3, 99], "99")):
        with pytest.raises(InputError, match=sentence):
            tools.merge_many(labels, numbers)


def test_many_are_deleted_with_all_their_pieces(labels):
    edit = tools.delete_many(labels, [5, 7], frame=2)
    after = labels.copy()
    edit.apply(after)
    np.testing.assert_array_equal(after, np.where(np.isin(labels, (5, 7)), 0, labels))
    assert (edit.frame, edit.bbox) == (2, (2, 5, 38, 24))
    for number in (0, -1, 8):
        with pytest.raises(InputError, match="no object"):
            tools.delete_many(labels, [5, number])


def test_a_click_is_the_nearest_pixel():
    assert pixel_at((3.49, -0.5), (5, 5)) == (3, 0)
    for outside in ((4.5, 2), (-0.6, 2), (2, 5)):
        with pytest.raises(InputError, match="outside"):
            pixel_at(outside, (5, 5))


@settings(max_examples=100)
@given(st.integers(0, 2**32 - 1))
def test_outlines_hold_the_pixels_that_matplotlib_finds_within(seed):
    rng = np.random.default_rng(seed)
    n = rng.integers(3, 15)
    turn = np.sort(rng.uniform(0, 2 * np.pi, n))
    corners = 15 + rng.uniform(8, 25, (n, 1)) * np.stack([np.sin(turn), np.cos(turn)], axis=1)
    centres = np.argwhere(np.ones((30, 40), bool))
    expected = Outline(corners).contains_points(centres).reshape(30, 40)
    found = np.zeros((30, 40), bool)
    try:
        mask, (y0, x0, y1, x1) = filled_outline(corners, (30, 40))
    except InputError:
        assert not expected.any()
        return
    found[y0:y1, x0:x1] = mask
    np.testing.assert_array_equal(found, ndi.binary_fill_holes(expected))


def test_a_loop_at_the_end_of_a_drawn_line_belongs_to_it():
    corners = [[2, 2], [2, 30], [30, 30], [30, 2], [10, 2], [10, 8], [5, 8], [5, 2]]
    mask, _ = filled_outline(corners, (40, 40))
    assert mask[10, 10]


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_runs_know_areas_and_order(seed):
    rng = np.random.default_rng(seed)
    labels = np.repeat(rng.integers(-1, 9, (12, 5)), rng.integers(1, 5), axis=1) * 3
    runs = runs_of(labels)
    numbers, areas = runs.objects()
    assert numbers.tolist() == list(dict.fromkeys(labels[labels > 0].tolist()))
    assert areas.tolist() == [int((labels == number).sum()) for number in numbers]
    assert runs.areas([27, *numbers[::-1], 99]).tolist() == [
        int((labels == number).sum()) for number in (27, *numbers[::-1], 99)
    ]
    assert ((runs.stop - runs.start) > 0).all()
    assert runs.stop.max() <= labels.shape[1]
