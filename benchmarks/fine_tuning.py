"""How far five minutes of fine-tuning go: AP at IoU 0.5 beside a training six times as long.

A bundled model that never saw cells in phase contrast learns from ten corrected frames of 1022 x 1024 px, on
all processors, and is scored on four other fields. ``MINUTES`` (5) is the short time, ``FULL_MINUTES`` (30)
the long one, ``SEEDS`` (3) the number of repetitions. ``RESULTS`` is a file that keeps what is done, so that
an interrupted run goes on.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import numpy as np

from benchmarks._learning import DATA, SKIPPED
from benchmarks.few_shots import FRAMES, Run, carry_out, tasks

MINUTES = float(os.environ.get("MINUTES", "5"))
FULL_MINUTES = float(os.environ.get("FULL_MINUTES", "30"))
SEEDS = int(os.environ.get("SEEDS", "3"))
RESULTS = Path(os.environ.get("RESULTS", Path(tempfile.gettempdir()) / "fine_tuning.json"))
TASK = "cells in phase contrast"
ALLOWED = 0.02


def main() -> int:
    """Train all, print each, and how far they are apart.

    Returns
    -------
    int
        0 when the short trainings are within 0.02 of the long ones on average, 1 when not, 75 without the
        images.
    """
    if not (DATA / "usiigaci").is_dir():
        print("the real images are not in ../shared/data")
        return SKIPPED
    task = tasks()[TASK]
    found: dict[str, float] = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    print(f"{TASK}: {FRAMES} frames to learn from, {len(task.tested)} tested, from {task.base}")
    for seed in range(SEEDS):
        for minutes in (MINUTES, FULL_MINUTES):
            key = f"{minutes:g} min, seed {seed}"
            if key not in found:
                found[key] = carry_out(Run(TASK, task.base, FRAMES, seed), minutes)["ap50"]
                RESULTS.write_text(json.dumps(found, indent=1))
            print(f"  {key}: AP50 {found[key]:.3f}", flush=True)
    short, full = (
        np.array([found[f"{minutes:g} min, seed {seed}"] for seed in range(SEEDS)])
        for minutes in (MINUTES, FULL_MINUTES)
    )
    print(
        f"AP50 after {MINUTES:g} min {short.mean():.3f} ± {short.std():.3f}, after {FULL_MINUTES:g} min "
        f"{full.mean():.3f} ± {full.std():.3f}: behind by {np.mean(full - short):.3f} "
        f"± {np.std(full - short):.3f}"
    )
    return 0 if np.mean(full - short) <= ALLOWED else 1
