"""What the tools of correcting do: from where one was put on to the edits that it makes."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from napari_cellseg.errors import InputError
from napari_cellseg.label import edit as editing
from napari_cellseg.label.click import typical_diameter_px
from napari_cellseg.label.ignored import unignore_at

if TYPE_CHECKING:
    from napari_cellseg.label.through import ObjectTool
    from napari_cellseg.ui.tool_bench import Bench, Touch

Deed = Callable[["Bench", "Touch"], list[editing.Edit]]

_SMALL_SHARE = 0.1


def on_object(tool: ObjectTool) -> Deed:
    """Make a deed of a function that changes one object, through time when the person wants that.

    Parameters
    ----------
    tool : callable
        Such as `napari_cellseg.label.edit.smooth`.

    Returns
    -------
    callable
        The deed.
    """

    def deed(bench: Bench, touch: Touch) -> list[editing.Edit]:
        t = touch.frame
        if bench.through:
            return editing.through_time(bench.movie, t, touch.label, tool, first=t)
        return [tool(bench.labels(t), touch.label, frame=t)]

    return deed


delete = on_object(editing.delete)
fill = on_object(editing.fill_holes)
smooth = on_object(editing.smooth)
grow = on_object(partial(editing.grow, by_px=1.0))
shrink = on_object(partial(editing.grow, by_px=-1.0))


def delete_within(bench: Bench, touch: Touch) -> list[editing.Edit]:
    """Delete all objects that a closed line holds."""
    labels = bench.labels(touch.frame)
    numbers = editing.objects_within(labels, touch.points)
    if not numbers:
        raise InputError(
            "There is no nucleus within the line", "More than half of it must lie within", "Draw around it"
        )
    return [editing.delete_many(labels, numbers, frame=touch.frame)]


def merge_two(bench: Bench, touch: Touch) -> list[editing.Edit]:
    """Join the two objects that were clicked."""
    labels = bench.labels(touch.frame)
    first, second = (int(labels[round(y), round(x)]) for y, x in touch.points)
    return [editing.merge(labels, first, second, frame=touch.frame)]


def merge_along(bench: Bench, touch: Touch) -> list[editing.Edit]:
    """Join all objects that a line runs through."""
    labels = bench.labels(touch.frame)
    numbers = editing.objects_along(labels, touch.points)
    if len(numbers) < 2:
        raise InputError(
            f"The line runs through {'one nucleus' if numbers else 'no nucleus'}",
            "There is nothing to join",
            "Draw it through two or more",
        )
    return [editing.merge_many(labels, numbers, frame=touch.frame)]


def split_two(bench: Bench, touch: Touch) -> list[editing.Edit]:
    """Split an object into the two that were clicked, along the valley between them."""
    t, (a, b) = touch.frame, touch.points
    return [editing.split_at(bench.labels(t), a, b, bench.pictures.guide(t), frame=t)]


def split_along(bench: Bench, touch: Touch) -> list[editing.Edit]:
    """Split an object along a line."""
    return [editing.split(bench.labels(touch.frame), touch.points, frame=touch.frame)]


def snap(bench: Bench, touch: Touch) -> list[editing.Edit]:
    """Redraw the border of an object along the edge in the image."""
    t = touch.frame
    return [editing.snap(bench.labels(t), touch.label, bench.pictures.image(t), frame=t)]


def new_here(bench: Bench, touch: Touch) -> list[editing.Edit]:
    """Add the object that was clicked."""
    t, pictures = touch.frame, bench.pictures
    return [
        editing.new_at(bench.labels(t), touch.points[0], pictures.image(t), pictures.probability(t), frame=t)
    ]


def new_outlined(bench: Bench, touch: Touch) -> list[editing.Edit]:
    """Add an object with the outline that was drawn."""
    t = touch.frame
    return [editing.new_polygon(bench.labels(t), touch.points, bench.protect, frame=t)]


def ignore(bench: Bench, touch: Touch) -> list[editing.Edit]:
    """Mark a region as ignored; with the shift key take the mark off."""
    labels, t = bench.labels(touch.frame), touch.frame
    if touch.shift:
        return [editing.unignore(labels, touch.points, frame=t)]
    return [editing.ignore(labels, touch.points, bench.protect, frame=t)]


def unignore_here(bench: Bench, touch: Touch) -> list[editing.Edit]:
    """Take the mark off the ignored region that was clicked."""
    return [unignore_at(bench.labels(touch.frame), touch.points[0], frame=touch.frame)]


def copy_on(bench: Bench, touch: Touch) -> list[editing.Edit]:
    """Copy an object to the next frame, moved as the pictures moved."""
    t = touch.frame
    if t + 1 >= len(bench.movie):
        raise InputError("This is the last frame", "There is no next one to copy the nucleus to")
    shift = editing.displacement(bench.pictures.image(t), bench.pictures.image(t + 1))
    labels, after = bench.labels(t), bench.labels(t + 1)
    return [editing.copied(labels, touch.label, after, shift, t + 1, bench.protect)]


def remove_small(bench: Bench, touch: Touch) -> list[editing.Edit]:
    """Delete the objects of the frame that are too small."""
    labels = bench.labels(touch.frame)
    usual = math.pi / 4 * typical_diameter_px(labels) ** 2
    return [editing.remove_small(labels, bench.min_area_px or _SMALL_SHARE * usual, frame=touch.frame)]


def remove_at_border(bench: Bench, touch: Touch) -> list[editing.Edit]:
    """Delete the objects that the edge of the picture cuts."""
    return [editing.remove_at_border(bench.labels(touch.frame), frame=touch.frame)]


def renumber(bench: Bench, touch: Touch) -> list[editing.Edit]:
    """Give the objects of the frame the numbers 1, 2, 3 and so on."""
    return [editing.relabel(bench.labels(touch.frame), frame=touch.frame)]
