"""Intervals that hold the truth as often as they say, on data whose truth is known."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from napari_cellseg.errors import SettingsError
from napari_cellseg.evaluate.bootstrap import LEAST_GROUPS, intervals
from napari_cellseg.evaluate.calibration import Reliability
from napari_cellseg.evaluate.objects import THRESHOLDS, ObjectCounts
from napari_cellseg.evaluate.pixels import PixelCounts
from napari_cellseg.evaluate.scores import FrameCounts, Scores


def frame(found: int, n: int, t: int = 0, group: str = "", image: str = "") -> FrameCounts:
    """A frame of which so many of its objects were found, and nothing was invented."""
    objects = ObjectCounts(n, found, 0, (found,) * len(THRESHOLDS), 0.8 * found, found, found, n - found)
    return FrameCounts(image or f"image {t}", 0, group, PixelCounts(10 * found, 3, 7, 500), objects)


def row(table: pd.DataFrame, score: str, group: str = "") -> pd.Series:
    return table[(table["score"] == score) & (table["group"] == group)].iloc[0]


def coverage(trials: int, make: object, truth: float) -> float:
    held = 0
    for trial in range(trials):
        found = row(intervals(make(trial), ["object_recall"], n=300, seed=trial), "object_recall")
        held += found["pooled_low"] <= truth <= found["pooled_high"]
    return held / trials


def test_95_of_100_intervals_hold_the_truth() -> None:
    def make(trial: int) -> Scores:
        random = np.random.default_rng(trial)
        return Scores(tuple(frame(int(random.binomial(20, 0.7)), 20, t) for t in range(40)))

    assert 0.9 <= coverage(200, make, 0.7) <= 0.99


def test_with_groups_whole_groups_are_drawn_and_cover_their_differences() -> None:
    def make(trial: int, grouped: bool = True) -> Scores:
        random = np.random.default_rng(trial)
        frames = []
        for g in range(20):
            rate = random.choice([0.5, 0.9])  # frames of a group are alike, groups differ
            frames += [
                frame(int(random.binomial(20, rate)), 20, 8 * g + t, f"group {g}" if grouped else "")
                for t in range(8)
            ]
        return Scores(tuple(frames))

    assert coverage(40, make, 0.7) >= 0.85
    assert coverage(40, lambda trial: make(trial, False), 0.7) < 0.75  # frame by frame would not do
    found = row(intervals(make(0), ["ap50"], n=10), "ap50")
    assert found["resampled"] == "20 groups"
    assert found["note"] == ""


def test_the_width_is_that_of_theory() -> None:
    scores = Scores(tuple(frame(14 if t % 2 else 18, 20, t) for t in range(400)))
    found = row(intervals(scores, ["object_recall"], n=2000), "object_recall")
    expected = 2 * 1.96 * 0.1 / math.sqrt(400)  # a mean of 400 values of standard deviation 0.1
    assert found["pooled_high"] - found["pooled_low"] == pytest.approx(expected, rel=0.08)
    assert found["mean_high"] - found["mean_low"] == pytest.approx(expected, rel=0.08)
    assert found["pooled_low"] < 0.8 < found["pooled_high"]


def test_scores_are_those_of_the_frames() -> None:
    held = Reliability((5, *(0,) * 9), (0.2, *(0.0,) * 9), (1, *(0,) * 9), 0.7)
    frames = [replace(frame(f, 10, f, "a" if f < 4 else "b"), reliability=held) for f in range(9)]
    scores = Scores(tuple(frames))
    table = intervals(scores, n=50)
    for group in ("", "a", "b"):
        part = scores.of(group) if group else scores
        for score, value in part.pooled().items():
            if not score.startswith("n_"):
                found = row(table, score, group)
                assert found["pooled"] == pytest.approx(value, nan_ok=True)
                assert found["mean"] == pytest.approx(part.mean()[score], nan_ok=True)
                assert found["pooled_low"] <= value + 1e-9
                assert value - 1e-9 <= found["pooled_high"]
    assert set(table["scope"]) == {"total", "group"}
    assert {"ece", "brier"} <= set(table["score"])


def test_identical_frames_leave_no_doubt() -> None:
    table = intervals(Scores(tuple(frame(8, 10, t) for t in range(6))))
    np.testing.assert_allclose(table["pooled_low"], table["pooled"])
    np.testing.assert_allclose(table["mean_high"], table["mean"])


def test_one_frame_has_no_interval_and_the_table_says_so() -> None:
    table = intervals(Scores((frame(8, 10, group="alone"),)))
    assert table[["pooled_low", "pooled_high", "mean_low", "mean_high"]].isna().all(axis=None)
    assert set(table["note"]) == {"one frame only: no interval"}
    assert set(table["resampled"]) == {""}
    assert intervals(Scores(()))["pooled_low"].isna().all()


def test_what_an_interval_does_not_cover_is_said() -> None:
    few = Scores(tuple(frame(8, 10, t, f"g{t % 2}") for t in range(4)))
    note = row(intervals(few, ["ap50"], n=5), "ap50")["note"]
    assert "only 4 frames" in note
    assert f"fewer than {LEAST_GROUPS} groups" in note
    movie = Scores(tuple(replace(frame(8, 10), image="movie", frame=t) for t in range(9)))
    assert "frames of one movie are alike" in row(intervals(movie, ["ap50"], n=5), "ap50")["note"]


def test_frames_without_a_group_are_drawn_by_image() -> None:
    frames = [frame(8, 10, t, f"g{t}") for t in range(5)]
    frames += [frame(8, 10, 9, image="movie"), frame(7, 10, 9, image="movie")]
    assert row(intervals(Scores(tuple(frames)), ["ap50"], n=5), "ap50")["resampled"] == "6 groups"


def test_frames_without_the_score_are_left_out() -> None:
    frames = [frame(8, 10, t) for t in range(6)] + [frame(0, 0, 7)]
    found = row(intervals(Scores(tuple(frames)), ["ap50"]), "ap50")
    assert (found["mean_low"], found["mean_high"]) == (pytest.approx(0.8), pytest.approx(0.8))
    nothing = row(intervals(Scores((frame(0, 0, 1), frame(0, 0, 2))), ["ap50"]), "ap50")
    assert math.isnan(nothing["pooled_low"])


def test_the_seed_decides_and_a_group_does_not_mind_its_neighbours() -> None:
    random = np.random.default_rng(3)
    frames = tuple(frame(int(random.integers(0, 11)), 10, t, f"g{t % 2}") for t in range(12))
    scores = Scores(frames)
    first, again, other = (intervals(scores, ["ap50"], seed=seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first, again)
    assert row(first, "ap50")["pooled_low"] != row(other, "ap50")["pooled_low"]
    alone = row(intervals(scores.of("g1"), ["ap50"], seed=1), "ap50", "g1")
    assert alone["pooled_low"] == row(first, "ap50", "g1")["pooled_low"]


@pytest.mark.parametrize(
    "wrong", [{"names": ["no such score"]}, {"n": 0}, {"level": 0.0}, {"level": 1.0}], ids=str
)
def test_what_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(SettingsError):
        intervals(Scores((frame(8, 10),)), **wrong)
