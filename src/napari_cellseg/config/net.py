"""The network."""

from __future__ import annotations

from typing import Literal

from pydantic import field_validator
from pydantic_core import PydanticCustomError

from napari_cellseg.config.base import Config, option


class NetConfig(Config):
    """The network."""

    classes: int = option(
        0,
        "Classes",
        "0: separate objects are found. 2 or more: every pixel is given one of so many classes, which the "
        "labels number 0 (background), 1, 2 and so on.",
        advanced=True,
        ge=0,
        le=100,
    )
    architecture: Literal["unet", "unet++", "unet-2015"] = option(
        "unet",
        "Architecture",
        "U-Net on an encoder of your choice; U-Net++, its slower successor with denser connections; or the "
        "classical U-Net of 2015, which is much larger.",
        advanced=True,
    )
    encoder: Literal[
        "tu-resnet10t",
        "tu-resnet18",
        "tu-resnet34",
        "tu-resnet50",
        "efficientnet-b0",
        "tu-efficientnet_lite0",
        "tu-mobilenetv3_small_100",
        "tu-regnetx_002",
        "tu-regnety_004",
    ] = option(
        "tu-resnet10t",
        "Encoder",
        "The part that looks at the image: larger ones see more and take longer. Not for unet-2015.",
        advanced=True,
    )
    encoder_weights: Literal["none", "imagenet"] = option(
        "none",
        "Encoder weights",
        "Where the encoder starts: from nothing, or from what it learned from photographs (imagenet), which "
        "is downloaded once. Not for unet-2015.",
        advanced=True,
    )
    decoder_channels: tuple[int, ...] = option(
        (64, 32, 32, 16),
        "Decoder channels",
        "Width of the part that draws the masks, coarse to fine; as many as there are levels of detail. "
        "Not for unet-2015.",
        advanced=True,
        min_length=2,
        max_length=5,
    )
    attention: Literal["none", "se", "gates", "scse"] = option(
        "none",
        "Attention",
        "Lets the network weigh what it sees: kinds of features (se), places (gates), or both (scse). "
        "U-Net++ knows none and scse.",
        advanced=True,
    )
    base_channels: int = option(
        64,
        "Base channels",
        "Width of unet-2015 at full resolution; 16 is a light one, and each doubling makes it four times "
        "as large. Other architectures do not use it.",
        advanced=True,
        ge=1,
        le=1024,
    )
    dropout: float = option(
        0.0,
        "Dropout",
        "Part of the signals at the bottom of unet-2015 that are left out at random in training: against "
        "learning few images by heart. Other architectures do not use it.",
        advanced=True,
        ge=0,
        le=0.95,
    )
    upsampling: Literal["transposed", "bilinear"] = option(
        "transposed",
        "Upsampling",
        "How unet-2015 gets back to full resolution: learned (transposed), or smooth and lighter (bilinear). "
        "Other architectures do not use it.",
        advanced=True,
    )
    object_px: float = option(
        12.0,
        "Object size",
        "Frames with larger objects are shrunk until a typical one has this diameter: faster, and as good.",
        unit="px",
        advanced=True,
        ge=8,
        le=256,
    )

    @field_validator("classes")
    @classmethod
    def _one_class_is_none(cls, value: int) -> int:
        if value == 1:
            raise PydanticCustomError(
                "classes", "Background is a class, too: 2 or more are told apart; 0 finds separate objects"
            )
        return value
