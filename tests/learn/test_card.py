import json
import re
from pathlib import Path

import pytest

from napari_cellseg.config import NetConfig, TrainConfig
from napari_cellseg.errors import ModelError
from napari_cellseg.learn.card import ModelCard, model_hash, read_card
from napari_cellseg.learn.model import load_model, save_model
from napari_cellseg.learn.nets import build
from napari_cellseg.learn.registry import find_model, list_models, user_models_folder


def card_of(net: NetConfig, name: str = "model") -> ModelCard:
    return ModelCard(
        name=name,
        created="2026-01-01T00:00:00+00:00",
        net=net,
        image_channel="Phase",
        low_percentile=1,
        high_percentile=99,
        object_diameter_px=14,
        train=TrainConfig(),
        data_fingerprint="0" * 64,
        n_frames=3,
        groups=("pos1",),
        held_out=("pos2",),
        held_out_how="Kept aside: pos2.",
        scores={"ap50": 0.5},
        epochs=1,
        seconds=2.0,
        device="CPU",
        versions={},
    )


@pytest.fixture
def saved(tmp_path: Path, small_net: NetConfig) -> Path:
    folder = tmp_path / "models" / "mine"
    save_model(folder, card_of(small_net, "mine"), build(small_net, seed=1).state_dict())
    return folder


def change(folder: Path, **values: object) -> None:
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps({**card, **values}))


def test_saved_model_comes_back_as_it_was(saved: Path, small_net: NetConfig) -> None:
    card = read_card(saved)
    assert card.net == small_net
    assert len(model_hash(card)) == 12
    assert card.sha256.startswith(model_hash(card))
    weights = load_model(saved).network.state_dict()
    expected = build(small_net, seed=1).state_dict()
    assert weights.keys() == expected.keys()
    assert all((weights[name] == expected[name]).all() for name in expected)
    assert sorted(path.name for path in saved.iterdir()) == ["card.json", "weights.safetensors"]


def test_there_is_no_pickle(saved: Path) -> None:
    head = (saved / "weights.safetensors").read_bytes()[:9]
    assert head[8:] == b"{"  # a length, then JSON


def test_cards_of_before_there_was_a_choice_are_by_the_frame(saved: Path) -> None:
    card = json.loads((saved / "card.json").read_text())
    for name in ("low_percentile", "high_percentile", "normalise_by"):
        del card["train"][name]
    del card["normalise_by"]
    (saved / "card.json").write_text(json.dumps(card))
    assert read_card(saved).normalise_by == "frame"


@pytest.mark.parametrize("name", ["card.json", "weights.safetensors"])
def test_missing_file_is_named(saved: Path, name: str) -> None:
    (saved / name).unlink()
    with pytest.raises(ModelError, match=name):
        read_card(saved)


def test_altered_weights_are_refused(saved: Path) -> None:
    file = saved / "weights.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(bytes(content))
    with pytest.raises(ModelError, match="altered"):
        load_model(saved)


def test_older_version_asks_for_another_training(saved: Path) -> None:
    change(saved, schema_version=1)
    with pytest.raises(ModelError, match=r"older version.*anew"):
        load_model(saved)


def test_future_version_asks_for_an_update(saved: Path) -> None:
    change(saved, schema_version=99, something="new")
    with pytest.raises(ModelError, match=r"newer version.*Update"):
        read_card(saved)


@pytest.mark.parametrize(
    "values",
    [
        {"net": {"encoder": "nonsense"}},
        {"scale": 0},
        {"extra": 1},
        {"low_percentile": "a"},
        {"normalise_by": "x"},
    ],
)
def test_damaged_card_says_where(saved: Path, values: dict[str, object]) -> None:
    change(saved, **values)
    with pytest.raises(ModelError, match=f"damaged at {next(iter(values))}"):
        read_card(saved)


@pytest.mark.parametrize("text", ["", "{", "[1]", "null"])
def test_card_that_is_no_card(saved: Path, text: str) -> None:
    (saved / "card.json").write_text(text)
    with pytest.raises(ModelError, match="card of the model mine"):
        read_card(saved)


def test_weights_of_another_network_are_refused(saved: Path) -> None:
    card = read_card(saved)
    other = NetConfig(encoder="tu-regnetx_002", decoder_channels=(16, 16, 16))
    change(saved, net=other.model_dump(mode="json"))
    assert card.net != other
    with pytest.raises(ModelError, match="do not fit"):
        load_model(saved)


def test_weights_that_are_no_numbers_are_refused(saved: Path, tmp_path: Path) -> None:
    weights = load_model(saved).network.state_dict()
    name = next(name for name in weights if name.endswith("running_var"))
    weights[name][0] = float("inf")
    save_model(tmp_path / "broken", read_card(saved), weights)
    with pytest.raises(ModelError, match=rf"infinite or no numbers \({re.escape(name)}\)"):
        load_model(tmp_path / "broken")


def test_models_are_found_by_name_and_folder(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_model(saved) == saved
    assert find_model(str(saved)) == saved
    assert find_model("mine", extra=[saved.parent]) == saved
    monkeypatch.setattr("napari_cellseg.learn.registry.user_models_folder", lambda: saved.parent)
    assert find_model("mine") == saved
    assert [(name, folder) for name, folder, _ in list_models() if name == "mine"] == [("mine", saved)]


def test_unknown_model_lists_those_there_are(saved: Path) -> None:
    with pytest.raises(ModelError, match=r"no model 'yours'.*mine"):
        find_model("yours", extra=[saved.parent])


def test_damaged_model_is_not_listed_but_explained(saved: Path) -> None:
    (saved / "weights.safetensors").write_bytes(b"")
    assert all(folder != saved for _, folder, _ in list_models(extra=[saved.parent]))
    with pytest.raises(ModelError, match="altered"):
        read_card(find_model("mine", extra=[saved.parent]))


def test_folder_without_a_card_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="has no card"):
        find_model(tmp_path)


def test_user_models_have_a_place() -> None:
    assert user_models_folder().parts[-2:] == ("napari-cellseg", "models")
