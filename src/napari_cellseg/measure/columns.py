"""Every column of the result tables, declared once; the tables and their headings derive from here.

Names end in their unit where there is one. Positions count from the centre of the first pixel (0, 0), y down,
x to the right, as in napari. Lengths and areas in µm are there when the pixel size is known, times when the
frame interval is known. Intensities are in the image's own grey levels, one set of columns per channel.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    name : str
        As in the CSV file.
    label : str
        As in a heading, without its unit.
    unit : str
        Unit; empty for pure numbers and text.
    description : str
        What it holds, for the reference.
    needs : str
        ``"pixel size"``, ``"frame interval"``, ``"channel"``, or empty when it is always there.
    scale : int
        For columns that need the pixel size: its power (1 for lengths, 2 for areas).
    """

    name: str
    label: str
    unit: str
    description: str
    needs: str = ""
    scale: int = 0

    @property
    def heading(self) -> str:
        """The label with its unit."""
        return f"{self.label} ({self.unit})" if self.unit else self.label


def _length(name: str, label: str, description: str) -> tuple[Column, Column]:
    return (
        Column(f"{name}_px", label, "px", f"{description}, in px"),
        Column(f"{name}_um", label, "µm", f"{description}, in µm", "pixel size", 1),
    )


def _area(name: str, label: str, description: str) -> tuple[Column, Column]:
    return (
        Column(f"{name}_px", label, "px", f"{description}, in px"),
        Column(f"{name}_um2", label, "µm²", f"{description}, in µm²", "pixel size", 2),
    )


ORIGIN: tuple[Column, ...] = (
    Column("image", "image", "", "Name of the image or movie"),
    Column("model", "model", "", "Name of the model that found the objects; empty when none did"),
    Column("model_hash", "model hash", "", "Fingerprint of that model: the same hash is the same model"),
    Column("program_version", "program version", "", "Version of napari-cellseg"),
    Column("parameters", "parameters", "", "All settings that led to the numbers, as JSON"),
)
"""Where a row comes from; at the end of every row of every table, except the image, which is at its start."""

TIME: tuple[Column, ...] = (
    Column("frame", "frame", "", "Time point, from 0"),
    Column("time_s", "time", "s", "Time since frame 0", "frame interval"),
)
"""When it was."""

SHAPES: tuple[Column, ...] = (
    Column("label", "label", "", "Number of the object in the label image"),
    *_area("area", "area", "Area: number of its pixels"),
    *_length("centroid_y", "y", "Mean y of its pixels"),
    *_length("centroid_x", "x", "Mean x of its pixels"),
    *_length("diameter", "diameter", "Diameter of the circle of the same area"),
    *_length("perimeter", "perimeter", "Length of the outline (scikit-image's estimate for 4-neighbours)"),
    *_length("major_axis", "long axis", "Long axis of the ellipse with the same second moments"),
    *_length("minor_axis", "short axis", "Short axis of the ellipse with the same second moments"),
    Column(
        "eccentricity",
        "eccentricity",
        "",
        "Of that ellipse: distance of its foci over its long axis, 0 (a circle) to 1",
    ),
    Column(
        "orientation_deg",
        "orientation",
        "°",
        "Long axis against the x axis, -90 to 90, up positive",
    ),
    Column(
        "solidity",
        "solidity",
        "",
        "Area over that of its convex hull, pixels as squares; 1: no dents",
    ),
    Column("bbox_y0_px", "top", "px", "First row of its bounding box"),
    Column("bbox_x0_px", "left", "px", "First column of its bounding box"),
    Column("bbox_y1_px", "bottom", "px", "Last row of its bounding box plus one"),
    Column("bbox_x1_px", "right", "px", "Last column of its bounding box plus one"),
)
"""What is measured on the labels alone."""

STATISTICS: tuple[Column, ...] = (
    Column("mean", "mean", "", "Mean intensity of its pixels", "channel"),
    Column("min", "min", "", "Least intensity of its pixels", "channel"),
    Column("max", "max", "", "Largest intensity of its pixels", "channel"),
    Column("std", "std", "", "Standard deviation of the intensity of its pixels", "channel"),
)
"""What is measured on each channel; the column's name is ``STATISTIC_CHANNEL``."""

COUNTS: tuple[Column, ...] = (
    Column("n_by_instances", "objects", "", "Number of objects, counted one by one"),
    Column("n_by_area", "objects by area", "", "Segmented area over the typical area of one object"),
    *_area("typical_area", "typical area", "Area of one object, as used for counting by area"),
    *_area("segmented_area", "segmented area", "Area of all objects together"),
    Column("segmented_fraction", "segmented", "", "Part of the frame that is object, without ignore regions"),
    Column("ignored_fraction", "ignored", "", "Part of the frame that is marked as to be ignored"),
    Column("pixel_size_um", "pixel size", "µm", "Side of a pixel", "pixel size"),
)
"""What is counted on each frame."""

CLASSES: tuple[Column, ...] = (
    Column("class", "class", "", "Number of the class in the label image; 0 is background"),
    *_area("class_area", "area", "Area: number of pixels of the class"),
    Column("class_fraction", "part", "", "Part of the frame that is of the class"),
)
"""What is measured where a model gives every pixel a class."""


def for_channels(channels: Iterable[str]) -> tuple[Column, ...]:
    """Declare the intensity columns of channels.

    Parameters
    ----------
    channels : iterable of str
        Names of the channels.

    Returns
    -------
    tuple of Column
        For each channel, one column per statistic.
    """
    return tuple(
        Column(
            f"{statistic.name}_{channel}",
            f"{channel} {statistic.label}",
            statistic.unit,
            f"{statistic.description}, channel {channel}",
            statistic.needs,
        )
        for channel in channels
        for statistic in STATISTICS
    )


def cell_columns(
    channels: Iterable[str] = (), *, pixel_size: bool = True, frame_interval: bool = True
) -> tuple[Column, ...]:
    """List the columns of ``cells.csv``, one object a row.

    Parameters
    ----------
    channels : iterable of str
        Names of the channels that are measured.
    pixel_size : bool
        Whether the pixel size is known.
    frame_interval : bool
        Whether the frame interval is known.

    Returns
    -------
    tuple of Column
        In the order of the file.
    """
    columns = (ORIGIN[0], *TIME, *SHAPES, *for_channels(channels), *ORIGIN[1:])
    return _known(columns, pixel_size, frame_interval)


def count_columns(*, pixel_size: bool = True, frame_interval: bool = True) -> tuple[Column, ...]:
    """List the columns of ``counts.csv``, one frame a row.

    Parameters
    ----------
    pixel_size : bool
        Whether the pixel size is known.
    frame_interval : bool
        Whether the frame interval is known.

    Returns
    -------
    tuple of Column
        In the order of the file.
    """
    return _known((ORIGIN[0], *TIME, *COUNTS, *ORIGIN[1:]), pixel_size, frame_interval)


def class_columns(*, pixel_size: bool = True, frame_interval: bool = True) -> tuple[Column, ...]:
    """List the columns of ``classes.csv``, one class of one frame a row.

    Parameters
    ----------
    pixel_size : bool
        Whether the pixel size is known.
    frame_interval : bool
        Whether the frame interval is known.

    Returns
    -------
    tuple of Column
        In the order of the file.
    """
    return _known((ORIGIN[0], *TIME, *CLASSES, *ORIGIN[1:]), pixel_size, frame_interval)


def _known(columns: Sequence[Column], pixel_size: bool, frame_interval: bool) -> tuple[Column, ...]:
    known = {"pixel size": pixel_size, "frame interval": frame_interval}
    return tuple(column for column in columns if known.get(column.needs, True))


def heading(name: str) -> str:
    """Say how a column is headed in a table for people.

    Parameters
    ----------
    name : str
        Name of the column in the file.

    Returns
    -------
    str
        Its label with its unit, such as ``"area (µm²)"``; the name itself for one that is not declared.
    """
    channel = name.partition("_")[2]
    declared = (*ORIGIN, *TIME, *SHAPES, *COUNTS, *CLASSES, *for_channels([channel]))
    return next((column.heading for column in declared if column.name == name), name)


def reference() -> str:
    """Write the reference of all columns.

    Returns
    -------
    str
        Markdown: one table for ``counts.csv``, one for ``cells.csv``, one for ``classes.csv``.
    """
    lines: list[str] = []
    for file, columns in (
        ("counts.csv", count_columns()),
        ("cells.csv", cell_columns(["CHANNEL"])),
        ("classes.csv", class_columns()),
    ):
        lines += [f"### {file}", "", "| column | unit | what it holds |", "|---|---|---|"]
        for column in columns:
            sometimes = column.needs in {"pixel size", "frame interval"}
            when = f" (when the {column.needs} is known)" if sometimes else ""
            lines.append(f"| `{column.name}` | {column.unit} | {column.description}{when} |")
        lines.append("")
    return "\n".join(lines)
