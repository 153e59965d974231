"""The networks."""

from __future__ import annotations

import segmentation_models_pytorch as smp
import torch
from torch import nn

from napari_cellseg.config import NetConfig

MAPS = 2
"""Maps that a network draws: logits of "any object" and of the depth within an object (see `targets`)."""

STRIDE_PX = 32
"""Height and width of what enters a network are multiples of this."""


def build(net: NetConfig, seed: int = 0) -> nn.Module:
    """Build a network with random weights.

    Parameters
    ----------
    net : NetConfig
        The network.
    seed : int
        Random seed of the weights; the state of torch's global generator is left as it was.

    Returns
    -------
    torch.nn.Module
        Takes N1YX float32, gives NMYX logits with `MAPS` maps; Y and X are multiples of `STRIDE_PX`.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network: nn.Module = smp.Unet(
            net.encoder,
            encoder_depth=len(net.decoder_channels),
            encoder_weights=None,
            decoder_channels=net.decoder_channels,
            in_channels=1,
            classes=MAPS,
        )
    return network
