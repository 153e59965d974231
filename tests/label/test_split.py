"""Touching nuclei."""

import numpy as np
import pytest

from napari_cellseg.config import LabelConfig
from napari_cellseg.label.frame import auto_label_frame
from napari_cellseg.label.split import join_shallow, split_touching


@pytest.mark.parametrize("how", ["shape", "both"])
def test_two_disks_with_a_waist_are_two(scene, how):
    made = scene((80, 100), [(40, 38, 22), (40, 58, 22)])
    labels = auto_label_frame(made.image, LabelConfig(split=how))
    assert labels.max() == 2
    assert made.matched(labels, 0.7) == 2


@pytest.mark.parametrize("how", ["intensity", "both"])
def test_a_dark_seam_divides(scene, how):
    made = scene((80, 100), [(40, 50, 30)], noise=1)
    image = made.image.copy()
    image[:, 49:52] = 20 + 0.6 * (image[:, 49:52] - 20)
    image[:, 50] = 20 + 0.4 * (image[:, 50] - 20)
    mask = made.truth > 0
    labels = split_touching(mask, image - 20, LabelConfig(split=how))
    parts = np.unique(labels[mask])
    assert len(parts) == 2
    assert labels[40, 42] != labels[40, 58]


@pytest.mark.parametrize("how", ["shape", "intensity", "both", "none"])
def test_one_round_nucleus_stays_one(scene, how):
    made = scene((80, 80), [(40, 40, 24)], noise=6)
    assert auto_label_frame(made.image, LabelConfig(split=how)).max() == 1


def test_nothing_is_split_when_not_asked(scene):
    made = scene((80, 100), [(40, 40, 20), (40, 58, 20)])
    assert auto_label_frame(made.image, LabelConfig(split="none", max_diameter_px=60)).max() == 1


def test_an_ellipse_is_not_cut(scene):
    y, x = np.ogrid[:80, :120]
    mask = ((y - 40) / 9) ** 2 + ((x - 60) / 18) ** 2 <= 1
    labels = split_touching(mask, np.where(mask, 100, 0).astype(np.float32), LabelConfig(max_diameter_px=60))
    assert len(np.unique(labels[mask])) == 1


def test_splitting_keeps_the_mask(scene):
    made = scene((120, 120), [(30, 30, 20), (30, 46, 20), (44, 38, 20), (90, 90, 8), (90, 20, 30)])
    mask = made.truth > 0
    for how in ("shape", "intensity", "both", "none"):
        labels = split_touching(mask, made.image, LabelConfig(split=how))
        np.testing.assert_array_equal(labels > 0, mask)


def test_shallow_saddles_join_and_deep_ones_part():
    height = np.array([[1, 5, 4.5, 5, 2, 5, 1]], np.float32)
    hills = np.array([[1, 1, 1, 2, 2, 3, 3]])
    joined = join_shallow(hills, [height], [0.8])
    assert joined[0, 1] == joined[0, 3]
    assert joined[0, 3] != joined[0, 5]
