import tracemalloc
from collections.abc import Iterator

import dask.array as da
import numpy as np
import numpy.typing as npt
import pytest

from napari_cellseg.config import MeasureConfig
from napari_cellseg.data.stack import Stack
from napari_cellseg.errors import InputError
from napari_cellseg.measure.columns import cell_columns, count_columns
from napari_cellseg.measure.objects import CellTable, measure, measure_frame
from napari_cellseg.measure.tables import Origin
from napari_cellseg.progress import Cancelled, Event, Progress, follow

Labels = npt.NDArray[np.int32]

ORIGIN = Origin("movie")


def movie_and_stack(n: int = 3, **known: float) -> tuple[Labels, Stack]:
    """Frame t holds t squares of 16 px; the channels hold 10 t + 1 and 10 t + 2 there, 0 elsewhere."""
    labels = np.zeros((n, 12, 40), np.int32)
    for t in range(n):
        for i in range(t):
            labels[t, 2:6, 6 * i + 1 : 6 * i + 5] = i + 1
    planes = np.stack([np.where(labels > 0, 10 * np.arange(n)[:, None, None] + c, 0) for c in (1, 2)], axis=1)
    data = da.from_array(planes[:, :, None].astype(np.uint16), chunks=(1, 1, 1, 12, 40))
    return labels, Stack(data, ("Phase", "Nuclei"), "movie", **known)


def run(stack: Stack | None, labels: object, **config: float) -> CellTable:
    return follow(measure(stack, labels, MeasureConfig(**config), ORIGIN))  # type: ignore[arg-type]


def test_a_movie_frame_by_frame() -> None:
    labels, stack = movie_and_stack(pixel_size_um=0.5, frame_interval_s=30.0)
    table = run(stack, labels)
    assert table.counts["n_by_instances"].tolist() == [0, 1, 2]
    assert table.counts["n_by_area"].tolist() == [0, 1, 2]
    assert table.counts["time_s"].tolist() == [0, 30, 60]
    cells = table.cells
    assert cells["frame"].tolist() == [1, 2, 2]
    assert cells["label"].tolist() == [1, 1, 2]
    assert cells["area_px"].tolist() == [16, 16, 16]
    assert cells["area_um2"].tolist() == [4, 4, 4]
    assert cells["centroid_x_px"].tolist() == [2.5, 2.5, 8.5]
    assert cells["centroid_x_um"].tolist() == [1.25, 1.25, 4.25]
    assert cells["mean_Phase"].tolist() == [11, 21, 21]
    assert cells["max_Nuclei"].tolist() == [12, 22, 22]
    assert cells["std_Nuclei"].tolist() == [0, 0, 0]


@pytest.mark.parametrize(("size", "interval"), [(0.5, 30.0), (None, None), (0.5, None)])
def test_columns_are_the_declared_ones(size: float | None, interval: float | None) -> None:
    labels, stack = movie_and_stack(pixel_size_um=size, frame_interval_s=interval)
    table = run(stack, labels)
    known = {"pixel_size": size is not None, "frame_interval": interval is not None}
    assert table.cells.columns.tolist() == [c.name for c in cell_columns(stack.channels, **known)]
    assert table.counts.columns.tolist() == [c.name for c in count_columns(**known)]


def test_the_typical_area_is_that_of_the_whole_movie_or_given() -> None:
    labels = np.zeros((2, 20, 40), np.int32)
    labels[0, :4, :4] = 1
    labels[0, :4, 10:14] = 2
    labels[1, :8, :8] = 1  # four grown together
    assert run(None, labels).counts["n_by_area"].tolist() == [2, 4]
    given = run(None, labels, typical_diameter_px=8)
    np.testing.assert_allclose(given.counts["n_by_area"], [32 / (np.pi * 16), 64 / (np.pi * 16)])
    assert given.typical_given


def test_a_single_image_is_a_movie_of_one() -> None:
    labels, _ = movie_and_stack()
    assert run(None, labels[2]).counts["n_by_instances"].tolist() == [2]


def test_ignored_regions_are_no_objects() -> None:
    labels = np.full((1, 6, 6), -1, np.int32)
    labels[0, :2, :2] = 3
    table = run(None, labels)
    assert table.cells["label"].tolist() == [3]
    assert table.counts.loc[0, "segmented_fraction"] == 1
    assert table.counts.loc[0, "ignored_fraction"] == pytest.approx(32 / 36)


def test_some_frames_only() -> None:
    labels, stack = movie_and_stack(n=4, frame_interval_s=10.0)
    table = follow(measure(stack, labels[[3, 1]], MeasureConfig(), ORIGIN, frames=[3, 1]))
    assert table.counts["frame"].tolist() == [3, 1]
    assert table.counts["time_s"].tolist() == [30, 10]
    assert table.cells["mean_Phase"].tolist() == [31, 31, 31, 11]


def test_progress_is_told_after_every_frame() -> None:
    labels, stack = movie_and_stack()
    told: list[Event] = []

    def steps() -> list[tuple[int, int]]:
        return [(event.done, event.total) for event in told if isinstance(event, Progress)]

    follow(measure(stack, iter(labels), MeasureConfig(), ORIGIN), told.append)
    assert steps() == [
        (1, 3),
        (2, 3),
        (3, 3),
    ]
    told.clear()
    follow(measure(None, iter(labels), MeasureConfig(), ORIGIN), told.append)
    assert steps() == [
        (1, 0),
        (2, 0),
        (3, 0),
    ]


def test_a_stop_comes_before_the_next_frame() -> None:
    labels, _ = movie_and_stack(n=10)
    read: list[int] = []

    def planes() -> Iterator[Labels]:
        for t, plane in enumerate(labels):
            read.append(t)
            yield plane

    with pytest.raises(Cancelled):
        follow(measure(None, planes(), MeasureConfig(), ORIGIN), stop=lambda: len(read) == 3)
    assert read == [0, 1, 2]


def test_one_frame_at_a_time_is_in_memory() -> None:
    def planes() -> Iterator[Labels]:
        for t in range(20):
            plane = np.zeros((512, 512), np.int32)
            plane[:10, :10] = t + 1
            yield plane

    tracemalloc.start()
    try:
        run(None, planes())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 6 * 512 * 512 * 4


def test_channels_of_one_name_are_told_apart() -> None:
    labels, stack = movie_and_stack()
    same = Stack(stack.data, ("GFP", "GFP"), "movie")
    cells = run(same, labels).cells
    assert cells["mean_GFP"].tolist() == [11, 21, 21]
    assert cells["mean_GFP 2"].tolist() == [12, 22, 22]


def test_nan_and_constant_frames() -> None:
    labels, _ = movie_and_stack()
    data = np.full((3, 1, 1, 12, 40), np.nan, np.float32)
    data[2] = 7
    cells = run(Stack(da.from_array(data), ("c",), "movie"), labels).cells
    assert cells["mean_c"].isna().tolist() == [True, False, False]
    assert cells["std_c"].tolist()[1:] == [0, 0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda labels: labels[:2], r"labels of 2 frames of movie, which has 3"),
        (lambda labels: np.concatenate([labels, labels]), r"labels of 6 frames of movie, which has 3"),
        (lambda labels: iter(labels[:2]), r"labels of 2 frames of movie, which has 3"),
        (lambda labels: iter(np.concatenate([labels, labels])), r"labels of 4 frames of movie, which has 3"),
        (lambda labels: labels[:, :10], r"shape \(10, 40\).*Phase \(12, 40\)"),
        (lambda labels: labels.astype(float), "whole numbers"),
        (lambda labels: labels[None], r"labels of 1 frames"),
        (lambda labels: labels[:, None], "One plane"),
    ],
)
def test_labels_of_something_else_are_refused(change: object, words: str) -> None:
    labels, stack = movie_and_stack()
    with pytest.raises(InputError, match=words):
        run(stack, change(labels))  # type: ignore[operator]


def test_an_image_of_one_pixel() -> None:
    table = measure_frame(np.ones((1, 1), np.uint8), {"c": np.array([[3]], np.uint8)}, pixel_size_um=2.0)
    assert table.loc[0, "area_um2"] == 4
    assert table.loc[0, "solidity"] == 1
    assert table.loc[0, "eccentricity"] == 0
    assert table.loc[0, "mean_c"] == 3
