# ruff: noqa: A005 - benchmarks are called by their names
"""Whether the queue puts first what is wrong, and what the list of suspects finds of planted errors.

Images kept aside from the bundled models are predicted by them. For each kind of image: the rank correlation
(Spearman) of doubts with the true error, 1 - AP at IoU 0.5, and the mean error of the third of the frames
that the queue puts first against that of the last third and against a random third. Without an order all
thirds would be alike. Then errors of four kinds are planted into one in ten objects of the true labels; told
are recall and precision of the list of suspects, by shape alone and with what the model predicted.
``EVERY`` (1) takes only every so many images.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import dask.array as da
import numpy as np
import numpy.typing as npt
from scipy.stats import spearmanr

from benchmarks._bundled_data import cells_phase, images_of, nuclei_brightfield, nuclei_fluorescence
from benchmarks._learning import DATA, SKIPPED, Case, Labels
from benchmarks._planted import KINDS, planted
from napari_cellseg.config import PredictConfig
from napari_cellseg.data.stack import Stack
from napari_cellseg.evaluate.report import evaluate
from napari_cellseg.label.queue import FrameFacts, doubt_of, rank
from napari_cellseg.label.suspects import Objects, Usual, suspects, usual
from napari_cellseg.learn.events import FramePredicted
from napari_cellseg.learn.predict import predict
from napari_cellseg.learn.registry import bundled_models_folder
from napari_cellseg.pipeline.facts import Planes, facts_of, objects_of
from napari_cellseg.progress import Event, follow

EVERY = int(os.environ.get("EVERY", "1"))
LEAST = 8


@dataclass(frozen=True, eq=False)
class Predicted:
    """A frame, what a model found in it, and how wrong that is."""

    case: Case
    labels: Labels
    probability: npt.NDArray[Any]
    error: float


def predictions(model: str, cases: Sequence[Case]) -> list[Predicted]:
    """Predict frames and score them.

    Parameters
    ----------
    model : str
        Name of a bundled model.
    cases : sequence of Case
        Frames that it never saw.

    Returns
    -------
    list of Predicted
        In the same order.
    """
    found: list[FramePredicted] = []

    def tell(event: Event) -> None:
        if isinstance(event, FramePredicted):
            found.append(event)

    for case in cases:
        stack = Stack(da.from_array(case.image[None, None, None]), ("image",), case.name)
        follow(predict(stack, 0, bundled_models_folder() / model, PredictConfig()), tell)
    return [
        Predicted(case, one.labels, np.asarray(one.probability, np.float32), _error(case, one.labels))
        for case, one in zip(cases, found, strict=True)
    ]


def _error(case: Case, labels: Labels) -> float:
    """Measure how wrong a frame is; an empty one that is found empty is right."""
    ap = follow(evaluate([(case.name, case.truth, labels)])).pooled()["ap50"]
    return 0.0 if np.isnan(ap) else 1 - ap


def facts(frames: Sequence[Predicted]) -> list[FrameFacts]:
    """Look at frames as the program does.

    Parameters
    ----------
    frames : sequence of Predicted
        Frames of one kind.

    Returns
    -------
    list of FrameFacts
        One per frame, numbered from 0.
    """
    planes = [Planes(t, one.labels, None, None, one.probability) for t, one in enumerate(frames)]
    objects = [objects_of(plane) for plane in planes]
    known = usual(objects, in_time=False)
    return [
        facts_of(plane, one.case.image, each, suspects(each, known) if known else [])
        for plane, each, one in zip(planes, objects, frames, strict=True)
    ]


def tell_order(kind: str, frames: Sequence[Predicted]) -> None:
    """Print how well the order goes with the true error.

    Parameters
    ----------
    kind : str
        What the frames are called.
    frames : sequence of Predicted
        Of one kind.
    """
    errors = np.array([one.error for one in frames])
    known = facts(frames)
    doubts = doubt_of(known, [(0.0, 0.0)] * len(known), in_time=False)
    odd = [one.n_suspects / max(1, one.n_objects) for one in known]
    order = [one.frame for one in rank(known, (), in_time=False, at_most=len(known))]
    third = max(1, len(order) // 3)
    by_doubt, by_odd = (spearmanr(values, errors).statistic for values in (doubts, odd))
    first, last = errors[order[:third]].mean(), errors[order[-third:]].mean()
    print(
        f"{kind:<22}{len(frames):>4} frames  Spearman with 1 - AP50: uncertainty {by_doubt:+.2f}, share of "
        f"suspects {by_odd:+.2f}   1 - AP50 of the first third {first:.3f}, random {errors.mean():.3f}, last "
        f"third {last:.3f}, ratio first : random {first / max(errors.mean(), 1e-9):.2f}",
        flush=True,
    )


def tell_suspects(kind: str, frames: Sequence[Predicted]) -> None:
    """Print what the list of suspects finds of planted errors.

    Parameters
    ----------
    kind : str
        What the frames are called.
    frames : sequence of Predicted
        Of one kind.
    """
    known = usual([objects_of(Planes(0, one.case.truth)) for one in frames], in_time=False)
    if known is None:
        return
    for error in KINDS:
        rng = np.random.default_rng(0)
        wrong = [(one, *planted(one.case.truth, error, rng)) for one in frames]
        cells = []
        for with_model in (False, True):
            counted = np.sum([_counted(one, labels, bad, with_model, known) for one, labels, bad in wrong], 0)
            hits, missed, false, n = (int(value) for value in counted)
            cells.append(
                f"recall {hits / max(1, hits + missed):.2f}, precision {hits / max(1, hits + false):.2f}, "
                f"right ones listed {false / max(1, n):.3f}"
            )
        total = sum(len(bad) for *_, bad in wrong)
        print(
            f"{kind:<22}{error:<8}{total:>4} planted  by shape: {cells[0]}   with the model: {cells[1]}",
            flush=True,
        )


def _counted(
    one: Predicted, labels: Labels, bad: Sequence[frozenset[int]], with_model: bool, known: Usual
) -> tuple[int, int, int, int]:
    """Count planted errors found and missed, right objects listed, and objects."""
    planes = Planes(0, labels)
    if with_model:
        planes = replace(planes, probability=one.probability, predicted=one.labels)
    objects: Objects = objects_of(planes)
    listed = {row.label for row in suspects(objects, known)}
    hits = sum(bool(each & listed) for each in bad)
    return hits, len(bad) - hits, len(listed - frozenset().union(*bad)), len(objects)


def parts() -> Iterator[tuple[str, str, list[Case]]]:
    """Collect frames that the bundled models never saw.

    Yields
    ------
    kind, model : str
        What they are called, and the model for them.
    cases : list of Case
        The frames.
    """
    part = nuclei_fluorescence()
    by_kind = sorted(part.tested[::EVERY], key=lambda case: part.kinds[case.name])
    for kind, cases in groupby(by_kind, lambda case: part.kinds[case.name]):
        yield kind, "nuclei-fluorescence", list(cases)
    yield "bright-field nuclei", "nuclei-brightfield", nuclei_brightfield().tested[::EVERY]


def main() -> int:
    """Predict, order, and plant.

    Returns
    -------
    int
        0, or 75 without the images.
    """
    if not (DATA / "dsb2018").is_dir():
        print("the real images are not in ../shared/data")
        return SKIPPED
    for kind, model, cases in parts():
        if len(cases) >= LEAST:
            frames = predictions(model, cases)
            tell_order(kind, frames)
            tell_suspects(kind, frames)
    seen = images_of("usiigaci", str)[::EVERY]
    held = {case.name for case in cells_phase().tested}
    print(f"whole cells: 14 fields, all but {len(held)} of which the model learned from")
    tell_suspects("whole cells", predictions("cells-phase", seen))
    return 0
