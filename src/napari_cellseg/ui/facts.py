"""What is known about a stack, in a few words."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
        facts.append(in_units(stack.frame_interval_s))
    return facts


def in_units(seconds: float) -> str:
    """Say a frame interval in the unit that people use for it.

    Parameters
    ----------
    seconds : float
        The interval in s.

    Returns
    -------
    str
        For example ``"10 min"``.
    """
    for length, unit in ((3600, "h"), (60, "min")):
        if seconds >= 2 * length or seconds == length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds:.3g} s"
