"""How a network looks at frames: their size, their greys, their tiles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_cellseg.config import GreysOf, Precision
from napari_cellseg.learn.normalise import Levels, normalise, stretch


@dataclass(frozen=True)
class View:
    """How a network looks at frames.

    Attributes
    ----------
    scale : float
        Frames are resized by this factor first.
    low, high : float
        Percentiles of the normalisation.
    tile_px, overlap_px, batch : int
        See `tiles.apply_tiled`.
    device : str
        Where the network is.
    object_px : float
        Diameter of a typical object on the network's grid.
    flips : bool
        Whether it also looks at the mirror images of the frame, and the maps are averaged.
    precision : {"auto", "float32", "bfloat16"}
        Number format of the network, see `runtime.number_format`.
    by : {"frame", "movie"}
        Whether ``low`` and ``high`` are percentiles of each frame by itself, or of its whole movie.
    levels : Levels or None
        Grey levels of the movie that is looked at; None: each frame is stretched by itself.
    movies : Mapping of str to Levels
        Grey levels of the movies that frames may come from, by group.
    classes : int
        How many maps are those of classes, see `NetConfig.classes`; 0: the maps are those of objects.
    certainty : float
        How sure the network must be of an object, see `ModelCard.certainty`.
    """

    scale: float
    low: float
    high: float
    tile_px: int
    overlap_px: int
    batch: int
    device: str
    object_px: float
    flips: bool = False
    precision: Precision = "auto"
    by: GreysOf = "frame"
    levels: Levels | None = None
    movies: Mapping[str, Levels] = field(default_factory=dict)
    classes: int = 0
    certainty: float = 0.0

    @property
    def diameter_px(self) -> float:
        """Diameter of a typical object in the frame, in px."""
        return self.object_px / self.scale

    def of(self, group: str) -> View:
        """Look at the frames of one of the movies.

        Parameters
        ----------
        group : str
            Group of its frames.

        Returns
        -------
        View
            With its grey levels, where they are known.
        """
        return replace(self, levels=self.movies.get(group))

    def grey(self, image: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Bring a frame to the range of grey that the network knows.

        Parameters
        ----------
        image : ndarray
            Axes YX, any real dtype.

        Returns
        -------
        ndarray
            Axes YX, float32, in the size of the image, mostly in 0..1.
        """
        return normalise(image, self.low, self.high) if self.levels is None else stretch(image, self.levels)
