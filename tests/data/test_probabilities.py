from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_cellseg.data.probabilities import as_fractions, open_probabilities, write_probabilities
from napari_cellseg.data.read import open_stack
from napari_cellseg.errors import InputError

movies = hnp.arrays(
    np.float16, hnp.array_shapes(min_dims=3, max_dims=3, max_side=6), elements=st.floats(0, 1, width=16)
)


@given(movies)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_probabilities_come_back(tmp_path: Path, movie: npt.NDArray[np.float16]) -> None:
    write_probabilities(tmp_path / "p.tif", movie, pixel_size_um=0.5, frame_interval_s=60)
    file = open_probabilities(tmp_path / "p.tif")
    back = np.stack(list(file))
    assert back.dtype == np.uint8
    assert file.shape == movie.shape
    assert back.shape == movie.shape
    np.testing.assert_allclose(as_fractions(back), movie, atol=0.5 / 255 + 1e-6)


def test_the_file_is_one_that_imagej_shows(tmp_path: Path) -> None:
    write_probabilities(tmp_path / "p.tif", np.linspace(0, 1, 24).reshape(2, 3, 4), pixel_size_um=0.5)
    with tifffile.TiffFile(tmp_path / "p.tif") as tiff:
        assert tiff.is_imagej
        assert tiff.series[0].axes == "TYX"
    assert open_stack(tmp_path / "p.tif").pixel_size_um == 0.5


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        (np.array([[0, 255]], np.uint8), [0, 1]),
        (np.array([[0, 65535]], np.uint16), [0, 1]),
        (np.array([[0.25, 1]], np.float32), [0.25, 1]),
        (np.array([[0.25, 1]], np.float64), [0.25, 1]),
    ],
)
def test_types_of_other_programs(
    tmp_path: Path, given_: npt.NDArray[np.generic], expected: list[float]
) -> None:
    tifffile.imwrite(tmp_path / "p.tif", np.repeat(given_, 2, axis=0), photometric="minisblack")
    (frame,) = open_probabilities(tmp_path / "p.tif")
    back = as_fractions(frame)
    assert back.shape == (2, 2)
    np.testing.assert_allclose(back[0], expected)


def test_what_is_no_probability_is_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "i.tif", np.ones((4, 4), np.int32))
    with pytest.raises(InputError, match="int32"):
        open_probabilities(tmp_path / "i.tif")
    tifffile.imwrite(tmp_path / "rgb.tif", np.ones((4, 4, 3), np.uint8), photometric="rgb")
    with pytest.raises(InputError, match="colour"):
        open_probabilities(tmp_path / "rgb.tif")
    tifffile.imwrite(
        tmp_path / "c.tif", np.ones((2, 3, 4, 4), np.uint8), imagej=True, metadata={"axes": "TCYX"}
    )
    with pytest.raises(InputError, match="one movie"):
        open_probabilities(tmp_path / "c.tif")
