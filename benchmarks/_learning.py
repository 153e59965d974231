"""What the training benchmarks share: train within a time, predict, score, print."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import numpy.typing as npt

from napari_cellseg.config import NetConfig, PredictConfig, TrainConfig
from napari_cellseg.data.samples import Sample
from napari_cellseg.data.stack import Stack
from napari_cellseg.evaluate.report import evaluate
from napari_cellseg.evaluate.scores import Scores
from napari_cellseg.learn.card import read_card
from napari_cellseg.learn.events import FramePredicted
from napari_cellseg.learn.predict import predict
from napari_cellseg.learn.train import train
from napari_cellseg.progress import Event, Note, follow

DATA = Path(__file__).parents[2] / "shared" / "data"
SKIPPED = 75
Labels = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Case:
    """A frame with its truth, and the group that is never torn apart."""

    name: str
    group: str
    image: npt.NDArray[Any]
    truth: Labels


def samples_of(cases: Sequence[Case]) -> list[Sample]:
    """Make samples of cases.

    Parameters
    ----------
    cases : sequence of Case
        Images with their truth.

    Returns
    -------
    list of Sample
        The same; people drew all objects.
    """
    return [Sample(case.image, case.truth, case.group, case.name, checked=True) for case in cases]


def long_training(minutes: float, seed: int, learning_rate: float) -> TrainConfig:
    """Say how the models that come with the program learn.

    Parameters
    ----------
    minutes : float
        Time; nothing else ends the training.
    seed : int
        Random seed.
    learning_rate : float
        Of a network that starts from nothing; the program takes 0.3 of it where one starts from a model.

    Returns
    -------
    TrainConfig
        What the base knew may be forgotten: it is a head start.
    """
    return TrainConfig(
        minutes=minutes,
        max_epochs=100_000,
        patience=100_000,
        batch_size=8,
        patch_px=128,
        learning_rate=learning_rate,
        max_scale=1.6,
        hard_frames=0,
        replay=0,
        stay_near=0,
        validation_fraction=0.06,
        seed=seed,
    )


def learn(samples: Sequence[Sample], minutes: float, out: Path, base: Path | None = None) -> Path:
    """Train with the program's own settings.

    Parameters
    ----------
    samples : sequence of Sample
        To learn from; part of their groups is kept aside to choose the best epoch.
    minutes : float
        Time.
    out : Path
        Folder of the model.
    base : Path, optional
        Model to start from.

    Returns
    -------
    Path
        The model.
    """

    def tell(event: Event) -> None:
        if isinstance(event, Note):
            print(f"    {event.text}", flush=True)

    config = TrainConfig(minutes=minutes, max_epochs=100_000, patience=100_000)
    model = follow(train(samples, config, NetConfig(), out, base), tell)
    card = read_card(model)
    print(
        f"    {card.n_frames} frames, {card.epochs} epochs, {card.seconds:.0f} s, objects of "
        f"{card.object_diameter_px:.0f} px, on validation AP50 {card.scores['ap50']:.2f}",
        flush=True,
    )
    return model


def predicted(
    model: Path, case: Case, config: PredictConfig, *, keep_probability: bool = False
) -> FramePredicted:
    """Predict one frame.

    Parameters
    ----------
    model : Path
        Folder of the model.
    case : Case
        The frame.
    config : PredictConfig
        How the model is applied.
    keep_probability : bool
        Whether the probability is wanted too.

    Returns
    -------
    FramePredicted
        What was found.
    """
    stack = Stack(da.from_array(case.image[None, None, None]), ("image",), case.name)
    found: list[FramePredicted] = []
    follow(
        predict(stack, 0, model, config, keep_probability=keep_probability),
        lambda event: found.append(event) if isinstance(event, FramePredicted) else None,
    )
    return found[0]


def find(
    model: Path, cases: Sequence[Case], config: PredictConfig | None = None
) -> tuple[list[Labels], float]:
    """Predict frames of any size.

    Parameters
    ----------
    model : Path
        Folder of the model.
    cases : sequence of Case
        The frames.
    config : PredictConfig, optional
        How the model is applied.

    Returns
    -------
    labels : list of ndarray
        Axes YX, one per case.
    seconds : float
        Per megapixel.
    """
    start = time.perf_counter()
    found = [predicted(model, case, config or PredictConfig()).labels for case in cases]
    return found, (time.perf_counter() - start) / (sum(case.image.size for case in cases) / 1e6)


def score(cases: Sequence[Case], labels: Sequence[Labels], groups: dict[str, str] | None = None) -> Scores:
    """Score predictions against the truth.

    Parameters
    ----------
    cases : sequence of Case
        With the truth.
    labels : sequence of ndarray
        Predicted, one per case.
    groups : dict of str to str, optional
        Group of each case by name, to be reported apart; the case's own when not given.

    Returns
    -------
    Scores
        See `napari_cellseg.evaluate`.
    """
    named = groups or {case.name: case.group for case in cases}
    pairs = [(case.name, case.truth, found) for case, found in zip(cases, labels, strict=True)]
    return follow(evaluate(pairs, named))


def spread(values: Sequence[float]) -> str:
    """Write a score of one or more seeds.

    Parameters
    ----------
    values : sequence of float
        One per seed.

    Returns
    -------
    str
        Their mean, and the standard deviation where there are several.
    """
    return f"{np.mean(values):.3f}" + (f" ± {np.std(values):.3f}" if len(values) > 1 else "")


def line(what: str, scores: dict[str, float]) -> str:
    """Write the scores that matter in one line.

    Parameters
    ----------
    what : str
        What was scored.
    scores : dict of str to float
        Pooled scores.

    Returns
    -------
    str
        AP at 0.5 to 0.9, overlap F1 and counting errors.
    """
    ap = " ".join(f"{scores[f'ap{iou}']:.3f}" for iou in (50, 60, 70, 80, 90))
    return (
        f"{what:<34} AP50..90 {ap}  F1 {scores['object_f1']:.3f}  overlap F1 {scores['overlap_f1']:.3f}  "
        f"count {scores['count_error']:+.1%} (frame by frame {scores['count_absolute_error']:.1%})"
    )
