"""How a network is trained."""

from __future__ import annotations

from typing import Literal

from pydantic import ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from napari_cellseg.config.base import Config, Device, GreysOf, option

ClassLossName = Literal["cross-entropy+dice", "cross-entropy", "weighted-cross-entropy"]
LossName = Literal[
    "bce",
    "weighted-bce",
    "balanced-bce",
    "focal",
    "dice",
    "tversky",
    "focal-tversky",
    "sensitivity-specificity",
    "log-cosh-dice",
    "bce+dice",
    "weighted-bce+tversky",
]


class TrainConfig(Config):
    """How the network is trained."""

    minutes: float | None = option(
        None,
        "At most",
        "Stop after this time and keep the best so far, whatever the other settings say.",
        unit="min",
        gt=0,
    )
    max_epochs: int = option(
        100, "Epochs", "At most this many rounds over the training frames.", ge=1, le=100_000
    )
    device: Device = option("auto", "Device", "Where to compute; auto takes the fastest that is there.")
    loss: LossName = option(
        "bce+dice",
        "Loss",
        "What training makes small: how far the probability of an object is from the truth, pixel by pixel "
        "(bce, focal), by overlap (dice, tversky), or both.",
        advanced=True,
    )
    class_loss: ClassLossName = option(
        "cross-entropy+dice",
        "Loss of classes",
        "The same for networks that give every pixel a class: pixel by pixel (cross-entropy), with the same "
        "weight for all classes however rare (weighted-cross-entropy), or by overlap as well.",
        advanced=True,
    )
    max_scale: float = option(
        1.3,
        "Vary size",
        "Training shows objects up to this much larger and smaller than they are.",
        unit="x",
        advanced=True,
        ge=1,
        le=4,
    )
    invert: float = option(
        0.0,
        "Vary polarity",
        "Part of the patches shown with dark and bright turned around.",
        advanced=True,
        ge=0,
        le=1,
    )
    hard_frames: float = option(
        0.5,
        "Hard frames",
        "How much oftener training looks at frames on which it is wrong: 0 not at all, 1 twice as often.",
        advanced=True,
        ge=0,
        le=1,
    )
    freeze_encoder: bool = option(
        False,
        "Freeze encoder",
        "Keep the part that looks at the image as the model that training starts from has it, and teach only "
        "the part that draws: faster, and it forgets less, but learns less of a new kind of image.",
        advanced=True,
    )
    replay: float = option(
        0.1,
        "Replay",
        "Part of the patches that shows images the starting model learned from, so that it does not forget "
        "them. Only for starting models that bring such images.",
        advanced=True,
        ge=0,
        le=0.9,
    )
    stay_near: float = option(
        1.0,
        "Stay near",
        "How strongly the network is held near the starting model where that brings no images of its own, so "
        "that it forgets less; 0 lets it go.",
        advanced=True,
        ge=0,
        le=10,
    )
    learning_rate: float = option(
        6e-3, "Learning rate", "Step size of the optimiser (AdamW).", advanced=True, gt=0, le=1
    )
    batch_size: int = option(4, "Batch", "Patches per step.", unit="patches", advanced=True, ge=1, le=1024)
    patch_px: int = option(
        64,
        "Patch",
        "Side of the patches cut from the frames.",
        unit="px",
        advanced=True,
        ge=32,
        le=2048,
        multiple_of=32,
    )
    patience: int = option(
        15,
        "Patience",
        "Stop after this many epochs without a better score.",
        unit="epochs",
        advanced=True,
        ge=1,
    )
    validation_fraction: float = option(
        0.2,
        "Validation",
        "Part of the positions kept aside to score the model; never trained on.",
        advanced=True,
        gt=0,
        lt=1,
    )
    low_percentile: float = option(
        1.0,
        "Black at",
        "This part of the pixels is darker than what the network takes for black. "
        "A training that starts from a model keeps that model's.",
        unit="%",
        advanced=True,
        ge=0,
        le=100,
    )
    high_percentile: float = option(
        99.5,
        "White at",
        "This part of the pixels is darker than what the network takes for white; choose less where bright "
        "debris outshines the cells. A training that starts from a model keeps that model's.",
        unit="%",
        advanced=True,
        ge=0,
        le=100,
        validate_default=True,
    )
    normalise_by: GreysOf = option(
        "frame",
        "Grey levels of",
        "Black and white are those of each frame by itself (light that changes), or of the whole movie "
        "(frames that may be empty, brightness that means something). "
        "A training that starts from a model keeps that model's.",
        advanced=True,
    )
    seed: int = option(
        0, "Random seed", "The same seed gives the same model on the same machine.", advanced=True, ge=0
    )

    @field_validator("high_percentile")
    @classmethod
    def _white_is_above_black(cls, value: float, info: ValidationInfo) -> float:
        low = info.data.get("low_percentile")  # missing where it is wrong itself
        if low is not None and value <= low:
            raise PydanticCustomError(
                "percentiles",
                "White must be at a higher percentage of the pixels than black, {low} %",
                {"low": low},
            )
        return value
