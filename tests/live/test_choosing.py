from collections.abc import Callable
from pathlib import Path

import dask.array as da
import numpy as np
import pytest
from PIL import Image

from napari_cellseg.data.stack import Stack
from napari_cellseg.learn import registry
from napari_cellseg.learn.card import read_card
from napari_cellseg.live.choosing import (
    Candidate,
    CandidateRead,
    candidates,
    modality_named,
    modality_of,
    read_cover,
)
from napari_cellseg.live.training import known_models
from napari_cellseg.pipeline.inputs import channel_for
from napari_cellseg.progress import follow

Write = Callable[..., Path]


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "bundled_models_folder", lambda: tmp_path / "bundled")
    monkeypatch.setattr(registry, "user_models_folder", lambda: tmp_path / "own")


@pytest.mark.parametrize(
    ("channel", "expected"),
    [
        ("Phase", "phase contrast"),
        ("phase contrast", "phase contrast"),
        ("PH2", "phase contrast"),
        ("BF", "bright-field"),
        ("bright-field", "bright-field"),
        ("Brightfield 20x", "bright-field"),
        ("DAPI", "fluorescence"),
        ("fluorescence", "fluorescence"),
        ("DIC", ""),
        ("channel 0", ""),
        ("", ""),
    ],
)
def test_modality_is_told_from_the_name_of_a_channel(channel: str, expected: str) -> None:
    assert modality_named(channel) == expected


def test_modality_of_a_study_is_that_of_the_channel_in_which_cells_are_found() -> None:
    stack = Stack(da.zeros((1, 2, 1, 4, 4)), ("DAPI", "Phase"), "s")
    assert modality_of(stack, 1) == "phase contrast"
    assert modality_of(stack, 0) == "fluorescence"
    assert modality_of(None, 0) == ""


def test_own_models_come_first_and_damaged_ones_are_told(fake_model: Write, tmp_path: Path) -> None:
    fake_model(tmp_path / "bundled" / "a standard")
    mine = fake_model(tmp_path / "own" / "mine")
    Image.new("RGBA", (300, 150), (200, 10, 10, 255)).save(mine / "cover.png")
    (fake_model(tmp_path / "study" / "bad") / "card.json").write_text("{")
    elsewhere = fake_model(tmp_path / "elsewhere" / "other")
    read: list[Candidate] = []
    damaged = follow(
        candidates([tmp_path / "study"], elsewhere),
        lambda event: read.append(event.candidate) if isinstance(event, CandidateRead) else None,
    )
    assert [one.name for one in read] == ["mine", "other", "a standard"]
    assert len(damaged) == 1
    assert "bad" in damaged[0]
    assert read[0].cover is not None
    assert read[0].cover.shape == (128, 256, 3)
    assert read[0].cover[0, 0].tolist() == [200, 10, 10]
    assert read[1].cover is None


def test_models_that_give_pixels_classes_are_not_offered(fake_model: Write, tmp_path: Path) -> None:
    fake_model(tmp_path / "study" / "classes", net={"classes": 3})
    fake_model(tmp_path / "study" / "objects")
    read: list[CandidateRead] = []
    follow(candidates([tmp_path / "study"]), read.append)
    assert [event.candidate.name for event in read] == ["objects"]
    assert [name for name, _, _ in follow(known_models((tmp_path / "study",)))] == ["objects"]


def test_a_cover_that_is_no_picture_is_none(tmp_path: Path) -> None:
    assert read_cover(tmp_path) is None
    (tmp_path / "cover.png").write_bytes(b"no picture")
    assert read_cover(tmp_path) is None
    whole = tmp_path / "whole.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)).save(whole)
    (tmp_path / "cover.png").write_bytes(whole.read_bytes()[:2000])
    assert read_cover(tmp_path) is None
    Image.new("L", (5000, 2)).save(tmp_path / "cover.png")
    assert read_cover(tmp_path) is None


def test_a_card_is_told_in_a_few_words(fake_model: Write, tmp_path: Path) -> None:
    known = {"objects": "cells", "modality": "phase contrast", "any_size": True, "limits": ("A.", "B.")}
    one = candidate(fake_model(tmp_path / "m", title="Cells", scores={"iou": 0.5, "ap50": 0.912}, **known))
    assert (one.title, one.what) == ("Cells", "Finds cells · phase contrast")
    assert one.size == "Objects of any size, trained at 14 px"
    assert (one.score, one.limits) == ("AP 0.91 on images kept aside", "A. B.")
    silent = candidate(fake_model(tmp_path / "mine", n_frames=1))
    assert (silent.title, silent.what) == ("mine", "Finds objects · kind of image not told")
    assert silent.size == "Objects of one size, trained at 14 px"
    assert (silent.score, silent.limits) == ("Not scored", "Trained 2026-01-01 on 1 frame.")


def candidate(folder: Path) -> Candidate:
    return Candidate(folder.name, folder, read_card(folder))


def test_models_suit_what_their_card_says_and_silent_ones_suit_all(fake_model: Write, tmp_path: Path) -> None:
    nuclei = candidate(fake_model(tmp_path / "a", objects="nuclei", modality="fluorescence"))
    mine = candidate(fake_model(tmp_path / "b", image_channel="Phase"))
    any_ = candidate(fake_model(tmp_path / "c", objects="cells", modality="any"))
    assert [nuclei.suits(*asked) for asked in (("", ""), ("nuclei", "fluorescence"), ("cells", ""))] == [
        True,
        True,
        False,
    ]
    assert mine.suits("cells", "phase contrast")
    assert not mine.suits("", "bright-field")
    assert any_.suits("cells", "bright-field")
    assert not any_.suits("nuclei", "")


def test_models_for_stained_cells_look_at_the_stain(fake_model: Write, tmp_path: Path) -> None:
    stained = read_card(fake_model(tmp_path / "a", modality="fluorescence"))
    free = read_card(fake_model(tmp_path / "b", modality="phase contrast"))
    assert channel_for(stained, 0, 1) == 1
    assert channel_for(stained, 0, None) == 0
    assert channel_for(free, 0, 1) == 0
    assert channel_for(None, 2, 1) == 2
