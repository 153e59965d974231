"""The loss of the first U-Net, which weighs the gaps between neighbours."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi
from torch import Tensor
from torch.nn import functional as F

from napari_cellseg.learn.losses.masked import masked, mean

_FAR = 5.0
"""So many sigma away an object has no say: its term would be below 4e-6 of the largest."""


def border_weights(
    labels: npt.NDArray[Any], w0: float = 10.0, sigma_px: float = 5.0
) -> npt.NDArray[np.float32]:
    """Weigh each pixel of the background by how narrow the gap is in which it lies.

    1 + w0 exp(-(d1 + d2)^2 / (2 sigma^2)), where d1 and d2 are the distances to the nearest and to the second
    nearest object (Ronneberger et al. 2015, eq. 2, with 1 as the weight of both classes). Within objects it
    is 1: only gaps are weighed.

    Parameters
    ----------
    labels : ndarray
        Axes YX, integer: 0 is background, 1 and more are objects, -1 is ignored.
    w0 : float
        Weight of the narrowest gaps; 10 in the paper.
    sigma_px : float
        How wide a gap may be, in px; 5 in the paper.

    Returns
    -------
    ndarray
        Axes YX, float32, 1 to 1 + w0.
    """
    nearest, second = np.full(labels.shape, np.inf), np.full(labels.shape, np.inf)
    reach = math.ceil(_FAR * sigma_px)
    for number, box in enumerate(ndi.find_objects(np.maximum(labels, 0)), start=1):
        if box is None:
            continue
        around = tuple(slice(max(0, side.start - reach), side.stop + reach) for side in box)
        distance = ndi.distance_transform_edt(labels[around] != number)
        second[around] = np.minimum(second[around], np.maximum(nearest[around], distance))
        nearest[around] = np.minimum(nearest[around], distance)
    gap = np.where(labels > 0, 0.0, np.exp(-((nearest + second) ** 2) / (2 * sigma_px**2)))
    return (1 + w0 * gap).astype(np.float32)


def border_bce(logits: Tensor, truth: Tensor, counted: Tensor, weights: Tensor) -> Tensor:
    """Compute the cross-entropy with a weight for every pixel: mean of w (-y log p - (1 - y) log(1 - p)).

    Parameters
    ----------
    logits : Tensor
        Axes NYX, float.
    truth : Tensor
        Axes NYX, float, 0 or 1.
    counted : Tensor
        Axes NYX, float, 0 or 1; pixels with 0 do not count.
    weights : Tensor
        Axes NYX, float, as `border_weights` gives them.

    Returns
    -------
    Tensor
        A scalar; 0 when nothing counts.
    """
    logits, truth, counted = masked(logits, truth, counted)
    crossed = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    return mean(weights.to(logits) * crossed, counted)
