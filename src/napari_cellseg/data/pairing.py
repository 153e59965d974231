"""Two stacks of the same field of view, label-free and fluorescence, as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import dask.array as da

from napari_cellseg.data.axes import describe
from napari_cellseg.data.match import bare_stem
from napari_cellseg.data.record import PAIRED_AS, READ_AS
from napari_cellseg.data.stack import Stack
from napari_cellseg.errors import InputError

_SAME_SIZE = 0.01  # pixel sizes that differ by less are the same, differently rounded


def pair(image: Stack, fluorescence: Stack) -> Stack:
    """Put two stacks of the same field of view together.

    Parameters
    ----------
    image : Stack
        The label-free movie.
    fluorescence : Stack
        The fluorescence movie, with as many time points and planes, of the same height and width.

    Returns
    -------
    Stack
        The channels of both, those of `image` first. Single channels without a name are called ``label-free``
        and ``fluorescence``. The rest is `image`'s, or `fluorescence`'s where `image` does not know it.

    Raises
    ------
    InputError
        They differ in shape or pixel size.
    """
    one, other = image.data.shape, fluorescence.data.shape
    if one[0] != other[0] or one[2:] != other[2:]:
        raise InputError(
            f"{image.name} has {describe(one, 'TCZYX')}, {fluorescence.name} has {describe(other, 'TCZYX')}",
            "Both must have the same number of time points and planes, and the same height and width",
            "Choose the two files of one field of view; with several planes choose one of them (z) first",
        )
    sizes = (image.pixel_size_um, fluorescence.pixel_size_um)
    if sizes[0] and sizes[1] and abs(sizes[0] / sizes[1] - 1) > _SAME_SIZE:
        raise InputError(
            f"{image.name} has pixels of {sizes[0]:.4g} µm, {fluorescence.name} of {sizes[1]:.4g} µm",
            "Two files of one field of view have the same",
            "Choose files that belong together, or tell the pixel size",
        )
    names = _named(image, "label-free") + _named(fluorescence, "fluorescence")
    if len(set(names)) < len(names):
        names = tuple(
            name if name not in names[:i] else f"{name} ({fluorescence.name})" for i, name in enumerate(names)
        )
    extra = dict(image.extra)
    if READ_AS in fluorescence.extra:
        extra[PAIRED_AS] = fluorescence.extra[READ_AS]
    return replace(
        image,
        extra=extra,
        data=da.concatenate([image.data, fluorescence.data], axis=1),
        channels=names,
        pixel_size_um=sizes[0] or sizes[1],
        frame_interval_s=image.frame_interval_s or fluorescence.frame_interval_s,
        axes_note=f"{image.axes_note}. Paired with {fluorescence.source or fluorescence.name}",
        axes_sure=image.axes_sure and fluorescence.axes_sure,
    )


def _named(stack: Stack, name: str) -> tuple[str, ...]:
    return (name,) if stack.channels == ("channel 0",) else stack.channels


def pair_by_name(images: Sequence[Stack], fluorescence: Sequence[Stack]) -> list[Stack]:
    """Pair the stacks of two folders by their names.

    Parameters
    ----------
    images : sequence of Stack
        Label-free movies.
    fluorescence : sequence of Stack
        Fluorescence movies.

    Returns
    -------
    list of Stack
        One per label-free movie, in their order; see `pair`.

    Raises
    ------
    InputError
        A label-free movie has no fluorescence of the same name, or several.
    """
    by_name: dict[str, list[Stack]] = {}
    for stack in fluorescence:
        by_name.setdefault(bare_stem(stack.name), []).append(stack)
    found = [by_name.get(bare_stem(stack.name), []) for stack in images]
    wrong = [stack.name for stack, others in zip(images, found, strict=True) if len(others) != 1]
    if wrong:
        raise InputError(
            f"{len(wrong)} of {len(images)} label-free movies have not exactly one fluorescence movie of the "
            f"same name: {', '.join(wrong[:5])}",
            f"The fluorescence movies are {', '.join(stack.name for stack in fluorescence[:5])}",
            "Give the files of both folders the same names",
        )
    return [pair(stack, others[0]) for stack, others in zip(images, found, strict=True)]
