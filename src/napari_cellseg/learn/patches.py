"""Frames made ready for training, and the patches cut from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage as ndi
from torch import Tensor
from torch.nn import functional as F

from napari_cellseg.data.samples import Sample
from napari_cellseg.learn.normalise import HIGH_PERCENTILE, LOW_PERCENTILE, normalise
from napari_cellseg.learn.targets import IGNORED, encode, median_diameter_px


@dataclass(frozen=True)
class Frame:
    """A frame to cut patches from, in the size in which it enters the network; 7 bytes a pixel.

    Attributes
    ----------
    image : ndarray
        Axes YX, float16, normalised.
    state : ndarray
        Axes YX, uint8, as `targets.Targets.state`.
    offset : ndarray
        Axes (2, Y, X), float16, in px of this size: as `targets.Targets.offset`.
    centres : ndarray
        Axes N2, int: y and x of the objects.
    group : str
        The sample's group.
    """

    image: npt.NDArray[np.float16]
    state: npt.NDArray[np.uint8]
    offset: npt.NDArray[np.float16]
    centres: npt.NDArray[np.int64]
    group: str = ""


class Batch(NamedTuple):
    """Patches and what the network should answer.

    Attributes
    ----------
    image : Tensor
        Axes N1YX, float32.
    state : Tensor
        Axes NYX, uint8.
    offset : Tensor
        Axes N2YX, float32: from the pixels of objects to their centres, in px.
    """

    image: Tensor
    state: Tensor
    offset: Tensor

    def to(self, device: str) -> Batch:
        """Bring the batch to a device.

        Parameters
        ----------
        device : str
            As torch calls it.

        Returns
        -------
        Batch
            There.
        """
        return Batch(*(tensor.to(device, non_blocking=True) for tensor in self))


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
    return replace(sample, image=image, labels=_nearest(sample.labels, shape))


def _nearest(labels: npt.NDArray[Any], shape: tuple[int, int]) -> npt.NDArray[Any]:
    """Resize labels: every pixel takes the nearest one."""
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(np.int64)
        for new, old in zip(shape, labels.shape, strict=True)
    )
    resized: npt.NDArray[Any] = labels[np.ix_(rows, columns)]
    return resized


def make_ready(
    sample: Sample, scale: float = 1.0, low: float = LOW_PERCENTILE, high: float = HIGH_PERCENTILE
) -> Frame:
    """Normalise a sample, bring it to the network's scale and encode its labels.

    Parameters
    ----------
    sample : Sample
        Image and labels.
    scale : float
        See `ModelCard.scale`.
    low, high : float
        See `normalise.normalise`.

    Returns
    -------
    Frame
        To cut patches from.
    """
    shape = scaled_shape(sample.image.shape, scale)
    labels = _nearest(sample.labels, shape)
    targets = encode(labels)
    boxes = [box for box in ndi.find_objects(np.maximum(labels, 0)) if box is not None]
    centres = [[(side.start + side.stop) // 2 for side in box] for box in boxes]
    return Frame(
        resize(normalise(sample.image, low, high), shape).astype(np.float16),
        targets.state,
        targets.offset.astype(np.float16),
        np.array(centres, np.int64).reshape(-1, 2),
        sample.group,
    )


def sampling_weights(frames: Sequence[Frame]) -> Tensor:
    """Say how often patches are cut from each frame.

    Large frames and large groups have more to teach, but not in proportion to their size: weights go with the
    square root of the area of the group, so that rare kinds of image are seen oftener than their share.

    Parameters
    ----------
    frames : sequence of Frame
        The frames.

    Returns
    -------
    Tensor
        Axes (frame,), float64, with the sum 1.
    """
    areas = torch.tensor([frame.image.size for frame in frames], dtype=torch.float64)
    groups = [frame.group for frame in frames]
    whole = dict.fromkeys(groups, 0.0)
    for group, area in zip(groups, areas.tolist(), strict=True):
        whole[group] += area
    weights = areas / torch.tensor([whole[group] for group in groups], dtype=torch.float64).sqrt()
    return weights / weights.sum()


def cut(
    frames: Sequence[Frame], n: int, side_px: int, generator: torch.Generator, weights: Tensor | None = None
) -> Batch:
    """Cut patches at random: half of them anywhere, half around objects.

    What lies beyond the edge of a frame is its reflection, to look at; it is ignored as something to learn.

    Parameters
    ----------
    frames : sequence of Frame
        The frames.
    n : int
        Number of patches.
    side_px : int
        Their side.
    generator : torch.Generator
        Source of randomness.
    weights : Tensor, optional
        How often each frame is chosen; by default as `sampling_weights` says.

    Returns
    -------
    Batch
        On the CPU.
    """
    weights = sampling_weights(frames) if weights is None else weights
    chosen = torch.multinomial(weights, n, replacement=True, generator=generator)
    cuts = [_cut_one(frames[int(index)], side_px, generator) for index in chosen]
    images, states, offsets = (np.stack(planes) for planes in zip(*cuts, strict=True))
    return Batch(
        torch.from_numpy(images.astype(np.float32))[:, None],
        torch.from_numpy(states),
        torch.from_numpy(offsets.astype(np.float32)),
    )


def _cut_one(frame: Frame, side: int, generator: torch.Generator) -> tuple[npt.NDArray[Any], ...]:
    where = torch.rand(4, generator=generator).tolist()
    if where[0] < 0.5 and len(frame.centres):
        centre = frame.centres[int(where[1] * len(frame.centres))]
        wanted = [int(c + (w - 0.5) * side / 2) for c, w in zip(centre, where[2:], strict=True)]
    else:
        wanted = [int(w * length) for w, length in zip(where[2:], frame.image.shape, strict=True)]
    starts = [
        _start(middle - side // 2, side, n) for middle, n in zip(wanted, frame.image.shape, strict=True)
    ]
    rows, columns = (
        _reflected(start, side, length) for start, length in zip(starts, frame.image.shape, strict=True)
    )
    window = np.ix_(rows, columns)
    beyond = [
        (np.arange(start, start + side) < 0) | (np.arange(start, start + side) >= length)
        for start, length in zip(starts, frame.image.shape, strict=True)
    ]
    state = np.where(beyond[0][:, None] | beyond[1][None], np.uint8(IGNORED), frame.state[window])
    return frame.image[window], state, frame.offset[:, rows[:, None], columns[None]]


def _start(wanted: int, side: int, length: int) -> int:
    """Keep a patch within its frame where there is room, and lay a small frame into its middle."""
    return min(max(wanted, 0), length - side) if length >= side else (length - side) // 2


def _reflected(start: int, count: int, length: int) -> npt.NDArray[np.int64]:
    """Give the numbers of pixels on a line that is reflected at its ends without repeating the last."""
    period = max(1, 2 * (length - 1))
    position = np.arange(start, start + count) % period
    return np.minimum(position, period - position) if length > 1 else np.zeros(count, np.int64)
