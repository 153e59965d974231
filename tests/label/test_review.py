from hypothesis import given
from hypothesis import strategies as st

from napari_cellseg.label.review import (
    DONE,
    URGENCY,
    Review,
    cells,
    frames_to_learn,
    n_done,
    propose,
    states,
)

STATES = st.dictionaries(st.integers(0, 30), st.sampled_from(URGENCY), min_size=1)


def test_states_rank_what_the_person_said_first() -> None:
    review = Review(frozenset({0}))
    found = states(review, {0, 1}, {0: "dark", 1: "dark", 2: "dark"}, 4)
    assert found == {0: "accepted", 1: "in work", 2: "doubtful", 3: "auto"}


def test_rejection_outweighs_all_and_a_model_outweighs_nothing() -> None:
    review = Review(frozenset({0}), rejected=frozenset({1}))
    found = states(review, {1, 2}, {3: "dark"}, 5, predicted=range(5))
    assert found == {0: "accepted", 1: "rejected", 2: "in work", 3: "doubtful", 4: "predicted"}
    assert n_done(found) == 2


def test_doubtful_frames_are_proposed_first_then_the_next_ones_and_skipped_ones_last() -> None:
    now = states(Review(), (), {2: "count jumps"}, 5)
    assert propose(0, now, ()) == 2
    assert propose(2, now, ()) == 3
    assert propose(0, now, {2}) == 1
    assert propose(3, {**now, 0: "accepted"}, {2}) == 4


@given(STATES, st.integers(0, 30), st.sets(st.integers(0, 30)))
def test_a_proposal_is_open_and_never_the_frame_in_view(now, current, skipped) -> None:
    t = propose(current, now, skipped)
    others = {frame for frame, state in now.items() if state not in DONE and frame != current}
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
    assert frames_to_learn(now, [1, 2]) == ([1, 2, 4, 5], {"accepted": 1, "in work": 1, "auto": 2})
    assert frames_to_learn(now, None)[0] == [0, 1, 2, 3, 4, 5, 6]


def test_rejected_and_untouched_predicted_frames_are_never_learned_from() -> None:
    review = Review(frozenset({0}), rejected=frozenset({1, 2}))
    now = states(review, {2, 3}, {}, 6, predicted=range(5))
    assert frames_to_learn(now, None) == ([0, 3, 5], {"accepted": 1, "in work": 1, "auto": 1})


def test_the_queue_comes_first_but_skipped_and_done_frames_do_not() -> None:
    now = states(Review(frozenset({4})), (), {2: "count jumps"}, 8)
    assert propose(0, now, (), [4, 6, 3]) == 6
    assert propose(6, now, (), [4, 6, 3]) == 3
    assert propose(0, now, {6, 3}, [4, 6, 3]) == 2


def test_accepting_rejecting_and_reopening_exclude_each_other() -> None:
    review = Review().accept(3).reject(3)
    assert (review.accepted, review.rejected) == (frozenset(), {3})
    assert review.accept(3) == Review(frozenset({3}))
    assert review.reopen(3) == Review()


@given(st.lists(st.sampled_from(URGENCY), min_size=1, max_size=300), st.integers(1, 40))
def test_a_cell_shows_its_most_urgent_frame_and_none_is_left_out(found, n_cells) -> None:
    now = dict(enumerate(found))
    shown = cells(now, n_cells)
    starts = [first for first, _ in shown]
    assert len(shown) == min(len(found), n_cells)
    for (first, state), end in zip(shown, [*starts[1:], len(found)], strict=True):
        assert state == min(found[first:end], key=URGENCY.index)
    assert starts[0] == 0
