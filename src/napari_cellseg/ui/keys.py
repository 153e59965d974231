"""The keys of the plugin's label layers: the defaults, a set for the left-handed, and how they are bound.

napari 0.9.2 binds these keys on every Labels layer: 1/E erase, 2/P paint, 3 polygon, 4/F fill bucket, 5/L
pick, 6/Z pan, 7 transform, M new label, X swap with background, B preserve labels, - and = label number,
[ and ] brush size, Escape and Enter for the polygon, Ctrl-Z and Ctrl-Shift-Z. Ours go onto single layers,
never onto the class: other label layers keep napari's keys. On ours X, M and F mean something else; what they
shadow stays within reach: the fill bucket on 4, a new label by starting a stroke on background, background
by E. Escape is ours only while a tool of ours is in hand, so that it still ends napari's polygon.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from napari_cellseg.ui.tool_registry import TOOLS


@dataclass(frozen=True)
class Key:
    """One action that has keys.

    Attributes
    ----------
    name : str
        What it does, as a name for the code and the file of keys.
    title : str
        What it is called, in a word or two.
    keys : tuple of str
        Its default keys as napari writes them; empty where napari's own will do.
    text : str
        What it does, for the person.
    group : str
        What it is for, as a heading.
    napari_key : str
        The key that napari has for it.
    """

    name: str
    title: str
    keys: tuple[str, ...]
    text: str
    group: str
    napari_key: str = ""


_TIME = "Regions and frames"
_FRAMES = "Go through the frames"
_STEPS = "Take back and look"

KEYS: tuple[Key, ...] = (
    Key("accept", "Accept", ("N",), "Accept this frame and go to the next one proposed", _FRAMES),
    Key("skip", "Skip", ("Shift-N",), "Go to the next one without accepting", _FRAMES),
    *(Key(tool.name, tool.text, tool.keys, tool.tip, tool.group, tool.napari_key) for tool in TOOLS),
    Key(
        "through",
        "Through time",
        ("T",),
        "Let tools go on through the following frames, or no longer",
        _TIME,
    ),
    Key("suspect", "Suspicious", (".",), "Go to the next suspicious nucleus", _FRAMES),
    Key("peek", "Peek", ("O",), "Show or hide the labels; hold it to peek", _STEPS),
    Key("undo", "Undo", ("Control-Z",), "Undo, one step at a time, brush strokes included", _STEPS),
    Key("redo", "Redo", ("Control-Shift-Z",), "Redo", _STEPS),
    Key("leave", "Put down", ("Escape",), "Put the tool down", _STEPS),
)
"""All actions, in the order in which the sheet shows them."""

NAPARI_KEYS: tuple[tuple[str, str], ...] = (
    ("4", "Fill bucket"),
    ("L", "Pick a label"),
    ("[ and ]", "Brush smaller, larger; or Alt and move the mouse"),
    ("B", "Keep other nuclei untouched while drawing"),
    ("← and →", "Frame before, frame after"),
    ("?", "All keys at a glance"),
)
"""What else there is to know: keys of napari's, and that of the sheet."""

FIXED = frozenset({"leave"})
"""Actions whose key cannot be changed: napari's own meaning of it must stay reachable."""

SHADOWED = frozenset({"X", "M", "F"})
"""Keys of napari's that ours take the place of; see above where what they did is found."""

LEFT_HANDED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "erase": ("Shift-P",),
        "polygon": ("Shift-J",),
        "move": ("Shift-M",),
        "new": ("I",),
        "delete": ("J", "Delete"),
        "snap": ("H",),
        "smooth": ("Shift-H",),
        "fill": ("Shift-U",),
        "grow": ("Shift-K",),
        "shrink": ("Shift-L",),
        "ignore": ("Shift-I",),
        "copy": ("U",),
        "remove_small": ("Control-J",),
        "remove_at_border": ("Control-K",),
        "renumber": ("Control-L",),
        "through": ("Shift-O",),
        "undo": ("Control-Z", "Backspace"),
        "redo": ("Control-Shift-Z", "Shift-Backspace"),
    }
)
"""Keys for the right hand while the left one holds the mouse or the pen, where they differ from the defaults.

Only letters that lie in the right half of QWERTY, QWERTZ and AZERTY keyboards alike (so neither Y nor digits
and punctuation, which AZERTY and QWERTZ put elsewhere), with the right Shift and Ctrl: plain for what is done
most, with Shift for the rest, with Ctrl for whole frames; Backspace takes back. Keys that lie there anyway
stay: N, M, K, O, and napari's P, L, [ and ].
"""


@dataclass(frozen=True)
class KeySet:
    """Which key does what.

    Attributes
    ----------
    changed : mapping of str to tuple of str
        Keys that differ from the defaults, by `Key.name`.
    """

    changed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def of(self, name: str) -> tuple[str, ...]:
        """Look the keys of an action up.

        Parameters
        ----------
        name : str
            See `Key.name`.

        Returns
        -------
        tuple of str
            As napari writes them; may be empty.
        """
        return self.changed.get(name, key_of(name).keys)

    def shown(self, name: str) -> str:
        """Write the keys of an action for the person.

        Parameters
        ----------
        name : str
            See `Key.name`.

        Returns
        -------
        str
            Such as ``"X, Delete"``; napari's own key where there is no other.
        """
        keys = self.of(name) or tuple(filter(None, [key_of(name).napari_key]))
        return ", ".join(shown(key) for key in keys)

    def with_key(self, name: str, key: str) -> KeySet:
        """Give an action one key.

        Parameters
        ----------
        name : str
            See `Key.name`.
        key : str
            The key.

        Returns
        -------
        KeySet
            The same otherwise.
        """
        changed = {**self.changed, name: (key,)}
        return KeySet({n: keys for n, keys in changed.items() if keys != key_of(n).keys})


def shown(key: str) -> str:
    """Write a key for the person.

    Parameters
    ----------
    key : str
        As napari writes it.

    Returns
    -------
    str
        Such as ``"Ctrl-Z"``.
    """
    short = key.replace("Control", "Ctrl")
    return short.replace("+", "-") if len(short) > 1 else short


def grouped() -> dict[str, list[Key]]:
    """Group the actions by what they are for.

    Returns
    -------
    dict of str to list of Key
        By heading, in the order in which they are shown.
    """
    groups: dict[str, list[Key]] = {}
    for key in KEYS:
        groups.setdefault(key.group, []).append(key)
    return groups


def key_of(name: str) -> Key:
    """Look an action up.

    Parameters
    ----------
    name : str
        See `Key.name`.

    Returns
    -------
    Key
        The action.
    """
    return next(key for key in KEYS if key.name == name)


def bind_keys(layer: Any, actions: Mapping[str, Callable[[], object]], keys: KeySet | None = None) -> None:
    """Put keys onto one layer.

    Parameters
    ----------
    layer : napari.layers.Layer
        The layer; others of its kind are left as they are.
    actions : mapping of str to callable
        What each key does, by `Key.name`.
    keys : KeySet, optional
        Which key does what; the defaults when it is left out.
    """
    keys = keys or KeySet()
    for name, action in actions.items():
        for key in keys.of(name):
            layer.bind_key(key, _without_layer(action), overwrite=True)


def bind_peek(layer: Any, keys: KeySet | None = None) -> None:
    """Put the key onto a layer that hides it while it is held, and toggles it when it is tapped.

    Parameters
    ----------
    layer : napari.layers.Layer
        The layer.
    keys : KeySet, optional
        Which key does what; the defaults when it is left out.
    """

    def peek(here: Any) -> Callable[[], None]:
        here.visible = not here.visible

        def released() -> None:  # napari calls it only when the key was held
            here.visible = not here.visible

        return released

    for key in (keys or KeySet()).of("peek"):
        layer.bind_key(key, peek, overwrite=True)


def _without_layer(action: Callable[[], object]) -> Callable[[Any], None]:
    def pressed(_layer: Any) -> None:
        action()

    return pressed
