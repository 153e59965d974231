"""Losses that ask how much of the objects is covered, over all pixels of the batch together.

In the formulas p is the sigmoid of the logit and y the truth, 0 or 1, of a pixel; sums are over the pixels
that count. TP = sum p y, FP = sum p (1 - y), FN = sum (1 - p) y. Both sides of each fraction are raised by s,
half a pixel: batches without any object then have a loss, too, which falls with what is invented there. The
losses of segmentation-models-pytorch set it to 0 for such batches, so that nothing is learned from them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from napari_cellseg.learn.losses.masked import masked

_S = 0.5
_LEAST = 1e-7


def dice(logits: Tensor, truth: Tensor, counted: Tensor) -> Tensor:
    """Compute the Dice loss: 1 - (2 TP + 2 s) / (2 TP + FP + FN + 2 s) (Milletari et al. 2016).

    Parameters
    ----------
    logits : Tensor
        Axes NYX, float.
    truth : Tensor
        Axes NYX, float, 0 or 1.
    counted : Tensor
        Axes NYX, float, 0 or 1; pixels with 0 do not count.

    Returns
    -------
    Tensor
        A scalar in 0..1; 0 when nothing counts.
    """
    return tversky(logits, truth, counted, alpha=0.5, beta=0.5)


def tversky(logits: Tensor, truth: Tensor, counted: Tensor, alpha: float = 0.3, beta: float = 0.7) -> Tensor:
    """Compute the Tversky loss: 1 - (TP + s) / (TP + alpha FP + beta FN + s) (Salehi et al. 2017).

    Parameters
    ----------
    logits : Tensor
        Axes NYX, float.
    truth : Tensor
        Axes NYX, float, 0 or 1.
    counted : Tensor
        Axes NYX, float, 0 or 1; pixels with 0 do not count.
    alpha, beta : float
        Cost of invented and of missed pixels, 0 or more; 0.3 and 0.7 did best in the paper. With 0.5 and 0.5
        it is the Dice loss.

    Returns
    -------
    Tensor
        A scalar in 0..1; 0 when nothing counts.
    """
    logits, truth, counted = masked(logits, truth, counted)
    p = torch.sigmoid(logits) * counted
    right = (p * truth).sum() + _S
    invented, missed = (p * (1 - truth)).sum(), ((1 - p) * truth).sum()
    return 1 - right / (right + alpha * invented + beta * missed)


def focal_tversky(
    logits: Tensor,
    truth: Tensor,
    counted: Tensor,
    alpha: float = 0.3,
    beta: float = 0.7,
    gamma: float = 4 / 3,
) -> Tensor:
    """Compute the focal Tversky loss: (Tversky loss)^(1 / gamma) (Abraham and Khan 2019).

    Parameters
    ----------
    logits : Tensor
        Axes NYX, float.
    truth : Tensor
        Axes NYX, float, 0 or 1.
    counted : Tensor
        Axes NYX, float, 0 or 1; pixels with 0 do not count.
    alpha, beta : float
        Cost of invented and of missed pixels, 0 or more, as in the paper (which calls them beta and alpha).
    gamma : float
        1 to 3; 4/3 in the paper. Larger values care more about what is nearly right.

    Returns
    -------
    Tensor
        A scalar in 0..1; 0 when nothing counts. Below a Tversky loss of 1e-7, where the slope of the power
        would grow without bound, it is 0 and flat.
    """
    below = tversky(logits, truth, counted, alpha, beta) - _LEAST
    lifted = torch.pow(below.clamp(min=0) + _LEAST, 1 / gamma)
    return lifted - float(_LEAST ** (1 / gamma))


def sensitivity_specificity(logits: Tensor, truth: Tensor, counted: Tensor, r: float = 0.05) -> Tensor:
    """Compute the sensitivity-specificity loss (Brosch et al. 2015).

    r sum (y - p)^2 y / sum y + (1 - r) sum (y - p)^2 (1 - y) / sum (1 - y): the squared error of objects and
    that of background, each a mean over its own pixels.

    Parameters
    ----------
    logits : Tensor
        Axes NYX, float.
    truth : Tensor
        Axes NYX, float, 0 or 1.
    counted : Tensor
        Axes NYX, float, 0 or 1; pixels with 0 do not count.
    r : float
        Weight of the sensitivity, 0 to 1; 0.05 in the paper.

    Returns
    -------
    Tensor
        A scalar in 0..1; 0 when nothing counts.
    """
    logits, truth, counted = masked(logits, truth, counted)
    error = (truth - torch.sigmoid(logits)) ** 2
    objects, background = truth, (1 - truth) * counted
    missed = (error * objects).sum() / objects.sum().clamp(min=1)
    invented = (error * background).sum() / background.sum().clamp(min=1)
    return r * missed + (1 - r) * invented


def log_cosh_dice(logits: Tensor, truth: Tensor, counted: Tensor) -> Tensor:
    """Compute the log-cosh Dice loss: log(cosh(Dice loss)) (Jadon 2020).

    Parameters
    ----------
    logits : Tensor
        Axes NYX, float.
    truth : Tensor
        Axes NYX, float, 0 or 1.
    counted : Tensor
        Axes NYX, float, 0 or 1; pixels with 0 do not count.

    Returns
    -------
    Tensor
        A scalar in 0..log(cosh 1); 0 when nothing counts.
    """
    return torch.log(torch.cosh(dice(logits, truth, counted)))
