"""Frames and labels in other sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional as F

from napari_cellseg.data.samples import Sample
from napari_cellseg.learn.targets import median_diameter_px

LARGEST_SCALE = 2.0
"""Frames with small objects are enlarged, but not more than this: it costs time, and shows nothing new."""


def resize(image: npt.NDArray[np.floating[Any]], shape: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Resize an image, averaging where it shrinks.

    Parameters
    ----------
    image : ndarray
        Axes YX or MYX, float.
    shape : tuple of int
        Height and width wanted, in px.

    Returns
    -------
    ndarray
        Axes as the image's, float32.
    """
    if image.shape[-2:] == shape:
        return image.astype(np.float32)
    planes = torch.from_numpy(np.ascontiguousarray(image, np.float32)).reshape(1, -1, *image.shape[-2:])
    resized = F.interpolate(planes, shape, mode="bilinear", antialias=True)
    return resized.reshape(*image.shape[:-2], *shape).numpy()


def scaled_shape(shape: Sequence[int], scale: float) -> tuple[int, int]:
    """Compute the size of a frame as it enters the network.

    Parameters
    ----------
    shape : sequence of int
        Height and width of the frame, in px.
    scale : float
        See `ModelCard.scale`.

    Returns
    -------
    tuple of int
        Height and width, at least 1 px each.
    """
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))


def fitted(sample: Sample, object_px: float, largest: float) -> Sample:
    """Resize a sample until its typical object has a certain diameter.

    Parameters
    ----------
    sample : Sample
        Image and labels.
    object_px : float
        The diameter, in px.
    largest : float
        It is not enlarged by more than this factor.

    Returns
    -------
    Sample
        The image as float32; a sample without objects stays as it is.
    """
    diameter = median_diameter_px(sample.labels)
    if diameter is None:
        return sample
    shape = scaled_shape(sample.image.shape, min(largest, object_px / diameter))
    image = resize(sample.image.astype(np.float32), shape)
    return replace(sample, image=image, labels=nearest(sample.labels, shape))


def nearest(labels: npt.NDArray[Any], shape: tuple[int, int]) -> npt.NDArray[Any]:
    """Resize labels: every pixel takes the nearest one.

    Parameters
    ----------
    labels : ndarray
        Axes YX, any dtype.
    shape : tuple of int
        Height and width wanted, in px.

    Returns
    -------
    ndarray
        Axes YX, of the same dtype.
    """
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(np.int64)
        for new, old in zip(shape, labels.shape, strict=True)
    )
    resized: npt.NDArray[Any] = labels[np.ix_(rows, columns)]
    return resized
