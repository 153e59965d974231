"""How sure a network is of each object, and how sure it must be for the object to count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_cellseg.data.numbers import renumber

BINS = 40
"""Certainties are counted in steps of 1/40."""

_MOST = 0.9
"""A network that is never so sure would be left with nothing on other images."""
_FEWEST_OBJECTS = 20
"""What is best for fewer than these is chance."""
_LEAST_GAIN = 0.005
"""A higher bound than the lowest that is nearly as good is chance too, as is what one object is worth."""

Labels = npt.NDArray[np.int32]


def certainties(labels: Labels, probability: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
    """Measure how sure a network is of each object: the mean probability of its pixels.

    Parameters
    ----------
    labels : ndarray
        Axes YX, int32: 0 background, 1, 2, ... objects.
    probability : ndarray
        Axes YX, 0..1: how likely a pixel belongs to any object.

    Returns
    -------
    ndarray
        One for each label from 0 to the largest; 0 where there is no such object.
    """
    objects = np.flatnonzero(labels)
    numbers = labels.ravel()[objects]
    sums = np.bincount(numbers, probability.ravel()[objects], 1)
    return sums / np.maximum(np.bincount(numbers, minlength=1), 1)


def only_certain(labels: Labels, probability: npt.NDArray[np.floating[Any]], least: float) -> Labels:
    """Leave out the objects of which a network is not sure.

    Parameters
    ----------
    labels, probability : ndarray
        See `certainties`.
    least : float
        Objects below this certainty are left out.

    Returns
    -------
    ndarray
        Axes YX, int32: the others, without gaps in the numbers.
    """
    objects = np.flatnonzero(labels) if least else ()
    if not len(objects):
        return labels
    numbers = labels.ravel()[objects]
    areas = np.bincount(numbers)
    sure = (np.bincount(numbers, probability.ravel()[objects]) >= least * areas) & (areas > 0)
    kept = np.zeros(labels.shape, labels.dtype)
    kept.ravel()[objects] = renumber(numbers, sure)
    return kept


def counted(certainty: npt.NDArray[np.float64]) -> tuple[int, ...]:
    """Count objects by how sure the network is of them.

    Parameters
    ----------
    certainty : ndarray
        Of each object, 0 to 1.

    Returns
    -------
    tuple of int
        One for each of the `BINS`.
    """
    bins = np.minimum((certainty * BINS).astype(np.intp), BINS - 1)
    return tuple(np.bincount(bins, minlength=BINS).tolist())


def best_bound(predicted: Sequence[int], found: Sequence[int], objects: int) -> int:
    """Choose how sure a network must be of an object, so that AP at IoU 0.5 is highest.

    Parameters
    ----------
    predicted, found : sequence of int
        Objects predicted, and those of them that are right, as `counted` counts them.
    objects : int
        True objects.

    Returns
    -------
    int
        The first of the `BINS` that counts: the lowest with which AP = TP / (TP + FP + FN) is as good as it
        can be, but for what may be chance; 0, which leaves nothing out, where there are few objects.
    """
    if objects < _FEWEST_OBJECTS or not any(predicted):
        return 0
    right, told = (np.cumsum(np.asarray(counts)[::-1])[::-1] for counts in (found, predicted))
    ap = right / np.maximum(objects + told - right, 1)
    allowed = ap[: round(_MOST * BINS) + 1]
    chance = max(_LEAST_GAIN, 1 / objects)
    if allowed.max() < allowed[0] + chance:
        return 0
    return int(np.argmax(allowed >= allowed.max() - chance))
