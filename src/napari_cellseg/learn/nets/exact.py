"""The layers of a network that are computed in float32 whatever the number format of the others."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class _Float32(nn.Module):
    """Goes before a layer's own class: what the layer computes is not cast to fewer bits."""

    when_learning = False

    def forward(self, features: Tensor) -> Tensor:
        device = features.device.type
        if self.training is self.when_learning and (not self.when_learning or device == "cpu"):
            with torch.autocast(device, enabled=False):
                drawn: Tensor = super().forward(features.float())
        else:
            drawn = super().forward(features)
        return drawn


class _Exact(_Float32):
    """When it is applied only: steps of learning are noisier than any rounding, and are to be fast."""


class _Depthwise(_Float32):
    """On a CPU only, when it learns."""

    when_learning = True


def keep_exact(network: nn.Module) -> None:
    """Have the first and the last convolution of a network computed in float32 when it is applied.

    bfloat16 has 8 bits: at the first layer these are all the grey levels that are left of the image, and at
    the last one they are the steps of the maps. With both layers in float32 half as many objects change by
    the number format, for an eighth more time (``python -m benchmarks precision``). Names and shapes of the
    weights stay as they are.

    Parameters
    ----------
    network : torch.nn.Module
        Its convolutions are found in the order in which they were built; it is changed.
    """
    convolutions = _convolutions(network)
    for layer in {convolutions[0], convolutions[-1]}:
        _put_before(layer, _Exact)


def keep_quick(network: nn.Module) -> None:
    """Have the depthwise convolutions of a network computed in float32 while it learns on a CPU.

    torch 2.15 computes their gradients several times slower in bfloat16 than in float32. When the network is
    applied, they take the format of the others.

    Parameters
    ----------
    network : torch.nn.Module
        It is changed; names and shapes of the weights stay as they are.
    """
    for layer in _convolutions(network):
        if layer.groups > 1 and layer.groups == layer.in_channels:
            _put_before(layer, _Depthwise)


def _convolutions(network: nn.Module) -> list[nn.Conv2d]:
    return [module for module in network.modules() if isinstance(module, nn.Conv2d)]


def _put_before(layer: Any, how: type[_Float32]) -> None:
    kind = type(layer)  # a class of its own, so that copies of the network are computed alike
    layer.__class__ = type(f"{how.__name__.strip('_')}{kind.__name__}", (how, kind), {})
