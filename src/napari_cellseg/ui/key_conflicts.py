"""Whether a key is free: among ours, napari's own for labels, and the menus of the window."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from app_model.backends.qt import qkeysequence2modelkeybinding
from napari.layers import Labels
from napari.utils.key_bindings import coerce_keybinding
from qtpy.QtCore import Qt
from qtpy.QtGui import QKeyEvent, QKeySequence
from qtpy.QtWidgets import QMenuBar, QWidget

from napari_cellseg.ui.keys import KEYS, SHADOWED, KeySet, key_of, shown

_MODIFIERS = (Qt.Key.Key_Shift, Qt.Key.Key_Control, Qt.Key.Key_Alt, Qt.Key.Key_Meta, Qt.Key.Key_AltGr)
_OURS_ALONE = ("?", "Shift+?", "Escape")


def key_pressed(event: QKeyEvent) -> str:
    """Write a key that was pressed as napari writes it.

    Parameters
    ----------
    event : QKeyEvent
        The key.

    Returns
    -------
    str
        Such as ``"Shift+G"``; empty for a modifier alone, or a key that napari does not know.
    """
    if event.key() in (*_MODIFIERS, Qt.Key.Key_unknown, 0):
        return ""
    keypad = Qt.KeyboardModifier.KeypadModifier
    combination = event.modifiers() & ~keypad
    try:
        return str(qkeysequence2modelkeybinding(QKeySequence(combination.value | event.key())))
    except (KeyError, ValueError):  # a media key, for instance
        return ""


def same(key: str) -> str:
    """Write a key in the one way that keys are compared in.

    Parameters
    ----------
    key : str
        As napari writes it, in either of its ways.

    Returns
    -------
    str
        Such as ``"Ctrl+Shift+Z"``.
    """
    return str(coerce_keybinding(key))


def napari_keys(viewer: Any) -> dict[str, str]:
    """List the keys that the napari in use has for a labels layer and for its viewer.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.

    Returns
    -------
    dict of str to str
        What each does, by key; the person's own settings of napari among them.
    """
    found: dict[str, str] = {}
    classes = (*viewer.__class__.__mro__, *Labels.__mro__)  # each class has a map of its own
    for keymap in (viewer.keymap, *(getattr(kind, "class_keymap", {}) for kind in classes)):
        for key, function in keymap.items():
            if key is not Ellipsis:
                found[str(key)] = _told(function)
    return found


def menu_keys(window: QWidget) -> dict[str, str]:
    """List the keys of the window's menus.

    Parameters
    ----------
    window : QWidget
        The main window.

    Returns
    -------
    dict of str to str
        The text of the menu's entry, by key.
    """
    found: dict[str, str] = {}
    actions = [action for bar in window.findChildren(QMenuBar) for action in bar.actions()]
    while actions:
        action = actions.pop()
        menu = action.menu()
        if menu is not None:
            actions += menu.actions()
        for sequence in action.shortcuts():
            if sequence.count() == 1:
                found[str(qkeysequence2modelkeybinding(sequence))] = action.text().replace("&", "")
    return found


def conflict(name: str, key: str, keys: KeySet, taken: Mapping[str, str]) -> str:
    """Say why an action cannot have a key.

    Parameters
    ----------
    name : str
        The action, by `Key.name`.
    key : str
        The key that it is to have.
    keys : KeySet
        Ours as they are.
    taken : mapping of str to str
        Keys of napari, by `napari_keys` and `menu_keys`.

    Returns
    -------
    str
        A sentence; empty when the key is free.
    """
    wanted = same(key)
    if wanted in _OURS_ALONE:
        return f"{shown(wanted)} always has the same meaning. Choose another key."
    for other in KEYS:
        if other.name != name and wanted in _all_of(keys.of(other.name)):
            return (
                f"{shown(wanted)} is taken by “{other.title}”. Choose another key, or change that one first."
            )
    if wanted in taken and wanted not in SHADOWED and wanted != _napari_key(name):
        return f"{shown(wanted)} is napari's own: “{taken[wanted]}”. Choose another key."
    return ""


def conflicts(keys: KeySet, taken: Mapping[str, str]) -> list[str]:
    """Check a whole set.

    Parameters
    ----------
    keys : KeySet
        The set.
    taken : mapping of str to str
        See `conflict`.

    Returns
    -------
    list of str
        A sentence for each key that is taken; but for those that napari and ours share: undo and redo.
    """
    shared = ("undo", "redo", "leave")
    return [
        told
        for key in KEYS
        if key.name not in shared
        for each in keys.of(key.name)
        if (told := conflict(key.name, each, keys, taken))
    ]


def _all_of(keys: Iterable[str]) -> set[str]:
    return {same(key) for key in keys}


def _napari_key(name: str) -> str:
    own = key_of(name).napari_key
    return same(own) if own else ""


def _told(function: Any) -> str:
    """Say what a function of napari's does, without what napari wraps around it."""
    inner = inspect.unwrap(function)
    text = (getattr(inner, "__doc__", "") or "").strip().splitlines()
    if text and not text[0].startswith("*"):
        return str(text[0].rstrip("."))
    return str(getattr(inner, "__name__", "something")).replace("_", " ").capitalize()
