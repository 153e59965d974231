"""Attention in the decoder of a U-Net of segmentation-models-pytorch, where the library has none itself."""

from __future__ import annotations

import segmentation_models_pytorch as smp
from torch import Tensor, nn

from napari_cellseg.learn.nets.attention import Attention, AttentionGate, attention_on


class GatedBlock(nn.Module):
    """A block of the decoder whose skip connection passes an attention gate.

    Parameters
    ----------
    block : torch.nn.Module
        The decoder's own block.
    skip_channels : int
        Channels of the skip connection.
    gating_channels : int
        Channels of what comes from the coarser level.
    """

    def __init__(self, block: nn.Module, skip_channels: int, gating_channels: int) -> None:
        super().__init__()
        self.gate = AttentionGate(skip_channels, gating_channels)
        self.block = block

    def forward(
        self,
        feature_map: Tensor,
        target_height: int,
        target_width: int,
        skip_connection: Tensor,
    ) -> Tensor:
        """Make features finer and join them with the skip connection.

        Parameters
        ----------
        feature_map : Tensor
            Axes NCYX, from the coarser level.
        target_height, target_width : int
            Size of the finer level.
        skip_connection : Tensor
            Axes NCYX, from the encoder.

        Returns
        -------
        Tensor
            Axes NCYX, of the finer level.
        """
        skip = self.gate(skip_connection, feature_map)
        drawn: Tensor = self.block(feature_map, target_height, target_width, skip_connection=skip)
        return drawn


def put_in(attention: Attention, network: smp.Unet) -> None:
    """Put attention into the decoder of a network.

    Parameters
    ----------
    attention : {"none", "se", "gates", "scse"}
        se goes to the two places of each block where the library puts its own scse; gates go before the
        block; with the others the network stays as the library built it.
    network : segmentation_models_pytorch.Unet
        It is changed.
    """
    if attention not in ("se", "gates"):
        return
    blocks = network.decoder.blocks
    skips = network.encoder.out_channels[-2:0:-1]  # coarse to fine; the finest block has none
    for i, block in enumerate(blocks):
        joined, drawn = block.conv1[0].in_channels, block.conv2[0].out_channels
        has_skip = i < len(skips)
        if attention == "se":
            block.attention1 = attention_on(attention, joined) if has_skip else block.attention1
            block.attention2 = attention_on(attention, drawn)
        elif has_skip:
            blocks[i] = GatedBlock(block, skips[i], joined - skips[i])
