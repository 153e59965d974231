"""Instance labels as maps that a network can draw, and back.

Two maps describe the objects: where any object is, and how deep inside its own object a pixel lies
(0 at the border, 1 in the middle). The second has a valley between touching objects; a watershed from its
summits, within the first, gives the objects back.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi
from skimage.segmentation import watershed

from napari_cellseg.data.samples import IGNORE

BACKGROUND, OBJECT, IGNORED = 0, 1, 2
SEED_DEPTH = 0.5
"""Pixels deeper than this belong to the summit of an object, from which the watershed floods."""


class Targets(NamedTuple):
    """What the network should answer for one frame.

    Attributes
    ----------
    state : ndarray
        Axes YX, uint8: 0 background, 1 object, 2 ignored.
    depth : ndarray
        Axes YX, float32 in 0..1: 0 outside and near the border of an object, 1 in its middle.
    """

    state: npt.NDArray[np.uint8]
    depth: npt.NDArray[np.float32]


def encode(labels: npt.NDArray[Any]) -> Targets:
    """Turn instance labels into maps.

    The depth of a pixel is its Euclidean distance to the outermost pixels of its object over the largest such
    distance in the object. Where an object has a waist so narrow that it would fall apart into several
    summits, depth saturates at the level of the waist, so that every object has exactly one summit. The edge
    of the frame is not a border: the object goes on behind it.

    Parameters
    ----------
    labels : ndarray
        Axes YX, integer: 0 background, 1, 2, ... objects, -1 ignore.

    Returns
    -------
    Targets
        The maps.
    """
    objects = np.maximum(labels, 0).astype(np.int32)
    depth = np.zeros(labels.shape, np.float32)
    for label, box in enumerate(ndi.find_objects(objects), start=1):
        if box is not None:
            mask = objects[box] == label
            depth[box][mask] = _depth_of_object(mask, box, labels.shape)[mask]
    state = np.where(labels == IGNORE, IGNORED, labels > 0).astype(np.uint8)
    return Targets(state, depth)


def _depth_of_object(
    mask: npt.NDArray[np.bool_], box: tuple[slice, ...], frame: tuple[int, ...]
) -> npt.NDArray[np.float32]:
    """Compute the depth within the bounding box of one object."""
    at_edge = [(int(s.start == 0), int(s.stop == n)) for s, n in zip(box, frame, strict=True)]
    inside = np.pad(mask, at_edge, mode="edge")  # the object goes on behind the edge of the frame
    inside = np.pad(inside, [(1 - a, 1 - b) for a, b in at_edge])
    if inside.all():
        return np.ones(mask.shape, np.float32)
    # The outermost pixels are at 0 whatever the size of the object: touching objects then meet in a valley
    # that is equally deep on both sides, and the watershed gives each its own.
    distance = ndi.distance_transform_edt(inside)[1:-1, 1:-1].astype(np.float32) - 1
    level = float(distance.max())
    while level > 0 and _pieces(distance > SEED_DEPTH * level) > 1:
        level = level * 0.8 if level > 0.5 else 0.0
    if level <= 0:
        return np.ones(mask.shape, np.float32)
    depth: npt.NDArray[np.float32] = np.clip(distance / level, 0, 1)
    return depth


def _pieces(mask: npt.NDArray[np.bool_]) -> int:
    return int(ndi.label(mask)[1])


def decode(
    probability: npt.NDArray[np.floating[Any]],
    depth: npt.NDArray[np.floating[Any]],
    threshold: float = 0.5,
    min_diameter_px: float = 0.0,
) -> npt.NDArray[np.int32]:
    """Turn maps into instance labels.

    Parameters
    ----------
    probability : ndarray
        Axes YX, 0..1: how likely a pixel belongs to any object.
    depth : ndarray
        Axes YX, 0..1: as `Targets.depth`.
    threshold : float
        Pixels above this probability belong to an object.
    min_diameter_px : float
        Objects of a smaller area than a disk of this diameter are left out.

    Returns
    -------
    ndarray
        Axes YX, int32: 0 background, 1, 2, ... objects without gaps in the numbers.
    """
    foreground = np.asarray(probability > threshold)
    seeds, n_seeds = ndi.label(foreground & (depth > SEED_DEPTH))
    if n_seeds:
        labels = watershed(-depth.astype(np.float32), seeds, mask=foreground)
    else:
        labels = np.zeros(foreground.shape, np.int32)
    flat, _ = ndi.label(foreground & (labels == 0))  # objects without a summit
    labels = np.where(flat > 0, flat + n_seeds, labels)
    return _renumbered(labels, np.pi / 4 * min_diameter_px**2)


def _renumbered(labels: npt.NDArray[Any], min_area_px: float) -> npt.NDArray[np.int32]:
    """Drop objects of a smaller area and close the gaps in the numbers."""
    areas = np.bincount(labels.ravel())
    kept = areas >= max(min_area_px, 1)
    kept[0] = False
    numbers = np.where(kept, np.cumsum(kept), 0).astype(np.int32)
    renumbered: npt.NDArray[np.int32] = numbers[labels]
    return renumbered


def median_diameter_px(labels: npt.NDArray[Any]) -> float | None:
    """Measure the typical object.

    Parameters
    ----------
    labels : ndarray
        Any axes, integer labels of which those above 0 are objects.

    Returns
    -------
    float or None
        Median of the diameters of disks of the objects' areas, in px; None when there is no object.
    """
    areas = np.bincount(np.maximum(labels, 0).ravel())[1:]
    areas = areas[areas > 0]
    return float(2 * np.sqrt(np.median(areas) / np.pi)) if len(areas) else None
