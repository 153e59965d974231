"""Which loss for "where objects are" finds them best: the same network, images and time for each.

``MINUTES`` is the time of a training (3), ``SEEDS`` the number of repetitions (1), ``LOSSES`` names some of
them, separated by commas.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np

from benchmarks._bundled_data import nuclei_fluorescence
from benchmarks._learning import DATA, SKIPPED, find, line, samples_of, score
from napari_cellseg.config import NetConfig, TrainConfig
from napari_cellseg.errors import TrainingError
from napari_cellseg.learn.losses import LOSSES
from napari_cellseg.learn.train import train
from napari_cellseg.progress import follow

MINUTES = float(os.environ.get("MINUTES", "3"))
SEEDS = int(os.environ.get("SEEDS", "1"))
NAMES = os.environ.get("LOSSES", ",".join(LOSSES)).split(",")


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
    samples = samples_of(part.training)
    print(f"{MINUTES:g} min each; the default is {TrainConfig().loss}")
    for name in NAMES:
        ap50 = []
        for seed in range(SEEDS):
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
                    follow(train(samples, config, NetConfig(object_px=20), out, any_size=True))
                except TrainingError as error:
                    print(f"{name}, seed {seed}: {error}", flush=True)
                    ap50.append(0.0)
                    continue
                scores = score(part.tested, find(out, part.tested)[0]).pooled()
            ap50.append(scores["ap50"])
            print(line(f"{name}, seed {seed}", scores), flush=True)
        print(f"{name:<28} AP50 {np.mean(ap50):.3f} ± {np.std(ap50):.3f} over {SEEDS} seeds", flush=True)
    return 0
