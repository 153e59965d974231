"""The file of a replay set: images in 256 steps of grey and instance labels, as safetensors.

Tensors, for N patches of S × S px:

- ``images``: axes NYX, uint8. Step k of patch n is the normalised grey ``low + k / 255 * (high - low)``.
- ``ranges``: axes N2, float32: ``low`` and ``high`` of each patch, its darkest and its brightest pixel.
- ``labels``: axes NYX, uint8 or uint16: 0 background, 1, 2, ... objects; the highest number of the type is
  what is to be ignored. The network's targets are made from them again.

Its only metadata, ``about``, is JSON with a version, the groups of the patches and where they come from.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load, save

from napari_cellseg.data.samples import IGNORE
from napari_cellseg.learn.card import DataSource
from napari_cellseg.learn.patches import Frame, with_targets

MOST_BYTES = 2**25
"""No replay set is larger, 32 MB: 7 bytes a pixel are needed in training."""

_ABOUT = "about"
_STEPS = 255
_SIDES_PX = range(32, 1025)
_MOST_PATCHES = 4096
_FURTHEST = 1000.0
"""No normalised grey is further from 0, whatever the normalisation."""


class Damaged(ValueError):  # noqa: N818 - what is the matter, to be put into a sentence
    """Why a file is no replay set, in words that follow a colon."""


class Patch(NamedTuple):
    """A square part of a frame, at the network's scale.

    Attributes
    ----------
    image : ndarray
        Axes YX, float16, normalised.
    labels : ndarray
        Axes YX, int32: 0 background, 1, 2, ... objects, -1 ignore.
    group : str
        Group of the sample that it was cut from.
    """

    image: npt.NDArray[np.float16]
    labels: npt.NDArray[np.int32]
    group: str


class _About(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    groups: tuple[str, ...]
    sources: tuple[DataSource, ...]


def pack(patches: Sequence[Patch], sources: Sequence[DataSource]) -> bytes:
    """Make the content of a file.

    Parameters
    ----------
    patches : sequence of Patch
        At least one; all of the same side.
    sources : sequence of DataSource
        Where they come from, with licences.

    Returns
    -------
    bytes
        The same for the same patches and sources. The image is kept to 1/510 of its patch's range of grey,
        objects are numbered anew without gaps.
    """
    images = np.stack([patch.image.astype(np.float32) for patch in patches])
    low, high = images.min((1, 2)), images.max((1, 2))
    span = np.where(high > low, high - low, 1)[:, None, None]
    labels = np.stack([_renumbered(patch.labels) for patch in patches])
    dtype = np.uint8 if labels.max() < np.iinfo(np.uint8).max else np.uint16
    tensors = {
        "images": np.rint((images - low[:, None, None]) / span * _STEPS).astype(np.uint8),
        "ranges": np.stack([low, high], 1),
        "labels": np.where(labels == IGNORE, np.iinfo(dtype).max, labels).astype(dtype),
    }
    about = _About(groups=tuple(patch.group for patch in patches), sources=tuple(sources))
    return bytes(save(tensors, {_ABOUT: about.model_dump_json()}))  # one entry: several have no fixed order


def unpack(raw: bytes) -> tuple[Frame, ...]:
    """Read the content of a file that may come from anywhere.

    Parameters
    ----------
    raw : bytes
        At most `MOST_BYTES`.

    Returns
    -------
    tuple of Frame
        The patches, ready to be cut from.

    Raises
    ------
    Damaged
        It is no replay set.
    """
    try:
        tensors = load(raw)
        head = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])
        about = _About.model_validate_json(head["__metadata__"][_ABOUT])
    except ValidationError as error:
        raise Damaged(f"what it tells about itself is wrong ({error.errors()[0]['msg']})") from error
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise Damaged(f"it is no safetensors file of this program ({type(error).__name__})") from error
    _check(tensors, about)
    images, ranges, labels = (tensors[name] for name in ("images", "ranges", "labels"))
    low, high = ranges[:, 0, None, None], ranges[:, 1, None, None]
    greys = (low + images.astype(np.float32) / _STEPS * (high - low)).astype(np.float16)
    numbers = np.where(labels == np.iinfo(labels.dtype).max, IGNORE, labels.astype(np.int32))
    return tuple(with_targets(*patch) for patch in zip(greys, numbers, about.groups, strict=True))


def _renumbered(labels: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Close the gaps in the numbers of objects."""
    numbers, where = np.unique(labels, return_inverse=True)
    new = np.where(numbers > 0, np.cumsum(numbers > 0), numbers)
    renumbered: npt.NDArray[np.int32] = new[where].reshape(labels.shape).astype(np.int32)
    return renumbered


def _check(tensors: Mapping[str, npt.NDArray[Any]], about: _About) -> None:
    if set(tensors) != {"images", "ranges", "labels"}:
        raise Damaged(
            f"it holds {', '.join(sorted(tensors)[:4]) or 'nothing'}, not images, ranges and labels"
        )
    images, ranges, labels = (tensors[name] for name in ("images", "ranges", "labels"))
    types = (str(images.dtype), str(ranges.dtype), str(labels.dtype))
    if types not in (("uint8", "float32", "uint8"), ("uint8", "float32", "uint16")):
        raise Damaged(f"its numbers are of the types {', '.join(types)}")
    n, side = len(about.groups), images.shape[-1] if images.ndim else 0
    shapes = (images.shape, ranges.shape, labels.shape)
    if side not in _SIDES_PX or shapes != ((n, side, side), (n, 2), (n, side, side)):
        raise Damaged(f"its images, ranges and labels have the shapes {', '.join(map(str, shapes))}")
    if not 0 < n <= _MOST_PATCHES:
        raise Damaged(f"it holds {n} patches")
    sound = (ranges[:, 0] <= ranges[:, 1]) & (np.abs(ranges) <= _FURTHEST).all(1)  # NaN is not sound
    if not sound.all():
        raise Damaged("its ranges of grey are none")
