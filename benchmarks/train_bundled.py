"""Train the models that come with the program, from a seed, and score them on groups that they never saw.

``python -m benchmarks.train_bundled [NAME ...]``; without names, all of them, in order. ``MINUTES``
multiplies the training times (1: about an hour in all on two cores), ``SEED`` is the random seed, ``OUT``
the folder. With ``--rescore`` models that are there are only scored anew.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks._bundled_data import Part, cells_phase, nuclei_brightfield, nuclei_fluorescence
from benchmarks._covers import paint_cover
from benchmarks._learning import DATA, find, line, score
from napari_cellseg.config import NetConfig, TrainConfig
from napari_cellseg.data.samples import Sample
from napari_cellseg.learn.card import DataSource, read_card
from napari_cellseg.learn.events import EpochDone
from napari_cellseg.learn.model import load_model, save_model
from napari_cellseg.learn.registry import bundled_models_folder
from napari_cellseg.learn.train import train
from napari_cellseg.pipeline.inputs import FLUORESCENCE
from napari_cellseg.progress import Event, Note, follow

SKIPPED = 75
LENGTH = float(os.environ.get("MINUTES", "1"))
SEED = int(os.environ.get("SEED", "0"))
OUT = Path(os.environ.get("OUT", bundled_models_folder()))
RESCORE = "--rescore"
ENCODER, DECODER = "tu-resnet18", (128, 64, 48, 32)


@dataclass(frozen=True)
class Recipe:
    """How one model is made.

    Attributes
    ----------
    name, title, objects, modality : str
        For the card.
    part : Part
        Its images.
    minutes : float
        Time of training, on two cores.
    object_px : float
        Diameter of the typical object on the network's grid.
    base : str
        Name of the model that training starts from; empty for none.
    limits : tuple of str
        For the card.
    """

    name: str
    title: str
    objects: str
    modality: str
    part: Part
    minutes: float
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
            40,
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
            14,
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
            12,
            28,
            "",
            (
                "Trained on 11 frames of one cell line (T98G): fine-tune it on your own cells.",
                "Long thin processes are cut short.",
            ),
        ),
    ]


def make(recipe: Recipe) -> None:
    """Train a model, score it on what it never saw, and put it into the package.

    Parameters
    ----------
    recipe : Recipe
        How.
    """
    n, n_tested = len(recipe.part.training), len(recipe.part.tested)
    print(f"{recipe.name}: {n} frames to learn from, {n_tested} kept aside")
    samples = [Sample(c.image, c.truth, c.group, c.name) for c in recipe.part.training]
    config = TrainConfig(
        minutes=recipe.minutes * LENGTH,
        max_epochs=100_000,
        patience=100_000,
        batch_size=8,
        patch_px=128,
        learning_rate=2e-3,
        max_scale=1.6,
        validation_fraction=0.06,
        seed=SEED,
    )
    net = NetConfig(encoder=ENCODER, decoder_channels=DECODER, object_px=recipe.object_px)
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / recipe.name
        base = OUT / recipe.base if recipe.base else None
        follow(train(samples, config, net, made, base, recipe.modality, any_size=True), tell)
        finish(recipe, made)


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


def finish(recipe: Recipe, made: Path) -> None:
    """Score the model per group, complete its card, halve its weights, and put it in its place.

    Parameters
    ----------
    recipe : Recipe
        How it was made.
    made : Path
        The model as trained.
    """
    found, seconds = find(made, recipe.part.tested)
    groups = {case.name: recipe.part.kinds[case.name] for case in recipe.part.tested}
    scores = score(recipe.part.tested, found, groups)
    print(line("  all", scores.pooled()), f" {seconds:.2f} s/Mpx", flush=True)
    for group in scores.groups:
        print(line(f"  {group} ({len(scores.of(group).frames)})", scores.of(group).pooled()), flush=True)
    model = load_model(made)
    kept = ("iou", "dice", "ap50", "ap75", "ap90", "object_f1", "overlap_f1", "count_error")
    per_group = {
        group: {name: value for name, value in scores.of(group).pooled().items() if name in kept}
        for group in scores.groups
    }
    card = read_card(made).model_copy(
        update={
            "name": recipe.name,
            "title": recipe.title,
            "objects": recipe.objects,
            "modality": recipe.modality,
            "sources": tuple(DataSource(**source) for source in recipe.part.sources),
            "limits": recipe.limits,
            "group_scores": per_group,
            "held_out": tuple(sorted({case.group for case in recipe.part.tested})),
            "held_out_how": "Whole groups (kind of image, well, experiment or field) were kept aside.",
        }
    )
    half = {
        name: value.half() if value.is_floating_point() else value
        for name, value in model.network.state_dict().items()
    }
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / recipe.name
        save_model(folder, card, half)
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
    asked = [name for name in sys.argv[1:] if name != RESCORE]
    for recipe in recipes():
        if asked and recipe.name not in asked:
            continue
        if RESCORE in sys.argv:
            finish(recipe, OUT / recipe.name)
        else:
            make(recipe)
    return 0


if __name__ == "__main__":
    sys.exit(train_all())
