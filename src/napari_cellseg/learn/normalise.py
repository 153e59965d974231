"""Bring frames of any camera to the same range of grey."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

LOW_PERCENTILE = 1.0
HIGH_PERCENTILE = 99.5
LIMITS = (-1.0, 3.0)
"""No pixel leaves this range, whatever it was: hot pixels must not drown the frame."""

_MAX_PIXELS = 500_000
"""More pixels than these do not change a percentile that anybody could see."""


def normalise(
    image: npt.NDArray[Any], low: float = LOW_PERCENTILE, high: float = HIGH_PERCENTILE
) -> npt.NDArray[np.float32]:
    """Stretch a frame from two percentiles to 0..1.

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
    pixels = image.astype(np.float64)
    finite = np.isfinite(pixels)
    if not finite.all():
        middle = np.median(pixels[finite]) if finite.any() else 0.0
        pixels = np.where(finite, pixels, middle)
    step = max(1, int(np.sqrt(pixels.size / _MAX_PIXELS)))
    bottom, top = np.percentile(pixels[::step, ::step], (low, high))
    if not top > bottom:  # nearly all pixels are the same; a few bright objects may still differ
        bottom, top = pixels.min(), pixels.max()
    if not top > bottom:
        return np.zeros(image.shape, np.float32)
    stretched: npt.NDArray[np.float32] = np.clip((pixels - bottom) / (top - bottom), *LIMITS).astype(
        np.float32
    )
    return stretched
