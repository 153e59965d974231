"""Label files of other programs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_cellseg.data.labels import open_labels
from napari_cellseg.data.pyramid import LabelPyramid
from napari_cellseg.data.read import match_by_stem, read_labels
from napari_cellseg.errors import InputError

LABELS = np.array([[0, 1, 1], [2, 0, 300]])


@pytest.mark.parametrize("dtype", ["uint16", "int16", "int32", "uint32", "int64", "float32"])
def test_whole_numbers_of_any_type(tmp_path: Path, dtype: str) -> None:
    tifffile.imwrite(tmp_path / "a.tif", LABELS.astype(dtype))
    back = read_labels(tmp_path / "a.tif")
    assert back.dtype == np.int32
    np.testing.assert_array_equal(back, LABELS)


def test_pictures_palettes_and_arrays(tmp_path: Path) -> None:
    Image.fromarray(LABELS.astype(np.uint16)).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_labels(tmp_path / "a.png"), LABELS)
    palette = Image.fromarray(np.minimum(LABELS, 9).astype(np.uint8)).convert("P")
    palette.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0] + [7] * 21)
    palette.putdata(np.minimum(LABELS, 9).ravel().tolist())
    palette.save(tmp_path / "p.png")
    np.testing.assert_array_equal(read_labels(tmp_path / "p.png"), np.minimum(LABELS, 9))
    np.save(tmp_path / "a.npy", np.stack([LABELS, -1 * (LABELS > 0)]))
    assert read_labels(tmp_path / "a.npy").shape == (2, 2, 3)
    assert read_labels(tmp_path / "a.npy").min() == -1


@pytest.mark.parametrize("axes", ["TYX", "ZYX"])
def test_any_third_axis_is_time(tmp_path: Path, axes: str) -> None:
    movie = np.stack([LABELS] * 5).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", movie, imagej=True, metadata={"axes": axes})
    np.testing.assert_array_equal(read_labels(tmp_path / "a.tif"), movie)


@pytest.mark.parametrize("how", ["npy", "imagej", "planar", "compressed", "one page", "ome-zarr"])
def test_parts_of_frames_are_read_from_any_file(tmp_path: Path, how: str) -> None:
    movie = np.random.default_rng(0).integers(0, 900, (3, 40, 70)).astype(np.uint16)
    file = tmp_path / ("a.npy" if how == "npy" else "a.ome.zarr" if how == "ome-zarr" else "a.tif")
    if how == "npy":
        np.save(file, movie)
    elif how == "ome-zarr":
        with LabelPyramid(file, movie.shape) as pyramid:
            for t, plane in enumerate(movie):
                pyramid.write(t, (slice(0, 40), slice(0, 70)), plane.astype(np.int32))
    elif how == "imagej":
        tifffile.imwrite(file, movie, imagej=True, metadata={"axes": "TYX"})
    elif how == "planar":
        tifffile.imwrite(file, movie, photometric="minisblack")
    elif how == "compressed":
        tifffile.imwrite(file, movie, photometric="minisblack", compression="zlib", tile=(16, 16))
    else:
        tifffile.imwrite(file, movie, photometric="minisblack", volumetric=True, tile=(3, 16, 16))
    labels = open_labels(file)
    assert (len(labels), labels.frame_shape) == (3, (40, 70))
    part = labels.frame(1, (slice(7, 30), slice(20, None)))
    assert part.dtype == np.int32
    np.testing.assert_array_equal(part, movie[1, 7:30, 20:])
    np.testing.assert_array_equal(list(labels), movie)


@pytest.mark.parametrize(
    ("array", "match"),
    [
        (np.full((5, 6), 0.5, np.float32), "fractions"),
        (np.full((5, 6), np.nan, np.float32), "fractions or missing values"),
        (np.full((5, 6), -7, np.int16), "from -7"),
        (np.full((5, 6), 2**32 - 1, np.uint32), "4294967295"),
        (np.zeros((2, 2, 5, 6), np.uint16), "shape"),
    ],
)
def test_what_are_no_labels(tmp_path: Path, array: np.ndarray, match: str) -> None:  # type: ignore[type-arg]
    tifffile.imwrite(tmp_path / "a.tif", array, photometric="minisblack")
    with pytest.raises(InputError, match=match):
        read_labels(tmp_path / "a.tif")


def test_colours_and_damage_are_no_labels(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((5, 6, 3), np.uint8)).save(tmp_path / "a.png")
    with pytest.raises(InputError, match="colour picture"):
        read_labels(tmp_path / "a.png")
    (tmp_path / "a.npy").write_bytes(b"\x93NUMPY rubbish")
    with pytest.raises(InputError, match="cannot be read"):
        read_labels(tmp_path / "a.npy")
    np.save(tmp_path / "b.npy", np.array(["a"], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="cannot be read"):
        read_labels(tmp_path / "b.npy")


@pytest.mark.real
def test_real_masks(real_data: Path) -> None:
    for name in ("aisegcell", "bbbc039", "dsb2018", "usiigaci"):
        pairs = match_by_stem(
            sorted((real_data / name / "images").iterdir()), sorted((real_data / name / "masks").iterdir())
        )
        labels = read_labels(pairs[0][1])
        assert labels.ndim == 2
        assert labels.max() > 1
