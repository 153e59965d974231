"""Label images measured a part at a time: the same numbers as at once."""

from __future__ import annotations

from pathlib import Path

import dask.array as da
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.draw import ellipse

from napari_cellseg.config import MeasureConfig
from napari_cellseg.data.labels import open_labels
from napari_cellseg.data.stack import Stack
from napari_cellseg.errors import InputError
from napari_cellseg.measure.objects import measure
from napari_cellseg.measure.parts import boxes_of, joined, measure_in_parts
from napari_cellseg.measure.tables import Origin
from napari_cellseg.progress import Event, Progress, follow

CONFIG, ORIGIN = MeasureConfig(), Origin("slide", "", "", "1", {})


@pytest.fixture
def movie() -> np.ndarray:
    """Objects of all sizes, one of them across many parts; numbers with gaps; a region to ignore."""
    random = np.random.default_rng(0)
    labels = np.zeros((2, 150, 210), np.int32)
    for t in range(2):
        labels[t][ellipse(70, 100, 40, 90)] = 7
        for number in random.permutation(np.arange(10, 70)).tolist():
            place = random.uniform((0, 0), labels.shape[1:])
            labels[t][ellipse(*place, *random.uniform(2, 12, 2), shape=labels.shape[1:])] = 3 * number
    labels[1, :10, :20] = -1
    return labels


def stack_of(labels: np.ndarray) -> Stack:
    pixels = np.random.default_rng(1).normal(100, 9, (len(labels), 2, 1, *labels.shape[1:]))
    return Stack(da.from_array(pixels), ("Phase", "DAPI"), "slide", pixel_size_um=0.5, frame_interval_s=60.0)


@pytest.mark.parametrize("side", [17, 64, 4096])
@pytest.mark.parametrize("with_images", [True, False])
def test_parts_give_what_the_whole_gives(
    movie: np.ndarray, tmp_path: Path, side: int, with_images: bool
) -> None:
    np.save(tmp_path / "slide.npy", movie)
    labels = open_labels(tmp_path / "slide.npy")
    stack = stack_of(movie) if with_images else None
    told: list[Event] = []
    parts = follow(measure_in_parts(stack, labels, CONFIG, ORIGIN, side), told.append)
    whole = follow(measure(stack, movie, CONFIG, ORIGIN))
    pd.testing.assert_frame_equal(parts.cells, whole.cells)
    pd.testing.assert_frame_equal(parts.counts, whole.counts)
    progress = [event for event in told if isinstance(event, Progress)]
    assert progress[-1].done == progress[-1].total == len(progress)


@given(arrays(np.int32, (9, 13), elements=st.integers(-1, 5)), st.integers(1, 14))
def test_boxes_of_parts_are_those_of_whole_objects(labels: np.ndarray, side: int) -> None:
    found = [
        boxes_of(labels[y : y + side, x : x + side], (y, x))
        for y in range(0, 9, side)
        for x in range(0, 13, side)
    ]
    parts, whole = joined(found), boxes_of(labels, (0, 0))
    np.testing.assert_array_equal(parts.numbers, whole.numbers)
    np.testing.assert_array_equal(parts.corners, whole.corners)


def test_nothing_to_measure_and_images_that_do_not_fit(movie: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "empty.npy", np.zeros_like(movie))
    empty = follow(measure_in_parts(None, open_labels(tmp_path / "empty.npy"), CONFIG, ORIGIN, 64))
    assert len(empty.cells) == 0
    assert empty.counts["n_by_instances"].tolist() == [0, 0]
    with pytest.raises(InputError, match="labels of 2 frames of slide, which has 1"):
        follow(measure_in_parts(stack_of(movie[:1]), open_labels(tmp_path / "empty.npy"), CONFIG, ORIGIN))
