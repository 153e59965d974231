"""Losses of networks that tell several classes apart, one map each."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def cross_entropy(logits: Tensor, truth: Tensor, counted: Tensor) -> Tensor:
    """Compute the cross-entropy: mean of -log q, q the softmax of the true class.

    Parameters
    ----------
    logits : Tensor
        Axes NCYX, float.
    truth : Tensor
        Axes NYX, int64, 0 to C - 1; any value where not counted.
    counted : Tensor
        Axes NYX, float, 0 or 1; pixels with 0 do not count.

    Returns
    -------
    Tensor
        A scalar; 0 when nothing counts.
    """
    return weighted_cross_entropy(logits, truth, counted, logits.new_ones(logits.shape[1]))


def weighted_cross_entropy(logits: Tensor, truth: Tensor, counted: Tensor, class_weights: Tensor) -> Tensor:
    """Compute the weighted cross-entropy: sum of -w log q over sum of w, w the weight of the true class.

    Parameters
    ----------
    logits : Tensor
        Axes NCYX, float.
    truth : Tensor
        Axes NYX, int64, 0 to C - 1; any value where not counted.
    counted : Tensor
        Axes NYX, float, 0 or 1; pixels with 0 do not count.
    class_weights : Tensor
        Axis C, float, positive.

    Returns
    -------
    Tensor
        A scalar; 0 when nothing counts. It is the mean of `torch.nn.functional.cross_entropy`.
    """
    logits = logits if logits.dtype == torch.float64 else logits.float()
    counts = counted > 0
    class_weights = class_weights.to(logits)
    logits, truth = torch.where(counts[:, None], logits, 0), torch.where(counts, truth, 0)
    crossed = F.cross_entropy(logits, truth, weight=class_weights, reduction="none")
    total = (class_weights[truth] * counts).sum()
    return (crossed * counts).sum() / torch.where(total > 0, total, 1)
