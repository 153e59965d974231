"""How a model learns from corrections while they are made."""

from __future__ import annotations

from napari_cellseg.config.base import Config, Device, option


class LearnConfig(Config):
    """How a model learns from corrections while they are made."""

    minutes: float = option(
        2.0,
        "At most",
        "Stop learning after this time and keep the best so far; the proposals come on top.",
        unit="min",
        gt=0,
        le=600,
    )
    propose: int = option(
        500,
        "Propose for",
        "Propose labels for at most this many uncorrected frames, those nearest to the frame in view first.",
        unit="frames",
        ge=0,
        le=1_000_000,
    )
    device: Device = option("auto", "Device", "Where to compute; auto takes the fastest that is there.")
