"""Which axis is which: taken from the file, guessed aloud, or told by the person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_cellseg.data.stack import AXES
from napari_cellseg.errors import InputError

if TYPE_CHECKING:
    import dask.array as da

AXIS_NAMES = {"T": "time", "C": "channel", "Z": "depth", "Y": "height", "X": "width"}
_FEW = 4  # an unnamed axis of at most this length is more likely channels than time


@dataclass(frozen=True)
class AxesGuess:
    """How the axes of an array were understood.

    Attributes
    ----------
    axes : str
        One letter of TCZYX per axis, in the order of the array.
    sure : bool
        True when the file (or the person) named them; False for a guess, which the person should check.
    note : str
        The same in words.
    """

    axes: str
    sure: bool
    note: str


def understand_axes(shape: Sequence[int], declared: str | None = None) -> AxesGuess:
    """Find out which axis is which.

    Letters of TCZYX that the file declares are taken as they are. Unnamed axes are guessed: the last two are
    height and width; among the others one of at most four planes is channels, then come time and depth.

    Parameters
    ----------
    shape : sequence of int
        Length of each axis.
    declared : str or None
        The file's own letters, one per axis, in tifffile's notation: S is samples (taken as channels),
        letters outside TCZYXS (such as I and Q) are unnamed axes. None: nothing is declared.

    Returns
    -------
    AxesGuess
        `sure` unless something had to be guessed.

    Raises
    ------
    InputError
        There are fewer than two or more than five axes, or two axes of the same name.
    """
    told = _known_letters(shape, declared)
    if not 2 <= len(shape) <= len(AXES):
        raise InputError(
            f"The image has {len(shape)} axes: {describe(shape)}",
            "Two (height and width) to five (with time, channel and depth) can be used",
            "Save it as an ImageJ hyperstack or OME-TIFF with at most these five axes",
        )
    unnamed = [i for i, letter in enumerate(told) if letter is None]
    if not unnamed:
        axes = "".join(letter or "" for letter in told)
        if len(set(axes)) < len(axes):
            raise InputError(
                f"The file names two axes alike: {axes} of {describe(shape)}",
                "Each axis needs a name of its own",
                f"Say which is which by axes, for example {AXES[-len(shape) :]}",
            )
        said = "One image" if axes == "YX" else "The file names its axes"
        return AxesGuess(axes, sure=True, note=f"{said}: {describe(shape, axes)}")
    return _guess(shape, told, unnamed)


def _known_letters(shape: Sequence[int], declared: str | None) -> list[str | None]:
    if declared is None:
        declared = "?" * len(shape)
        if len(shape) == 2:
            declared = "YX"
        elif len(shape) == 3 and shape[-1] <= _FEW < shape[0]:
            declared = "YX?"
        elif len(shape) > 2:
            declared = declared[:-2] + "YX"
    declared = declared.upper()
    if "C" not in declared:
        declared = declared.replace("S", "C", 1)
    return [letter if letter in AXES else None for letter in declared]


def _guess(shape: Sequence[int], told: list[str | None], unnamed: list[int]) -> AxesGuess:
    free = [letter for letter in AXES if letter not in told]
    shortest = min(unnamed, key=lambda i: shape[i])
    if "C" in free and (shape[shortest] <= _FEW or len(unnamed) == 3):
        told[shortest] = "C"
        free.remove("C")
    if "C" in free:  # only where nothing else is left
        free.remove("C")
        free.append("C")
    for i in unnamed:
        if told[i] is None and free:
            told[i] = free.pop(0)
    axes = "".join(letter or "" for letter in told)
    if len(set(axes)) < len(shape):
        raise InputError(
            f"The axes of the image are not understood: {describe(shape)}",
            "",
            f"Say which is which by axes, for example {AXES[-len(shape) :]}",
        )
    guessed = " and ".join(f"the axis of {shape[i]} as {AXIS_NAMES[axes[i]]}" for i in unnamed)
    return AxesGuess(
        axes,
        sure=False,
        note=f"The file does not name all its axes. Guessed: {guessed}; in all {describe(shape, axes)}. "
        "Please check, and correct it by axes if it is wrong",
    )


def told_axes(told: str, shape: Sequence[int], declared: str = "") -> AxesGuess:
    """Check the axes that the person told.

    Parameters
    ----------
    told : str
        Letters of TCZYX, one per axis; upper or lower case. Axes of length one may be named although the file
        leaves them out.
    shape : sequence of int
        Length of each axis.
    declared : str
        What the file says, for the message and for axes of length one.

    Returns
    -------
    AxesGuess
        Always sure.

    Raises
    ------
    InputError
        The letters cannot be the axes of such an image.
    """
    axes = told.strip().upper()
    example = AXES[-len(shape) :] if len(shape) <= len(AXES) else AXES
    wrong = sorted(set(axes) - set(AXES))
    if wrong or len(set(axes)) < len(axes) or not {"Y", "X"} <= set(axes):
        raise InputError(
            f"The axes were told as {told!r}",
            "Each letter of TCZYX (time, channel, depth, height, width) may come once; Y and X must come",
            f"For this image of {describe(shape)} write for example {example}",
        )
    if len(axes) > len(shape) == len(declared):
        shortened = "".join(letter for letter in axes if letter in declared)
        axes = shortened if shortened == declared else axes
    if len(axes) != len(shape):
        raise InputError(
            f"The axes were told as {told!r}, which are {len(axes)}, but the image has {len(shape)}: "
            + describe(shape, declared),
            "One letter per axis is needed",
            f"Write for example {example}",
        )
    return AxesGuess(axes, sure=True, note=f"Axes as told: {describe(shape, axes)}")


def to_tczyx(array: da.Array, axes: str) -> da.Array:
    """Bring an array into the order that the whole program uses.

    Parameters
    ----------
    array : dask.array.Array
        Any order of axes.
    axes : str
        One letter of TCZYX per axis.

    Returns
    -------
    dask.array.Array
        Axes TCZYX, one chunk per plane; axes that were not there have length one.

    Raises
    ------
    InputError
        The letters cannot be the axes of such an array.
    """
    axes = told_axes(axes, array.shape).axes
    ordered = array.transpose([axes.index(letter) for letter in AXES if letter in axes])
    whole = ordered[tuple(slice(None) if letter in axes else None for letter in AXES)]
    return whole.rechunk({0: 1, 1: 1, 2: 1, 3: -1, 4: -1})


def describe(shape: Sequence[int], axes: str = "") -> str:
    """Say a shape in words.

    Parameters
    ----------
    shape : sequence of int
        Length of each axis.
    axes : str
        Their letters, when known.

    Returns
    -------
    str
        For example ``"14 time points × 520 high × 696 wide (TYX)"``.
    """
    if len(axes) != len(shape) or not set(axes) <= set(AXES):
        return " × ".join(str(n) for n in shape) or "no axes"
    words = {"T": "time points", "C": "channels", "Z": "planes", "Y": "high", "X": "wide"}
    return " × ".join(f"{n} {_counted(words[a], n)}" for n, a in zip(shape, axes, strict=True)) + f" ({axes})"


def _counted(word: str, n: int) -> str:
    return word[:-1] if n == 1 and word.endswith("s") else word
