"""The command that works on many files at once."""

from __future__ import annotations

import argparse
from pathlib import Path

from napari_cellseg.cli.options import add_labels_as


def run(options: argparse.Namespace) -> int:
    """Find and count objects in many images, on several processors or computers.

    Parameters
    ----------
    options : argparse.Namespace
        Inputs, model, output, who works, settings.

    Returns
    -------
    int
        0; 3 where some failed; 130 after Ctrl-C.
    """
    from napari_cellseg.cli import INTERRUPTED
    from napari_cellseg.cli.bar import show
    from napari_cellseg.cli.commands import reading_of
    from napari_cellseg.cli.options import config_from
    from napari_cellseg.config import MeasureConfig, PredictConfig
    from napari_cellseg.errors import InputError
    from napari_cellseg.learn.registry import find_model
    from napari_cellseg.pipeline.batch import BatchJob, WorkersPlan, items_in, predict_batch
    from napari_cellseg.pipeline.batch.run import OUTCOMES_FILE

    items = items_in(options.inputs)
    job = BatchJob(
        find_model(options.model).absolute(),
        options.output.absolute(),
        config_from(options, PredictConfig),
        config_from(options, MeasureConfig),
        options.image_channel,
        reading_of(options),
        options.labels_as,
    )
    plan = WorkersPlan(options.scheduler or "", options.workers)
    result = show(predict_batch(items, job, plan, same_size=options.same_size))
    failed = result.count("failed")
    print(
        f"{result.count('done')} of {len(items)} images or movies done, {result.count('kept')} done before, "
        f"{failed} failed\nSummary: {result.page}"
    )
    if failed:
        print(f"Why: {options.output / OUTCOMES_FILE}")
    if result.n_left:
        print(f"Stopped before {result.n_left} of them; the same command goes on.")
        return INTERRUPTED
    return InputError.exit_code if failed else 0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options that only this command has.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Of the command.
    """
    parser.add_argument(
        "inputs",
        nargs="+",
        type=Path,
        metavar="INPUT",
        help="Folders, images, patterns, and tables (CSV) with the column path and perhaps name and well.",
    )
    parser.add_argument("--model", required=True, help="A model's name or folder.")
    parser.add_argument(
        "--workers",
        type=int,
        default=0,
        metavar="N",
        help="Processes on this computer. Default: one for each processor, at most 8.",
    )
    parser.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="Work on a Dask cluster that runs already, such as tcp://10.0.0.1:8786.",
    )
    add_labels_as(parser)
    parser.add_argument(
        "--same-size",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="Objects are about as large in all images: where the model measures them, it does so once, on a "
        "few images, and not on every one. Default: yes.",
    )
