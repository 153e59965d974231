"""Work for the panels that is done away from the window's thread, and needs to know of layers."""

from __future__ import annotations

import importlib
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from napari_cellseg.progress import Note, Steps

if TYPE_CHECKING:
    from napari_cellseg.data.stack import Stack


def layers_for(stack: Stack, prefix: str) -> Steps[list[Any]]:
    """Find how a stack is shown well; reads a few planes.

    Parameters
    ----------
    stack : Stack
        The stack.
    prefix : str
        Put before the channels' names.

    Yields
    ------
    Event
        None at all; the work is short.

    Returns
    -------
    list of tuple
        Layer data, see `stack_layers`.
    """
    from napari_cellseg.ui.contributions import stack_layers  # noqa: PLC0415 - scikit-image's samples take time

    yield from ()
    return stack_layers(stack, prefix=prefix)


def import_all(modules: Sequence[str]) -> Steps[None]:
    """Import modules, so that importing them again takes no time.

    Parameters
    ----------
    modules : sequence of str
        Their names.

    Yields
    ------
    Note
        When all are there.
    """
    started = time.perf_counter()
    for name in modules:
        importlib.import_module(name)
    yield Note(f"The panels are ready after {time.perf_counter() - started:.1f} s")


def warm_up() -> Steps[None]:
    """Import what previews, thumbnails and opening need, before the person waits for it.

    Yields
    ------
    Note
        When it is done.
    """
    yield from import_all(("napari_cellseg.label.auto", "napari_cellseg.ui.contributions"))
