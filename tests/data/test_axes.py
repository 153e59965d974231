"""Axes are taken from the file, guessed aloud, or told."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_cellseg.data.axes import describe, to_tczyx, told_axes, understand_axes
from napari_cellseg.errors import InputError


@pytest.mark.parametrize(
    ("shape", "declared", "axes", "sure"),
    [
        ((5, 6), None, "YX", True),
        ((1, 1), "YX", "YX", True),
        ((9, 2, 5, 6), "TCYX", "TCYX", True),
        ((100, 5, 6), "IYX", "TYX", False),
        ((100, 5, 6), None, "TYX", False),
        ((2, 5, 6), None, "CYX", False),
        ((50, 60, 3), None, "YXC", False),
        ((50, 2, 5, 6), None, "TCYX", False),
        ((2, 50, 5, 6), "QQYX", "CTYX", False),
        ((50, 20, 5, 6), None, "TZYX", False),
        ((20, 9, 50, 5, 6), None, "TCZYX", False),
        ((3, 5, 6), "SYX", "CYX", True),
        ((3, 9, 5, 6), "CIYX", "CTYX", False),
    ],
)
def test_axes_are_understood(shape: tuple[int, ...], declared: str | None, axes: str, sure: bool) -> None:
    guess = understand_axes(shape, declared)
    assert (guess.axes, guess.sure) == (axes, sure)
    assert axes in guess.note
    assert ("check" in guess.note) is not sure  # a guess asks the person to look


@pytest.mark.parametrize(
    ("shape", "declared"), [((5,), "X"), ((2, 2, 2, 2, 5, 6), "IQTCYX"), ((2, 5, 5), "YYX")]
)
def test_what_cannot_be_understood_is_told(shape: tuple[int, ...], declared: str) -> None:
    with pytest.raises(InputError, match=r"axes"):
        understand_axes(shape, declared)


@pytest.mark.parametrize("told", ["TYY", "ABC", "TZ", "", "CZYX", "YX"])
def test_wrong_letters_are_refused_with_an_example(told: str) -> None:
    with pytest.raises(InputError, match="for example ZYX"):
        told_axes(told, (4, 5, 6), "TYX")


def test_told_axes_may_name_what_the_file_leaves_out() -> None:
    assert told_axes("tcyx", (4, 5, 6), "TYX").axes == "TYX"
    assert told_axes("zyx", (4, 5, 6), "TYX").axes == "ZYX"


@given(st.permutations("TCZYX"), st.integers(2, 5))
def test_any_order_of_axes_comes_back(letters: list[str], n: int) -> None:
    kept = [a for a in letters if a in "TCZYX"[5 - n :]]
    lengths = {"T": 2, "C": 3, "Z": 4, "Y": 5, "X": 6}
    array = np.arange(np.prod([lengths[a] for a in kept])).reshape([lengths[a] for a in kept])
    ordered = to_tczyx(da.from_array(array), "".join(kept))
    assert ordered.shape == tuple(lengths[a] if a in kept else 1 for a in "TCZYX")
    assert ordered.chunksize == (1, 1, 1, 5, 6)
    back = np.transpose(
        np.asarray(ordered).reshape([lengths[a] for a in "TCZYX" if a in kept]),
        [[a for a in "TCZYX" if a in kept].index(a) for a in kept],
    )
    np.testing.assert_array_equal(back, array)


def test_shapes_are_described() -> None:
    assert describe((1, 2, 5, 6), "TCYX") == "1 time point × 2 channels × 5 high × 6 wide (TCYX)"
    assert describe((5, 6)) == "5 × 6"
