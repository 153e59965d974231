"""How nuclei are found in fluorescence, and which frames of the labels are trusted."""

from __future__ import annotations

from typing import Literal

from napari_cellseg.config.base import Config, option


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
