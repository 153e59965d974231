import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load

from napari_cellseg.config import NetConfig, TrainConfig
from napari_cellseg.data.samples import IGNORE, Sample
from napari_cellseg.errors import InputError, ModelError
from napari_cellseg.learn import registry, replay_file
from napari_cellseg.learn.card import DataSource, ModelCard, read_card
from napari_cellseg.learn.exchange import export_model, import_model
from napari_cellseg.learn.model import load_model, save_model
from napari_cellseg.learn.nets import build
from napari_cellseg.learn.patches import make_ready
from napari_cellseg.learn.replay import choose_patches, load_replay, read_replay, write_replay
from napari_cellseg.learn.shelf import copy_model, delete_model, note_model, rename_model, restore_model
from napari_cellseg.learn.targets import IGNORED
from napari_cellseg.learn.train import train
from napari_cellseg.progress import Event, Note, follow

Scenes = Callable[..., list[Sample]]
FILE = "replay.safetensors"


def card_of(net: NetConfig, **known: object) -> ModelCard:
    known = {"object_diameter_px": 14, "scale": 1.0, "scores": {"ap50": 0.5}, **known}
    return ModelCard(
        name="base",
        created="2026-01-01T00:00:00+00:00",
        net=net,
        low_percentile=1,
        high_percentile=99.5,
        train=TrainConfig(),
        data_fingerprint="",
        n_frames=1,
        groups=("pos1",),
        held_out=(),
        held_out_how="",
        epochs=1,
        seconds=1,
        device="",
        versions={},
        sources=(DataSource(name="Bowl", licence="CC0", citation="Caicedo 2019"),),
        **known,
    )


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(registry, "user_models_folder", lambda: tmp_path / "own")
    return tmp_path


@pytest.fixture
def lenient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep models that were trained for too short a time to be of use."""
    monkeypatch.setattr("napari_cellseg.learn.train.refuse_useless", lambda tally: None)


@pytest.fixture
def base(places: Path, small_net: NetConfig) -> Path:
    """A model without a replay set."""
    folder = places / "own" / "base"
    save_model(folder, card_of(small_net), build(small_net, seed=1).state_dict())
    return folder


@pytest.fixture
def taught(base: Path, scenes: Scenes) -> Path:
    """A model with a replay set."""
    write_replay(base, scenes(4), n=6, side_px=64)
    return base


def content(folder: Path) -> bytes:
    return (folder / FILE).read_bytes()


def test_a_replay_set_comes_back_as_the_model_sees_it(base: Path, scenes: Scenes) -> None:
    (sample,) = scenes(1, side=64)
    card = write_replay(base, [sample], n=1, side_px=64)
    assert read_card(base) == card
    (frame,) = read_replay(base)
    seen = make_ready(sample)
    np.testing.assert_array_equal(frame.state, seen.state)
    np.testing.assert_array_equal(frame.offset, seen.offset)
    np.testing.assert_array_equal(frame.centres, seen.centres)
    np.testing.assert_allclose(frame.image.astype(float), seen.image.astype(float), atol=4 / 510 + 2e-3)
    assert frame.group == sample.group
    assert b"CC0" in content(base)


def test_a_model_without_one_has_no_patches(base: Path) -> None:
    assert read_replay(base) == []
    assert load_replay(base).sha256 == ""


def test_every_group_comes_before_any_comes_twice(small_net: NetConfig, scenes: Scenes) -> None:
    samples = scenes(9, groups=5)
    chosen = [patch.group for patch in choose_patches(samples, card_of(small_net), 12, 32, seed=3)]
    assert len(chosen) == 12
    assert len(set(chosen[:5])) == len(set(chosen[5:10])) == 5
    assert len({patch.group for patch in choose_patches(samples, card_of(small_net), 3, 32, seed=3)}) == 3


def test_the_same_seed_chooses_the_same(small_net: NetConfig, scenes: Scenes) -> None:
    first, again, other = (
        replay_file.pack(choose_patches(scenes(4), card_of(small_net), 6, 32, seed), []) for seed in (0, 0, 1)
    )
    assert first == again != other


def test_patches_are_cut_around_objects_at_the_scale_of_the_network(
    small_net: NetConfig, scenes: Scenes
) -> None:
    half = card_of(small_net, scale=0.5)
    patches = choose_patches(scenes(2, side=256), half, 6, 64, seed=0)
    assert all((patch.labels > 0).any() for patch in patches)
    area = max(np.bincount(patch.labels[patch.labels > 0]).max() for patch in patches)
    assert area == pytest.approx(np.pi * 3.5**2, rel=0.2)  # disks with a radius of 7 px, halved
    any_size = card_of(small_net, any_size=True, object_diameter_px=28.0)
    (patch,) = choose_patches(scenes(1), any_size, 1, 160, seed=0)
    area = np.bincount(patch.labels[patch.labels > 0]).max()
    assert area == pytest.approx(np.pi * 14**2, rel=0.2)  # enlarged until they have the diameter wanted


def test_frames_of_a_movie_share_their_greys_where_the_model_wants_that(small_net: NetConfig) -> None:
    labels = np.zeros((32, 32), np.int32)
    dim, bright = (Sample(np.full((32, 32), grey) + np.eye(32), labels, "a", "") for grey in (10.0, 90.0))
    for by, apart in (("frame", 0.0), ("movie", 0.98)):
        known = card_of(small_net, normalise_by=by)
        middles = sorted(np.median(patch.image) for patch in choose_patches([dim, bright], known, 2, 32, 0))
        assert middles[1] - middles[0] == pytest.approx(apart, abs=0.03)


def test_a_small_frame_lies_in_the_middle_and_is_chosen_once(small_net: NetConfig, scenes: Scenes) -> None:
    (sample,) = scenes(1, side=40)
    (patch,) = choose_patches([sample], card_of(small_net), 5, 64, seed=0)
    np.testing.assert_array_equal(patch.labels[12:52, 12:52], sample.labels)
    assert (patch.labels == IGNORE).sum() == 64 * 64 - 40 * 40
    np.testing.assert_array_equal(patch.image[:12], patch.image[13:25][::-1])  # reflected


def test_frames_without_objects_do_too(base: Path) -> None:
    empty = Sample(np.zeros((48, 80), np.uint8), np.zeros((48, 80), np.int32), "a", "a")
    write_replay(base, [empty], n=2, side_px=64)
    assert all(not (frame.state == 1).any() and (frame.state == IGNORED).any() for frame in read_replay(base))
    with pytest.raises(InputError, match="no frame"):
        write_replay(base, [])


def test_a_usual_set_is_small(base: Path, scenes: Scenes) -> None:
    write_replay(base, scenes(8, groups=8, side=400))
    assert len(read_replay(base)) == 64
    assert len(content(base)) < 3.4e6


@pytest.mark.parametrize("place", [0, 200, -1])
def test_an_altered_set_is_refused(taught: Path, place: int) -> None:
    raw = bytearray(content(taught))
    raw[place] ^= 1
    (taught / FILE).write_bytes(bytes(raw))
    with pytest.raises(ModelError, match=r"travel with the model base .*not the one.*Copy the model folder"):
        read_replay(taught)
    load_model(taught)  # it can still be applied


def test_a_set_that_no_card_knows_is_refused(taught: Path, base: Path) -> None:
    card = json.loads((taught / "card.json").read_text())
    del card["replay_sha256"]
    (taught / "card.json").write_text(json.dumps(card))
    with pytest.raises(ModelError, match="not the one that the card"):
        read_replay(taught)


def test_a_set_that_its_maker_spoiled_is_refused(base: Path, small_net: NetConfig, places: Path) -> None:
    folder = places / "spoiled"
    save_model(folder, card_of(small_net), build(small_net, seed=1).state_dict(), b"not what it should be")
    with pytest.raises(ModelError, match="no safetensors file"):
        read_replay(folder)


def test_a_huge_set_is_not_read(taught: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_cellseg.learn.replay.MOST_BYTES", 1000)
    with pytest.raises(ModelError, match="larger than"):
        read_replay(taught)


def test_the_shelf_keeps_it(taught: Path) -> None:
    raw = content(taught)
    copied = copy_model(taught, "copied")
    renamed = rename_model(copied, "renamed")
    note_model(renamed, "mine")
    back = restore_model(delete_model(renamed).folder)
    assert content(back) == raw
    assert len(read_replay(back)) == 6


def test_packages_leave_it_out(taught: Path, places: Path) -> None:
    exported = follow(export_model(taught, places / "model.zip"))
    taken = follow(import_model(exported.path, "taken"))
    assert not (taken / FILE).exists()
    assert read_card(taken).replay_sha256 == ""
    assert read_replay(taken) == []


def test_a_training_from_it_hands_it_on_and_says_so(
    taught: Path, scenes: Scenes, small_net: NetConfig, quick: TrainConfig, places: Path, lenient: None
) -> None:
    told: list[Event] = []
    raw, config = content(taught), quick.model_copy(update={"max_epochs": 1})
    for name in ("child", "grandchild"):
        before = taught if name == "child" else places / "child"
        follow(train(scenes(seed=1), config, small_net, places / name, before), told.append)
        assert content(places / name) == raw
        assert len(read_replay(places / name)) == 6
    said = " ".join(event.text for event in told if isinstance(event, Note))
    assert "10% of what the network is shown are images that base learned from" in said
    again = places / "again"
    follow(train(scenes(seed=1), config, small_net, again, taught))
    assert read_card(again).sha256 == read_card(places / "child").sha256  # the same seed, the same model


def test_a_training_without_replay_does_neither(
    taught: Path, scenes: Scenes, small_net: NetConfig, quick: TrainConfig, out: Path, lenient: None
) -> None:
    (taught / FILE).write_bytes(b"damaged")
    with pytest.raises(ModelError, match="Replay 0"):
        follow(train(scenes(), quick, small_net, out, taught))
    config = quick.model_copy(update={"max_epochs": 1, "replay": 0.0})
    told: list[Event] = []
    follow(train(scenes(), config, small_net, out, taught), told.append)
    assert any("held near base" in event.text for event in told if isinstance(event, Note))
    assert not (out / FILE).exists()
    assert "labels" in load(content_of_new(out.with_name("base"), small_net, scenes))


def content_of_new(folder: Path, net: NetConfig, scenes: Scenes) -> bytes:
    save_model(folder, card_of(net), build(net, seed=1).state_dict())
    write_replay(folder, scenes(1), n=1, side_px=32)
    return content(folder)
