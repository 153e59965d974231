from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage as ndi
from skimage.io import imread

from napari_cellseg.learn.scores import Tally, tally
from napari_cellseg.learn.targets import IGNORED, decode, encode, median_diameter_px


def share_found(truth: np.ndarray, labels: np.ndarray, iou: float) -> float:
    """AP at an IoU, TP/(TP+FP+FN), object by object."""
    found = 0
    for label in np.unique(truth[truth > 0]):
        mask = truth == label
        other = np.bincount(labels[mask]).argmax()
        union = mask | (labels == other)
        found += bool(other) and (mask & (labels == other)).sum() > iou * union.sum()
    n = len(np.unique(truth[truth > 0])) + int(labels.max())
    return float(found / (n - found))


def round_trip(labels: np.ndarray) -> np.ndarray:
    targets = encode(labels)
    typical = median_diameter_px(labels) or 20.0
    return decode((targets.state == 1).astype(np.float32), targets.offset, diameter_px=typical)


@pytest.mark.parametrize("seed", range(5))
def test_touching_disks_come_back(disks, seed: int) -> None:
    labels = disks(160, n=60, radius=6.0, seed=seed)
    assert share_found(labels, round_trip(labels), 0.9) > 0.99


def test_touching_objects_of_different_size_come_back() -> None:
    rows, columns = np.indices((60, 60))
    labels = np.where((rows - 25) ** 2 + (columns - 20) ** 2 < 18**2, 1, 0)
    labels[((rows - 25) ** 2 + (columns - 43) ** 2 < 36) & (labels == 0)] = 2
    assert np.array_equal(np.unique(round_trip(labels)), [0, 1, 2])
    assert share_found(labels, round_trip(labels), 0.9) == 1


def test_dumbbell_stays_whole() -> None:
    rows, columns = np.indices((40, 70))
    labels = (rows - 20) ** 2 + (columns - 18) ** 2 < 144
    labels |= (rows - 20) ** 2 + (columns - 50) ** 2 < 144
    labels[18:22, 18:50] = True
    assert round_trip(labels.astype(np.int32)).max() == 1


def test_object_that_fills_the_frame_comes_back() -> None:
    labels = np.ones((9, 7), np.int32)
    assert np.array_equal(round_trip(labels), labels)


@settings(max_examples=60)
@given(arrays(np.int32, st.tuples(st.integers(1, 24), st.integers(1, 24)), elements=st.integers(-1, 4)))
def test_any_labels_encode_to_offsets_that_lead_into_their_object(labels: np.ndarray) -> None:
    targets = encode(labels)
    assert targets.offset.shape == (2, *labels.shape)
    assert not targets.offset[:, labels <= 0].any()
    assert np.array_equal(targets.state == IGNORED, labels == -1)
    rows, columns = np.nonzero(labels > 0)
    ends = (np.stack([rows, columns]) + targets.offset[:, rows, columns]).astype(int)
    assert np.array_equal(labels[ends[0], ends[1]], labels[rows, columns])
    assert not round_trip(labels)[labels <= 0].any()


@settings(max_examples=30)
@given(st.integers(0, 500), st.sampled_from([6.0, 20.0, 60.0]))
def test_every_object_is_in_one_piece_and_no_larger_piece_is_lost(seed: int, diameter: float) -> None:
    random = np.random.default_rng(seed)
    probability = ndi.gaussian_filter(random.normal(size=(60, 60)), 2) * 5 + 0.5
    labels = decode(probability, random.normal(0, 8, (2, 60, 60)), diameter_px=diameter)
    for label in range(1, labels.max() + 1):
        assert ndi.label(labels == label, np.ones((3, 3)))[1] == 1
    pieces, n = ndi.label(probability > 0.5, np.ones((3, 3)))
    large = 10 * (diameter / 20) ** 2
    for piece in range(1, n + 1):
        assert (labels[pieces == piece] > 0).any() or (pieces == piece).sum() < large


@settings(max_examples=30)
@given(st.integers(0, 1000), st.sampled_from([1, 2, 3]), st.booleans())
def test_encoding_commutes_with_turns_and_flips(seed: int, turns: int, flip: bool) -> None:
    labels = ndi.label(ndi.gaussian_filter(np.random.default_rng(seed).normal(size=(40, 40)), 2) > 0.05)[0]

    def lay(array: np.ndarray) -> np.ndarray:
        turned = np.rot90(array, turns)
        return np.fliplr(turned) if flip else turned

    # Of two pixels as near to the centroid either may be the centre: the distance to the centroid is the
    # same.
    there, here = encode(lay(labels)), encode(labels)
    assert np.array_equal(there.state, lay(here.state))
    for label in range(1, labels.max() + 1):
        spread = [
            np.abs(t.offset[:, mask]).sum()
            for t, mask in ((there, lay(labels) == label), (here, labels == label))
        ]
        assert abs(spread[0] - spread[1]) <= 2 * (labels == label).sum()


def test_an_object_without_a_summit_is_not_lost() -> None:
    probability = np.zeros((20, 20), np.float32)
    probability[5:12, 5:12] = 0.9
    scattered = np.random.default_rng(0).normal(0, 30, (2, 20, 20))
    assert decode(probability, scattered).max() >= 1


def test_a_crumb_that_points_afar_is_not_glued_to_an_object() -> None:
    labels = np.zeros((60, 60), np.int32)
    labels[5:25, 5:25] = 1
    targets = encode(labels)
    probability = (labels > 0).astype(np.float32)
    probability[50:52, 50:52] = 1
    targets.offset[:, 50, 50:52], targets.offset[:, 51, 50:52] = -20, -36
    found = decode(probability, targets.offset)
    assert np.array_equal(found > 0, labels > 0)


def test_small_objects_are_left_out() -> None:
    labels = np.zeros((40, 40), np.int32)
    labels[2:4, 2:4], labels[20:30, 20:30] = 1, 2
    targets = encode(labels)
    kept = decode((targets.state == 1).astype(float), targets.offset, min_diameter_px=4, diameter_px=10)
    assert kept.max() == 1
    assert np.array_equal(kept > 0, labels == 2)


def test_median_diameter() -> None:
    rows, columns = np.indices((50, 50))
    labels = ((rows - 25) ** 2 + (columns - 25) ** 2 < 100).astype(np.int32)
    diameter = median_diameter_px(labels)
    assert diameter is not None
    assert abs(diameter - 20) < 0.5
    assert median_diameter_px(np.full((5, 5), -1)) is None


@pytest.mark.real
@pytest.mark.parametrize(
    ("folder", "n"), [("dsb2018", 40), ("bbbc039", 8), ("aisegcell", 8), ("usiigaci", 4)]
)
def test_real_masks_come_back(real_data: Path, folder: str, n: int) -> None:
    files = sorted((real_data / folder / "masks").iterdir())[:: max(1, 100 // n)][:n]
    total = found = 0
    for file in files:
        truth = whole(imread(file).astype(np.int32))
        labels = round_trip(truth)
        marks: Tally = tally(truth, labels)
        objects = np.unique(truth[truth > 0])
        found += sum(matched(truth, labels, label) for label in objects)
        total += marks.objects + marks.predicted
    assert found / (total - found) > 0.99


def whole(labels: np.ndarray) -> np.ndarray:
    """Keep the largest piece of each object: some masks have stray pixels."""
    kept = np.zeros_like(labels)
    for label, box in enumerate(ndi.find_objects(labels), start=1):
        if box is not None:
            pieces, _ = ndi.label(labels[box] == label)
            kept[box][pieces == np.bincount(pieces.ravel())[1:].argmax() + 1] = label
    return kept


def matched(truth: np.ndarray, labels: np.ndarray, label: int) -> bool:
    mask = truth == label
    other = int(np.bincount(labels[mask]).argmax())
    return other > 0 and bool((mask & (labels == other)).sum() > 0.9 * (mask | (labels == other)).sum())
