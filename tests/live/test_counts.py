import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_cellseg.config import MeasureConfig
from napari_cellseg.live import counts as counts_module
from napari_cellseg.live.counting import whole_table
from napari_cellseg.live.counts import Counts
from napari_cellseg.measure.objects import measure
from napari_cellseg.measure.tables import CellTable, Origin
from napari_cellseg.progress import follow


def table_of(t: int, sides: list[int]) -> CellTable:
    """Measure a frame of squares."""
    plane = np.zeros((12, 12 * max(1, len(sides))), np.int32)
    for i, side in enumerate(sides):
        plane[1 : 1 + side, 12 * i : 12 * i + side] = i + 1
    return follow(measure(None, [plane], MeasureConfig(), Origin("movie"), [t]))


FRAMES = st.lists(st.tuples(st.integers(0, 8), st.lists(st.integers(1, 10), max_size=5)), max_size=14)


@settings(max_examples=40)
@given(FRAMES)
def test_what_is_told_is_that_of_all_frames_as_they_were_counted_last(
    came: list[tuple[int, list[int]]],
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counts_module, "_JOINED_AT_ONCE", 3)
        counts, last = Counts(), dict[int, list[int]]()
        for t, sides in came:
            counts.put(t, table_of(t, sides))
            last[t] = sides
    frames = sorted(last)
    assert list(counts) == frames
    assert len(counts) == len(frames)
    assert all(t in counts for t in frames)
    assert 9 not in counts
    for t, sides in last.items():
        assert counts.cells(t)["area_px"].tolist() == [side**2 for side in sides]

    summary = counts.summary(None, None)
    areas = np.array([side**2 for t in frames for side in last[t]], float)
    assert summary.frames == frames
    assert summary.by_instances == [len(last[t]) for t in frames]
    expected = [sum(s**2 for s in last[t]) / np.median(areas) if last[t] else 0.0 for t in frames]
    assert summary.by_area == pytest.approx(expected)
    assert sum(summary.histogram) == len(areas)  # of so few, none is beyond the end

    if frames:
        whole = follow(whole_table(counts.tables()))
        one_by_one = follow(whole_table([table_of(t, last[t]) for t in frames]))
        pd.testing.assert_frame_equal(whole.cells, one_by_one.cells, check_dtype=False)
        pd.testing.assert_frame_equal(whole.counts, one_by_one.counts, check_dtype=False)


def test_the_diameter_and_the_size_of_a_pixel_are_used_where_they_are_known() -> None:
    counts = Counts()
    counts.put(2, table_of(2, [4, 8]))
    summary = counts.summary(4.0, 0.5)
    assert summary.by_area == pytest.approx([80 / (np.pi * 4)])
    assert summary.unit == "µm²"
    assert summary.edges[-1] == pytest.approx(64 * 0.25)


def test_nothing_counted_is_an_empty_summary() -> None:
    counts = Counts()
    counts.put(0, table_of(0, [3]))
    counts.clear()
    summary = counts.summary(None, None)
    assert summary.frames == []
    assert sum(summary.histogram) == 0
    assert summary.unit == "px"
    assert len(counts) == 0
    assert counts.tables() == ()
    assert not len(counts.no_cells())
