"""What a network learns from: an image, its labels, and the group that must not be split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_cellseg.errors import InputError

IGNORE = -1
"""Label of pixels that neither training nor scoring counts."""


@dataclass(frozen=True)
class Sample:
    """One frame to learn from.

    Attributes
    ----------
    image : ndarray
        Axes YX, any real dtype, as it came from the microscope.
    labels : ndarray
        Axes YX, int32: 0 background, 1, 2, ... objects, -1 ignore.
    group : str
        Position or field of view. Samples of one group are never split between training and validation.
    name : str
        Where it comes from, for messages and the model card.
    checked : bool
        True where a person says that every object is labelled, as in a frame that was accepted.
    """

    image: npt.NDArray[Any]
    labels: npt.NDArray[np.int32]
    group: str
    name: str
    checked: bool = False

    def __post_init__(self) -> None:
        if self.image.ndim != 2 or self.image.shape != self.labels.shape:
            raise InputError(
                f"The image {self.name} has the shape {self.image.shape}, its labels {self.labels.shape}",
                "Both must have the same height and width",
                "Choose labels that were made for this image",
            )
