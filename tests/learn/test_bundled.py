"""The models that come with the program: whole, small, told about, and of use at the first click."""

from pathlib import Path

import numpy as np
import pytest

from napari_cellseg.config import NetConfig, PredictConfig, TrainConfig
from napari_cellseg.data.read import open_stack, read_labels
from napari_cellseg.data.sample_study import sample_positions, sample_truth
from napari_cellseg.data.samples import Sample
from napari_cellseg.learn.card import COVER_FILE, read_card
from napari_cellseg.learn.events import EpochDone, FramePredicted
from napari_cellseg.learn.model import View, load_model
from napari_cellseg.learn.predict import predict
from napari_cellseg.learn.registry import bundled_models_folder, find_model
from napari_cellseg.learn.resizing import resize, scaled_shape
from napari_cellseg.learn.scores import tally
from napari_cellseg.learn.size import fitting_scale
from napari_cellseg.learn.train import train
from napari_cellseg.progress import follow

MOST_MB = 15
FOLDERS = sorted(path.parent for path in bundled_models_folder().glob("*/card.json"))


def test_there_are_models() -> None:
    assert "nuclei-fluorescence" in [folder.name for folder in FOLDERS]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_model_is_small_and_its_card_complete(folder: Path) -> None:
    card = read_card(folder)
    assert sum(file.stat().st_size for file in folder.iterdir()) < MOST_MB * 1e6
    assert card.name == folder.name
    assert card.any_size
    assert all((card.title, card.objects, card.modality, card.limits, card.held_out))
    assert all(source.licence and source.citation and source.frames for source in card.sources)
    assert all("ap50" in scores for scores in card.group_scores.values())
    assert not set(card.groups) & set(card.held_out)
    assert (folder / COVER_FILE).is_file()


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_training_can_start_from_every_model(folder: Path, tmp_path: Path) -> None:
    position = sample_positions()[0]
    stack, truth = open_stack(position), read_labels(sample_truth(position))
    channel = stack.channels.index("Nuclei")
    samples = [
        Sample(stack.frame(t, channel)[:160, :160], truth[t][:160, :160], f"part {t}", f"{t}") for t in (0, 1)
    ]
    epochs: list[EpochDone] = []
    config = TrainConfig(max_epochs=1, batch_size=4, patch_px=64, device="cpu", validation_fraction=0.5)
    made = follow(
        train(samples, config, NetConfig(), tmp_path / "mine", folder),
        lambda event: epochs.append(event) if isinstance(event, EpochDone) else None,
    )
    assert made.is_dir()
    assert all(np.isfinite([event.train_loss, event.val_loss]).all() for event in epochs)
    assert epochs[-1].val_iou > 0.3
    weights = load_model(tmp_path / "mine").network.state_dict()
    assert all(bool(weight.isfinite().all()) for weight in weights.values())


def found_in_sample(config: PredictConfig) -> tuple[np.ndarray, np.ndarray]:
    position = sample_positions()[0]
    stack = open_stack(position)
    found: list[np.ndarray] = []
    follow(
        predict(stack, stack.channels.index("Nuclei"), find_model("nuclei-fluorescence"), config, [2]),
        lambda event: found.append(event.labels) if isinstance(event, FramePredicted) else None,
    )
    return read_labels(sample_truth(position))[2], found[0]


def test_stained_nuclei_are_found_at_the_first_click() -> None:
    truth, found = found_in_sample(PredictConfig(device="cpu"))
    scores = tally(truth, found, 0.0).scores()
    assert scores["f1"] > 0.8  # some of the nuclei have no stain


def test_the_diameter_may_be_told_and_mirror_images_looked_at() -> None:
    truth, found = found_in_sample(PredictConfig(device="cpu", diameter_px=18, flips=True))
    assert tally(truth, found, 0.0).scores()["f1"] > 0.8


@pytest.mark.parametrize("zoom", [0.5, 2.5])
def test_the_size_of_objects_is_found_out_whatever_the_magnification(zoom: float) -> None:
    model = load_model(find_model("nuclei-fluorescence"))
    card = model.card
    stack = open_stack(sample_positions()[0])
    frame = stack.frame(2, stack.channels.index("Nuclei")).astype(np.float32)
    view = View(1.0, card.low_percentile, card.high_percentile, 512, 64, 1, "cpu", card.object_px)
    here = fitting_scale(model.network, [frame], view)
    there = fitting_scale(model.network, [resize(frame, scaled_shape(frame.shape, zoom))], view)
    assert 0.75 < there * zoom / here < 1.33


def test_an_empty_frame_is_not_resized() -> None:
    model = load_model(find_model("nuclei-fluorescence"))
    view = View(1.0, 1.0, 99.5, 512, 64, 1, "cpu", model.card.object_px)
    assert fitting_scale(model.network, [np.zeros((64, 64), np.uint8)], view) == 1.0
