"""How sure a network is of each object, and which objects are left out for it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_cellseg.learn.certainty import BINS, best_bound, certainties, counted, only_certain
from napari_cellseg.learn.scores import Tally, tally

LABELS = np.array([[1, 1, 0, 3], [1, 0, 0, 3], [0, 4, 4, 0]], np.int32)
SURE = np.array([[0.6, 0.6, 0.1, 0.9], [0.9, 0.2, 0.3, 1.0], [0.4, 0.5, 0.6, 0.0]], np.float16)


def test_the_certainty_of_an_object_is_the_mean_probability_of_its_pixels() -> None:
    assert certainties(LABELS, SURE)[[1, 3, 4]] == pytest.approx([0.7, 0.95, 0.55], abs=1e-3)
    assert certainties(LABELS, SURE)[2] == 0  # there is no object 2


def test_objects_below_the_bound_are_left_out_and_the_others_numbered_anew() -> None:
    kept = only_certain(LABELS, SURE, 0.65)
    assert np.array_equal(kept, [[1, 1, 0, 2], [1, 0, 0, 2], [0, 0, 0, 0]])
    assert only_certain(LABELS, SURE, 0.0) is LABELS
    assert not only_certain(LABELS, SURE, 0.99).any()
    empty = np.zeros((3, 3), np.int32)
    assert only_certain(empty, np.ones((3, 3)), 0.5) is empty


def test_the_bound_parts_wrong_objects_from_right_ones() -> None:
    predicted, found = np.zeros(BINS, int), np.zeros(BINS, int)
    predicted[24], found[24] = 30, 1  # of certainty 0.6 hardly one is right
    predicted[36], found[36] = 60, 55
    assert best_bound(predicted.tolist(), found.tolist(), 70) == 25  # the lowest that leaves the 30 out
    assert best_bound(predicted.tolist(), predicted.tolist(), 90) == 0  # all are right
    assert best_bound(predicted.tolist(), found.tolist(), 19) == 0  # too few objects to tell
    assert best_bound([0] * BINS, [0] * BINS, 70) == 0


def test_a_network_that_is_never_wrong_below_the_highest_bound_is_left_with_something() -> None:
    predicted, found = [0] * BINS, [0] * BINS
    predicted[30], predicted[BINS - 1], found[BINS - 1] = 1000, 40, 40
    assert 30 < best_bound(predicted, found, 40) <= 36


@given(st.lists(st.tuples(st.floats(0.5, 1), st.booleans()), min_size=20, max_size=200), st.integers(0, 50))
def test_no_bound_is_better_but_for_chance(objects: list[tuple[float, bool]], missed: int) -> None:
    sure = np.array([certainty for certainty, _ in objects])
    right = np.array([is_right for _, is_right in objects])
    n = int(right.sum()) + missed
    predicted, found = counted(sure), counted(sure[right])

    def ap(bound: int) -> float:
        tp, told = sum(found[bound:]), sum(predicted[bound:])
        return tp / max(n + told - tp, 1)

    chosen = best_bound(predicted, found, n)
    if n >= 20:
        assert ap(chosen) >= max(ap(bound) for bound in range(37)) - max(0.005, 1 / n) - 1e-12
    else:
        assert chosen == 0


def test_one_wrong_object_among_few_is_no_reason_for_a_bound() -> None:
    predicted, found = [0] * BINS, [0] * BINS
    predicted[20], predicted[38], found[38] = 1, 25, 25
    assert best_bound(predicted, found, 25) == 0
    predicted[20] = 5
    assert 0 < best_bound(predicted, found, 25) <= 21


def test_scores_are_those_of_the_objects_that_are_certain_enough() -> None:
    truth = np.zeros((12, 300), np.int32)
    found = np.zeros((12, 300), np.int32)
    sure = np.zeros(60)
    for n in range(40):  # true objects, all found
        truth[1:4, 6 * n + 1 : 6 * n + 4] = found[1:4, 6 * n + 1 : 6 * n + 4] = n + 1
        sure[n + 1] = 0.95
    for n in range(19):  # debris
        found[7:9, 6 * n + 1 : 6 * n + 3] = 41 + n
        sure[41 + n] = 0.6
    plain, told = tally(truth, found), tally(truth, found, certainty=sure, checked=True)
    assert plain.certainty == tally(truth, found, certainty=sure).certainty == 0
    assert plain.scores()["count_error"] == pytest.approx(19 / 40)
    assert told.certainty == pytest.approx(0.625)
    assert told.scores()["ap50"] == 1
    assert told.scores()["count_error"] == 0
    assert (told.found, told.predicted) == (plain.found, plain.predicted) == (40, 59)
    assert (Tally() + told + told).scores() == told.scores()
    assert (told + tally(truth, found, certainty=sure)).scores() == told.scores()  # the bound is for all
    assert (
        Tally.restored({name: list(v) if isinstance(v, tuple) else v for name, v in vars(told).items()})
        == told
    )
