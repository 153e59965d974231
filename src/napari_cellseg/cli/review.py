"""Reviews by experts on the command line: prepare one, report on one. Judging needs the window."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_cellseg.data.stack import Stack


def add_review_commands(parser: argparse.ArgumentParser) -> None:
    """Declare what can be done with reviews.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        The parser of ``review``.
    """
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION", help="What to do.")
    _add_plan(_action(actions, "plan", "Draw at random what experts are to judge, and shuffle it."))
    _add_report(_action(actions, "report", "Count what the experts said: scores, agreement, one page."))


def _action(
    actions: argparse._SubParsersAction[argparse.ArgumentParser], name: str, told: str
) -> argparse.ArgumentParser:
    return actions.add_parser(name, help=told, description=told)


def _add_plan(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "inputs", nargs="+", type=Path, metavar="INPUT", help="A stack, an image, or a folder of images."
    )
    parser.add_argument(
        "--labels", nargs="+", required=True, metavar="NAME=DIR",
        help="What each model or person found: a name, and a folder of label files of the images' names.",
    )  # fmt: skip
    parser.add_argument(
        "--output", "-o", type=Path, required=True, metavar="STUDY",
        help="Folder of the study; the review becomes reviews/NAME in it.",
    )  # fmt: skip
    parser.add_argument("--name", default="review", help="Name of the review. Default: review.")
    parser.add_argument(
        "--items",
        type=int,
        default=60,
        help="How many items each expert judges, over all labels. Default: 60.",
    )
    parser.add_argument(
        "--show", choices=("parts", "whole", "objects"), default="parts",
        help="An item is a part of a frame, a whole frame, or a single object. Default: parts.",
    )  # fmt: skip
    parser.add_argument("--part-px", type=int, default=512, help="Side of a part in px. Default: 512.")
    parser.add_argument("--seed", type=int, default=0, help="The same seed draws the same items. Default: 0.")
    parser.add_argument(
        "--groups", type=Path, metavar="CSV",
        help="Table with the columns image and group. Default: groups as the files' names tell them.",
    )  # fmt: skip
    parser.add_argument("--image-channel", metavar="NAME", help="The channel that is judged on.")
    parser.add_argument("--fluorescence-channel", metavar="NAME", help="The channel that is shown beside it.")


def _add_report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("review", type=Path, metavar="REVIEW", help="Folder of the review.")
    parser.add_argument(
        "--output", "-o", type=Path, metavar="DIR", help="Folder of the report. Default: REVIEW/report."
    )
    parser.add_argument(
        "--radius-px", type=float,
        help="How near two clicks are to mean the same missed cell. Default: half the typical diameter.",
    )  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Prepare a review, or report on one.

    Parameters
    ----------
    options : argparse.Namespace
        ``action`` and its arguments.

    Returns
    -------
    int
        0.
    """
    return _plan(options) if options.action == "plan" else _report(options)


def _plan(options: argparse.Namespace) -> int:
    from napari_cellseg.cli.bar import show
    from napari_cellseg.evaluate.review.plan import read_plan
    from napari_cellseg.evaluate.review.prepare import Wanted
    from napari_cellseg.pipeline.reviewing import plan_review

    wanted = Wanted(
        name=options.name,
        mode="objects" if options.show == "objects" else "frames",
        n_items=options.items,
        crop_px=options.part_px if options.show == "parts" else None,
        seed=options.seed,
    )
    folder = show(
        plan_review(
            options.output,
            _stacks(options.inputs),
            _named(options.labels),
            wanted,
            channel=options.image_channel,
            beside=options.fluorescence_channel,
            groups=options.groups,
        )
    )
    plan = read_plan(folder)
    print(f"{len(plan.items)} items of {len(plan.models)} sets of labels\nReview: {folder}")
    print("To judge: napari, Plugins > Cell segmentation > Expert review, 2 Judge")
    return 0


def _stacks(inputs: list[Path]) -> list[Stack]:
    from napari_cellseg.data.read import open_stacks

    return open_stacks(inputs, z="max")


def _named(told: list[str]) -> dict[str, Path]:
    from napari_cellseg.errors import SettingsError

    named: dict[str, Path] = {}
    for text in told:
        name, separator, folder = text.partition("=")
        if not separator or not name.strip() or not folder or name.strip() in named:
            raise SettingsError(
                f"--labels has {text!r}",
                "NAME=DIR was expected, each with a name of its own",
                "Such as pure=results",
            )
        named[name.strip()] = Path(folder)
    return named


def _report(options: argparse.Namespace) -> int:
    from napari_cellseg.cli.bar import show
    from napari_cellseg.evaluate.review.report import summary, write_review_report

    made = show(write_review_report(options.review, options.output, options.radius_px))
    print("\n".join(summary(made)))
    print(f"Report: {made.page}\nTables: {made.folder}")
    return 0
