"""What all steps do with their inputs: choose a channel, go through them in turn, make room for results."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from napari_cellseg.data.channels import find_channels
from napari_cellseg.data.stack import Stack
from napari_cellseg.data.storage import storage
from napari_cellseg.errors import InputError
from napari_cellseg.learn.card import ModelCard
from napari_cellseg.progress import Clock, Event, Progress

FLUORESCENCE = "fluorescence"
"""What the card of a model for stained cells says as its modality."""

Choice = str | int | None
"""A channel by name or by number (from 0); None: told apart by name."""


def image_channel(stack: Stack, choice: Choice) -> int:
    """Choose the label-free channel.

    Parameters
    ----------
    stack : Stack
        The images.
    choice : str, int or None
        The channel by name or number; None: by its usual names.

    Returns
    -------
    int
        The channel, from 0.

    Raises
    ------
    InputError
        There is no such channel, or more than one could be meant; the message lists them.
    """
    found = find_channels(stack, image=choice).image
    if found is None:
        raise InputError(
            f"{stack.name} has the channels {', '.join(stack.channels)}, none of them label-free",
            "A phase-contrast or bright-field channel is needed",
            "Name one: --image-channel NAME",
        )
    return found


def model_channel(stack: Stack, choice: Choice, modality: str) -> int:
    """Choose the channel that a model is to look at.

    Parameters
    ----------
    stack : Stack
        The images.
    choice : str, int or None
        The channel by name or number; None: the only one, or the one whose name suits the model.
    modality : str
        What the model's card says that it was trained on.

    Returns
    -------
    int
        The channel, from 0.

    Raises
    ------
    InputError
        There is no such channel, or more than one could be meant; the message lists them.
    """
    if choice is None and len(stack.channels) == 1:
        return 0
    if choice is not None or modality != FLUORESCENCE:
        return image_channel(stack, choice)
    stained = find_channels(stack, need_image=False).fluorescence
    if stained is None:
        raise InputError(
            f"{stack.name} has the channels {', '.join(stack.channels)}, and none is clearly a stain",
            "The model looks at stained cells",
            "Name it: --image-channel NAME",
        )
    return stained


def channel_for(card: ModelCard | None, image: int, stained: int | None) -> int:
    """Choose the channel that suits a model: the label-free one, unless it knows stained cells.

    Parameters
    ----------
    card : ModelCard or None
        Card of the model, where it was read already.
    image : int
        The label-free channel, from 0.
    stained : int or None
        The fluorescence channel; None when there is none.

    Returns
    -------
    int
        The channel, from 0.
    """
    if card is not None and card.modality == FLUORESCENCE and stained is not None:
        return stained
    return image


def fluorescence_channel(stack: Stack, choice: Choice) -> int:
    """Choose the fluorescence channel.

    Parameters
    ----------
    stack : Stack
        The images.
    choice : str, int or None
        The channel by name or number; None: by its usual names.

    Returns
    -------
    int
        The channel, from 0.

    Raises
    ------
    InputError
        There is no such channel, or more than one could be meant; the message lists them.
    """
    found = find_channels(stack, fluorescence=choice, need_fluorescence=True).fluorescence
    if found is None:
        raise InputError(
            f"{stack.name} has the channels {', '.join(stack.channels)}, none of them fluorescent",
            "A nuclear stain is needed",
            "Name one: --fluorescence-channel NAME",
        )
    return found


def in_turn(stacks: Sequence[Stack], what: str) -> Iterator[tuple[Stack, Callable[[Event], Event]]]:
    """Go through stacks; the progress within one becomes the progress over all of their frames.

    Parameters
    ----------
    stacks : sequence of Stack
        The movies or images.
    what : str
        See `Progress.what`.

    Yields
    ------
    stack : Stack
        The next one.
    over_all : callable
        Turns its events into those of the whole.
    """
    clock, before = Clock(sum(stack.n_frames for stack in stacks), what), 0
    for stack in stacks:

        def over_all(event: Event, offset: int = before) -> Event:
            return clock.at(offset + event.done) if isinstance(event, Progress) else event

        yield stack, over_all
        before += stack.n_frames


@contextmanager
def scratch_in(folder: Path) -> Iterator[Path]:
    """Make room for arrays larger than memory, beside the results: a temporary folder is often too small.

    Parameters
    ----------
    folder : Path
        Where the results go; made when it is not there.

    Yields
    ------
    Path
        A folder that is gone afterwards.

    Raises
    ------
    StorageError
        The folder cannot be written.
    """
    with storage(folder):
        folder.mkdir(parents=True, exist_ok=True)
        made = tempfile.TemporaryDirectory(prefix=".working-", dir=folder, ignore_cleanup_errors=True)
    with made as path:
        yield Path(path)
