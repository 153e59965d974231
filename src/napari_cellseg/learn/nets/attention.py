"""Attention in the decoder: which channels count, and which parts of the skip connections."""

from __future__ import annotations

from typing import Literal

import torch
from segmentation_models_pytorch.base.modules import SCSEModule
from torch import Tensor, nn
from torch.nn import functional as F

Attention = Literal["none", "se", "gates", "scse"]

_REDUCTION = 16
_FEWEST_HIDDEN = 4


class ChannelAttention(nn.Module):
    """Weigh the channels by what each holds over the whole image.

    Squeeze and excitation (Hu et al. 2018) with both descriptors of a channel, its mean and its maximum,
    through one shared perceptron, as the channel attention of CBAM (Woo et al. 2018, eq. 2)::

        x * sigmoid(W1 relu(W0 mean(x)) + W1 relu(W0 max(x)))

    Parameters
    ----------
    channels : int
        Channels C of the features.
    reduction : int
        The perceptron's hidden layer has C / reduction units, 4 at least; 16 is the choice of both papers.
    """

    def __init__(self, channels: int, reduction: int = _REDUCTION) -> None:
        super().__init__()
        hidden = max(_FEWEST_HIDDEN, channels // reduction)
        self.shared = nn.Sequential(
            nn.Conv2d(channels, hidden, 1), nn.ReLU(inplace=True), nn.Conv2d(hidden, channels, 1)
        )

    def forward(self, features: Tensor) -> Tensor:
        """Weigh the channels.

        Parameters
        ----------
        features : Tensor
            Axes NCYX, float.

        Returns
        -------
        Tensor
            Axes NCYX, float.
        """
        mean = self.shared(F.adaptive_avg_pool2d(features, 1))
        highest = self.shared(F.adaptive_max_pool2d(features, 1))
        return features * torch.sigmoid(mean + highest)


class AttentionGate(nn.Module):
    """Weigh the places of a skip connection by what the coarser level saw there.

    The additive attention gate of Oktay et al. 2018, eqs. 1 and 2::

        alpha = sigmoid(psi relu(Wx x + Wg g + bg) + bpsi)

    Wx halves the resolution to that of the gating signal g, and alpha is brought back to that of x by
    bilinear interpolation; psi draws one map of half as many channels as x has, as the authors chose.

    Parameters
    ----------
    skip_channels : int
        Channels C of the skip connection.
    gating_channels : int
        Channels G of the coarser level.
    """

    def __init__(self, skip_channels: int, gating_channels: int) -> None:
        super().__init__()
        between = max(1, skip_channels // 2)
        self.skip = nn.Conv2d(skip_channels, between, 2, stride=2, bias=False)
        self.gating = nn.Conv2d(gating_channels, between, 1)
        self.psi = nn.Conv2d(between, 1, 1)

    def forward(self, skip: Tensor, gating: Tensor) -> Tensor:
        """Weigh a skip connection.

        Parameters
        ----------
        skip : Tensor
            Axes NCYX, float; Y and X are even.
        gating : Tensor
            Axes NGYX, float, in half the resolution.

        Returns
        -------
        Tensor
            Axes NCYX, float, in the resolution of the skip connection.
        """
        alpha = torch.sigmoid(self.psi(F.relu(self.skip(skip) + self.gating(gating))))
        return skip * F.interpolate(alpha, size=skip.shape[-2:], mode="bilinear", align_corners=False)


def attention_on(attention: Attention, channels: int) -> nn.Module:
    """Choose the attention on the features of a decoder; gates sit on the skip connections instead.

    Parameters
    ----------
    attention : {"none", "se", "gates", "scse"}
        Which one.
    channels : int
        Channels C of the features.

    Returns
    -------
    torch.nn.Module
        Takes and gives NCYX: `ChannelAttention` for se; for scse, the concurrent squeeze and excitation of
        channels and places of Roy et al. 2018; otherwise the identity.
    """
    if attention == "se":
        return ChannelAttention(channels)
    if attention == "scse":
        module: nn.Module = SCSEModule(channels, reduction=min(_REDUCTION, channels))
        return module
    return nn.Identity()
