"""What is known about a stack, in a few words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_cellseg.progress import duration

if TYPE_CHECKING:
    from napari_cellseg.data.stack import Stack


def facts_of(stack: Stack) -> list[str]:
    """Say what is known about a stack, in a few words each.

    Parameters
    ----------
    stack : Stack
        The stack.

    Returns
    -------
    list of str
        Size, frames, and pixel size and frame interval where known.
    """
    height, width = stack.frame_shape
    facts = [f"{width} × {height} px", f"{stack.n_frames} frame{'s' * (stack.n_frames > 1)}"]
    if stack.pixel_size_um is not None:
        facts.append(f"{stack.pixel_size_um:.3g} µm/px")
    if stack.n_frames > 1 and stack.frame_interval_s is not None:
        facts.append(duration(stack.frame_interval_s))
    return facts
