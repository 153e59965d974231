"""Frames made ready for training, and the patches cut from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage as ndi
from torch import Tensor

from napari_cellseg.data.samples import Sample
from napari_cellseg.learn.classes import encode_classes, places_of_classes
from napari_cellseg.learn.normalise import HIGH_PERCENTILE, LOW_PERCENTILE, Levels, normalise, stretch
from napari_cellseg.learn.resizing import nearest, resize, scaled_shape
from napari_cellseg.learn.targets import IGNORED, encode


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
        Axes N2, int: y and x of the objects, or of some pixels of each class.
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


def make_ready(
    sample: Sample,
    scale: float = 1.0,
    low: float = LOW_PERCENTILE,
    high: float = HIGH_PERCENTILE,
    levels: Levels | None = None,
    classes: int = 0,
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
    levels : Levels, optional
        Of its movie; the percentiles of the frame itself by default.
    classes : int
        See `NetConfig.classes`.

    Returns
    -------
    Frame
        To cut patches from.
    """
    image, labels = as_seen(sample, scale, low, high, levels)
    return with_targets(image, labels, sample.group, classes)


def as_seen(
    sample: Sample, scale: float, low: float, high: float, levels: Levels | None
) -> tuple[npt.NDArray[np.float16], npt.NDArray[Any]]:
    """Give image and labels as they enter the network.

    Parameters
    ----------
    sample : Sample
        Image and labels.
    scale : float
        See `ModelCard.scale`.
    low, high : float
        See `normalise.normalise`.
    levels : Levels or None
        Of its movie; None for the percentiles of the frame itself.

    Returns
    -------
    image : ndarray
        Axes YX, float16, normalised.
    labels : ndarray
        Axes YX, integer.
    """
    shape = scaled_shape(sample.image.shape, scale)
    grey = normalise(sample.image, low, high) if levels is None else stretch(sample.image, levels)
    return resize(grey, shape).astype(np.float16), nearest(sample.labels, shape)


def with_targets(
    image: npt.NDArray[np.float16], labels: npt.NDArray[Any], group: str = "", classes: int = 0
) -> Frame:
    """Encode the labels of a frame that is normalised and at the network's scale already.

    Parameters
    ----------
    image : ndarray
        Axes YX, float16.
    labels : ndarray
        Axes YX, integer: 0 background, 1, 2, ... objects or classes, -1 ignore.
    group : str
        Position or field of view.
    classes : int
        See `NetConfig.classes`.

    Returns
    -------
    Frame
        To cut patches from.
    """
    if classes:
        none = np.broadcast_to(np.float16(0), (2, *labels.shape))
        return Frame(image, encode_classes(labels).state, none, places_of_classes(labels, classes), group)
    targets = encode(labels)
    boxes = [box for box in ndi.find_objects(np.maximum(labels, 0)) if box is not None]
    centres = [[(side.start + side.stop) // 2 for side in box] for box in boxes]
    return Frame(
        image,
        targets.state,
        targets.offset.astype(np.float16),
        np.array(centres, np.int64).reshape(-1, 2),
        group,
    )


def cut(frames: Sequence[Frame], side_px: int, generator: torch.Generator) -> Batch:
    """Cut a patch from each frame at random: half of them anywhere, half around objects.

    What lies beyond the edge of a frame is its reflection, to look at; it is ignored as something to learn.

    Parameters
    ----------
    frames : sequence of Frame
        The frames, at least one; see `draw`.
    side_px : int
        Side of the patches.
    generator : torch.Generator
        Source of randomness.

    Returns
    -------
    Batch
        On the CPU, in the order of the frames.
    """
    cuts = [_cut_one(frame, side_px, generator) for frame in frames]
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
