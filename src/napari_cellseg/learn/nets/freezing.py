"""An encoder that no longer learns."""

from __future__ import annotations

from typing import Any

from torch import nn


def freeze_encoder(network: nn.Module) -> None:
    """Keep the encoder as it is, whatever is done to the network in training.

    Its weights get no gradients, and its normalisation keeps the statistics it has: before every pass it is
    put back into evaluation mode, also when ``network.train()`` was called in between. A deep copy of the
    network is frozen likewise; a network built anew from the weights is not.

    Parameters
    ----------
    network : torch.nn.Module
        As `build` gives it; it is changed.
    """
    encoder = network.get_submodule("encoder")
    encoder.requires_grad_(False)
    encoder.eval()
    encoder.register_forward_pre_hook(_stay_in_evaluation)


def _stay_in_evaluation(encoder: nn.Module, _inputs: Any) -> None:
    if any(module.training for module in encoder.modules()):
        encoder.eval()
