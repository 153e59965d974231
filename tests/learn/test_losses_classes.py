import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from napari_cellseg.learn.losses.classes import cross_entropy, weighted_cross_entropy
from napari_cellseg.learn.runtime import seeded

WEIGHTS = torch.tensor([1.0, 2.0, 4.0])


def scene() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = seeded(1)
    logits = torch.randn(2, 3, 4, 5, generator=generator)
    return logits, torch.randint(0, 3, (2, 4, 5), generator=generator), torch.ones(2, 4, 5)


def test_known_values() -> None:
    _, truth, counted = scene()
    undecided = torch.zeros(2, 3, 4, 5)
    assert float(cross_entropy(undecided, truth, counted)) == pytest.approx(math.log(3))
    assert float(weighted_cross_entropy(undecided, truth, counted, WEIGHTS)) == pytest.approx(math.log(3))
    logits = torch.zeros(1, 3, 1, 2)
    logits[0, 0, 0, 0] = math.log(2)  # 1/2, 1/4, 1/4 at the first pixel; thirds at the second
    truth, counted = torch.tensor([[[0, 2]]]), torch.ones(1, 1, 2)
    assert float(cross_entropy(logits, truth, counted)) == pytest.approx(math.log(6) / 2)
    weighted = (1 * math.log(2) + 4 * math.log(3)) / 5
    assert float(weighted_cross_entropy(logits, truth, counted, WEIGHTS)) == pytest.approx(weighted)


def test_the_right_answer_costs_nothing() -> None:
    _, truth, counted = scene()
    right = F.one_hot(truth, 3).movedim(-1, 1) * 40.0
    assert float(cross_entropy(right, truth, counted)) < 1e-6
    assert float(weighted_cross_entropy(right, truth, counted, WEIGHTS)) < 1e-6


def test_ignored_pixels_have_no_say_and_may_be_of_no_class() -> None:
    logits, truth, counted = scene()
    counted[:, 2:] = 0
    other, other_truth = logits.clone(), truth.clone()
    other[:, :, 2:], other_truth[:, 2:] = torch.inf, -1
    other.requires_grad_()
    found = weighted_cross_entropy(other, other_truth, counted, WEIGHTS)
    part = F.cross_entropy(logits[:, :, :2], truth[:, :2], weight=WEIGHTS)
    assert torch.allclose(found, part)
    found.backward()
    assert other.grad is not None
    assert not other.grad[:, :, 2:].any()
    assert other.grad[:, :, :2].all()


def test_nothing_to_learn_from_costs_nothing() -> None:
    logits, truth, counted = scene()
    logits.requires_grad_()
    loss = weighted_cross_entropy(logits, truth, torch.zeros_like(counted), WEIGHTS)
    loss.backward()
    assert float(loss.detach()) == 0
    assert logits.grad is not None
    assert not logits.grad.any()


def test_gradients_are_right() -> None:
    logits, truth, counted = scene()
    counted[0, 0] = 0
    assert torch.autograd.gradcheck(
        lambda x: weighted_cross_entropy(x, truth, counted, WEIGHTS), logits.double().requires_grad_()
    )


@settings(max_examples=20)
@given(seed=st.integers(0, 1000), height=st.floats(0, 1e4), n_classes=st.integers(1, 5))
def test_it_is_finite_and_not_negative(seed: int, height: float, n_classes: int) -> None:
    generator = seeded(seed)
    logits = torch.randn(2, n_classes, 3, 3, generator=generator) * height
    truth = torch.randint(0, n_classes, (2, 3, 3), generator=generator)
    counted = torch.randint(0, 2, (2, 3, 3), generator=generator)
    assert 0 <= float(cross_entropy(logits, truth, counted)) < math.inf
