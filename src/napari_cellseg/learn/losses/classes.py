"""Losses of networks that tell several classes apart, one map each."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

_S = 0.5


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


def balanced_weights(truth: Tensor, counted: Tensor, n_classes: int) -> Tensor:
    """Compute the weights with which all classes weigh the same, however few their pixels: 1 / n of each.

    With them, `weighted_cross_entropy` is the mean over the classes that occur of the mean of -log q over
    the pixels of each.

    Parameters
    ----------
    truth : Tensor
        Axes NYX, int64, 0 to C - 1; any value where not counted.
    counted : Tensor
        Axes NYX, float, 0 or 1; pixels with 0 do not count.
    n_classes : int
        C.

    Returns
    -------
    Tensor
        Axis C, float32; 1 for a class without any pixel, where it has no effect.
    """
    found = torch.where(counted > 0, truth, n_classes)
    n = torch.stack([(found == number).sum() for number in range(n_classes)])  # bincount is not repeatable
    return 1 / n.clamp(min=1).float()


def class_dice(logits: Tensor, truth: Tensor, counted: Tensor) -> Tensor:
    """Compute the Dice loss of classes: mean over them of 1 - (2 sum p y + 2 s) / (sum p + sum y + 2 s).

    p is the softmax of a class and y its truth, 0 or 1; sums are over the pixels of the batch that count, and
    s is half a pixel, see `overlap`. As in nnU-Net (Isensee et al. 2021), but with background.

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
        A scalar in 0..1; 0 when nothing counts.
    """
    logits = logits if logits.dtype == torch.float64 else logits.float()
    counts = (counted > 0)[:, None]
    p = torch.softmax(torch.where(counts, logits, 0), 1) * counts
    numbers = torch.arange(logits.shape[1], device=logits.device)[:, None, None]
    y = ((truth[:, None] == numbers) & counts).to(p)
    right, both = (p * y).sum((0, 2, 3)), (p + y).sum((0, 2, 3))
    return (1 - (2 * right + 2 * _S) / (both + 2 * _S)).mean()
