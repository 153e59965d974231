"""Thresholds and contrast."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.filters import threshold_otsu

from napari_cellseg.config import LabelConfig
from napari_cellseg.label.contrast import Signal, clean, equalise, signal_of
from napari_cellseg.label.light import background_of, light_of, stretch
from napari_cellseg.label.threshold import foreground, local_thresholds, otsu


@given(st.lists(st.integers(0, 50), min_size=8, max_size=64).filter(lambda c: np.count_nonzero(c) > 1))
def test_otsu_divides_as_scikit_image_does(counts):
    histogram = np.array(counts)
    levels = (np.arange(len(counts)) + 0.5) / len(counts)
    _, low, high = otsu(histogram[None])
    expected = threshold_otsu(hist=(histogram, levels))
    below = levels <= expected
    weights = histogram.astype(float)
    between = _between(weights, levels, below)
    ours = _between(weights, levels, levels <= (low[0] + high[0]) / 2)
    split_is_as_good = between <= ours * (1 + 1e-9) or _mean(weights, levels, below) == (
        pytest.approx(low[0]),
        pytest.approx(high[0]),
    )
    assert split_is_as_good


def _between(weights, levels, below):
    low, high = _mean(weights, levels, below)
    part = weights[below].sum() / weights.sum()
    return part * (1 - part) * (high - low) ** 2


def _mean(weights, levels, below):
    return tuple(
        float((weights * levels)[side].sum() / max(weights[side].sum(), 1e-300)) for side in (below, ~below)
    )


def test_a_histogram_of_one_value_has_one_class():
    part, low, high = otsu(np.array([[0, 7, 0, 0], [0, 0, 0, 0]]))
    assert part.tolist() == [0, 0]
    assert low[0] == high[0] == pytest.approx(0.375)


def test_windows_without_two_classes_take_their_neighbours_threshold():
    rng = np.random.default_rng(0)
    plane = 0.1 + 0.005 * rng.normal(size=(100, 200)).astype(np.float32)
    plane[30:70, 30:70] = 0.9
    thresholds = local_thresholds(plane.clip(0, 1), 20, overall=0.6)
    assert thresholds[50, 50] == pytest.approx(0.5, abs=0.05)  # within the nucleus: that of its outline
    assert thresholds[50, 180] == pytest.approx(0.6, abs=0.02)  # far from anything: the frame's
    assert thresholds.shape == plane.shape


@pytest.mark.parametrize("window", [3, 20, 1000])
def test_any_window_fits_any_frame(window):
    plane = np.random.default_rng(0).random((37, 53)).astype(np.float32)
    thresholds = local_thresholds(plane, window, 0.5)
    assert thresholds.shape == plane.shape
    assert ((thresholds > 0) & (thresholds < 1)).all()


def test_bounds_hold(grid):
    config = LabelConfig(otsu_low=0.9)
    signal = signal_of(clean(grid.image), config)
    equal = equalise(signal, config)
    high_floor = foreground(signal, equal, config)
    assert (signal.above[high_floor] > 0.9 * signal.top).all()
    low_ceiling = foreground(signal, equal, LabelConfig(otsu_low=0, otsu_high=0.2))
    assert low_ceiling[signal.above > max(0.2 * signal.top, 4 * signal.noise)].all()


def test_equalising_raises_faint_contrast_at_most_by_the_slope():
    ramp = 0.45 + 0.1 * np.linspace(0, 1, 256, dtype=np.float32)[None, :].repeat(256, 0)
    ramp[:4, :4], ramp[-4:, -4:] = 0, 1
    signal = Signal(ramp, ramp, ramp, noise=0.0, top=1.0, saturated=np.zeros(ramp.shape, bool))
    flat = equalise(signal, LabelConfig(clahe_slope=1))
    raised = equalise(signal, LabelConfig(clahe_block_px=256))
    rows = slice(100, 150)
    gain = np.ptp(raised[rows].mean(0)[60:200]) / np.ptp(flat[rows].mean(0)[60:200])
    assert 1.2 < gain < 3.3


def test_the_background_follows_uneven_light(grid):
    light = np.linspace(0, 300, 300, dtype=np.float32)[:, None]
    background = background_of(grid.image + light, 30)
    assert np.corrcoef(background[:, 150], light[:, 0])[0, 1] > 0.97


def test_a_linear_grid_is_stretched_linearly():
    grid = np.arange(5, dtype=np.float32)[None, :].repeat(3, 0)
    full = stretch(grid, (30, 50))
    assert full.shape == (30, 50)
    assert full[0, 0] == 0
    assert full[-1, -1] == 4
    np.testing.assert_allclose(np.diff(full[10, 5:45]), 0.1, atol=1e-5)


def test_cleaning_replaces_what_is_no_number():
    plane = clean(np.array([[1.0, 3.0, np.nan], [np.inf, 2.0, -np.inf]]))
    np.testing.assert_array_equal(plane, np.array([[1, 3, 2], [2, 2, 2]], np.float32))
    assert clean(np.full((2, 2), np.nan)).tolist() == [[0, 0], [0, 0]]


def test_the_light_is_fitted_beside_nuclei_and_leaks(grid):
    y, x = np.mgrid[-1:1:300j, -1:1:300j].astype(np.float32)
    light = 50 + 30 * y - 20 * x + 15 * x * y - 25 * y * y
    image = light + (grid.truth > 0) * 100
    image[100:180, 150:260] += 200
    assert (light_of(image.astype(np.float32)) - light).std() < 3  # 25 before
