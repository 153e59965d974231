"""Frames too large for memory are read in blocks, and only where they are looked at."""

import numpy as np
import pytest
import tifffile
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_cellseg.data import planes
from napari_cellseg.data import stack as stack_module
from napari_cellseg.data.opening import open_stack
from napari_cellseg.data.pages import RawPages, TiffPages
from napari_cellseg.data.planes import luminance
from napari_cellseg.errors import InputError

SHAPE = (2, 300, 210)


@pytest.fixture
def small_blocks(monkeypatch):
    """Take frames for large that are quick to make."""
    monkeypatch.setattr(stack_module, "LARGE_PX", 100 * 100)
    monkeypatch.setattr(planes, "BLOCK_PX", 64)


@pytest.fixture(scope="module")
def greys():
    return np.random.default_rng(0).integers(0, 60_000, SHAPE, dtype=np.uint16)


WAYS = {
    "plain": {},
    "tiled": {"tile": (64, 64), "compression": "zlib"},
    "strips": {"rowsperstrip": 7, "compression": "zlib"},
    "big": {"bigtiff": True, "tile": (128, 64), "predictor": True, "compression": "lzw"},
}


@pytest.mark.parametrize("way", WAYS)
def test_parts_of_a_tiff_are_what_the_whole_is(small_blocks, tmp_path, greys, way):
    tifffile.imwrite(tmp_path / "a.tif", greys, metadata={"axes": "CYX"}, **WAYS[way])
    stack = open_stack(tmp_path / "a.tif")
    assert stack.data.numblocks == (1, 2, 1, 5, 4)
    for part in (
        (slice(0, 300), slice(0, 210)),
        (slice(63, 65), slice(120, 200)),
        (slice(299, 300), slice(0, 1)),
    ):
        np.testing.assert_array_equal(stack.frame(0, 1, part), greys[1][part])
    np.testing.assert_array_equal(stack.frame(0, 0), greys[0])


def test_parts_of_colours_are_grey(small_blocks, tmp_path):
    colours = np.random.default_rng(1).integers(0, 255, (150, 180, 3), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "rgb.tif", colours, photometric="rgb", tile=(64, 64))
    stack = open_stack(tmp_path / "rgb.tif")
    part = (slice(50, 150), slice(3, 130))
    np.testing.assert_array_equal(stack.frame(0, 0, part), luminance(colours[part]))


def test_only_what_is_asked_for_is_decoded(small_blocks, tmp_path, greys, monkeypatch):
    tifffile.imwrite(tmp_path / "a.tif", greys, tile=(64, 64), compression="zlib", metadata={"axes": "CYX"})
    stack = open_stack(tmp_path / "a.tif")
    monkeypatch.setattr(
        tifffile.TiffPage, "asarray", lambda *_a, **_k: pytest.fail("the whole page was read")
    )
    read = []
    original = TiffPages.read
    monkeypatch.setattr(
        TiffPages, "read", lambda self, page, part: read.append(part) or original(self, page, part)
    )
    stack.frame(0, 1, (slice(70, 80), slice(10, 20)))
    assert read == [(slice(64, 128), slice(0, 64))]


@settings(max_examples=30)
@given(st.data())
def test_any_part_of_raw_pages(tmp_path_factory, data):
    shape = data.draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    array = np.random.default_rng(0).integers(0, 9, (3, *shape)).astype(">u2")
    path = tmp_path_factory.mktemp("raw") / "a.raw"
    path.write_bytes(b"head" + array.tobytes())
    part = tuple(slice(*sorted(data.draw(st.tuples(st.integers(0, n), st.integers(0, n))))) for n in shape)
    got = RawPages(str(path), 4, shape, ">u2").read(2, part)
    np.testing.assert_array_equal(got, array[2][part])
    assert got.dtype == np.uint16


def test_a_file_cut_short_since_is_told(small_blocks, tmp_path, greys):
    tifffile.imwrite(tmp_path / "a.tif", greys, metadata={"axes": "CYX"})
    stack = open_stack(tmp_path / "a.tif")
    whole = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="cannot be read"):
        stack.frame(0, 1, (slice(0, 10), slice(0, 10)))


def test_a_damaged_tile_is_told(small_blocks, tmp_path, greys):
    tifffile.imwrite(tmp_path / "a.tif", greys, tile=(64, 64), compression="zlib", metadata={"axes": "CYX"})
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        at = tiff.pages[1].dataoffsets[0]
    with (tmp_path / "a.tif").open("r+b") as file:
        file.seek(at)
        file.write(b"\xff" * 40)
    with pytest.raises(InputError, match="damaged"):
        open_stack(tmp_path / "a.tif").frame(0, 1, (slice(0, 10), slice(0, 10)))


def test_planes_that_were_never_written_are_black_in_part():
    pages = TiffPages(("none",), np.array([[0, -1]]), (50, 40), "uint8")
    assert pages.read(0, (slice(5, 9), slice(0, 7))).shape == (4, 7)
    assert not pages.read(0).any()


def test_ordinary_frames_stay_whole(tmp_path, greys):
    tifffile.imwrite(tmp_path / "a.tif", greys, metadata={"axes": "CYX"})
    assert open_stack(tmp_path / "a.tif").data.numblocks == (1, 2, 1, 1, 1)


def test_large_files_of_one_channel_each_are_read_in_parts(small_blocks, tmp_path, greys, monkeypatch):
    for channel, name in enumerate(("well_c0_t1", "well_c1_t1", "well_c1_t2")):
        tifffile.imwrite(tmp_path / f"{name}.tif", greys[channel % 2], tile=(64, 64), compression="zlib")
    stack = open_stack(tmp_path, missing="blank")
    assert stack.data.numblocks == (2, 2, 1, 5, 4)
    monkeypatch.setattr(tifffile.TiffPage, "asarray", lambda *_a, **_k: pytest.fail("a whole page was read"))
    for part in ((slice(63, 65), slice(120, 200)), (slice(250, 300), slice(180, 210))):
        np.testing.assert_array_equal(stack.frame(0, 1, part), greys[1][part])
        assert stack.frame(1, 0, part).shape == greys[0][part].shape
        assert not stack.frame(1, 0, part).any()


def test_parts_of_ome_zarr(small_blocks, tmp_path, greys):
    group = zarr.open_group(tmp_path / "a.zarr", mode="w", zarr_format=3)
    group.create_array("0", shape=SHAPE, chunks=(1, 64, 64), dtype="u2")[:] = greys
    axes = [{"name": "c", "type": "channel"}, {"name": "y", "type": "space"}, {"name": "x", "type": "space"}]
    datasets = [{"path": "0", "coordinateTransformations": [{"type": "scale", "scale": [1, 0.5, 0.5]}]}]
    group.attrs["ome"] = {"version": "0.5", "multiscales": [{"axes": axes, "datasets": datasets}]}
    stack = open_stack(tmp_path / "a.zarr")
    assert stack.data.numblocks == (1, 2, 1, 5, 4)
    part = (slice(100, 170), slice(60, 70))
    np.testing.assert_array_equal(stack.frame(0, 1, part), greys[1][part])
