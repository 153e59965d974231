"""Folders with one file per frame, channel, plane, well or tile; and folders of single images."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_cellseg.data.read import open_stack, open_stacks
from napari_cellseg.errors import InputError

Make = Callable[..., Path]


def levels(stack: Any) -> np.ndarray[Any, Any]:
    """The value of every plane: which file it came from."""
    return np.asarray(stack.data[..., 0, 0])


def test_time_channel_and_depth_from_names(planes_folder: Make) -> None:
    names = [f"m_t{t:03}_c{c}_z{z}.tif" for t in (1, 2, 3) for c in (1, 2) for z in (0, 1)]
    stack = open_stack(planes_folder(*names))
    np.testing.assert_array_equal(levels(stack), np.arange(1, 13).reshape(3, 2, 2))
    assert (stack.channels, stack.name, stack.axes_sure) == (("c1", "c2"), "m", True)
    assert pickle.loads(pickle.dumps(stack)).data[2, 1, 1, 0, 0].compute() == 12  # noqa: S301 - our own


def test_incucyte_tiles_are_movies_with_their_interval(planes_folder: Make) -> None:
    names = [f"VID7_{w}_{tile}_0{d}d{h:02}h00m.tif" for w in ("A1", "B2") for tile in (1, 2) for d in (0, 1)
             for h in (0, 12)]  # fmt: skip
    folder = planes_folder(*names)
    stacks = open_stacks([folder])
    assert [stack.name for stack in stacks] == ["VID7_A1_1", "VID7_A1_2", "VID7_B2_1", "VID7_B2_2"]
    assert [stack.group for stack in stacks] == [stack.name for stack in stacks]
    np.testing.assert_array_equal(levels(stacks[2]).ravel(), [9, 10, 11, 12])
    assert stacks[0].frame_interval_s == 12 * 3600
    with pytest.raises(InputError, match=r"4 fields of view or movies: VID7_A1_1, VID7_A1_2"):
        open_stack(folder)
    assert open_stack([folder / name for name in names[:4]]).n_frames == 4


def test_chained_names_are_movies_per_field(planes_folder: Make) -> None:
    names = [f"xy{p:02}c{c}t{t:03}.tif" for p in (1, 2) for c in (1, 2) for t in (1, 2, 3)]
    stacks = open_stacks([planes_folder(*names)])
    assert [(s.name, s.data.shape[:2]) for s in stacks] == [("xy01", (3, 2)), ("xy02", (3, 2))]
    np.testing.assert_array_equal(levels(stacks[1])[:, :, 0], [[7, 10], [8, 11], [9, 12]])


def test_channels_by_their_names(planes_folder: Make) -> None:
    stacks = open_stacks([planes_folder("a_phase.tif", "a_dapi.tif", "b_phase.tif", "b_dapi.tif")])
    assert [(s.name, s.channels) for s in stacks] == [("a", ("dapi", "phase")), ("b", ("dapi", "phase"))]
    assert levels(stacks[0]).ravel().tolist() == [2, 1]


def test_single_images_stay_single_and_keep_their_field(planes_folder: Make) -> None:
    names = [f"EXP_p00{p}_t0000{t}_z001.tif" for p in (1, 2) for t in (1, 2)]
    stacks = open_stacks([planes_folder(*names, ".hidden.tif")])
    assert [stack.name for stack in stacks] == [name.removesuffix(".tif") for name in names]
    assert [stack.group for stack in stacks] == ["EXP_p001"] * 2 + ["EXP_p002"] * 2
    assert all(stack.n_frames == 1 for stack in stacks)


def test_frames_named_by_their_time_alone_are_one_field(planes_folder: Make) -> None:
    stacks = open_stacks([planes_folder("t001.tif", "t002.tif")])
    assert [(stack.name, stack.group) for stack in stacks] == [("t001", "images"), ("t002", "images")]


def test_every_file_by_itself_when_asked(planes_folder: Make) -> None:
    folder = planes_folder("xy1c1t1.tif", "xy1c2t1.tif")
    assert len(open_stacks([folder])) == 1
    stacks = open_stacks([folder], grouping="files")
    assert [(s.name, s.channels, s.group) for s in stacks] == [
        ("xy1c1t1", ("c1",), "xy1"),
        ("xy1c2t1", ("c2",), "xy1"),
    ]


def test_images_of_other_sizes_are_opened_by_themselves(tmp_path: Path, planes_folder: Make) -> None:
    folder = planes_folder("a_c1.tif")
    tifffile.imwrite(folder / "a_c2.tif", np.zeros((9, 9), np.uint8))
    stacks = open_stacks([folder])
    assert [stack.frame_shape for stack in stacks] == [(5, 7), (9, 9)]
    assert "a_c2.tif is 9 × 9" in stacks[0].axes_note
    with pytest.raises(InputError, match=r"a_c1.tif is 5 × 7 pixels, a_c2.tif is 9 × 9"):
        open_stack(folder)


def test_missing_planes_are_named_or_black(planes_folder: Make) -> None:
    names = [f"m_t{t}_c{c}.tif" for t in (1, 2, 3) for c in (1, 2)]
    folder = planes_folder(*(name for name in names if name != "m_t2_c2.tif"))
    with pytest.raises(InputError, match=r"lacks 1 images of m: time 2, channel c2"):
        open_stack(folder)
    stack = open_stack(folder, missing="blank")
    np.testing.assert_array_equal(levels(stack)[:, :, 0], [[1, 2], [3, 0], [4, 5]])
    assert "1 planes are missing and black" in stack.axes_note


def test_two_files_for_one_plane(planes_folder: Make) -> None:
    with pytest.raises(InputError, match=r"m_c1_t01.tif and m_t1_c1.tif are named as the same"):
        open_stack(planes_folder("m_t1_c1.tif", "m_c1_t01.tif"))


def test_names_that_tell_nothing_are_a_doubted_movie(planes_folder: Make) -> None:
    folder = planes_folder("img10.tif", "img9.tif", "img100.tif")
    stack = open_stack(folder)
    assert levels(stack).ravel().tolist() == [2, 1, 3]  # in natural order
    assert (stack.name, stack.axes_sure) == ("images", False)
    assert "order of their names" in stack.axes_note
    assert open_stack(folder, axes="ZYX").data.shape[:3] == (1, 1, 3)
    assert open_stack(folder, axes="TYX").axes_sure


def test_files_of_several_planes_in_a_folder(tmp_path: Path) -> None:
    for c in (0, 1):
        tifffile.imwrite(
            tmp_path / f"pos1_{('phase', 'dapi')[c]}.tif",
            np.arange(30, dtype=np.uint8).reshape(5, 2, 3) + 100 * c,
            imagej=True,
            metadata={"axes": "TYX"},
        )
    stack = open_stack(tmp_path)
    assert (stack.data.shape, stack.channels) == ((5, 2, 1, 2, 3), ("dapi", "phase"))
    assert np.asarray(stack.data[4, 0, 0]).tolist() == [[124, 125, 126], [127, 128, 129]]


def test_mixed_types_and_formats_become_one(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "m_c1.tif", np.full((4, 4), 60_000, np.uint16))
    Image.fromarray(np.full((4, 4), 7, np.uint8)).save(tmp_path / "m_c2.png")
    stack = open_stack(tmp_path)
    assert stack.data.dtype == np.uint16
    assert levels(stack).ravel().tolist() == [60_000, 7]


def test_a_file_that_changes_is_noticed(planes_folder: Make) -> None:
    folder = planes_folder("m_t1.tif", "m_t2.tif")
    stack = open_stack(folder)
    tifffile.imwrite(folder / "m_t2.tif", np.zeros((9, 9), np.uint8))
    with pytest.raises(InputError, match="9 × 9"):
        stack.frame(1, 0)


def test_files_folders_and_patterns_together(planes_folder: Make) -> None:
    one = planes_folder("x.tif", "y.tif", folder="one")
    two = planes_folder("x.tif", "z.png.tif", folder="two")
    stacks = open_stacks([one, two / "x.tif", str(two / "z*.tif")])
    assert [stack.name for stack in stacks] == ["one_x", "y", "two_x", "z.png"]
    assert [stack.group for stack in stacks] == [stack.name for stack in stacks]
    planes_folder("m_t1_c1.tif", "m_t1_c2.tif", folder="three")
    given = sorted((one.parent / "three").iterdir())
    assert len(open_stacks(given)) == len(open_stacks([given[0].parent])) == 1


def test_what_the_person_told_holds_for_all(planes_folder: Make) -> None:
    stacks = open_stacks(
        [planes_folder("x.tif", "y.tif")],
        channel_names=["BF"],
        pixel_size_um=0.5,
        frame_interval_s=60,
        z="max",
    )
    assert {(s.channels, s.pixel_size_um, s.frame_interval_s) for s in stacks} == {(("BF",), 0.5, 60)}


def test_nothing_given() -> None:
    with pytest.raises(InputError, match="No input"):
        open_stacks([])


@pytest.mark.real
def test_real_folders(real_data: Path) -> None:
    stacks = open_stacks([real_data / "aisegcell" / "images"])
    files = sorted((real_data / "aisegcell" / "images").iterdir())
    assert sorted(stack.name for stack in stacks) == [file.stem for file in files]
    assert len({stack.group for stack in stacks}) < len(stacks)
    assert sum(stack.group == "220524DS30_p0011" for stack in stacks) == 11
    pictures = open_stacks([real_data / "dsb2018" / "images"])
    assert len(pictures) == len(list((real_data / "dsb2018" / "images").iterdir()))
    assert len({stack.group for stack in pictures}) == len(pictures)
