"""From frame to frame: how far the picture moved, the same object there, one tool for all its frames."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage as ndi

from napari_cellseg.errors import InputError
from napari_cellseg.label import edit as tools


def picture(side, seed=0):
    rng = np.random.default_rng(seed)
    return ndi.gaussian_filter(rng.random((side, side)), 3) * 3000


@settings(max_examples=25)
@given(st.integers(-40, 40), st.integers(-40, 40))
def test_the_shift_of_a_picture_is_measured(dy, dx):
    whole = picture(280)
    before = whole[50:230, 50:230]
    after = whole[50 - dy : 230 - dy, 50 - dx : 230 - dx]
    noise = np.random.default_rng(1).normal(0, 3, (2, 180, 180))
    assert np.hypot(*np.subtract(tools.displacement(before + noise[0], after + noise[1]), (dy, dx))) < 0.5


def test_the_shift_of_a_large_picture_is_measured_too():
    before = picture(1300)
    assert np.hypot(*np.subtract(tools.displacement(before, np.roll(before, (9, -14), (0, 1))), (9, -14))) < 1


def test_nothing_in_common_is_no_shift():
    assert tools.displacement(picture(200), picture(200, seed=1)) == (0, 0)
    assert tools.displacement(np.zeros((50, 60)), np.zeros((50, 60))) == (0, 0)
    assert tools.displacement(np.full((1, 1), np.nan), np.ones((1, 1))) == (0, 0)
    with pytest.raises(InputError, match="Two frames"):
        tools.displacement(np.zeros((5, 5)), np.zeros((5, 6)))


@pytest.fixture
def movie():
    """An object that moves and is renumbered, lost in frame 4; another that stays; a third within reach."""
    frames = np.zeros((6, 40, 60), np.int32)
    for t in range(6):
        frames[t, 10 + t : 20 + t, 10 + 2 * t : 20 + 2 * t] = 5 + t
        frames[t, 30:36, 30:40] = 3
    frames[4][frames[4] == 9] = 0
    return frames


def test_an_object_is_followed_until_it_is_lost(movie):
    assert tools.followed(movie, 1, 6) == {0: 5, 1: 6, 2: 7, 3: 8}
    assert tools.followed(movie, 1, 6, first=1) == {1: 6, 2: 7, 3: 8}
    assert tools.followed(movie, 1, 6, first=0, last=2) == {0: 5, 1: 6, 2: 7}
    assert tools.followed(movie, 5, 10) == {5: 10}
    assert tools.followed(movie, 2, 3) == dict.fromkeys(range(6), 3)
    with pytest.raises(InputError, match="no frame"):
        tools.followed(movie, 6, 3)
    with pytest.raises(InputError, match="no object"):
        tools.followed(movie, 0, 99)


def test_of_two_halves_the_better_one_is_followed_and_only_if_it_is_mutual():
    movie = np.zeros((2, 20, 20), np.int32)
    movie[0, 5:15, 5:15] = 1
    movie[1, 5:15, 5:11], movie[1, 5:15, 11:15] = 2, 3
    assert tools.followed(movie, 0, 1) == {0: 1, 1: 2}
    assert tools.followed(movie, 1, 3) == {1: 3}
    movie[1, 5:15, 5:7] = 0
    movie[1, 5:15, 11:15] = 3
    movie[1, :, 15:] = 3
    assert tools.followed(movie, 0, 1) == {0: 1, 1: 2}


def test_frames_are_read_one_by_one(movie):
    read = []

    class Lazy:
        def __len__(self):
            return len(movie)

        def __getitem__(self, t):
            read.append(t)
            return movie[t]

    tools.followed(Lazy(), 2, 7, first=1, last=3)
    assert sorted(read) == [1, 2, 3]


def test_a_tool_works_through_time(movie):
    edits = tools.through_time(movie, 1, 6, tools.delete, who="Ada")
    assert [(edit.frame, edit.who) for edit in edits] == [(t, "Ada") for t in range(4)]
    after = movie.copy()
    for edit in edits:
        edit.apply(after)
    assert set(np.unique(after[:5])) == {0, 3}
    for edit in edits:
        edit.inverse().apply(after)
    np.testing.assert_array_equal(after, movie)
    grown = tools.through_time(movie, 1, 6, partial(tools.grow, by_px=2), first=1, last=2)
    assert [edit.frame for edit in grown] == [1, 2]


def test_frames_with_nothing_to_do_are_left_out(movie):
    movie[2, 15:17, 17:19] = 0
    edits = tools.through_time(movie, 1, 6, tools.fill_holes)
    assert [edit.frame for edit in edits] == [2]
    with pytest.raises(InputError, match="no holes"):
        tools.through_time(movie, 1, 3, tools.fill_holes)


def test_an_object_is_copied_where_it_moved_to(movie):
    edit = tools.copied(movie[3], 8, movie[4], (1, 2.2), 4)
    assert edit.frame == 4
    after = movie.copy()
    edit.apply(after)
    assert (after[4, 14:24, 18:28] == 8).all()  # the number is free there, so it stays
    again = tools.copied(movie[0], 3, movie[1], (-5, 0), 1)
    again.apply(after)
    assert (after[1, 25:30, 30:40] == 7).all()  # not free: the next one
    np.testing.assert_array_equal(after[1] == 3, movie[1] == 3)
    tools.copied(movie[0], 3, movie[2], (-5, 0), 2, protect=False).apply(after)
    assert (after[2, 25:31, 30:40] == 8).all()


def test_what_moves_out_of_the_picture_is_cut_or_told(movie):
    after = movie[1].copy()
    tools.copied(movie[0], 3, movie[1], (7, 0), 1).apply(after)
    assert (after[37:40, 30:40] == 7).all()
    with pytest.raises(InputError, match="out of the picture"):
        tools.copied(movie[0], 3, movie[1], (0, 70), 1)
    with pytest.raises(InputError, match="no room"):
        tools.copied(movie[0], 3, movie[1], (0, 0), 1)
    with pytest.raises(InputError, match="one movie"):
        tools.copied(movie[0], 3, movie[1, :10], (0, 0), 1)
