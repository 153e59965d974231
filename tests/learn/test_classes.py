"""Networks that give every pixel a class: labels, losses, scores, training and prediction."""

import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import dask.array as da
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage as ndi

from napari_cellseg.config import NetConfig, PredictConfig, TrainConfig
from napari_cellseg.data.samples import Sample
from napari_cellseg.data.stack import Stack
from napari_cellseg.errors import InputError, ModelError, SettingsError, TrainingError
from napari_cellseg.learn import epochs, registry
from napari_cellseg.learn.card import must_find_objects, read_card
from napari_cellseg.learn.classes import check_classes, decode_classes, encode_classes, places_of_classes
from napari_cellseg.learn.comparison import compare_models
from napari_cellseg.learn.events import BatchDone, Compared, EpochDone, FramePredicted
from napari_cellseg.learn.exchange import Details, export_model, import_model
from napari_cellseg.learn.losses import class_loss_of
from napari_cellseg.learn.model import draw_maps, load_model, save_model
from napari_cellseg.learn.nets import build
from napari_cellseg.learn.patches import cut, make_ready
from napari_cellseg.learn.predict import predict
from napari_cellseg.learn.replay import write_replay
from napari_cellseg.learn.rivals import refuse_useless
from napari_cellseg.learn.runtime import seeded
from napari_cellseg.learn.sampling import mistaken
from napari_cellseg.learn.scores import Tally, tally_classes
from napari_cellseg.learn.targets import IGNORED
from napari_cellseg.learn.train import train
from napari_cellseg.learn.view import View
from napari_cellseg.progress import Event, Note, follow

NET = NetConfig(classes=3, encoder="tu-regnetx_002", decoder_channels=(32, 16, 16))
LOSSES = ["cross-entropy+dice", "cross-entropy", "weighted-cross-entropy"]
QUICK = TrainConfig(max_epochs=1, batch_size=2, patch_px=64, device="cpu")


def cells(n: int = 6, seed: int = 0) -> list[Sample]:
    """Grey disks (class 1) with a bright one within (class 2), in the dark."""
    random = np.random.default_rng(seed)
    rows, columns = np.indices((96, 96))
    samples = []
    for i in range(n):
        labels = np.zeros((96, 96), np.int32)
        for y, x in random.uniform(8, 88, (9, 2)):
            away = (rows - y) ** 2 + (columns - x) ** 2
            labels[away <= 81] = 1
            labels[away <= 25] = 2
        light = ndi.gaussian_filter(np.array([300.0, 600.0, 1000.0])[labels], 1)
        image = (light + random.normal(0, 40, labels.shape)).clip(0).astype(np.uint16)
        samples.append(Sample(image, labels, f"pos{i % 3}", f"frame {i}"))
    return samples


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that tells background, disks and inner disks apart; trained once."""
    config = QUICK.model_copy(update={"max_epochs": 6, "batch_size": 4})
    return follow(train(cells(), config, NET, tmp_path_factory.mktemp("classes") / "model"))


@pytest.fixture
def lenient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep models that were trained for too short a time to be of use."""
    monkeypatch.setattr("napari_cellseg.learn.train.refuse_useless", lambda tally: None)


def stack_of(samples: list[Sample]) -> Stack:
    frames = np.stack([sample.image for sample in samples])[:, None, None]
    return Stack(da.from_array(frames, chunks=(1, 1, 1, -1, -1)), ("Phase",), "movie")


# Settings and labels


@pytest.mark.parametrize("classes", [1, -1, 101])
def test_numbers_of_classes_that_cannot_be_are_a_sentence(classes: int) -> None:
    with pytest.raises(SettingsError, match="The setting classes is"):
        NetConfig.checked(classes=classes)


def test_there_is_a_map_for_each_class() -> None:
    image = torch.zeros(1, 1, 32, 32)
    assert build(NET.model_copy(update={"classes": 5})).eval()(image).shape == (1, 5, 32, 32)
    assert build(NET.model_copy(update={"classes": 0})).eval()(image).shape == (1, 3, 32, 32)


@given(hnp.arrays(np.int32, (5, 7), elements=st.integers(-1, 4)))
def test_decode_undoes_encode(labels: np.ndarray) -> None:
    state, offset = encode_classes(labels)
    assert state.dtype == np.uint8
    assert not offset.any()
    assert np.array_equal(state == IGNORED, labels == -1)
    maps = (np.arange(5)[:, None, None] == state).astype(np.float32) * 20
    found, likely = decode_classes(maps)
    known = labels >= 0
    assert np.array_equal(found[known], labels[known])
    assert np.array_equal(likely[known] > 0.5, labels[known] > 0)


def test_labels_that_are_no_classes_are_a_sentence(tmp_path: Path) -> None:
    samples = cells(3)
    samples[1].labels[0, 0] = 7
    with pytest.raises(InputError, match=r"frame 1 hold the number 7\. With 3 classes.* to 2.*0 classes"):
        follow(train(samples, QUICK, NET, tmp_path / "model"))
    assert not list(tmp_path.iterdir())


def test_a_class_that_is_nowhere_is_told(tmp_path: Path, lenient: None) -> None:
    told: list[Event] = []
    net = NET.model_copy(update={"classes": 4})
    assert check_classes(cells(1), 4) == [3]
    follow(train(cells(3), QUICK, net, tmp_path / "model"), told.append)
    assert any(isinstance(event, Note) and "no pixel of class 3" in event.text for event in told)


def test_patches_are_cut_around_rare_classes_as_often_as_around_others() -> None:
    labels = np.zeros((200, 200), np.int32)
    labels[:, :90] = 1
    labels[150:153, 150:153] = 2
    places = places_of_classes(labels, 4)
    number, n = np.unique(labels[tuple(places.T)], return_counts=True)
    assert number.tolist() == [1, 2]
    assert n[0] == n[1]
    frame = make_ready(Sample(labels.astype(np.uint16), labels, "a", "a"), classes=4)
    batch = cut([frame] * 40, 32, seeded(0))
    assert (batch.state == 2).any((1, 2)).sum() >= 8
    assert set(batch.state.unique().tolist()) <= {0, 1, 2, IGNORED}


# Losses and scores


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_fall_with_what_is_right_and_leave_out_what_is_ignored(loss: str) -> None:
    generator = seeded(0)
    state = torch.randint(0, 3, (2, 8, 8), generator=generator).to(torch.uint8)
    right = (torch.arange(3)[:, None, None] == state[:, None]).float() * 20
    assert class_loss_of(right, state, loss) < 1e-3
    assert class_loss_of(-right, state, loss) > 1
    state[:, :, :3] = IGNORED
    logits = torch.randn(2, 3, 8, 8, generator=generator)
    other = logits.clone()
    other[..., :3] = torch.inf
    other.requires_grad_()
    assert torch.equal(class_loss_of(logits, state, loss), class_loss_of(other, state, loss))
    class_loss_of(other, state, loss).backward()
    assert not other.grad[..., :3].any()
    assert other.grad[..., 3:].any()
    assert class_loss_of(logits, torch.full_like(state, IGNORED), loss) == 0


def test_weighted_cross_entropy_is_the_mean_over_classes() -> None:
    state = torch.zeros(1, 10, 10, dtype=torch.uint8)
    state[0, 0, 0] = 2
    logits = torch.randn(1, 3, 10, 10, generator=seeded(1))
    each = -torch.log_softmax(logits, 1)
    wanted = (each[0, 0].flatten()[1:].mean() + each[0, 2, 0, 0]) / 2
    assert torch.allclose(class_loss_of(logits, state, "weighted-cross-entropy"), wanted)


def test_mistakes_are_counted_where_there_is_something_but_background() -> None:
    state = torch.zeros(3, 4, 4, dtype=torch.uint8)
    state[1, 0] = 1
    state[2, 0], state[2, 1] = 2, IGNORED
    logits = torch.zeros(3, 3, 4, 4)
    logits[:, 0] = 1
    logits[1, 1, 0] = 2  # right
    logits[2, 1, :2] = 2  # the wrong class, and a pixel that does not count
    assert mistaken(logits, state, 3).tolist() == [0, 0, 1]


def test_scores_are_the_mean_over_classes_that_occur() -> None:
    truth = np.array([[0, 0, 1, 1], [0, 0, 1, -1]])
    found = np.array([[0, 0, 1, 0], [0, 0, 1, 2]])
    one = tally_classes(truth, found, 4, 0.5)
    assert one.scores() == pytest.approx(
        {"iou": (4 / 5 + 2 / 3) / 2, "accuracy": 6 / 7, "iou_0": 0.8, "iou_1": 2 / 3}
    )
    assert one.quality == one.scores()["iou"]
    both = Tally() + one + one
    assert both.scores() == pytest.approx(one.scores())
    assert (both.frames, both.loss, both.truth_px, both.predicted_px) == (2, 1.0, 6, 4)
    as_json = {name: list(v) if isinstance(v, tuple) else v for name, v in vars(both).items()}
    assert Tally.restored(as_json) == both


def test_a_network_that_knows_one_class_is_refused() -> None:
    truth = cells(1)[0].labels
    with pytest.raises(TrainingError, match=r"the same class; by the labels there are 3"):
        refuse_useless(tally_classes(truth, np.ones_like(truth), 3))
    refuse_useless(tally_classes(truth, truth, 3))


# Training and prediction


def test_three_classes_are_learned_within_seconds(model: Path) -> None:
    card = read_card(model)
    assert card.scores["iou"] > 0.8
    assert min(card.scores[f"iou_{n}"] for n in range(3)) > 0.7
    assert card.scores["accuracy"] > 0.9
    assert "ap50" not in card.scores
    assert card.net.classes == load_model(model).card.net.classes == 3
    assert card.scale == 1


def test_answers_where_it_is_ignored_do_not_count() -> None:
    truth = cells(1)[0].labels
    answer = truth.copy()
    truth[:20] = -1
    other = answer.copy()
    other[:20] = 2
    assert tally_classes(truth, answer, 3) == tally_classes(truth, other, 3)
    frame = make_ready(Sample(truth.astype(np.float32), truth, "a", "a"), classes=3)
    assert (frame.state[:20] == IGNORED).all()
    assert (frame.state[20:] == truth[20:]).all()


def test_frames_without_any_class_are_a_sentence(tmp_path: Path) -> None:
    empty = [replace(one, labels=np.full_like(one.labels, -1)) for one in cells(2)]
    with pytest.raises(InputError, match="None of the 2 labelled frames"):
        follow(train(empty, QUICK, NET, tmp_path / "model"))


def test_events_tell_of_no_average_precision(tmp_path: Path, lenient: None) -> None:
    told: list[Event] = []
    follow(train(cells(3), QUICK, NET, tmp_path / "model"), told.append)
    (done,) = [event for event in told if isinstance(event, EpochDone)]
    assert done.val_ap50 is None
    assert 0 <= done.val_iou <= 1
    assert np.isfinite(done.val_loss)


def test_an_interrupted_training_goes_on(
    tmp_path: Path, lenient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(epochs, "_SAVE_EVERY_S", 0.0)
    config = QUICK.model_copy(update={"max_epochs": 2})
    steps = train(cells(3), config, NET, tmp_path / "model")
    next(event for event in steps if isinstance(event, BatchDone) and event.epoch == 2)
    steps.close()
    told: list[Event] = []
    follow(train(cells(3), config, NET, tmp_path / "model"), told.append)
    assert [event.epoch for event in told if isinstance(event, EpochDone)] == [2]


def test_classes_are_predicted_in_tiles_and_mirrors(model: Path) -> None:
    samples = cells(2, seed=9)
    for config in (PredictConfig(tile_px=64, overlap_px=16, device="cpu"), PredictConfig(flips=True)):
        told: list[Event] = []
        summary = follow(predict(stack_of(samples), 0, model, config), told.append)
        found = [event for event in told if isinstance(event, FramePredicted)]
        assert summary.counts == (0, 0)
        for event, sample in zip(found, samples, strict=True):
            assert tally_classes(sample.labels, event.labels, 3).scores()["iou"] > 0.8
            assert event.labels.dtype == np.int32
            assert event.probability is not None
            assert np.mean((event.probability > 0.5) == (event.labels > 0)) > 0.98


def test_maps_of_mirror_images_are_averaged_as_they_are() -> None:
    class Brightness(torch.nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return torch.cat([image, -image, 2 * image], 1)

    image = cells(1)[0].image
    view = View(1.0, 1.0, 99.5, 128, 16, 1, "cpu", 12.0, classes=3)
    plain, mirrored = (draw_maps(Brightness(), image, replace(view, flips=flips)) for flips in (False, True))
    np.testing.assert_allclose(plain, mirrored, atol=1e-5)
    np.testing.assert_allclose(plain[1], -plain[0], atol=1e-6)


def test_a_diameter_is_a_sentence(model: Path) -> None:
    with pytest.raises(SettingsError, match="gives pixels classes, which have none"):
        follow(predict(stack_of(cells(1)), 0, model, PredictConfig(diameter_px=20)))


def test_fine_tuning_goes_on_from_classes(model: Path, tmp_path: Path) -> None:
    told: list[Event] = []
    kept = follow(train(cells(3, seed=5), QUICK, NetConfig(), tmp_path / "next", model), told.append)
    (compared,) = [event for event in told if isinstance(event, Compared)]
    assert "mean IoU" in compared.text
    assert kept in (model, tmp_path / "next")
    new = read_card(tmp_path / "next")
    assert (new.net, new.parent) == (NET, read_card(model).sha256[:12])


def test_another_number_of_classes_than_the_base_is_a_sentence(model: Path, tmp_path: Path) -> None:
    net = NET.model_copy(update={"classes": 4})
    with pytest.raises(SettingsError, match=r"4 classes were asked for.*tells 3 classes apart"):
        follow(train(cells(2), QUICK, net, tmp_path / "model", model))
    with pytest.raises(SettingsError, match="Classes have no size"):
        follow(train(cells(2), QUICK, NET, tmp_path / "model", any_size=True))


def test_a_model_of_another_kind_is_no_rival(
    model: Path, scenes: Callable[..., list[Sample]], lenient: None
) -> None:
    told: list[Event] = []
    net = NET.model_copy(update={"classes": 0})
    made = follow(train(scenes(2), QUICK, net, model), told.append)
    assert made != model
    assert not any(isinstance(event, Compared) for event in told)
    with pytest.raises(ModelError, match="do not answer the same question"):
        follow(compare_models([model, made], cells(1)))
    with pytest.raises(SettingsError, match="finds separate objects"):
        follow(train(cells(2), QUICK, NET, made.with_name("other"), made))


def test_models_of_classes_are_compared(model: Path) -> None:
    table = follow(compare_models([model], cells(2, seed=4)))
    assert table["iou"][0] > 0.8
    with pytest.raises(InputError, match="hold the number 9"):
        follow(compare_models([model], [replace(one, labels=one.labels + 7) for one in cells(1)]))


def test_models_of_classes_are_given_to_others(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "user_models_folder", lambda: tmp_path / "own")
    details = Details(("Ada Example",), "CC-BY-4.0")
    made = follow(export_model(model, tmp_path / "model.zip", details, cells(1)[0].image)).path
    with zipfile.ZipFile(made) as package:
        description = json.loads(package.read("rdf.yaml"))
        told = package.read("README.md").decode()
    assert "one of 3 classes" in description["description"]
    assert "semantic-segmentation" in description["tags"]
    assert description["outputs"][0]["axes"][1]["channel_names"] == ["class0", "class1", "class2"]
    assert "logits of the classes" in told
    assert read_card(follow(import_model(made, "theirs"))).net == NET


def test_where_objects_are_needed_classes_are_refused(model: Path) -> None:
    with pytest.raises(ModelError, match="finds no separate objects"):
        must_find_objects(read_card(model))
    with pytest.raises(ModelError, match="finds no separate objects"):
        write_replay(model, cells(1))


def test_a_card_of_classes_is_written_and_read(tmp_path: Path, model: Path) -> None:
    card = save_model(tmp_path / "copy", read_card(model), load_model(model).network.state_dict())
    assert read_card(tmp_path / "copy") == card
    assert card.net == NET
