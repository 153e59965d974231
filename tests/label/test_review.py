from hypothesis import given
from hypothesis import strategies as st

from napari_cellseg.label.review import Review, frames_to_learn, propose, states

STATES = st.dictionaries(
    st.integers(0, 30), st.sampled_from(["auto", "doubtful", "corrected", "accepted"]), min_size=1
)


def test_states_rank_what_the_person_said_first() -> None:
    review = Review(frozenset({0}))
    found = states(review, {0, 1}, {0: "dark", 1: "dark", 2: "dark"}, 4)
    assert found == {0: "accepted", 1: "corrected", 2: "doubtful", 3: "auto"}


def test_doubtful_frames_are_proposed_first_then_the_next_ones_and_skipped_ones_last() -> None:
    now = states(Review(), (), {2: "count jumps"}, 5)
    assert propose(0, now, ()) == 2
    assert propose(2, now, ()) == 3
    assert propose(0, now, {2}) == 1
    assert propose(3, {**now, 0: "accepted"}, {2}) == 4


@given(STATES, st.integers(0, 30), st.sets(st.integers(0, 30)))
def test_a_proposal_is_open_and_never_the_frame_in_view(now, current, skipped) -> None:
    t = propose(current, now, skipped)
    others = {frame for frame, state in now.items() if state != "accepted" and frame != current}
    assert (t is None) == (not others)
    assert t is None or t in others
    if others - skipped:
        assert t not in skipped


def test_a_review_changes_by_making_new_ones() -> None:
    first = Review()
    second = first.skip(3).accept(3).accept(4)
    assert second == Review(frozenset({3, 4}), frozenset())
    assert second.reopen(3).accepted == {4}
    assert first == Review()


def test_frames_to_learn_from() -> None:
    now = states(Review(frozenset({5})), {4}, {0: "dark", 4: "dark", 5: "dark"}, 7)
    assert frames_to_learn(now, [1, 2]) == ([1, 2, 4, 5], {"accepted": 1, "corrected": 1, "auto": 2})
    assert frames_to_learn(now, None)[0] == [0, 1, 2, 3, 4, 5, 6]
