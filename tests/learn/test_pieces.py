"""Pieces of labels by their rows of pixels: the same as by looking at every pixel."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.measure import label

from napari_cellseg.learn.pieces import pieces_of


def painted(labels: np.ndarray) -> np.ndarray:
    places = np.flatnonzero(labels)
    pieces = pieces_of(places, labels.ravel()[places], labels.shape[1])
    image = np.zeros(labels.shape, int)
    image.ravel()[places] = pieces.of_pixel + 1
    assert np.array_equal(np.bincount(pieces.of_pixel, minlength=len(pieces.area_px)), pieces.area_px)
    assert np.array_equal(pieces.label[pieces.of_pixel], labels.ravel()[places])
    return image


@settings(max_examples=300)
@given(st.integers(0, 2**32 - 1), st.integers(1, 14), st.integers(1, 14), st.integers(1, 4))
def test_they_are_those_of_scikit_image(seed: int, height: int, width: int, most: int) -> None:
    labels = np.random.default_rng(seed).integers(0, most + 1, (height, width))
    np.testing.assert_array_equal(painted(labels), label(labels, background=0, connectivity=2))


def test_rows_do_not_touch_around_the_edge() -> None:
    labels = np.array([[0, 0, 1], [1, 0, 0], [0, 0, 0], [1, 1, 1]])
    np.testing.assert_array_equal(painted(labels), [[0, 0, 1], [2, 0, 0], [0, 0, 0], [3, 3, 3]])


def test_no_pixels_are_no_pieces() -> None:
    assert painted(np.zeros((4, 5), int)).sum() == 0
