"""The arguments of ``models`` and of what can be done with them."""

from __future__ import annotations

import argparse
from pathlib import Path

NAME = "A model's name or folder."


def add_model_commands(parser: argparse.ArgumentParser) -> None:
    """Declare what can be done with models.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        The parser of ``models``; without anything more it lists them.
    """
    actions = parser.add_subparsers(dest="action", metavar="ACTION", help="What to do. Default: list.")

    def add(action: str, told: str, *arguments: tuple[str, str]) -> argparse.ArgumentParser:
        made = actions.add_parser(action, help=told, description=told)
        for name, help_ in arguments:
            made.add_argument(name.lower(), metavar=name, help=help_)
        return made

    add("list", "List the models that are there, with their size, scores and place.")
    add("info", "Tell all that is known about a model.", ("NAME", NAME))
    add("rename", "Give one of your models another name.", ("NAME", NAME), ("NEW", "The new name."))
    add("copy", "Copy a model among your own.", ("NAME", NAME), ("NEW", "Name of the copy."))
    add("note", "Write a note on the card of one of your models.", ("NAME", NAME), ("TEXT", "The note."))
    add("delete", "Put one of your models into the bin; nothing is erased.", ("NAME", NAME))
    add("bin", "List the models in the bin.")
    add("restore", "Take a model out of the bin.", ("NAME", "What it was called, or its name in the bin."))
    _add_compare(add("compare", "Score models on the same labelled images, the best first."))
    _add_export(
        add("export", "Write a model as a bioimage.io package, to be given to others.", ("NAME", NAME))
    )
    taken = add("import", "Take a model from a package that this program exported; nothing of it is run.")
    taken.add_argument("file", type=Path, metavar="FILE", help="The package, a .zip file.")
    taken.add_argument("--name", help="Name of the model. Default: that on its card.")


def _add_compare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="+", metavar="NAME", help=NAME)
    parser.add_argument(
        "--images", nargs="+", type=Path, required=True, metavar="INPUT", help="Stacks, images, or folders."
    )
    parser.add_argument(
        "--labels", type=Path, required=True, metavar="DIR", help="Folder of labels of the same names."
    )
    parser.add_argument(
        "--image-channel", metavar="NAME", help="The label-free channel, by name or number (from 0)."
    )
    parser.add_argument("--output", "-o", type=Path, metavar="FILE", help="Write the table here, as CSV.")


def _add_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--output", "-o", type=Path, required=True, metavar="FILE", help="The package, a .zip file."
    )
    parser.add_argument(
        "--author", action="append", default=[], metavar="NAME", help="Who made the model; may be repeated."
    )
    parser.add_argument(
        "--licence",
        default="",
        metavar="SPDX",
        help="Its licence, such as CC-BY-4.0 (see spdx.org/licenses).",
    )
