import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_cellseg.learn.augment import augment, margin_px, move, quarter_turns, random_motions, relight
from napari_cellseg.learn.patches import Batch
from napari_cellseg.learn.runtime import seeded
from napari_cellseg.learn.targets import encode


def batch_of(labels: np.ndarray, n: int = 1) -> Batch:
    """Image, state and depth that show the same thing."""
    targets = encode(labels)
    depth = torch.from_numpy(targets.depth).expand(n, -1, -1).clone()
    state = torch.from_numpy(targets.state).expand(n, -1, -1).clone()
    return Batch(depth[:, None].clone(), state, depth)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_image_and_targets_move_together(seed: int) -> None:
    rows, columns = np.indices((80, 80))
    labels = ((rows - 40) ** 2 + (columns - 33) ** 2 < 200).astype(np.int32)
    batch = batch_of(labels, 4)
    moved = move(batch, *random_motions(4, seeded(seed)), 64)
    assert torch.allclose(moved.image[:, 0], moved.depth)  # the image was the depth, and still is
    inside = moved.depth > 0.3
    assert (moved.state[inside] == 1).all()
    assert (moved.depth[moved.state == 0] < 0.3).all()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_flips_and_quarter_turns_move_pixels_onto_pixels(seed: int) -> None:
    pattern = torch.from_numpy(np.random.default_rng(seed).random((64, 64), np.float32))
    batch = Batch(pattern[None, None], torch.zeros(1, 64, 64, dtype=torch.uint8), pattern[None])
    moved = move(batch, quarter_turns(1, seeded(seed)), torch.zeros(1, 2), 64).image[0, 0]
    turned = [torch.rot90(side, k) for side in (pattern, pattern.flip(0)) for k in range(4)]
    assert any(torch.allclose(moved, one, atol=1e-4) for one in turned)


def test_all_eight_ways_to_lay_a_square_occur() -> None:
    drawn = quarter_turns(200, seeded(0))
    assert len(torch.unique(drawn, dim=0)) == 8


def test_every_other_patch_is_bent_the_others_are_exact() -> None:
    matrices, shifts = random_motions(400, seeded(1))
    straight = ((matrices.abs() - matrices.abs().round()).abs().amax((1, 2)) < 1e-6) & (shifts == 0).all(1)
    assert 0.4 < straight.float().mean() < 0.6
    assert torch.linalg.det(matrices[~straight]).abs().std() > 0.05  # scale varies


def test_blank_borders_are_filled_by_reflection() -> None:
    batch = Batch(torch.ones(1, 1, 40, 40), torch.ones(1, 40, 40, dtype=torch.uint8), torch.ones(1, 40, 40))
    shifts = torch.tensor([[15.0, -12.0]])
    moved = move(batch, torch.eye(2)[None], shifts, 40)
    assert (moved.image == 1).all()
    assert (moved.state == 1).all()


@pytest.mark.parametrize("side", [32, 64, 96, 128, 160, 256])
def test_margin_keeps_parity(side: int) -> None:
    assert margin_px(side) > side
    assert (margin_px(side) - side) % 2 == 0


def test_ignored_pixels_stay_ignored() -> None:
    labels = np.zeros((80, 80), np.int32)
    labels[:, :40] = -1
    moved = augment(batch_of(labels, 6), 64, seeded(3))
    assert set(moved.state.unique().tolist()) <= {0, 2}
    assert (moved.state == 2).any()


def test_light_changes_but_stays_finite_and_reproducible() -> None:
    image = torch.rand(64, 1, 32, 32, generator=seeded(0)) * 2 - 0.5
    first, again = relight(image, seeded(5)), relight(image, seeded(5))
    assert torch.equal(first, again)
    assert torch.isfinite(first).all()
    changed = (first - image).abs().amax((1, 2, 3)) > 1e-3
    assert 0.25 < changed.float().mean() < 0.75
    assert not torch.equal(first, relight(image, seeded(6)))
