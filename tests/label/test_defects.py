"""Leaked stain, debris, burnt-out pixels."""

import numpy as np
import pytest
from scipy import ndimage as ndi

from napari_cellseg.config import LabelConfig
from napari_cellseg.label.contrast import signal_of
from napari_cellseg.label.defects import leaks, without
from napari_cellseg.label.frame import auto_label_frame

CONFIG = LabelConfig()


@pytest.fixture
def leaked(scene):
    """Nuclei of 16 px, and a smear of 90 px that is brighter than they are."""
    nuclei = [(y, x, 16) for y in range(30, 380, 50) for x in range(30, 380, 50)]
    made = scene((400, 400), nuclei)
    y, x = np.ogrid[:400, :400]
    smear = ((y - 250) ** 2 + ((x - 130) / 1.2) ** 2 < 55**2).astype(np.float32)
    return made, made.image + 250 * ndi.gaussian_filter(smear, 8), smear > 0


def test_leaked_stain_is_ignored_and_the_rest_is_kept(leaked):
    made, image, smear = leaked
    labels = auto_label_frame(image, CONFIG)
    ignored = labels == -1
    assert ignored[ndi.binary_erosion(smear, iterations=12)].mean() > 0.95
    assert ignored[~ndi.binary_dilation(smear, iterations=25)].mean() < 0.01
    outside = np.unique(made.truth[~ndi.binary_dilation(smear, iterations=25)])
    outside = [n for n in outside if n and not smear[made.truth == n].any()]
    found = [(labels[made.truth == n] > 0).mean() > 0.5 for n in outside]
    assert np.mean(found) > 0.9


def test_leaks_may_be_left_unmarked(leaked):
    _, image, _ = leaked
    assert auto_label_frame(image, LabelConfig(mark_defects=False)).min() == 0


def test_a_sheet_of_touching_nuclei_is_no_leak(scene):
    nuclei = [(y, x, 22) for y in range(20, 290, 24) for x in range(20, 290, 24)]
    made = scene((310, 310), nuclei)
    labels = auto_label_frame(made.image, CONFIG)
    assert (labels == -1).mean() < 0.02
    assert made.matched(labels) > 0.9 * len(nuclei)


def test_uneven_light_is_no_leak(grid):
    y, x = np.mgrid[-1:1:300j, -1:1:300j]
    vignette = (200 * (1 - 0.6 * (y * y + x * x))).astype(np.float32)
    labels = auto_label_frame(grid.image + vignette, CONFIG)
    assert not (labels == -1).any()
    assert grid.matched(labels) >= grid.truth.max() - 1


def test_burnt_out_debris_is_ignored(grid):
    image = grid.image.copy()
    y, x = np.ogrid[:300, :300]
    image[(y - 50) ** 2 + (x - 73) ** 2 < 49] = 4095
    labels = auto_label_frame(image.astype(np.uint16), CONFIG)
    assert labels[50, 73] == -1
    assert grid.matched(labels) > 0.9 * grid.truth.max()


def test_an_exposure_that_is_too_long_keeps_its_nuclei(grid):
    image = np.clip(grid.image, 0, 90).astype(np.uint8)
    labels = auto_label_frame(image, CONFIG)
    assert grid.matched(labels) == grid.truth.max()


def test_a_hot_pixel_does_not_hide_the_nuclei(grid):
    image = grid.image.copy()
    image[10, 10] = 60000
    labels = auto_label_frame(image.astype(np.uint16), CONFIG)
    assert grid.matched(labels) == grid.truth.max()


def test_a_bright_speck_is_ignored(grid):
    image = grid.image.copy()
    image[48:51, 48:51] = 1500
    labels = auto_label_frame(image, CONFIG)
    assert labels[49, 49] == -1


def test_small_frames_have_no_leaks():
    image = np.random.default_rng(0).random((20, 20)).astype(np.float32)
    signal = signal_of(image, CONFIG)
    assert not leaks(np.zeros((20, 20), np.int32), signal, CONFIG).any()


def test_what_is_taken_out_leaves_no_edge():
    plane = np.tile(np.arange(10, dtype=np.float32), (4, 1))
    region = np.zeros((4, 10), bool)
    region[:, 3:7] = True
    filled = without(plane, region)
    assert set(filled[:, 3:7].ravel()) <= {2.0, 7.0}
    np.testing.assert_array_equal(filled[~region], plane[~region])
