"""Groups of images as the person tells them, in a table with the columns image and group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from napari_cellseg.data.files import SUFFIXES
from napari_cellseg.data.match import bare_stem
from napari_cellseg.errors import InputError

_EXPECTED = "A table with the columns image and group was expected, one row an image"


def read_groups(path: Path) -> dict[str, str]:
    """Read which group each image belongs to.

    Parameters
    ----------
    path : Path
        A CSV file with the columns ``image`` and ``group`` (others are passed over), separated by commas,
        semicolons or tabs, as spreadsheets write them.

    Returns
    -------
    dict
        Group by image, as they are written; rows without a group are left out.

    Raises
    ------
    InputError
        There is no such file, it is no such table, or an image is in two groups.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read ({error})", _EXPECTED, "Save it as CSV UTF-8") from error
    head = text.partition("\n")[0]
    separator = max(",;\t", key=head.count)
    try:
        table = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except ValueError as error:  # pandas' own errors are among them
        raise InputError(f"{path} is no table ({error})", _EXPECTED) from error
    table.columns = table.columns.str.strip().str.lower()
    if not {"image", "group"} <= set(table.columns):
        raise InputError(f"{path} has the columns {', '.join(map(str, table.columns))}", _EXPECTED)
    groups: dict[str, str] = {}
    for image, group in zip(table["image"].str.strip(), table["group"].str.strip(), strict=True):
        if image and group and groups.setdefault(image, group) != group:
            raise InputError(
                f"{path} puts {image} into the groups {groups[image]} and {group}",
                "An image belongs to one group",
                "Take one of the rows out",
            )
    return groups


def groups_of(names: Iterable[str], groups: Mapping[str, str], source: str = "") -> dict[str, str]:
    """Find the group of every image.

    Parameters
    ----------
    names : iterable of str
        Names of the images, as they are evaluated.
    groups : mapping of str to str
        From `read_groups`; an image may be written with its ending, and with or without ``_mask`` and the
        like.
    source : str
        Where the groups are from, for the message.

    Returns
    -------
    dict
        Group by name; images that are not in the table are left out.

    Raises
    ------
    InputError
        None of the images is in the table.
    """
    exact = {_without_ending(image): group for image, group in groups.items()} | dict(groups)
    loose = {_bare(image): group for image, group in exact.items()}
    wanted = list(names)
    found = {name: exact.get(name) or loose.get(_bare(name)) for name in wanted}
    known = {name: group for name, group in found.items() if group}
    if not known:
        raise InputError(
            f"None of the {len(wanted)} images is named in the groups {source}".rstrip(),
            f"The images are {', '.join(wanted[:5])}{', ...' if len(wanted) > 5 else ''}",
            "Write these names into the column image",
        )
    return known


def _without_ending(name: str) -> str:
    path = Path(name)
    return path.stem if path.suffix.lower() in SUFFIXES else name


def _bare(name: str) -> str:
    return bare_stem(f"{name}.tif")
