"""Shape and intensity of all objects of a frame at once, without a loop over pixels.

scikit-image's region properties are the reference (the tests compare with them). The second moments and the
convex hulls are worked out here because they take it nearly a millisecond per object: too slow for a movie.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi
from skimage.measure import regionprops_table

_UPSIDE_DOWN = -90 + 1e-6
"""What is upright is at 90 degrees, also where rounding, which differs with the place, says -90."""

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]


class Regions:
    """The objects of one frame.

    Parameters
    ----------
    labels : ndarray
        Axes YX, integer: 1, 2, ... objects, anything else background. Numbers may be of any size.

    Attributes
    ----------
    labels : ndarray
        Numbers of the objects, ascending.
    area_px : ndarray
        Number of pixels of each.
    """

    def __init__(self, labels: npt.NDArray[Any]) -> None:
        self._shape = labels.shape
        self._pixels = np.flatnonzero(labels.ravel() > 0)
        names, index = np.unique(labels.ravel()[self._pixels], return_inverse=True)
        self.labels = names.astype(np.int64)
        self._index: IntArray = index.astype(np.intp)
        self.area_px = np.bincount(self._index, minlength=len(names))

    def __len__(self) -> int:
        return len(self.labels)

    def _mean(self, values: npt.NDArray[Any]) -> FloatArray:
        """Average something over the pixels of each object."""
        return np.bincount(self._index, values, minlength=len(self)) / self.area_px

    def shapes(self) -> dict[str, npt.NDArray[Any]]:
        """Measure the shape of each object.

        Returns
        -------
        dict
            By column name without unit (see `columns.SHAPES`), in px.
        """
        y, x = (axis.astype(np.float64) for axis in np.divmod(self._pixels, self._shape[1]))
        centroid_y, centroid_x = self._mean(y), self._mean(x)
        dy, dx = y - centroid_y[self._index], x - centroid_x[self._index]
        return {
            "label": self.labels,
            "area": self.area_px,
            "centroid_y": centroid_y,
            "centroid_x": centroid_x,
            "diameter": np.sqrt(4 * self.area_px / np.pi),
            **_ellipse(self._mean(dy * dy), self._mean(dx * dx), self._mean(dx * dy)),
            "solidity": self.area_px / self._hull_areas(),
            **self._outline(),
        }

    def _outline(self) -> dict[str, npt.NDArray[Any]]:
        """Measure perimeter and bounding box."""
        perimeter = regionprops_table(self._consecutive(), properties=("perimeter",))["perimeter"]
        names = ("bbox_y0", "bbox_x0", "bbox_y1", "bbox_x1")
        return {"perimeter": np.asarray(perimeter), **dict(zip(names, self.boxes().T, strict=True))}

    def boxes(self) -> npt.NDArray[np.int64]:
        """Find the bounding box of each object.

        Returns
        -------
        ndarray
            One row an object: first row and column, and those after the last, in px.
        """
        found = ndi.find_objects(self._consecutive())
        corners = [(rows.start, columns.start, rows.stop, columns.stop) for rows, columns in found]
        return np.array(corners, np.int64).reshape(-1, 4)

    def _consecutive(self) -> npt.NDArray[np.int32]:
        """Draw the objects with the numbers 1, 2, ... without gaps."""
        plane = np.zeros(self._shape, dtype=np.int32)
        plane.ravel()[self._pixels] = self._index + 1
        return plane

    def _hull_areas(self) -> FloatArray:
        """Measure the convex hull of the pixels, each a square of side one, of each object.

        It lies between the convex envelopes of the left and the right ends of the object's rows.
        """
        order = np.argsort(self._index, kind="stable")
        pixels, index = self._pixels[order], self._index[order]
        y, x = np.divmod(pixels, self._shape[1])
        starts = np.flatnonzero(np.diff(index * (self._shape[0] + 1) + y, prepend=-1))
        ends = np.append(starts[1:], len(pixels))[: len(starts)] - 1
        owner, top = index[starts].repeat(2), np.stack([y[starts], y[starts] + 1], axis=1).ravel()
        left = _envelope_area(owner, top, x[starts].repeat(2), len(self))
        right = _envelope_area(owner, top, -(x[ends] + 1).repeat(2), len(self))
        return -right - left

    def intensities(self, image: npt.NDArray[Any]) -> dict[str, FloatArray]:
        """Measure the intensity of each object.

        Parameters
        ----------
        image : ndarray
            Axes YX, any real dtype, of the frame's shape. NaN where an object has a pixel that is NaN.

        Returns
        -------
        dict
            By name of the statistic (see `columns.STATISTICS`).
        """
        values = image.ravel()[self._pixels].astype(np.float64)
        least, largest = np.full(len(self), np.inf), np.full(len(self), -np.inf)
        with np.errstate(invalid="ignore"):  # NaN gives NaN, and so does the deviation from infinity
            np.minimum.at(least, self._index, values)
            np.maximum.at(largest, self._index, values)
            mean = self._mean(values)
            std = np.sqrt(self._mean((values - mean[self._index]) ** 2))
        return {"mean": mean, "min": least, "max": largest, "std": std}


def _envelope_area(owner: IntArray, y: IntArray, x: IntArray, n: int) -> FloatArray:
    """Integrate the largest convex function x(y) that lies on or below the points of each owner.

    Points come sorted by owner and y. Those on or above the line between their neighbours are taken out until
    none is left; what remains are the corners of the envelope.
    """
    first = np.flatnonzero((np.diff(owner, prepend=-1) != 0) | (np.diff(y, prepend=-1) != 0))
    if len(first):
        owner, y, x = owner[first], y[first], np.minimum.reduceat(x, first)
    while True:
        inner = (owner[:-2] == owner[1:-1]) & (owner[1:-1] == owner[2:])
        rise = (x[1:-1] - x[:-2]) * (y[2:] - y[:-2]) - (x[2:] - x[:-2]) * (y[1:-1] - y[:-2])
        spare = np.zeros(len(owner), dtype=bool)
        spare[1:-1] = inner & (rise >= 0)
        if not spare.any():
            break
        owner, y, x = owner[~spare], y[~spare], x[~spare]
    same = owner[:-1] == owner[1:]
    trapezoids = (x[:-1] + x[1:]) * (y[1:] - y[:-1]) / 2
    area: FloatArray = np.bincount(owner[:-1][same], trapezoids[same], minlength=n).astype(np.float64)
    return area


def _ellipse(myy: FloatArray, mxx: FloatArray, mxy: FloatArray) -> dict[str, FloatArray]:
    """Work out the ellipse of the same second central moments; y points down, the angle is taken upwards."""
    mean, spread = (myy + mxx) / 2, np.hypot((myy - mxx) / 2, mxy)
    large, small = mean + spread, np.maximum(mean - spread, 0)
    flat = np.divide(small, large, out=np.ones_like(large), where=large > 0)
    angle = np.degrees(np.arctan2(-2 * mxy, mxx - myy) / 2)
    return {
        "major_axis": 4 * np.sqrt(large),
        "minor_axis": 4 * np.sqrt(small),
        "eccentricity": np.sqrt(1 - flat),
        "orientation_deg": np.where(angle < _UPSIDE_DOWN, angle + 180, angle),
    }
