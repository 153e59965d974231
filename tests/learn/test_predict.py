from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest
import torch

from napari_cellseg.config import NetConfig, PredictConfig
from napari_cellseg.data.stack import Stack
from napari_cellseg.errors import InputError, ModelError
from napari_cellseg.learn import artist as artist_module
from napari_cellseg.learn import model as model_module
from napari_cellseg.learn.card import ModelCard, model_hash, read_card
from napari_cellseg.learn.events import FramePredicted, PredictSummary
from napari_cellseg.learn.model import save_model
from napari_cellseg.learn.nets import build
from napari_cellseg.learn.predict import predict
from napari_cellseg.progress import Event, Note, Progress, follow


@pytest.fixture
def model(tmp_path: Path, small_net: NetConfig) -> Path:
    card = ModelCard(
        name="model",
        created="2026-01-01T00:00:00+00:00",
        net=small_net,
        low_percentile=1,
        high_percentile=99,
        object_diameter_px=14,
        train={},
        data_fingerprint="",
        n_frames=1,
        groups=(),
        held_out=(),
        held_out_how="",
        scores={},
        epochs=1,
        seconds=1,
        device="",
        versions={},
    )
    network = build(small_net, seed=0).eval()
    save_model(tmp_path / "model", card, network.state_dict())
    return tmp_path / "model"


def movie(frames: Any) -> Stack:
    data = da.from_array(np.asarray(frames)[:, None, None], chunks=(1, 1, 1, -1, -1))
    return Stack(data, ("Phase",), "movie")


def run(stack: Stack, model: Path, **options: Any) -> tuple[PredictSummary, list[Event]]:
    told: list[Event] = []
    config = PredictConfig(device="cpu", **options.pop("config", {}))
    return follow(predict(stack, 0, model, config, **options), told.append), told


def test_frames_come_in_the_order_asked_for(model: Path) -> None:
    stack = movie(np.random.default_rng(0).integers(0, 255, (5, 40, 50), np.uint8))
    summary, told = run(stack, model, frames=[3, 0, 4])
    frames = [event for event in told if isinstance(event, FramePredicted)]
    assert [event.t for event in frames] == [3, 0, 4]
    assert summary.frames == (3, 0, 4)
    assert summary.counts == tuple(int(event.labels.max()) for event in frames)
    assert summary.model_hash == model_hash(read_card(model))
    assert [event.done for event in told if isinstance(event, Progress)] == [1, 2, 3]


@pytest.mark.parametrize("shape", [(1, 1), (1, 70), (33, 31), (200, 90)])
def test_any_size_gives_labels_of_that_size(model: Path, shape: tuple[int, int]) -> None:
    stack = movie(np.random.default_rng(0).integers(0, 4000, (1, *shape), np.uint16))
    _, told = run(stack, model, config={"tile_px": 64, "overlap_px": 16})
    frame = next(event for event in told if isinstance(event, FramePredicted))
    assert frame.labels.shape == shape
    assert frame.labels.dtype == np.int32
    assert frame.probability is not None
    assert frame.probability.dtype == np.float16
    assert frame.probability.shape == shape
    assert 0 <= frame.probability.min() <= frame.probability.max() <= 1


@pytest.mark.parametrize("value", [0.0, 5.0, np.nan, np.inf])
def test_constant_frames_give_an_answer(model: Path, value: float) -> None:
    _, told = run(movie(np.full((1, 40, 40), value)), model)
    frame = next(event for event in told if isinstance(event, FramePredicted))
    assert np.isfinite(frame.probability).all()


def test_probability_only_when_asked_for(model: Path) -> None:
    _, told = run(movie(np.zeros((1, 32, 32))), model, keep_probability=False)
    assert all(event.probability is None for event in told if isinstance(event, FramePredicted))


def test_frames_that_a_network_sees_whole_or_in_tiles_look_alike(model: Path) -> None:
    image = np.random.default_rng(1).integers(0, 255, (1, 256, 256), np.uint8)
    maps = []
    for tile in (256, 128):
        _, told = run(movie(image), model, config={"tile_px": tile, "overlap_px": 64})
        maps.append(next(e for e in told if isinstance(e, FramePredicted)).probability.astype(float))
    assert np.abs(maps[0] - maps[1]).mean() < 0.02


def test_the_network_is_loaded_once(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loads, load = [], model_module.load_model
    monkeypatch.setattr(model_module, "load_model", lambda *a: loads.append(a) or load(*a))
    model_module._cached.cache_clear()
    for _ in range(3):
        run(movie(np.zeros((2, 32, 32))), model)
    assert len(loads) == 1


def test_unknown_frame_or_channel_is_said(model: Path) -> None:
    stack = movie(np.zeros((3, 32, 32)))
    with pytest.raises(InputError, match="frames 0 to 2"):
        run(stack, model, frames=[3])
    with pytest.raises(InputError, match="has the channels 0 Phase"):
        follow(predict(stack, 1, model, PredictConfig(device="cpu")))


def test_memory_that_runs_out_is_made_do_with(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = artist_module.draw_maps

    def short_of_memory(network: torch.nn.Module, image: np.ndarray, view: model_module.View) -> np.ndarray:
        if view.tile_px > 64:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return draw(network, image, view)

    monkeypatch.setattr(artist_module, "draw_maps", short_of_memory)
    summary, told = run(movie(np.zeros((2, 128, 128))), model, config={"tile_px": 256})
    texts = [event.text for event in told if isinstance(event, Note)]
    assert texts == [
        "Memory ran out on the CPU, 1 thread: going on with pieces of 128 px.".replace(
            "CPU, 1 thread", summary.device
        ),
        "Memory ran out on the CPU, 1 thread: going on with pieces of 64 px.".replace(
            "CPU, 1 thread", summary.device
        ),
    ]
    assert len(summary.frames) == 2


def test_no_memory_at_all_is_said(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_memory(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(artist_module, "draw_maps", no_memory)
    with pytest.raises(ModelError, match="not enough memory"):
        run(movie(np.zeros((1, 64, 64))), model)


def test_another_magnification_is_accounted_for(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card, seen = read_card(model), []
    draw = artist_module.draw_maps
    monkeypatch.setattr(
        artist_module, "draw_maps", lambda n, i, view: seen.append(view.scale) or draw(n, i, view)
    )
    known = card.model_copy(update={"pixel_size_um": 1.0})
    (model / "card.json").write_text(known.model_dump_json())
    stack = movie(np.zeros((1, 64, 64)))
    for size in (None, 0.5, 2.0):
        run(Stack(stack.data, stack.channels, "movie", pixel_size_um=size), model)
    assert seen == [1.0, 0.5, 2.0]
