"""What a frame looks like before anything is found in it: background, noise, range, local contrast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi
from skimage.exposure import equalize_adapthist

from napari_cellseg.config import LabelConfig
from napari_cellseg.label.light import Plane, background_of

_GREY_LEVELS = 2**14  # of scikit-image's CLAHE: more bins than that cannot differ
_BINS = 128
_BACKGROUND_PEAK = 0.3  # of the histogram's highest peak, which nuclei make where they cover most of a frame
_SMALLEST_SIDE_PX = 8
_LARGEST = 1e37  # differences and squares of scaled pixels still fit into float32


@dataclass(frozen=True, eq=False)
class Signal:
    """A frame freed of its background. Brightness runs from 0 to 1, the frame's darkest and brightest pixel.

    Attributes
    ----------
    whole : ndarray
        Axes YX, float32: the frame with its background.
    above : ndarray
        Axes YX, float32: brightness above the local background, smoothed to the scale of small nuclei.
    sharp : ndarray
        The same, smoothed only as far as the noise of this frame makes necessary: outlines are drawn on it.
    noise : float
        Standard deviation of `above` where there is nothing.
    top : float
        The frame's range: brightness from the background to the brightest structure of a nucleus's size.
    saturated : ndarray
        Axes YX, bool: pixels at the upper end of what the camera could record.
    """

    whole: Plane
    above: Plane
    sharp: Plane
    noise: float
    top: float
    saturated: npt.NDArray[np.bool_]


def clean(image: npt.NDArray[Any]) -> Plane:
    """Make any real frame fit for computing: float32, without NaN and infinities.

    Parameters
    ----------
    image : ndarray
        Axes YX, any real dtype.

    Returns
    -------
    ndarray
        Axes YX, float32. Pixels that are not numbers, or absurdly large, get the median of the others; 0
        where none is left.
    """
    with np.errstate(over="ignore"):
        plane = np.asarray(image).astype(np.float32)
    finite = np.abs(plane) < _LARGEST
    if not finite.all():
        plane[~finite] = np.median(plane[finite]) if finite.any() else 0
    return plane


def smoothing_px(min_diameter_px: float) -> float:
    """Choose how far a frame is smoothed before nuclei are looked for.

    Parameters
    ----------
    min_diameter_px : float
        Diameter of the smallest nucleus in px.

    Returns
    -------
    float
        Standard deviation of the Gaussian in px: a sixth of the diameter, between 0.5 and 2.
    """
    return float(np.clip(min_diameter_px / 6, 0.5, 2.0))


def signal_of(plane: Plane, config: LabelConfig) -> Signal | None:
    """Smooth a frame and take its uneven background away.

    Parameters
    ----------
    plane : ndarray
        Axes YX, float32, finite.
    config : LabelConfig
        The diameters of the smallest and the largest nucleus.

    Returns
    -------
    Signal or None
        None when the frame is constant: there is nothing to find.
    """
    lowest, highest = plane.min(), plane.max()
    if not highest - lowest > 1e-6 * max(abs(lowest), abs(highest)):
        return None
    scale = smoothing_px(config.min_diameter_px)
    plane = (plane - lowest) / (highest - lowest)
    smooth = ndi.gaussian_filter(plane, scale)
    background = background_of(smooth, config.max_diameter_px)
    above = smooth - background
    level, noise = _level(above)
    above -= level
    rank = max(above.size - nucleus_px(config), 0)
    top = float(np.partition(above.ravel(), rank)[rank])
    if not top > 0:
        return None
    background += level
    sharp = plane - background
    need = 20 * _level(sharp)[1] / top - 0.5  # no smoothing below noise of 2.5 % of the range
    if need > 0:
        sharp = ndi.gaussian_filter(sharp, min(need, scale))
    return Signal(plane, above, sharp, noise, top, saturated(plane, config))


def nucleus_px(config: LabelConfig) -> int:
    """Say how many pixels the smallest nucleus has.

    Parameters
    ----------
    config : LabelConfig
        Its diameter.

    Returns
    -------
    int
        At least 1.
    """
    return max(1, round(np.pi / 4 * config.min_diameter_px**2))


def saturated(plane: Plane, config: LabelConfig) -> npt.NDArray[np.bool_]:
    """Find pixels at the camera's upper end: the largest grey value, if as many as a nucleus share it.

    Parameters
    ----------
    plane : ndarray
        Axes YX, float32: the frame.
    config : LabelConfig
        The diameter of the smallest nucleus.

    Returns
    -------
    ndarray
        Axes YX, bool.
    """
    at_top, pixels = plane == plane.max(), nucleus_px(config)
    return at_top if np.count_nonzero(at_top) >= pixels else np.zeros_like(at_top)


def _level(values: Plane) -> tuple[float, float]:
    """Return the lowest frequent grey value and the spread below it: nuclei lie above, and do not count."""
    flat = values[::2, ::2].ravel() if values.size > 65536 else values.ravel()
    low, middle = np.percentile(flat, [0.5, 60])
    spread = float(middle - low)
    farthest = np.asarray(max(abs(low), abs(middle)), flat.dtype)
    if spread < _BINS * float(np.spacing(farthest)):  # so many greys are not told apart there
        return float(middle), 0.0
    counts, edges = np.histogram(flat, bins=_BINS, range=(float(low), float(middle) + spread))
    counts = ndi.gaussian_filter1d(counts.astype(float), 3, mode="constant")
    peaks = (counts == ndi.maximum_filter1d(counts, 9)) & (counts > _BACKGROUND_PEAK * counts.max())
    level = float(edges[int(peaks.argmax())] + spread / _BINS)
    below = flat[flat < level]
    noise = float(np.sqrt(np.mean((below - level) ** 2))) if below.size > 8 else spread / 4
    return level, noise


def equalise(signal: Signal, config: LabelConfig) -> Plane:
    """Raise the local contrast (contrast-limited adaptive histogram equalisation).

    ImageJ's CLAHE (S. Saalfeld, after Zuiderveld, Graphics Gems IV, 1994, 474-485) limits the slope of the
    mapping of grey values: no bin of a block's histogram may hold more than ``slope * pixels / bins``.
    scikit-image, after the same source, limits a bin to ``clip_limit * pixels``: the two are equal for
    ``clip_limit = slope / bins``.

    Parameters
    ----------
    signal : Signal
        The frame.
    config : LabelConfig
        Block, bins and slope.

    Returns
    -------
    ndarray
        Axes YX, float32, 0 (background) to 1.
    """
    unit = np.clip(signal.above / np.float32(signal.top), 0, 1)
    if config.clahe_slope <= 1 or min(unit.shape) < _SMALLEST_SIDE_PX:
        return np.asarray(unit, np.float32)
    bins = min(config.clahe_bins, _GREY_LEVELS)
    block = [min(config.clahe_block_px, n) for n in unit.shape]
    raised = equalize_adapthist(unit, block, min(config.clahe_slope / bins, 1.0), bins)
    return np.asarray(raised, np.float32)
