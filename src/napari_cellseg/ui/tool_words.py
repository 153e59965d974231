"""What tools tell the person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from napari_cellseg.ui.tool_registry import DONE

if TYPE_CHECKING:
    from napari_cellseg.label.edit import Edit

OUTSIDE = "The cursor is outside the picture, or that is not shown flat."
NOT_HERE: Mapping[str, str] = MappingProxyType(
    {
        "object": "There is no nucleus under the cursor.",
        "background": "There is a nucleus under the cursor already.",
        "any": "",
    }
)
"""Why a tool cannot act where the cursor is, by `ToolSpec.suits`."""


def done_words(edits: Sequence[Edit]) -> str:
    """Say what was done.

    Parameters
    ----------
    edits : sequence of Edit
        One step of the history.

    Returns
    -------
    str
        A sentence; how many objects it was where that is not plain, and in how many frames.
    """
    words = _words(edits[0])
    return f"{words} in {len(edits)} frames." if len(edits) > 1 else f"{words}."


def step_words(edit: Edit) -> str:
    """Say what was taken back or done again.

    Parameters
    ----------
    edit : Edit
        The first of the step.

    Returns
    -------
    str
        Within a sentence.
    """
    words = _words(edit)
    return words[:1].lower() + words[1:]


def _words(edit: Edit) -> str:
    words = DONE.get(edit.tool, edit.tool.replace("_", " ").capitalize())
    if "{n}" not in words:
        return words
    n = len(np.unique(edit.before[edit.before != edit.after]))
    return words.format(n=n).replace("nuclei", "nucleus") if n == 1 else words.format(n=n)
