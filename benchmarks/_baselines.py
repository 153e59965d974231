"""Frames to measure speed on, and ways to find nuclei in them that are older than this program."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage as ndi
from skimage.feature import peak_local_max
from skimage.filters import gaussian, threshold_otsu
from skimage.segmentation import watershed

from benchmarks._bundled_data import images_of
from napari_cellseg.config import NetConfig
from napari_cellseg.learn.nets import build

Image = npt.NDArray[np.uint16]
Labels = npt.NDArray[np.int32]


def frame_of(rows: int, columns: int) -> tuple[Image, Labels]:
    """Put fields together.

    Parameters
    ----------
    rows, columns : int
        How many.

    Returns
    -------
    image, truth : ndarray
        Axes YX, of 2048 px a side at most.
    """
    cases = images_of("bbbc039", lambda name: name)[: rows * columns]
    before = np.cumsum([0, *(int(case.truth.max()) for case in cases)])
    truths = [np.where(c.truth > 0, c.truth + n, 0) for c, n in zip(cases, before[:-1], strict=True)]
    image, truth = (
        np.block([list(parts[i * columns : (i + 1) * columns]) for i in range(rows)])[:2048, :2048]
        for parts in ([case.image for case in cases], truths)
    )
    return image.astype(np.uint16), truth.astype(np.int32)


def classical(image: Image) -> Callable[[], object]:
    """Make the U-Net of 2015 ready: float32, layer by layer, then connected components.

    Parameters
    ----------
    image : ndarray
        Axes YX.

    Returns
    -------
    callable
        Finds the objects.
    """
    network = build(NetConfig(architecture="unet-2015", encoder_weights="none", attention="none")).eval()
    height, width = (side // 32 * 32 for side in image.shape)

    def run() -> object:
        picture = torch.from_numpy((image[:height, :width] / image.max()).astype(np.float32))
        with torch.inference_mode():
            drawn = network(picture[None, None])
        return ndi.label(drawn[0, 0].numpy() > 0)

    return run


def by_threshold(image: Image) -> object:
    """Find nuclei without a network: smoothed, Otsu's threshold, parted by the distance to the border.

    Parameters
    ----------
    image : ndarray
        Axes YX.

    Returns
    -------
    object
        The labels.
    """
    smooth = gaussian(image, 1)
    inside = smooth > threshold_otsu(smooth)
    away = ndi.distance_transform_edt(inside)
    tops = peak_local_max(gaussian(away, 2), min_distance=7, labels=ndi.label(inside)[0])
    marks = np.zeros(image.shape, np.int32)
    marks[tuple(tops.T)] = np.arange(1, len(tops) + 1)
    return watershed(-away, marks, mask=inside)
