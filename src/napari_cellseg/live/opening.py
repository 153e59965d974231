"""Files and folders as the window shows them before they are opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_cellseg.progress import Note, Steps

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from napari_cellseg.data.inspect import Inspection
    from napari_cellseg.data.stack import Stack

TOLD_AXES = "told axes"
"""Key in a stack's further facts: the axes as the person told them when it was opened."""


@dataclass(frozen=True)
class Understood:
    """How files are understood, for the person to check before they are opened.

    Attributes
    ----------
    lines : tuple of str
        In words.
    pictures : dict of str to ndarray
        Small pictures per channel and axis; axes YX, uint8.
    stacks : tuple of Stack
        What opening them would give.
    """

    lines: tuple[str, ...]
    pictures: dict[str, npt.NDArray[np.uint8]]
    stacks: tuple[Stack, ...]


def understand(
    paths: Sequence[Path], others: Sequence[Path], axes: str | None, together: bool | None
) -> Steps[Understood]:
    """Find out what files and folders hold.

    Parameters
    ----------
    paths : sequence of Path
        One folder, or files.
    others : sequence of Path
        The same for the fluorescence, when it lies in files of its own.
    axes : str or None
        The axes as the person tells them.
    together : bool or None
        Whether the files of a folder are one stack; None as their names say.

    Yields
    ------
    Note
        What is looked at.

    Returns
    -------
    Understood
        In words and pictures.
    """
    from napari_cellseg.data.inspect import thumbnails  # noqa: PLC0415 - for the helper only
    from napari_cellseg.data.pairing import pair, pair_by_name  # noqa: PLC0415 - for the helper only

    yield Note(f"Looking at {', '.join(map(str, [*paths, *others]))}")
    found = _inspect(paths, axes, together)
    stacks, lines = found.stacks, found.lines()
    if others:
        second = _inspect(others, axes, together)
        lines += second.lines()
        stacks = (
            tuple(pair_by_name(stacks, second.stacks))
            if len(stacks) > 1
            else (pair(stacks[0], second.stacks[0]),)
        )
    if axes is not None:
        stacks = tuple(replace(stack, extra={**stack.extra, TOLD_AXES: axes}) for stack in stacks)
    yield Note("\n".join(lines))
    return Understood(tuple(lines), thumbnails(stacks[0]), stacks)


def _inspect(paths: Sequence[Path], axes: str | None, together: bool | None) -> Inspection:
    from napari_cellseg.data.inspect import inspect  # noqa: PLC0415 - for the helper only

    return inspect(paths[0] if len(paths) == 1 else paths, axes=axes, together=together)
