"""Grey levels that all frames of a movie share, for models that are to see how bright a frame is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from napari_cellseg.config import GreysOf
from napari_cellseg.data.samples import Sample
from napari_cellseg.data.stack import Stack
from napari_cellseg.learn.card import ModelCard
from napari_cellseg.learn.normalise import Greys, Levels, greys, levels
from napari_cellseg.learn.spots import spots_of
from napari_cellseg.progress import Clock, Steps

MOST_FRAMES = 16
"""Frames that the levels are found from: read in a moment, and more would hardly change a percentile."""


def spread(n_frames: int) -> list[int]:
    """Choose frames evenly over a movie, the first and the last among them.

    Parameters
    ----------
    n_frames : int
        Frames of the movie, at least 1.

    Returns
    -------
    list of int
        At most `MOST_FRAMES`, ascending; all of them when there are no more.
    """
    places: npt.NDArray[np.float64] = np.linspace(0, n_frames - 1, min(n_frames, MOST_FRAMES))
    return [round(place) for place in places.tolist()]


def levels_of_samples(samples: Sequence[Sample], by: GreysOf, low: float, high: float) -> dict[str, Levels]:
    """Find the grey levels of every group, from frames spread evenly over it.

    Parameters
    ----------
    samples : sequence of Sample
        Those of one group are taken for one movie, in the order given.
    by : {"frame", "movie"}
        Whose grey levels are wanted.
    low, high : float
        Percentiles that become 0 and 1.

    Returns
    -------
    dict of str to Levels
        By group; without groups of one grey only. Empty where each frame is stretched by itself.
    """
    if by == "frame":
        return {}
    groups: dict[str, list[Sample]] = {}
    for sample in samples:
        groups.setdefault(sample.group, []).append(sample)
    found: dict[str, Levels] = {}
    for group, members in groups.items():
        chosen = spread(len(members))
        picked = [greys(members[i].image, len(chosen)) for i in chosen]
        shared = levels([one for one in picked if one is not None], low, high)
        if shared is not None:
            found[group] = shared
    return found


def levels_of_stack(stack: Stack, channel: int, card: ModelCard, clock: Clock) -> Steps[Levels | None]:
    """Find the grey levels of a movie that a model is applied to, from frames spread evenly over it.

    Only these frames are read, one at a time, and little of each is kept. Which frames are predicted does not
    matter: the levels are always those of the whole movie.

    Parameters
    ----------
    stack : Stack
        The images, of one z plane.
    channel : int
        The channel, from 0.
    card : ModelCard
        Whose grey levels it wants, and its percentiles.
    clock : Clock
        Of the prediction, which is not yet begun.

    Yields
    ------
    Event
        `Progress` after each frame read.

    Returns
    -------
    Levels or None
        None where each frame is stretched by itself, or the movie is of one grey only.
    """
    if card.normalise_by == "frame":
        return None
    chosen, picked = spread(stack.n_frames), list[Greys]()
    for t in chosen:
        picked += [spot.greys for spot in spots_of(stack, t, channel, len(chosen))]
        yield clock.at(0)
    return levels(picked, card.low_percentile, card.high_percentile)
