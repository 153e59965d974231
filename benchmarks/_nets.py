"""The networks that are compared."""

from __future__ import annotations

from typing import Any

from napari_cellseg.config import NetConfig

OBJECT_PX = 20.0
"""Diameter of the typical object on the grid of the networks, as of the bundled model of stained nuclei."""

WIDE = (256, 128, 64, 32, 16)
SMALL: dict[str, Any] = {"encoder": "tu-resnet10t", "decoder_channels": (64, 32, 32, 16)}
NETS: dict[str, tuple[str, dict[str, Any]]] = {
    "resnet10t": ("U-Net, resnet10t", SMALL),
    "resnet18": ("U-Net, resnet18", {"encoder": "tu-resnet18", "decoder_channels": (128, 64, 48, 32)}),
    "resnet34": ("U-Net, resnet34", {"encoder": "tu-resnet34", "decoder_channels": WIDE}),
    "lite0": ("U-Net, efficientnet_lite0", {"encoder": "tu-efficientnet_lite0", "decoder_channels": WIDE}),
    "mobilenetv3": ("U-Net, mobilenetv3_small", {**SMALL, "encoder": "tu-mobilenetv3_small_100"}),
    "regnety": ("U-Net, regnety_004", {**SMALL, "encoder": "tu-regnety_004"}),
    "2015-16": ("U-Net of 2015, 16 channels", {"architecture": "unet-2015", "base_channels": 16}),
    "2015-64": ("U-Net of 2015, 64 channels", {"architecture": "unet-2015", "base_channels": 64}),
    "unet++": ("U-Net++, resnet10t", {**SMALL, "architecture": "unet++"}),
    "se": ("U-Net, resnet10t, se", {**SMALL, "attention": "se"}),
    "gates": ("U-Net, resnet10t, gates", {**SMALL, "attention": "gates"}),
    "scse": ("U-Net, resnet10t, scse", {**SMALL, "attention": "scse"}),
}


def config_of(name: str) -> NetConfig:
    """Make the settings of a network.

    Parameters
    ----------
    name : str
        Among `NETS`.

    Returns
    -------
    NetConfig
        Without weights from photographs.
    """
    return NetConfig(**{"attention": "none", "encoder_weights": "none", **NETS[name][1]}, object_px=OBJECT_PX)


def default_name() -> str:
    """Find the network that is the program's default.

    Returns
    -------
    str
        Its name; that of its encoder where it is none of `NETS`.
    """
    told = NetConfig().model_copy(update={"object_px": OBJECT_PX, "encoder_weights": "none"})
    return next((name for name in NETS if config_of(name) == told), told.encoder)
