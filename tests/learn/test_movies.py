from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_cellseg.config import NetConfig, PredictConfig, TrainConfig
from napari_cellseg.data.samples import Sample
from napari_cellseg.data.stack import Stack
from napari_cellseg.errors import ModelError
from napari_cellseg.learn import artist as artist_module
from napari_cellseg.learn import validation
from napari_cellseg.learn.card import ModelCard, read_card
from napari_cellseg.learn.comparison import compare_models
from napari_cellseg.learn.events import FramePredicted
from napari_cellseg.learn.exchange import export_model
from napari_cellseg.learn.model import save_model
from napari_cellseg.learn.movies import MOST_FRAMES, levels_of_samples, levels_of_stack, spread
from napari_cellseg.learn.nets import build
from napari_cellseg.learn.normalise import Levels, normalise, stretch
from napari_cellseg.learn.patches import Frame, make_ready
from napari_cellseg.learn.predict import predict
from napari_cellseg.learn.train import train
from napari_cellseg.learn.validation import freeze, sit
from napari_cellseg.learn.view import View
from napari_cellseg.progress import Cancelled, Clock, Event, Progress, follow

Scenes = Callable[..., list[Sample]]
CARD = ModelCard(
    name="model",
    created="2026-01-01T00:00:00+00:00",
    net=NetConfig(encoder="tu-regnetx_002", decoder_channels=(32, 16, 16)),
    low_percentile=1,
    high_percentile=99,
    normalise_by="movie",
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


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "model"
    save_model(folder, CARD, build(CARD.net, seed=0).eval().state_dict())
    return folder


def movie(frames: npt.ArrayLike, reads: list[int] | None = None) -> Stack:
    """Make a stack; `reads` receives the number of every frame that is read."""
    array = np.asarray(frames)[:, None, None]

    def read(block: np.ndarray, block_info: Any = None) -> np.ndarray:
        if reads is not None and block_info:
            reads.append(block_info[0]["chunk-location"][0])
        return block

    data = da.from_array(array, chunks=(1, 1, 1, -1, -1))
    return Stack(data.map_blocks(read, dtype=array.dtype, meta=np.empty(0, array.dtype)), ("Phase",), "movie")


def bright_and_empty(n: int = 6, side: int = 64) -> npt.NDArray[np.uint16]:
    """Frames of noise around 100, the first half of them with a bright square."""
    frames = np.random.default_rng(0).normal(100, 3, (n, side, side))
    frames[: n // 2, 16:40, 16:40] += 900
    return frames.clip(0).astype(np.uint16)


def levels_in(stack: Stack, card: ModelCard = CARD) -> Levels | None:
    return follow(levels_of_stack(stack, 0, card, Clock(1, "frames predicted")))


def as_samples(frames: npt.NDArray[Any], group: str = "pos1") -> list[Sample]:
    return [Sample(frame, np.zeros(frame.shape, np.int32), group, "") for frame in frames]


def maps_of(stack: Stack, model: Path, frames: list[int] | None = None, **how: Any) -> dict[int, np.ndarray]:
    told: list[Event] = []
    follow(predict(stack, 0, model, PredictConfig(device="cpu", **how), frames), told.append)
    return {event.t: event.probability for event in told if isinstance(event, FramePredicted)}


@pytest.mark.parametrize("n", [1, 2, 15, 16, 17, 100, 12345])
def test_frames_are_spread_evenly_from_the_first_to_the_last(n: int) -> None:
    chosen = spread(n)
    assert (chosen[0], chosen[-1]) == (0, n - 1)
    assert len(chosen) == min(n, MOST_FRAMES) == len(set(chosen))
    steps = np.diff(chosen)
    assert len(steps) == 0 or steps.max() - steps.min() <= 1


def test_background_stays_dark_by_the_movie_and_becomes_noise_by_the_frame() -> None:
    frames = bright_and_empty()
    levels = levels_in(movie(frames))
    assert levels is not None
    empty = frames[-1]
    assert np.abs(stretch(empty, levels)).max() < 0.1
    assert np.ptp(normalise(empty)) > 0.9
    assert stretch(frames[0], levels)[20:36, 20:36].min() > 0.9


def test_a_movie_of_one_frame_is_that_frame_by_itself() -> None:
    frame = bright_and_empty(1, 90)
    levels = levels_in(movie(frame))
    assert levels is not None
    assert np.array_equal(stretch(frame[0], levels), normalise(frame[0], 1, 99))


def test_only_some_frames_are_read_and_little_of_them_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[int] = []
    frames = np.random.default_rng(0).integers(0, 255, (40, 400, 400), np.uint8)
    stack, kept = movie(frames, reads), []

    def keep(picked: list[Any], low: float, high: float) -> None:
        kept.append(sum(one.some.size for one in picked))

    monkeypatch.setattr("napari_cellseg.learn.movies.levels", keep)
    told: list[Event] = []
    follow(levels_of_stack(stack, 0, CARD, Clock(40, "frames predicted")), told.append)
    assert reads == spread(40)
    assert [(event.done, event.total) for event in told if isinstance(event, Progress)] == [(0, 40)] * 16
    assert kept[0] < 1_000_000 < 16 * 400 * 400


def test_finding_the_levels_can_be_stopped(model: Path) -> None:
    reads: list[int] = []
    stack = movie(bright_and_empty(10), reads)
    with pytest.raises(Cancelled):
        follow(predict(stack, 0, model, PredictConfig(device="cpu")), stop=lambda: len(reads) == 3)
    assert len(reads) == 3


def test_a_model_by_the_frame_reads_no_frame_twice(model: Path, tmp_path: Path) -> None:
    card = CARD.model_copy(update={"normalise_by": "frame"})
    save_model(tmp_path / "other", card, build(CARD.net, seed=0).state_dict())
    reads: list[int] = []
    maps_of(movie(bright_and_empty(4), reads), tmp_path / "other", [2, 1])
    assert reads == [2, 1]


def test_single_frames_are_predicted_as_in_the_whole_movie(model: Path) -> None:
    stack = movie(bright_and_empty(20))
    whole = maps_of(stack, model)
    assert len(whole) == 20
    for t in (0, 7, 19):
        assert np.array_equal(maps_of(stack, model, [t])[t], whole[t])
    assert not np.array_equal(maps_of(Stack(stack.data[19:], ("Phase",), "x"), model)[0], whole[19])


def test_levels_are_those_of_the_movie_whatever_the_tiles(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[View] = []
    draw = artist_module.draw_maps

    def look(network: torch.nn.Module, image: np.ndarray, view: View) -> np.ndarray:
        seen.append(view)
        return draw(network, image, view)

    monkeypatch.setattr(artist_module, "draw_maps", look)
    stack = movie(bright_and_empty(4, 100))
    for tile, frames in ((64, [3]), (128, [0, 1]), (512, [2])):
        maps_of(stack, model, frames, tile_px=tile, overlap_px=16)
    assert {view.tile_px for view in seen} == {64, 128, 512}
    assert {view.levels for view in seen} == {levels_in(stack)}
    assert all(view.by == "movie" for view in seen)


def test_size_is_measured_in_the_greys_of_the_movie(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = CARD.model_copy(update={"any_size": True})
    save_model(tmp_path / "any", card, build(CARD.net, seed=0).state_dict())
    seen: list[View] = []
    monkeypatch.setattr(
        artist_module, "fitting_scale", lambda network, frames, view: seen.append(view) or 1.0
    )
    stack = movie(bright_and_empty())
    maps_of(stack, tmp_path / "any", [0])
    assert seen[0].levels == levels_in(stack)


@pytest.mark.parametrize("value", [0.0, 5.0, np.nan, np.inf])
def test_movies_of_one_grey_or_of_no_number_give_an_answer(model: Path, value: float) -> None:
    assert levels_in(movie(np.full((3, 40, 40), value))) is None
    found = maps_of(movie(np.full((3, 40, 40), value)), model)
    assert all(np.isfinite(probability).all() for probability in found.values())


def test_spoiled_frames_and_pixels_do_not_spoil_the_movie() -> None:
    frames = bright_and_empty().astype(np.float32)
    spoiled = np.concatenate([frames, np.full((2, 64, 64), np.nan, np.float32)])
    spoiled[:6, 0, :9] = [np.nan, np.inf, -np.inf] * 3
    clean, found = levels_in(movie(frames)), levels_in(movie(spoiled))
    assert clean is not None
    assert found is not None
    assert found.bottom == pytest.approx(clean.bottom, abs=1)
    assert found.top == pytest.approx(clean.top, abs=10)
    assert not stretch(spoiled[-1], found).any()
    assert np.isfinite(stretch(spoiled[0], found)).all()


@settings(max_examples=50)
@given(
    seed=st.integers(0, 2**16),
    gain=st.floats(0.01, 100),
    offset=st.floats(-1000, 1000),
    n=st.integers(1, 5),
    by=st.sampled_from(["frame", "movie"]),
)
def test_gain_and_offset_of_the_camera_do_not_matter(
    seed: int, gain: float, offset: float, n: int, by: Any
) -> None:
    frames = np.random.default_rng(seed).normal(0, 100, (n, 12, 15)).round()
    pictures = []
    for shown in (frames, gain * frames + offset):
        movies = levels_of_samples(as_samples(shown), by, 1, 99)
        view = View(1.0, 1, 99, 64, 16, 1, "cpu", 12, by=by, movies=movies).of("pos1")
        assert (view.levels is None) == (by == "frame")
        pictures.append(np.stack([view.grey(frame) for frame in shown]))
    np.testing.assert_allclose(pictures[0], pictures[1], atol=1e-4)


def test_groups_have_levels_of_their_own_and_samples_agree_with_the_stack() -> None:
    frames = bright_and_empty(20)
    samples = as_samples(frames) + as_samples(frames[:, :30] * 3, "pos2")
    samples += as_samples(np.full((2, 8, 8), 7), "grey")
    found = levels_of_samples(samples, "movie", 1, 99)
    assert set(found) == {"pos1", "pos2"}
    assert found["pos1"] == levels_in(movie(frames))
    assert found["pos2"] == levels_in(movie(frames[:, :30] * 3))
    assert levels_of_samples(samples, "frame", 1, 99) == {}
    assert levels_of_samples([], "movie", 1, 99) == {}


def test_frames_to_learn_from_are_stretched_by_their_levels() -> None:
    sample = as_samples(bright_and_empty())[-1]
    by_movie = make_ready(sample, 0.5, levels=Levels(90, 1000)).image
    assert by_movie.shape == (32, 32)
    assert np.abs(by_movie).max() < 0.1
    assert np.ptp(make_ready(sample).image) > 0.9


def test_an_exam_shows_frames_in_the_greys_of_their_movie(monkeypatch: pytest.MonkeyPatch) -> None:
    frames = bright_and_empty()
    samples = as_samples(frames) + as_samples(frames * 2, "pos2")
    seen: list[Levels | None] = []

    def draw(network: torch.nn.Module, image: np.ndarray, view: View) -> np.ndarray:
        seen.append(view.levels)
        return np.full((3, *image.shape), -9, np.float32)

    monkeypatch.setattr(validation, "draw_maps", draw)
    movies = levels_of_samples(samples, "movie", 1, 99)
    view = View(1.0, 1, 99, 64, 16, 1, "cpu", 12, by="movie", movies=movies)
    marks = follow(sit(torch.nn.Identity(), freeze(samples, 10**9), view, PredictConfig()))
    assert seen == [movies["pos1"]] * 6 + [movies["pos2"]] * 6
    assert marks.pictures.image[0, 20:36, 20:36].min() > 0.9


def test_models_are_compared_in_the_greys_of_each_group(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Levels | None] = []
    draw = artist_module.draw_maps
    monkeypatch.setattr(
        artist_module, "draw_maps", lambda n, i, view: seen.append(view.levels) or draw(n, i, view)
    )
    samples = as_samples(bright_and_empty(3)) + as_samples(bright_and_empty(2) * 2, "pos2")
    follow(compare_models([model], samples, PredictConfig(device="cpu")))
    movies = levels_of_samples(samples, "movie", 1, 99)
    assert seen == [movies["pos1"]] * 3 + [movies["pos2"]] * 2


def test_training_by_the_movie_makes_a_model_that_says_so_and_predicts(
    scenes: Scenes, small_net: NetConfig, quick: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_cellseg.learn.train.refuse_useless", lambda tally: None)
    config = quick.model_copy(
        update={"normalise_by": "movie", "low_percentile": 2.0, "high_percentile": 99.0, "max_epochs": 1}
    )
    samples = scenes()
    samples += [
        replace(
            samples[0], image=samples[0].image // 8, labels=np.zeros_like(samples[0].labels), group="dark"
        )
    ]
    shown: list[tuple[str, Levels | None]] = []
    ready, draw = make_ready, validation.draw_maps

    def make(
        sample: Sample, scale: float, low: float, high: float, levels: Levels | None, classes: int
    ) -> Frame:
        shown.append((sample.group, levels))
        return ready(sample, scale, low, high, levels, classes)

    def look(network: torch.nn.Module, image: np.ndarray, view: View) -> np.ndarray:
        group = next(one.group for one in samples if one.image is image)
        shown.append((group, view.levels))
        return draw(network, image, view)

    monkeypatch.setattr("napari_cellseg.learn.train.make_ready", make)
    monkeypatch.setattr(validation, "draw_maps", look)
    base = follow(train(samples, config, small_net, tmp_path / "base"))
    card = read_card(base)
    assert (card.normalise_by, card.low_percentile, card.high_percentile) == ("movie", 2.0, 99.0)
    found = maps_of(movie([sample.image for sample in scenes(3)]), base)
    assert [np.isfinite(probability).all() for probability in found.values()] == [True] * 3

    follow(train(samples, quick.model_copy(update={"max_epochs": 1}), small_net, tmp_path / "tuned", base))
    tuned = read_card(tmp_path / "tuned")
    assert (tuned.normalise_by, tuned.low_percentile, tuned.high_percentile) == ("movie", 2.0, 99.0)
    assert tuned.train.normalise_by == "frame"
    expected = levels_of_samples(samples, "movie", 2.0, 99.0)  # also for the base, when it is scored again
    assert {group for group, _ in shown} == {"pos1", "pos2", "dark"}
    assert all(levels == expected[group] for group, levels in shown)


def test_other_programs_cannot_be_given_a_model_by_the_movie(model: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"whole movie.*one frame at a time.*Grey levels of: frame"):
        follow(export_model(model, tmp_path / "model.zip"))
    assert not list(tmp_path.iterdir())
