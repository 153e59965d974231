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
from torch.nn import functional as F

from napari_cellseg.data.samples import Sample
from napari_cellseg.learn.normalise import HIGH_PERCENTILE, LOW_PERCENTILE, normalise
from napari_cellseg.learn.targets import encode

_DEPTH_LEVELS = 255


@dataclass(frozen=True)
class Frame:
    """A frame to cut patches from, in the size in which it enters the network; 4 bytes a pixel.

    Attributes
    ----------
    image : ndarray
        Axes YX, float16, normalised.
    state : ndarray
        Axes YX, uint8, as `targets.Targets.state`.
    depth : ndarray
        Axes YX, uint8: `targets.Targets.depth` times 255.
    centres : ndarray
        Axes N2, int: y and x of the objects.
    """

    image: npt.NDArray[np.float16]
    state: npt.NDArray[np.uint8]
    depth: npt.NDArray[np.uint8]
    centres: npt.NDArray[np.int64]


class Batch(NamedTuple):
    """Patches and what the network should answer.

    Attributes
    ----------
    image : Tensor
        Axes N1YX, float32.
    state : Tensor
        Axes NYX, uint8.
    depth : Tensor
        Axes NYX, float32 in 0..1.
    """

    image: Tensor
    state: Tensor
    depth: Tensor

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
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(np.int64)
        for new, old in zip(shape, sample.labels.shape, strict=True)
    )
    labels = sample.labels[np.ix_(rows, columns)]  # the nearest pixel
    targets = encode(labels)
    boxes = [box for box in ndi.find_objects(np.maximum(labels, 0)) if box is not None]
    centres = [[(side.start + side.stop) // 2 for side in box] for box in boxes]
    return Frame(
        resize(normalise(sample.image, low, high), shape).astype(np.float16),
        targets.state,
        np.round(targets.depth * _DEPTH_LEVELS).astype(np.uint8),
        np.array(centres, np.int64).reshape(-1, 2),
    )


def cut(frames: Sequence[Frame], n: int, side_px: int, generator: torch.Generator) -> Batch:
    """Cut patches at random: half of them anywhere, half around objects.

    Frames are chosen by their area, so that every pixel is as likely; what lies beyond the edge of a frame is
    its reflection.

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

    Returns
    -------
    Batch
        On the CPU.
    """
    areas = torch.tensor([frame.image.size for frame in frames], dtype=torch.float64)
    chosen = torch.multinomial(areas, n, replacement=True, generator=generator)
    cuts = [_cut_one(frames[int(index)], side_px, generator) for index in chosen]
    images, states, depths = (np.stack(planes) for planes in zip(*cuts, strict=True))
    return Batch(
        torch.from_numpy(images.astype(np.float32))[:, None],
        torch.from_numpy(states),
        torch.from_numpy(depths.astype(np.float32) / _DEPTH_LEVELS),
    )


def _cut_one(frame: Frame, side: int, generator: torch.Generator) -> tuple[npt.NDArray[Any], ...]:
    where = torch.rand(4, generator=generator).tolist()
    if where[0] < 0.5 and len(frame.centres):
        centre = frame.centres[int(where[1] * len(frame.centres))]
        wanted = [int(c + (w - 0.5) * side / 2) for c, w in zip(centre, where[2:], strict=True)]
    else:
        wanted = [int(w * length) for w, length in zip(where[2:], frame.image.shape, strict=True)]
    rows, columns = (
        _reflected(middle - side // 2, side, length)
        for middle, length in zip(wanted, frame.image.shape, strict=True)
    )
    window = np.ix_(rows, columns)
    return frame.image[window], frame.state[window], frame.depth[window]


def _reflected(start: int, count: int, length: int) -> npt.NDArray[np.int64]:
    """Give the numbers of pixels on a line that is reflected at its ends without repeating the last."""
    period = max(1, 2 * (length - 1))
    position = np.arange(start, start + count) % period
    return np.minimum(position, period - position) if length > 1 else np.zeros(count, np.int64)
