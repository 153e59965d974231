"""Every setting once: default, range, unit, label and tooltip; the command line and the forms are derived."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from napari_cellseg.errors import SettingsError

Device = Literal["auto", "cuda", "mps", "cpu"]
Precision = Literal["auto", "float32", "bfloat16"]
GreysOf = Literal["frame", "movie"]
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


class Config(BaseModel):
    """What the settings of all steps have in common: they are validated at once, and never change."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def checked(cls, **values: Any) -> Any:
        """Make the settings, or say in a sentence what is wrong with them.

        Parameters
        ----------
        **values : object
            Settings by name; the others keep their defaults.

        Returns
        -------
        Config
            The settings, of the class that was asked.

        Raises
        ------
        SettingsError
            A value is of the wrong kind or out of range, or there is no such setting.
        """
        try:
            return cls(**values)
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"]) or cls.__name__
            raise SettingsError(
                f"The setting {name} is {first.get('input')!r}", first["msg"], "Change it and try again"
            ) from error


def option(
    default: Any,
    label: str,
    tooltip: str,
    *,
    unit: str = "",
    advanced: bool = False,
    **limits: Any,
) -> Any:
    """Declare one setting.

    Parameters
    ----------
    default : object
        The value that works for most.
    label : str
        Its name in the form.
    tooltip : str
        One or two sentences for a biologist; also the help of the command line.
    unit : str
        Unit of the value, shown behind it.
    advanced : bool
        True folds it away under "Options".
    **limits : object
        Limits as pydantic knows them: ``ge``, ``le``, ``gt``, ``lt``, ``multiple_of``.

    Returns
    -------
    object
        A pydantic field.
    """
    return Field(
        default,
        title=label,
        description=tooltip,
        json_schema_extra={"unit": unit, "advanced": advanced},
        **limits,
    )


class LabelConfig(Config):
    """How nuclei are found in the fluorescence channel."""

    min_diameter_px: float = option(
        5.0,
        "Smallest nucleus",
        "Objects of a smaller diameter are discarded as debris.",
        unit="px",
        gt=0,
        le=2000,
    )
    max_diameter_px: float = option(
        30.0,
        "Largest nucleus",
        "Objects of a larger diameter are discarded. Draw a line across a nucleus to measure one.",
        unit="px",
        gt=0,
        le=4000,
    )
    threshold: Literal["adaptive", "global"] = option(
        "adaptive",
        "Threshold",
        "Adaptive: each place has a threshold of its own (uneven light). Global: one threshold per frame.",
    )
    otsu_window_px: int = option(
        20,
        "Threshold window",
        "Side of the neighbourhood of the adaptive threshold; about one to two nuclei.",
        unit="px",
        ge=3,
        le=1000,
    )
    otsu_low: float = option(
        0.05,
        "Lowest threshold",
        "The threshold never falls below this fraction of the frame's range: empty background stays empty.",
        ge=0,
        le=1,
    )
    otsu_high: float = option(
        1.0,
        "Highest threshold",
        "The threshold never rises above this fraction of the frame's range.",
        ge=0,
        le=1,
    )
    split: Literal["both", "shape", "intensity", "none"] = option(
        "both",
        "Split touching nuclei",
        "By shape (waists), by intensity (dark seams), by both, or not at all.",
    )
    outline: float = option(
        0.5,
        "Outline at",
        "A nucleus ends where its brightness falls to this fraction of its own height: more is tighter. "
        "0 leaves the outline where the threshold drew it.",
        advanced=True,
        ge=0,
        le=0.95,
    )
    clahe_block_px: int = option(
        127,
        "Contrast block",
        "Side of the blocks in which the contrast is equalised.",
        unit="px",
        advanced=True,
        ge=8,
        le=4096,
    )
    clahe_bins: int = option(
        256, "Contrast bins", "Number of grey levels of the equalisation.", advanced=True, ge=16, le=65536
    )
    clahe_slope: float = option(
        3.0,
        "Contrast slope",
        "How much the contrast may be raised; 1 leaves the image as it is.",
        advanced=True,
        ge=1,
        le=100,
    )
    fill_holes: bool = option(True, "Fill holes", "Close holes inside nuclei.", advanced=True)
    mark_defects: bool = option(
        True,
        "Ignore defects",
        "Leaked stain and bright debris become regions that training ignores, instead of costing the frame.",
        advanced=True,
    )


class TriageConfig(Config):
    """Which frames of automatic labels are trusted."""

    empty_fraction: float = option(
        0.25,
        "Reject emptiest",
        "This fraction of the frames, those with the fewest nucleus pixels, is rejected.",
        ge=0,
        le=1,
    )
    max_foreground: float = option(
        0.5,
        "Most nucleus area",
        "Frames in which a larger part is called nucleus are rejected: that is an error.",
        ge=0,
        le=1,
    )
    min_focus: float = option(
        0.6,
        "Least focus",
        "Frames whose sharpness is below this fraction of the movie's usual sharpness are rejected.",
        advanced=True,
        ge=0,
        le=1,
    )
    min_contrast: float = option(
        0.2,
        "Least contrast",
        "Frames whose contrast is below this fraction of the movie's usual contrast are rejected.",
        advanced=True,
        ge=0,
        le=1,
    )
    max_count_jump: float = option(
        0.5,
        "Largest jump in count",
        "Frames are rejected when they or the frames around them have more nuclei by this fraction.",
        advanced=True,
        ge=0,
    )


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
        0.25,
        "Replay",
        "Part of each batch that shows images the starting model learned from, so that it does not forget "
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
        6e-3, "Learning rate", "Step size of the optimiser (Adam).", advanced=True, gt=0, le=1
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


class PredictConfig(Config):
    """How a trained model is applied."""

    threshold: float = option(
        0.5, "Probability", "Pixels above this probability belong to an object.", ge=0.01, le=0.99
    )
    min_diameter_px: float = option(
        4.0, "Smallest object", "Smaller objects are left out.", unit="px", ge=0, le=2000
    )
    diameter_px: float | None = option(
        None,
        "Typical diameter",
        "Diameter of a typical object: frames are resized until it has the size that the model knows. "
        "Empty: as in training, or estimated from the frames by a model for objects of any size.",
        unit="px",
        gt=1,
        le=4000,
    )
    flips: bool = option(
        False,
        "Look four times",
        "Average what the model sees in the frame and in its mirror images: a little better, and "
        "four times slower.",
        advanced=True,
    )
    device: Device = option("auto", "Device", "Where to compute; auto takes the fastest that is there.")
    precision: Precision = option(
        "auto",
        "Number format",
        "In which numbers the network computes: auto takes the fastest of this computer; float32, the "
        "reference, is the most exact; bfloat16 is faster on newer processors.",
        advanced=True,
    )
    tile_px: int = option(
        512,
        "Tile",
        "Larger frames are computed in tiles of this side.",
        unit="px",
        advanced=True,
        ge=64,
        le=8192,
        multiple_of=32,
    )
    overlap_px: int = option(
        64,
        "Tile overlap",
        "Neighbouring tiles share this margin and are blended in it.",
        unit="px",
        advanced=True,
        ge=0,
        le=1024,
    )


class MeasureConfig(Config):
    """What is counted."""

    typical_diameter_px: float | None = option(
        None,
        "Typical diameter",
        "For counting by area: the diameter of one object. Empty: the median of all objects measured.",
        unit="px",
        gt=0,
    )
