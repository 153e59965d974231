"""Objects and ignored regions drawn by hand, and tools for a whole frame."""

import numpy as np
import pytest

from napari_cellseg.errors import InputError
from napari_cellseg.label import edit as tools

SQUARE = [[4, 4], [4, 14], [14, 14], [14, 4]]


@pytest.fixture
def labels():
    plane = np.zeros((30, 40), np.int32)
    plane[8:20, 10:20] = 6
    plane[0:3, 30:38] = 9
    plane[25:27, 25:27] = 4
    return plane


def applied(edit, labels):
    after = labels.copy()
    edit.apply(after)
    return after


def test_a_polygon_takes_only_what_is_free_unless_told(labels):
    after = applied(tools.new_polygon(labels, SQUARE, frame=1), labels)
    np.testing.assert_array_equal(after == 6, labels == 6)
    assert (after[4:14, 4:10] == 10).all()
    over = applied(tools.new_polygon(labels, SQUARE, protect=False), labels)
    assert (over[4:14, 4:14] == 10).all()
    assert (over == 6).sum() == (labels == 6).sum() - 6 * 4
    with pytest.raises(InputError, match="no room"):
        tools.new_polygon(labels, [[9, 11], [9, 18], [18, 18], [18, 11]])


def test_a_mask_can_take_from_others_too(labels):
    mask = np.zeros(labels.shape, bool)
    mask[5:12, 5:15] = True
    after = applied(tools.new_object(labels, mask, protect=False), labels)
    np.testing.assert_array_equal(after == 10, mask)
    with pytest.raises(InputError, match="no pixels"):
        tools.new_object(labels, ~mask & mask)


def test_ignoring_and_back(labels):
    ignored = applied(tools.ignore(labels, SQUARE), labels)
    assert (ignored[4:14, 4:10] == -1).all()
    np.testing.assert_array_equal(ignored == 6, labels == 6)
    np.testing.assert_array_equal(applied(tools.unignore(ignored, SQUARE), ignored), labels)
    assert (applied(tools.ignore(labels, SQUARE, protect=False), labels)[4:14, 4:14] == -1).all()
    with pytest.raises(InputError, match="can be marked"):
        tools.ignore(ignored, SQUARE)
    with pytest.raises(InputError, match="is ignored"):
        tools.unignore(labels, SQUARE)


def test_small_ones_go(labels):
    after = applied(tools.remove_small(labels, 24), labels)
    assert set(np.unique(after)) == {0, 6, 9}  # 9 has 24 px
    with pytest.raises(InputError, match="below 4 px"):
        tools.remove_small(labels, 4)


def test_those_at_the_edge_go(labels):
    assert set(np.unique(applied(tools.remove_at_border(labels), labels))) == {0, 4, 6}
    with pytest.raises(InputError, match="No object touches"):
        tools.remove_at_border(labels[3:])


def test_numbers_follow_the_rows(labels):
    after = applied(tools.relabel(labels), labels)
    assert [after[0, 30], after[8, 10], after[25, 25]] == [1, 2, 3]
    with pytest.raises(InputError, match="no object"):
        tools.relabel(labels * 0)


def test_growing_and_shrinking(labels):
    labels[8:20, 20:24] = 7
    grown = applied(tools.grow(labels, 6, 2), labels)
    assert (grown[6:22, 12:18] == 6).all()
    assert (grown[5] != 6).all()
    np.testing.assert_array_equal(grown == 7, labels == 7)
    assert not (grown[:, 24:] == 6).any()  # not over its neighbour either
    shrunk = applied(tools.grow(labels, 6, -2), labels)
    assert (shrunk == 6).sum() == 8 * 6
    edge = applied(tools.grow(labels, 9, -1), labels)
    assert (edge[0:2, 31:37] == 9).all()
    assert (edge == 9).sum() == 12
    with pytest.raises(InputError, match="would vanish"):
        tools.grow(labels, 4, -1)
    with pytest.raises(InputError, match="stays"):
        tools.grow(labels, 4, 0)
    with pytest.raises(InputError, match="no width"):
        tools.grow(labels, 4, np.nan)
    full = np.full((9, 9), 3, np.int32)
    for by_px in (2, -2):
        with pytest.raises(InputError, match=r"no room|stays"):
            tools.grow(full, 3, by_px)
