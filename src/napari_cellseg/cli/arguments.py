"""The options of each command."""

from __future__ import annotations

import argparse
from pathlib import Path

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


def declare(command: str, parser: argparse.ArgumentParser) -> None:
    """Declare the options of a command.

    Parameters
    ----------
    command : str
        Its name.
    parser : argparse.ArgumentParser
        Its parser.
    """
    known = {
        "demo": _demo, "open": _open, "inspect": _inspect, "label": _label, "train": _train, "learn": _learn,
        "predict": _predict, "batch": _batch, "measure": _measure, "evaluate": _evaluate,
        "next": add_next_arguments, "corrections": add_correction_commands, "review": add_review_commands,
        "models": add_model_commands, "doctor": _doctor,
    }  # fmt: skip
    known[command](parser)


def _demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--output", "-o", type=Path, default=Path("demo"), help="Folder of the results.")
    parser.add_argument("--show", action="store_true", help="Open the results in napari at the end.")
    parser.add_argument("--minutes", type=float, default=1.5, help="Training time in minutes.")


def _open(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths", nargs="+", type=Path, metavar="PATH", help="Stacks, or the folder of one study."
    )
    parser.add_argument("--model", help="Find and count the nuclei with this model: a name or a folder.")
    parser.add_argument(
        "--screenshot", type=Path, help="Write a picture of the window here (PNG) and close it."
    )


def _inspect(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", type=Path, metavar="PATH", help="A file or a folder.")
    _layout(parser)


def _label(parser: argparse.ArgumentParser) -> None:
    _inputs(parser)
    _output(parser, "Folder of the labels, one file per input, and of verdicts.csv.")
    _fluorescence(parser)
    _reading(parser)
    add_options(parser, LabelConfig)
    add_options(parser, TriageConfig)


def _train(parser: argparse.ArgumentParser) -> None:
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


def _learn(parser: argparse.ArgumentParser) -> None:
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


def _predict(parser: argparse.ArgumentParser) -> None:
    _inputs(parser)
    parser.add_argument("--model", required=True, help="A model's name or folder.")
    _output(
        parser, "Folder of the labels, one file per input, and of counts.csv and cells.csv (or classes.csv)."
    )
    parser.add_argument(
        "--probabilities", action="store_true",
        help="Write the probability of foreground too, as DIR/probabilities/NAME.tif (8 bits, 255 for 1), or "
        "NAME.ome.zarr of images of more than 67 million pixels.",
    )  # fmt: skip
    add_labels_as(parser)
    _image(parser)
    _reading(parser)
    add_options(parser, PredictConfig)
    add_options(parser, MeasureConfig)


def _batch(parser: argparse.ArgumentParser) -> None:
    add_batch_arguments(parser)
    _output(parser, "Folder of the results; what is done there already is not done again.")
    _image(parser)
    _reading(parser)
    add_options(parser, PredictConfig)
    add_options(parser, MeasureConfig)


def _measure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "labels", nargs="+", type=Path, metavar="LABELS", help="Label files or folders of them."
    )
    parser.add_argument(
        "--images", nargs="+", default=[], type=Path, help="Images of the same names, for intensities."
    )
    _output(parser, "Folder of counts.csv and cells.csv.")
    _reading(parser)
    add_options(parser, MeasureConfig)


def _evaluate(parser: argparse.ArgumentParser) -> None:
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


def _doctor(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="Print JSON.")


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
