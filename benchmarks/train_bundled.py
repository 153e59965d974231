"""Train the models that come with the program, from a seed, and score them on groups that they never saw.

``python -m benchmarks.train_bundled [NAME ...]``; without names, all of them, in order. Each learns twice:
from all groups but some that are kept aside, on which it is scored; and, for a shorter time, from all of
them: that one is shipped, with the scores of the first. What is found in ``WORK`` is not trained again.
``MINUTES`` multiplies the training times (1: about four hours in all), ``SEED`` is the seed, ``OUT`` the
folder of the finished models. The encoder starts from photographs, see `_photographs`.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks._bundled_data import (
    Part,
    cells_phase,
    nuclei_brightfield,
    nuclei_fluorescence,
)
from benchmarks._covers import paint_cover
from benchmarks._learning import DATA, Case, line, long_training, predicted, samples_of, score
from benchmarks._photographs import FROM_PHOTOGRAPHS, photographs
from benchmarks._thinned import thinned
from napari_cellseg.config import NetConfig, PredictConfig
from napari_cellseg.learn.card import DataSource, read_card
from napari_cellseg.learn.certainty import certainties, only_certain
from napari_cellseg.learn.events import EpochDone
from napari_cellseg.learn.model import load_model, save_model
from napari_cellseg.learn.registry import bundled_models_folder
from napari_cellseg.learn.replay import write_replay
from napari_cellseg.learn.scores import Tally, tally
from napari_cellseg.learn.train import train
from napari_cellseg.pipeline.inputs import FLUORESCENCE
from napari_cellseg.progress import Event, Note, follow

SKIPPED = 75
LENGTH = float(os.environ.get("MINUTES", "1"))
SEED = int(os.environ.get("SEED", "0"))
OUT = Path(os.environ.get("OUT", bundled_models_folder()))
WORK = Path(os.environ.get("WORK", Path(__file__).parent / ".results" / f"bundled-{SEED}"))
NARROW = (128, 64, 32, 16, 16)
"""Channels of the decoder of a model that is made for speed: half of what it first learns with."""
LAST_PART = 1 / 3
"""Of the time, for learning from all groups."""
RATE = 2e-3
"""Of learning, for one that knows cells."""
HEAD_START = (
    "The encoder started from EfficientNet-Lite0 trained on ImageNet (Tan and Le 2019, Apache License 2.0)."
)
SCORES = {"iou": "pixel_iou", "ap50": "ap50", "f1": "object_f1", "count_error": "count_error"}
MORE_SCORES = {"ap75": "ap75", "ap90": "ap90", "overlap_f1": "overlap_f1"}
"""Names of scores on the card, and what `evaluate` calls them."""


@dataclass(frozen=True)
class Recipe:
    """How one model is made.

    Attributes
    ----------
    name, title, objects, modality : str
        For the card.
    part : Part
        Its images.
    minutes : tuple of float
        Times of the trainings that make the first model, on one core; each goes on from the one before with
        the full learning rate again (warm restarts, Loshchilov and Hutter 2017).
    thinned : bool
        Whether it goes into the last of these with the channels `NARROW`: as good, and twice as fast.
    object_px : float
        Diameter of the typical object on the network's grid.
    base : str
        Name of the bundled model that training starts from, as it is shipped; empty for an encoder that
        knows photographs.
    limits : tuple of str
        For the card.
    """

    name: str
    title: str
    objects: str
    modality: str
    part: Part
    minutes: tuple[float, ...]
    thinned: bool
    object_px: float
    base: str
    limits: tuple[str, ...]


def recipes() -> list[Recipe]:
    """List the models.

    Returns
    -------
    list of Recipe
        A model comes after the one that it starts from.
    """
    return [
        Recipe(
            "nuclei-fluorescence",
            "Nuclei with a fluorescent or histological stain",
            "nuclei",
            FLUORESCENCE,
            nuclei_fluorescence(),
            (60, 45, 45),
            True,
            20,
            "",
            (
                "Trained on nuclei of cultured cells and of stained tissue sections, seen from above.",
                "Nuclei that overlap are drawn side by side.",
                "Not for whole cells, bacteria, yeast or three dimensions.",
            ),
        ),
        Recipe(
            "nuclei-brightfield",
            "Nuclei without a stain, in bright-field",
            "nuclei",
            "bright-field",
            nuclei_brightfield(),
            (30,),
            False,
            20,
            "nuclei-fluorescence",
            (
                "Trained on 35 fields from one laboratory: fine-tune it on your own microscope.",
                "Its masks come from a curated foreground, in which touching nuclei are one.",
            ),
        ),
        Recipe(
            "cells-phase",
            "Whole cells in phase contrast",
            "cells",
            "phase contrast",
            cells_phase(),
            (15, 15),
            True,
            28,
            "",
            (
                "Trained on 11 frames of one cell line (T98G): fine-tune it on your own cells.",
                "Long thin processes are cut short.",
            ),
        ),
    ]


def make(recipe: Recipe) -> None:
    """Train a model, score it on what it never saw, teach it that too, and put it into the package.

    Parameters
    ----------
    recipe : Recipe
        How.
    """
    part, last = recipe.part, WORK / f"{recipe.name}-all"
    print(f"{recipe.name}: {len(part.training)} frames to learn from, {len(part.tested)} kept aside")
    with tempfile.TemporaryDirectory() as folder:
        base = OUT / recipe.base if recipe.base else photographs(Path(folder), recipe.object_px, SEED)
        for minutes, scored in zip(recipe.minutes, steps_of(recipe), strict=True):
            if not scored.is_dir():
                if recipe.thinned and scored == steps_of(recipe)[-1]:
                    base = thinned(base, Path(folder), NARROW)
                teach(recipe, part.training, scored, base, minutes, restarts=scored.name != recipe.name)
            base = scored
    scores, certainty = examine(part, base)
    if not last.is_dir():
        cases = [*part.training, *part.tested]
        teach(recipe, cases, last, base, LAST_PART * recipe.minutes[0], restarts=True)
    finish(recipe, last, scores, certainty)


def steps_of(recipe: Recipe) -> list[Path]:
    """Name the models on the way to the one that is scored.

    Parameters
    ----------
    recipe : Recipe
        How it is made.

    Returns
    -------
    list of Path
        One for each training; the last one is scored.
    """
    numbers = range(1, len(recipe.minutes) + 1)
    return [WORK / (recipe.name if n == 1 else f"{recipe.name}-{n}") for n in numbers]


def teach(
    recipe: Recipe, cases: Sequence[Case], made: Path, base: Path, minutes: float, *, restarts: bool
) -> None:
    """Train.

    Parameters
    ----------
    recipe : Recipe
        How.
    cases : sequence of Case
        What to learn from; part of the groups is kept aside to choose the best epoch.
    made : Path
        The model, which must not exist yet.
    base : Path
        What it starts from.
    minutes : float
        For how long.
    restarts : bool
        True where the base learned from such images before.
    """
    knows_cells = restarts or bool(recipe.base)
    config = long_training(minutes * LENGTH, SEED, RATE if knows_cells else FROM_PHOTOGRAPHS)
    steps = train(samples_of(cases), config, NetConfig(), made, base, recipe.modality, any_size=True)
    follow(steps, tell)


def tell(event: Event) -> None:
    """Print how training goes.

    Parameters
    ----------
    event : Event
        Any; epochs and notes are printed.
    """
    if isinstance(event, Note):
        print(f"  {event.text}", flush=True)
    if isinstance(event, EpochDone):
        best = "  best so far" if event.best else ""
        print(
            f"  epoch {event.epoch}: loss {event.train_loss:.3f}, validation {event.val_loss:.3f}, "
            f"IoU {event.val_iou:.3f}, AP50 {event.val_ap50:.3f}{best}",
            flush=True,
        )


def examine(part: Part, model: Path) -> tuple[dict[str, dict[str, float]], float]:
    """Score a model on what was kept aside, and find out how sure it must be of an object.

    The frames kept aside while it learned hold too few objects for that. So the bound is found on those that
    it is scored on; for the scores of each group, on the other groups.

    Parameters
    ----------
    part : Part
        The images.
    model : Path
        A model that never saw those that are kept aside.

    Returns
    -------
    scores : dict of str to dict of str to float
        Pooled scores by kind, and of all under ``"all"``.
    certainty : float
        The bound, from all groups.
    """
    start, unbounded = time.perf_counter(), PredictConfig(min_certainty=0.0)
    drawn = [predicted(model, case, unbounded, keep_probability=True) for case in part.tested]
    seconds = (time.perf_counter() - start) / (sum(case.image.size for case in part.tested) / 1e6)
    print(
        line("  all, however unsure", score(part.tested, [one.labels for one in drawn]).pooled()), flush=True
    )
    tallies = []
    for case, one in zip(part.tested, drawn, strict=True):
        assert one.probability is not None  # noqa: S101 - it was asked for
        sure = certainties(one.labels, one.probability)
        tallies.append(tally(case.truth, one.labels, certainty=sure, checked=True))
    found = []
    for case, one in zip(part.tested, drawn, strict=True):
        others = [other for its, other in zip(part.tested, tallies, strict=True) if its.group != case.group]
        assert one.probability is not None  # noqa: S101 - it was asked for
        found.append(only_certain(one.labels, one.probability, sum(others, Tally()).certainty))
    scores = score(part.tested, found, {case.name: part.kinds[case.name] for case in part.tested})
    certainty = sum(tallies, Tally()).certainty
    print(line("  all", scores.pooled()), f" certainty {certainty:g}, {seconds:.2f} s/Mpx", flush=True)
    for group in scores.groups:
        print(line(f"  {group} ({len(scores.of(group).frames)})", scores.of(group).pooled()), flush=True)
    return (
        {"all": scores.pooled()} | {group: scores.of(group).pooled() for group in scores.groups},
        certainty,
    )


def finish(recipe: Recipe, made: Path, scores: dict[str, dict[str, float]], certainty: float) -> None:
    """Complete the card, halve the weights, add what is to be replayed and a cover, and put it in its place.

    Parameters
    ----------
    recipe : Recipe
        How it was made.
    made : Path
        The model that learned from all.
    scores : dict
        Of the model that it went on from, see `examine`.
    certainty : float
        How sure that one must be of an object.
    """
    part = recipe.part
    cases = [*part.training, *part.tested]
    groups = {
        kind: {name: of_kind[theirs] for name, theirs in (SCORES | MORE_SCORES).items()}
        for kind, of_kind in scores.items()
        if kind != "all"
    }
    sources = [DataSource(**source) for source in part.sources]
    made_card = read_card(made)
    card = made_card.model_copy(
        update={
            "name": recipe.name,
            "title": recipe.title,
            "objects": recipe.objects,
            "modality": recipe.modality,
            "sources": tuple(sources),
            "limits": recipe.limits,
            "scores": {name: abs(scores["all"][theirs]) for name, theirs in SCORES.items()},
            "group_scores": groups,
            "certainty": certainty,
            "held_out_how": (
                "Whole groups (kind of image, well, experiment or field) were kept aside, and it was scored "
                f"on them; then it learned from all groups for {made_card.seconds / 60:.0f} min more."
            ),
            "notes": (*made_card.notes, HEAD_START),
        }
    )
    network = load_model(made).network
    learned_ones = {name for name, _ in network.named_parameters()}  # variances may be more than 16 bits hold
    half = {
        name: value.half() if name in learned_ones else value for name, value in network.state_dict().items()
    }
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / recipe.name
        save_model(folder, card, half)
        learned = [case for case in cases if case.group in card.groups]
        write_replay(folder, samples_of(learned), seed=SEED)  # all sources allow it; it names their licences
        paint_cover(folder)
        shutil.rmtree(OUT / recipe.name, ignore_errors=True)
        folder = Path(shutil.copytree(folder, OUT / recipe.name))
    print(f"  {folder}: {sum(f.stat().st_size for f in folder.iterdir()) / 1e6:.1f} MB", flush=True)


def train_all() -> int:
    """Make the models that were asked for.

    Returns
    -------
    int
        0, or 75 without the images.
    """
    if not (DATA / "dsb2018").is_dir():
        print("the real images are not in ../shared/data")
        return SKIPPED
    known = {recipe.name: recipe for recipe in recipes()}
    asked = sys.argv[1:] or list(known)
    if unknown := set(asked) - set(known):
        raise SystemExit(f"There is no model {', '.join(unknown)}. There are: {', '.join(known)}.")
    for name in asked:
        make(known[name])
    return 0


if __name__ == "__main__":
    sys.exit(train_all())
