"""Labels are matched to images by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_cellseg.data.match import match_by_stem, stem_of
from napari_cellseg.errors import InputError


@pytest.mark.parametrize(
    "label",
    ["a.tif", "a.png", "a_mask.png", "a_masks.tif", "a_labels.tif", "a_seg.tif", "a_cp_masks.png",
     "A_Mask.TIF", "a.ome.tif", "a-label.tif"],
)  # fmt: skip
def test_suffixes_of_label_files_are_tolerated(label: str) -> None:
    assert match_by_stem([Path("i/a.tif")], [Path("l/b.tif"), Path("l") / label]) == [
        (Path("i/a.tif"), Path("l") / label)
    ]


def test_the_same_name_comes_before_a_similar_one() -> None:
    assert match_by_stem([Path("a.tif")], [Path("a_mask.tif"), Path("l/a.png")])[0][1] == Path("l/a.png")


def test_what_is_missing_is_listed() -> None:
    with pytest.raises(InputError, match=r"2 of 3 images.*b.tif, c.tif"):
        match_by_stem([Path("a.tif"), Path("b.tif"), Path("c.tif")], [Path("a.png")])
    kept = match_by_stem([Path("a.tif"), Path("b.tif")], [Path("a.png")], require_all=False)
    assert [pair[0].name for pair in kept] == ["a.tif"]
    with pytest.raises(InputError, match="no files to choose from"):
        match_by_stem([Path("a.tif")], [], require_all=False)


def test_two_files_for_one_image_are_refused() -> None:
    with pytest.raises(InputError, match=r"a_mask.tif, a_seg.tif"):
        match_by_stem([Path("a.tif")], [Path("a_mask.tif"), Path("a_seg.tif")])


def test_stems() -> None:
    assert stem_of("x/a.ome.tif") == "a"
    assert stem_of("x/a.b.tif") == "a.b"
    assert stem_of(".ome.tif") == ".ome"
