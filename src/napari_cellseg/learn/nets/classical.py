"""The U-Net as it was published."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from napari_cellseg.learn.nets.attention import Attention, AttentionGate, attention_on

Upsampling = Literal["transposed", "bilinear"]

_LEVELS = 4
"""How often the image is halved."""


class ClassicalUnet(nn.Module):
    """The U-Net of Ronneberger, Fischer and Brox (2015), with batch norm and with maps as large as the image.

    Two 3x3 convolutions a level, 2x2 max-pooling between four levels and the bottom, channels doubled from
    level to level, and skip connections that are concatenated. Unlike in the paper, convolutions are padded
    with zeros, so that nothing is cropped, and each is followed by batch norm (Ioffe and Szegedy 2015).

    With 3 input channels, 1 map, 64 base channels and transposed convolutions it holds 31,055,297 numbers:
    31,043,521 weights and biases that are trained, and 11,776 running means and variances of batch norm.

    Parameters
    ----------
    in_channels : int
        Channels of the image.
    maps : int
        Maps that it draws.
    base_channels : int
        Channels of the first level; 64 in the paper. The bottom has 16 times as many.
    dropout : float
        Part of the bottom's numbers that are dropped in training, 0 to 1 ("at the end of the contracting
        path" in the paper).
    upsampling : {"transposed", "bilinear"}
        2x2 transposed convolution as in the paper, or a 1x1 convolution and bilinear interpolation, which
        has fewer weights and draws no chequered patterns.
    attention : {"none", "se", "gates", "scse"}
        In the decoder; see `attention`.
    """

    def __init__(
        self,
        in_channels: int = 1,
        maps: int = 1,
        base_channels: int = 64,
        dropout: float = 0.0,
        upsampling: Upsampling = "transposed",
        attention: Attention = "none",
    ) -> None:
        super().__init__()
        widths = [base_channels * 2**level for level in range(_LEVELS + 1)]
        self.encoder = ContractingPath(in_channels, widths)
        self.dropout = nn.Dropout(dropout)
        self.decoder = ExpandingPath(widths, upsampling, attention)
        self.head = nn.Conv2d(base_channels, maps, 1)
        self.apply(_start)

    def forward(self, image: Tensor) -> Tensor:
        """Draw the maps of images.

        Parameters
        ----------
        image : Tensor
            Axes NCYX, float; Y and X are multiples of 16.

        Returns
        -------
        Tensor
            Axes NMYX, logits.
        """
        *skips, bottom = self.encoder(image)
        drawn: Tensor = self.head(self.decoder(self.dropout(bottom), skips))
        return drawn


class ContractingPath(nn.Module):
    """The encoder: ever coarser features.

    Parameters
    ----------
    in_channels : int
        Channels of the image.
    widths : sequence of int
        Channels of each level, fine to coarse.
    """

    def __init__(self, in_channels: int, widths: Sequence[int]) -> None:
        super().__init__()
        self.levels = nn.ModuleList(
            _two_convolutions(*pair) for pair in zip([in_channels, *widths], widths, strict=False)
        )
        self.pool = nn.MaxPool2d(2)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Compute the features of all levels.

        Parameters
        ----------
        image : Tensor
            Axes NCYX, float.

        Returns
        -------
        list of Tensor
            Axes NCYX, fine to coarse, each half as high and wide as the one before.
        """
        features = [self.levels[0](image)]
        for level in self.levels[1:]:
            features.append(level(self.pool(features[-1])))
        return features


class ExpandingPath(nn.Module):
    """The decoder: from the bottom back to the image.

    Parameters
    ----------
    widths : sequence of int
        Channels of each level, fine to coarse.
    upsampling : {"transposed", "bilinear"}
        How features become finer.
    attention : {"none", "se", "gates", "scse"}
        See `attention`.
    """

    def __init__(self, widths: Sequence[int], upsampling: Upsampling, attention: Attention) -> None:
        super().__init__()
        self.levels = nn.ModuleList(
            _Level(coarse, fine, upsampling, attention)
            for fine, coarse in zip(reversed(widths[:-1]), reversed(widths[1:]), strict=True)
        )

    def forward(self, bottom: Tensor, skips: Sequence[Tensor]) -> Tensor:
        """Bring the bottom's features back to the size of the image.

        Parameters
        ----------
        bottom : Tensor
            Axes NCYX, of the coarsest level.
        skips : sequence of Tensor
            Axes NCYX, of the other levels, fine to coarse.

        Returns
        -------
        Tensor
            Axes NCYX, of the finest level.
        """
        for level, skip in zip(self.levels, reversed(skips), strict=True):
            bottom = level(bottom, skip)
        return bottom


class _Level(nn.Module):
    """One level of the decoder: make finer, join with the skip connection, convolve twice."""

    def __init__(self, coarse: int, fine: int, upsampling: Upsampling, attention: Attention) -> None:
        super().__init__()
        self.up: nn.Module
        if upsampling == "transposed":
            self.up = nn.ConvTranspose2d(coarse, fine, 2, stride=2)
        else:  # the two commute, and convolving first is a quarter of the work
            self.up = nn.Sequential(
                nn.Conv2d(coarse, fine, 1), nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
            )
        self.gate = AttentionGate(fine, coarse) if attention == "gates" else None
        self.attention1 = attention_on(attention, 2 * fine)
        self.convolutions = _two_convolutions(2 * fine, fine)
        self.attention2 = attention_on(attention, fine)

    def forward(self, below: Tensor, skip: Tensor) -> Tensor:
        if self.gate is not None:
            skip = self.gate(skip, below)
        joined = self.attention1(torch.cat([skip, self.up(below)], dim=1))
        drawn: Tensor = self.attention2(self.convolutions(joined))
        return drawn


def _two_convolutions(channels_in: int, channels_out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, padding=1),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(inplace=True),
        nn.Conv2d(channels_out, channels_out, 3, padding=1),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(inplace=True),
    )


def _start(module: nn.Module) -> None:
    """Draw the weights of a convolution with variance 2 / fan-in, as the paper does (He et al. 2015)."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)
