import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from napari_cellseg.learn.places import (
    affine,
    elastic,
    grid_distortion,
    jacobian,
    perspective,
    quarter_turns,
    random_places,
    unmoved,
)
from napari_cellseg.learn.runtime import seeded

SEEDS = st.integers(0, 10_000)
WARPS = [elastic, perspective, grid_distortion]


def still(n: int = 3, side: int = 64) -> Tensor:
    """Places of patches that stay as they are."""
    return unmoved(side).expand(n, -1, -1, -1).clone()


def straight(places: Tensor) -> Tensor:
    """Which patches' pixels fall on pixels, each on its own."""
    onto = (places - places[:, :1, :1]).abs().frac().amax((1, 2, 3)) == 0
    return onto & (torch.linalg.det(jacobian(places)).abs() == 1).all(-1).all(-1)


@pytest.mark.parametrize("side", [5, 64])
def test_unmoved_places_are_offsets_from_the_centre(side: int) -> None:
    places = unmoved(side)
    assert places.shape == (side, side, 2)
    assert places[0, -1].tolist() == [-(side - 1) / 2, (side - 1) / 2]
    assert places.mean((0, 1)).tolist() == [0, 0]


def test_all_eight_ways_to_lay_a_square_occur() -> None:
    drawn = quarter_turns(200, seeded(0))
    assert len(torch.unique(drawn, dim=0)) == 8
    assert (torch.linalg.det(drawn).abs() == 1).all()


@given(SEEDS, st.sampled_from([7, 32]))
@settings(max_examples=20)
def test_without_strength_pixels_fall_on_pixels(seed: int, side: int) -> None:
    places = affine(4, side, seeded(seed), strength=0)
    assert straight(places).all()
    assert places.abs().max() == (side - 1) / 2


def test_every_other_patch_is_bent_the_others_are_exact() -> None:
    places = affine(400, 8, seeded(1))
    exact = straight(places)
    assert 0.4 < exact.float().mean() < 0.6
    assert torch.linalg.det(jacobian(places[~exact]))[:, 0, 0].abs().std() > 0.05  # scale varies


@pytest.mark.parametrize("factor", [1.0, 1.25, 2.0])
def test_scale_stays_in_its_range(factor: float) -> None:
    places = affine(400, 8, seeded(2), max_log_scale=math.log(factor))
    scale = torch.linalg.det(jacobian(places))[:, 0, 0].abs().sqrt()
    shear = 1 + 0.15**2  # changes the area by this much at most
    assert scale.max() <= factor * shear
    assert scale.min() >= 1 / factor / shear
    assert scale.max() > factor**0.8


@given(SEEDS)
@settings(max_examples=20)
def test_jacobian_is_exact_for_affine_maps(seed: int) -> None:
    matrices = torch.randn(3, 2, 2, generator=seeded(seed))
    places = still(3, 9) @ matrices.mT[:, None] + torch.tensor([2.0, -5.0])
    expected = matrices[:, None, None].expand(-1, 9, 9, -1, -1)
    assert torch.allclose(jacobian(places), expected, atol=1e-5)


def test_jacobian_tells_rows_from_columns() -> None:
    places = still(1, 6) * torch.tensor([2.0, 3.0])
    places[..., 1] += 0.5 * unmoved(6)[..., 0]
    assert torch.allclose(jacobian(places)[0, 2, 3], torch.tensor([[2.0, 0.0], [0.5, 3.0]]))


@pytest.mark.parametrize("warp", WARPS)
def test_without_strength_places_stay(warp: type) -> None:
    places = affine(3, 32, seeded(3))
    assert torch.allclose(warp(places, seeded(4), strength=0.0), places, atol=1e-4)


@pytest.mark.parametrize("warp", WARPS)
def test_warps_move_places_but_not_far(warp: type) -> None:
    places = still(20, 96)
    moved = (warp(places, seeded(5)) - places).norm(dim=-1)
    assert moved.amax((1, 2)).min() > 0.2
    assert moved.max() < 20


@given(SEEDS, st.floats(0, 1), st.sampled_from([8.0, 20.0, 32.0, 64.0]))
@settings(max_examples=40)
def test_elastic_never_folds(seed: int, strength: float, spacing: float) -> None:
    places = elastic(still(4, 96), seeded(seed), strength, spacing)
    assert torch.linalg.det(jacobian(places)).min() > 0


def test_elastic_cannot_fold_even_with_the_worst_of_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    def saw(*shape: int, generator: torch.Generator) -> Tensor:
        index = torch.stack(torch.meshgrid(*(torch.arange(side) for side in shape), indexing="ij")).sum(0)
        return (index % 2).float() if shape[1] == 2 else torch.ones(shape)  # neighbours point apart

    monkeypatch.setattr(torch, "rand", saw)
    determinants = torch.linalg.det(jacobian(elastic(still(2, 128), seeded(0))))
    assert 0 < determinants.min() < 0.7


@given(SEEDS, st.floats(0, 0.9))
@settings(max_examples=20)
def test_perspective_never_folds_and_keeps_the_centre(seed: int, strength: float) -> None:
    places = perspective(still(4, 33), seeded(seed), strength)
    assert torch.linalg.det(jacobian(places)).min() > 0
    assert (places[:, 16, 16] == 0).all()


def test_perspective_keeps_lines_straight() -> None:
    places = perspective(still(4, 33), seeded(6))
    ends, middles = places[:, [0, -1]], places[:, 1:-1]
    along, across = ends[:, 1:] - ends[:, :1], middles - ends[:, :1]
    assert (along[..., 0] * across[..., 1] - along[..., 1] * across[..., 0]).abs().max() < 1e-2


@given(SEEDS, st.floats(0, 1.5))
@settings(max_examples=20)
def test_grid_distortion_always_rises(seed: int, strength: float) -> None:
    places = grid_distortion(still(4, 80), seeded(seed), strength)
    assert (places[:, 1:, :, 0] > places[:, :-1, :, 0]).all()
    assert (places[:, :, 1:, 1] > places[:, :, :-1, 1]).all()
    assert (places[..., 0] == places[:, :, :1, 0]).all()  # rows stay rows


@given(SEEDS)
@settings(max_examples=20)
def test_nothing_folds_in_the_composition(seed: int) -> None:
    places = random_places(6, 64, seeded(seed), max_log_scale=math.log(2), warp=1.0)
    determinants = torch.linalg.det(jacobian(places))
    flipped = torch.sign(determinants[:, :1, :1])
    assert (determinants * flipped > 0).all()


@pytest.mark.parametrize("side", [32, 65])
def test_places_are_reproducible_and_well_formed(side: int) -> None:
    first, again = (random_places(5, side, seeded(8)) for _ in range(2))
    assert torch.equal(first, again)
    assert first.shape == (5, side, side, 2)
    assert first.dtype == torch.float32
    assert torch.isfinite(first).all()
    assert not torch.equal(first, random_places(5, side, seeded(9)))


def test_warp_is_the_share_of_patches_warped_by_each() -> None:
    assert 0.4 < straight(random_places(400, 8, seeded(10), warp=0.0)).float().mean() < 0.6
    some = straight(random_places(400, 8, seeded(10), warp=0.3)).float().mean()
    assert 0.5 * 0.7**3 - 0.07 < some < 0.5 * 0.7**3 + 0.07
    assert not straight(random_places(20, 8, seeded(10), warp=1.0)).any()
