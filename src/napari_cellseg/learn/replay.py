"""A few images that a model learned from, and that travel with it: a training from it goes on showing them.

A network that learns new images forgets the old ones, unless it goes on seeing some of them (Robins 1995,
"Catastrophic forgetting, rehearsal and pseudorehearsal", Connection Science 7, 123-146); few are enough
(Chaudhry et al. 2019, "On tiny episodic memories in continual learning", arXiv:1902.10486).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_cellseg.data.samples import IGNORE, Sample
from napari_cellseg.data.write import atomic_file, write_text
from napari_cellseg.errors import InputError, ModelError
from napari_cellseg.learn.card import CARD_FILE, REPLAY_FILE, ModelCard, must_find_objects, read_card
from napari_cellseg.learn.movies import levels_of_samples
from napari_cellseg.learn.patches import Frame, as_seen
from napari_cellseg.learn.replay_file import MOST_BYTES, Damaged, Patch, pack, unpack
from napari_cellseg.learn.resizing import LARGEST_SCALE, fitted

N_PATCHES = 64
SIDE_PX = 160
"""Room for a patch of 128 px with its margin, see `augment.margin_px`."""

_TRIES = 4


@dataclass(frozen=True)
class Replay:
    """What a model hands on of the images that it learned from.

    Attributes
    ----------
    frames : tuple of Frame
        The patches, at the network's scale and normalised; none when the model has no replay set.
    raw : bytes
        The file that they were read from, to be handed on as it is.
    """

    frames: tuple[Frame, ...] = ()
    raw: bytes = b""

    @property
    def sha256(self) -> str:
        """Checksum of the file: 64 hexadecimal digits; empty when there is none."""
        return hashlib.sha256(self.raw).hexdigest() if self.raw else ""


def write_replay(
    folder: Path, samples: Sequence[Sample], n: int = N_PATCHES, side_px: int = SIDE_PX, seed: int = 0
) -> ModelCard:
    """Cut patches from what a model learned from, and put them into its folder.

    Whoever gets the model gets these images: only images that may be passed on belong here. The file names
    the ``sources`` of the model's card with their licences.

    Parameters
    ----------
    folder : Path
        Folder of the model; its card says how images are normalised and resized.
    samples : sequence of Sample
        What it was trained on. Every group gives a patch before any gives a second one.
    n : int
        Number of patches; fewer when the samples have no more to give.
    side_px : int
        Side of the patches, in px of the network's grid, 32 to 1024. Smaller frames are laid into the middle:
        what lies beyond them is their reflection, and ignored.
    seed : int
        Which samples and places, by chance.

    Returns
    -------
    ModelCard
        The card as written, with the checksum of the file.

    Raises
    ------
    InputError
        There is no sample.
    ModelError
        The model is damaged, or gives pixels classes: such a set keeps separate objects.
    StorageError
        The folder cannot be written.
    """
    if not samples:
        raise InputError("There is no frame to cut replay patches from", "At least one is needed")
    card = read_card(folder)
    must_find_objects(card)
    raw = pack(choose_patches(samples, card, n, side_px, seed), card.sources)
    with atomic_file(folder / REPLAY_FILE) as partial:
        partial.write_bytes(raw)
    card = card.model_copy(update={"replay_sha256": hashlib.sha256(raw).hexdigest()})
    write_text(folder / CARD_FILE, card.model_dump_json(indent=2))
    return card


def read_replay(folder: Path) -> list[Frame]:
    """Read the replay set of a model.

    Parameters
    ----------
    folder : Path
        Folder of the model.

    Returns
    -------
    list of Frame
        The patches; empty when the model has no replay set.

    Raises
    ------
    ModelError
        The model or its replay set is damaged or altered.
    """
    return list(load_replay(folder).frames)


def load_replay(folder: Path) -> Replay:
    """Read the replay set of a model, to train with and to hand on.

    Parameters
    ----------
    folder : Path
        Folder of the model.

    Returns
    -------
    Replay
        Without frames when the model has none.

    Raises
    ------
    ModelError
        The model or its replay set is damaged or altered.
    """
    card, file = read_card(folder), folder / REPLAY_FILE
    if not file.is_file():
        return Replay()
    try:
        raw = _bytes(file)
        if hashlib.sha256(raw).hexdigest() != card.replay_sha256:
            raise Damaged("it is not the one that the card of the model was written for")
        return Replay(unpack(raw), raw)
    except (Damaged, OSError) as error:
        raise ModelError(
            f"The images that travel with the model {folder.name} ({REPLAY_FILE}) cannot be used: {error}",
            "The file was altered, or copying it was interrupted",
            "Copy the model folder again, or train without them: Replay 0",
        ) from error


def _bytes(file: Path) -> bytes:
    with file.open("rb") as opened:
        raw = opened.read(MOST_BYTES + 1)
    if len(raw) > MOST_BYTES:
        raise Damaged(f"it is larger than {MOST_BYTES / 2**20:.0f} MB")
    return raw


def choose_patches(
    samples: Sequence[Sample], card: ModelCard, n: int, side_px: int, seed: int
) -> list[Patch]:
    """Choose patches, each around a pixel of an object where there is one.

    Parameters
    ----------
    samples : sequence of Sample
        At least one.
    card : ModelCard
        How the model looks at frames.
    n : int
        Number wanted.
    side_px : int
        Their side.
    seed : int
        The same seed chooses the same.

    Returns
    -------
    list of Patch
        At most ``n``, no two from the same place.
    """
    random = np.random.default_rng(seed)
    if card.any_size:
        samples = [fitted(sample, card.object_px, LARGEST_SCALE) for sample in samples]
    shared = levels_of_samples(samples, card.normalise_by, card.low_percentile, card.high_percentile)
    patches: dict[tuple[int, int, int], Patch] = {}
    turns = _in_turn([sample.group for sample in samples], random)
    for index in islice(turns, _TRIES * n):
        if len(patches) == n:
            break
        sample = samples[index]
        levels = shared.get(sample.group)
        image, labels = as_seen(sample, card.scale, card.low_percentile, card.high_percentile, levels)
        labels = labels.astype(np.int32)
        y, x = _place(labels, side_px, random)
        box = (slice(y, y + side_px), slice(x, x + side_px))
        patch = Patch(*_laid_into(image[box], labels[box], side_px), sample.group)
        patches.setdefault((index, y, x), patch)
    return list(patches.values())


def _in_turn(groups: Sequence[str], random: np.random.Generator) -> Iterator[int]:
    """Name samples without end: one of every group, in random order, then another of every group."""
    members = [
        random.permutation([i for i, other in enumerate(groups) if other == group])
        for group in sorted(set(groups))
    ]
    for turn in count():
        for which in random.permutation(len(members)):
            yield int(members[which][turn % len(members[which])])


def _place(labels: npt.NDArray[Any], side: int, random: np.random.Generator) -> tuple[int, int]:
    """Choose the first row and column of a patch; 0 along axes that are shorter than it."""
    rows, columns = np.nonzero(labels > 0)
    if len(rows):
        one = random.integers(len(rows))
        middle = (int(rows[one]), int(columns[one]))
    else:
        middle = (int(random.integers(labels.shape[0])), int(random.integers(labels.shape[1])))
    y, x = (
        max(0, min(at - side // 2, length - side)) for at, length in zip(middle, labels.shape, strict=True)
    )
    return y, x


def _laid_into(
    image: npt.NDArray[np.float16], labels: npt.NDArray[np.int32], side: int
) -> tuple[npt.NDArray[np.float16], npt.NDArray[np.int32]]:
    """Lay what is smaller than a patch into the middle of one."""
    before = [(side - length) // 2 for length in image.shape]
    pads = [(first, side - length - first) for first, length in zip(before, image.shape, strict=True)]
    return np.pad(image, pads, mode="reflect"), np.pad(labels, pads, constant_values=IGNORE)
