"""What all losses share: pixels that do not count have no say, whatever is predicted there."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Takes logits, truth (0 or 1) and counted (0 or 1), each NYX; gives a scalar, 0 or more."""


def masked(logits: Tensor, truth: Tensor, counted: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Empty the pixels that do not count.

    The logits there are replaced, not multiplied by 0: even an infinite one leaves no trace in the value, and
    its gradient is exactly 0.

    Parameters
    ----------
    logits : Tensor
        Axes NYX, any float; half precision becomes float32, in which sums over many pixels are sound.
    truth : Tensor
        Axes NYX, 0 or 1; any value where not counted.
    counted : Tensor
        Axes NYX, 0 or 1.

    Returns
    -------
    logits, truth, counted : Tensor
        Axes NYX, float32 or float64; logits and truth are 0 where not counted.
    """
    logits = logits if logits.dtype == torch.float64 else logits.float()
    counts = counted > 0
    return torch.where(counts, logits, 0), torch.where(counts, truth, 0).to(logits), counts.to(logits)


def mean(values: Tensor, counted: Tensor) -> Tensor:
    """Average over the pixels that count.

    Parameters
    ----------
    values : Tensor
        Axes NYX, float, finite everywhere.
    counted : Tensor
        Axes NYX, float, 0 or 1.

    Returns
    -------
    Tensor
        A scalar; 0 when nothing counts.
    """
    return (values * counted).sum() / counted.sum().clamp(min=1)
