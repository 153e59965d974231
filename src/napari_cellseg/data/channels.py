"""Which channel is label-free and which is fluorescence: by name, or as told."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from napari_cellseg.data.stack import Stack
from napari_cellseg.errors import InputError

Kind = Literal["label-free", "fluorescence"]

_LABEL_FREE = re.compile(
    r"(?<![a-z])(?:ph(?:ase)?(?:[ _-]?contrast)?\d*|pc|bright[ _-]?field|bf|dic|nomarski|hoffman|hmc|trans"
    r"(?:mitted|mission)?(?:[ _-]?light)?|t[ _-]?pmt|tpmt|tl|td(?![ _-]?tomato)|dpc|qpi|dhm|"
    r"holo\w*|label[ _-]?free|halogen|"
    r"white[ _-]?light)(?![a-z])",
    re.IGNORECASE,
)
_NUCLEAR = re.compile(
    r"(?<![a-z])(?:dapi|hoechst\w*|nuc(?:lear|lei|leus|light)?(?:[ _-]?(?:red|green|marker|stain))?|h2b|h2a|"
    r"histone|nls|draq[ _-]?[57]|sytox\w*|syto\d*|sir[ _-]?dna|spy\d*[ _-]?dna|dna|propidium|pi)(?![a-z])",
    re.IGNORECASE,
)
_FLUORESCENCE = re.compile(
    r"(?<![a-z])(?:e?[gycrb]fp|fitc|tritc|cy[2357]5?(?:\.5)?|alexa\w*|af\d{3}|m?cherry|mscarlet\w*|td[ _-]?"
    r"tomato|mruby\d?|mkate\d?|venus|citrine|mneon\w*|texas[ _-]?red|rhod\w*|atto\w*|fluo\w*|green|red|blue|"
    r"far[ _-]?red|irfp\w*|dsred|em\d{3}|ex\d{3}|4\d\d|5\d\d|6\d\d)(?![a-z])",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Channels:
    """The channels that the program works on, as numbers from 0.

    Attributes
    ----------
    image : int or None
        The label-free channel, in which the network finds cells.
    fluorescence : int or None
        The nuclear stain, from which labels are made.
    """

    image: int | None
    fluorescence: int | None


def kind_of(name: str) -> Kind | None:
    """Tell from its name what a channel shows.

    Parameters
    ----------
    name : str
        Such as ``"Phase"``, ``"BF"``, ``"DAPI"`` or ``"H2B-mCherry"``; words in a longer name count too.

    Returns
    -------
    {"label-free", "fluorescence"} or None
        None when the name says neither, or both.
    """
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    free = bool(_LABEL_FREE.search(spaced))
    stained = is_nuclear(name) or bool(_FLUORESCENCE.search(spaced))
    if free == stained:
        return None
    return "label-free" if free else "fluorescence"


def is_nuclear(name: str) -> bool:
    """Tell from its name whether a channel shows nuclei.

    Parameters
    ----------
    name : str
        A channel's name.

    Returns
    -------
    bool
        True for DAPI, Hoechst, H2B, nuclear, NLS and the like.
    """
    return bool(_NUCLEAR.search(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)))


def find_channels(
    stack: Stack,
    image: str | int | None = None,
    fluorescence: str | int | None = None,
    need_fluorescence: bool = False,
    need_image: bool | None = None,
) -> Channels:
    """Find the label-free and the fluorescence channel.

    Numbers count from 0, as in napari. What is not told is found by name (see `kind_of`); of several
    fluorescence channels the only nuclear one is taken; where one of two channels is known, the other is the
    other. A stack of one channel needs no name.

    Parameters
    ----------
    stack : Stack
        The movie.
    image : str, int or None
        The label-free channel by name (or an unmistakable part of it) or number, when told.
    fluorescence : str, int or None
        The fluorescence channel by name or number, when told.
    need_fluorescence : bool
        True: a stack without a clear fluorescence channel is an error.
    need_image : bool or None
        True: a stack without a clear label-free channel is an error. None: exactly where fluorescence is not
        needed.

    Returns
    -------
    Channels
        A channel that is neither needed nor clear is None.

    Raises
    ------
    InputError
        A channel that is needed is missing or ambiguous, or one that was told is not there; the message lists
        the channels.
    """
    need_image = not need_fluorescence if need_image is None else need_image
    images = _told(stack, image, "image") if image is not None else None
    stains = _told(stack, fluorescence, "fluorescence") if fluorescence is not None else None
    if len(stack.channels) == 1:
        return _of_one(stack, images, stains, need_image, need_fluorescence)
    free, stained = _candidates(stack, images, stains)
    found = Channels(
        images if images is not None else _only(free), stains if stains is not None else _only(stained)
    )
    if need_image and found.image is None:
        raise _unclear(stack, "label-free (phase, brightfield, DIC)", "--image-channel", free)
    if need_fluorescence and found.fluorescence is None:
        raise _unclear(stack, "fluorescence (DAPI, Hoechst, H2B, GFP)", "--fluorescence-channel", stained)
    return found


def _candidates(stack: Stack, image: int | None, stain: int | None) -> tuple[list[int], list[int]]:
    kinds = {i: kind_of(name) for i, name in enumerate(stack.channels)}
    if image is not None:
        kinds[image] = "label-free"
    if stain is not None and stain != image:
        kinds[stain] = "fluorescence"
    free = [i for i, kind in kinds.items() if kind == "label-free"]
    stained = [i for i, kind in kinds.items() if kind == "fluorescence"]
    unknown = [i for i, kind in kinds.items() if kind is None]
    if len(kinds) == 2 and len(unknown) == 1:
        (stained if free else free).extend(unknown)
    nuclear = [i for i in stained if is_nuclear(stack.channels[i])]
    return free, nuclear if len(nuclear) == 1 else stained


def _of_one(
    stack: Stack, image: int | None, stain: int | None, need_image: bool, need_stain: bool
) -> Channels:
    """One channel is whatever it is needed for, unless its name says otherwise."""
    kind = kind_of(stack.channels[0])
    if need_image and need_stain:
        raise InputError(
            f"{stack.name} has only one channel ({stack.channels[0]})",
            "A label-free and a fluorescence channel are needed",
            "Pair it with the file of the other channel",
        )
    if need_stain and stain is None and kind == "label-free":
        raise InputError(
            f"{stack.name} has only a label-free channel ({stack.channels[0]})",
            "Labels are made from fluorescence, of which there is none",
            "Pair it with the fluorescence file, or say --fluorescence-channel 0 if it is fluorescence",
        )
    if need_stain:
        return Channels(image, 0)
    return Channels(0, stain) if need_image else Channels(image, stain)


def _told(stack: Stack, channel: str | int, what: str) -> int:
    names = [name.casefold() for name in stack.channels]
    text = str(channel).strip().casefold()
    if not isinstance(channel, int):
        hits = [i for i, name in enumerate(names) if name == text]
        if len(hits) == 1:
            return hits[0]
    if text.lstrip("-").isdigit():
        if 0 <= int(text) < len(names):
            return int(text)
    else:
        hits = [i for i, name in enumerate(names) if text and text in name]
        if len(hits) == 1:
            return hits[0]
    raise InputError(
        f"The {what} channel was told as {channel!r}, but {stack.name} has the channels {listed(stack)}",
        "One of these names or numbers was expected",
        "Name the channel as it is listed; numbers count from 0",
    )


def _only(candidates: list[int]) -> int | None:
    return candidates[0] if len(candidates) == 1 else None


def _unclear(stack: Stack, what: str, option: str, candidates: list[int]) -> InputError:
    found = f"{stack.name} has the channels {listed(stack)}"
    if candidates:
        return InputError(
            found,
            f"Several of them may be {what}: {', '.join(stack.channels[i] for i in candidates)}",
            f"Say which by {option} (name or number)",
        )
    return InputError(
        found, f"None of their names says that it is {what}", f"Say which by {option} (name or number)"
    )


def listed(stack: Stack) -> str:
    """List the channels with their numbers.

    Parameters
    ----------
    stack : Stack
        The movie.

    Returns
    -------
    str
        Such as ``"0: Phase, 1: Nuclei"``.
    """
    return ", ".join(f"{i}: {name}" for i, name in enumerate(stack.channels))
