"""The lines of a sheet: what an expert can say, and how it is written."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from napari_cellseg import __version__

VERSION = 1
LONGEST_NAME = 80

Kind = Literal["wrong", "missed", "unsure"]


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Heading(_Line):
    """The first line: whose sheet it is, and of which review."""

    line: Literal["sheet"] = "sheet"
    version: int = VERSION
    program: str = __version__
    review: str
    expert: str = Field(min_length=1, max_length=LONGEST_NAME)


class Mark(_Line):
    """One mark.

    Attributes
    ----------
    id : int
        Tells it from the other marks of the sheet.
    item : int
        Number of the item.
    kind : {"wrong", "missed", "unsure"}
        A false positive, a missed cell, or something the expert is not sure of.
    object : int
        The object that was clicked; 0 for a place without one.
    y, x : float
        Where, in px of the frame.
    when : str
        UTC, ISO 8601.
    """

    line: Literal["mark"] = "mark"
    id: int = Field(ge=1)
    item: int = Field(ge=1)
    kind: Kind
    object: int = Field(0, ge=0)
    y: float = Field(allow_inf_nan=False)
    x: float = Field(allow_inf_nan=False)
    when: str = ""


class Unmark(_Line):
    """A mark taken back."""

    line: Literal["unmark"] = "unmark"
    id: int = Field(ge=1)
    when: str = ""


class Done(_Line):
    """An item that is finished, for now.

    Attributes
    ----------
    item : int
        Number of the item.
    unsure : bool
        True when the expert cannot judge the item at all.
    seconds : float
        How long it was looked at, this time.
    when : str
        UTC, ISO 8601.
    """

    line: Literal["done"] = "done"
    item: int = Field(ge=1)
    unsure: bool = False
    seconds: float = Field(0.0, ge=0, allow_inf_nan=False)
    when: str = ""


Line = Annotated[Heading | Mark | Unmark | Done, Field(discriminator="line")]

READER: TypeAdapter[Heading | Mark | Unmark | Done] = TypeAdapter(Line)
"""Reads one line."""
