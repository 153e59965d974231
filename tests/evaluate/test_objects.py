from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import linear_sum_assignment

from napari_cellseg.errors import InputError, SettingsError
from napari_cellseg.evaluate.objects import (
    THRESHOLDS,
    ObjectCounts,
    average_precision,
    count_objects,
    match,
)
from napari_cellseg.evaluate.overlaps import overlaps

Labels = npt.NDArray[np.int32]
Scene = tuple[Labels, Labels]

small_labels = arrays(np.int32, (9, 11), elements=st.integers(0, 5))
pairs_of_labels = st.tuples(small_labels, small_labels)


def test_a_scene_counted_by_hand(scene: Scene) -> None:
    counts = count_objects(*scene)
    assert counts.matched == (2, 2, 2, 1, 1, 1, 1, 1, 1, 1)  # IoU 0.6 counts at the threshold 0.6
    scores = counts.scores()
    assert scores["ap50"] == pytest.approx(2 / (2 + 2 + 2))
    assert scores["ap65"] == scores["ap95"] == pytest.approx(1 / (1 + 3 + 3))
    assert scores["ap_mean"] == pytest.approx((3 * (2 / 6) + 7 * (1 / 7)) / 10)
    assert scores["object_f1"] == scores["object_precision"] == scores["object_recall"] == 0.5
    assert scores["sq"] == pytest.approx(0.8)
    assert scores["pq"] == pytest.approx(0.4)
    assert scores["overlap_recall"] == scores["overlap_precision"] == scores["overlap_f1"] == 0.75
    assert (scores["n_truth"], scores["n_predicted"], scores["count_error"]) == (4, 4, 0)


def test_the_pairs_of_the_scene(scene: Scene) -> None:
    found = match(*scene)
    assert dict(zip(found.found.tolist(), found.found_by.tolist(), strict=True)) == {1: 7, 2: 3}
    np.testing.assert_allclose(np.sort(found.iou), [0.6, 1.0])
    assert found.missed.tolist() == [3, 4]
    assert found.invented.tolist() == [5, 9]
    assert match(*scene, threshold=0.3).missed.tolist() == [4]


def test_a_clump_finds_all_its_members_by_overlap_but_matches_none(boxes: Callable[..., Labels]) -> None:
    truth = boxes((1, 0, 10, 0, 10), (2, 0, 10, 10, 20), (3, 0, 10, 20, 30))
    scores = count_objects(truth, np.minimum(truth, 1)).scores()
    assert scores["overlap_recall"] == scores["overlap_precision"] == 1
    assert scores["ap50"] == 0
    assert scores["count_error"] == pytest.approx(-2 / 3)


def test_two_halves_of_one_object_are_one_find_at_exactly_half(boxes: Callable[..., Labels]) -> None:
    truth = boxes((1, 0, 10, 0, 10))
    counts = count_objects(truth, boxes((1, 0, 10, 0, 5), (2, 0, 10, 5, 10)))
    assert counts.matched[0] == 1
    assert counts.matched[1] == 0
    assert counts.scores()["ap50"] == 0.5


def test_most_pairs_are_taken_where_one_could_block_another(boxes: Callable[..., Labels]) -> None:
    # IoU: (A, a) = 10/30, (A, b) = 10/30, (B, b) = 10/20. Taking (A, b) first would leave only one pair.
    truth = boxes((1, 0, 1, 0, 20), (2, 0, 1, 20, 30))
    prediction = boxes((1, 0, 1, 0, 10), (2, 0, 1, 10, 30))
    assert len(match(truth, prediction, threshold=0.3).found) == 2


def test_truth_against_itself_is_perfect(scene: Scene) -> None:
    counts = count_objects(scene[0], scene[0])
    assert counts.matched == (4,) * len(THRESHOLDS)
    scores = counts.scores()
    assert {scores[key] for key in ("ap50", "ap90", "ap_mean", "object_f1", "pq", "sq", "overlap_f1")} == {
        1.0
    }


def test_empty_frames_have_no_score_but_count(boxes: Callable[..., Labels]) -> None:
    nothing, one = boxes(), boxes((1, 0, 5, 0, 5))
    both = count_objects(nothing, nothing)
    assert both == ObjectCounts()
    assert all(np.isnan(value) for key, value in both.scores().items() if not key.startswith("n_"))
    missed = count_objects(one, nothing).scores()
    assert (missed["ap50"], missed["object_f1"], missed["overlap_f1"], missed["count_error"]) == (0, 0, 0, -1)
    assert np.isnan(missed["overlap_precision"])
    invented = count_objects(nothing, one).scores()
    assert (invented["ap50"], invented["object_f1"], invented["overlap_f1"], invented["pq"]) == (0, 0, 0, 0)
    assert np.isnan(invented["count_error"])


def test_ignore_regions_count_for_nothing(boxes: Callable[..., Labels]) -> None:
    truth = boxes((1, 0, 10, 0, 10), (-1, 20, 40, 0, 60))
    prediction = boxes(
        (1, 0, 10, 0, 10),  # found
        (2, 25, 35, 0, 10),  # on ignore: left out
        (3, 16, 26, 20, 30),  # 60 % on ignore: left out
        (4, 15, 25, 40, 50),  # just half on ignore: counts, as invented
    )
    counts = count_objects(truth, prediction)
    assert (counts.n_truth, counts.n_predicted, counts.n_ignored) == (1, 2, 2)
    assert match(truth, prediction).invented.tolist() == [4]
    assert overlaps(truth, prediction).ignored.tolist() == [2, 3]


def test_the_part_of_an_object_under_ignore_does_not_lower_its_iou(boxes: Callable[..., Labels]) -> None:
    truth = boxes((1, 0, 10, 0, 10), (-1, 7, 10, 0, 10))
    assert match(truth, boxes((1, 0, 10, 0, 10))).iou.tolist() == [1.0]


def test_what_the_prediction_ignores_is_background_to_it(boxes: Callable[..., Labels]) -> None:
    truth = boxes((1, 0, 10, 0, 10))
    assert count_objects(truth, boxes((-1, 0, 10, 0, 10))).n_predicted == 0


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, np.int64, np.uint64])
def test_label_types_do_not_matter(scene: Scene, dtype: npt.DTypeLike) -> None:
    assert count_objects(scene[0].astype(dtype), scene[1].astype(dtype)) == count_objects(*scene)


def test_huge_label_numbers_cost_no_memory(scene: Scene) -> None:
    truth, prediction = (np.where(labels > 0, labels.astype(np.int64) + 2**40, 0) for labels in scene)
    assert count_objects(truth, prediction) == count_objects(*scene)
    assert match(truth, prediction).missed.tolist() == [2**40 + 3, 2**40 + 4]


def test_other_shapes_are_refused_and_named(boxes: Callable[..., Labels]) -> None:
    with pytest.raises(InputError, match=r"\(40, 60\).*\(30, 60\)"):
        count_objects(boxes(), boxes(shape=(30, 60)))
    with pytest.raises(InputError, match="whole numbers"):
        count_objects(boxes(), boxes().astype(np.float32))


@pytest.mark.parametrize("threshold", [0.0, -0.5, 1.01, float("nan")])
def test_thresholds_out_of_range_are_refused(scene: Scene, threshold: float) -> None:
    with pytest.raises(SettingsError, match="IoU threshold"):
        match(*scene, threshold=threshold)


def brute_force(truth: Labels, prediction: Labels, threshold: float) -> int:
    """Pairs at a threshold, from the dense IoU matrix and the Hungarian algorithm."""
    true_masks = [truth == a for a in np.unique(truth[truth > 0])]
    predicted_masks = [prediction == b for b in np.unique(prediction[prediction > 0])]
    iou = np.zeros((len(true_masks), len(predicted_masks)))
    for i, a in enumerate(true_masks):
        for j, b in enumerate(predicted_masks):
            iou[i, j] = (a & b).sum() / (a | b).sum()
    good = iou >= threshold
    return int(good[linear_sum_assignment(good, maximize=True)].sum())


@given(pairs_of_labels, st.sampled_from([0.1, 0.25, 0.5, 0.75]))
def test_as_many_pairs_as_by_brute_force(pair: Scene, threshold: float) -> None:
    assert len(match(*pair, threshold=threshold).found) == brute_force(*pair, threshold)


@given(pairs_of_labels)
def test_the_sparse_table_is_the_dense_one(pair: Scene) -> None:
    table = overlaps(*pair)
    dense = table.iou_matrix()
    for i, a in enumerate(table.truth):
        for j, b in enumerate(table.prediction):
            one, other = pair[0] == a, pair[1] == b
            assert dense[i, j] == pytest.approx((one & other).sum() / (one | other).sum())


@given(pairs_of_labels, st.permutations(range(1, 6)), st.permutations(range(1, 6)))
def test_renumbering_objects_changes_no_score(pair: Scene, order: list[int], other: list[int]) -> None:
    renumbered = np.array([0, *order], np.int32)[pair[0]], np.array([0, *other], np.int32)[pair[1]]
    one, two = count_objects(*pair), count_objects(*renumbered)
    assert one.iou_sum == pytest.approx(two.iou_sum)
    assert one.matched == two.matched
    assert (one.truth_touched, one.predicted_touching) == (two.truth_touched, two.predicted_touching)


@given(pairs_of_labels)
def test_ap_falls_with_the_threshold_and_is_symmetric(pair: Scene) -> None:
    ap = average_precision(*pair)
    assert np.all(np.diff(ap) <= 0) or np.isnan(ap).all()
    np.testing.assert_array_equal(ap, average_precision(pair[1], pair[0]))


@given(pairs_of_labels)
def test_strict_pairs_are_also_found_by_the_overlap_rule(pair: Scene) -> None:
    counts = count_objects(*pair)
    assert counts.matched[0] <= min(counts.truth_touched, counts.predicted_touching)
    assert counts.truth_touched <= counts.n_truth
    assert counts.predicted_touching <= counts.n_predicted


@given(st.lists(pairs_of_labels, min_size=1, max_size=3))
@settings(max_examples=30)
def test_counts_of_frames_add_up_to_those_of_all_side_by_side(pairs: list[Scene]) -> None:
    summed = sum((count_objects(*pair) for pair in pairs), ObjectCounts())
    truth, prediction = (
        np.hstack([np.where(p[side], p[side] + 10 * n, 0) for n, p in enumerate(pairs)]) for side in (0, 1)
    )
    beside = count_objects(truth, prediction)
    assert summed.matched == beside.matched
    assert (summed.n_truth, summed.n_predicted) == (beside.n_truth, beside.n_predicted)
    assert summed.iou_sum == pytest.approx(beside.iou_sum)


@pytest.mark.real
def test_real_masks_against_what_was_done_to_them(real_data: Path) -> None:
    truth = tifffile.imread(sorted((real_data / "bbbc039" / "masks").glob("*.tif"))[0]).astype(np.int32)
    names = np.unique(truth)[1:]
    assert len(names) > 10
    half = np.where(np.isin(truth, names[::2]), truth, 0)
    counts = count_objects(truth, half)
    assert counts.matched == (len(names[::2]),) * len(THRESHOLDS)
    assert counts.scores()["count_error"] == pytest.approx(-len(names[1::2]) / len(names))
    shifted = average_precision(truth, np.roll(truth, 3, axis=1))
    assert 0.5 < shifted[0] <= 1
    assert shifted[-1] < shifted[0]
