import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_cellseg.config import TrainConfig
from napari_cellseg.learn.normalise import (
    HIGH_PERCENTILE,
    LIMITS,
    LOW_PERCENTILE,
    Levels,
    greys,
    levels,
    normalise,
    stretch,
)

FLOATS = st.floats(width=32, allow_nan=True, allow_infinity=True)


@settings(max_examples=100)
@given(arrays(np.float32, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=FLOATS))
def test_any_frame_gives_finite_numbers_within_limits(image: np.ndarray) -> None:
    stretched = normalise(image)
    assert stretched.dtype == np.float32
    assert stretched.shape == image.shape
    assert np.isfinite(stretched).all()
    assert stretched.min() >= LIMITS[0]
    assert stretched.max() <= LIMITS[1]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32, np.float64])
def test_gain_and_offset_of_the_camera_do_not_matter(dtype: type) -> None:
    image = np.random.default_rng(0).integers(0, 100, (50, 50))
    assert np.allclose(normalise(image.astype(dtype)), normalise((2 * image + 20).astype(dtype)), atol=1e-5)


def test_percentiles_become_0_and_1() -> None:
    image = np.arange(10_000).reshape(100, 100)
    low, high = np.percentile(normalise(image), (1, 99.5))
    assert abs(low) < 1e-4
    assert abs(high - 1) < 1e-4


@pytest.mark.parametrize("value", [0.0, 7.0, np.nan, np.inf])
def test_constant_frame_is_empty(value: float) -> None:
    assert not normalise(np.full((5, 8), value)).any()


def test_one_pixel() -> None:
    assert normalise(np.array([[3]], np.uint16)).tolist() == [[0.0]]


def test_few_bright_objects_on_nothing_are_still_seen() -> None:
    image = np.zeros((100, 100), np.uint16)
    image[50, 50:53] = 900
    assert normalise(image)[50, 51] == 1


def test_nan_pixels_do_not_spoil_the_others() -> None:
    image = np.random.default_rng(0).normal(size=(80, 80))
    spoiled = image.copy()
    spoiled[3, 4] = np.nan
    good = np.ones_like(image, bool)
    good[3, 4] = False
    assert np.allclose(normalise(spoiled)[good], normalise(image)[good], atol=1e-2)


def test_the_settings_start_with_the_same_percentiles() -> None:
    config = TrainConfig()
    assert (config.low_percentile, config.high_percentile) == (LOW_PERCENTILE, HIGH_PERCENTILE)


@settings(max_examples=100)
@given(
    st.lists(
        arrays(np.float32, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=FLOATS),
        min_size=1,
        max_size=4,
    )
)
def test_any_frames_share_levels_that_give_finite_numbers(images: list[np.ndarray]) -> None:
    picked = [greys(image, len(images)) for image in images]
    found = levels([one for one in picked if one is not None], 1, 99)
    if found is None:
        finite = np.concatenate([image[np.isfinite(image)] for image in images])
        assert len(np.unique(finite)) <= 1
        return
    assert np.isfinite([found.bottom, found.top]).all()
    assert found.top > found.bottom
    for image in images:
        stretched = stretch(image, found)
        assert stretched.dtype == np.float32
        assert stretched.shape == image.shape
        assert stretched.min() >= LIMITS[0]
        assert stretched.max() <= LIMITS[1]


def test_levels_become_0_and_1() -> None:
    image = np.array([[10, 20], [30, 1000]], np.uint16)
    assert stretch(image, Levels(10, 30)).tolist() == [[0.0, 0.5], [1.0, LIMITS[1]]]
    assert levels([], 1, 99) is None
    assert greys(np.full((3, 3), np.nan)) is None


def test_as_much_is_kept_of_many_frames_as_of_one() -> None:
    image = np.zeros((1000, 1200), np.uint8)
    image[1, 1] = 9
    one, sixteen = greys(image), greys(image, 16)
    assert one is not None
    assert sixteen is not None
    assert 16 * sixteen.some.size < 2 * one.some.size
    assert (sixteen.least, sixteen.most) == (0, 9)


@settings(max_examples=200)
@given(
    st.sampled_from([np.uint8, np.uint16]),
    st.integers(0, 2**32 - 1),
    st.integers(1, 400),
    st.integers(1, 65_535),
    st.tuples(st.floats(0, 100), st.floats(0, 100)).map(sorted),
)
def test_percentiles_are_those_of_numpy(
    dtype: type, seed: int, n: int, most: int, wanted: list[float]
) -> None:
    image = np.random.default_rng(seed).integers(0, min(most, np.iinfo(dtype).max) + 1, (1, n)).astype(dtype)
    picked = greys(image)
    assert picked is not None
    found = levels([picked], *wanted)
    low, high = np.percentile(image.astype(np.float64), wanted)
    if high > low:
        assert found is not None
        np.testing.assert_allclose((found.bottom, found.top), (low, high), rtol=1e-9, atol=1e-9)
