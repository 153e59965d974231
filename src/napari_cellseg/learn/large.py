"""Objects or classes in frames that are too large for memory, block by block."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_cellseg.config import PredictConfig
from napari_cellseg.data.stack import Stack
from napari_cellseg.learn import runtime
from napari_cellseg.learn.ahead import in_line
from napari_cellseg.learn.artist import Artist, Drawn
from napari_cellseg.learn.blocks import Block, blocks_of
from napari_cellseg.learn.card import model_hash
from napari_cellseg.learn.events import PredictSummary
from napari_cellseg.learn.movies import levels_of_stack
from napari_cellseg.learn.normalise import levels
from napari_cellseg.learn.predict import check_asked, labels_of
from napari_cellseg.learn.spots import spots_of
from napari_cellseg.progress import Clock, Note, Steps

_AT_ONCE = 2
"""So many blocks are read before the network needs them, or wait for their objects to be found: the maps of
each take 110 MB."""


@dataclass(frozen=True)
class BlockFound:
    """What was found in one block.

    Attributes
    ----------
    t : int
        Frame, from 0.
    block : Block
        Where it lies; `blocks.settle` says which of its objects count.
    image : ndarray
        Axes YX: the pixels that the network looked at.
    labels : ndarray
        Axes YX, int32: 0 background, 1, 2, ... objects, or the class of each pixel.
    probability : ndarray
        Axes YX, float16, 0..1: how likely a pixel is part of an object, or no background.
    """

    t: int
    block: Block
    image: npt.NDArray[Any]
    labels: npt.NDArray[np.int32]
    probability: npt.NDArray[np.float16]


def predict_blocks(
    stack: Stack, channel: int, model: Path, config: PredictConfig, keep: Callable[[BlockFound], int]
) -> Steps[PredictSummary]:
    """Find the objects in all frames of a stack, however large they are, or give their pixels classes.

    Parameters
    ----------
    stack : Stack
        The images, of one z plane.
    channel : int
        The channel to look at, from 0.
    model : Path
        Folder of the model.
    config : PredictConfig
        How the model is applied.
    keep : callable
        Called with what was found in each block, in their order and from another thread; returns how many
        objects of it count, 0 with classes.

    Yields
    ------
    Event
        `Progress` per block; `Note` when less memory has to do.

    Returns
    -------
    PredictSummary
        What was done.

    Raises
    ------
    InputError
        The stack has no such channel.
    ModelError
        The model cannot be used, or memory is not enough for it.
    SettingsError
        The device or the number format that was asked for is not there.
    """
    check_asked(stack, channel, ())
    runtime.give_way()
    runtime.give_back_large_arrays()
    artist, start = Artist(stack, channel, model, config), time.perf_counter()
    card = artist.trained.card
    artist.levels = yield from levels_of_stack(stack, channel, card, Clock(0, "blocks predicted"))
    counts, done, blocks, clock = [0] * stack.n_frames, 0, list[Block](), Clock(0, "blocks predicted")
    for t in range(stack.n_frames):
        if card.normalise_by == "frame":
            picked = [spot.greys for spot in spots_of(stack, t, channel)]
            artist.levels = levels(picked, card.low_percentile, card.high_percentile)
        if not blocks:
            blocks = blocks_of(stack.frame_shape, artist.view())
            clock = Clock(len(blocks) * stack.n_frames, "blocks predicted")
        for found in _in_line(stack, channel, artist, [(t, block) for block in blocks], config, keep):
            if isinstance(found, Note):
                yield found
                continue
            counts[t] += found
            done += 1
            yield clock.at(done)
    seconds = time.perf_counter() - start
    frames = tuple(range(stack.n_frames))
    return PredictSummary(
        frames, tuple(counts), card.name, model_hash(card), artist.plan.device.label, seconds
    )


def _in_line(
    stack: Stack,
    channel: int,
    artist: Artist,
    places: list[tuple[int, Block]],
    config: PredictConfig,
    keep: Callable[[BlockFound], int],
) -> Iterator[int | Note]:
    """Read, draw and find block after block, the three at the same time."""

    def read(place: tuple[int, Block]) -> npt.NDArray[Any]:
        return stack.frame(place[0], channel, place[1].part)

    def find(drawn: Drawn[tuple[int, Block]] | Note) -> int | Note:
        if isinstance(drawn, Note):
            return drawn
        return keep(BlockFound(*drawn.of, drawn.image, *labels_of(drawn.maps, config, drawn.view)))

    with ThreadPoolExecutor(1) as reading, ThreadPoolExecutor(1) as finding:
        images = in_line(reading, read, places, _AT_ONCE)
        yield from in_line(finding, find, artist.draw(zip(places, images, strict=True)), _AT_ONCE)
