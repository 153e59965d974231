"""What each subcommand does: read the inputs, follow the step, print what came of it."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from napari_cellseg.cli.bar import show
from napari_cellseg.cli.options import config_from
from napari_cellseg.config import (
    LabelConfig,
    LearnConfig,
    MeasureConfig,
    NetConfig,
    PredictConfig,
    TrainConfig,
    TriageConfig,
)
from napari_cellseg.data.stack import Stack, ZChoice


def inspect(options: argparse.Namespace) -> int:
    """Tell how a file or folder is understood.

    Parameters
    ----------
    options : argparse.Namespace
        The path, and how to read it.

    Returns
    -------
    int
        0.
    """
    from napari_cellseg.data.read import inspect as inspect_path

    print("\n".join(inspect_path(options.path, axes=options.axes, series=options.series).lines()))
    return 0


def label(options: argparse.Namespace) -> int:
    """Make labels from fluorescence.

    Parameters
    ----------
    options : argparse.Namespace
        Inputs, output, settings.

    Returns
    -------
    int
        0.
    """
    from napari_cellseg.label.folder import VERDICTS
    from napari_cellseg.pipeline import label_stacks

    table = show(
        label_stacks(
            _stacks(options, options.inputs),
            options.output,
            channel=options.fluorescence_channel,
            config=config_from(options, LabelConfig),
            triage=config_from(options, TriageConfig),
        )
    )
    kept = table[table["keep"]]
    print(f"{len(kept)} of {len(table)} frames kept, {kept['n_objects'].sum()} nuclei in them")
    print(f"Labels: {options.output}\nReasons for every frame: {options.output / VERDICTS}")
    return 0


def train(options: argparse.Namespace) -> int:
    """Train a network.

    Parameters
    ----------
    options : argparse.Namespace
        Inputs, labels, base model, output, settings.

    Returns
    -------
    int
        0.
    """
    from napari_cellseg.learn.registry import find_model
    from napari_cellseg.pipeline import train_on_labels

    model = show(
        train_on_labels(
            _stacks(options, options.inputs),
            options.labels,
            options.output,
            channel=options.image_channel,
            config=config_from(options, TrainConfig),
            net=config_from(options, NetConfig),
            base=find_model(options.model) if options.model else None,
            checked=options.checked,
        )
    )
    print(f"Model: {model}")
    return 0


def learn(options: argparse.Namespace) -> int:
    """Learn from the corrections of a study.

    Parameters
    ----------
    options : argparse.Namespace
        The study, the model to go on from, settings.

    Returns
    -------
    int
        0.
    """
    from napari_cellseg.data.project import Study
    from napari_cellseg.live.choosing import models_to_go_on_from
    from napari_cellseg.pipeline import learn_study

    study = Study.open(options.study)
    bases = models_to_go_on_from(study, options.model)
    done = show(learn_study(study, bases, config_from(options, LearnConfig), take=options.take))
    point = done.learned.point
    frames = "the frames it learned from (too good)" if point.flatters else f"{len(point.exam)} other frames"
    print(f"Model: {done.learned.model}")
    print(f"AP50 on {frames}: {point.ap50:.2f}, before {point.ap50_before:.2f}")
    if not point.kept:
        print(f"It is worse than {point.before}, which stays in use; nothing was proposed.")
    print(f"New labels in {len(done.taken)} uncorrected frames")
    return 0


def predict(options: argparse.Namespace) -> int:
    """Find and count objects, or give pixels classes, as the model has learned.

    Parameters
    ----------
    options : argparse.Namespace
        Inputs, model, output, settings.

    Returns
    -------
    int
        0.
    """
    from napari_cellseg.learn.card import read_card
    from napari_cellseg.learn.registry import find_model
    from napari_cellseg.pipeline import predict_stacks

    stacks, model = _stacks(options, options.inputs), find_model(options.model)
    if read_card(model).net.classes:
        return _predict_classes(options, stacks, model)
    cells = show(
        predict_stacks(
            stacks,
            model,
            options.output,
            channel=options.image_channel,
            config=config_from(options, PredictConfig),
            measuring=config_from(options, MeasureConfig),
            probabilities=options.probabilities,
            labels_as=options.labels_as,
        )
    )
    return _tell_counts(len(cells.cells), len(cells.counts), options.output)


def _predict_classes(options: argparse.Namespace, stacks: list[Stack], model: Path) -> int:
    from napari_cellseg.measure.classes import CLASSES_FILE
    from napari_cellseg.pipeline import predict_classes

    table = show(
        predict_classes(
            stacks,
            model,
            options.output,
            channel=options.image_channel,
            config=config_from(options, PredictConfig),
            probabilities=options.probabilities,
        )
    )
    parts = table.groupby("class")["class_area_px"].sum() / table["class_area_px"].sum()
    told = ", ".join(f"class {number} {part:.1%}" for number, part in parts.items())
    print(f"Of all pixels: {told}\nAreas: {options.output / CLASSES_FILE}")
    return 0


def measure(options: argparse.Namespace) -> int:
    """Count and measure the objects of label files.

    Parameters
    ----------
    options : argparse.Namespace
        Label files, images, output, settings.

    Returns
    -------
    int
        0.
    """
    from napari_cellseg.data.listing import images_at
    from napari_cellseg.pipeline import measure_labels

    cells = show(
        measure_labels(
            [file for path in options.labels for file in images_at(path)],
            options.output,
            images=_stacks(options, options.images) if options.images else (),
            config=config_from(options, MeasureConfig),
        )
    )
    return _tell_counts(len(cells.cells), len(cells.counts), options.output)


def evaluate(options: argparse.Namespace) -> int:
    """Compare predictions with a known truth.

    Parameters
    ----------
    options : argparse.Namespace
        The two folders, what lies beside them, output, and what of it is wanted.

    Returns
    -------
    int
        0.
    """
    from napari_cellseg.evaluate.bootstrap import intervals
    from napari_cellseg.pipeline import evaluate_folders

    folder = options.prediction if options.prediction.is_dir() else options.prediction.parent
    output = options.output or folder / "evaluation"
    report = not options.json if options.report is None else options.report
    scores = show(
        evaluate_folders(
            options.truth,
            options.prediction,
            output,
            images=options.images,
            probabilities=options.probabilities,
            groups=options.groups,
            report=report,
        )
    )
    found = intervals(scores)
    if not options.json:
        print(scores.table(intervals=found))
        print(f"Overlay pictures (green found, blue missed, orange invented): {output}")
        if report:
            print(f"Report: {output / 'report.html'}")
    print(scores.to_json(found))
    return 0


def doctor(options: argparse.Namespace) -> int:
    """Tell what matters about this machine.

    Parameters
    ----------
    options : argparse.Namespace
        Whether to print JSON.

    Returns
    -------
    int
        0 when all is well, 1 when something should be mended.
    """
    from napari_cellseg.cli.doctor import examine

    findings = examine()
    if options.json:
        print(json.dumps([finding.__dict__ for finding in findings], indent=2))
    else:
        for finding in findings:
            print(finding.line())
    return 0 if all(finding.well for finding in findings) else 1


def demo(options: argparse.Namespace) -> int:
    """Do the whole job on the sample study.

    Parameters
    ----------
    options : argparse.Namespace
        Output, training time, whether to open napari.

    Returns
    -------
    int
        0.
    """
    from napari_cellseg.cli.demo import run

    return run(options.output, options.minutes, options.show)


def open(options: argparse.Namespace) -> int:  # noqa: A001 - the subcommand's name
    """Open images or a study in napari.

    Parameters
    ----------
    options : argparse.Namespace
        Paths, and where to write a picture of the window.

    Returns
    -------
    int
        The exit code of napari.
    """
    from napari_cellseg.learn.registry import find_model

    return open_window(
        options.paths, find_model(options.model) if options.model else None, options.screenshot
    )


def open_window(paths: list[Path], model: Path | None = None, screenshot: Path | None = None) -> int:
    """Open napari in a process of its own: the command line itself needs neither napari nor Qt.

    Parameters
    ----------
    paths : list of Path
        Stacks, or the folder of one study.
    model : Path, optional
        A model's folder: the nuclei are found and counted by it.
    screenshot : Path, optional
        Write a picture of the window here and close it.

    Returns
    -------
    int
        The exit code of napari.
    """
    command = [sys.executable, "-m", "napari_cellseg.ui.open", *map(str, paths)]
    if model is not None:
        command += ["--model", str(model)]
    if screenshot is not None:
        command += ["--screenshot", str(screenshot)]
    return subprocess.run(command, check=False).returncode  # noqa: S603 - our own module


def _stacks(options: argparse.Namespace, inputs: list[Path]) -> list[Stack]:
    from napari_cellseg.data.read import open_stacks

    return open_stacks(inputs, **reading_of(options))


def reading_of(options: argparse.Namespace) -> dict[str, Any]:
    """Collect how files are to be read.

    Parameters
    ----------
    options : argparse.Namespace
        With the options of reading.

    Returns
    -------
    dict
        Arguments of `open_stacks` and `open_stack`.
    """
    names = ("axes", "series", "pixel_size_um", "frame_interval_s")
    return {"z": _z(options.z), **{name: getattr(options, name) for name in names}}


def _z(told: str | None) -> ZChoice:
    if told is None or told == "max":
        return "max"
    if told == "middle":
        return "middle"
    from napari_cellseg.errors import SettingsError

    try:
        return int(told)
    except ValueError as error:
        raise SettingsError(
            f"--z is {told!r}", "It can be max, middle, or the number of a plane from 0"
        ) from error


def _tell_counts(n_objects: int, n_frames: int, folder: Path) -> int:
    print(f"{n_objects} objects in {n_frames} frames")
    print(f"Counts: {folder / 'counts.csv'}\nObjects: {folder / 'cells.csv'}")
    return 0
