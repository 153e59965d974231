"""Which frames and objects are drawn: at random, but evenly over groups and parts of the time.

Frames that follow each other in a movie are alike, and one well is not another. A stratum is one part of the
time (early, middle, late) of one group; the draws go round the strata, as evenly as what they hold allows
(stratified sampling with equal allocation, Cochran 1977, chapter 5).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from napari_cellseg.evaluate.review.plan import Box

PARTS = ("early", "middle", "late")

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True)
class Extent:
    """How large a movie is.

    Attributes
    ----------
    group : str
        Its group.
    n_frames, height, width : int
        Lengths of its axes TYX.
    """

    group: str
    n_frames: int
    height: int
    width: int


@dataclass(frozen=True)
class Place:
    """Part of a frame that is to be judged.

    Attributes
    ----------
    movie : int
        Which movie, from 0.
    frame : int
        Time point, from 0.
    box : tuple of int
        See `napari_cellseg.evaluate.review.plan.Box`.
    """

    movie: int
    frame: int
    box: Box


def part_of(frame: int, n_frames: int) -> str:
    """Say which part of its movie a frame belongs to.

    Parameters
    ----------
    frame : int
        Time point, from 0.
    n_frames : int
        Length of the movie.

    Returns
    -------
    str
        One of `PARTS`, each a third; empty for movies of fewer than three frames.
    """
    return PARTS[frame * len(PARTS) // n_frames] if n_frames >= len(PARTS) else ""


def spread_evenly(n: int, room: Mapping[K, int], rng: np.random.Generator) -> dict[K, int]:
    """Share out draws among strata as evenly as they have room.

    Parameters
    ----------
    n : int
        How many draws.
    room : mapping of stratum to int
        How many each stratum holds.
    rng : numpy.random.Generator
        Says which strata get the draws that are left over.

    Returns
    -------
    dict of stratum to int
        Draws of each; their sum is `n`, or all there is where that is less.
    """
    given = dict.fromkeys(room, 0)
    left = min(n, sum(room.values()))
    while left:
        free = [key for key in room if given[key] < room[key]]
        share = left // len(free)
        lucky = free if share else [free[i] for i in rng.permutation(len(free))[:left]]
        for key in lucky:
            taken = min(max(share, 1), room[key] - given[key])
            given[key] += taken
            left -= taken
    return given


def draw_places(
    extents: Sequence[Extent], n: int, crop_px: int | None, rng: np.random.Generator
) -> list[Place]:
    """Draw frames, or parts of frames.

    A second part of a frame is drawn only when every frame of its stratum has given one; parts never overlap.

    Parameters
    ----------
    extents : sequence of Extent
        The movies.
    n : int
        How many.
    crop_px : int or None
        Side of the part in px; frames that are smaller, and all with None, are taken whole.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    list of Place
        Different ones, stratum by stratum; fewer than `n` where there are fewer.
    """
    strata: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for i, extent in enumerate(extents):
        for t in range(extent.n_frames):
            strata.setdefault((extent.group, part_of(t, extent.n_frames)), []).append((i, t))
    tiles = [_tiles(extent, crop_px) for extent in extents]
    room = {key: sum(len(tiles[i]) for i, _ in frames) for key, frames in strata.items()}
    shares = spread_evenly(n, room, rng)
    places: list[Place] = []
    for key, frames in strata.items():
        order = [frames[k] for k in rng.permutation(len(frames))]
        boxes = {
            frame: [tiles[frame[0]][k] for k in rng.permutation(len(tiles[frame[0]]))] for frame in order
        }
        rounds = max(len(listed) for listed in boxes.values())
        in_turn = [
            (frame, boxes[frame][r]) for r in range(rounds) for frame in order if r < len(boxes[frame])
        ]
        places += [Place(i, t, box) for (i, t), box in in_turn[: shares[key]]]
    return places


def _tiles(extent: Extent, crop_px: int | None) -> list[Box]:
    """Divide a frame into parts that do not overlap."""
    height, width = (min(n, crop_px or n) for n in (extent.height, extent.width))
    tops, lefts = (
        np.linspace(0, n - side, n // side).round().astype(int).tolist()
        for n, side in ((extent.height, height), (extent.width, width))
    )
    return [(top, left, top + height, left + width) for top in tops for left in lefts]


def draw_objects(
    counts: Mapping[K, Sequence[int]], n: int, rng: np.random.Generator
) -> dict[K, list[tuple[int, int]]]:
    """Draw objects, each of a stratum with the same chance.

    Parameters
    ----------
    counts : mapping of stratum to sequence of int
        How many objects each frame of the stratum has.
    n : int
        How many objects to draw, over all strata.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    dict of stratum to list of (int, int)
        Index of the frame within the stratum, and the how-manieth of its objects, from 0; all different.
    """
    shares = spread_evenly(n, {key: int(sum(held)) for key, held in counts.items()}, rng)
    drawn: dict[K, list[tuple[int, int]]] = {}
    for key, held in counts.items():
        ends = np.cumsum(np.asarray(held, np.int64))
        chosen: npt.NDArray[np.int64] = np.asarray(
            rng.choice(int(ends[-1]), shares[key], replace=False) if shares[key] else [], np.int64
        )
        frames = np.searchsorted(ends, chosen, side="right")
        drawn[key] = [
            (int(f), int(k - (ends[f - 1] if f else 0))) for f, k in zip(frames, chosen, strict=True)
        ]
    return drawn


def balanced_order(n_places: int, n_models: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Put places in an order in which every model comes as early and as late as the others.

    In each round every place is shown once; from round to round the models rotate over the places (a Latin
    square), so that the same place comes back only a round later, and tiredness meets all models alike.

    Parameters
    ----------
    n_places : int
        How many places.
    n_models : int
        How many models each place is shown of.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    list of (int, int)
        Place and model, each pair once.
    """
    first = rng.permutation(np.arange(n_places) % n_models)
    order: list[tuple[int, int]] = []
    for r in range(n_models):
        places = rng.permutation(n_places).tolist()
        if order and n_places > 1 and places[0] == order[-1][0]:  # not the same place twice running
            places.append(places.pop(0))
        order += [(place, int((first[place] + r) % n_models)) for place in places]
    return order
