"""Label-free and fluorescence from two files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest
import tifffile

from napari_cellseg.data.read import open_stack, open_stacks, pair, pair_by_name
from napari_cellseg.data.stack import Stack
from napari_cellseg.errors import InputError


def stack(name: str, shape: tuple[int, ...] = (3, 1, 1, 5, 6), **known: Any) -> Stack:
    channels = known.pop("channels", tuple(f"channel {i}" for i in range(shape[1])))
    return Stack(da.zeros(shape, chunks=(1, 1, 1, *shape[3:])), channels, name, **known)


def test_two_files_become_two_channels(tmp_path: Path, ramp: Callable[..., Any]) -> None:
    tifffile.imwrite(
        tmp_path / "p.tif", ramp(3, 5, 6, dtype="uint8"), metadata={"axes": "TYX"}, photometric="minisblack"
    )
    tifffile.imwrite(
        tmp_path / "f.tif", ramp(3, 5, 6) + 500, metadata={"axes": "TYX"}, photometric="minisblack"
    )
    both = pair(open_stack(tmp_path / "p.tif"), open_stack(tmp_path / "f.tif"))
    assert both.channels == ("label-free", "fluorescence")
    assert both.name == "p"
    np.testing.assert_array_equal(both.frame(2, 0), ramp(3, 5, 6)[2])
    np.testing.assert_array_equal(both.frame(2, 1), ramp(3, 5, 6)[2] + 500)
    assert "f.tif" in both.axes_note


def test_what_one_does_not_know_the_other_may() -> None:
    both = pair(
        stack("a", channels=("BF",)), stack("b", pixel_size_um=0.5, frame_interval_s=60.0, axes_sure=False)
    )
    assert (both.pixel_size_um, both.frame_interval_s, both.axes_sure) == (0.5, 60, False)
    assert both.channels == ("BF", "fluorescence")
    assert pair(stack("a", channels=("GFP",)), stack("b", channels=("GFP",))).channels == ("GFP", "GFP (b)")


@pytest.mark.parametrize("shape", [(4, 1, 1, 5, 6), (3, 1, 2, 5, 6), (3, 1, 1, 5, 7)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="same number of time points"):
        pair(stack("a"), stack("b", shape))


def test_other_pixel_sizes_are_refused() -> None:
    with pytest.raises(InputError, match=r"0\.5 µm.*0\.65 µm"):
        pair(stack("a", pixel_size_um=0.5), stack("b", pixel_size_um=0.65))
    assert pair(stack("a", pixel_size_um=0.5), stack("b", pixel_size_um=0.5001)).pixel_size_um == 0.5


def test_folders_are_paired_by_name() -> None:
    images, stains = [stack("x"), stack("y")], [stack("y_mask"), stack("x"), stack("z")]
    assert [both.name for both in pair_by_name(images, stains)] == ["x", "y"]
    with pytest.raises(InputError, match=r"1 of 2 label-free movies.*: y"):
        pair_by_name(images, stains[1:])
    with pytest.raises(InputError, match=": x"):
        pair_by_name(images[:1], [stack("x"), replace(stack("X"))])


@pytest.mark.real
def test_real_pairs(real_data: Path) -> None:
    stains = open_stacks([real_data / "aisegcell" / "nuc"])
    names = {stain.name for stain in stains}
    images = [s for s in open_stacks([real_data / "aisegcell" / "images"]) if s.name in names]
    pairs = pair_by_name(images, stains)
    assert len(pairs) == len(stains)
    assert pairs[0].data.shape[1] == 2
