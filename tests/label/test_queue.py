from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_cellseg.label.queue import FrameFacts, count_jumps, rank


def movie(n=12, **changes):
    """Frames alike but for small noise in how they look."""
    rng = np.random.default_rng(0)
    return [FrameFacts(t, 50, 0.2, look=tuple(rng.normal(0, 0.01, 3))) for t in range(n)]


def test_the_frame_of_which_the_model_is_least_sure_comes_first_and_says_why():
    facts = movie()
    facts[7] = replace(facts[7], uncertainty=0.6, n_unsure=14, crop=(0, 0, 10, 10))
    first = rank(facts, ())[0]
    assert (first.frame, first.crop) == (7, (0, 0, 10, 10))
    assert first.reason == "the model is unsure of 14 nuclei"


def test_objects_of_one_frame_only_count_where_frames_follow_each_other():
    facts = movie()
    facts[4] = replace(facts[4], n_lone=3, n_gone=1)
    first = rank(facts, ())[0]
    assert first.frame == 4
    assert first.reason == "3 nuclei appear for one frame only; 1 is missing in this frame only"
    assert not any("appear" in one.reason for one in rank(facts, (), in_time=False))


def test_a_count_that_jumps_is_told_with_what_was_expected():
    facts = movie()
    facts[3] = replace(facts[3], n_objects=20)
    z, expected = count_jumps(facts)[3]
    assert expected == 50
    assert z == pytest.approx(-30 / (np.sqrt(50) / 2))
    first = rank(facts, ())[0]
    assert first.frame == 3
    assert first.reason == "20 nuclei where the frames around have about 50"


def test_what_was_not_seen_yet_comes_before_more_of_the_same():
    facts = [replace(one, look=(0.0, 0.0, float(one.t >= 9))) for one in movie()]
    facts = [replace(one, uncertainty=0.2 + 0.01 * (11 - one.t)) for one in facts]
    order = [one.frame for one in rank(facts, {0, 1})]
    assert min(order[:3]) >= 2
    assert 9 in order[:3]  # less in doubt than all of 2 to 8, but of another kind
    told = {one.frame: one.reason for one in rank(facts, {0, 1})}
    assert "unlike the frames corrected so far" in told[9]


@given(
    st.lists(st.tuples(st.integers(0, 90), st.floats(0, 1), st.integers(0, 9)), min_size=1, max_size=30),
    st.sets(st.integers(0, 29)),
    st.booleans(),
)
def test_every_open_frame_once_by_falling_score(values, done, in_time):
    facts = [
        FrameFacts(t, n, entropy, n_lone=lone, look=(float(n), entropy))
        for t, (n, entropy, lone) in enumerate(values)
    ]
    order = rank(facts, done, in_time)
    assert sorted(one.frame for one in order) == [t for t in range(len(values)) if t not in done]
    scores = [one.score for one in order]
    assert all(0 <= score <= 1 for score in scores)
    assert all(a >= b - 1e-3 for a, b in pairwise(scores))
    assert all(one.reason for one in order)


def test_without_a_model_or_time_odd_objects_decide():
    facts = [FrameFacts(t, 50, None, n_suspects=t % 3, look=(0.0,)) for t in range(6)]
    assert rank(facts, (), in_time=False)[0].reason == "2 nuclei look odd"
    assert rank([], ()) == ()
