"""The plan of a review: what the experts judge, in which order, and where it comes from.

A review is a folder, ``reviews/NAME`` in the study's folder: ``plan.json``, one file an item under ``items``,
one sheet an expert under ``sheets``. It holds all that judging needs, so that it can be copied to another
expert's computer. Only the plan says which model an item is of; whoever judges never reads that.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from napari_cellseg import __version__
from napari_cellseg.errors import InputError

REVIEWS = "reviews"
"""Name of the folder of all reviews in a study's folder."""

PLAN_JSON, ITEMS, SHEETS, REPORT = "plan.json", "items", "sheets", "report"
VERSION = 1

Mode = Literal["frames", "objects"]
Box = tuple[int, int, int, int]
"""First row, first column, and the row and column behind the last; px of the frame."""

_MOST_ITEMS = 10_000
_MOST_BYTES = 1 << 28


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LabelFile(_Record):
    """Where the labels of one movie come from.

    Attributes
    ----------
    movie : str
        Name of the image or movie.
    path : str
        The file, or the name of the layer.
    sha256 : str
        Of the file as it was; empty for a layer.
    """

    movie: str
    path: str
    sha256: str = ""


class Model(_Record):
    """One set of labels that is judged: of a network, of another program, or of a person.

    Attributes
    ----------
    key : str
        A letter; what items call it.
    name : str
        What people call it; it is shown in the report only.
    files : tuple of LabelFile
        Where its labels come from.
    """

    key: str = Field(pattern="^[a-z]+$")
    name: str = Field(min_length=1)
    files: tuple[LabelFile, ...] = ()


class Movie(_Record):
    """One image or movie.

    Attributes
    ----------
    name, group : str
        Its name, and its position, well or experiment.
    paths : tuple of str
        Its files, or the name of the layer.
    sha256 : str
        Of all its files, one after the other; empty for a layer.
    channel, fluorescence : str
        The channels shown, by name; the second may be empty.
    n_frames : int
        Number of time points.
    """

    name: str
    group: str = ""
    paths: tuple[str, ...] = ()
    sha256: str = ""
    channel: str = ""
    fluorescence: str = ""
    n_frames: int = Field(1, ge=1)


class Item(_Record):
    """One thing to judge.

    Attributes
    ----------
    number : int
        Its place in the order in which all experts see the items, from 1.
    sha256 : str
        Of its file, see `napari_cellseg.evaluate.review.pack`.
    model : str
        `Model.key`.
    movie : str
        `Movie.name`.
    frame : int
        Time point, from 0.
    part : str
        Part of the movie's time: early, middle or late; empty for single images.
    box : tuple of int
        What is judged. Objects whose centroid lies in it count.
    window : tuple of int
        What is shown: the box and a margin.
    objects : tuple of int
        Labels of the objects that are judged.
    """

    number: int = Field(ge=1)
    sha256: str
    model: str
    movie: str
    frame: int = Field(ge=0)
    part: str = ""
    box: Box
    window: Box
    objects: tuple[int, ...]

    @property
    def file(self) -> str:
        """Its file, within the review's folder."""
        return f"{ITEMS}/{self.number:04d}.npz"

    @property
    def place(self) -> tuple[str, int]:
        """The frame that it is of: movie and time point; what the bootstrap draws."""
        return self.movie, self.frame

    @model_validator(mode="after")
    def _box_in_window(self) -> Item:
        (y0, x0, y1, x1), (top, left, bottom, right) = self.box, self.window
        if not (0 <= top <= y0 < y1 <= bottom and 0 <= left <= x0 < x1 <= right):
            raise ValueError(f"the box {self.box} of item {self.number} is not within {self.window}")
        if len(set(self.objects)) < len(self.objects) or any(label < 1 for label in self.objects):
            raise ValueError(f"the objects of item {self.number} are no labels")
        return self


class ReviewPlan(_Record):
    """What ``plan.json`` holds.

    Attributes
    ----------
    schema_name, version
        What kind of file this is, and the version of its layout.
    program, created
        Which version of the program made it, and when (UTC, ISO 8601).
    id : str
        Tells it from all other reviews; sheets name it.
    name : str
        What the review is called.
    mode : {"frames", "objects"}
        What an item is: a frame or part of it with all its objects, or one object.
    seed : int
        Of all random draws.
    object_diameter_px : float
        Median diameter of a disc of an object's area, over the items; 0 when there are no objects.
    pixel_size_um : float or None
        Side of a pixel in µm, where all movies have the same.
    models, movies, items
        What is judged.
    """

    schema_name: Literal["napari-cellseg review"] = Field("napari-cellseg review", alias="schema")
    version: int = VERSION
    program: str = __version__
    created: str = ""
    id: str = Field(min_length=8, max_length=64)
    name: str = Field(min_length=1)
    mode: Mode = "frames"
    seed: int = 0
    object_diameter_px: float = Field(0.0, ge=0, allow_inf_nan=False)
    pixel_size_um: float | None = Field(None, gt=0, allow_inf_nan=False)
    models: tuple[Model, ...] = Field(min_length=1)
    movies: tuple[Movie, ...] = Field(min_length=1)
    items: tuple[Item, ...] = Field(min_length=1, max_length=_MOST_ITEMS)

    @model_validator(mode="after")
    def _fits_together(self) -> ReviewPlan:
        keys, movies = [model.key for model in self.models], [movie.name for movie in self.movies]
        names = [model.name for model in self.models]
        for what, listed in (("model", keys), ("model", names), ("movie", movies)):
            if len(set(listed)) < len(listed):
                raise ValueError(f"two have the same name: {what}")
        if [item.number for item in self.items] != list(range(1, len(self.items) + 1)):
            raise ValueError("the items are not numbered 1, 2, ...")
        for item in self.items:
            if item.model not in keys or item.movie not in movies:
                raise ValueError(f"item {item.number} is of no model or movie of the plan")
        return self

    def item(self, number: int) -> Item:
        """Look an item up.

        Parameters
        ----------
        number : int
            From 1.

        Returns
        -------
        Item
            The item.
        """
        return self.items[number - 1]

    def name_of(self, key: str) -> str:
        """Say what a model is called.

        Parameters
        ----------
        key : str
            `Model.key`.

        Returns
        -------
        str
            `Model.name`.
        """
        return next(model.name for model in self.models if model.key == key)

    def group_of(self, item: Item) -> str:
        """Say which group an item belongs to.

        Parameters
        ----------
        item : Item
            The item.

        Returns
        -------
        str
            The group of its movie; may be empty.
        """
        return next(movie.group for movie in self.movies if movie.name == item.movie)

    def as_json(self) -> str:
        """Write it as JSON.

        Returns
        -------
        str
            What ``plan.json`` holds.
        """
        return self.model_dump_json(by_alias=True, indent=1) + "\n"


def read_plan(folder: Path) -> ReviewPlan:
    """Read the plan of a review.

    Parameters
    ----------
    folder : Path
        The folder of the review, or the ``plan.json`` in it.

    Returns
    -------
    ReviewPlan
        The plan; the files of its items are not looked at yet.

    Raises
    ------
    InputError
        There is none, it is damaged, or of a later version.
    """
    file = folder if folder.name == PLAN_JSON else folder / PLAN_JSON
    told = _json(file)
    if not isinstance(told, dict) or told.get("schema") != "napari-cellseg review":
        raise InputError(f"{file} is no plan of a review", "", "Choose the folder of a review")
    version = told.get("version")
    if isinstance(version, int) and version > VERSION:
        raise InputError(
            f"{file} was written by a later version of napari-cellseg (layout {version})",
            f"This version reads layouts up to {VERSION}",
            "Update napari-cellseg",
        )
    try:
        return ReviewPlan.model_validate_json(json.dumps(told))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f"{file} is damaged: {where + ': ' if where else ''}{first['msg']}",
            "It was expected as this program writes it",
            "Prepare the review anew, or put back a copy of the file",
        ) from error


def _json(file: Path) -> Any:
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise InputError(f"{file} is far larger than any plan", "", "Choose the folder of a review")
        return json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{file.parent} holds no review", "", "Choose the folder of a review") from error
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(
            f"{file} cannot be read ({error})", "It is a JSON file", "Put back a copy of it"
        ) from error


def reviews_in(study: Path) -> list[Path]:
    """List the reviews of a study.

    Parameters
    ----------
    study : Path
        The study's folder.

    Returns
    -------
    list of Path
        Folders that hold a plan, the newest first.
    """
    plans = (study / REVIEWS).glob(f"*/{PLAN_JSON}")
    made = [(file.stat().st_mtime, file.parent) for file in plans if not file.parent.name.startswith(".")]
    return [folder for _, folder in sorted(made, reverse=True)]
