import json
from pathlib import Path

import pytest

from napari_cellseg.errors import ModelError
from napari_cellseg.learn import registry
from napari_cellseg.learn.card import DataSource, ModelCard, read_card, sha256_of
from napari_cellseg.learn.registry import list_models
from napari_cellseg.learn.shelf import (
    checked_name,
    copy_model,
    delete_model,
    list_bin,
    note_model,
    rename_model,
    restore_model,
)

CARD = {
    "name": "mine",
    "created": "2026-01-01T00:00:00+00:00",
    "net": {},
    "low_percentile": 1,
    "high_percentile": 99,
    "object_diameter_px": 14,
    "train": {},
    "data_fingerprint": "",
    "n_frames": 1,
    "groups": (),
    "held_out": (),
    "held_out_how": "",
    "scores": {"iou": 0.5},
    "epochs": 1,
    "seconds": 1,
    "device": "",
    "versions": {},
}


def put(folder: Path, **known: object) -> Path:
    """Write what looks like a model: the shelf never looks into the weights."""
    folder.mkdir(parents=True)
    weights = folder / "weights.safetensors"
    weights.write_bytes(b"weights of " + folder.name.encode())
    card = ModelCard(**{**CARD, "name": folder.name, "sha256": sha256_of(weights), **known})
    (folder / "card.json").write_text(card.model_dump_json())
    return folder


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(registry, "user_models_folder", lambda: tmp_path / "own")
    monkeypatch.setattr(registry, "bundled_models_folder", lambda: tmp_path / "bundled")
    return tmp_path


@pytest.fixture
def mine(places: Path) -> Path:
    return put(places / "own" / "mine")


@pytest.fixture
def bundled(places: Path) -> Path:
    return put(places / "bundled" / "nuclei")


def names() -> list[str]:
    return [name for name, _, _ in list_models()]


def test_card_of_an_earlier_program_is_read(mine: Path) -> None:
    card = json.loads((mine / "card.json").read_text())
    later = ("title", "objects", "modality", "sources", "limits", "group_scores", "note")
    (mine / "card.json").write_text(json.dumps({k: v for k, v in card.items() if k not in later}))
    assert read_card(mine).title == ""


def test_what_a_card_tells_comes_back(places: Path) -> None:
    source = DataSource(name="Set", licence="CC0-1.0", citation="Doe 2024", frames=3)
    known = {"sources": (source,), "group_scores": {"pos1": {"iou": 0.4}}, "limits": ("Not dense ones.",)}
    card = read_card(put(places / "own" / "told", **known))
    assert card.sources == (source,)
    assert card.group_scores == {"pos1": {"iou": 0.4}}
    assert card.limits == ("Not dense ones.",)


def test_renamed_model_keeps_its_weights(mine: Path) -> None:
    before = read_card(mine)
    new = rename_model("mine", "  better nuclei ")
    assert names() == ["better nuclei"]
    assert new == mine.with_name("better nuclei")
    assert read_card(new) == before.model_copy(update={"name": "better nuclei"})
    assert sorted(path.name for path in new.iterdir()) == ["card.json", "weights.safetensors"]


def test_only_the_case_of_a_name_may_change(mine: Path) -> None:
    assert rename_model("mine", "Mine").name == "Mine"
    assert names() == ["Mine"]


BAD_NAMES = ["a/b", "a\\b", "../up", "/root", "C:x", "new\nline", "dot.", "nul", "COM1.x", "a" * 81]


@pytest.mark.parametrize("name", ["", "  ", ".", "..", ".bin", "OTHER", "nuclei", *BAD_NAMES])
def test_names_that_cannot_be_used(mine: Path, bundled: Path, name: str) -> None:
    put(mine.with_name("other"))
    with pytest.raises(ModelError):
        rename_model(mine, name)
    with pytest.raises(ModelError):
        copy_model(mine, name)
    assert names() == ["mine", "nuclei", "other"]


@pytest.mark.parametrize("name", ["a", "Zellkerne ÄÖÜ", "v1.2", "x" * 80, "核"])
def test_names_that_can_be_used(name: str) -> None:
    assert checked_name(f" {name}") == name


def test_note_is_written_and_replaced(mine: Path) -> None:
    assert note_model("mine", " good for clone 4 \n").note == "good for clone 4"
    assert read_card(mine).note == "good for clone 4"
    note_model("mine", "")
    assert read_card(mine).note == ""
    assert sorted(path.name for path in mine.iterdir()) == ["card.json", "weights.safetensors"]


def test_deleted_model_comes_back(mine: Path) -> None:
    before = read_card(mine)
    binned = delete_model("mine")
    assert names() == []
    assert binned.folder.parent == mine.parent / ".bin"
    assert list_bin() == [binned]
    assert restore_model("mine") == mine
    assert read_card(mine) == before
    assert list_bin() == []


def test_bin_erases_nothing(mine: Path) -> None:
    first = delete_model("mine")
    put(mine)
    second = delete_model("mine")  # perhaps within the same second
    assert {one.folder for one in list_bin()} == {first.folder, second.folder}
    put(mine)
    restored = restore_model(first.folder)
    assert restored.name == "mine-2"
    assert read_card(restored).name == "mine-2"
    assert names() == ["mine", "mine-2"]
    assert restore_model(second.folder.name).name == "mine-3"


def test_what_is_not_in_the_bin_is_said(mine: Path) -> None:
    with pytest.raises(ModelError, match="holds: nothing"):
        restore_model("mine")


def test_damaged_model_can_be_deleted(mine: Path) -> None:
    (mine / "card.json").write_text("{")
    delete_model("mine")
    assert restore_model("mine") == mine
    assert (mine / "card.json").read_text() == "{"


def test_models_of_a_study_are_ones_own(places: Path) -> None:
    put(places / "study" / "models" / "local")
    extra = [places / "study" / "models"]
    assert rename_model("local", "here", extra) == extra[0] / "here"
    binned = delete_model("here", extra)
    assert list_bin(extra) == [binned]
    assert restore_model(binned.folder) == extra[0] / "here"


def test_name_means_the_persons_model_and_not_a_folder_that_lies_here(
    mine: Path, places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(places / "work" / "mine")
    monkeypatch.chdir(places / "work")
    assert delete_model("mine").folder.is_relative_to(mine.parent)
    assert (places / "work" / "mine").is_dir()


def test_bundled_models_are_read_only_but_can_be_copied(bundled: Path) -> None:
    (bundled / "cover.png").write_bytes(b"picture")
    (bundled / "something else").write_bytes(b"")
    for change in (
        lambda: rename_model("nuclei", "x"),
        lambda: note_model("nuclei", "x"),
        lambda: delete_model("nuclei"),
    ):
        with pytest.raises(ModelError, match=r"read-only.*Copy it"):
            change()
    copy = copy_model(bundled, "my nuclei")
    assert read_card(copy) == read_card(bundled).model_copy(update={"name": "my nuclei"})
    assert sorted(p.name for p in copy.iterdir()) == ["card.json", "cover.png", "weights.safetensors"]
    assert note_model("my nuclei", "mine now").note == "mine now"


def test_half_written_models_are_not_listed(mine: Path) -> None:
    put(mine.with_name(".half.partial"))
    assert names() == ["mine"]
