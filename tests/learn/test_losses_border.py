import math

import numpy as np
import pytest
import torch
from scipy import ndimage as ndi

from napari_cellseg.learn.losses.border import border_bce, border_weights
from napari_cellseg.learn.losses.crossed import bce


def two_objects() -> np.ndarray:
    labels = np.zeros((40, 90), np.int32)
    labels[10:30, 10:20] = 3
    labels[10:30, 24:40] = 7
    return labels


def test_gaps_weigh_as_published() -> None:
    weights = border_weights(two_objects())
    assert weights.dtype == np.float32
    for column, (d1, d2) in {20: (1, 4), 21: (2, 3), 22: (3, 2)}.items():
        assert weights[20, column] == pytest.approx(1 + 10 * math.exp(-((d1 + d2) ** 2) / 50))
    assert weights[20, 5] == pytest.approx(1 + 10 * math.exp(-((5 + 19) ** 2) / 50), rel=1e-4)
    assert (weights[10:30, 10:20] == 1).all()
    assert weights[20, 80] == 1
    assert border_weights(two_objects(), w0=2, sigma_px=1)[20, 21] == pytest.approx(1 + 2 * math.exp(-12.5))


def test_boxes_around_objects_change_nothing(disks) -> None:
    labels = disks(96, n=12, radius=5.0)
    labels[:4] = -1
    numbers = np.unique(labels[labels > 0])
    distances = np.sort([ndi.distance_transform_edt(labels != number) for number in numbers], axis=0)
    expected = 1 + 10 * np.exp(-((distances[0] + distances[1]) ** 2) / 50) * (labels <= 0)
    assert np.allclose(border_weights(labels), expected, atol=5e-5)


@pytest.mark.parametrize("labels", [np.zeros((5, 6), np.int32), np.ones((5, 6), np.int32)])
def test_without_gaps_all_weigh_the_same(labels: np.ndarray) -> None:
    assert (border_weights(labels) == 1).all()


def test_weights_act_and_ignored_pixels_do_not() -> None:
    truth = torch.tensor([[[1.0, 0.0], [0.0, 0.0]]])
    weights = torch.tensor([[[1.0, 5.0], [2.0, 8.0]]])
    counted = torch.tensor([[[1.0, 1.0], [1.0, 0.0]]])
    logits = torch.zeros(1, 2, 2)
    logits[0, 1, 1] = torch.inf
    logits.requires_grad_()
    loss = border_bce(logits, truth, counted, weights)
    assert float(loss.detach()) == pytest.approx((1 + 5 + 2) / 3 * math.log(2))
    loss.backward()
    assert torch.allclose(logits.grad, torch.tensor([[[-0.5, 2.5], [1.0, 0.0]]]) / 3)
    assert float(border_bce(logits.detach(), truth, torch.zeros_like(counted), weights)) == 0
    right = (truth * 2 - 1) * 30
    assert float(border_bce(right, truth, counted, weights)) < 1e-6
    assert torch.equal(border_bce(right, truth, counted, weights * 0 + 1), bce(right, truth, counted))


def test_gradients_are_right() -> None:
    random = torch.randn(2, 3, 3, dtype=torch.float64)
    truth, counted = (random > 0).double(), torch.ones(2, 3, 3, dtype=torch.float64)
    counted[0, 1] = 0
    assert torch.autograd.gradcheck(
        lambda x: border_bce(x, truth, counted, 1 + random.abs()), (random * 0.5).requires_grad_()
    )
