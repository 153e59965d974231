"""Batch normalisation, folded into the convolution before it: the same answers with less work."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from napari_cellseg.learn.nets.zoo import STRIDE_PX


def fold_batch_norms(network: nn.Module) -> int:
    """Fold every batch normalisation that follows a convolution directly into the weights of the convolution.

    A trained normalisation multiplies and adds constants, which the convolution can do by itself. Which
    follows which is seen by sending a small picture through.

    Parameters
    ----------
    network : torch.nn.Module
        In evaluation mode; changed in place. It can no longer be trained.

    Returns
    -------
    int
        How many were folded.
    """
    made: dict[int, tuple[nn.Module, Tensor]] = {}
    followed: list[tuple[nn.Conv2d, nn.BatchNorm2d]] = []

    def watch(module: nn.Module, given: tuple[Any, ...], drawn: Tensor) -> None:
        before = made.get(id(given[0]), (None, None))[0]
        if isinstance(before, nn.Conv2d) and isinstance(module, nn.BatchNorm2d):
            followed.append((before, module))
        made[id(drawn)] = (module, drawn)  # kept alive: a number of a tensor that is gone is given again

    hooks = [
        module.register_forward_hook(watch)
        for module in network.modules()
        if isinstance(module, nn.Conv2d | nn.BatchNorm2d)
    ]
    picture = next(network.parameters()).new_zeros(1, 1, 2 * STRIDE_PX, 2 * STRIDE_PX)
    try:
        with torch.no_grad():
            network(picture)
    finally:
        for hook in hooks:
            hook.remove()
    for convolution, norm in followed:
        _fold(convolution, norm)
    return len(followed)


class _Folded(nn.Module):
    """Goes before the class of a normalisation that has nothing left to do but what comes after it."""

    def forward(self, features: Tensor) -> Tensor:
        after = (getattr(self, name, None) for name in ("drop", "act"))  # layers of timm hold these too
        for layer in after:
            features = features if layer is None else layer(features)
        return features


def _fold(convolution: nn.Conv2d, norm: Any) -> None:
    convolution.weight, bias = fuse_conv_bn_weights(
        convolution.weight,
        convolution.bias,
        norm.running_mean,
        norm.running_var,
        norm.eps,
        norm.weight,
        norm.bias,
    )
    convolution.bias = bias
    kind = type(norm)
    norm.__class__ = type(f"Folded{kind.__name__}", (_Folded, kind), {})
