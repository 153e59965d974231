"""Losses that ask every pixel by itself: binary cross-entropy and its kin.

In the formulas p is the sigmoid of the logit and y the truth, 0 or 1, of a pixel; the mean is over the pixels
that count.
"""

from __future__ import annotations

import segmentation_models_pytorch as smp
import torch
from torch import Tensor
from torch.nn import functional as F

from napari_cellseg.learn.losses.masked import masked, mean


def bce(logits: Tensor, truth: Tensor, counted: Tensor) -> Tensor:
    """Compute the binary cross-entropy: mean of -y log p - (1 - y) log(1 - p).

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
        A scalar; 0 when nothing counts.
    """
    logits, truth, counted = masked(logits, truth, counted)
    return mean(F.binary_cross_entropy_with_logits(logits, truth, reduction="none"), counted)


def weighted_bce(logits: Tensor, truth: Tensor, counted: Tensor, positive_weight: float = 2.0) -> Tensor:
    """Compute the cross-entropy with more weight on objects: mean of -w y log p - (1 - y) log(1 - p).

    Parameters
    ----------
    logits : Tensor
        Axes NYX, float.
    truth : Tensor
        Axes NYX, float, 0 or 1.
    counted : Tensor
        Axes NYX, float, 0 or 1; pixels with 0 do not count.
    positive_weight : float
        w, the weight of object pixels; 2 says that missing one is twice as bad as inventing one (our choice).

    Returns
    -------
    Tensor
        A scalar; 0 when nothing counts.
    """
    logits, truth, counted = masked(logits, truth, counted)
    weight = logits.new_tensor(positive_weight)
    crossed = F.binary_cross_entropy_with_logits(logits, truth, reduction="none", pos_weight=weight)
    return mean(crossed, counted)


def balanced_bce(logits: Tensor, truth: Tensor, counted: Tensor) -> Tensor:
    """Compute the class-balanced cross-entropy: mean of -b y log p - (1 - b) (1 - y) log(1 - p).

    b is the fraction of background among the pixels of the batch that count, so that objects and background
    weigh the same in all (Xie and Tu 2015, eq. 2). Where all pixels are of one class, it is 0 by this
    formula: such a batch teaches nothing.

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
        A scalar; 0 when nothing counts.
    """
    logits, truth, counted = masked(logits, truth, counted)
    background = mean(1 - truth, counted)
    weight = torch.where(truth > 0, background, 1 - background)
    return mean(weight * F.binary_cross_entropy_with_logits(logits, truth, reduction="none"), counted)


def focal(logits: Tensor, truth: Tensor, counted: Tensor, alpha: float = 0.5, gamma: float = 2.0) -> Tensor:
    """Compute the focal loss: mean of -a (1 - q)^gamma log q.

    q is the probability given to what is true (p for objects, 1 - p for background), and a is alpha for
    objects and 1 - alpha for background (Lin et al. 2017, eq. 5): pixels that are right already weigh less.

    Parameters
    ----------
    logits : Tensor
        Axes NYX, float.
    truth : Tensor
        Axes NYX, float, 0 or 1.
    counted : Tensor
        Axes NYX, float, 0 or 1; pixels with 0 do not count.
    alpha : float
        Weight of objects, 0 to 1; 0.5 treats both classes alike (the paper: 0.25, for detectors).
    gamma : float
        How much less, 1 or more; 2 in the paper.

    Returns
    -------
    Tensor
        A scalar; 0 when nothing counts.
    """
    logits, truth, counted = masked(logits, truth, counted)
    pixelwise = smp.losses.FocalLoss("binary", alpha=alpha, gamma=gamma, reduction="none")
    return mean(pixelwise(logits, truth), counted.flatten())
