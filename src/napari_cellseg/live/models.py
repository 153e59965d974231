"""What the window does with models: they are put in order, given to others and taken from them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from napari_cellseg.learn.shelf import (
    Binned,
    copy_model,
    delete_model,
    list_bin,
    note_model,
    rename_model,
    restore_model,
)
from napari_cellseg.progress import Steps


def renamed(folder: Path, new: str) -> Steps[Path]:
    """Rename a model; see `napari_cellseg.learn.shelf.rename_model`.

    Parameters
    ----------
    folder : Path
        Folder of the model.
    new : str
        Its new name.

    Yields
    ------
    Event
        None at all; the work is short.

    Returns
    -------
    Path
        Its new folder.
    """
    yield from ()
    return rename_model(folder, new)


def noted(folder: Path, text: str) -> Steps[Path]:
    """Write a note on the card of a model.

    Parameters
    ----------
    folder : Path
        Folder of the model.
    text : str
        The note.

    Yields
    ------
    Event
        None at all; the work is short.

    Returns
    -------
    Path
        Its folder.
    """
    yield from ()
    note_model(folder, text)
    return folder


def copied(folder: Path, new: str) -> Steps[Path]:
    """Copy a model among the person's own.

    Parameters
    ----------
    folder : Path
        Folder of the model.
    new : str
        Name of the copy.

    Yields
    ------
    Event
        None at all; the work is short.

    Returns
    -------
    Path
        Folder of the copy.
    """
    yield from ()
    return copy_model(folder, new)


def deleted(folder: Path) -> Steps[Binned]:
    """Put a model into the bin.

    Parameters
    ----------
    folder : Path
        Folder of the model.

    Yields
    ------
    Event
        None at all; the work is short.

    Returns
    -------
    Binned
        Where it is now.
    """
    yield from ()
    return delete_model(folder)


def binned(places: Sequence[Path]) -> Steps[list[Binned]]:
    """List the models in the bin.

    Parameters
    ----------
    places : sequence of Path
        Folders of models besides the person's own, such as a study's.

    Yields
    ------
    Event
        None at all; the work is short.

    Returns
    -------
    list of Binned
        Those deleted last come first.
    """
    yield from ()
    return list_bin(places)


def restored(folder: Path) -> Steps[Path]:
    """Take a model out of the bin.

    Parameters
    ----------
    folder : Path
        Its folder in the bin.

    Yields
    ------
    Event
        None at all; the work is short.

    Returns
    -------
    Path
        Its folder.
    """
    yield from ()
    return restore_model(folder)


def exported(folder: Path, path: Path, authors: tuple[str, ...], licence: str) -> Steps[Path]:
    """Write a model as a package; see `napari_cellseg.learn.exchange.export_model`.

    Parameters
    ----------
    folder : Path
        Folder of the model.
    path : Path
        The zip file.
    authors : tuple of str
        Who made the model.
    licence : str
        Its licence as an SPDX identifier; may be empty.

    Yields
    ------
    Event
        `Progress` and `Note`.

    Returns
    -------
    Path
        The zip file.
    """
    from napari_cellseg.learn.exchange import Details, export_model  # noqa: PLC0415 - torch, in the helper

    return (yield from export_model(folder, path, Details(authors, licence))).path


def imported(path: Path, name: str) -> Steps[Path]:
    """Take a model from a package; see `napari_cellseg.learn.exchange.import_model`.

    Parameters
    ----------
    path : Path
        The zip file.
    name : str
        Name of the model.

    Yields
    ------
    Event
        `Progress`.

    Returns
    -------
    Path
        Its folder.
    """
    from napari_cellseg.learn.exchange import import_model  # noqa: PLC0415 - torch, in the helper

    return (yield from import_model(path, name))
