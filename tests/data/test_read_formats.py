"""Every format gives the same lazy TCZYX stack, with units and names."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from napari_cellseg.data.read import open_stack
from napari_cellseg.data.stack import Stack

Array = np.ndarray[Any, Any]
Ramp = Callable[..., Array]


def values(stack: Stack) -> Array:
    return np.asarray(stack.data)


def test_an_imagej_hyperstack_with_units_and_channel_names(tmp_path: Path, ramp: Ramp) -> None:
    movie = ramp(3, 2, 5, 6)
    tifffile.imwrite(
        tmp_path / "movie.tif",
        movie,
        imagej=True,
        resolution=(1 / 0.65, 1 / 0.65),
        metadata={"axes": "TCYX", "unit": "um", "finterval": 600.0, "Labels": ["Phase", "Nuclei"] * 3},
    )
    stack = open_stack(tmp_path / "movie.tif")
    np.testing.assert_array_equal(values(stack)[:, :, 0], movie)
    assert stack.channels == ("Phase", "Nuclei")
    assert (stack.pixel_size_um, stack.frame_interval_s) == (0.65, 600)
    assert (stack.name, stack.group, stack.axes_sure) == ("movie", "movie", True)
    assert stack.data.chunksize == (1, 1, 1, 5, 6)
    np.testing.assert_array_equal(stack.frame(1, 1), movie[1, 1])


def test_imagej_units_of_other_kinds(tmp_path: Path, ramp: Ramp) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif",
        ramp(3, 5, 6),
        imagej=True,
        resolution=(2, 2),
        metadata={"axes": "TYX", "unit": "nm", "finterval": 2.0, "tunit": "min", "Labels": ["a", "b", "c"]},
    )
    stack = open_stack(tmp_path / "a.tif")
    assert stack.pixel_size_um == pytest.approx(0.0005)
    assert stack.frame_interval_s == 120
    assert stack.channels == ("channel 0",)  # labels of frames are no channel names


def test_a_plain_imagej_stack_is_doubted(tmp_path: Path, ramp: Ramp) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif", ramp(9, 5, 6), imagej=True, metadata={"axes": "ZYX", "hyperstack": False}
    )
    stack = open_stack(tmp_path / "a.tif")
    assert stack.data.shape == (9, 1, 1, 5, 6)
    assert not stack.axes_sure
    assert "ImageJ" in stack.axes_note
    told = open_stack(tmp_path / "a.tif", axes="ZYX")
    assert told.data.shape == (1, 1, 9, 5, 6)
    assert told.axes_sure


def test_a_movie_written_as_a_hundred_channels_is_doubted(tmp_path: Path, ramp: Ramp) -> None:
    tifffile.imwrite(tmp_path / "a.tif", ramp(100, 5, 6), imagej=True)
    stack = open_stack(tmp_path / "a.tif")
    assert stack.n_frames == 100
    assert not stack.axes_sure


@pytest.mark.parametrize("compression", [None, "zlib", "lzw"])
def test_ome_with_pixel_size_interval_and_names(tmp_path: Path, ramp: Ramp, compression: str | None) -> None:
    movie = ramp(3, 2, 4, 5, 6)
    tifffile.imwrite(
        tmp_path / "movie.ome.tif",
        movie,
        compression=compression,
        metadata={
            "axes": "TCZYX",
            "Channel": {"Name": ["BF", "DAPI"]},
            "PhysicalSizeX": 650.0,
            "PhysicalSizeXUnit": "nm",
            "TimeIncrement": 5.0,
            "TimeIncrementUnit": "min",
        },
    )
    stack = open_stack(tmp_path / "movie.ome.tif")
    np.testing.assert_array_equal(values(stack), movie)
    assert (stack.channels, stack.name) == (("BF", "DAPI"), "movie")
    assert stack.pixel_size_um == pytest.approx(0.65)
    assert stack.frame_interval_s == 300
    flat = open_stack(tmp_path / "movie.ome.tif", z="max")
    np.testing.assert_array_equal(flat.frame(1, 0), movie[1, 0].max(axis=0))


def test_ome_interval_from_the_times_of_the_planes(tmp_path: Path, ramp: Ramp) -> None:
    tifffile.imwrite(
        tmp_path / "a.ome.tif",
        ramp(3, 5, 6),
        metadata={"axes": "TYX", "Plane": {"DeltaT": [0.0, 30.0, 61.0], "TheT": [0, 1, 2]}},
    )
    assert open_stack(tmp_path / "a.ome.tif").frame_interval_s in (30, 31)


def test_a_pyramid_is_read_at_full_resolution(tmp_path: Path, ramp: Ramp) -> None:
    movie = ramp(2, 64, 64)
    with tifffile.TiffWriter(tmp_path / "p.ome.tif") as writer:
        writer.write(movie, subifds=1, tile=(32, 32), compression="zlib", metadata={"axes": "TYX"})
        writer.write(movie[:, ::2, ::2], subfiletype=1, tile=(32, 32), compression="zlib")
    np.testing.assert_array_equal(values(open_stack(tmp_path / "p.ome.tif"))[:, 0, 0], movie)


def test_one_of_several_series_is_chosen(tmp_path: Path, ramp: Ramp) -> None:
    with tifffile.TiffWriter(tmp_path / "s.ome.tif", ome=True) as writer:
        writer.write(ramp(2, 5, 6), metadata={"axes": "TYX", "Name": "first"}, photometric="minisblack")
        writer.write(ramp(3, 7, 8) + 5, metadata={"axes": "TYX", "Name": "second"}, photometric="minisblack")
    stack = open_stack(tmp_path / "s.ome.tif", series=1)
    np.testing.assert_array_equal(values(stack)[:, 0, 0], ramp(3, 7, 8) + 5)
    assert "2 images" in stack.axes_note


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("bigtiff", [False, True])
@pytest.mark.parametrize(
    "dtype", ["uint8", "int16", "uint16", "uint32", "int32", "float16", "float32", "float64"]
)
def test_all_pixel_types(tmp_path: Path, ramp: Ramp, dtype: str, bigtiff: bool, byteorder: str) -> None:
    movie = ramp(2, 5, 6, dtype=dtype)
    tifffile.imwrite(
        tmp_path / "a.tif", movie, bigtiff=bigtiff, byteorder=byteorder, metadata={"axes": "TYX"}
    )
    stack = open_stack(tmp_path / "a.tif")
    assert stack.data.dtype == dtype
    assert stack.frame(1, 0).dtype == np.dtype(dtype)  # in the machine's own byte order
    np.testing.assert_array_equal(values(stack)[:, 0, 0], movie)


def test_one_bit_masks(tmp_path: Path) -> None:
    mask = np.random.default_rng(0).random((9, 21)) > 0.5
    tifffile.imwrite(tmp_path / "a.tif", mask)
    np.testing.assert_array_equal(open_stack(tmp_path / "a.tif").frame(0, 0), mask.astype(np.uint8))


def test_unnamed_axes_are_guessed_aloud_and_can_be_told(tmp_path: Path, ramp: Ramp) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif", shaped=False) as writer:
        for plane in ramp(12, 5, 6):
            writer.write(plane, contiguous=False, metadata=None)
    stack = open_stack(tmp_path / "a.tif")
    assert stack.data.shape == (12, 1, 1, 5, 6)
    assert not stack.axes_sure
    assert "check" in stack.axes_note
    told = open_stack(tmp_path / "a.tif", axes="ZYX")
    np.testing.assert_array_equal(values(told)[0, 0], ramp(12, 5, 6))
    for axes in ("YTX", "YXC"):  # height counts pages: unusual, and still right
        told = open_stack(tmp_path / "a.tif", axes=axes)
        expected = np.moveaxis(ramp(12, 5, 6), (axes.index("Y"), axes.index("X")), (1, 2))
        np.testing.assert_array_equal(np.squeeze(values(told)), expected)


def test_pixel_size_from_tags_only_where_it_is_a_microscopes(tmp_path: Path, ramp: Ramp) -> None:
    for name, resolution, unit, expected in [
        ("cm", 1e4 / 0.5, "CENTIMETER", 0.5),
        ("dpi", 300, "INCH", None),
        ("none", 2, "NONE", None),
    ]:
        file = tmp_path / f"{name}.tif"
        tifffile.imwrite(file, ramp(5, 6), resolution=(resolution, resolution), resolutionunit=unit)
        assert open_stack(file).pixel_size_um == expected


@pytest.mark.parametrize("suffix", [".tif", ".png"])
def test_rgb_becomes_grey_with_a_note(tmp_path: Path, suffix: str) -> None:
    colours = np.random.default_rng(0).integers(0, 256, (7, 9, 3), dtype=np.uint8)
    colours[0, 0] = 255
    file = tmp_path / f"a{suffix}"
    if suffix == ".tif":
        tifffile.imwrite(file, colours, photometric="rgb")
    else:
        Image.fromarray(colours).save(file)
    stack = open_stack(file)
    expected = np.rint(colours @ np.array([0.2126, 0.7152, 0.0722]))
    np.testing.assert_array_equal(stack.frame(0, 0), expected)
    assert stack.frame(0, 0)[0, 0] == 255
    assert stack.data.dtype == np.uint8
    assert "grey" in stack.axes_note


def test_three_planes_that_do_not_say_rgb_are_three_channels(tmp_path: Path, ramp: Ramp) -> None:
    planes = ramp(7, 9, 3, dtype="uint8")
    tifffile.imwrite(tmp_path / "a.tif", planes, photometric="minisblack", planarconfig="contig")
    stack = open_stack(tmp_path / "a.tif")
    np.testing.assert_array_equal(values(stack)[0, :, 0], np.moveaxis(planes, -1, 0))


def test_an_rgb_movie(tmp_path: Path) -> None:
    colours = np.random.default_rng(0).integers(0, 256, (4, 7, 9, 3), dtype=np.uint8)
    tifffile.imwrite(
        tmp_path / "a.tif", colours, photometric="rgb", compression="zlib", metadata={"axes": "TYXS"}
    )
    stack = open_stack(tmp_path / "a.tif")
    assert stack.data.shape == (4, 1, 1, 7, 9)
    np.testing.assert_array_equal(stack.frame(2, 0), np.rint(colours[2] @ np.array([0.2126, 0.7152, 0.0722])))


def test_pictures_grey_alpha_and_sixteen_bits(tmp_path: Path) -> None:
    grey = np.random.default_rng(0).integers(0, 60000, (7, 9), dtype=np.uint16)
    Image.fromarray(grey).save(tmp_path / "16.png")
    np.testing.assert_array_equal(open_stack(tmp_path / "16.png").frame(0, 0), grey)
    alpha = np.dstack([(grey // 256).astype(np.uint8), np.full(grey.shape, 128, np.uint8)])
    Image.fromarray(alpha, mode="LA").save(tmp_path / "la.png")
    np.testing.assert_array_equal(open_stack(tmp_path / "la.png").frame(0, 0), alpha[..., 0])
    rgba = np.dstack([alpha[..., 0]] * 3 + [alpha[..., 1]])
    Image.fromarray(rgba).save(tmp_path / "rgba.png")
    np.testing.assert_array_equal(open_stack(tmp_path / "rgba.png").frame(0, 0), alpha[..., 0])
    smooth = np.tile(np.arange(0, 240, 10, dtype=np.uint8), (16, 1))
    Image.fromarray(smooth).save(tmp_path / "a.jpg", quality=95)
    assert np.abs(open_stack(tmp_path / "a.jpg").frame(0, 0).astype(int) - smooth).max() < 8


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (3, 1, 1)])
def test_single_pixels_and_lines_open_fine(tmp_path: Path, ramp: Ramp, shape: tuple[int, ...]) -> None:
    image = ramp(*shape) + 1
    tifffile.imwrite(
        tmp_path / "a.tif", image, photometric="minisblack", metadata={"axes": "TYX"[-len(shape) :]}
    )
    stack = open_stack(tmp_path / "a.tif")
    assert stack.frame_shape == shape[-2:]
    np.testing.assert_array_equal(np.squeeze(values(stack)), np.squeeze(image))


@given(
    st.fixed_dictionaries({a: st.integers(1, 4) for a in "TCZ"}),
    st.sampled_from(["imagej", "ome", "shaped"]),
    st.sampled_from([None, "zlib"]),
)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_written_stacks_come_back(
    tmp_path: Path, lengths: dict[str, int], kind: str, compression: str | None
) -> None:
    axes = "TZCYX"
    shape = tuple(lengths.get(a, n) for a, n in zip(axes, (0, 0, 0, 5, 6), strict=True))
    movie = np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)
    tifffile.imwrite(
        tmp_path / "a.tif",
        movie,
        imagej=kind == "imagej",
        ome=kind == "ome",
        compression=compression,
        photometric="minisblack",
        metadata={"axes": axes},
    )
    stack = open_stack(tmp_path / "a.tif")
    np.testing.assert_array_equal(values(stack), movie.transpose(0, 2, 1, 3, 4))
    assert stack.axes_sure


def test_a_stack_is_pickled_without_its_pixels(tmp_path: Path) -> None:
    movie = np.zeros((300, 64, 64), np.uint16)
    movie[:, 0, 0] = np.arange(300)
    for compression in (None, "zlib"):
        tifffile.imwrite(tmp_path / "a.tif", movie, compression=compression, metadata={"axes": "TYX"})
        sent = pickle.dumps(open_stack(tmp_path / "a.tif"))
        assert len(sent) < 20_000
        assert pickle.loads(sent).frame(123, 0)[0, 0] == 123  # noqa: S301 - our own


def test_an_ome_set_of_several_files(tmp_path: Path, ramp: Ramp) -> None:
    uuids = [f"urn:uuid:00000000-0000-0000-0000-00000000000{i}" for i in (1, 2)]
    data = "".join(
        f'<TiffData FirstT="{i}" FirstC="0" FirstZ="0" IFD="0" PlaneCount="1">'
        f'<UUID FileName="f{i}.ome.tif">{uuid}</UUID></TiffData>'
        for i, uuid in enumerate(uuids)
    )
    for i, uuid in enumerate(uuids):
        xml = (
            '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" '
            f'UUID="{uuid}"><Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" '
            'Type="uint16" SizeX="6" SizeY="5" SizeZ="1" SizeC="1" SizeT="2">'
            f'<Channel ID="Channel:0:0" Name="BF"/>{data}</Pixels></Image></OME>'
        )
        tifffile.imwrite(tmp_path / f"f{i}.ome.tif", ramp(5, 6) + 100 * i, description=xml, metadata=None)
    stack = open_stack(tmp_path / "f0.ome.tif")
    assert stack.data.shape == (2, 1, 1, 5, 6)
    np.testing.assert_array_equal(stack.frame(1, 0), ramp(5, 6) + 100)


@pytest.mark.real
def test_real_images(real_data: Path) -> None:
    phase = open_stack(sorted((real_data / "usiigaci" / "images").iterdir())[0])
    assert (phase.data.dtype, phase.frame_shape) == (np.uint16, (1022, 1024))
    assert phase.frame(0, 0).std() > 0
    pictures = [open_stack(p) for p in sorted((real_data / "dsb2018" / "images").iterdir())[:40]]
    assert {stack.data.dtype for stack in pictures} == {np.dtype(np.uint8)}
    coloured = [stack for stack in pictures if "grey" in stack.axes_note]
    assert 0 < len(coloured) < len(pictures)
    rgb = np.asarray(Image.open(coloured[0].source))[..., :3]
    assert np.abs(coloured[0].frame(0, 0) - rgb @ np.array([0.2126, 0.7152, 0.0722])).max() <= 0.5
