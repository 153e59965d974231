"""The two layers of a network that are computed in float32 whatever the number format of the others."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class _InFloat32(nn.Module):
    """Goes before a layer's own class: what the layer computes is not cast to fewer bits."""

    def forward(self, features: Tensor) -> Tensor:
        if self.training:  # steps of learning are noisier than any rounding, and are to be fast
            drawn: Tensor = super().forward(features)
        else:
            with torch.autocast(features.device.type, enabled=False):
                drawn = super().forward(features.float())
        return drawn


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
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    for layer in {convolutions[0], convolutions[-1]}:
        _make_exact(layer)


def _make_exact(layer: Any) -> None:
    kind = type(layer)  # a class of its own, so that copies of the network are exact too
    layer.__class__ = type(f"Exact{kind.__name__}", (_InFloat32, kind), {})
