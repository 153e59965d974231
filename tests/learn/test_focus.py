import pytest
import torch
from torch import Tensor

from napari_cellseg.learn.focus import blurred, coarsen, defocus, gaussian_blur, motion_blur, unsharp
from napari_cellseg.learn.light import Change
from napari_cellseg.learn.runtime import seeded


def texture(n: int = 12, side: int = 48) -> Tensor:
    return torch.rand(n, 1, side, side, generator=seeded(0))


def point(n: int, side: int = 41) -> Tensor:
    image = torch.zeros(n, 1, side, side)
    image[:, :, side // 2, side // 2] = 1
    return image


def gradient_energy(image: Tensor) -> Tensor:
    return image.diff(dim=2).square().mean((1, 2, 3)) + image.diff(dim=3).square().mean((1, 2, 3))


def spread(image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Second moments of points that were spread: yy, xx, yx."""
    offsets = torch.arange(image.shape[-1]) - image.shape[-1] // 2
    y, x = offsets[:, None].float(), offsets[None].float()
    return tuple((image[:, 0] * weight).sum((1, 2)) for weight in (y * y, x * x, y * x))  # type: ignore[return-value]


@pytest.mark.parametrize("change", [gaussian_blur, defocus, motion_blur, coarsen])
def test_blur_lowers_the_energy_of_gradients_and_keeps_the_mean(change: Change) -> None:
    image = texture()
    changed = change(image, seeded(1), 1.0)
    lost = gradient_energy(changed) / gradient_energy(image)
    assert lost.max() <= 1 + 1e-5
    assert lost.mean() < 0.6
    assert torch.allclose(changed.mean((1, 2, 3)), image.mean((1, 2, 3)), atol=0.02)


def test_sharpening_raises_it() -> None:
    image = texture()
    assert (gradient_energy(unsharp(image, seeded(1))) > gradient_energy(image)).all()


@pytest.mark.parametrize("change", [gaussian_blur, defocus, motion_blur, unsharp, coarsen])
def test_even_grey_stays_even_up_to_the_edge(change: Change) -> None:
    image = torch.full((4, 1, 30, 24), 0.7)
    assert torch.allclose(change(image, seeded(2), 1.0), image, atol=1e-5)


def test_each_patch_has_its_own_sigma() -> None:
    sigma = torch.tensor([0.0, 1.0, 2.0])
    yy, xx, yx = spread(blurred(point(3), sigma))
    assert torch.allclose(yy, sigma**2, rtol=0.1, atol=1e-6)  # the Gaussian is cut
    assert torch.allclose(xx, yy, rtol=1e-4)
    assert yx.abs().max() < 1e-5


def test_defocus_is_round_and_motion_is_a_line() -> None:
    yy, xx, yx = spread(defocus(point(30), seeded(3)))
    assert torch.allclose(yy, xx, rtol=1e-3, atol=1e-5)
    assert yx.abs().max() < 1e-5
    assert 1.5 < yy.max() < 3**2 / 2  # a disk of radius r has r²/4 along each axis
    yy, xx, yx = spread(motion_blur(point(30), seeded(4)))
    root = ((yy - xx).square() / 4 + yx.square()).sqrt()
    long, across = (yy + xx) / 2 + root, (yy + xx) / 2 - root
    assert 3 < long.max() < 7**2 / 12 + 1
    assert across.max() < 0.5
    assert yx.min() < -0.5  # at all angles
    assert yx.max() > 0.5


def test_coarse_pixels_keep_a_slope() -> None:
    slope = torch.linspace(0, 1, 60).expand(6, 1, 60, 60)
    assert torch.allclose(coarsen(slope, seeded(5))[..., 4:-4, 4:-4], slope[..., 4:-4, 4:-4], atol=0.01)
