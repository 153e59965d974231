"""The person's own keys, in a small file of the program's settings folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import platformdirs

from napari_cellseg.data.storage import storage
from napari_cellseg.data.write import write_text
from napari_cellseg.errors import SettingsError
from napari_cellseg.ui.keys import FIXED, KEYS, KeySet

_VERSION = 1


def key_file() -> Path:
    """Say where the person's own keys are kept.

    Returns
    -------
    Path
        ``keys.json`` in the settings folder of the operating system; it need not be there.
    """
    return platformdirs.user_config_path("napari-cellseg") / "keys.json"


def load_keys() -> KeySet:
    """Read the person's own keys.

    Returns
    -------
    KeySet
        The defaults where there is no file. Actions that this version does not know are left out.

    Raises
    ------
    SettingsError
        The file is damaged or cannot be read.
    """
    path = key_file()
    if not path.is_file():
        return KeySet()
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _damaged(path) from error
    if not isinstance(told, dict) or not isinstance(told.get("keys"), dict):
        raise _damaged(path)
    if not all(_are_keys(keys) for keys in told["keys"].values()):
        raise _damaged(path)
    known = {key.name for key in KEYS} - FIXED
    return KeySet({name: tuple(keys) for name, keys in told["keys"].items() if name in known})


def own_keys(tell: Callable[[str], object]) -> KeySet:
    """Read the person's own keys, and make do with the defaults where their file is damaged.

    Parameters
    ----------
    tell : callable
        Told what is wrong with the file.

    Returns
    -------
    KeySet
        See `load_keys`.
    """
    try:
        return load_keys()
    except SettingsError as error:
        tell(str(error))
        return KeySet()


def save_keys(keys: KeySet) -> None:
    """Keep the person's own keys.

    Parameters
    ----------
    keys : KeySet
        What differs from the defaults is written.

    Raises
    ------
    StorageError
        The folder cannot be written.
    """
    path = key_file()
    told = {"version": _VERSION, "keys": {name: list(kept) for name, kept in keys.changed.items()}}
    with storage(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(told, indent=2) + "\n")


def _are_keys(keys: Any) -> bool:
    return isinstance(keys, list) and all(isinstance(key, str) and key for key in keys)


def _damaged(path: Path) -> SettingsError:
    return SettingsError(
        f"The file of your keys, {path}, cannot be read", "The usual keys are used", "Choose your keys anew"
    )
