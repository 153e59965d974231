"""A network that draws its maps of frame after frame, with as much memory as there is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from napari_cellseg.config import PredictConfig
from napari_cellseg.data.stack import Stack, is_large
from napari_cellseg.errors import ModelError, SettingsError
from napari_cellseg.learn import runtime
from napari_cellseg.learn.model import cached_model, draw_maps
from napari_cellseg.learn.normalise import Levels
from napari_cellseg.learn.size import fitting_scale
from napari_cellseg.learn.spots import lively_parts, spots_of
from napari_cellseg.learn.view import View
from napari_cellseg.progress import Note

_FRAMES_TO_MEASURE = 3
_TILES_AT_ONCE = {"cpu": 1, "cuda": 8, "mps": 4}

K = TypeVar("K")


@dataclass(frozen=True)
class Drawn(Generic[K]):
    """An image of which the network has drawn the maps.

    Attributes
    ----------
    of : object
        Which one.
    image : ndarray
        Axes YX.
    maps : ndarray
        Axes MYX, float32, see `model.draw_maps`.
    view : View
        How the network looked at it.
    """

    of: K
    image: npt.NDArray[Any]
    maps: npt.NDArray[np.float32]
    view: View


class Artist:
    """Has a network draw its maps; where memory runs out, in smaller pieces.

    Parameters
    ----------
    stack : Stack
        The images, of one z plane; a few are looked at to find out how large objects are.
    channel : int
        The channel to look at, from 0.
    model : Path
        Folder of the model.
    config : PredictConfig
        How the model is applied.

    Attributes
    ----------
    trained : TrainedModel
        The model.
    plan : Plan
        Where it is computed, and in which pieces.
    levels : Levels or None
        Grey levels that the images share; None: each is stretched by itself.
    """

    def __init__(self, stack: Stack, channel: int, model: Path, config: PredictConfig) -> None:
        device = runtime.choose_device(config.device)
        runtime.number_format(device.name, config.precision)  # what cannot be is said before any work
        self.plan = runtime.Plan(_TILES_AT_ONCE[device.name], config.tile_px, device)
        self.trained = cached_model(model, device.name, config.engine)
        self.levels: Levels | None = None
        self._stack, self._channel, self._model, self._config = stack, channel, model, config
        self._scale = 0.0

    def draw(self, images: Iterable[tuple[K, npt.NDArray[Any]]]) -> Iterator[Drawn[K] | Note]:
        """Draw the maps of images; where memory runs out it is said, and done in smaller pieces.

        Parameters
        ----------
        images : iterable of (object, ndarray)
            What each is called, and its pixels, axes YX.

        Yields
        ------
        Drawn or Note
            One of the former for each image, in their order.

        Raises
        ------
        ModelError
            Memory is not enough for the smallest pieces.
        """
        for of, image in images:
            while True:
                try:
                    view = self.view()
                    drawn = Drawn(of, image, draw_maps(self.trained.network, image, view), view)
                    break
                except (RuntimeError, MemoryError) as error:
                    if not runtime.is_out_of_memory(error):
                        raise
                    self.plan, note = _smaller(self.plan, error)
                runtime.free_memory()
                self.trained = cached_model(self._model, self.plan.device.name, self._config.engine)
                yield Note(note)
            yield drawn

    def view(self) -> View:
        """Say how the network looks at images now.

        Returns
        -------
        View
            With the scale at which objects have the size that it knows, found once.
        """
        self._scale = self._scale or self._find_scale()
        return self._view(self._scale)

    def _view(self, scale: float) -> View:
        card, config, plan = self.trained.card, self._config, self.plan
        return View(
            scale,
            card.low_percentile,
            card.high_percentile,
            plan.side_px,
            min(config.overlap_px, plan.side_px // 4),
            plan.batch,
            plan.device.name,
            card.object_px,
            config.flips,
            config.precision,
            card.normalise_by,
            self.levels,
            classes=card.net.classes,
            certainty=card.certainty,
        )

    def _find_scale(self) -> float:
        """Find the factor by which frames are resized, so that objects have the size that the model knows."""
        card, diameter_px = self.trained.card, self._config.diameter_px
        if diameter_px and card.net.classes:
            raise SettingsError(
                f"The typical diameter was given, and {card.name} gives pixels classes, which have none",
                "",
                "Leave the diameter out",
            )
        if diameter_px:
            return card.object_px / diameter_px
        if card.any_size:
            return fitting_scale(self.trained.network, self._samples(), self._view(1.0))
        if self._stack.pixel_size_um and card.pixel_size_um:  # another magnification than in training
            return card.scale * self._stack.pixel_size_um / card.pixel_size_um
        return card.scale

    def _samples(self) -> Iterator[npt.NDArray[Any]]:
        """Read a few frames, or a few parts of a large one."""
        stack, channel = self._stack, self._channel
        if is_large(stack.frame_shape):
            t = stack.n_frames // 2
            for part in lively_parts(spots_of(stack, t, channel), stack.frame_shape):
                yield stack.frame(t, channel, part)
            return
        for t in sorted({round(at) for at in np.linspace(0, stack.n_frames - 1, _FRAMES_TO_MEASURE)}):
            yield stack.frame(t, channel)


def _smaller(plan: runtime.Plan, error: BaseException) -> tuple[runtime.Plan, str]:
    smaller = plan.smaller()
    if smaller is None:
        raise ModelError(
            "There is not enough memory to apply the model, even in the smallest pieces",
            "",
            "Close other programs and try again",
        ) from error
    return smaller[0], f"Memory ran out on the {replace(plan.device).label}: {smaller[1]}."
