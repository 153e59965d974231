"""A new object by one click."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from napari_cellseg.config import LabelConfig
from napari_cellseg.errors import InputError
from napari_cellseg.label.change import Box, Edit, Frame, Mask, box_of, changed
from napari_cellseg.label.contrast import clean
from napari_cellseg.label.draw import NO_ROOM, with_object
from napari_cellseg.label.levels import standing_out
from napari_cellseg.label.outline import fill_mask
from napari_cellseg.label.pick import pixel_at
from napari_cellseg.label.shape_tools import largest
from napari_cellseg.label.split import split_touching

Plane = npt.NDArray[np.float32]

_USUAL_DIAMETER_PX = 30.0
_ENOUGH_PX = 20.0  # of a diameter: larger objects are looked for in a coarser picture, which is as good
_SAMPLED_PX = 512
_SMALLEST, _LARGEST = 0.4, 2.5  # diameters
_WINDOW = {"image": 1.6, "probability": 2.5}  # diameters, from the click to each side
_SPLIT = 0.35  # of the diameter: hills closer than this are one nucleus
_OF_THE_CLICK = 0.5
_LEAST_PROBABILITY = 0.1
_LEAST_STEP = 3.0  # mean step across the border, in median steps between neighbours; empty places reach 2
_ROUND = 1 / 15  # of the diameter


def new_at(
    labels: Frame,
    point: npt.ArrayLike,
    image: npt.NDArray[Any],
    probability: npt.NDArray[Any] | None = None,
    diameter_px: float | None = None,
    *,
    frame: int = 0,
    who: str = "",
) -> Edit:
    """Add the object that was clicked.

    Where the network sees something, the object is what lies above half the probability at the click.
    Elsewhere it is the region around the click with the steepest border in the image, brighter or darker than
    its surroundings. What touches other nuclei is cut off from them; objects that are there already keep
    their pixels.

    Parameters
    ----------
    labels : ndarray
        Axes YX, integer.
    point : array-like
        y and x in px of the click, pixel centres at whole numbers.
    image : ndarray
        Axes YX, real.
    probability : ndarray, optional
        Axes YX, real, 0 to 1: how sure the network is of an object.
    diameter_px : float, optional
        Typical diameter; objects from 0.4 to 2.5 times that are looked for. By default that of the objects
        in the frame, or 30 px where there are none.
    frame, who : int, str
        For the record; see `delete`.

    Returns
    -------
    Edit
        The new object, without holes, its outline smooth.

    Raises
    ------
    InputError
        The click is outside the frame or on an object, nothing stands out there, or the pictures have
        another shape.
    """
    y, x = pixel_at(point, labels.shape)
    _check(labels, (y, x), image, probability)
    diameter = typical_diameter_px(labels) if diameter_px is None else float(diameter_px)
    if not 2 <= diameter <= 2 * max(labels.shape):
        raise InputError(f"A diameter of {diameter:g} px cannot be looked for", "", "Choose another diameter")
    for kind, plane, find in (("probability", probability, _by_probability), ("image", image, _by_image)):
        if plane is None:
            continue
        view = _view(labels, plane, (y, x), diameter, _WINDOW[kind])
        coarse = find(view)
        mask = None if coarse is None else _finished(coarse, view, labels)
        if mask is not None:
            before, after = with_object(labels, mask, view.box, protect=True)
            return changed("new_at", frame, view.box, before, after, who, NO_ROOM)
    raise InputError(
        "Nothing here stands out like a nucleus",
        f"One of about {diameter:.0f} px was looked for",
        "Draw its outline, or choose another channel or diameter",
    )


def typical_diameter_px(labels: Frame) -> float:
    """Estimate the diameter of the objects of a frame.

    Parameters
    ----------
    labels : ndarray
        Axes YX, integer.

    Returns
    -------
    float
        Median of the diameters of circles as large as they, counted on at most 1,024 x 1,024 of the pixels;
        30 px where there are none.
    """
    step = max(1, min(labels.shape) // _SAMPLED_PX)
    sample = labels[::step, ::step]
    sample = sample[sample > 0]
    if sample.size == 0:
        return _USUAL_DIAMETER_PX
    if sample.max() < _SAMPLED_PX**2:
        counts = np.bincount(sample)
        counts = counts[counts > 0]
    else:  # as many bins as the largest number would not fit
        counts = np.unique(sample, return_counts=True)[1]
    return max(float(np.median(2 * np.sqrt(counts * (step * step / np.pi)))), 2.0)


@dataclass(frozen=True, eq=False)
class _View:
    """The surroundings of a click, `factor` times coarser than the frame."""

    box: Box  # in px of the frame
    factor: int
    plane: Plane
    free: Mask
    seed: Mask
    rim: Mask  # where it ends, but the frame goes on
    diameter: float  # in px of the view, as all that follows from it

    def areas(self) -> tuple[float, float]:
        """Return the smallest and the largest area that make sense."""
        return np.pi / 4 * (_SMALLEST * self.diameter) ** 2, np.pi / 4 * (_LARGEST * self.diameter) ** 2

    def sensible(self, mask: Mask) -> bool:
        """Tell whether a region may be an object."""
        smallest, most = self.areas()
        return bool(smallest <= np.count_nonzero(mask) <= most) and not mask[self.rim].any()


def _check(
    labels: Frame, at: tuple[int, int], image: npt.NDArray[Any], probability: npt.NDArray[Any] | None
) -> None:
    for name, plane in (("picture", image), ("probability", probability)):
        if plane is not None and plane.shape != labels.shape:
            raise InputError(
                f"The {name} has {plane.shape} px, the labels have {labels.shape}",
                "Both must be the same frame",
            )
    if labels[at] > 0:
        raise InputError(f"There is nucleus {labels[at]} here already", "", "Click beside it, on background")


def _view(
    labels: Frame, plane: npt.NDArray[Any], at: tuple[int, int], diameter: float, window: float
) -> _View:
    """Cut out the surroundings of a click, and make them coarser where objects are large."""
    factor = max(1, round(diameter / _ENOUGH_PX))
    half = int(np.ceil(window * diameter)) + 2
    (y0, y1), (x0, x1) = (
        (max(c - half, 0), min(c + half + 1, n)) for c, n in zip(at, labels.shape, strict=True)
    )
    coarse = _coarser(clean(plane[y0:y1, x0:x1]), factor)
    rows, columns = coarse.shape
    middle = (np.arange(n) * factor + factor // 2 for n in (rows, columns))
    y_of, x_of = (np.minimum(c, n - 1) for c, n in zip(middle, (y1 - y0, x1 - x0), strict=True))
    free = labels[y0:y1, x0:x1][y_of][:, x_of] <= 0
    y, x = (at[0] - y0) // factor, (at[1] - x0) // factor
    free[y, x] = True
    down, across = np.ogrid[:rows, :columns]
    seed = np.hypot(down - y, across - x) <= max(1.0, diameter / factor / 12)
    rim = np.zeros(coarse.shape, bool)
    rim[0], rim[-1] = y0 > 0, y1 < labels.shape[0]
    rim[:, 0] |= x0 > 0
    rim[:, -1] |= x1 < labels.shape[1]
    return _View((y0, x0, y1, x1), factor, coarse, free, seed, rim, diameter / factor)


def _coarser(plane: Plane, factor: int) -> Plane:
    """Average blocks of pixels; those at the end are filled up with the last ones."""
    if factor == 1:
        return plane
    height, width = plane.shape
    padded = np.pad(plane, ((0, -height % factor), (0, -width % factor)), mode="edge")
    blocks = padded.reshape(padded.shape[0] // factor, factor, padded.shape[1] // factor, factor)
    return np.asarray(blocks.mean(axis=(1, 3)), np.float32)


def _by_image(view: _View) -> Mask | None:
    """Find the region that stands out, brighter or darker than what is around it."""
    smooth = ndi.gaussian_filter(view.plane, float(np.clip(view.diameter / 25, 0.7, 2)))
    noise = np.median(np.abs(np.diff(smooth, axis=1))) if smooth.shape[1] > 1 else 0
    best = None
    for heights in (smooth, -smooth):
        region = standing_out(heights, view.free, view.seed, view.areas(), view.rim)
        if region is not None and (best is None or region.step > best[0].step):
            best = (region, heights)
    if best is None or not best[0].step > _LEAST_STEP * noise:
        return None
    region, heights = best
    return _hill(region.mask, heights - heights.min(), view)


def _by_probability(view: _View) -> Mask | None:
    """Find the region above a fraction of the probability at the click; a larger one if that is too much."""
    at_click = float(view.plane[view.seed & view.free].max())
    if at_click < _LEAST_PROBABILITY:
        return None
    for fraction in np.arange(_OF_THE_CLICK, 0.95, 0.1):
        hill = _hill((view.plane >= fraction * at_click) & view.free, np.maximum(view.plane, 0), view)
        if hill is not None and view.sensible(hill):
            return hill
    return None


def _hill(mask: Mask, heights: Plane, view: _View) -> Mask | None:
    """Cut off what touches: the part of a region that was clicked."""
    pieces, n = ndi.label(mask)
    clicked = np.zeros(n + 1, bool)
    clicked[pieces[view.seed]] = True
    clicked[0] = False
    mask = fill_mask(clicked[pieces]) & view.free
    box = box_of(mask, margin_px=1)
    if box is None:
        return None
    part = np.s_[box[0] : box[2], box[1] : box[3]]
    config = LabelConfig(min_diameter_px=max(_SPLIT * view.diameter, 1.0))
    hills = split_touching(mask[part], np.asarray(heights[part], np.float32), config)
    under = hills[view.seed[part] & (hills > 0)]
    if under.size == 0:
        return None
    mask[part] = hills == np.bincount(under).argmax()
    return mask


def _finished(mask: Mask, view: _View, labels: Frame) -> Mask | None:
    """Bring a region to the resolution of the frame, close its holes and smooth its outline."""
    y0, x0, y1, x1 = view.box
    free = labels[y0:y1, x0:x1] <= 0
    fine = mask.repeat(view.factor, axis=0).repeat(view.factor, axis=1)[: y1 - y0, : x1 - x0]
    fine = fill_mask(fine) & free
    blur = max(view.diameter * view.factor * _ROUND, 1.0)
    smooth = ndi.gaussian_filter(fine.astype(np.float32), blur, mode="nearest") > 0.5
    whole = largest(smooth & free)
    return whole if whole.any() else None
