import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_cellseg.learn.scores import Tally, tally


def boxes(*spans: tuple[int, int]) -> np.ndarray:
    labels = np.zeros((10, 60), np.int32)
    for number, (start, stop) in enumerate(spans, start=1):
        labels[:, start:stop] = number
    return labels


def test_the_truth_scores_best(disks) -> None:
    labels = disks()
    assert tally(labels, labels).scores() == {"iou": 1, "ap50": 1, "f1": 1, "count_error": 0}


def test_counts_by_hand() -> None:
    truth = boxes((0, 10), (20, 30), (40, 50))
    found = boxes((1, 10), (20, 24), (52, 55), (56, 58))
    marks = tally(truth, found)
    assert (marks.found, marks.objects, marks.predicted) == (1, 3, 4)
    scores = marks.scores()
    assert scores["ap50"] == pytest.approx(1 / 6)
    assert scores["f1"] == pytest.approx(2 / 7)
    assert scores["iou"] == pytest.approx(13 / 35)
    assert scores["count_error"] == pytest.approx(1 / 3)


def test_objects_in_ignored_regions_are_neither_right_nor_wrong() -> None:
    truth = boxes((0, 10))
    truth[:, 30:] = -1
    marks = tally(truth, boxes((0, 10), (28, 40), (50, 55)))
    assert (marks.found, marks.objects, marks.predicted) == (1, 1, 1)
    assert marks.scores()["ap50"] == 1


def test_nothing_found_where_nothing_is_is_right() -> None:
    empty = np.zeros((5, 5), np.int32)
    assert tally(empty, empty).scores() == {"iou": 1, "ap50": 1, "f1": 1, "count_error": 0}
    assert tally(empty, empty + 1).scores()["ap50"] == 0


@settings(max_examples=30)
@given(st.integers(0, 500), st.integers(0, 500))
def test_matches_by_brute_force(seed: int, other: int) -> None:
    a = np.random.default_rng(seed).integers(0, 4, (6, 7))
    b = np.random.default_rng(other).integers(0, 3, (6, 7))
    b[:4] = a[:4]
    matches = sum(
        ((a == i) & (b == j)).sum() > 0.5 * ((a == i) | (b == j)).sum()
        for i in np.unique(a[a > 0])
        for j in np.unique(b[b > 0])
    )
    assert tally(a, b).found == matches


def test_tallies_add_up(disks) -> None:
    marks = tally(disks(seed=1), disks(seed=2), 0.5)
    both = marks + marks
    assert both.frames == 2
    assert both.loss == 1
    assert both.scores()["ap50"] == pytest.approx(marks.scores()["ap50"])
    assert Tally() + marks == marks
