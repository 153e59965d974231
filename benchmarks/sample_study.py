"""The whole walk on the sample study, counted against its known truth, over random seeds."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np

from napari_cellseg.cli.demo import compare
from napari_cellseg.config import TrainConfig
from napari_cellseg.data.read import open_stacks
from napari_cellseg.data.sample_study import sample_positions, sample_truth
from napari_cellseg.pipeline import evaluate_folders, label_stacks, predict_stacks, train_on_labels
from napari_cellseg.progress import follow

MINUTES = float(os.environ.get("MINUTES", "1.5"))
SEEDS = range(int(os.environ.get("SEEDS", "3")))


def main() -> int:
    """Train on two positions, count the third.

    Returns
    -------
    int
        0.
    """
    first, second, held_out = sample_positions()
    training, unseen = open_stacks([first, second], z="max"), open_stacks([held_out], z="max")
    errors, ap50, unstained = [], [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        follow(label_stacks(training, folder / "labels"))
        for seed in SEEDS:
            config = TrainConfig(minutes=MINUTES, seed=seed)
            steps = train_on_labels(training, folder / "labels", folder / f"model{seed}", config=config)
            follow(predict_stacks(unseen, follow(steps), folder / f"found{seed}"))
            found = folder / f"found{seed}" / held_out.name
            result = compare(held_out, found)
            scores = follow(
                evaluate_folders(sample_truth(held_out), found, folder / f"scores{seed}")
            ).pooled()
            errors.append(result.error(result.model_count))
            ap50.append(scores["ap50"])
            unstained.append(result.unstained_by_model / result.unstained)
            print(
                f"seed {seed}: counting error {errors[-1]:+.1%}, AP50 {ap50[-1]:.3f},"
                f" unstained nuclei found {unstained[-1]:.0%}",
                flush=True,
            )
    baseline = result.error(result.labels_count)
    print(
        f"{len(errors)} seeds, {MINUTES:g} min of training each, a position never trained on:"
        f" counting error {np.mean(errors):+.1%} ± {np.std(errors):.1%}"
        f" (absolute {np.mean(np.abs(errors)):.1%}),"
        f" AP50 {np.mean(ap50):.3f} ± {np.std(ap50):.3f}, unstained nuclei found {np.mean(unstained):.0%}"
    )
    print(
        f"baseline, automatic labels of its stain: counting error {baseline:+.1%},"
        f" unstained nuclei found {result.unstained_by_labels / result.unstained:.0%}"
    )
    return 0
