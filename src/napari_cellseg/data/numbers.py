"""The numbers of objects in a frame of labels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[np.int32]


def renumber(labels: Labels, keep: npt.NDArray[np.bool_]) -> Labels:
    """Drop objects and number the others from 1 without gaps.

    Parameters
    ----------
    labels : ndarray
        Any axes, int32, 0 background, no negative values.
    keep : ndarray
        One bool per label from 0 to the largest; that of label 0 does not count.

    Returns
    -------
    ndarray
        Axes as those of the labels, int32.
    """
    keep = keep.copy()
    keep[0] = False
    numbers = np.where(keep, np.cumsum(keep), 0).astype(np.int32)
    return numbers[labels]
