"""Frames of any size through a network that takes pieces of one size: overlapping tiles, blended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
Apply = Callable[[Array], Array]
"""Takes tiles with the axes NYX, gives maps with the axes NMYX."""


def _round_up(length: int, multiple: int) -> int:
    return -(-length // multiple) * multiple


def _side(length: int, tile: int, overlap: int, multiple: int) -> int:
    """Choose the side of tiles so that they share no more than they must."""
    n = max(1, round(length / tile))
    return _round_up(-(-(length + (n - 1) * overlap) // n), multiple)


def starts(length: int, tile: int, overlap: int) -> list[int]:
    """Lay tiles along one side of a frame.

    Parameters
    ----------
    length : int
        Length of the side, in px; at least ``tile``.
    tile : int
        Length of a tile.
    overlap : int
        Neighbouring tiles share at least this.

    Returns
    -------
    list of int
        First pixel of each tile, evenly spaced; the last tile ends with the frame.
    """
    if length <= tile:
        return [0]
    n = 1 + -(-(length - tile) // (tile - overlap))
    return [round(i * (length - tile) / (n - 1)) for i in range(n)]


def window(tile: tuple[int, int], overlap: int) -> Array:
    """Make the weights with which a tile enters the frame: falling towards its edges.

    Parameters
    ----------
    tile : tuple of int
        Height and width of the tile.
    overlap : int
        Over how many pixels the weight falls.

    Returns
    -------
    ndarray
        Axes YX, above 0 and at most 1.
    """
    height, width = (
        np.minimum(1, (np.minimum(np.arange(n), np.arange(n)[::-1]) + 1) / (overlap + 1)) for n in tile
    )
    return np.outer(height, width).astype(np.float32)


def apply_tiled(
    image: Array, apply: Apply, *, tile_px: int, overlap_px: int, batch: int = 1, multiple: int = 32
) -> Array:
    """Apply a network to a frame, in tiles where it is larger than one.

    Parameters
    ----------
    image : ndarray
        Axes YX, float32.
    apply : callable
        The network.
    tile_px : int
        About the side of the tiles: as many as come nearest to it share the frame evenly, so that one up to
        half as long again goes through whole.
    overlap_px : int
        Neighbouring tiles share this margin; at most half a tile is used.
    batch : int
        Tiles at once.
    multiple : int
        Height and width of what enters the network are multiples of this; smaller frames are reflected.

    Returns
    -------
    ndarray
        Axes MYX, float32, with the height and width of the image.
    """
    tile_px = _round_up(tile_px, multiple)
    overlap = min(overlap_px, tile_px // 2)
    sides = [_side(n, tile_px, overlap, multiple) for n in image.shape]
    tile = (sides[0], sides[1])
    padded = np.pad(image, [(0, max(0, t - n)) for n, t in zip(image.shape, tile, strict=True)], "reflect")
    places = [
        (y, x)
        for y in starts(padded.shape[0], tile[0], overlap)
        for x in starts(padded.shape[1], tile[1], overlap)
    ]
    if len(places) == 1:
        maps = apply(padded[None])[0]
    else:
        maps = _blend(padded, apply, places, window(tile, overlap), batch)
    cropped: Array = maps[:, : image.shape[0], : image.shape[1]]
    return cropped


def _blend(image: Array, apply: Apply, places: list[tuple[int, int]], weight: Array, batch: int) -> Array:
    tile = weight.shape
    total: Array | None = None
    weights = np.zeros(image.shape, np.float32)
    for some in _batches(places, batch):
        boxes = [(slice(y, y + tile[0]), slice(x, x + tile[1])) for y, x in some]
        maps = apply(np.stack([image[box] for box in boxes]))
        if total is None:
            total = np.zeros((maps.shape[1], *image.shape), np.float32)
        for box, tile_maps in zip(boxes, maps, strict=True):
            total[(slice(None), *box)] += tile_maps * weight
            weights[box] += weight
    assert total is not None  # noqa: S101 - there is always a tile
    blended: Array = total / weights
    return blended


def _batches(items: list[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
