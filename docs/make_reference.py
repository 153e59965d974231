"""Write ``command-line.md`` and ``tables.md`` from the program; a test sees that they are up to date."""

from __future__ import annotations

import argparse
from pathlib import Path

from napari_cellseg.cli import make_parser
from napari_cellseg.measure.columns import reference

FOLDER = Path(__file__).parent

_HEAD = """# Command line

Every step of the job is a command; `python -m napari_cellseg` is the same as `napari-cellseg`. Progress
goes to standard error, results to standard output. An INPUT is a stack, an image, or a folder of images
(TIFF, PNG, JPEG). Files of one folder become one stack where their names tell channels, times and planes of
one field of view; `inspect` shows how names and axes are understood. Where a file has several channels, the
label-free and the fluorescence channel are told apart by their names (phase, brightfield, BF, DIC, ...
against DAPI, Hoechst, nuclear, GFP, ...) or by an option; what is ambiguous is an error that lists the
channels. Labels are matched to images by name.

The first Ctrl-C stops and keeps what is done; the second ends at once.

| exit code | meaning |
| --- | --- |
| 0 | done |
| 1 | unforeseen; for `doctor`, something should be mended |
| 2 | a setting or argument cannot be used |
| 3 | an input cannot be used |
| 4 | a model is missing, damaged or altered |
| 5 | training failed |
| 6 | the disk is full, or a folder cannot be written |
| 130 | interrupted before there was anything to keep |
"""

_TABLES = """# Columns of the tables

`counts.csv` has one row a frame, `cells.csv` one row an object. Columns in µm are there when the pixel size
is known.
"""


def command_line() -> str:
    """Describe all commands and their options in Markdown."""
    parts = [_HEAD]
    (commands,) = (
        action for action in make_parser()._actions if isinstance(action, argparse._SubParsersAction)
    )
    for name, parser in commands.choices.items():
        rows = [_row(action) for action in parser._actions if not isinstance(action, argparse._HelpAction)]
        parts.append(f"## {name}\n\n{parser.description}\n")
        if rows:
            parts.append("| argument | meaning |\n| --- | --- |\n" + "\n".join(rows) + "\n")
    return "\n".join(parts)


def _row(action: argparse.Action) -> str:
    shown = ", ".join(f"`{flag}`" for flag in action.option_strings) or f"`{action.metavar or action.dest}`"
    choices = f" One of {', '.join(map(str, action.choices))}." if action.choices else ""
    return f"| {shown} | {(action.help or '').replace('%%', '%')}{choices} |"


def tables() -> str:
    """Describe all columns in Markdown."""
    return f"{_TABLES}\n{reference()}\n"


if __name__ == "__main__":
    (FOLDER / "command-line.md").write_text(command_line(), encoding="utf-8")
    (FOLDER / "tables.md").write_text(tables(), encoding="utf-8")
