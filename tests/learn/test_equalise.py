import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_cellseg.learn.equalise import equalise
from napari_cellseg.learn.runtime import seeded


def test_weak_contrast_is_raised_in_every_corner() -> None:
    image = 0.45 + 0.1 * torch.rand(8, 1, 64, 64, generator=seeded(0))
    raised = equalise(image, seeded(1))
    for corner in (raised[..., :32, :32], raised[..., 32:, 32:]):
        assert (corner.std((1, 2, 3)) > image[..., :32, :32].std((1, 2, 3))).all()
    assert raised.std((1, 2, 3)).max() > 1.5 * image.std((1, 2, 3)).max()


def test_a_flat_histogram_stays_flat() -> None:
    image = torch.rand(4, 1, 256, 256, generator=seeded(2))
    assert (equalise(image, seeded(3)) - image).abs().max() < 0.05


def test_light_grows_with_light_in_one_place() -> None:
    image = torch.linspace(0, 1, 4096).reshape(1, 1, 64, 64).square()
    tile = equalise(image, seeded(4))[0, 0, :8, :8]  # the corner knows one tile only
    order = image[0, 0, :8, :8].flatten().argsort()
    assert (tile.flatten()[order].diff() >= 0).all()


def test_no_seams_between_tiles() -> None:
    slope = torch.linspace(0, 1, 128).expand(2, 1, 128, 128)
    assert equalise(slope, seeded(5)).diff(dim=3).abs().max() < 5 / 128


@given(st.integers(0, 10_000), st.floats(0, 1))
@settings(max_examples=15)
def test_range_is_kept_and_what_lies_outside_stays_outside(seed: int, strength: float) -> None:
    image = torch.rand(2, 1, 33, 20, generator=seeded(seed)) * 4 - 1
    raised = equalise(image, seeded(seed), strength)
    inside = (image >= 0) & (image <= 1)
    assert raised[inside].min() >= -1e-5
    assert raised[inside].max() <= 1 + 1e-5
    assert (raised[image > 1] - image[image > 1]).abs().max() < 1e-4
    assert (raised[image < 0] - image[image < 0]).abs().max() < 1e-4
