"""Several models on the same frames, so that a person can choose between them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_cellseg.config import PredictConfig
from napari_cellseg.data.samples import Sample
from napari_cellseg.data.stack import Stack
from napari_cellseg.errors import InputError, ModelError
from napari_cellseg.learn.card import model_hash, read_card
from napari_cellseg.learn.classes import check_classes
from napari_cellseg.learn.events import FrameCompared, FramePredicted
from napari_cellseg.learn.predict import predict
from napari_cellseg.learn.scores import Tally, tally, tally_classes
from napari_cellseg.progress import Clock, Note, Steps

_WHAT = "frames predicted"


def compare_models(
    models: Sequence[Path],
    samples: Sequence[Sample],
    config: PredictConfig | None = None,
    images: Mapping[Path, Sequence[npt.NDArray[Any]]] | None = None,
) -> Steps[pd.DataFrame]:
    """Score models on the same labelled frames, each as it would be used to count.

    Parameters
    ----------
    models : sequence of Path
        Their folders.
    samples : sequence of Sample
        The frames. Those of one group are taken for one movie: where a model measures how large the objects
        are, it does so once for the group.
    config : PredictConfig, optional
        How the models are applied.
    images : mapping of Path to sequence of ndarray, optional
        For models that look at another channel: their images of the same frames, in the order of `samples`,
        axes YX.

    Yields
    ------
    Event
        `Progress` over all frames of all models, `FrameCompared` before each, and `Note`.

    Returns
    -------
    pandas.DataFrame
        One row per model, the best first (see `scores.Tally.quality`): ``model``, ``model_hash``,
        ``frames``, ``iou``, ``ap50``, ``f1``, ``count_error`` (see `scores.Tally`), ``seconds`` (for all
        frames), ``trained_on`` (those of the groups that it has learned from, so that its scores flatter it).

    Raises
    ------
    InputError
        There is no model or no frame, or the labels are no classes where the models give such.
    ModelError
        A model cannot be used, or they do not all answer the same question: objects, or so many classes.
    """
    if not models or not samples:
        raise InputError(
            f"{len(models)} models and {len(samples)} labelled frames were given",
            "At least one of each is needed",
        )
    classes = _same_classes(models, samples)
    clock = Clock(len(models) * len(samples), _WHAT)
    groups = {sample.group for sample in samples}
    rows = []
    for number, folder in enumerate(models):
        card, start = read_card(folder), time.perf_counter()
        movies = _movies(_seen(samples, (images or {}).get(folder)))
        done = number * len(samples)
        total = yield from _score(folder, movies, config or PredictConfig(), clock, done, classes)
        rows.append(
            {
                "model": folder.name,
                "model_hash": model_hash(card),
                "frames": total.frames,
                **total.scores(),
                "seconds": time.perf_counter() - start,
                "trained_on": ", ".join(sorted(groups & set(card.groups))),
                "_quality": total.quality,
            }
        )
    table = pd.DataFrame(rows).sort_values("_quality", ascending=False, kind="stable")
    return table.drop(columns="_quality").reset_index(drop=True)


def _same_classes(models: Sequence[Path], samples: Sequence[Sample]) -> int:
    """Find how many classes all models tell apart, 0 for objects, and check that the labels are of such."""
    cards = [read_card(folder) for folder in models]
    numbers = {card.net.classes for card in cards}
    if len(numbers) > 1:
        told = ", ".join(
            f"{card.name} {f'gives pixels {n} classes' if (n := card.net.classes) else 'finds objects'}"
            for card in cards
        )
        raise ModelError(f"These models do not answer the same question: {told}", "", "Compare others")
    classes = numbers.pop()
    if classes:
        check_classes(samples, classes)
    return classes


def _seen(samples: Sequence[Sample], images: Sequence[npt.NDArray[Any]] | None) -> list[Sample]:
    """Show the frames as a model looks at them."""
    if images is None:
        return list(samples)
    return [replace(sample, image=image) for sample, image in zip(samples, images, strict=True)]


def _score(
    folder: Path,
    movies: Iterator[tuple[Stack, list[tuple[int, Sample]]]],
    config: PredictConfig,
    clock: Clock,
    done: int,
    classes: int,
) -> Steps[Tally]:
    total = Tally()
    for stack, samples in movies:
        for event in predict(stack, 0, folder, config, keep_probability=False):
            if isinstance(event, FramePredicted):
                number, sample = samples[event.t]
                found = event.labels
                scored = (
                    tally_classes(sample.labels, found, classes) if classes else tally(sample.labels, found)
                )
                total += scored
                done += 1
                yield FrameCompared(folder, number, event.labels, scored)
                yield clock.at(done)
            elif isinstance(event, Note):
                yield event
    return total


def _movies(samples: Sequence[Sample]) -> Iterator[tuple[Stack, list[tuple[int, Sample]]]]:
    """Put the frames of one group and one size together."""
    together: dict[tuple[object, ...], list[tuple[int, Sample]]] = {}
    for number, sample in enumerate(samples):
        together.setdefault((sample.group, sample.image.shape), []).append((number, sample))
    for (group, _), chosen in together.items():
        frames = np.stack([sample.image for _, sample in chosen])[:, None, None]
        yield Stack(da.from_array(frames, chunks=(1, 1, 1, -1, -1)), ("image",), str(group)), chosen
