"""All tools of correcting, each one entry: its name, its keys, how it is used, and what it does.

Nothing here needs a window: the buttons, the keys, the cheat sheet and the table in the user guide are all
made from these entries.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from napari_cellseg.ui import tool_deeds as deeds
from napari_cellseg.ui.tool_deeds import Deed

Gesture = Literal["napari", "click", "drag", "at once"]
Group = Literal["Draw", "Nuclei", "Shape", "Regions and frames", "Clean up this frame"]


@dataclass(frozen=True)
class ToolSpec:
    """One tool.

    Attributes
    ----------
    name : str
        Its name in the code, in the file of keys and in the record of what was done.
    group : str
        What it is for, as a heading.
    text : str
        Its name for the person, short enough for a button.
    keys : tuple of str
        Its keys as napari writes them; empty where napari's own key will do.
    tip : str
        What it does and how, for the person, without the key.
    ask : str
        What to do next, told when it is taken in hand.
    ask_again : str
        What to do after the first of two clicks.
    gesture : {"napari", "click", "drag", "at once"}
        ``napari`` is a mode of napari's own; ``click`` acts on what is clicked, and by its key on what is
        under the cursor; ``drag`` must be taken in hand, since it needs a line or two clicks; ``at once``
        needs no place.
    mode : str
        napari's mode while it is in hand.
    napari_key : str
        The key that napari has for it.
    suits : {"object", "background", "any"}
        What must lie under the cursor, so that it can act.
    click, two_clicks, drag : callable, optional
        What is done by a click, two clicks, a drag; `napari_cellseg.ui.tool_deeds.Deed`.
    closed : bool
        Whether a drag is a lasso, closed when the button is let go.
    through : bool
        Whether it can go on through time.
    slow : tuple of callable
        Which of these look at pictures or at the whole frame, so that they must run away from the window.
    next_frame : bool
        Whether what it makes lies in the next frame.
    """

    name: str
    group: Group
    text: str
    keys: tuple[str, ...]
    tip: str
    ask: str = ""
    ask_again: str = ""
    gesture: Gesture = "click"
    mode: str = "pick"
    napari_key: str = ""
    suits: Literal["object", "background", "any"] = "object"
    click: Deed | None = None
    two_clicks: Deed | None = None
    drag: Deed | None = None
    closed: bool = False
    through: bool = False
    slow: tuple[Deed, ...] = ()
    next_frame: bool = False


TOOLS: tuple[ToolSpec, ...] = (
    ToolSpec(
        "move", "Draw", "Move", (), "Move and zoom the picture; or hold the space bar",
        gesture="napari", mode="pan_zoom", napari_key="Z",
    ),
    ToolSpec(
        "paint", "Draw", "Paint", (),
        "Paint with the brush: start in a nucleus to extend it, on background to make a new one",
        gesture="napari", mode="paint", napari_key="P",
    ),
    ToolSpec(
        "erase", "Draw", "Erase", (), "Erase with the brush", gesture="napari", mode="erase", napari_key="E",
    ),
    ToolSpec(
        "polygon", "Draw", "Polygon", (),
        "Draw a new nucleus corner by corner; a click on the first corner, or Enter, closes it",
        ask="Click corner after corner; a click on the first one, or Enter, closes the nucleus.",
        gesture="napari", mode="polygon", napari_key="3",
    ),
    ToolSpec(
        "new", "Nuclei", "New", ("A",),
        "Add a nucleus that was missed: click it, or draw around it",
        ask="Click a nucleus that was missed, or draw around it.",
        suits="background", click=deeds.new_here, drag=deeds.new_outlined, closed=True,
        slow=(deeds.new_here, deeds.new_outlined),
    ),
    ToolSpec(
        "delete", "Nuclei", "Delete", ("X", "Delete"),
        "Delete a nucleus; or draw around several to delete all of them",
        ask="Click a nucleus to delete it, or draw around several.",
        click=deeds.delete, drag=deeds.delete_within, closed=True, through=True,
        slow=(deeds.delete_within,),
    ),
    ToolSpec(
        "merge", "Nuclei", "Merge", ("M",),
        "Join nuclei that are one: click two of them, or draw a line through all",
        ask="Click two nuclei that are one, or draw a line through all of them.",
        ask_again="Now click the nucleus that it belongs to.",
        gesture="drag", two_clicks=deeds.merge_two, drag=deeds.merge_along,
    ),
    ToolSpec(
        "cut", "Nuclei", "Split", ("K",),
        "Split a nucleus that is two: draw a line through it, or click the one and then the other",
        ask="Draw a line through a nucleus that is two, from background to background; "
        "or click the one and then the other.",
        ask_again="Now click the other of the two that it is.",
        gesture="drag", two_clicks=deeds.split_two, drag=deeds.split_along,
        slow=(deeds.split_two,),
    ),
    ToolSpec(
        "snap", "Shape", "Snap", ("S",),
        "Move the border of a nucleus onto the edge in the image: in the fluorescence while that is shown",
        ask="Click a nucleus to move its border onto the edge in the image.",
        click=deeds.snap, slow=(deeds.snap,),
    ),
    ToolSpec(
        "smooth", "Shape", "Smooth", ("R",), "Round off the outline of a nucleus",
        ask="Click a nucleus to round off its outline.", click=deeds.smooth, through=True,
    ),
    ToolSpec(
        "fill", "Shape", "Fill holes", ("F",), "Fill the holes of a nucleus",
        ask="Click a nucleus to fill its holes.", click=deeds.fill, through=True,
    ),
    ToolSpec(
        "grow", "Shape", "Grow", ("G",), "Grow a nucleus by one pixel all around",
        ask="Click a nucleus to grow it by one pixel.", click=deeds.grow, through=True,
    ),
    ToolSpec(
        "shrink", "Shape", "Shrink", ("Shift-G",), "Shrink a nucleus by one pixel all around",
        ask="Click a nucleus to shrink it by one pixel.", click=deeds.shrink, through=True,
    ),
    ToolSpec(
        "ignore", "Regions and frames", "Ignore", ("I",),
        "Draw around a region that training and counting leave out; "
        "a click on it, or drawing with Shift, takes the mark off",
        ask="Draw around what to ignore; a click on an ignored region, or drawing with Shift, "
        "takes the mark off.",
        gesture="drag", suits="any", click=deeds.unignore_here, drag=deeds.ignore, closed=True,
        slow=(deeds.unignore_here, deeds.ignore),
    ),
    ToolSpec(
        "copy", "Regions and frames", "Copy on", ("C",),
        "Copy a nucleus to the next frame, moved as the picture moved, and go there",
        ask="Click a nucleus to copy it to the next frame.", click=deeds.copy_on,
        slow=(deeds.copy_on,), next_frame=True,
    ),
    ToolSpec(
        "remove_small", "Clean up this frame", "Remove small ones", ("Shift-S",),
        "Delete the nuclei of this frame that are smaller than the area in the menu",
        gesture="at once", suits="any", click=deeds.remove_small, slow=(deeds.remove_small,),
    ),
    ToolSpec(
        "remove_at_border", "Clean up this frame", "Remove those cut by the edge", ("Shift-E",),
        "Delete the nuclei of this frame that the edge of the picture cuts",
        gesture="at once", suits="any", click=deeds.remove_at_border, slow=(deeds.remove_at_border,),
    ),
    ToolSpec(
        "renumber", "Clean up this frame", "Number anew", ("Shift-R",),
        "Number the nuclei of this frame 1, 2, 3 and so on",
        gesture="at once", suits="any", click=deeds.renumber, slow=(deeds.renumber,),
    ),
)  # fmt: skip
"""In the order in which they are shown."""


def tool_of(name: str) -> ToolSpec | None:
    """Look a tool up.

    Parameters
    ----------
    name : str
        Its name.

    Returns
    -------
    ToolSpec or None
        The tool; None for names of napari's further modes.
    """
    return next((tool for tool in TOOLS if tool.name == name), None)


def tool_of_mode(mode: str) -> str:
    """Name the tool that one of napari's modes is.

    Parameters
    ----------
    mode : str
        napari's mode of a labels layer.

    Returns
    -------
    str
        Its name here; ``"bucket"``, ``"pick"`` and ``"other"`` are tools without an entry.
    """
    known = {tool.mode: tool.name for tool in TOOLS if tool.gesture == "napari"}
    return {"fill": "bucket", "pick": "pick", **known}.get(mode, "other")


DONE: Mapping[str, str] = MappingProxyType(
    {
        "delete": "Nucleus deleted",
        "delete_many": "{n} nuclei deleted",
        "merge": "Two nuclei joined",
        "merge_many": "Nuclei joined into one",
        "split": "Nucleus cut",
        "split_at": "Nucleus cut",
        "snap": "Border moved onto the edge",
        "smooth": "Outline smoothed",
        "fill_holes": "Holes filled",
        "grow": "Size changed",
        "new_at": "Nucleus added",
        "new_polygon": "Nucleus added",
        "new_object": "Nucleus added",
        "ignore": "Region ignored",
        "unignore": "Region no longer ignored",
        "copied": "Nucleus copied",
        "remove_small": "{n} small nuclei deleted",
        "remove_at_border": "{n} nuclei at the edge deleted",
        "relabel": "Nuclei numbered anew",
        "stroke": "Brush stroke",
    }
)
"""What an edit is called when it is done, by `Edit.tool`; ``{n}`` is the number of objects."""
