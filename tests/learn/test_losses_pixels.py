import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch import Tensor

from napari_cellseg.config import LossName, TrainConfig
from napari_cellseg.errors import SettingsError
from napari_cellseg.learn.losses.crossed import focal, weighted_bce
from napari_cellseg.learn.losses.overlap import dice, focal_tversky, tversky
from napari_cellseg.learn.losses.pixels import LOSSES, pixel_loss
from napari_cellseg.learn.runtime import seeded

LN2 = math.log(2)
TVERSKY = 1 - 1 / (1 + 0.3 * 1.5 + 0.7 * 0.5)
every_loss = pytest.mark.parametrize("name", LOSSES)


def scene() -> tuple[Tensor, Tensor, Tensor]:
    truth = torch.zeros(2, 12, 12)
    truth[:, 3:7, 3:7] = 1
    return torch.randn(2, 12, 12, generator=seeded(0)), truth, torch.ones(2, 12, 12)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("bce", LN2),
        ("weighted-bce", (2 + 3) / 4 * LN2),
        ("balanced-bce", (0.75 + 3 * 0.25) / 4 * LN2),
        ("focal", 0.5 * 0.25 * LN2),
        ("dice", 1 - (2 * 0.5 + 1) / (2 * 0.5 + 1.5 + 0.5 + 1)),
        ("tversky", TVERSKY),
        ("focal-tversky", TVERSKY**0.75),
        ("sensitivity-specificity", 0.25),
        ("log-cosh-dice", math.log(math.cosh(0.5))),
        ("bce+dice", LN2 + 0.5),
        ("weighted-bce+tversky", 1.25 * LN2 + TVERSKY),
    ],
)
def test_one_object_pixel_of_four_and_an_undecided_network(name: str, expected: float) -> None:
    truth = torch.tensor([[[1.0, 0.0], [0.0, 0.0]]])
    found = pixel_loss(name)(torch.zeros(1, 2, 2), truth, torch.ones(1, 2, 2))
    assert found.shape == ()
    assert float(found) == pytest.approx(expected, abs=2e-5)


def test_every_loss_was_worked_out_by_hand() -> None:
    (mark,) = test_one_object_pixel_of_four_and_an_undecided_network.pytestmark
    assert [name for name, _ in mark.args[1]] == list(LOSSES)


@every_loss
def test_the_right_answer_costs_nothing_and_a_wrong_one_something(name: str) -> None:
    _, truth, counted = scene()
    right = (truth * 2 - 1) * 20
    assert 0 <= float(pixel_loss(name)(right, truth, counted)) < 1e-5
    assert float(pixel_loss(name)(-right, truth, counted)) > 0.3


@every_loss
@pytest.mark.parametrize("there", [50.0, -50.0, math.inf, math.nan])
def test_ignored_pixels_have_no_say(name: str, there: float) -> None:
    logits, truth, counted = scene()
    counted[:, 8:] = 0
    counted[0, 4, 4] = 0
    ignored = counted == 0
    other, other_truth = logits.clone(), truth.clone()
    other[ignored], other_truth[ignored] = there, 1 - truth[ignored]
    expected = pixel_loss(name)(logits, truth, counted)
    other.requires_grad_()
    found = pixel_loss(name)(other, other_truth, counted)
    assert torch.equal(found.detach(), expected)
    found.backward()
    assert other.grad is not None
    assert not other.grad[ignored].any()
    assert other.grad[~ignored].all()


@every_loss
def test_ignored_pixels_count_as_if_they_were_not_there(name: str) -> None:
    logits, truth, counted = scene()
    counted[:, 8:] = 0
    part = pixel_loss(name)(logits[:, :8], truth[:, :8], counted[:, :8])
    assert torch.allclose(pixel_loss(name)(logits, truth, counted), part)


@every_loss
def test_nothing_to_learn_from_costs_nothing(name: str) -> None:
    logits, truth, counted = scene()
    logits.requires_grad_()
    loss = pixel_loss(name)(logits, truth, torch.zeros_like(counted))
    loss.backward()
    assert logits.grad is not None
    assert float(loss.detach()) == 0
    assert not logits.grad.any()


@every_loss
def test_gradients_are_right(name: str) -> None:
    logits, truth, counted = (tensor[:, 2:5, 2:5].double() for tensor in scene())
    counted[0, 0, 0] = 0
    loss = pixel_loss(name)
    assert torch.autograd.gradcheck(lambda x: loss(x, truth, counted), logits.clone().requires_grad_())


@every_loss
@pytest.mark.parametrize("kind", ["all right", "all wrong", "no object", "all object"])
def test_gradients_are_finite_at_the_ends(name: str, kind: str) -> None:
    _, truth, counted = scene()
    truth = {"no object": torch.zeros_like(truth), "all object": torch.ones_like(truth)}.get(kind, truth)
    logits = ((truth * 2 - 1) * (-300 if kind == "all wrong" else 300)).requires_grad_()
    loss = pixel_loss(name)(logits, truth, counted)
    loss.backward()
    assert torch.isfinite(loss)
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


@every_loss
def test_half_precision_is_as_good(name: str) -> None:
    logits, truth, counted = scene()
    half = logits.to(torch.bfloat16)
    found = pixel_loss(name)(half, truth, counted)
    assert found.dtype == torch.float32
    assert torch.equal(found, pixel_loss(name)(half.float(), truth, counted))


@every_loss
@settings(max_examples=15)
@given(
    logits=arrays(np.float32, (2, 3, 4), elements=st.floats(-1e4, 1e4, width=32)),
    truth=arrays(np.float32, (2, 3, 4), elements=st.sampled_from([0.0, 1.0])),
    counted=arrays(np.float32, (2, 3, 4), elements=st.sampled_from([0.0, 1.0])),
)
def test_every_loss_is_finite_and_not_negative(
    name: str, logits: np.ndarray, truth: np.ndarray, counted: np.ndarray
) -> None:
    found = float(pixel_loss(name)(*map(torch.from_numpy, (logits, truth, counted))))
    assert math.isfinite(found)
    assert found >= 0


@pytest.mark.parametrize(
    ("special", "general"),
    [
        (lambda *x: tversky(*x, alpha=0.5, beta=0.5), dice),
        (lambda *x: focal_tversky(*x, gamma=1.0), tversky),
        (lambda *x: 2 * focal(*x, gamma=0.0), LOSSES["bce"]),
        (lambda *x: weighted_bce(*x, positive_weight=1.0), LOSSES["bce"]),
    ],
)
def test_special_cases(special: Callable[..., Tensor], general: Callable[..., Tensor]) -> None:
    assert torch.allclose(special(*scene()), general(*scene()), atol=1e-6)


def test_settings_offer_the_losses_that_there_are() -> None:
    assert LossName.__args__ == tuple(LOSSES)
    assert TrainConfig().loss == "bce+dice"


def test_an_unknown_loss_is_a_sentence_with_those_that_there_are() -> None:
    with pytest.raises(SettingsError, match=r"no loss 'hinge'.*bce, .*bce\+dice"):
        pixel_loss("hinge")
