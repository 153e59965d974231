"""How many corrected frames a new kind of image needs: AP at IoU 0.5 against their number, fine-tuned or not.

A model that never saw the set learns from 1, 2, 5 and all 10 frames kept for learning; so does a network
that starts from nothing, in the same time. Scored on other positions. ``MINUTES`` is the time of a training
on ``THREADS`` threads (1), ``SEEDS`` the number of repetitions (3), which also draw other frames. ``WORKERS``
trainings run side by side, by default as many as there are processors for. ``RESULTS`` is a file that keeps
what is done, so that an interrupted run goes on; ``SETS`` is a word in the names of the sets wanted,
``NUMBERS`` the numbers of frames.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from benchmarks._bundled_data import images_of
from benchmarks._learning import DATA, SKIPPED, Case, find, samples_of, score
from napari_cellseg.config import NetConfig, TrainConfig
from napari_cellseg.data.samples import Sample
from napari_cellseg.errors import TrainingError
from napari_cellseg.learn.registry import bundled_models_folder
from napari_cellseg.learn.train import train
from napari_cellseg.progress import follow

MINUTES = float(os.environ.get("MINUTES", "5"))
SEEDS = int(os.environ.get("SEEDS", "3"))
THREADS = int(os.environ.get("THREADS", "1"))
RESULTS = Path(os.environ.get("RESULTS", Path(tempfile.gettempdir()) / "few_shots.json"))
FRAMES = 10
NUMBERS = tuple(int(n) for n in os.environ.get("NUMBERS", "1,2,5,10").split(","))
SCRATCH = ""


@dataclass(frozen=True)
class Task:
    """A set that the base model never saw.

    Attributes
    ----------
    base : str
        The bundled model that is fine-tuned.
    learned, tested : tuple of Case
        Frames to learn from, and frames of other positions.
    """

    base: str
    learned: tuple[Case, ...]
    tested: tuple[Case, ...]


@dataclass(frozen=True)
class Run:
    """One training.

    Attributes
    ----------
    task : str
        Name of the set.
    base : str
        The bundled model that it starts from; empty for none.
    frames, seed : int
        Number of frames learned from, and the random seed, which also draws them.
    """

    task: str
    base: str
    frames: int
    seed: int


def tasks() -> dict[str, Task]:
    """Collect the sets.

    Returns
    -------
    dict of str to Task
        Whole cells in phase contrast: ten fields to learn from, four to be scored on. Nuclei in bright-field:
        ten frames of one position to learn from, the other positions of that experiment to be scored on.
    """
    phase = images_of("usiigaci", lambda name: name)
    held = {case.name for case in phase[1::4]}
    experiment = [
        case
        for case in images_of("aisegcell", lambda name: "_".join(name.split("_")[:2]))
        if case.name.startswith("220524DS30")
    ]
    movie = "220524DS30_p0011"
    return {
        "cells in phase contrast": Task(
            "nuclei-fluorescence",
            tuple(case for case in phase if case.name not in held),
            tuple(case for case in phase if case.name in held),
        ),
        "nuclei in bright-field": Task(
            "nuclei-fluorescence",
            tuple(case for case in experiment if case.group == movie)[:FRAMES],
            tuple(case for case in experiment if case.group != movie),
        ),
    }


def runs(wanted: dict[str, Task]) -> Iterator[Run]:
    """List the trainings, those that matter most first.

    Parameters
    ----------
    wanted : dict of str to Task
        From `tasks`.

    Yields
    ------
    Run
        Without repetitions of what draws no chance: the base as it is.
    """
    for name, task in wanted.items():
        yield Run(name, task.base, 0, 0)
    for seed in range(SEEDS):
        for name, task in wanted.items():
            for n in NUMBERS:
                yield from (Run(name, base, n, seed) for base in (task.base, SCRATCH))


def drawn(task: Task, run: Run) -> list[Sample]:
    """Draw the frames to learn from; more frames hold the fewer ones.

    Parameters
    ----------
    task : Task
        The set.
    run : Run
        How many, and the seed.

    Returns
    -------
    list of Sample
        They are one group where there is only one, and are then split by blocks.
    """
    order = np.random.default_rng(run.seed).permutation(len(task.learned))[: run.frames]
    return samples_of([task.learned[i] for i in order])


def carry_out(run: Run, minutes: float = MINUTES) -> dict[str, float]:
    """Train and score.

    Parameters
    ----------
    run : Run
        What.
    minutes : float
        Time of the training.

    Returns
    -------
    dict of str to float
        Pooled scores; AP 0 where training ended with a model that finds nothing.
    """
    task = tasks()[run.task]
    base = bundled_models_folder() / run.base if run.base else None
    with tempfile.TemporaryDirectory() as folder:
        model = base
        if run.frames:
            config = TrainConfig(minutes=minutes, max_epochs=100_000, patience=100_000, seed=run.seed)
            try:
                out = Path(folder) / "model"
                follow(train(drawn(task, run), config, NetConfig(), out, base))
                model = out if out.is_dir() else base  # scored is the new one, better or not
            except TrainingError:
                return {"ap50": 0.0, "ap75": 0.0, "ap90": 0.0}
        assert model is not None  # noqa: S101 - a run of no frame has a base
        return dict(score(task.tested, find(model, task.tested)[0]).pooled())


def table(found: dict[str, dict[str, float]], wanted: dict[str, Task], measure: str = "ap50") -> str:
    """Write the table: mean and standard deviation over the seeds.

    Parameters
    ----------
    found : dict
        Scores by run, as JSON of its fields.
    wanted : dict of str to Task
        The sets.
    measure : str
        Name of the score.

    Returns
    -------
    str
        Markdown.
    """
    lines = []
    for name, task in wanted.items():
        runs_of = [(Run(**json.loads(key)), scores) for key, scores in found.items()]
        numbers = sorted({run.frames for run, _ in runs_of if run.task == name})
        lines += [f"{name}: {len(task.learned)} frames to learn from, {len(task.tested)} tested", ""]
        lines += ["| frames | " + " | ".join(map(str, numbers)) + " |", "| --- |" + " --- |" * len(numbers)]
        for base in (task.base, SCRATCH):
            cells = []
            for n in numbers:
                values = [s[measure] for r, s in runs_of if (r.task, r.base, r.frames) == (name, base, n)]
                cells.append(f"{np.mean(values):.3f} ± {np.std(values):.3f}" if values else "")
            lines.append(f"| {'from ' + base if base else 'from nothing'} | " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines)


def main() -> int:
    """Train all, print each, and the table at the end.

    Returns
    -------
    int
        0, or 75 without the images.
    """
    if not (DATA / "usiigaci").is_dir():
        print("the real images are not in ../shared/data")
        return SKIPPED
    wanted = {name: task for name, task in tasks().items() if os.environ.get("SETS", name) in name}
    found: dict[str, dict[str, float]] = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    keys = {json.dumps(asdict(run)): run for run in runs(wanted)}
    left = {key: run for key, run in keys.items() if key not in found}
    workers = int(os.environ.get("WORKERS", max(1, (os.cpu_count() or 1) // THREADS)))
    print(f"{len(left)} trainings of {MINUTES:g} min, {workers} side by side; results in {RESULTS}")
    with ProcessPoolExecutor(workers, get_context("spawn"), _set_threads, (THREADS,)) as pool:
        futures = {pool.submit(carry_out, run): key for key, run in left.items()}
        for future in as_completed(futures):
            key = futures[future]
            found[key] = future.result()
            RESULTS.write_text(json.dumps(found, indent=1))
            run = keys[key]
            print(
                f"  {run.task}, {run.frames} frames, seed {run.seed}, from {run.base or 'nothing'}: "
                f"AP50 {found[key]['ap50']:.3f}",
                flush=True,
            )
    print(table({key: found[key] for key in keys}, wanted))
    return 0


def _set_threads(n: int) -> None:
    import torch  # noqa: PLC0415 - in the workers only

    torch.set_num_threads(n)
