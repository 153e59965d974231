"""How far the network's maps are from the targets."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from napari_cellseg.learn.targets import IGNORED, OBJECT

_DEPTH_WEIGHT = 4.0


def loss_of(logits: Tensor, state: Tensor, depth: Tensor) -> Tensor:
    """Compute the loss; ignored pixels do not count.

    Binary cross-entropy plus Dice loss (Milletari et al. 2016) on where objects are, plus the mean absolute
    error of the depth within objects and their surroundings.

    Parameters
    ----------
    logits : Tensor
        Axes NMYX: logits of the object probability and of the depth.
    state : Tensor
        Axes NYX, uint8, as `targets.Targets.state`.
    depth : Tensor
        Axes NYX, float in 0..1, as `targets.Targets.depth`.

    Returns
    -------
    Tensor
        A scalar; 0 when every pixel is ignored.
    """
    logits = logits.float()
    counted = (state != IGNORED).float()
    truth = (state == OBJECT).float()
    n_counted = counted.sum().clamp(min=1)

    crossed = F.binary_cross_entropy_with_logits(logits[:, 0], truth, reduction="none")
    probability = torch.sigmoid(logits[:, 0]) * counted
    overlap = 2 * (probability * truth).sum()
    dice = 1 - (overlap + 1) / (probability.sum() + truth.sum() + 1)
    inside = F.smooth_l1_loss(torch.sigmoid(logits[:, 1]), depth.float(), reduction="none", beta=0.1)
    return (crossed * counted).sum() / n_counted + dice + _DEPTH_WEIGHT * (inside * counted).sum() / n_counted
