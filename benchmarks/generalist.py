"""One network for all kinds of images beside one for each kind: AP and counts on groups kept aside.

The pure ones learn nuclei with a stain, nuclei in bright-field and whole cells in phase contrast, each for
``MINUTES`` (15); the mixed one learns all of these images for as long as the three together. All start from
photographs, see `_photographs`. ``SEEDS`` is the number of repetitions (1); ``RESULTS`` is a file that keeps
what is done, so that an interrupted run goes on. With ``--write`` the table goes into docs/models.md.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from benchmarks._bundled_data import Part, cells_phase, nuclei_brightfield, nuclei_fluorescence
from benchmarks._front import put_between
from benchmarks._learning import DATA, SKIPPED, find, line, score, spread
from benchmarks._photographs import taught
from napari_cellseg.data.write import write_text

MINUTES = float(os.environ.get("MINUTES", "15"))
SEEDS = int(os.environ.get("SEEDS", "1"))
RESULTS = Path(os.environ.get("RESULTS", Path(__file__).parent / ".results" / "generalist.json"))
PAGE = Path(__file__).parents[1] / "docs" / "models.md"
OBJECT_PX = 20.0
PARTS = {
    "nuclei with a stain": nuclei_fluorescence,
    "nuclei in bright-field": nuclei_brightfield,
    "cells in phase contrast": cells_phase,
}
MIXED = "all"
MEASURES = ("ap50", "ap75", "ap90", "count_error", "count_absolute_error")

Scores = dict[str, float]


def examined(learned: list[Part], tested: dict[str, Part], minutes: float, seed: int) -> dict[str, Scores]:
    """Train one network, and score it on each kind of image.

    Parameters
    ----------
    learned : list of Part
        What it learns from.
    tested : dict of str to Part
        What it is scored on, by kind.
    minutes : float
        Time of training.
    seed : int
        Random seed.

    Returns
    -------
    dict of str to dict of str to float
        The pooled `MEASURES`, by kind.
    """
    cases = [case for part in learned for case in part.training]
    with tempfile.TemporaryDirectory() as folder:
        model = taught(cases, Path(folder) / "model", minutes, seed, OBJECT_PX)
        found = {}
        for kind, part in tested.items():
            scores = score(part.tested, find(model, part.tested)[0]).pooled()
            print(line(f"  {kind}, seed {seed}", scores), flush=True)
            found[kind] = {measure: float(scores[measure]) for measure in MEASURES}
    return found


def table(found: dict[str, list[dict[str, Scores]]]) -> str:
    """Write the table.

    Parameters
    ----------
    found : dict of str to list of dict
        Scores of each seed, by what the network learned from; each by kind of image.

    Returns
    -------
    str
        Markdown.
    """
    head = "| images | network | AP at IoU 0.5 | 0.75 | 0.9 | counting error (frame by frame) |"
    lines = [head, "| --- | --- | --- | --- | --- | --- |"]
    for kind in PARTS:
        for source, told in ((kind, "pure"), (MIXED, "mixed")):
            runs = [run[kind] for run in found[source]]
            cells = [spread([run[measure] for run in runs]) for measure in MEASURES[:3]]
            total, each = (np.mean([run[measure] for run in runs]) for measure in MEASURES[3:])
            name = kind if told == "pure" else ""
            lines.append(f"| {name} | {told} | {' | '.join(cells)} | {total:+.1%} ({each:.1%}) |")
    return "\n".join(lines)


def main() -> int:
    """Train all, and print the table.

    Returns
    -------
    int
        0, or 75 without the images.
    """
    if not (DATA / "dsb2018").is_dir():
        print("the real images are not in ../shared/data")
        return SKIPPED
    parts = {kind: part() for kind, part in PARTS.items()}
    kept: dict[str, dict[str, Scores]] = json.loads(RESULTS.read_text("utf-8")) if RESULTS.is_file() else {}
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    found: dict[str, list[dict[str, Scores]]] = {}
    for seed in range(SEEDS):
        for source in (*PARTS, MIXED):
            learned = parts if source == MIXED else {source: parts[source]}
            minutes = MINUTES * len(learned)
            key = f"{source}, {minutes:g} min, seed {seed}"
            print(key, flush=True)
            if key not in kept:
                kept[key] = examined(list(learned.values()), learned, minutes, seed)
                write_text(RESULTS, json.dumps(kept, indent=1))
            found.setdefault(source, []).append(kept[key])
    seeds = f"{SEEDS} {'seed' if SEEDS == 1 else 'seeds'}"
    foot = (
        f"Pure networks learned for {MINUTES:g} min each, mixed ones for {MINUTES * len(PARTS):g}; threads: "
        f"{torch.get_num_threads()}; {seeds}."
    )
    print(f"\n{table(found)}\n\n{foot}")
    if "--write" in sys.argv:
        write_text(PAGE, put_between(PAGE.read_text("utf-8"), f"{table(found)}\n\n{foot}", "generalist"))
    return 0
