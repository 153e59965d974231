import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_cellseg.learn.augment import augment, margin_px, move
from napari_cellseg.learn.patches import Batch
from napari_cellseg.learn.places import affine, quarter_turns, random_places, unmoved
from napari_cellseg.learn.runtime import seeded
from napari_cellseg.learn.targets import IGNORED, encode


def batch_of(labels: np.ndarray, n: int = 1) -> Batch:
    """An image that shows where objects are, and the targets of the same labels."""
    targets = encode(labels)
    state = torch.from_numpy(targets.state).expand(n, -1, -1).clone()
    offset = torch.from_numpy(targets.offset).expand(n, -1, -1, -1).clone()
    return Batch((state[:, None] == 1).float(), state, offset)


def two_disks() -> np.ndarray:
    rows, columns = np.indices((80, 80))
    labels = ((rows - 40) ** 2 + (columns - 30) ** 2 < 200).astype(np.int32)
    labels[(rows - 40) ** 2 + (columns - 57) ** 2 < 150] = 2
    return labels


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.sampled_from([0.0, 1.0]))
def test_image_and_targets_move_together(seed: int, warp: float) -> None:
    moved = move(batch_of(two_disks(), 4), random_places(4, 64, seeded(seed), warp=warp))
    seen = moved.state != IGNORED
    disagree = ((moved.image[:, 0] > 0.5) != (moved.state == 1)) & seen
    assert disagree.float().mean() < 0.03  # only where the border runs between pixels
    assert not moved.offset.movedim(1, -1)[moved.state == 0].any()


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_all_pixels_of_an_object_still_point_at_one_place(seed: int) -> None:
    labels = two_disks()
    places = affine(1, 64, seeded(seed), max_log_scale=math.log(1.6))
    for label in (1, 2):
        moved = move(batch_of((labels == label).astype(np.int32)), places)
        rows, columns = torch.nonzero(moved.state[0] == 1, as_tuple=True)
        ends = torch.stack([rows, columns]) + moved.offset[0][:, rows, columns]
        if len(rows) > 1:
            assert ends.std(1).max() < 1e-3


def test_bent_objects_point_at_one_place_but_for_a_pixel() -> None:
    one = (two_disks() == 1).astype(np.int32)
    spreads = []
    for seed in range(20):
        moved = move(batch_of(one), random_places(1, 64, seeded(seed), warp=1.0))
        rows, columns = torch.nonzero(moved.state[0] == 1, as_tuple=True)
        ends = torch.stack([rows, columns]) + moved.offset[0][:, rows, columns]
        spreads.append(float(ends.std(1).max()))
    assert np.median(spreads) < 1.0


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_flips_and_quarter_turns_move_pixels_onto_pixels(seed: int) -> None:
    pattern = torch.from_numpy(np.random.default_rng(seed).random((64, 64), np.float32))
    state = torch.zeros(1, 64, 64, dtype=torch.uint8)
    batch = Batch(pattern[None, None], state, torch.zeros(1, 2, 64, 64))
    places = torch.einsum("nij,yxj->nyxi", quarter_turns(1, seeded(seed)), unmoved(64))
    moved = move(batch, places)
    turned = [torch.rot90(side, k) for side in (pattern, pattern.flip(0)) for k in range(4)]
    assert any(torch.allclose(moved.image[0, 0], one, atol=1e-4) for one in turned)
    assert (moved.state == 0).all()


def test_beyond_the_edge_is_the_reflection_and_is_ignored() -> None:
    state = torch.ones(1, 40, 40, dtype=torch.uint8)
    batch = Batch(torch.ones(1, 1, 40, 40), state, torch.zeros(1, 2, 40, 40))
    moved = move(batch, unmoved(40)[None] + torch.tensor([15.0, -12.0]))
    assert (moved.image == 1).all()
    assert (moved.state[0, :25, 12:] == 1).all()
    assert (moved.state[0, 25:] == IGNORED).all()
    assert (moved.state[0, :, :12] == IGNORED).all()


@pytest.mark.parametrize("side", [32, 64, 96, 128, 160, 256])
def test_margin_keeps_parity(side: int) -> None:
    assert margin_px(side) > side
    assert (margin_px(side) - side) % 2 == 0


def test_ignored_pixels_stay_ignored() -> None:
    labels = np.zeros((80, 80), np.int32)
    labels[:, :40] = -1
    moved = augment(batch_of(labels, 6), 64, seeded(3))
    assert set(moved.state.unique().tolist()) <= {0, IGNORED}
    assert (moved.state == IGNORED).any()


def test_looks_are_reproducible_and_inverted_when_asked() -> None:
    batch = batch_of(two_disks(), 6)
    first, again = augment(batch, 64, seeded(5)), augment(batch, 64, seeded(5))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    turned = augment(batch, 64, seeded(5), invert=1.0)
    inside = first.state == 1
    assert turned.image[:, 0][inside].mean() < first.image[:, 0][inside].mean()


def test_classes_move_with_the_image() -> None:
    state = torch.from_numpy(np.random.default_rng(0).integers(0, 4, (10, 10)).astype(np.uint8))
    state = state.repeat_interleave(8, 0).repeat_interleave(8, 1)[None].repeat(8, 1, 1)
    state[:, :8] = IGNORED
    batch = Batch(state[:, None].float(), state, torch.zeros(8, 2, 80, 80))
    moved = move(batch, random_places(8, 64, seeded(3)))
    assert set(moved.state.unique().tolist()) == {0, 1, 2, 3, IGNORED}
    near = (moved.image[:, 0] - moved.state).abs() < 0.5
    assert near[moved.state != IGNORED].float().mean() > 0.85
