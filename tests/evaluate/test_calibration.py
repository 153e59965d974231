import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_cellseg.errors import InputError
from napari_cellseg.evaluate.calibration import N_BINS, Reliability, count_probabilities

Chances = npt.NDArray[np.float32]

chances = arrays(np.float32, (6, 5), elements=st.floats(0, 1, width=32))
truths = arrays(np.int32, (6, 5), elements=st.integers(-1, 3))


def test_a_case_counted_by_hand() -> None:
    truth = np.array([[1, 0, 7, 0, -1]])
    held = count_probabilities(truth, np.array([[0.95, 0.95, 0.25, 0.0, 0.5]]))
    assert held.n_px == (1, 0, 1, 0, 0, 0, 0, 0, 0, 2)
    assert held.n_true == (0, 0, 1, 0, 0, 0, 0, 0, 0, 1)
    scores = held.scores()
    assert scores["ece"] == pytest.approx((2 * abs(0.5 - 0.95) + abs(1 - 0.25) + 0) / 4)
    assert scores["brier"] == pytest.approx((0.05**2 + 0.95**2 + 0.75**2 + 0) / 4)
    curve = held.curve()
    assert curve["n_px"].tolist() == list(held.n_px)
    assert curve["observed_fraction"][9] == 0.5
    assert curve["mean_probability"][9] == pytest.approx(0.95)
    assert math.isnan(curve["observed_fraction"][1])
    assert curve["probability_to"].tolist() == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]


def test_probabilities_that_hold_are_calibrated() -> None:
    random = np.random.default_rng(0)
    chance = random.random((400, 400))
    scores = count_probabilities((random.random(chance.shape) < chance).astype(int), chance).scores()
    assert scores["ece"] < 0.01
    assert scores["brier"] == pytest.approx(1 / 6, abs=0.005)  # the mean of p (1 - p)
    sure = np.where(chance > 0.5, 0.99, 0.01)
    overconfident = count_probabilities((random.random(chance.shape) < chance).astype(int), sure).scores()
    assert overconfident["ece"] == pytest.approx(0.24, abs=0.01)


def test_one_belongs_to_the_last_bin_and_rounding_is_forgiven() -> None:
    held = count_probabilities(np.ones((1, 3), int), np.array([[1.0, 1.0002, 0.9]]))
    assert held.n_px[-1] == 3
    assert count_probabilities(np.zeros((1, 1), int), np.array([[-0.0002]])).squared == 0


@given(truths, chances, st.integers(0, 6))
def test_parts_add_up(truth: npt.NDArray[np.int32], chance: Chances, cut: int) -> None:
    whole = count_probabilities(truth, chance)
    parts = [count_probabilities(truth[s], chance[s]) for s in (slice(None, cut), slice(cut, None))]
    summed = sum(parts, Reliability())
    assert (summed.n_px, summed.n_true) == (whole.n_px, whole.n_true)
    assert sum(whole.n_px) == np.count_nonzero(truth >= 0)
    assert summed.squared == pytest.approx(whole.squared)
    np.testing.assert_allclose(summed.probability_sum, whole.probability_sum)
    scores = whole.scores()
    if sum(whole.n_px):
        assert scores["brier"] == pytest.approx(np.mean((chance - (truth > 0))[truth >= 0] ** 2, dtype=float))
        assert 0 <= scores["ece"] <= 1


def test_nothing_to_count_has_no_score() -> None:
    held = count_probabilities(np.full((2, 2), -1), np.full((2, 2), 0.5))
    assert held == Reliability()
    assert all(math.isnan(value) for value in held.scores().values())
    assert len(held.curve()) == N_BINS


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -0.1, 1.1, 255.0])
def test_what_is_no_probability_is_refused(wrong: float) -> None:
    with pytest.raises(InputError, match="of well 7 reach"):
        count_probabilities(np.zeros((1, 2), int), np.array([[0.5, wrong]]), "well 7")


def test_other_shapes_are_refused() -> None:
    with pytest.raises(InputError, match=r"\(2, 2\).*\(2, 3\)"):
        count_probabilities(np.zeros((2, 2), int), np.zeros((2, 3)))
