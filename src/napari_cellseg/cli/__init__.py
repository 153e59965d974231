"""The command line: one subcommand per step. Results go to standard output, progress to standard error."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Collection, Sequence
from typing import cast

from napari_cellseg import __version__
from napari_cellseg.errors import CellSegError
from napari_cellseg.progress import Cancelled

COMMANDS = {
    "demo": "Do the whole job on the sample study.",
    "open": "Open images or a study in napari, with the panel beside them.",
    "inspect": "Tell how a file or folder is understood: axes, channels, units, names.",
    "label": "Make labels from a fluorescence channel, with a verdict for every frame.",
    "train": "Train a network on labelled images.",
    "learn": "Learn from the corrected frames of a study, and label its other frames anew.",
    "predict": "Find and count the objects in images, or give pixels classes.",
    "batch": "Find and count the objects of many files, on all processors or a cluster.",
    "measure": "Count and measure the objects of label files.",
    "evaluate": "Compare predictions with a known truth; files are matched by name.",
    "next": "Tell which frames of a study to correct next, and why.",
    "corrections": "Show what was corrected by hand, or apply it to labels.",
    "review": "Have experts judge predictions, blind, and report on it.",
    "models": "List the models, put them in order, give and take them.",
    "doctor": "Tell what matters about torch, GPU, Qt and OpenGL, and how to mend it.",
}
"""What each command does; its options are declared in `arguments`."""

_OF_THEIR_OWN = ("batch", "models", "next", "corrections", "review")
"""Commands with a module of their name; the others are functions of `commands`."""

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Arguments without the program's name; those of the process when not given.

    Returns
    -------
    int
        0: done. 1: unforeseen. 2: settings. 3: input. 4: model. 5: training. 6: storage. 130: interrupted.
    """
    words = sys.argv[1:] if arguments is None else arguments
    options = make_parser([word for word in words if word in COMMANDS][:1]).parse_args(words)
    try:
        return _command(options.command)(options)
    except CellSegError as error:
        print(f"napari-cellseg: {error}", file=sys.stderr)
        return error.exit_code
    except Cancelled:
        print("napari-cellseg: stopped before there was anything to keep.", file=sys.stderr)
        return INTERRUPTED
    except KeyboardInterrupt:
        print("napari-cellseg: ended at once. Files that were finished are kept.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output, such as head, had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _command(name: str) -> Callable[[argparse.Namespace], int]:
    """Import a command only when it runs, so that --help stays instant."""
    if name in _OF_THEIR_OWN:
        run = importlib.import_module(f"napari_cellseg.cli.{name}").run
    else:
        run = getattr(importlib.import_module("napari_cellseg.cli.commands"), name)
    return cast(Callable[[argparse.Namespace], int], run)


def make_parser(complete: Collection[str] = tuple(COMMANDS)) -> argparse.ArgumentParser:
    """Declare the commands.

    Parameters
    ----------
    complete : collection of str
        Commands whose options are declared too, which takes long: all of them when not given.

    Returns
    -------
    argparse.ArgumentParser
        One subparser per command.
    """
    parser = argparse.ArgumentParser(
        prog="napari-cellseg",
        description="Train a cell-finding U-Net on your own microscope's images, and count cells with it.",
        epilog="Exit codes: 0 done, 2 settings, 3 input, 4 model, 5 training, 6 storage, 130 interrupted.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, told in COMMANDS.items():
        command = commands.add_parser(name, help=told, description=told)
        if name in complete:
            from napari_cellseg.cli.arguments import declare  # brings all settings

            declare(name, command)
    return parser
