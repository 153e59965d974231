"""Channels by their names."""

from __future__ import annotations

import dask.array as da
import pytest

from napari_cellseg.data.channels import Channels, find_channels, kind_of
from napari_cellseg.data.stack import Stack
from napari_cellseg.errors import InputError


def stack(*names: str) -> Stack:
    return Stack(da.zeros((1, len(names), 1, 4, 4)), names, "movie")


@pytest.mark.parametrize(
    "name",
    ["Phase", "phase contrast", "Ph2", "BF", "Brightfield", "bright-field", "DIC", "Trans",
     "Transmitted light", "TL", "T-PMT", "img_BF_0", "BrightField", "holotomography", "label-free"],
)  # fmt: skip
def test_label_free_names(name: str) -> None:
    assert kind_of(name) == "label-free"


@pytest.mark.parametrize(
    "name",
    ["DAPI", "Hoechst 33342", "Nuclei", "nuclear", "nuc", "GFP", "eGFP", "H2B-mCherry", "mCherry", "Cy5",
     "FITC", "Alexa488", "SiR-DNA", "green", "Texas Red", "488", "fluorescence", "tdTomato",
     "NucLight Red", "RFP"],
)  # fmt: skip
def test_fluorescence_names(name: str) -> None:
    assert kind_of(name) == "fluorescence"


@pytest.mark.parametrize("name", ["channel 0", "c1", "w2", "Phase GFP", "camera", "graphite", "brf"])
def test_names_that_tell_neither(name: str) -> None:
    assert kind_of(name) is None


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("Phase", "Nuclei"), Channels(0, 1)),
        (("DAPI", "BF"), Channels(1, 0)),
        (("GFP", "DAPI", "DIC"), Channels(2, 1)),  # the nuclear one of two
        (("Phase", "channel 1"), Channels(0, 1)),  # the other of two
        (("channel 0", "Hoechst"), Channels(0, 1)),
    ],
)
def test_channels_are_found_by_name(names: tuple[str, ...], expected: Channels) -> None:
    assert find_channels(stack(*names), need_fluorescence=True, need_image=True) == expected


def test_told_names_and_numbers_come_first() -> None:
    movie = stack("c0", "c1", "c2")
    assert find_channels(movie, image=2, fluorescence="C0", need_fluorescence=True) == Channels(2, 0)
    assert find_channels(movie, image="1") == Channels(1, None)
    assert find_channels(stack("Phase", "H2B-mCherry"), fluorescence="h2b").fluorescence == 1
    assert find_channels(stack("1", "0"), image="1").image == 0  # a name comes before a number


@pytest.mark.parametrize("told", [3, -1, "3", "nothing", "c", ""])
def test_what_is_not_there_is_an_error_that_lists_the_channels(told: str | int) -> None:
    with pytest.raises(InputError, match="0: c0, 1: c1"):
        find_channels(stack("c0", "c1"), image=told)


def test_ambiguous_channels_are_listed() -> None:
    with pytest.raises(InputError, match=r"0: GFP, 1: mCherry, 2: BF.*GFP, mCherry.*--fluorescence-channel"):
        find_channels(stack("GFP", "mCherry", "BF"), need_fluorescence=True)
    with pytest.raises(InputError, match="--image-channel"):
        find_channels(stack("channel 0", "channel 1"))
    assert find_channels(stack("GFP", "mCherry", "BF")) == Channels(2, None)  # not needed, no error


def test_one_channel_is_what_it_is_needed_for() -> None:
    assert find_channels(stack("channel 0")) == Channels(0, None)
    assert find_channels(stack("DAPI")) == Channels(0, None)
    assert find_channels(stack("channel 0"), need_fluorescence=True) == Channels(None, 0)
    assert find_channels(stack("Phase"), fluorescence=0, need_fluorescence=True).fluorescence == 0
    with pytest.raises(InputError, match="only a label-free channel"):
        find_channels(stack("Phase"), need_fluorescence=True)
    with pytest.raises(InputError, match="only one channel"):
        find_channels(stack("Phase"), need_fluorescence=True, need_image=True)
