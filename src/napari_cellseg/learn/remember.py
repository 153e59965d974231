"""Two ways of not forgetting what the starting model knew: go on showing it, or stay near its weights."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


def n_replayed(batch: int, part: float, generator: torch.Generator) -> int:
    """Say how many patches of a batch are old ones.

    Parameters
    ----------
    batch : int
        Patches in all, at least 1.
    part : float
        Part of them that is wanted, above 0 and below 1.
    generator : torch.Generator
        Source of randomness, for what is over a whole number.

    Returns
    -------
    int
        On average ``part * batch``; at least one patch is new, where there are two.
    """
    whole = math.floor(part * batch)
    rest = part * batch - whole
    one_more = rest > 0 and float(torch.rand((), generator=generator)) < rest
    return min(whole + one_more, max(batch - 1, 1))


class Anchor:
    """Holds weights near those that they had when it was made: L2-SP.

    Training makes the loss plus ``strength / 2 * |w - w_parent|²`` small (Li, Grandvalet and Davoine 2018,
    "Explicit inductive bias for transfer learning with convolutional networks", ICML, with the same
    strength for all weights: a model and its parent have the same network). As with weight decay, of which it
    takes the place, the gradient of the second term does not go through Adam (Loshchilov and Hutter 2019,
    "Decoupled weight decay regularization", ICLR): ``w -= rate * strength * (w - w_parent)`` after each step.

    Parameters
    ----------
    network : torch.nn.Module
        With the parent's weights; running statistics and frozen weights are left alone.
    strength : float
        0 or more. After about ``1 / (rate * strength)`` steps in which nothing else pulls, a weight is back.
    """

    def __init__(self, network: nn.Module, strength: float) -> None:
        self.strength = strength
        self._weights = [weight for weight in network.parameters() if weight.requires_grad]
        self._parents: list[Tensor] = [weight.detach().clone() for weight in self._weights]

    @torch.no_grad()
    def pull(self, rate: float) -> None:
        """Bring the weights a little nearer.

        Parameters
        ----------
        rate : float
            The learning rate of the step.
        """
        part = min(1.0, rate * self.strength)
        self._parents = [
            parent.to(weight.device) for parent, weight in zip(self._parents, self._weights, strict=True)
        ]  # nothing happens unless the network has moved
        for weight, parent in zip(self._weights, self._parents, strict=True):
            weight.lerp_(parent, part)
