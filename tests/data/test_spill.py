"""Arrays beyond a budget wait in a file, and are the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from napari_cellseg.data.spill import Spill
from napari_cellseg.errors import StorageError

TYPES = st.sampled_from(["uint8", "int32", "float16", "float64"])
SHAPES = arrays.array_shapes(max_dims=3, max_side=9, min_side=0)


@settings(max_examples=40)
@given(st.lists(arrays.arrays(TYPES, SHAPES), max_size=6), st.integers(0, 500))
def test_what_is_kept_is_the_same_wherever_it_is(
    tmp_path_factory: pytest.TempPathFactory, given_arrays: list[np.ndarray], budget: int
) -> None:
    spill = Spill(tmp_path_factory.mktemp("spill"), budget)
    kept = [spill.keep(array) for array in given_arrays]
    for ours, theirs in zip(kept, given_arrays, strict=True):
        assert ours.dtype == theirs.dtype
        assert np.array_equal(ours, theirs, equal_nan=theirs.dtype.kind == "f")
    in_memory = sum(array.nbytes for array in kept if not isinstance(array, np.memmap))
    assert in_memory <= budget


def test_the_first_stay_in_memory_and_nothing_is_left_behind(tmp_path: Path) -> None:
    spill = Spill(tmp_path, 1000)
    first, second = (spill.keep(np.full((30, 30), n, np.uint8)) for n in (1, 2))
    assert not isinstance(first, np.memmap)
    assert isinstance(second, np.memmap)
    turned = spill.keep(np.arange(600).reshape(20, 30).T)
    assert np.array_equal(turned, np.arange(600).reshape(20, 30).T)
    with pytest.raises(ValueError, match="read-only"):
        second[0, 0] = 5
    del spill, first, second, turned
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="could not be written"):
        Spill(tmp_path / "file", 0).keep(np.ones(5))
