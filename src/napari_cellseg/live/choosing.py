"""What a person is shown of a model before choosing it: its picture, what it finds and in which images."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image

from napari_cellseg.data.channels import kind_of
from napari_cellseg.errors import ModelError
from napari_cellseg.evaluate.learning import LOG_FILE, read_log
from napari_cellseg.learn.card import COVER_FILE, ModelCard, read_card
from napari_cellseg.learn.registry import find_model, model_folders
from napari_cellseg.learn.shelf import is_bundled
from napari_cellseg.pipeline.inputs import FLUORESCENCE, image_channel
from napari_cellseg.progress import Event, Steps

if TYPE_CHECKING:
    from napari_cellseg.data.project import Study
    from napari_cellseg.data.stack import Stack

BRIGHT_FIELD, PHASE = "bright-field", "phase contrast"
OBJECTS = ("nuclei", "cells")
"""What the cards of models say that they find."""

MODALITIES = (FLUORESCENCE, BRIGHT_FIELD, PHASE)
"""The images that the cards of models say that they are for."""

COVER_PX = 256
"""Longest side of a cover as it is handed over; larger ones are made smaller."""

_ANY = "any"
_MOST_COVER_PX = 4096
_PHASE = re.compile(r"(?<![a-z])(?:ph(?:ase)?(?:[ _-]?contrast)?\d*|pc)(?![a-z])", re.IGNORECASE)
_BRIGHT = re.compile(r"bright[ _-]?field|halogen|(?<![a-z])(?:bf|white[ _-]?light)(?![a-z])", re.IGNORECASE)
_SCORES = (("ap50", "AP"), ("iou", "IoU"), ("f1", "F1"))


@dataclass(frozen=True)
class Candidate:
    """A model that could be chosen.

    Attributes
    ----------
    name : str
        Name by which it is listed.
    folder : Path
        Its folder.
    card : ModelCard
        Its card.
    cover : ndarray or None
        Its picture, axes YXC, uint8, red-green-blue; None when there is none that can be read.
    """

    name: str
    folder: Path
    card: ModelCard
    cover: npt.NDArray[np.uint8] | None = None

    @property
    def title(self) -> str:
        """What a person reads in place of the name."""
        return self.card.title or self.name

    @property
    def modality(self) -> str:
        """The images it is for, by its card or the channel that it learned from; empty when not known."""
        return self.card.modality or modality_named(self.card.image_channel)

    @property
    def what(self) -> str:
        """What it finds and in which images, in a line."""
        images = self.modality or self.card.image_channel or "kind of image not told"
        return f"Finds {self.card.objects or 'objects'} · {images}"

    @property
    def size(self) -> str:
        """The size of the objects that it knows, in a line."""
        size = f"trained at {self.card.object_diameter_px:.0f} px"
        return f"Objects of any size, {size}" if self.card.any_size else f"Objects of one size, {size}"

    @property
    def score(self) -> str:
        """The one score to look at first, in words."""
        for key, name in _SCORES:
            if key in self.card.scores:
                return f"{name} {self.card.scores[key]:.2f} on images kept aside"
        return "Not scored"

    @property
    def limits(self) -> str:
        """Where it is known to fail; else the person's note, or what is known of its training."""
        if self.card.limits:
            return " ".join(self.card.limits)
        n = self.card.n_frames
        return self.card.note or f"Trained {self.card.created[:10]} on {n} frame{'s' * (n != 1)}."

    def suits(self, objects: str, modality: str) -> bool:
        """Say whether the model is for what is looked for.

        Parameters
        ----------
        objects : str
            One of `OBJECTS`; empty for all.
        modality : str
            One of `MODALITIES`; empty for all.

        Returns
        -------
        bool
            True too where its card does not say: a person's own model is not hidden for being silent.
        """
        found, images = self.card.objects, self.modality
        right_objects = not objects or found in ("", _ANY, objects)
        return right_objects and (not modality or images in ("", _ANY, modality))


@dataclass(frozen=True)
class CandidateRead(Event):
    """The card and the cover of a model were read.

    Attributes
    ----------
    candidate : Candidate
        The model.
    """

    candidate: Candidate


def candidates(places: Sequence[Path], own: Path | None = None) -> Steps[tuple[str, ...]]:
    """Read the cards and covers of all models that find objects, one after the other.

    Parameters
    ----------
    places : sequence of Path
        Folders of models besides those of the program and of the person, such as a study's.
    own : Path, optional
        A model that lies elsewhere.

    Yields
    ------
    CandidateRead
        One for each model that can be used; the person's own come first, in order of name.

    Returns
    -------
    tuple of str
        Why the others cannot be used, a message each.
    """
    folders = model_folders(places)
    if own is not None:
        folders.setdefault(own.name, own)
    damaged = []
    for name, folder in sorted(folders.items(), key=lambda one: (is_bundled(one[1]), one[0])):
        try:
            card = read_card(folder)
        except ModelError as error:
            damaged.append(str(error))
            continue
        if not card.net.classes:
            yield CandidateRead(Candidate(name, folder, card, read_cover(folder)))
    return tuple(damaged)


def read_cover(folder: Path) -> npt.NDArray[np.uint8] | None:
    """Read the picture of a model.

    Parameters
    ----------
    folder : Path
        Folder of the model.

    Returns
    -------
    ndarray or None
        Axes YXC, uint8, red-green-blue, at most `COVER_PX` high and wide; None when there is none, it is
        damaged, or it is larger than any cover should be.
    """
    try:
        with Image.open(folder / COVER_FILE) as picture:
            if max(picture.size) > _MOST_COVER_PX:
                return None
            small = picture.convert("RGB")
    except (
        OSError,
        ValueError,
        SyntaxError,
        Image.DecompressionBombError,
    ):  # all that Pillow raises of files
        return None
    small.thumbnail((COVER_PX, COVER_PX))
    return np.asarray(small, np.uint8)


def modality_named(channel: str) -> str:
    """Tell from the name of a channel what kind of image it holds.

    Parameters
    ----------
    channel : str
        Such as ``"Phase"``, ``"BF"`` or ``"DAPI"``.

    Returns
    -------
    str
        One of `MODALITIES`; empty when the name does not say.
    """
    kind = kind_of(channel)
    if kind == FLUORESCENCE:
        return FLUORESCENCE
    if kind is None or bool(_PHASE.search(channel)) == bool(_BRIGHT.search(channel)):
        return ""
    return PHASE if _PHASE.search(channel) else BRIGHT_FIELD


def modality_of(stack: Stack | None, image: int) -> str:
    """Tell what kind of images a study is about.

    Parameters
    ----------
    stack : Stack or None
        Its images.
    image : int
        The channel in which cells are to be found, from 0.

    Returns
    -------
    str
        One of `MODALITIES`; empty when the channel's name does not say.
    """
    return modality_named(stack.channels[image]) if stack is not None else ""


def fitting_models(stack: Stack, image: int) -> tuple[Path, ...]:
    """Choose the models of the program that a person could start with, where none was chosen.

    Parameters
    ----------
    stack : Stack
        The images.
    image : int
        The label-free channel, from 0.

    Returns
    -------
    tuple of Path
        Those for this kind of image; all that find objects where the channel's name does not say, or no
        model is for its kind.
    """
    modality = modality_of(stack, image)
    found = []
    for folder in model_folders().values():
        if is_bundled(folder):
            card = read_card(folder)
            if not card.net.classes:
                found.append(Candidate(folder.name, folder, card))
    fitting = [one for one in found if modality and one.suits("", modality)]
    return tuple(one.folder for one in fitting or found)


def models_to_go_on_from(study: Study, told: str | Path | None = None) -> tuple[Path, ...]:
    """Choose the model that learning goes on from.

    Parameters
    ----------
    study : Study
        With its images.
    told : str or Path, optional
        The name or the folder of a model.

    Returns
    -------
    tuple of Path
        The model that was told, or the one that the study has learned last, where it is still there; else
        see `fitting_models`.

    Raises
    ------
    ModelError
        There is no such model.
    InputError
        The images are gone, or what the study has learned cannot be read.
    """
    if told is not None:
        return (find_model(told, (study.models,)),)
    last = model_folders((study.models,)).get(read_log(study.folder / LOG_FILE).current)
    if last is not None:
        return (last,)
    stack = study.open_stack()
    return fitting_models(stack, image_channel(stack, study.record.image_channel))
