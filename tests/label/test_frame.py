"""Nuclei of one frame."""

import numpy as np
import pytest
import tifffile
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage as ndi
from skimage.io import imread

from napari_cellseg.config import LabelConfig
from napari_cellseg.errors import InputError, SettingsError
from napari_cellseg.label.frame import auto_label_frame, suggest_diameters

CONFIG = LabelConfig()


@pytest.mark.parametrize("threshold", ["adaptive", "global"])
def test_separate_nuclei_are_all_found_and_nothing_else(grid, threshold):
    labels = auto_label_frame(grid.image, LabelConfig(threshold=threshold))
    assert grid.matched(labels, iou=0.8) == grid.truth.max()
    assert labels.max() == grid.truth.max()
    assert labels.dtype == np.int32


@pytest.mark.parametrize(
    "convert",
    [
        lambda image: np.clip(image, 0, 255).astype(np.uint8),
        lambda image: np.clip(image * 200, 0, 65535).astype(np.uint16),
        lambda image: (image * 30).astype(np.int32),
        lambda image: image.astype(np.float64) * 1e-6 - 7,
        lambda image: image.astype(np.float32) * 1e30,
    ],
    ids=["8 bit", "16 bit", "32 bit", "small floats", "huge floats"],
)
def test_the_scale_of_grey_values_does_not_matter(grid, convert):
    labels = auto_label_frame(convert(grid.image), CONFIG)
    assert grid.matched(labels, iou=0.7) == grid.truth.max() == labels.max()


def test_pixels_that_are_not_numbers_do_not_stop_it(grid):
    image = grid.image.copy()
    image[100:110, 40:44] = np.nan
    image[5, 5] = np.inf
    labels = auto_label_frame(image, CONFIG)
    assert grid.matched(labels) >= grid.truth.max() - 1


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((1, 1)),
        np.ones((5, 7), np.uint8),
        np.full((64, 64), np.nan),
        np.full((64, 64), 65535, np.uint16),
        np.eye(3),
        np.arange(40.0).reshape(1, 40),
        np.zeros((0, 5)),
        np.random.default_rng(0).normal(0, 1, (300, 200)),
        np.random.default_rng(1).poisson(2, (256, 256)).astype(np.uint8),
        np.random.default_rng(2).poisson(1000, (256, 256)).astype(np.uint16),
        ndi.gaussian_filter(np.random.default_rng(3).normal(100, 5, (256, 256)), 1.0),
    ],
    ids=["1 px", "even", "NaN", "full", "3 px", "line", "empty", "noise", "dark", "shot", "soft noise"],
)
def test_frames_without_nuclei_stay_empty(image):
    labels = auto_label_frame(image, CONFIG)
    assert labels.shape == image.shape
    assert labels.dtype == np.int32
    assert not (labels > 0).any()


def test_a_slope_of_light_gives_no_false_nuclei(scene):
    made = scene((256, 256), [(60, 60, 16), (190, 190, 16)])
    light = np.linspace(0, 150, 256, dtype=np.float32)[None, :]
    labels = auto_label_frame(made.image + light, CONFIG)
    assert labels.max() == 2
    assert made.matched(labels) == 2


def test_a_faint_nucleus_beside_a_bright_one_is_found(scene):
    bright = scene((200, 200), [(60, 60, 18)], height=1000)
    faint = scene((200, 200), [(60, 100, 18)], height=150, noise=0)
    labels = auto_label_frame(bright.image + faint.image, CONFIG)
    assert bright.matched(labels) == 1
    assert faint.matched(labels) == 1


def test_the_outline_does_not_depend_on_brightness(scene):
    areas = [
        (auto_label_frame(scene((120, 120), [(60, 60, 20)], height=h).image, CONFIG) > 0).sum()
        for h in (60, 200, 2000)
    ]
    assert np.ptp(areas) < 0.12 * np.mean(areas)
    assert np.mean(areas) == pytest.approx(np.pi * 100, rel=0.1)


def test_a_higher_outline_is_tighter(grid):
    loose, tight = (
        (auto_label_frame(grid.image, LabelConfig(outline=outline)) > 0).sum() for outline in (0.3, 0.7)
    )
    assert tight < 0.9 * loose


def test_sizes_outside_the_limits_are_discarded(scene):
    made = scene((200, 300), [(50, 50, 6), (50, 120, 16), (120, 200, 50)])
    labels = auto_label_frame(made.image, LabelConfig(min_diameter_px=10, max_diameter_px=30))
    assert labels.max() == 1
    assert labels[50, 120] == 1
    assert labels[120, 200] == -1  # larger than any nucleus: neither nucleus nor background
    assert labels[50, 50] == 0
    plain = auto_label_frame(
        made.image, LabelConfig(min_diameter_px=10, max_diameter_px=30, mark_defects=False)
    )
    assert plain.min() == 0


def test_holes_are_filled_unless_asked_not_to(scene):
    made = scene((120, 120), [(60, 60, 26)], noise=1)
    y, x = np.ogrid[:120, :120]
    image = np.where((y - 60) ** 2 + (x - 60) ** 2 < 16, 20, made.image)
    assert auto_label_frame(image, CONFIG)[60, 60] == 1
    assert auto_label_frame(image, LabelConfig(fill_holes=False, split="none"))[60, 60] == 0


@settings(max_examples=40)
@example(np.array([[1.0, 1.0], [1.0, np.nextafter(np.float32(1), np.float32(2))]], np.float32))
@given(
    hnp.arrays(
        st.sampled_from([np.uint8, np.uint16, np.float32, np.float64]),
        hnp.array_shapes(min_dims=2, max_dims=2),
    )
)
def test_no_image_is_too_small_or_odd(image):
    labels = auto_label_frame(image, LabelConfig(min_diameter_px=1))
    assert labels.shape == image.shape
    assert labels.min(initial=0) >= -1
    present = np.unique(labels[labels > 0])
    np.testing.assert_array_equal(present, np.arange(1, len(present) + 1))


@pytest.mark.parametrize("image", [np.zeros((2, 5, 5)), np.zeros(5), np.zeros((4, 4), complex)])
def test_what_is_no_plane_is_refused(image):
    with pytest.raises(InputError, match="One plane"):
        auto_label_frame(image, CONFIG)


def test_limits_the_wrong_way_round_are_refused(grid):
    with pytest.raises(SettingsError, match="smallest must be below"):
        auto_label_frame(grid.image, LabelConfig(min_diameter_px=40, max_diameter_px=20))


@pytest.mark.parametrize("diameter", [10, 24, 50])
def test_diameters_are_suggested_from_the_image(scene, diameter):
    step = diameter * 2
    made = scene(
        (400, 400), [(y, x, diameter) for y in range(step, 380, step) for x in range(step, 380, step)]
    )
    suggested = suggest_diameters(made.image)
    assert suggested is not None
    low, high = suggested
    assert 0.25 * diameter < low < 0.5 * diameter
    assert 1.5 * diameter < high < 2.5 * diameter


def test_no_diameters_are_suggested_where_nothing_is():
    assert suggest_diameters(np.zeros((50, 50))) is None
    assert suggest_diameters(np.ones((1, 1))) is None


@pytest.mark.real
def test_real_nuclei_are_found(real_data):
    name = "170601SH11_p0027_t00001_z001"
    image = tifffile.imread(real_data / "aisegcell" / "nuc" / f"{name}.tif")
    truth = imread(next((real_data / "aisegcell" / "masks").glob(f"{name}*")))
    labels = auto_label_frame(image, CONFIG)
    covered = [(labels[truth == n] > 0).mean() > 0.5 for n in np.unique(truth)[1:]]
    assert np.mean(covered) > 0.95
    assert labels.max() < 1.1 * len(covered)
