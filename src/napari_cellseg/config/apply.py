"""How a trained model is applied, and what is counted."""

from __future__ import annotations

from napari_cellseg.config.base import Config, Device, Engine, Precision, option


class PredictConfig(Config):
    """How a trained model is applied."""

    threshold: float = option(
        0.5, "Probability", "Pixels above this probability belong to an object.", ge=0.01, le=0.99
    )
    min_diameter_px: float = option(
        4.0, "Smallest object", "Smaller objects are left out.", unit="px", ge=0, le=2000
    )
    min_certainty: float | None = option(
        None,
        "Certainty",
        "Objects of which the model is less sure are left out: the mean probability of their pixels. Raise "
        "it where debris is counted, lower it where faint objects are missed. Empty: what the model's card "
        "says; all objects where it says nothing.",
        ge=0,
        le=0.99,
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
    engine: Engine = option(
        "auto",
        "Engine",
        "What computes the network: auto takes OpenVINO on a CPU where it is installed, since it is faster, "
        "and torch elsewhere.",
        advanced=True,
    )
    tile_px: int = option(
        1024,
        "Tile",
        "Larger frames are computed in tiles of about this side: larger ones are faster and need more "
        "memory.",
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
