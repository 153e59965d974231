"""The card of a model: everything needed to use it and to trust it, without torch."""

from __future__ import annotations

import functools
import hashlib
import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from napari_cellseg.config import GreysOf, NetConfig, TrainConfig
from napari_cellseg.errors import ModelError

SCHEMA_VERSION = 2
CARD_FILE = "card.json"
WEIGHTS_FILE = "weights.safetensors"
COVER_FILE = "cover.png"
"""A picture of what the model finds, 256 × 256 px; a model may have none."""
REPLAY_FILE = "replay.safetensors"
"""A few patches that the model learned from, see `replay`; a model may have none."""

_HASH_DIGITS = 12


class DataSource(BaseModel):
    """Images and labels of others that a model has learned from.

    Attributes
    ----------
    name : str
        Name of the data set.
    licence : str
        Its licence, best as an SPDX identifier such as ``CC-BY-4.0``.
    citation : str
        What to cite: authors, title, year, DOI.
    url : str
        Where it was found; may be empty.
    frames : int
        Frames of it that were trained on; 0 when not known.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    licence: str
    citation: str
    url: str = ""
    frames: int = Field(0, ge=0)


class ModelCard(BaseModel):
    """What is written beside the weights of a model.

    Attributes
    ----------
    schema_version : int
        Version of this form.
    name : str
        Name of the model.
    created : str
        Date and time, ISO 8601 with time zone.
    net : NetConfig
        The network, so that it can be built again.
    image_channel : str
        Name of the channel that it was trained on; may be empty.
    low_percentile, high_percentile : float
        Frames are stretched from these percentiles to 0..1.
    normalise_by : {"frame", "movie"}
        Whether these are the percentiles of each frame by itself, or of the whole movie.
    object_diameter_px : float
        Median diameter of the objects it was trained on, in pixels of the original frames; without meaning
        where it gives pixels classes.
    scale : float
        Frames are resized by this factor before they enter the network.
    any_size : bool
        Whether it learned from frames that were all resized to this diameter: frames of other movies are,
        too.
    certainty : float
        Objects of which the network is less sure, by the mean probability of their pixels, are left out: the
        bound that was best on the held-out frames, see `certainty.best_bound`; 0 leaves out none.
    pixel_size_um : float or None
        Of the training frames; None when not known.
    train : TrainConfig
        How it was trained, with the random seed.
    parent : str
        Hash of the model that training started from; empty when it started from nothing.
    data_fingerprint : str
        Hash of the training images and labels.
    n_frames : int
        Frames trained on.
    groups, held_out : tuple of str
        Groups trained on, and groups kept aside to score the model.
    held_out_how : str
        How the split was made, in words.
    scores : dict
        On the held-out frames: ``iou``, ``ap50``, ``f1``, ``count_error``; of classes ``iou``, their mean,
        ``accuracy``, and ``iou_0``, ``iou_1``, ... of each.
    epochs : int
        Rounds of training in all.
    seconds : float
        Time of training.
    device : str
        Where it was trained, in words.
    versions : dict
        Versions of the program and of the libraries that matter.
    sha256 : str
        Of the weights file.
    notes : tuple of str
        What else should be known: data sets, licences, citations, fall backs.
    title : str
        What a person reads in place of the name; may be empty, as all that follow.
    objects : str
        What it finds, such as ``"nuclei"`` or ``"cells"``.
    modality : str
        The images it is for: ``"fluorescence"``, ``"bright-field"``, ``"phase contrast"``, ``"any"``.
    sources : tuple of DataSource
        Data of others that it has learned from.
    limits : tuple of str
        Where it is known to fail, a sentence each.
    group_scores : dict of str to dict of str to float
        The scores of every held-out group by itself; their names are those of `scores`.
    note : str
        What the person wrote about it.
    replay_sha256 : str
        Of the replay set; empty when the model has none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = SCHEMA_VERSION
    name: str
    created: str
    net: NetConfig
    image_channel: str = ""
    low_percentile: float = Field(ge=0, le=100)
    high_percentile: float = Field(ge=0, le=100)
    normalise_by: GreysOf = "frame"
    object_diameter_px: float = Field(gt=0)
    scale: float = Field(1.0, gt=0, le=8)
    any_size: bool = False
    certainty: float = Field(0.0, ge=0, lt=1)
    pixel_size_um: float | None = None
    train: TrainConfig
    parent: str = ""
    data_fingerprint: str
    n_frames: int = Field(ge=1)
    groups: tuple[str, ...]
    held_out: tuple[str, ...]
    held_out_how: str
    scores: dict[str, float]
    epochs: int
    seconds: float
    device: str
    versions: dict[str, str]
    sha256: str = ""
    notes: tuple[str, ...] = ()

    @property
    def object_px(self) -> float:
        """Diameter of the typical object as the network sees it, in px of its own grid."""
        return self.object_diameter_px * self.scale

    title: str = ""
    objects: str = ""
    modality: str = ""
    sources: tuple[DataSource, ...] = ()
    limits: tuple[str, ...] = ()
    group_scores: dict[str, dict[str, float]] = Field(default_factory=dict)
    note: str = ""
    replay_sha256: str = ""


def model_hash(card: ModelCard) -> str:
    """Name the exact weights of a model, for tables and messages.

    Parameters
    ----------
    card : ModelCard
        Card of the model.

    Returns
    -------
    str
        The first 12 hexadecimal digits of the weights' SHA-256.
    """
    return card.sha256[:_HASH_DIGITS]


def must_find_objects(card: ModelCard) -> None:
    """Refuse models that give every pixel a class, where separate objects are needed.

    Parameters
    ----------
    card : ModelCard
        Card of the model.

    Raises
    ------
    ModelError
        It is such a model.
    """
    if card.net.classes:
        raise ModelError(
            f"The model {card.name} gives pixels {card.net.classes} classes, and finds no separate objects",
            "A model that finds separate objects is needed here",
            "Choose another one, or apply this one with: napari-cellseg predict",
        )


def sha256_of(path: Path) -> str:
    """Compute the checksum of a file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    str
        SHA-256, 64 hexadecimal digits.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@functools.lru_cache(maxsize=64)
def _sha256_of(path: Path, *looks: int) -> str:  # noqa: ARG001 - a key: a changed file is read again
    return sha256_of(path)


def read_card(folder: Path) -> ModelCard:
    """Read the card of a model and check that its weights are those it was written for.

    Parameters
    ----------
    folder : Path
        Folder of the model.

    Returns
    -------
    ModelCard
        The card; the weights are there and unaltered.

    Raises
    ------
    ModelError
        A file is missing or altered, or the card is of a future version or damaged.
    """
    card_file, weights = folder / CARD_FILE, folder / WEIGHTS_FILE
    for path in (card_file, weights):
        if not path.is_file():
            raise ModelError(
                f"{folder} has no {path.name}",
                f"A model is a folder with {CARD_FILE} and {WEIGHTS_FILE}",
                "Choose another folder, or copy the whole model folder again",
            )
    card = _parse(card_file)
    looks = weights.stat()
    if _sha256_of(weights, looks.st_size, looks.st_mtime_ns, looks.st_ctime_ns) != card.sha256:
        raise ModelError(
            f"The weights of the model {folder.name} are not those its card was written for",
            "The file was altered, or copying it was interrupted",
            "Copy the model folder again, or train it anew",
        )
    return card


def _parse(card_file: Path) -> ModelCard:
    name = card_file.parent.name
    damaged = "Copy the model folder again, or train it anew"
    try:
        raw = json.loads(card_file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"The card of the model {name} cannot be read: {error}", "", damaged) from error
    version = raw.get("schema_version") if isinstance(raw, dict) else None
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise ModelError(
            f"The model {name} was made by a newer version of this program (its card has version {version})",
            f"This program knows cards up to version {SCHEMA_VERSION}",
            "Update with: pip install --upgrade napari-cellseg",
        )
    if isinstance(version, int) and version < SCHEMA_VERSION:
        raise ModelError(
            f"The model {name} was made by an older version of this program (its card has version {version})",
            f"Networks draw other maps since version {SCHEMA_VERSION}",
            "Train it anew",
        )
    try:
        return ModelCard.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole card"
        raise ModelError(
            f"The card of the model {name} is damaged at {where}: {first['msg']}", "", damaged
        ) from error
