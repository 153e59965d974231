"""Bring frames of any camera to the same range of grey."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

LOW_PERCENTILE = 1.0
HIGH_PERCENTILE = 99.5
Pixels = npt.NDArray[np.float32 | np.float64]

LIMITS = (-1.0, 3.0)
"""No pixel leaves this range, whatever it was: hot pixels must not drown the frame."""

_MOST_COUNTED = 2**16 - 1
_MAX_PIXELS = 500_000
"""More pixels than these do not change a percentile that anybody could see."""


@dataclass(frozen=True)
class Levels:
    """The grey values that become 0 and 1.

    Attributes
    ----------
    bottom, top : float
        In the unit of the image; top is above bottom.
    """

    bottom: float
    top: float


@dataclass(frozen=True)
class Greys:
    """What is kept of the grey values of a frame to find levels.

    Attributes
    ----------
    some : ndarray
        Axes YX, float: pixels on a grid, spread evenly over the frame.
    least, most : float
        Of all pixels.
    """

    some: Pixels
    least: float
    most: float


def greys(image: npt.NDArray[Any], n_frames: int = 1) -> Greys | None:
    """Pick grey values from a frame.

    Parameters
    ----------
    image : ndarray
        Axes YX, any real dtype. NaN and infinite pixels are taken for the median of the others.
    n_frames : int
        How many frames are picked from in all: as much is kept of many as of one.

    Returns
    -------
    Greys or None
        None when no pixel is a number.
    """
    pixels = _finite(image)
    return None if pixels is None else _picked(pixels, n_frames)


def levels(picked: Sequence[Greys], low: float, high: float) -> Levels | None:
    """Find the grey values that are to become 0 and 1.

    Parameters
    ----------
    picked : sequence of Greys
        Of one frame, or of several that are to have the same levels.
    low, high : float
        Percentiles, 0 to 100, over all pixels that were picked.

    Returns
    -------
    Levels or None
        None when all pixels are the same, or there are none.
    """
    if not picked:
        return None
    bottom, top = _percentiles(np.concatenate([one.some.ravel() for one in picked]), (low, high))
    if not top > bottom:  # nearly all pixels are the same; a few bright objects may still differ
        bottom, top = min(one.least for one in picked), max(one.most for one in picked)
    return Levels(float(bottom), float(top)) if top > bottom else None


def stretch(image: npt.NDArray[Any], levels: Levels) -> npt.NDArray[np.float32]:
    """Stretch a frame from given levels to 0..1.

    Parameters
    ----------
    image : ndarray
        Axes YX, any real dtype. NaN and infinite pixels are taken for the median of the others.
    levels : Levels
        What becomes 0 and 1.

    Returns
    -------
    ndarray
        Axes YX, float32, limited to -1..3; all 0 where no pixel is a number.
    """
    pixels = _finite(image)
    return np.zeros(image.shape, np.float32) if pixels is None else _stretched(pixels, levels)


def normalise(
    image: npt.NDArray[Any], low: float = LOW_PERCENTILE, high: float = HIGH_PERCENTILE
) -> npt.NDArray[np.float32]:
    """Stretch a frame from two of its own percentiles to 0..1.

    Parameters
    ----------
    image : ndarray
        Axes YX, any real dtype. NaN and infinite pixels are taken for the median of the others.
    low, high : float
        Percentiles, 0 to 100, that become 0 and 1.

    Returns
    -------
    ndarray
        Axes YX, float32, mostly in 0..1 and limited to -1..3; all 0 for a constant frame.
    """
    pixels = _finite(image)
    found = None if pixels is None else levels([_picked(pixels)], low, high)
    if pixels is None or found is None:
        return np.zeros(image.shape, np.float32)
    return _stretched(pixels, found)


def _finite(image: npt.NDArray[Any]) -> Pixels | None:
    """Put the median in place of what is no number; None when nothing is."""
    if image.dtype.kind in "bui" and image.dtype.itemsize <= 2:
        return image.astype(np.float32)  # holds them exactly, and is quicker
    pixels = image.astype(np.float64)
    finite = np.isfinite(pixels)
    if finite.all():
        return pixels
    return np.where(finite, pixels, np.median(pixels[finite])) if finite.any() else None


def _percentiles(pixels: Pixels, wanted: tuple[float, float]) -> tuple[float, float]:
    """Find percentiles as `numpy.percentile` does, by counting greys where that will do: it is quicker."""
    whole = pixels.astype(np.uint16) if pixels.dtype == np.float32 and _countable(pixels) else None
    if whole is None or not np.array_equal(whole, pixels):
        low, high = np.percentile(pixels, wanted).tolist()
        return low, high
    up_to = np.cumsum(np.bincount(whole))
    at = np.asarray(wanted) / 100 * (len(pixels) - 1)
    below, above = (np.searchsorted(up_to, np.floor(at) + more, side="right") for more in (0, 1))
    low, high = (below + (np.minimum(above, len(up_to) - 1) - below) * (at - np.floor(at))).tolist()
    return low, high


def _countable(pixels: Pixels) -> bool:
    return bool(pixels.min() >= 0 and pixels.max() <= _MOST_COUNTED)


def _picked(pixels: Pixels, n_frames: int = 1) -> Greys:
    step = max(1, int(np.sqrt(pixels.size * n_frames / _MAX_PIXELS)))
    some = pixels[::step, ::step]
    return Greys(some.copy() if step > 1 else some, float(pixels.min()), float(pixels.max()))


def _stretched(pixels: Pixels, levels: Levels) -> npt.NDArray[np.float32]:
    scaled = pixels - levels.bottom
    scaled /= levels.top - levels.bottom
    np.clip(scaled, *LIMITS, out=scaled)
    return scaled.astype(np.float32, copy=False)
