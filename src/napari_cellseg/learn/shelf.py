"""Putting the person's models in order: rename, note, copy, and a bin from which they come back."""

from __future__ import annotations

import contextlib
import datetime
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_cellseg.data.storage import storage, versioned
from napari_cellseg.data.write import atomic_folder, write_text
from napari_cellseg.errors import ModelError
from napari_cellseg.learn import registry
from napari_cellseg.learn.card import CARD_FILE, COVER_FILE, REPLAY_FILE, WEIGHTS_FILE, ModelCard, read_card

BIN = ".bin"
"""Folder of deleted models, beside the models; nothing is ever erased from it by this program."""

MODEL_FILES = (CARD_FILE, WEIGHTS_FILE, COVER_FILE, REPLAY_FILE)
"""All that belongs to a model; the last two may be missing."""

_DATE = "%Y-%m-%d-%H%M%S"
_BINNED = re.compile(r"(?P<name>.+)\.(?P<date>\d{4}-\d{2}-\d{2}-\d{6})(-\d+)?")
_LONGEST_NAME = 80
_NOT_IN_NAMES = re.compile(r'[/\\:*?"<>|\x00-\x1f\x7f]')
_WINDOWS = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


@dataclass(frozen=True)
class Binned:
    """A model in the bin.

    Attributes
    ----------
    folder : Path
        Where it is; `restore_model` takes this, or its name.
    name : str
        What it was called.
    deleted : str
        When it was deleted, as year-month-day-HHMMSS in local time.
    """

    folder: Path
    name: str
    deleted: str


def checked_name(name: str, place: Path | None = None) -> str:
    """Check a name that a model is to get.

    Parameters
    ----------
    name : str
        The name; spaces around it are dropped.
    place : Path, optional
        Folder that the model will be in; by default that of the person's models.

    Returns
    -------
    str
        The name, good as the name of a folder on all systems.

    Raises
    ------
    ModelError
        It is empty, too long, no name of a folder, or there is a model of that name.
    """
    name = name.strip()
    good = "Choose a name of letters, digits, spaces, - and _"
    if not name:
        raise ModelError("The name of the model is empty", "", good)
    wrong = _NOT_IN_NAMES.search(name)
    if wrong or name.startswith(".") or name.endswith(".") or _WINDOWS.fullmatch(name):
        why = f"it holds {wrong.group()!r}" if wrong else "folders cannot be called so everywhere"
        raise ModelError(f"A model cannot be called {name!r}: {why}", "", good)
    if len(name) > _LONGEST_NAME:
        raise ModelError(
            f"The name of the model has {len(name)} letters", f"At most {_LONGEST_NAME} are expected", good
        )
    if name.casefold() in _taken(place or registry.user_models_folder()):
        raise ModelError(f"There is a model called {name!r} already", "", "Choose another name")
    return name


def _taken(place: Path) -> set[str]:
    """Names in a folder and among the bundled models, in lower case: some disks do not tell cases apart."""
    places = (place, registry.bundled_models_folder())
    return {path.name.casefold() for where in places if where.is_dir() for path in where.iterdir()}


def is_bundled(folder: Path) -> bool:
    """Tell whether a model came with the program, and is read-only.

    Parameters
    ----------
    folder : Path
        Folder of the model.

    Returns
    -------
    bool
        False for the person's own models.
    """
    return folder.resolve().is_relative_to(registry.bundled_models_folder().resolve())


def rename_model(model: str | Path, new: str, extra: Sequence[Path] = ()) -> Path:
    """Give one of the person's models another name; its weights and their hash stay.

    Parameters
    ----------
    model : str or Path
        Its name or folder.
    new : str
        The new name.
    extra : sequence of Path
        More folders that hold model folders, such as a study's.

    Returns
    -------
    Path
        Its new folder, beside the old one.

    Raises
    ------
    ModelError
        There is no such model, it came with the program, or the new name cannot be used.
    StorageError
        The folder cannot be written.
    """
    folder = _own(model, extra)
    if new.strip().casefold() == folder.name.casefold():  # not taken by another
        return _moved(folder, folder.with_name(new.strip()))
    return _moved(folder, folder.with_name(checked_name(new, folder.parent)))


def note_model(model: str | Path, text: str, extra: Sequence[Path] = ()) -> ModelCard:
    """Write a note on the card of one of the person's models.

    Parameters
    ----------
    model : str or Path
        Its name or folder.
    text : str
        The note; it replaces the one before, and an empty one removes it.
    extra : sequence of Path
        More folders that hold model folders, such as a study's.

    Returns
    -------
    ModelCard
        The card as written.

    Raises
    ------
    ModelError
        There is no such model, or it came with the program.
    StorageError
        The folder cannot be written.
    """
    folder = _own(model, extra)
    return _write_card(folder, read_card(folder).model_copy(update={"note": text.strip()}))


def delete_model(model: str | Path, extra: Sequence[Path] = ()) -> Binned:
    """Put one of the person's models into the bin; see `restore_model`.

    Parameters
    ----------
    model : str or Path
        Its name or folder; a damaged one may be deleted too.
    extra : sequence of Path
        More folders that hold model folders, such as a study's.

    Returns
    -------
    Binned
        Where it is now.

    Raises
    ------
    ModelError
        There is no such model, or it came with the program.
    StorageError
        The folder cannot be written.
    """
    folder = _own(model, extra)
    stamp = datetime.datetime.now().astimezone().strftime(_DATE)
    bin_ = folder.parent / BIN
    with storage(bin_):
        bin_.mkdir(exist_ok=True)
        target = versioned(bin_ / f"{folder.name}.{stamp}")
        folder.rename(target)
    return Binned(target, folder.name, stamp)


def list_bin(extra: Sequence[Path] = ()) -> list[Binned]:
    """List the models in the bin.

    Parameters
    ----------
    extra : sequence of Path
        More folders that hold model folders, such as a study's.

    Returns
    -------
    list of Binned
        Those deleted last come first.
    """
    found = []
    for place in (*extra, registry.user_models_folder()):
        for folder in (place / BIN).glob("*"):
            match = _BINNED.fullmatch(folder.name)
            if match and folder.is_dir():
                found.append(Binned(folder, match["name"], match["date"]))
    return sorted(found, key=lambda one: (one.deleted, one.folder.name), reverse=True)


def restore_model(binned: str | Path, extra: Sequence[Path] = ()) -> Path:
    """Take a model out of the bin.

    Parameters
    ----------
    binned : str or Path
        Its folder in the bin, that folder's name, or what the model was called: the one deleted last.
    extra : sequence of Path
        More folders that hold model folders, such as a study's.

    Returns
    -------
    Path
        Its folder; with a number when there is another model of its name by now.

    Raises
    ------
    ModelError
        There is no such model in the bin; the message lists those that are.
    StorageError
        The folder cannot be written.
    """
    path = Path(binned)
    there = list_bin((*extra, path.parents[1]) if path.parent.name == BIN else extra)
    for one in there:
        if str(binned) in (str(one.folder), one.folder.name, one.name):
            return _moved(one.folder, versioned(one.folder.parents[1] / one.name))
    raise ModelError(
        f"There is no model {str(binned)!r} in the bin",
        f"The bin holds: {', '.join(one.folder.name for one in there) or 'nothing'}",
        "Choose one of these" if there else "",
    )


def copy_model(folder: Path, new_name: str) -> Path:
    """Copy a model among the person's own, for example one that came with the program.

    Parameters
    ----------
    folder : Path
        Folder of the model.
    new_name : str
        Name of the copy.

    Returns
    -------
    Path
        Folder of the copy.

    Raises
    ------
    ModelError
        The model is damaged, or the name cannot be used.
    StorageError
        The folder cannot be written.
    """
    card = read_card(folder)
    target = registry.user_models_folder() / checked_name(new_name)
    with atomic_folder(target) as partial:
        for name in MODEL_FILES:
            if (folder / name).is_file():
                shutil.copyfile(folder / name, partial / name)
        _write_card(partial, card.model_copy(update={"name": target.name}))
    return target


def _own(model: str | Path, extra: Sequence[Path]) -> Path:
    """Find a model that may be changed."""
    named = registry.model_folders(extra)  # a name means these, whatever lies in the working folder
    folder = named[str(model)] if str(model) in named else registry.find_model(model, extra)
    if is_bundled(folder):
        raise ModelError(
            f"The model {folder.name} came with the program and is read-only",
            "",
            "Copy it under another name, and change the copy",
        )
    return folder


def _moved(folder: Path, target: Path) -> Path:
    """Rename a folder, and its card with it. Only the first counts: what is listed is the folder's name."""
    with storage(target):
        folder.rename(target)
    with contextlib.suppress(ModelError):  # damaged: it can still be moved, and loading it says what is wrong
        _write_card(target, read_card(target).model_copy(update={"name": target.name}))
    return target


def _write_card(folder: Path, card: ModelCard) -> ModelCard:
    write_text(folder / CARD_FILE, card.model_dump_json(indent=2))
    return card
