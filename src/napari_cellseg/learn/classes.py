"""Labels that give every pixel a class, for networks that draw one map for each.

They are checked, encoded and decoded here, as `targets` does it with separate objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import softmax

from napari_cellseg.data.samples import IGNORE, Sample
from napari_cellseg.errors import InputError
from napari_cellseg.learn.targets import IGNORED, Targets

_PLACES = 256


def check_classes(samples: Sequence[Sample], classes: int) -> list[int]:
    """Check that labels are numbers of classes.

    Parameters
    ----------
    samples : sequence of Sample
        Images and labels.
    classes : int
        How many there are, with background.

    Returns
    -------
    list of int
        Classes of which there is no pixel: nobody can learn them.

    Raises
    ------
    InputError
        A label is too high a number.
    """
    seen: set[int] = set()
    for sample in samples:
        highest = int(sample.labels.max())
        if highest >= classes:
            raise InputError(
                f"The labels of {sample.name} hold the number {highest}",
                f"With {classes} classes, they are numbered 0 (background) to {classes - 1}; -1 is ignored",
                "Choose labels of classes, give the right number of them, or 0 classes to find the separate "
                "objects that are numbered 1, 2 and so on",
            )
        seen |= set(np.unique(sample.labels).tolist())
    return [number for number in range(classes) if number not in seen]


def encode_classes(labels: npt.NDArray[Any]) -> Targets:
    """Turn labels into what a network should answer.

    Parameters
    ----------
    labels : ndarray
        Axes YX, integer: 0 background, 1, 2, ... further classes, -1 ignore.

    Returns
    -------
    Targets
        The state is the class; classes have no centres, and all offsets are 0 (a view that takes no memory).
    """
    state = np.where(labels == IGNORE, IGNORED, labels).astype(np.uint8)
    return Targets(state, np.broadcast_to(np.float32(0), (2, *labels.shape)))


def places_of_classes(labels: npt.NDArray[Any], classes: int) -> npt.NDArray[np.int64]:
    """Choose pixels of every class, around which patches are cut: as many of rare ones as of others.

    Parameters
    ----------
    labels : ndarray
        Axes YX, integer.
    classes : int
        How many there are; background needs no places.

    Returns
    -------
    ndarray
        Axes N2: y and x.
    """
    places = [np.empty((0, 2), np.int64)]
    for number in range(1, classes):
        found = np.argwhere(labels == number)
        if len(found):
            places.append(found[np.linspace(0, len(found) - 1, _PLACES).round().astype(int)])
    return np.concatenate(places)


def decode_classes(
    maps: npt.NDArray[np.float32],
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.floating[Any]]]:
    """Turn maps into classes.

    Parameters
    ----------
    maps : ndarray
        Axes CYX: logits.

    Returns
    -------
    labels : ndarray
        Axes YX, int32: the likeliest class of each pixel.
    probability : ndarray
        Axes YX, 0..1: how likely each pixel is no background.
    """
    return maps.argmax(0).astype(np.int32), 1 - softmax(maps, 0)[0]
