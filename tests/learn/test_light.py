import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from napari_cellseg.learn.equalise import equalise
from napari_cellseg.learn.focus import coarsen, defocus, gaussian_blur, motion_blur, unsharp
from napari_cellseg.learn.light import (
    Change,
    brightness_contrast,
    dropout,
    gamma,
    gaussian_noise,
    inverted,
    poisson_noise,
    relight,
    uneven_light,
)
from napari_cellseg.learn.runtime import seeded

LIGHT: list[Change] = [brightness_contrast, gamma, gaussian_noise, poisson_noise, uneven_light, dropout]
FOCUS: list[Change] = [gaussian_blur, defocus, motion_blur, unsharp, coarsen]
SEEDS = st.integers(0, 10_000)


def patches(n: int = 6, height: int = 48, width: int = 40, seed: int = 0) -> Tensor:
    """Smooth blobs with some texture, between -0.5 and 1.5."""
    rough = torch.rand(n, 1, height // 4, width // 4, generator=seeded(seed)) * 2 - 0.5
    return torch.nn.functional.interpolate(rough, (height, width), mode="bilinear")


@pytest.mark.parametrize("change", [*LIGHT, *FOCUS, equalise])
def test_every_change_is_reproducible_and_keeps_the_form(change: Change) -> None:
    image = patches()
    before = image.clone()
    first, again = (change(image, seeded(1), 1.0) for _ in range(2))
    assert torch.equal(first, again)
    assert torch.equal(image, before)  # nothing is changed in place
    assert (first.shape, first.dtype, first.device) == (image.shape, torch.float32, image.device)
    assert torch.isfinite(first).all()
    assert ((first - image).abs().amax((1, 2, 3)) > 1e-4).float().mean() > 0.5
    assert not torch.equal(first, change(image, seeded(2), 1.0))


@pytest.mark.parametrize("change", [*LIGHT, *FOCUS, equalise])
def test_without_strength_nothing_changes(change: Change) -> None:
    image = patches()
    assert torch.allclose(change(image, seeded(1), 0.0), image, atol=1e-6)


@pytest.mark.parametrize("change", [*LIGHT, *FOCUS, equalise])
@pytest.mark.parametrize("shape", [(1, 1, 3, 5), (2, 1, 17, 1)])
def test_tiny_and_constant_patches_survive(change: Change, shape: tuple[int, ...]) -> None:
    for grey in (-1.0, 0.0, 3.0):
        assert torch.isfinite(change(torch.full(shape, grey), seeded(0), 1.0)).all()


@given(SEEDS, st.floats(0, 1), st.floats(0, 1), st.integers(1, 5))
@settings(max_examples=20)
def test_relit_patches_are_finite_and_within_limits(
    seed: int, strength: float, invert: float, n: int
) -> None:
    image = patches(n, seed=seed) * 2
    relit = relight(image, seeded(seed), strength=strength, invert=invert)
    assert relit.shape == image.shape
    assert relit.dtype == torch.float32
    assert torch.isfinite(relit).all()
    assert relit.min() >= -2  # an inverted 3
    assert relit.max() <= 3


def test_relight_is_reproducible_and_about_a_third_stays() -> None:
    image = patches(200, 24, 24)
    first, again = relight(image, seeded(5)), relight(image, seeded(5))
    assert torch.equal(first, again)
    assert not torch.equal(first, relight(image, seeded(6)))
    nearly = (first - image).square().mean((1, 2, 3)).sqrt() < 0.02
    assert 0.25 < nearly.float().mean() < 0.5


def test_relight_without_strength_gives_the_image_back() -> None:
    image = patches()
    assert torch.equal(relight(image, seeded(0), strength=0.0), image)


def test_inversion_is_drawn_only_when_asked_and_is_its_own_inverse() -> None:
    image = patches(100, 8, 8)
    assert torch.allclose(inverted(inverted(image)), image, atol=1e-6)
    assert torch.equal(relight(image, seeded(0), strength=0.0, invert=1.0), 1 - image)
    turned = (relight(image, seeded(0), strength=0.0, invert=0.3) != image).flatten(1).any(1)
    assert 0.15 < turned.float().mean() < 0.45


def test_brightness_and_contrast_are_one_straight_line_per_patch() -> None:
    image = patches(50)
    changed = brightness_contrast(image, seeded(3))
    slope = changed.std((1, 2, 3)) / image.std((1, 2, 3))
    assert 1 / 1.5 <= slope.min() < 0.8
    assert 1.25 < slope.max() <= 1.5 + 1e-4
    offset = changed - image * slope[:, None, None, None]
    assert offset.std((1, 2, 3)).max() < 1e-5


def test_gamma_keeps_signs_ends_and_order() -> None:
    image = torch.linspace(-1, 3, 41)[None, None, None].repeat(20, 1, 1, 1)
    changed = gamma(image, seeded(4))
    assert torch.equal(torch.sign(changed), torch.sign(image))
    assert (changed.diff(dim=-1) > 0).all()
    assert torch.allclose(changed[image.abs() == 1], image[image.abs() == 1])


def test_gaussian_noise_has_no_mean_no_memory_and_a_limited_spread() -> None:
    noise = gaussian_noise(torch.zeros(60, 1, 64, 64), seeded(5))
    sigma = noise.std((1, 2, 3))
    assert (noise.mean((1, 2, 3)).abs() < 5 * sigma / 64 + 1e-6).all()
    assert sigma.max() < 0.105
    assert 0.025 < sigma.mean() < 0.042  # a third of the largest: the draw is squared
    neighbours = (noise[..., 1:] * noise[..., :-1]).mean((1, 2, 3)) / sigma.square()
    assert neighbours.abs().max() < 0.1


def test_poisson_noise_grows_with_the_root_of_the_light() -> None:
    grey = torch.tensor([0.25, 1.0])
    noise = poisson_noise(
        grey[:, None].expand(2, 96 * 48).reshape(1, 1, 96, 96).repeat(20, 1, 1, 1), seeded(6)
    )
    dim, bright = noise[:, :, :48], noise[:, :, 48:]
    ratio = (bright.var((1, 2, 3)) / dim.var((1, 2, 3))).mean()
    assert ratio == pytest.approx(4, rel=0.05)
    assert bright.mean() == pytest.approx(1, abs=0.01)
    assert bright.var((1, 2, 3)).min() > 0.9 / 2000
    assert bright.var((1, 2, 3)).max() < 1.1 / 100


def test_below_black_there_are_no_photons() -> None:
    image = torch.full((3, 1, 8, 8), -0.4)
    assert torch.equal(poisson_noise(image, seeded(7)), image)


def test_uneven_light_is_smooth_and_limited() -> None:
    glow = uneven_light(torch.zeros(30, 1, 64, 64), seeded(8))
    shade = uneven_light(torch.ones(30, 1, 64, 64), seeded(8)) - glow
    assert glow.abs().max() <= 0.12 + 1e-6
    assert shade.min() >= 1 / 1.35 - 1e-5
    assert shade.max() <= 1.35 + 1e-5
    for field in (glow, shade.log()):
        for axis in (2, 3):
            assert field.diff(dim=axis).abs().max() < 0.08
            assert field.diff(n=2, dim=axis).abs().max() < 0.02
    assert glow.mean((1, 2, 3)).abs().max() < 1e-5
    assert glow.std((1, 2, 3)).max() > 0.02


def test_dropout_hides_small_rectangles_under_the_mean() -> None:
    image = torch.rand(40, 1, 64, 64, generator=seeded(9))
    changed = dropout(image, seeded(9))
    hidden = changed != image
    assert torch.allclose(changed[hidden], image.mean((2, 3), keepdim=True).expand_as(image)[hidden])
    areas = hidden.sum((1, 2, 3))
    assert areas.max() <= 3 * 11 * 11
    assert areas.float().mean() > 30
