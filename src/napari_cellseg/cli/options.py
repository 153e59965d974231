"""Settings as command-line options: one option per field, with its range, unit and tooltip."""

from __future__ import annotations

import argparse
import types
import typing
from typing import Any, TypeVar

from napari_cellseg.config import Config

C = TypeVar("C", bound=Config)


def add_options(parser: argparse.ArgumentParser, config_class: type[Config]) -> None:
    """Add an option for every setting.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        The parser of a subcommand.
    config_class : type of Config
        The settings; their field names become the options' names.
    """
    group = parser.add_argument_group(f"settings: {(config_class.__doc__ or '').split('.', 1)[0].lower()}")
    for name, field in config_class.model_fields.items():
        unit = typing.cast(dict[str, Any], field.json_schema_extra or {}).get("unit", "")
        default = "none" if field.default is None else field.default
        told = f"{field.description} Default: {default} {unit}".rstrip().replace("%", "%%")
        group.add_argument(
            f"--{name.replace('_', '-')}",
            dest=name,
            default=argparse.SUPPRESS,
            help=told,
            **_kind(field.annotation),
        )


def add_labels_as(parser: argparse.ArgumentParser) -> None:
    """Add the option for the format of labels.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        The parser of a subcommand.
    """
    parser.add_argument(
        "--labels-as",
        choices=("auto", "tiff", "ome-zarr"),
        default="auto",
        help="Format of the labels. Default: TIFF, but OME-Zarr for images of more than 67 million pixels. "
        "OME-Zarr needs far less room on the disk while a long movie is counted.",
    )


def _kind(annotation: Any) -> dict[str, Any]:
    """Tell argparse how to read a value of this type; pydantic checks its range afterwards."""
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation is bool:
        return {"action": argparse.BooleanOptionalAction}
    if origin is typing.Literal:
        return {"choices": parts}
    if origin is tuple:
        return {"nargs": "+", "type": parts[0]}
    if origin in (typing.Union, types.UnionType):
        return _kind(next(part for part in parts if part is not types.NoneType))
    return {"type": annotation, "metavar": annotation.__name__.upper()}


def config_from(options: argparse.Namespace, config_class: type[C]) -> C:
    """Make the settings from the options that were given.

    Parameters
    ----------
    options : argparse.Namespace
        What the parser returned.
    config_class : type of Config
        The settings to make; those not given keep their defaults.

    Returns
    -------
    Config
        Of the class that was asked.

    Raises
    ------
    SettingsError
        A value is out of range.
    """
    given = {name: value for name, value in vars(options).items() if name in config_class.model_fields}
    return typing.cast(C, config_class.checked(**given))
