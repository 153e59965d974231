import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_cellseg.measure.counts import FrameCount, count_frame, counts_table, recount, typical_area_px

Labels = npt.NDArray[np.int32]


def test_a_clump_is_one_instance_but_counts_by_area() -> None:
    labels = np.zeros((20, 40), np.int32)
    labels[:10, :10] = 1
    labels[10:20, 10:40] = 5  # three grown together
    labels[0, 20:28] = -1
    found = count_frame(labels, 3)
    assert found == FrameCount(3, 2, 400, 8, 800)
    assert found.by_area(100) == 4


@given(arrays(np.int32, (6, 7), elements=st.integers(-1, 9)))
def test_counts_are_those_of_a_set(labels: Labels) -> None:
    found = count_frame(labels)
    assert found.n_by_instances == len(set(labels[labels > 0].tolist()))
    assert found.segmented_area_px + found.ignored_px + int((labels == 0).sum()) == labels.size


def test_the_typical_area() -> None:
    assert typical_area_px([90, 100, 110, 400]) == 105
    assert typical_area_px([90, 100], diameter_px=20) == pytest.approx(math.pi * 100)
    assert math.isnan(typical_area_px([]))


def test_empty_frames_count_zero_even_where_nothing_is_typical() -> None:
    frames = [count_frame(np.zeros((5, 5), np.int32), t) for t in range(2)]
    table = counts_table(frames, math.nan)
    assert table["n_by_instances"].tolist() == table["n_by_area"].tolist() == [0, 0]
    assert table["segmented_fraction"].tolist() == [0, 0]
    assert table["typical_area_px"].isna().all()


def test_a_frame_that_is_ignored_altogether_has_no_share() -> None:
    table = counts_table([count_frame(np.full((4, 4), -1, np.int32))], 10)
    assert table.loc[0, "segmented_fraction"] == 0
    assert table.loc[0, "ignored_fraction"] == 1


def test_units_appear_when_known() -> None:
    frames = [FrameCount(t, 1, 200, 0, 1000) for t in (0, 2)]
    table = counts_table(frames, 50, pixel_size_um=0.5, frame_interval_s=60)
    assert table["time_s"].tolist() == [0, 120]
    assert table["n_by_area"].tolist() == [4, 4]
    assert table["segmented_area_um2"].tolist() == [50, 50]
    assert table["typical_area_um2"].tolist() == [12.5, 12.5]
    assert not {"time_s", "typical_area_um2", "pixel_size_um"} & set(counts_table(frames, 50))


def test_recounting_is_counting_with_another_area() -> None:
    frames = [FrameCount(0, 3, 300, 0, 1000), FrameCount(1, 0, 0, 0, 1000)]
    one = recount(counts_table(frames, 100, pixel_size_um=0.5), 50)
    assert one.equals(counts_table(frames, 50, pixel_size_um=0.5))
