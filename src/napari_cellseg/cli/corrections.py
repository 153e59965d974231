"""What can be done with corrections on the command line: look at them, and apply them to labels."""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from napari_cellseg.errors import InputError

if TYPE_CHECKING:
    from napari_cellseg.label.journal import Journal

COLUMNS = ("step", "when", "who", "tool", "frame", "y0", "x0", "y1", "x1")


def add_correction_commands(parser: argparse.ArgumentParser) -> None:
    """Declare what can be done with corrections.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        The parser of ``corrections``.
    """
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    told = "List the corrections of a study that are in effect."
    show = actions.add_parser("show", help=told, description=told)
    show.add_argument("study", type=Path, metavar="STUDY", help="Folder of the study, or its journal.")
    show.add_argument("--csv", action="store_true", help="As a table (CSV), with the box of each in px.")
    told = "Apply a journal to the labels that it was begun on, or that hold some of it."
    replay = actions.add_parser("replay", help=told, description=told)
    replay.add_argument(
        "journal", type=Path, metavar="JOURNAL", help="The journal: journal.jsonl of a study."
    )
    replay.add_argument("labels", type=Path, metavar="LABELS", help="Labels as .npy, axes TYX; not changed.")
    replay.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="The .npy file to make; never overwritten."
    )


def run(options: argparse.Namespace) -> int:
    """Do what was asked of corrections.

    Parameters
    ----------
    options : argparse.Namespace
        ``action`` and its arguments.

    Returns
    -------
    int
        0.
    """
    {"show": _show, "replay": _replay}[options.action](options)
    return 0


def rows(journal: Journal) -> Iterator[tuple[object, ...]]:
    """List what is in effect.

    Parameters
    ----------
    journal : Journal
        The corrections.

    Yields
    ------
    tuple
        The values of `COLUMNS`, one row for each edit, the oldest first; of proposals, one row without a box
        for each frame.
    """
    from napari_cellseg.label.journal import EditStep

    for number, step in enumerate(journal.steps(), 1):
        if isinstance(step, EditStep):
            for edit in step.edits:
                yield number, edit.when, edit.who, edit.tool, edit.frame, *edit.bbox
        else:
            for t in sorted(step.frames):
                yield number, step.when, step.who, "proposals taken", t, "", "", "", ""


def _show(options: argparse.Namespace) -> None:
    found = rows(_journal_of(options.study))
    if options.csv:
        table = csv.writer(sys.stdout, lineterminator="\n")
        table.writerow(COLUMNS)
        table.writerows(found)
        return
    step: object = 0
    for step, when, who, tool, frame, *box in found:
        local = f"{datetime.fromisoformat(str(when)).astimezone():%Y-%m-%d %H:%M:%S}" if when else "-"
        y0, x0, y1, x1 = box
        where = f"y {y0} to {y1}, x {x0} to {x1} px" if y0 != "" else ""
        print(f"{step}\t{local}\t{who or '-'}\t{tool}\tframe {frame}\t{where}".rstrip())
    if not step:
        print("No corrections are in effect.")


def _replay(options: argparse.Namespace) -> None:
    from napari_cellseg.cli.bar import show
    from napari_cellseg.data.project import open_label_movie
    from napari_cellseg.data.storage import atomic_file
    from napari_cellseg.label.journal import Journal, apply_edits
    from napari_cellseg.live.correcting import copy_labels

    if not options.journal.is_file():
        raise InputError(f"There is no journal {options.journal}", "", "Give journal.jsonl of a study")
    if options.out.exists():
        raise InputError(f"{options.out} is there already", "", "Choose another name")
    journal = Journal(options.journal, open_label_movie(options.labels, "r").shape)
    with atomic_file(options.out) as partial:
        show(copy_labels(options.labels, partial))
        movie = open_label_movie(partial)
        apply_edits(movie, journal)
        movie.flush()  # type: ignore[attr-defined]
        del movie
    print(f"Labels: {options.out}")


def _journal_of(path: Path) -> Journal:
    from napari_cellseg.data.project import Study
    from napari_cellseg.label.journal import Journal

    journal = path if path.is_file() and path.suffix == ".jsonl" else Study.open(path).journal
    return Journal(journal)
