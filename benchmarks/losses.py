"""Which loss for "where objects are" finds them best: the same network, images and time for each.

``MINUTES`` is the time of a training (3), ``SEEDS`` the number of repetitions (1), ``LOSSES`` names some of
them, separated by commas. ``RESULTS`` is a file that keeps what is done, so that an interrupted run goes on.
With ``--write`` the table goes into docs/benchmarks-nets.md.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from benchmarks._bundled_data import Part, nuclei_fluorescence
from benchmarks._front import put_between
from benchmarks._learning import DATA, SKIPPED, find, line, samples_of, score, spread
from napari_cellseg.config import NetConfig, TrainConfig
from napari_cellseg.data.write import write_text
from napari_cellseg.errors import TrainingError
from napari_cellseg.learn.losses import LOSSES
from napari_cellseg.learn.train import train
from napari_cellseg.progress import follow

MINUTES = float(os.environ.get("MINUTES", "3"))
SEEDS = int(os.environ.get("SEEDS", "1"))
NAMES = os.environ.get("LOSSES", ",".join(LOSSES)).split(",")
RESULTS = Path(os.environ.get("RESULTS", Path(__file__).parent / ".results" / "losses.json"))
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks-nets.md"
MEASURES = ("ap50", "ap70", "ap90", "count_error")

Scores = dict[str, float]


def learn(name: str, seed: int, part: Part) -> Scores:
    """Train with a loss, and score on the groups kept aside.

    Parameters
    ----------
    name : str
        Among `LOSSES`.
    seed : int
        Random seed.
    part : Part
        The images.

    Returns
    -------
    dict of str to float
        The pooled `MEASURES`; AP 0 where training ended with a model that finds nothing.
    """
    config = TrainConfig(
        minutes=MINUTES,
        max_epochs=100_000,
        loss=name,
        max_scale=1.6,
        validation_fraction=0.01,
        seed=seed,
    )
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "model"
        try:
            follow(train(samples_of(part.training), config, NetConfig(object_px=20), out, any_size=True))
        except TrainingError as error:
            print(f"{name}, seed {seed}: {error}", flush=True)
            return dict.fromkeys(MEASURES, 0.0) | {"count_error": -1.0}
        scores = score(part.tested, find(out, part.tested)[0]).pooled()
    print(line(f"{name}, seed {seed}", scores), flush=True)
    return {measure: float(scores[measure]) for measure in MEASURES}


def table(found: dict[str, list[Scores]]) -> str:
    """Write the table, the best loss first.

    Parameters
    ----------
    found : dict of str to list of dict
        Scores of each seed, by loss.

    Returns
    -------
    str
        Markdown.
    """
    lines = ["| loss | AP50 | AP70 | AP90 | count |", "| --- | --- | --- | --- | --- |"]
    for name, runs in sorted(found.items(), key=lambda one: -np.mean([run["ap50"] for run in one[1]])):
        cells = [spread([run[measure] for run in runs]) for measure in MEASURES[:3]]
        count = np.mean([run["count_error"] for run in runs])
        told = f"`{name}` (default)" if name == TrainConfig().loss else f"`{name}`"
        lines.append(f"| {told} | {' | '.join(cells)} | {count:+.1%} |")
    return "\n".join(lines)


def main() -> int:
    """Train with each loss and score on groups that were kept aside.

    Returns
    -------
    int
        0, or 75 without the images.
    """
    if not (DATA / "dsb2018").is_dir():
        print("the real images are not in ../shared/data")
        return SKIPPED
    part = nuclei_fluorescence()
    kept: dict[str, Scores] = json.loads(RESULTS.read_text("utf-8")) if RESULTS.is_file() else {}
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    found: dict[str, list[Scores]] = {}
    for name in NAMES:
        for seed in range(SEEDS):
            key = f"{name}, {MINUTES:g} min, seed {seed}"
            if key not in kept:
                kept[key] = learn(name, seed, part)
                write_text(RESULTS, json.dumps(kept, indent=1))
            found.setdefault(name, []).append(kept[key])
    seeds = f"{SEEDS} {'seed' if SEEDS == 1 else 'seeds'}"
    foot = f"{MINUTES:g} min of training each, threads: {torch.get_num_threads()}; {seeds}."
    print(f"\n{table(found)}\n\n{foot}")
    if "--write" in sys.argv:
        write_text(PAGE, put_between(PAGE.read_text("utf-8"), f"{table(found)}\n\n{foot}", "losses"))
    return 0
