"""From the settings to a network."""

from __future__ import annotations

import segmentation_models_pytorch as smp
import torch
from torch import nn

from napari_cellseg.config import NetConfig
from napari_cellseg.errors import SettingsError
from napari_cellseg.learn.nets.classical import ClassicalUnet
from napari_cellseg.learn.nets.exact import keep_exact, keep_quick
from napari_cellseg.learn.nets.gated import put_in
from napari_cellseg.learn.nets.pretrained import imagenet_weights

MAPS = 3
"""Maps that a network draws: the logit of "any object", and the offsets to the centre (see `targets`)."""

STRIDE_PX = 32
"""Height and width of what enters a network are multiples of this."""

_FEWEST_FOR_SCSE = 16


def build(net: NetConfig, seed: int = 0, maps: int | None = None, *, pretrained: bool = False) -> nn.Module:
    """Build a network with random weights.

    Parameters
    ----------
    net : NetConfig
        The network.
    seed : int
        Random seed of the weights; the state of torch's global generator is left as it was.
    maps : int, optional
        Maps M that it draws; by default one for each class, or `MAPS` for separate objects.
    pretrained : bool
        True gives the encoder the weights that `NetConfig.encoder_weights` asks for, which may download
        them. Leave it False where weights are loaded afterwards.

    Returns
    -------
    torch.nn.Module
        Takes N1YX float32, gives NMYX logits; Y and X are multiples of `STRIDE_PX`. Its attribute
        ``encoder`` is the part that `freeze_encoder` freezes.

    Raises
    ------
    SettingsError
        The settings of the network do not go together.
    ModelError
        The encoder's weights cannot be downloaded.
    """
    _check(net)
    maps = maps or net.classes or MAPS
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = _classical(net, maps) if net.architecture == "unet-2015" else _from_library(net, maps)
    keep_exact(network)
    keep_quick(network)
    if pretrained and net.encoder_weights == "imagenet":
        network.get_submodule("encoder").load_state_dict(
            imagenet_weights(net.encoder, len(net.decoder_channels))
        )
    return network


def _check(net: NetConfig) -> None:
    """Refuse settings that are fine one by one and not together."""
    if net.architecture == "unet-2015":
        if net.encoder_weights != "none":
            raise SettingsError(
                f"The encoder weights {net.encoder_weights} were asked for with the architecture unet-2015",
                "The classical U-Net has an encoder of its own, which nobody has trained on ImageNet",
                "Choose none as encoder weights, or the architecture unet or unet++",
            )
        return
    narrowest = min(net.decoder_channels)
    if narrowest < 1:
        raise SettingsError(
            f"A level of the decoder has {narrowest} channels",
            "Each has one at least",
            "Change the decoder channels and try again",
        )
    if net.attention == "scse" and narrowest < _FEWEST_FOR_SCSE:
        raise SettingsError(
            f"The attention scse was asked for, and a level of the decoder has {narrowest} channels",
            f"scse needs {_FEWEST_FOR_SCSE} channels in each",
            "Choose wider decoder channels or another attention",
        )
    if net.architecture == "unet++" and net.attention not in ("none", "scse"):
        raise SettingsError(
            f"The attention {net.attention} was asked for with the architecture unet++",
            "U-Net++ works with the attention none or scse",
            "Choose one of these, or the architecture unet or unet-2015",
        )


def _classical(net: NetConfig, maps: int) -> nn.Module:
    return ClassicalUnet(
        in_channels=1,
        maps=maps,
        base_channels=net.base_channels,
        dropout=net.dropout,
        upsampling=net.upsampling,
        attention=net.attention,
    )


def _from_library(net: NetConfig, maps: int) -> nn.Module:
    architecture = smp.UnetPlusPlus if net.architecture == "unet++" else smp.Unet
    network: nn.Module = architecture(
        net.encoder,
        encoder_depth=len(net.decoder_channels),
        encoder_weights=None,
        decoder_channels=net.decoder_channels,
        decoder_attention_type="scse" if net.attention == "scse" else None,
        in_channels=1,
        classes=maps,
    )
    put_in(net.attention, network)
    return network
