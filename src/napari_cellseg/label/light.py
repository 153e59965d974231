"""The background of a frame: uneven light, haze, the camera's offset."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from napari_cellseg.label.outline import percentile_of_each

Plane = npt.NDArray[np.float32]

_BACKGROUND_PERCENTILE = 25
_DARK_PERCENTILE = 10
_CELLS = 8  # along each side, that the surface of the light is fitted to
_SAMPLED_PX = 256


def background_of(plane: Plane, max_diameter_px: float) -> Plane:
    """Estimate the uneven background: the light across the frame, and low percentiles of blocks beside it.

    Parameters
    ----------
    plane : ndarray
        Axes YX, float32.
    max_diameter_px : float
        Diameter of the largest nucleus, in px; blocks are four times as large.

    Returns
    -------
    ndarray
        Axes YX, float32, the shape of `plane`.
    """
    light = light_of(plane)
    plane = plane - light
    side = max(32, round(4 * max_diameter_px))
    rows, columns = (max(1, round(n / side)) for n in plane.shape)
    ys = np.linspace(0, plane.shape[0], rows + 1).astype(int)
    xs = np.linspace(0, plane.shape[1], columns + 1).astype(int)
    grid = np.empty((rows, columns), np.float32)
    for row, column in np.ndindex(rows, columns):
        block = plane[ys[row] : ys[row + 1] : 2, xs[column] : xs[column + 1] : 2]
        grid[row, column] = np.percentile(block, _BACKGROUND_PERCENTILE)
    # A block full of nuclei knows nothing of the background: its neighbours do.
    grid = np.minimum(grid, ndi.median_filter(grid, 3, mode="nearest"))
    return light + stretch(ndi.gaussian_filter(grid, 0.7, mode="nearest"), plane.shape)


def stretch(grid: Plane, shape: tuple[int, ...]) -> Plane:
    """Interpolate a coarse grid linearly to a frame.

    Parameters
    ----------
    grid : ndarray
        Axes YX, float32; each value stands at the middle of its cell.
    shape : tuple of int
        Height and width of the frame in px.

    Returns
    -------
    ndarray
        Axes YX, float32, of that shape; constant beyond the outermost middles.
    """
    out: npt.NDArray[Any] = grid
    for axis, length in enumerate(shape):
        cells = out.shape[axis]
        at = np.clip((np.arange(length) + 0.5) * cells / length - 0.5, 0, cells - 1)
        low = np.minimum(at.astype(np.intp), max(cells - 2, 0))
        part = (at - low).astype(np.float32)
        part = part[:, None] if axis == 0 else part[None, :]
        first = np.take(out, low, axis=axis)
        second = np.take(out, np.minimum(low + 1, cells - 1), axis=axis)
        out = first + (second - first) * part
    return np.ascontiguousarray(out, dtype=np.float32)


def light_of(plane: Plane) -> Plane:
    """Fit the slow change of the light: a quadratic surface through the darkest of each of 8 x 8 cells.

    Parameters
    ----------
    plane : ndarray
        Axes YX, float32.

    Returns
    -------
    ndarray
        Axes YX, float32. Bright cells, of nuclei or leaked stain, do not count.
    """
    step = max(1, min(plane.shape) // _SAMPLED_PX)
    small = plane[::step, ::step]
    rows, columns = (min(_CELLS, n) for n in small.shape)
    row = np.arange(small.shape[0]) * rows // small.shape[0]
    column = np.arange(small.shape[1]) * columns // small.shape[1]
    cell = (row[:, None] * columns + column[None, :] + 1).astype(np.int32)
    low = percentile_of_each(cell, small, _DARK_PERCENTILE).astype(np.float64)
    at_y, at_x = (np.linspace(-1, 1, n) if n > 1 else np.zeros(1) for n in plane.shape)
    middle_y = ndi.mean(at_y[::step], row, np.arange(rows)).repeat(columns)
    middle_x = np.tile(ndi.mean(at_x[::step], column, np.arange(columns)), rows)
    terms = _terms(middle_y, middle_x)
    use = low <= np.percentile(low, 75)
    fit: npt.NDArray[np.floating[Any]] = np.zeros(terms.shape[1])
    for _ in range(4):
        fit = np.linalg.lstsq(terms[use], low[use], rcond=None)[0]
        rest = low - terms @ fit
        use = rest <= 3 * float(np.median(np.abs(rest[use]))) + 1e-6 * float(np.ptp(low))
    y, x = at_y[:, None].astype(np.float32), at_x[None, :].astype(np.float32)
    c = fit.astype(np.float32)
    return np.asarray((c[0] + c[1] * y + c[3] * y * y) + (c[2] * x + c[4] * x * x) + (c[5] * y) * x)


def _terms(y: npt.NDArray[Any], x: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.stack([np.ones_like(y), y, x, y * y, x * x, x * y], axis=-1)
