"""The command line: one subcommand per step. Results go to standard output, progress to standard error."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, cast

from napari_cellseg import __version__
from napari_cellseg.cli.batch import add_arguments as add_batch_arguments
from napari_cellseg.cli.corrections import add_correction_commands
from napari_cellseg.cli.model_options import add_model_commands
from napari_cellseg.cli.next import add_arguments as add_next_arguments
from napari_cellseg.cli.options import add_labels_as, add_options
from napari_cellseg.cli.review import add_review_commands
from napari_cellseg.config import (
    LabelConfig,
    LearnConfig,
    MeasureConfig,
    NetConfig,
    PredictConfig,
    TrainConfig,
    TriageConfig,
)
from napari_cellseg.errors import CellSegError
from napari_cellseg.progress import Cancelled

if TYPE_CHECKING:
    _Commands: TypeAlias = argparse._SubParsersAction[argparse.ArgumentParser]

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
    options = make_parser().parse_args(arguments)
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


def make_parser() -> argparse.ArgumentParser:
    """Declare all commands and their options.

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
    for add in (
        _demo, _open, _inspect, _label, _train, _learn, _predict, _batch, _measure, _evaluate, _next,
        add_correction_commands, _review, _models, _doctor,
    ):  # fmt: skip
        add(commands)
    return parser


def _demo(commands: _Commands) -> None:
    parser = _add(commands, "demo", "Do the whole job on the sample study.")
    parser.add_argument("--output", "-o", type=Path, default=Path("demo"), help="Folder of the results.")
    parser.add_argument("--show", action="store_true", help="Open the results in napari at the end.")
    parser.add_argument("--minutes", type=float, default=1.5, help="Training time in minutes.")


def _open(commands: _Commands) -> None:
    parser = _add(commands, "open", "Open images or a study in napari, with the panel beside them.")
    parser.add_argument(
        "paths", nargs="+", type=Path, metavar="PATH", help="Stacks, or the folder of one study."
    )
    parser.add_argument("--model", help="Find and count the nuclei with this model: a name or a folder.")
    parser.add_argument(
        "--screenshot", type=Path, help="Write a picture of the window here (PNG) and close it."
    )


def _inspect(commands: _Commands) -> None:
    parser = _add(
        commands, "inspect", "Tell how a file or folder is understood: axes, channels, units, names."
    )
    parser.add_argument("path", type=Path, metavar="PATH", help="A file or a folder.")
    _layout(parser)


def _label(commands: _Commands) -> None:
    parser = _add(
        commands, "label", "Make labels from a fluorescence channel, with a verdict for every frame."
    )
    _inputs(parser)
    _output(parser, "Folder of the labels, one file per input, and of verdicts.csv.")
    _fluorescence(parser)
    _reading(parser)
    add_options(parser, LabelConfig)
    add_options(parser, TriageConfig)


def _train(commands: _Commands) -> None:
    parser = _add(commands, "train", "Train a network on labelled images.")
    _inputs(parser)
    parser.add_argument(
        "--labels", type=Path, required=True, metavar="DIR", help="Folder of labels of the same names."
    )
    parser.add_argument(
        "--checked", action="store_true",
        help="People drew or checked these labels, and no object is without: how sure the network must be "
        "of an object is then found out too. Not for labels made automatically.",
    )  # fmt: skip
    parser.add_argument("--model", metavar="BASE", help="Go on from this model: a name or a folder.")
    _output(parser, "Folder of the new model.", metavar="MODEL_DIR")
    _image(parser)
    _reading(parser)
    add_options(parser, TrainConfig)
    add_options(parser, NetConfig)


def _learn(commands: _Commands) -> None:
    parser = _add(
        commands, "learn", "Learn from the corrected frames of a study, and label its other frames anew."
    )
    parser.add_argument("study", type=Path, metavar="STUDY", help="The folder of a study, closed in napari.")
    parser.add_argument(
        "--model", metavar="BASE",
        help="Go on from this model: a name or a folder. Default: the one that learned last, or one that "
        "comes with the program.",
    )  # fmt: skip
    parser.add_argument(
        "--take", action=argparse.BooleanOptionalAction, default=True,
        help="Take the proposals into the corrected labels: never into frames that a person corrected, "
        "accepted or rejected. Default: yes.",
    )  # fmt: skip
    add_options(parser, LearnConfig)


def _predict(commands: _Commands) -> None:
    parser = _add(commands, "predict", "Find and count the objects in images, or give pixels classes.")
    _inputs(parser)
    parser.add_argument("--model", required=True, help="A model's name or folder.")
    _output(
        parser, "Folder of the labels, one file per input, and of counts.csv and cells.csv (or classes.csv)."
    )
    parser.add_argument(
        "--probabilities", action="store_true",
        help="Write the probability of foreground too, as DIR/probabilities/NAME.tif (8 bits, 255 for 1).",
    )  # fmt: skip
    add_labels_as(parser)
    _image(parser)
    _reading(parser)
    add_options(parser, PredictConfig)
    add_options(parser, MeasureConfig)


def _batch(commands: _Commands) -> None:
    parser = _add(
        commands, "batch", "Find and count the objects of many files, on all processors or a cluster."
    )
    add_batch_arguments(parser)
    _output(parser, "Folder of the results; what is done there already is not done again.")
    _image(parser)
    _reading(parser)
    add_options(parser, PredictConfig)
    add_options(parser, MeasureConfig)


def _measure(commands: _Commands) -> None:
    parser = _add(commands, "measure", "Count and measure the objects of label files.")
    parser.add_argument(
        "labels", nargs="+", type=Path, metavar="LABELS", help="Label files or folders of them."
    )
    parser.add_argument(
        "--images", nargs="+", default=[], type=Path, help="Images of the same names, for intensities."
    )
    _output(parser, "Folder of counts.csv and cells.csv.")
    _reading(parser)
    add_options(parser, MeasureConfig)


def _evaluate(commands: _Commands) -> None:
    parser = _add(commands, "evaluate", "Compare predictions with a known truth; files are matched by name.")
    parser.add_argument("truth", type=Path, metavar="TRUTH_DIR", help="Folder of true labels, or one file.")
    parser.add_argument(
        "prediction", type=Path, metavar="PREDICTION_DIR", help="Folder of predicted labels, or one file."
    )
    parser.add_argument("--images", type=Path, metavar="DIR", help="Images of the same names, to draw on.")
    parser.add_argument(
        "--probabilities", type=Path, metavar="DIR",
        help="Predicted probabilities of the same names, to be checked too: fractions, or 8 or 16 bits.",
    )  # fmt: skip
    parser.add_argument(
        "--groups", type=Path, metavar="CSV",
        help="Table with the columns image and group. Default: groups as the files' names tell them.",
    )  # fmt: skip
    parser.add_argument(
        "--output", "-o", type=Path, metavar="DIR",
        help="Folder of the report, scores, tables and overlay pictures. Default: PREDICTION_DIR/evaluation.",
    )  # fmt: skip
    parser.add_argument(
        "--report", action=argparse.BooleanOptionalAction,
        help="Write report.html and its tables as CSV. Default: yes, but not with --json.",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="Print JSON only, no table.")


def _next(commands: _Commands) -> None:
    add_next_arguments(_add(commands, "next", "Tell which frames of a study to correct next, and why."))


def _review(commands: _Commands) -> None:
    add_review_commands(_add(commands, "review", "Have experts judge predictions, blind, and report on it."))


def _models(commands: _Commands) -> None:
    add_model_commands(_add(commands, "models", "List the models, put them in order, give and take them."))


def _doctor(commands: _Commands) -> None:
    parser = _add(
        commands, "doctor", "Tell what matters about torch, GPU, Qt and OpenGL, and how to mend it."
    )
    parser.add_argument("--json", action="store_true", help="Print JSON.")


def _add(commands: _Commands, name: str, told: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=told, description=told)
    return parser


def _inputs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "inputs", nargs="+", type=Path, metavar="INPUT", help="A stack, an image, or a folder of images."
    )


def _output(parser: argparse.ArgumentParser, told: str, metavar: str = "DIR") -> None:
    parser.add_argument("--output", "-o", type=Path, required=True, metavar=metavar, help=told)


def _image(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--image-channel", metavar="NAME", help="The label-free channel, by name or number (from 0)."
    )


def _fluorescence(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--fluorescence-channel", metavar="NAME", help="The fluorescence channel, by name or number (from 0)."
    )


def _reading(parser: argparse.ArgumentParser) -> None:
    group = _layout(parser)
    group.add_argument("--z", help="With several planes: max, middle, or a number from 0. Default: max.")
    group.add_argument(
        "--pixel-size-um", type=float, help="Side of a pixel in µm, where the file does not tell."
    )
    group.add_argument(
        "--frame-interval-s", type=float, help="Time between frames in s, where the file does not tell."
    )


def _layout(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    group = parser.add_argument_group("reading")
    group.add_argument(
        "--axes", help="The order of the axes, such as TCYX, where the file does not tell or is wrong."
    )
    group.add_argument("--series", type=int, default=0, help="Which series of the file, from 0.")
    return group
