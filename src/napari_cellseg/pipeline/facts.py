"""What is measured of a frame to tell what should be corrected: its objects, and how sure a model is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi
from scipy.spatial import ConvexHull

from napari_cellseg.label.overlap import Contacts, IntArray, Neighbours, contacts, neighbours, numbered
from napari_cellseg.label.queue import Box, FrameFacts
from napari_cellseg.label.suspects import FloatArray, Limits, Objects, Suspect
from napari_cellseg.measure.regions import Regions

Plane = npt.NDArray[Any]

_LEAST_CONTACT = 0.15
_LOOK_PX = 256
_QUANTILES = (5, 25, 50, 75, 95, 99.5)
_ACROSS = 10
_LEAST_CROP_PX = 128
_MOST_OF_FRAME = 0.7
_STANDS_OUT = 2.0


@dataclass(frozen=True)
class Planes:
    """The labels of a frame and what is needed beside them; axes YX.

    Attributes
    ----------
    t : int
        The frame, from 0.
    labels : ndarray
        Integer: 0 background, 1, 2, ... objects, -1 ignore.
    before, after : ndarray or None
        Labels of the frames before and after; None at the ends.
    probability : ndarray or None
        0 to 1; None when no model was asked about this frame.
    predicted : ndarray or None
        Integer labels as the model made them.
    """

    t: int
    labels: Plane
    before: Plane | None = None
    after: Plane | None = None
    probability: Plane | None = None
    predicted: Plane | None = None


def objects_of(planes: Planes) -> Objects:
    """Measure the objects of a frame.

    Parameters
    ----------
    planes : Planes
        The frame.

    Returns
    -------
    Objects
        In the ascending order of the labels; ignored regions are none.
    """
    labels = planes.labels
    shapes = Regions(labels).shapes()
    names, area, index = numbered(labels)
    touching = contacts(index, len(names))
    solidity, joint_area, partner = _joints(index, area, touching)
    minor = np.maximum(shapes["minor_axis"], 1.0)
    lone, joined, parted = _in_time(planes, area)
    none = np.zeros(len(names), bool)
    model = None if planes.predicted is None else neighbours(labels, planes.predicted)
    return Objects(
        planes.t,
        names,
        area.astype(np.float64),
        shapes["centroid_y"],
        shapes["centroid_x"],
        shapes["solidity"],
        np.maximum(shapes["major_axis"], 1.0) / minor,
        _mean_probability(planes.probability, index, area),
        touching.n_touching(),
        touching.share(),
        touching.at_edge,
        solidity,
        joint_area,
        np.where(partner >= 0, names[partner] if len(names) else 0, 0),
        lone,
        joined,
        parted,
        none if model is None else model.holds >= 2,
        none if model is None else _crowded(model, area),
    )


def _mean_probability(probability: Plane | None, index: IntArray, area: IntArray) -> FloatArray:
    if probability is None:
        return np.full(len(area), np.nan)
    inside = index > 0
    total = np.bincount(index[inside] - 1, probability[inside].astype(np.float64), minlength=len(area))
    return np.asarray(total / np.maximum(area, 1))


def _joints(
    index: IntArray, area: IntArray, touching: Contacts
) -> tuple[FloatArray, FloatArray, npt.NDArray[np.intp]]:
    """Look at each object together with the neighbour that it shares most of its outline with."""
    n = len(area)
    solidity, together = np.full(n, np.nan), np.full(n, np.nan)
    partner = np.full(n, -1, np.intp)
    smaller = touching.outline_px[touching.pairs].min(axis=1)
    close = np.flatnonzero(touching.length_px >= _LEAST_CONTACT * smaller)
    boxes = ndi.find_objects(index)
    longest = np.zeros(n)
    for pair in close:
        i, j = (int(k) for k in touching.pairs[pair])
        length = touching.length_px[pair]
        if length <= longest[i] and length <= longest[j]:
            continue
        whole = int(area[i] + area[j])
        filled = whole / _hull_area(index, i, j, boxes)
        for one, other in ((i, j), (j, i)):
            if length > longest[one]:
                longest[one], partner[one] = length, other
                solidity[one], together[one] = filled, whole
    return solidity, together, partner


def _hull_area(index: IntArray, i: int, j: int, boxes: list[Any]) -> float:
    """Measure the convex hull of two objects, their pixels squares of side one."""
    corners = []
    for one in (i, j):
        rows, columns = boxes[one]
        mask = index[rows, columns] == one + 1
        y, first = np.arange(rows.start, rows.stop), mask.argmax(axis=1)
        last = mask.shape[1] - mask[:, ::-1].argmax(axis=1)
        there = mask.any(axis=1)
        for end in (first, last):
            x = end[there] + columns.start
            corners += [np.stack([y[there], x], 1), np.stack([y[there] + 1, x], 1)]
    return float(ConvexHull(np.concatenate(corners)).volume)  # in a plane, scipy's volume is the area


def _in_time(planes: Planes, area: IntArray) -> tuple[npt.NDArray[np.bool_], ...]:
    none = np.zeros(len(area), bool)
    if planes.before is None or planes.after is None:
        return none, none, none
    was, will = neighbours(planes.labels, planes.before), neighbours(planes.labels, planes.after)
    joined = (was.holds >= 2) & (will.holds >= 2)
    return ~was.partner & ~will.partner, joined, _crowded(was, area) & _crowded(will, area)


def _crowded(beside: Neighbours, area: IntArray) -> npt.NDArray[np.bool_]:
    """Tell which objects share the other labels' object that they lie in, but for the largest of them."""
    order = np.lexsort((-area, beside.within))
    owner = beside.within[order]
    again = np.zeros(len(area), bool)
    again[order[1:]] = (owner[1:] == owner[:-1]) & (owner[1:] > 0)
    return again


def share_with_partner(labels: Plane, after: Plane) -> float:
    """Tell how well a frame goes with the next one.

    Parameters
    ----------
    labels, after : ndarray
        Axes YX, integer labels.

    Returns
    -------
    float
        Share of its objects that have a partner in the next frame; NaN without objects.
    """
    partner = neighbours(labels, after).partner
    return float(partner.mean()) if len(partner) else float("nan")


def facts_of(
    planes: Planes,
    image: Plane,
    objects: Objects,
    found: list[Suspect],
    limits: Limits | None = None,
) -> FrameFacts:
    """Sum up what speaks for correcting a frame.

    Parameters
    ----------
    planes : Planes
        The frame.
    image : ndarray
        Axes YX, any real dtype.
    objects : Objects
        Its objects.
    found : list of Suspect
        Those that look wrong.
    limits : Limits, optional
        Where suspicion begins.

    Returns
    -------
    FrameFacts
        For `napari_cellseg.label.queue.rank`.
    """
    limits = limits or Limits()
    unsure = objects.probability < limits.probability
    inner = ~objects.at_edge
    return FrameFacts(
        planes.t,
        len(objects),
        uncertainty(planes, objects),
        int(unsure.sum()),
        int((objects.lone & inner).sum()),
        _n_gone(planes),
        int(objects.joined.sum()),
        int(objects.parted.sum()),
        len(found),
        look_of(image, objects),
        _crop(planes.labels.shape, objects, found),
    )


def uncertainty(planes: Planes, objects: Objects) -> float | None:
    """Measure how little a model believes in the objects of a frame.

    Parameters
    ----------
    planes : Planes
        The frame.
    objects : Objects
        Its objects.

    Returns
    -------
    float or None
        Mean over the objects of what their mean probability lacks to 1; without objects the `mean_entropy`;
        None when no model was asked.
    """
    if planes.probability is None:
        return None
    if not len(objects):
        return mean_entropy(planes.probability, planes.labels)
    return float(np.mean(1 - objects.probability))


def mean_entropy(probability: Plane, labels: Plane) -> float:
    """Measure how unsure a model is of a frame as a whole.

    Parameters
    ----------
    probability : ndarray
        Axes YX, 0 to 1.
    labels : ndarray
        Axes YX, integer: ignored regions (-1) do not count.

    Returns
    -------
    float
        Mean binary entropy ``-p log2(p) - (1 - p) log2(1 - p)`` of its pixels in bits, 0 to 1.
    """
    p = np.clip(probability[labels != -1].astype(np.float32), 1e-6, 1 - 1e-6)
    return float(np.mean(-p * np.log2(p) - (1 - p) * np.log2(1 - p))) if len(p) else 0.0


def _n_gone(planes: Planes) -> int:
    """Count the objects that the frames before and after have, and this one has not."""
    if planes.before is None or planes.after is None:
        return 0
    stays = neighbours(planes.before, planes.after).partner
    here = neighbours(planes.before, np.where(planes.labels == -1, 1, planes.labels)).partner
    names, _area, index = numbered(planes.before)
    at_edge = contacts(index, len(names)).at_edge
    return int((stays & ~here & ~at_edge).sum())


def look_of(image: Plane, objects: Objects) -> tuple[float, ...]:
    """Describe what a frame looks like, cheaply.

    Parameters
    ----------
    image : ndarray
        Axes YX, any real dtype.
    objects : Objects
        Its objects.

    Returns
    -------
    tuple of float
        Logarithms of the number of objects and of their median area, six quantiles of the grey values, and
        the roughness at two scales as a part of the spread.
    """
    step = max(1, -(-max(image.shape) // _LOOK_PX))
    height, width = (max(1, side // step) for side in image.shape)
    small = np.nan_to_num(image[: height * step, : width * step].astype(np.float32))
    if min(image.shape) >= step:
        small = small.reshape(height, step, width, step).mean(axis=(1, 3))
    spread = max(float(small.std()), 1e-9)
    rough = [float(np.abs(small - ndi.gaussian_filter(small, sigma)).mean()) / spread for sigma in (1, 4)]
    area = float(np.median(objects.area_px)) if len(objects) else 1.0
    quantiles = [float(value) for value in np.percentile(small, _QUANTILES)]
    return (float(np.log1p(len(objects))), float(np.log(area)), *quantiles, *rough)


def _crop(shape: tuple[int, ...], objects: Objects, found: list[Suspect]) -> Box | None:
    """Choose the box in which most is in doubt, unless it is spread over all of the frame."""
    if not found:
        return None
    side = max(_LEAST_CROP_PX, round(_ACROSS * 2 * float(np.sqrt(np.median(objects.area_px) / np.pi))))
    if side > _MOST_OF_FRAME * min(shape):
        return None
    places = np.array([(one.y_px, one.x_px) for one in found])
    weights = np.array([one.score for one in found])
    near = np.abs(places[:, None] - places[None]).max(axis=2) <= side / 2
    best = int((near * weights).sum(axis=1).argmax())
    share, of_frame = weights[near[best]].sum() / weights.sum(), side**2 / (shape[0] * shape[1])
    if share < _STANDS_OUT * of_frame:
        return None
    middle = places[near[best]].mean(axis=0)
    y, x = (int(np.clip(m - side / 2, 0, n - side)) for m, n in zip(middle, shape, strict=True))
    return y, x, y + side, x + side
