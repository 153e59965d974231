"""Intervals and kappa against published values and values worked out by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_cellseg.errors import SettingsError
from napari_cellseg.evaluate.review.agreement import kappa, match_places
from napari_cellseg.evaluate.review.counts import scores_of
from napari_cellseg.evaluate.review.differences import paired_bootstrap
from napari_cellseg.evaluate.review.intervals import bootstrap, wilson

NAMES = ("precision", "recall", "dice", "iou")


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [  # Newcombe 1998, Statistics in Medicine 17:857, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_the_published_intervals(part, whole, low, high):
    assert wilson(part, whole) == pytest.approx((low, high), abs=5e-5)


def test_wilson_by_hand():
    # 1 of 2, z = 1.959964: centre (0.5 + z²/4) / (1 + z²/2) = 0.5, half z √(1/8 + z²/16) / (1 + z²/2)
    z = 1.959964
    half = z * math.sqrt(1 / 8 + z * z / 16) / (1 + z * z / 2)
    assert wilson(1, 2) == pytest.approx((0.5 - half, 0.5 + half), abs=1e-6)


@given(st.integers(0, 500), st.integers(1, 500))
def test_wilson_holds_the_proportion_and_mirrors(part, more):
    whole = part + more
    low, high = wilson(part, whole)
    assert 0 <= low <= part / whole <= high <= 1
    assert wilson(more, whole) == pytest.approx((1 - high, 1 - low))


def test_wilson_of_nothing_and_of_nonsense():
    assert all(math.isnan(end) for end in wilson(0, 0))
    for wrong in ((3, 2, 0.95), (-1, 2, 0.95), (1, 2, 1.0)):
        with pytest.raises(SettingsError):
            wilson(*wrong)


def test_scores_by_hand_and_of_nothing():
    assert scores_of(np.array([8.0, 2, 4]), NAMES) == pytest.approx([0.8, 8 / 12, 16 / 22, 8 / 14])
    assert np.isnan(scores_of(np.zeros(3), NAMES)).all()
    precision, recall, dice, iou = scores_of(np.array([0.0, 0, 5]), NAMES)
    assert math.isnan(precision)
    assert (recall, dice, iou) == (0, 0, 0)


def test_the_bootstrap_of_two_frames_is_what_can_be_counted():
    # Two frames, IoU 1 and 0: resamples are (1,1), (1,2), (2,1), (2,2) with 1/4 each; the middle 95 % of
    # their IoU 1, 1/2, 1/2, 0 reaches from 0 to 1.
    low, high = bootstrap(np.array([[4.0, 0, 0], [0, 2.0, 2.0]]), ("iou",))
    assert (low[0], high[0]) == (0, 1)


def test_the_bootstrap_is_near_the_normal_interval_of_a_mean():
    # Equal frames of 10 objects: precision is the mean of the frames' precisions, whose error is known.
    rng = np.random.default_rng(3)
    tp = rng.binomial(10, 0.7, 400).astype(float)
    frames = np.stack([tp, 10 - tp, np.zeros(400)], axis=1)
    low, high = bootstrap(frames, ("precision",), n=4000)
    error = 1.96 * (tp / 10).std() / math.sqrt(400)
    mean = (tp / 10).mean()
    assert (low[0], high[0]) == pytest.approx((mean - error, mean + error), abs=0.2 * error)


def test_one_frame_has_no_interval():
    assert np.isnan(bootstrap(np.ones((1, 3)), NAMES)).all()
    assert np.isnan(paired_bootstrap(np.ones((1, 3)), np.ones((1, 3)), NAMES)).all()


def test_pairing_takes_the_difficulty_of_frames_out():
    # One model has one object wrong more in every frame; frames differ much, but the difference never does.
    rng = np.random.default_rng(0)
    wrong = rng.integers(0, 9, 30).astype(float)
    mine = np.stack([10 - wrong, wrong, np.zeros(30)], axis=1)
    other = np.stack([10 - wrong - 1, wrong + 1, np.zeros(30)], axis=1)
    low, high = paired_bootstrap(mine, other, ("precision",))
    assert (low[0], high[0]) == pytest.approx((0.1, 0.1))
    apart = [np.subtract(*ends) for ends in zip(*reversed(bootstrap(mine, ("precision",))), strict=True)]
    assert abs(apart[0]) > 0.05


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ((20, 5, 10, 15), 0.4),  # p_o 0.7, p_e 0.5
        ((40, 9, 6, 45), 0.70),  # Feinstein and Cicchetti 1990, table 1: p_o 0.85
        ((80, 10, 5, 5), 0.32),  # and table 2: the same p_o, and yet
        ((25, 25, 25, 25), 0.0),
        ((0, 10, 10, 0), -1.0),
        ((7, 0, 0, 3), 1.0),
    ],
)
def test_kappa_gives_the_published_values(table, expected):
    assert kappa(*table) == pytest.approx(expected, abs=0.005)


def test_kappa_is_undefined_where_all_is_one_and_the_same():
    assert math.isnan(kappa(10, 0, 0, 0))
    assert math.isnan(kappa(0, 0, 0, 0))


def test_random_experts_agree_no_more_than_by_chance():
    rng = np.random.default_rng(5)
    a, b = rng.random(20_000) < 0.3, rng.random(20_000) < 0.6
    counts = [np.sum(~a & ~b), np.sum(a & ~b), np.sum(~a & b), np.sum(a & b)]
    assert abs(kappa(*map(float, counts))) < 0.03


def test_clicks_are_matched_one_to_one_as_many_as_can_be():
    # The greedy way takes (0, 0)-(0, 2) first and leaves one alone; both pairs are within 3 px.
    assert match_places([(0, 0), (0, 4)], [(0, 2), (0, -3)], 3) == 2
    assert match_places([(0, 0), (0, 1)], [(0, 0.5)], 3) == 1
    assert match_places([(0, 0)], [(0, 3.01)], 3) == 0
    assert match_places([], [(0, 0)], 3) == 0
