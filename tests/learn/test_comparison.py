from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_cellseg.config import NetConfig, PredictConfig
from napari_cellseg.data.samples import Sample
from napari_cellseg.data.stack import Stack
from napari_cellseg.errors import InputError
from napari_cellseg.learn import comparison
from napari_cellseg.learn.comparison import compare_models
from napari_cellseg.learn.events import FrameCompared, FramePredicted
from napari_cellseg.progress import Note, Progress, Steps, follow


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models that find all (good) or nothing (bad), in place of networks."""

    class Card:
        groups = ("pos2", "elsewhere")
        sha256 = "0" * 64
        net = NetConfig()

    def predict(stack: Stack, channel: int, model: Path, config: PredictConfig, **_: object) -> Steps[None]:
        yield Note(f"looking at {stack.name}")
        for t in range(stack.n_frames):
            labels = (stack.frame(t, channel) > 500).astype(np.int32) * (model.name == "good")
            yield FramePredicted(t, labels, None)

    monkeypatch.setattr(comparison, "predict", predict)
    monkeypatch.setattr(comparison, "read_card", lambda _folder: Card)


def samples() -> list[Sample]:
    made = []
    for i, (group, side) in enumerate([("pos1", 20), ("pos2", 20), ("pos1", 20), ("pos1", 30)]):
        labels = np.zeros((side, side), np.int32)
        labels[3 : 8 + i, 3:9] = 1
        made.append(Sample(labels * 1000, labels, group, f"frame {i}"))
    return made


def test_models_are_scored_on_the_same_frames_and_the_best_comes_first(answers: None) -> None:
    told: list[object] = []
    table = follow(compare_models([Path("bad"), Path("good")], samples()), told.append)
    assert table["model"].tolist() == ["good", "bad"]
    assert table["iou"].tolist() == table["ap50"].tolist() == table["f1"].tolist() == [1.0, 0.0]
    assert table["count_error"].tolist() == [0.0, 1.0]
    assert table["frames"].tolist() == [4, 4]
    assert table["trained_on"].tolist() == ["pos2", "pos2"]
    assert [event.done for event in told if isinstance(event, Progress)] == list(range(1, 9))
    assert sum(isinstance(event, Note) for event in told) == 6  # two models, three movies: by group and size


def test_models_may_look_at_another_channel_and_frames_are_told_by_number(answers: None) -> None:
    told: list[object] = []
    frames = samples()
    dark = [np.zeros_like(sample.image) for sample in frames]
    good, blind = Path("good"), Path("elsewhere/good")
    table = follow(compare_models([good, blind], frames, images={blind: dark}), told.append)
    assert table["ap50"].tolist() == [1.0, 0.0]
    scored = [event for event in told if isinstance(event, FrameCompared)]
    assert [event.sample for event in scored] == [0, 2, 1, 3] * 2  # by group and size
    for event in scored:
        truth = frames[event.sample].labels
        assert event.labels.shape == truth.shape
        assert (event.labels == truth).all() == (event.model == good) == (event.tally.quality == 1)


@pytest.mark.parametrize(("models", "frames"), [([], samples()), ([Path("good")], [])])
def test_nothing_to_compare_is_said(models: list[Path], frames: list[Sample], answers: Callable) -> None:
    with pytest.raises(InputError, match="At least one of each"):
        follow(compare_models(models, frames))
