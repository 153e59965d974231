import json
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from torch import nn

from napari_cellseg.config import NetConfig, TrainConfig
from napari_cellseg.data.samples import Sample
from napari_cellseg.learn import learner, runtime
from napari_cellseg.learn.learner import Learner
from napari_cellseg.learn.losses import loss_of
from napari_cellseg.learn.patches import Batch, Frame, cut, make_ready
from napari_cellseg.learn.remember import Anchor, n_replayed

Scenes = Callable[..., list[Sample]]
PLAN = runtime.Plan(4, 32, runtime.choose_device("cpu"))
NET = NetConfig(encoder="tu-regnetx_002", decoder_channels=(16, 16))


@pytest.fixture
def config() -> TrainConfig:
    return TrainConfig(batch_size=4, patch_px=32, device="cpu", learning_rate=3e-3, replay=0.5, stay_near=0)


def squares(light: float, seed: int, n: int = 4) -> list[Frame]:
    """Frames of squares that are as much brighter than their surroundings, or darker."""
    random = np.random.default_rng(seed)
    frames = []
    for _ in range(n):
        labels = np.zeros((64, 64), np.int32)
        for number, (y, x) in enumerate(random.integers(0, 5, (8, 2)) * 12 + 2, start=1):
            labels[y : y + 9, x : x + 9] = number
        image = 500 + light * (labels > 0) + random.normal(0, 20, labels.shape)
        frames.append(make_ready(Sample(image, labels, "", "")))
    return frames


def taught(config: TrainConfig, frames: Sequence[Frame], steps: int, *start: object) -> Learner:
    made = Learner(NET, config, PLAN, *start)
    for _ in range(steps):
        made.step(frames, 0)
    return made


def loss(made: Learner, frames: Sequence[Frame]) -> float:
    batch = cut([frames[i % len(frames)] for i in range(16)], 64, torch.Generator().manual_seed(0))
    with torch.inference_mode():
        return float(loss_of(made.average(batch.image), batch.state, batch.offset))


@pytest.mark.parametrize("batch", [1, 2, 4, 8])
@pytest.mark.parametrize("part", [0.01, 0.1, 0.25, 0.6])
def test_the_part_of_a_batch_is_right_on_average(batch: int, part: float) -> None:
    generator = torch.Generator().manual_seed(0)
    drawn = np.array([n_replayed(batch, part, generator) for _ in range(2000)])
    assert abs(drawn.mean() - min(part * batch, max(batch - 1, 1))) < 0.08
    assert np.ptp(drawn) <= 1


def test_a_new_patch_is_left_and_whole_numbers_leave_nothing_to_chance() -> None:
    generator = torch.Generator().manual_seed(0)
    assert n_replayed(8, 0.25, generator) == 2
    assert torch.equal(generator.get_state(), torch.Generator().manual_seed(0).get_state())
    assert {n_replayed(2, 0.9, generator) for _ in range(50)} == {1}


def test_what_is_shown_again_is_not_forgotten(config: TrainConfig) -> None:
    old, new = squares(600, 0), squares(-600, 1)
    weights = taught(config, old, 60).weights()
    start = Learner(NET, config, PLAN, weights)
    forgetful, mindful = taught(config, new, 60, weights), taught(config, new, 60, weights, old)
    unseen = squares(600, 2)
    assert loss(mindful, unseen) < 0.3 * loss(forgetful, unseen)
    for made in (mindful, forgetful):  # both have learned the new kind
        assert loss(made, squares(-600, 3)) < 0.3 * loss(start, squares(-600, 3))


def test_every_batch_holds_as_many_as_it_should(config: TrainConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new, counted = squares(600, 0), squares(-600, 1), []

    def counting(frames: Sequence[Frame], *rest: object) -> Batch:
        counted.append([sum(any(f is one for one in kind) for f in frames) for kind in (new, old)])
        return cut(frames, *rest)

    monkeypatch.setattr(learner, "cut", counting)
    weights = Learner(NET, config, PLAN).weights()
    taught(config.model_copy(update={"replay": 0.25}), new, 1, weights, old)
    assert counted == [[3, 1]]
    counted.clear()
    taught(config.model_copy(update={"replay": 0.0}), new, 1, weights, old)
    assert counted == [[4, 0]]


def test_the_same_seed_gives_the_same_weights_and_so_does_going_on(config: TrainConfig) -> None:
    old, new = squares(600, 0), squares(-600, 1)
    weights = Learner(NET, config, PLAN).weights()
    whole, again = taught(config, new, 4, weights, old), taught(config, new, 2, weights, old)
    tensors, numbers = again.state()
    tensors = {name: value.clone() for name, value in tensors.items()}
    resumed = Learner(NET, config, PLAN, weights, old)
    resumed.restore(tensors, json.loads(json.dumps(numbers)))
    for made in (again, resumed):
        for _ in range(2):
            made.step(new, 0)
        for name, value in made.weights().items():
            torch.testing.assert_close(value, whole.weights()[name], rtol=1e-5, atol=1e-6, msg=name)


def far(made: Learner, weights: dict[str, torch.Tensor]) -> float:
    pairs = ((value, weights[name]) for name, value in made.network.named_parameters())
    return float(sum(((value.detach() - start) ** 2).sum() for value, start in pairs))


def test_weights_are_held_near_the_parent(config: TrainConfig) -> None:
    new = squares(-600, 1)
    weights = taught(config, squares(600, 0), 2).weights()
    free, held = (taught(config.model_copy(update={"stay_near": near}), new, 15, weights) for near in (0, 10))
    assert far(held, weights) < 0.9 * far(free, weights)
    assert held.optimiser.param_groups[0]["weight_decay"] == 0
    assert free.optimiser.param_groups[0]["weight_decay"] > 0


def test_nothing_is_held_without_a_parent_or_with_its_images(config: TrainConfig) -> None:
    near = config.model_copy(update={"stay_near": 1.0})
    weights = Learner(NET, near, PLAN).weights()
    made = Learner(NET, near, PLAN), Learner(NET, near, PLAN, weights, squares(600, 0))
    assert all(one.optimiser.param_groups[0]["weight_decay"] > 0 for one in made)


def test_the_pull_is_that_of_the_formula() -> None:
    network = nn.Linear(3, 2)
    network.bias.requires_grad_(False)
    parent = network.weight.detach().clone()
    anchor = Anchor(network, 0.5)
    with torch.no_grad():
        network.weight += 1
        network.bias += 1
    bias = network.bias.clone()
    anchor.pull(0.1)
    torch.testing.assert_close(network.weight.detach(), parent + 1 - 0.1 * 0.5)
    assert torch.equal(network.bias, bias)  # frozen
    anchor.pull(100)
    torch.testing.assert_close(network.weight.detach(), parent)  # never beyond the parent
