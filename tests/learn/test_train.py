import json
import math
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_cellseg.config import NetConfig, TrainConfig
from napari_cellseg.data.samples import Sample
from napari_cellseg.data.spill import Spill
from napari_cellseg.errors import InputError, StorageError, TrainingError
from napari_cellseg.learn import epochs, learner, runtime
from napari_cellseg.learn.card import read_card
from napari_cellseg.learn.checkpoint import partial_folder
from napari_cellseg.learn.events import BatchDone, Compared, EpochDone, Preflight, ValidationPictures
from napari_cellseg.learn.model import TrainedModel, load_model
from napari_cellseg.learn.patches import make_ready
from napari_cellseg.learn.targets import encode
from napari_cellseg.learn.train import train
from napari_cellseg.progress import Cancelled, Event, Note, follow

Scenes = Callable[..., list[Sample]]


@pytest.fixture
def lenient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep models that were trained for too short a time to be of use."""
    monkeypatch.setattr("napari_cellseg.learn.train.refuse_useless", lambda tally: None)


def notes(told: list[Event]) -> str:
    return " | ".join(event.text for event in told if isinstance(event, Note))


@pytest.mark.slow
def test_learns_simple_scenes_within_seconds(scenes: Scenes, small_net: NetConfig, out: Path) -> None:
    told: list[Event] = []
    config = TrainConfig(max_epochs=12, batch_size=4, patch_px=64, device="cpu", learning_rate=5e-3)
    path = follow(train(scenes(6, groups=3), config, small_net, out, image_channel="Phase"), told.append)
    card = read_card(path)
    assert path == out
    assert card.scores["ap50"] > 0.7
    assert card.scores["iou"] > 0.7
    assert card.image_channel == "Phase"
    assert set(card.groups) | set(card.held_out) == {"pos1", "pos2", "pos3"}
    assert not set(card.groups) & set(card.held_out)
    assert 12 < card.object_diameter_px < 15
    done = [event for event in told if isinstance(event, EpochDone)]
    assert done[-1].train_loss < done[0].train_loss
    assert max(event.val_ap50 for event in done) == pytest.approx(card.scores["ap50"], abs=0.1)


def test_events_come_in_order_and_hold_no_tensors(
    scenes: Scenes, small_net: NetConfig, quick: TrainConfig, out: Path, lenient: None
) -> None:
    told: list[Event] = []
    follow(train(scenes(), quick, small_net, out), told.append)
    kinds = [type(event) for event in told if isinstance(event, Preflight | BatchDone | EpochDone)]
    assert kinds[0] is Preflight
    assert kinds.index(BatchDone) < kinds.index(EpochDone)
    assert kinds.count(EpochDone) == quick.max_epochs
    for event in told:
        assert not any(isinstance(value, torch.Tensor) for value in vars(event).values())
    pictures = [event for event in told if isinstance(event, ValidationPictures)][-1]
    assert pictures.image.shape == pictures.truth.shape == pictures.prediction.shape
    assert pictures.truth.dtype == np.int32
    batches = [event for event in told if isinstance(event, BatchDone)]
    assert all(event.images_per_s > 0 for event in batches)
    assert all(event.seconds_left is not None and event.seconds_left >= 0 for event in batches)


def test_the_same_seed_gives_the_same_weights(
    scenes: Scenes, small_net: NetConfig, quick: TrainConfig, tmp_path: Path, lenient: None
) -> None:
    first = follow(train(scenes(), quick, small_net, tmp_path / "a"))
    again = follow(train(scenes(), quick, small_net, tmp_path / "b"))
    assert read_card(first).sha256 == read_card(again).sha256


def test_stopping_keeps_the_best_so_far(
    scenes: Scenes, small_net: NetConfig, quick: TrainConfig, out: Path, lenient: None
) -> None:
    config, told = quick.model_copy(update={"max_epochs": 50}), []

    def stop() -> bool:
        return any(isinstance(event, EpochDone) for event in told) and isinstance(told[-1], BatchDone)

    path = follow(train(scenes(), config, small_net, out), told.append, stop)
    after = told.index(next(event for event in told if isinstance(event, EpochDone)))
    assert sum(isinstance(event, BatchDone) for event in told[after:]) == 1  # it answered at once
    assert "Stopped by the person after 1 epochs." in read_card(path).notes
    assert not partial_folder(out).exists()


def test_stopping_before_there_is_anything_leaves_nothing(
    scenes: Scenes, small_net: NetConfig, quick: TrainConfig, out: Path
) -> None:
    told: list[Event] = []
    with pytest.raises(Cancelled):
        follow(train(scenes(), quick, small_net, out), told.append, lambda: isinstance(told[-1], BatchDone))
    assert list(out.parent.iterdir()) == []


def test_an_interrupted_run_goes_on_where_it_was(
    scenes: Scenes,
    small_net: NetConfig,
    quick: TrainConfig,
    tmp_path: Path,
    lenient: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(epochs, "_SAVE_EVERY_S", 0.0)
    config = quick.model_copy(update={"max_epochs": 3})
    whole = follow(train(scenes(), config, small_net, tmp_path / "whole"))

    steps = train(scenes(), config, small_net, tmp_path / "torn")
    for event in steps:
        if isinstance(event, BatchDone) and event.epoch == 2:
            break
    steps.close()  # as when the process ends
    assert partial_folder(tmp_path / "torn").is_dir()
    assert not (tmp_path / "torn").exists()

    told: list[Event] = []
    resumed = follow(train(scenes(), config, small_net, tmp_path / "torn"), told.append)
    assert "Going on from epoch 1" in notes(told)
    assert [event.epoch for event in told if isinstance(event, EpochDone)] == [2, 3]
    assert not partial_folder(tmp_path / "torn").exists()
    assert read_card(resumed).epochs == read_card(whole).epochs == 3


def test_resumed_weights_equal_uninterrupted_ones(
    scenes: Scenes, small_net: NetConfig, quick: TrainConfig
) -> None:
    frames = [make_ready(sample) for sample in scenes(2)]
    plan = runtime.Plan(2, 64, runtime.choose_device("cpu"))
    first = learner.Learner(small_net, quick, plan)
    for _ in range(3):
        first.step(frames, 0)
    tensors, numbers = first.state()
    tensors = {name: value.clone() for name, value in tensors.items()}
    other = learner.Learner(small_net, quick.model_copy(update={"seed": 9}), plan)
    other.restore(tensors, json.loads(json.dumps(numbers)))
    for _ in range(2):
        assert first.step(frames, 0) == pytest.approx(other.step(frames, 0), rel=1e-6)


@pytest.mark.parametrize("change", ["settings", "data"])
def test_another_run_starts_anew(
    scenes: Scenes,
    small_net: NetConfig,
    quick: TrainConfig,
    out: Path,
    lenient: None,
    monkeypatch: pytest.MonkeyPatch,
    change: str,
) -> None:
    monkeypatch.setattr(epochs, "_SAVE_EVERY_S", 0.0)
    steps = train(scenes(), quick, small_net, out)
    next(event for event in steps if isinstance(event, BatchDone) and event.epoch == 2)
    steps.close()
    samples = scenes(seed=1) if change == "data" else scenes()
    config = quick.model_copy(update={"learning_rate": 1e-3}) if change == "settings" else quick
    told: list[Event] = []
    follow(train(samples, config, small_net, out), told.append)
    assert "Going on" not in notes(told)


def test_damaged_checkpoint_starts_anew(
    scenes: Scenes,
    small_net: NetConfig,
    quick: TrainConfig,
    out: Path,
    lenient: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(epochs, "_SAVE_EVERY_S", 0.0)
    steps = train(scenes(), quick, small_net, out)
    next(event for event in steps if isinstance(event, BatchDone) and event.epoch == 2)
    steps.close()
    tensors = next(partial_folder(out).glob("*.safetensors"))
    tensors.write_bytes(tensors.read_bytes()[:1000])
    assert follow(train(scenes(), quick, small_net, out)) == out


def test_memory_that_runs_out_is_made_do_with(
    scenes: Scenes,
    small_net: NetConfig,
    quick: TrainConfig,
    out: Path,
    lenient: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cut, sides = learner.cut, []

    def short_of_memory(frames: list, side: int, generator: torch.Generator) -> object:
        n = len(frames)
        if n > 1 or side > 100:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        sides.append((n, side))
        return cut(frames, side, generator)

    monkeypatch.setattr(learner, "cut", short_of_memory)
    told: list[Event] = []
    config = quick.model_copy(update={"batch_size": 4, "patch_px": 128, "max_epochs": 1})
    path = follow(train(scenes(), config, small_net, out), told.append)
    for expected in (
        "going on with 2 at a time",
        "going on with 1 at a time",
        "going on with pieces of 64 px",
    ):
        assert expected in notes(told)
        assert any(expected in note for note in read_card(path).notes)
    assert set(sides) == {(1, 80)}


def test_parts_of_a_batch_add_up_to_the_batch(
    scenes: Scenes, small_net: NetConfig, quick: TrainConfig
) -> None:
    config = quick.model_copy(update={"batch_size": 4, "patch_px": 64, "hard_frames": 0.5})
    cpu = runtime.choose_device("cpu")
    frames = [make_ready(sample) for sample in scenes()]
    drawn = {}
    for at_once in (4, 1):
        learned = learner.Learner(small_net, config, runtime.Plan(at_once, 64, cpu))
        calls, learn_part = [], learned._learn_part

        def watched(
            part: list, weight: float, calls: list = calls, learn_part: Callable = learn_part
        ) -> tuple:
            calls.append((len(part), weight))
            return learn_part(part, weight)

        learned._learn_part = watched
        losses = [learned.step(frames, 0.0) for _ in range(6)]
        drawn[at_once] = losses
        assert calls == [(at_once, at_once / 4)] * (6 * 4 // at_once)
        assert learned.steps == 6
    assert drawn[1] == pytest.approx(drawn[4], rel=0.5)  # other patches and norms, the same size of a batch


def test_too_little_memory_for_anything_is_said(
    scenes: Scenes, small_net: NetConfig, quick: TrainConfig, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(*_: object) -> None:
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(learner, "cut", no_memory)
    with pytest.raises(TrainingError, match="not enough memory"):
        follow(train(scenes(), quick, small_net, out))


def test_other_errors_are_not_taken_for_memory(
    scenes: Scenes, small_net: NetConfig, quick: TrainConfig, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("shape mismatch")

    monkeypatch.setattr(learner, "cut", broken)
    with pytest.raises(RuntimeError, match="shape mismatch"):
        follow(train(scenes(), quick, small_net, out))


def test_loss_that_is_no_number_is_said(
    scenes: Scenes, small_net: NetConfig, quick: TrainConfig, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learner, "loss_of", lambda logits, *_: logits.sum() * math.nan)
    with pytest.raises(TrainingError, match=r"not a number.*learning rate below"):
        follow(train(scenes(), quick, small_net, out))
    assert not out.exists()


def test_going_astray_late_keeps_the_best_so_far(
    scenes: Scenes,
    small_net: NetConfig,
    quick: TrainConfig,
    out: Path,
    lenient: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loss_of, told = learner.loss_of, []

    def astray(*maps: torch.Tensor) -> torch.Tensor:
        best_is_there = any(isinstance(event, EpochDone) for event in told)
        return loss_of(*maps) * (math.nan if best_is_there else 1)

    monkeypatch.setattr(learner, "loss_of", astray)
    path = follow(train(scenes(), quick, small_net, out), told.append)
    assert read_card(path).epochs == 1
    assert "not a number" in notes(told)
    assert "of epoch 1, is kept" in notes(told)


def test_a_network_that_finds_nothing_is_refused(
    scenes: Scenes, small_net: NetConfig, quick: TrainConfig, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "napari_cellseg.learn.validation.draw_maps",
        lambda network, image, view: np.full((2, *image.shape), -9, np.float32),
    )
    with pytest.raises(TrainingError, match=r"finds none of the .* Train longer"):
        follow(train(scenes(), quick, small_net, out))
    assert not out.exists()


def test_a_network_that_calls_everything_an_object_is_refused(
    scenes: Scenes, small_net: NetConfig, quick: TrainConfig, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "napari_cellseg.learn.validation.draw_maps",
        lambda network, image, view: np.full((3, *image.shape), 9, np.float32),
    )
    with pytest.raises(TrainingError, match=r"calls 100% .* an object"):
        follow(train(scenes(), quick, small_net, out))


def test_time_is_bounded(scenes: Scenes, small_net: NetConfig, out: Path, lenient: None) -> None:
    config = TrainConfig(minutes=0.1, batch_size=2, patch_px=64, device="cpu")
    told: list[Event] = []
    start = time.monotonic()
    follow(train(scenes(), config, small_net, out), told.append)
    assert time.monotonic() - start < 40  # 6 s, and what a busy machine adds
    assert sum(isinstance(event, EpochDone) for event in told) >= 1


@pytest.mark.parametrize("checked", [True, False])
def test_checked_frames_tell_how_sure_a_network_must_be(
    scenes: Scenes,
    small_net: NetConfig,
    quick: TrainConfig,
    out: Path,
    monkeypatch: pytest.MonkeyPatch,
    checked: bool,
) -> None:
    """The network draws the truth, and as many objects more, of which it is less sure."""

    def draw(network: torch.nn.Module, image: np.ndarray, view: object) -> np.ndarray:
        truth = next(sample.labels for sample in scenes(6) if np.array_equal(sample.image, image))
        debris = np.where(truth > 0, 0, np.roll(truth, truth.shape[0] // 2, axis=0))
        debris[np.isin(debris, debris[0])] = 0  # cut by the edge
        logit = np.select([truth > 0, debris > 0], [4.0, 0.5], -9.0)[None]
        return np.concatenate([logit, encode(np.where(truth > 0, truth, debris)).offset]).astype(np.float32)

    monkeypatch.setattr("napari_cellseg.learn.validation.draw_maps", draw)
    samples = [replace(sample, checked=checked) for sample in scenes(6)]
    config = quick.model_copy(update={"validation_fraction": 0.5})
    card = read_card(follow(train(samples, config, small_net, out)))
    assert (0.62 < card.certainty < 0.95) if checked else card.certainty == 0


@pytest.mark.parametrize("better", ["old", "new"])
def test_a_better_model_is_not_replaced(
    scenes: Scenes,
    small_net: NetConfig,
    quick: TrainConfig,
    out: Path,
    lenient: None,
    monkeypatch: pytest.MonkeyPatch,
    better: str,
) -> None:
    first = follow(train(scenes(), quick, small_net, out))
    before = read_card(first)
    rivals: set[int] = set()

    def load(folder: Path) -> TrainedModel:
        model = load_model(folder)
        rivals.add(id(model.network))
        return model

    def draw(network: torch.nn.Module, image: np.ndarray, view: object) -> np.ndarray:
        """Draw the truth for the one, and nothing for the other."""
        truth = next(sample.labels for sample in scenes() if np.array_equal(sample.image, image))
        sees = (id(network) in rivals) == (better == "old")
        logit = np.where(sees & (truth > 0), 9, -9)[None]
        return np.concatenate([logit, encode(truth).offset]).astype(np.float32)

    monkeypatch.setattr("napari_cellseg.learn.start.load_model", load)
    monkeypatch.setattr("napari_cellseg.learn.validation.draw_maps", draw)
    told: list[Event] = []
    path = follow(train(scenes(), quick, small_net, out), told.append)
    (compared,) = [event for event in told if isinstance(event, Compared)]
    assert compared.kept == better
    assert path == (out if better == "old" else out.with_name("model-2"))
    assert (compared.old_scores["ap50"] > compared.new_scores["ap50"]) == (better == "old")
    assert read_card(out) == before
    assert read_card(out.with_name("model-2")).name == "model-2"


def test_going_on_from_a_model_keeps_its_network_and_names_it(
    scenes: Scenes, small_net: NetConfig, quick: TrainConfig, tmp_path: Path, lenient: None
) -> None:
    base = follow(train(scenes(), quick, small_net, tmp_path / "base"))
    other = NetConfig(encoder="tu-resnet18")
    told: list[Event] = []
    follow(train(scenes(seed=2), quick, other, tmp_path / "tuned", base), told.append)
    card, parent = read_card(tmp_path / "tuned"), read_card(base)
    assert card.net == parent.net == small_net
    assert parent.sha256.startswith(card.parent)
    assert card.parent
    assert card.held_out == parent.held_out  # both are scored on what neither has seen
    assert any(isinstance(event, Compared) for event in told)


def test_ignored_frames_and_one_group_only(
    scenes: Scenes, small_net: NetConfig, quick: TrainConfig, out: Path, lenient: None
) -> None:
    samples = [replace(sample, group="pos1") for sample in scenes(4)]
    blank = samples[1]
    samples[1] = replace(blank, labels=np.full_like(blank.labels, -1))
    told: list[Event] = []
    path = follow(train(samples, quick, small_net, out), told.append)
    assert "only one position" in notes(told)
    assert read_card(path).held_out == ("pos1: the last 1 frames",)


def test_one_frame_is_enough(
    scenes: Scenes, small_net: NetConfig, quick: TrainConfig, out: Path, lenient: None
) -> None:
    told: list[Event] = []
    path = follow(train(scenes(1, side=160), quick, small_net, out), told.append)
    assert "only one frame" in notes(told)
    assert load_model(path).card.n_frames == 1


def test_nothing_to_learn_from_is_said(
    scenes: Scenes, small_net: NetConfig, quick: TrainConfig, out: Path
) -> None:
    with pytest.raises(InputError, match="no labelled frame"):
        follow(train([], quick, small_net, out))
    empty = [replace(sample, labels=np.zeros_like(sample.labels)) for sample in scenes(2)]
    with pytest.raises(InputError, match="None of the 2 labelled frames has an object"):
        follow(train(empty, quick, small_net, out))


def test_a_place_that_cannot_be_written_is_said_before_training(
    scenes: Scenes, small_net: NetConfig, quick: TrainConfig, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    told: list[Event] = []
    with pytest.raises(StorageError):
        follow(train(scenes(), quick, small_net, tmp_path / "file" / "model"), told.append)
    assert not any(isinstance(event, Preflight | BatchDone) for event in told)


@pytest.mark.parametrize("value", [np.nan, 0.0])
def test_spoiled_frames_do_not_stop_training(
    scenes: Scenes, small_net: NetConfig, quick: TrainConfig, out: Path, lenient: None, value: float
) -> None:
    samples = scenes(4)
    samples[0] = replace(samples[0], image=np.full(samples[0].image.shape, value))
    told: list[Event] = []
    follow(train(samples, quick, small_net, out), told.append)
    assert all(math.isfinite(event.train_loss) for event in told if isinstance(event, EpochDone))


def test_a_frozen_encoder_stays_as_it_was(
    scenes: Scenes, small_net: NetConfig, quick: TrainConfig, out: Path, lenient: None
) -> None:
    base = follow(train(scenes(), quick, small_net, out))
    config = quick.model_copy(update={"freeze_encoder": True, "seed": 3})
    told: list[Event] = []
    follow(train(scenes(seed=1), config, small_net, out.with_name("tuned"), base), told.append)
    before, after = (load_model(path).network.state_dict() for path in (base, out.with_name("tuned")))
    moved = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert moved == {"decoder", "segmentation_head"}


def test_frames_beyond_memory_are_learned_from_alike(
    scenes: Scenes,
    small_net: NetConfig,
    quick: TrainConfig,
    tmp_path: Path,
    lenient: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    weights = {}
    for budget in (1 << 30, 0):
        monkeypatch.setattr(Spill.__init__, "__defaults__", (budget,))
        made = follow(train(scenes(), quick, small_net, tmp_path / f"model-{budget}"))
        weights[budget] = load_model(made).network.state_dict()
    assert all(torch.equal(weights[0][name], value) for name, value in weights[1 << 30].items())
    assert not list(tmp_path.rglob(".frames-*"))
