"""How large the networks are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from torch import nn

from napari_cellseg.config import NetConfig
from napari_cellseg.learn.nets.zoo import build

_BYTES = 2


@dataclass(frozen=True)
class Size:
    """How much a network holds.

    Attributes
    ----------
    trained : int
        Weights and biases that training changes by gradients.
    stored : int
        All real numbers of a model file: those, and the running means and variances of batch norm.
    """

    trained: int
    stored: int

    @property
    def fp16_bytes(self) -> int:
        """Bytes of the stored numbers in 16 bits each."""
        return _BYTES * self.stored


def size_of(network: nn.Module) -> Size:
    """Count the numbers of a network.

    Parameters
    ----------
    network : torch.nn.Module
        Any network.

    Returns
    -------
    Size
        The counts, whether or not a part of the network is frozen.
    """
    trained = sum(parameter.numel() for parameter in network.parameters())
    statistics = sum(buffer.numel() for buffer in network.buffers() if buffer.is_floating_point())
    return Size(trained, trained + statistics)


def reference() -> str:
    """List the networks with their sizes.

    Returns
    -------
    str
        Markdown: a table of encoders, one of attention, and one of the classical U-Net.
    """
    encoders = get_args(NetConfig.model_fields["encoder"].annotation)
    attentions = get_args(NetConfig.model_fields["attention"].annotation)
    widths = ", ".join(map(str, NetConfig().decoder_channels))
    by_encoder = [
        f"| `{name}` | {_told(NetConfig(encoder=name))} | "
        f"{_told(NetConfig(encoder=name, architecture='unet++'))} |"
        for name in encoders
    ]
    by_attention = [
        f"| `{name}` | {_told(NetConfig(attention=name))} | "
        f"{_told(NetConfig(architecture='unet-2015', base_channels=16, attention=name))} |"
        for name in attentions
    ]
    by_width = [
        f"| {base} | {_told(NetConfig(architecture='unet-2015', base_channels=base))} | "
        f"{_told(NetConfig(architecture='unet-2015', base_channels=base, upsampling='bilinear'))} |"
        for base in (16, 32, 64)
    ]
    return "\n".join(
        [
            "## U-Net and U-Net++ by encoder\n",
            f"Four levels of detail, decoder channels {widths}, no attention.\n",
            "| encoder | U-Net | U-Net++ |",
            "| --- | --- | --- |",
            *by_encoder,
            "\n## Attention\n",
            "The standard network, and the classical U-Net with 16 base channels.\n",
            f"| attention | U-Net, {NetConfig().encoder} | U-Net of 2015 |",
            "| --- | --- | --- |",
            *by_attention,
            "\n## The classical U-Net\n",
            "| base channels | transposed | bilinear |",
            "| --- | --- | --- |",
            *by_width,
        ]
    )


def _told(net: NetConfig) -> str:
    size = size_of(build(net))
    return f"{size.trained / 1e6:.2f} M, {size.fp16_bytes / 1e6:.1f} MB"
