"""Preparing a review: draw what is judged, and write its folder."""

from __future__ import annotations

import datetime
import hashlib
import secrets
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from napari_cellseg.data.record import Source
from napari_cellseg.data.stack import Stack
from napari_cellseg.data.storage import atomic_folder, versioned
from napari_cellseg.data.write import write_text
from napari_cellseg.errors import InputError, SettingsError
from napari_cellseg.evaluate.pictures import file_name
from napari_cellseg.evaluate.review.cut import Draft, Labels, LabelSource, Scene, cut_item, objects_of
from napari_cellseg.evaluate.review.draw import (
    Place,
    balanced_order,
    draw_objects,
    draw_places,
    part_of,
)
from napari_cellseg.evaluate.review.pack import file_hash, write_pixels
from napari_cellseg.evaluate.review.plan import (
    ITEMS,
    PLAN_JSON,
    REVIEWS,
    SHEETS,
    Item,
    LabelFile,
    Mode,
    Model,
    Movie,
    ReviewPlan,
)
from napari_cellseg.progress import Clock, Progress, Steps

MOST_MODELS = 12


@dataclass(frozen=True)
class Wanted:
    """What kind of review is wanted.

    Attributes
    ----------
    name : str
        What it is called.
    mode : {"frames", "objects"}
        What an item is.
    n_items : int
        How many items an expert judges, at least as many as there are models.
    crop_px : int or None
        Side of the part of a frame that is an item, in px; None for whole frames.
    seed : int
        Of all random draws: the same seed draws the same items.
    """

    name: str
    mode: Mode = "frames"
    n_items: int = 60
    crop_px: int | None = None
    seed: int = 0


def prepare_review(
    study: Path, scenes: Sequence[Scene], models: Mapping[str, Sequence[LabelSource]], wanted: Wanted
) -> Steps[Path]:
    """Draw the items of a review and write its folder.

    Parameters
    ----------
    study : Path
        The study's folder; the review becomes ``reviews/NAME`` in it.
    scenes : sequence of Scene
        The movies.
    models : mapping of str to sequence of Path or Stack
        By the name of each model (or person), its labels of every movie, in the order of `scenes`.
    wanted : Wanted
        What kind of review.

    Yields
    ------
    Progress
        After every frame read.

    Returns
    -------
    Path
        The folder of the review, with ``-2`` and so on when the name is taken.

    Raises
    ------
    InputError
        There are no images or objects, or labels and images differ in size.
    SettingsError
        A number is out of range.
    StorageError
        The folder cannot be written.
    """
    _check(scenes, models, wanted)
    keys = dict(zip(models, string.ascii_lowercase, strict=False))
    rng = np.random.default_rng(wanted.seed)
    origin = yield from _origin(scenes, models, keys)
    if wanted.mode == "frames":
        drafts = _draw_frames(scenes, list(models), wanted, rng)
    else:
        drafts = yield from _draw_single(scenes, models, wanted, rng)
    target = versioned(study / REVIEWS / file_name(wanted.name.strip()))
    with atomic_folder(target) as folder:
        (folder / ITEMS).mkdir()
        (folder / SHEETS).mkdir()
        items, diameter = yield from _write_items(folder, scenes, models, keys, drafts)
        sizes = {scene.stack.pixel_size_um for scene in scenes}
        plan = ReviewPlan(
            created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            id=secrets.token_hex(8),
            name=target.name,
            mode=wanted.mode,
            seed=wanted.seed,
            object_diameter_px=diameter,
            pixel_size_um=sizes.pop() if len(sizes) == 1 else None,
            models=origin[0],
            movies=origin[1],
            items=tuple(items),
        )
        write_text(folder / PLAN_JSON, plan.as_json())
    return target


def _check(scenes: Sequence[Scene], models: Mapping[str, Sequence[LabelSource]], wanted: Wanted) -> None:
    if not scenes:
        raise InputError("There are no images to review", "", "Choose images")
    if not 1 <= len(models) <= MOST_MODELS:
        raise SettingsError(f"{len(models)} sets of labels were chosen", f"A review has 1 to {MOST_MODELS}")
    if not wanted.name.strip() or not file_name(wanted.name).strip(" ."):
        raise SettingsError("The review has no name", "", "Give it one, such as the date and the question")
    if wanted.n_items < len(models) or wanted.n_items > 10_000:
        raise SettingsError(
            f"{wanted.n_items} items of {len(models)} sets of labels were asked for",
            "At least one of each, and at most 10,000 in all, can be drawn",
        )
    if wanted.crop_px is not None and wanted.crop_px < 16:
        raise SettingsError(f"Parts of {wanted.crop_px} px were asked for", "They have 16 px or more")
    for name, sources in models.items():
        if len(sources) != len(scenes):
            raise InputError(f"{name} has labels of {len(sources)} movies, and there are {len(scenes)}")


def _origin(
    scenes: Sequence[Scene], models: Mapping[str, Sequence[LabelSource]], keys: Mapping[str, str]
) -> Steps[tuple[tuple[Model, ...], tuple[Movie, ...]]]:
    """Write down where everything comes from, with the hashes of all files."""
    clock = Clock(len(scenes) * (1 + len(models)), "files checked")
    movies, done = [], 0
    for scene in scenes:
        stack, done = scene.stack, done + 1
        paths = _files_of(stack)
        beside = scene.fluorescence
        movies.append(
            Movie(
                name=stack.name,
                group=scene.extent.group,
                paths=tuple(map(str, paths)) or (stack.source or stack.name,),
                sha256=_hash_of(paths),
                channel=stack.channels[scene.image],
                fluorescence="" if beside is None else stack.channels[beside],
                n_frames=stack.n_frames,
            )
        )
        yield clock.at(done)
    described = []
    for name, sources in models.items():
        files = []
        for scene, source in zip(scenes, sources, strict=True):
            done += 1
            where, mark = (
                (source.source or source.name, "")
                if isinstance(source, Stack)
                else (str(source), _hash_of([source]))
            )
            files.append(LabelFile(movie=scene.stack.name, path=where, sha256=mark))
            yield clock.at(done)
        described.append(Model(key=keys[name], name=name, files=tuple(files)))
    return tuple(described), tuple(movies)


def _files_of(stack: Stack) -> list[Path]:
    source = Source.of(stack)
    named = [Path(path) for path in source.paths] if source else [Path(stack.source)] if stack.source else []
    return [
        file
        for path in named
        for file in (sorted(path.iterdir()) if path.is_dir() else [path])
        if file.is_file()
    ]


def _hash_of(paths: Sequence[Path]) -> str:
    """Work out the hash of a file; of several, that of their hashes."""
    there = [path for path in paths if path.is_file()]
    if len(there) <= 1:
        return file_hash(there[0]) if there else ""
    return hashlib.sha256("".join(file_hash(path) for path in there).encode()).hexdigest()


def _draw_frames(
    scenes: Sequence[Scene], models: Sequence[str], wanted: Wanted, rng: np.random.Generator
) -> list[Draft]:
    """Draw places, and show each of them once of every model."""
    n_places = max(wanted.n_items // len(models), 1)
    places = draw_places([scene.extent for scene in scenes], n_places, wanted.crop_px, rng)
    order = balanced_order(len(places), len(models), rng)
    return [Draft(models[m], places[p], number) for number, (p, m) in enumerate(order, start=1)]


def _draw_single(
    scenes: Sequence[Scene],
    models: Mapping[str, Sequence[LabelSource]],
    wanted: Wanted,
    rng: np.random.Generator,
) -> Steps[list[Draft]]:
    """Draw objects of each model from all that it found."""
    share, more = divmod(wanted.n_items, len(models))
    clock, done, drafts = Clock(len(models) * len(scenes), "movies counted"), 0, []
    for position, (name, sources) in enumerate(models.items()):
        frames: dict[tuple[str, str], list[tuple[int, int]]] = {}
        counts: dict[tuple[str, str], list[int]] = {}
        for i, (scene, source) in enumerate(zip(scenes, sources, strict=True)):
            labels, done = Labels(source, scene, name), done + 1
            for t in range(scene.stack.n_frames):
                stratum = scene.extent.group, part_of(t, scene.stack.n_frames)
                frames.setdefault(stratum, []).append((i, t))
                counts.setdefault(stratum, []).append(len(objects_of(labels.frame(t))))
                yield Progress(done - 1, clock.total, clock.what)
            yield clock.at(done)
        for stratum, drawn in draw_objects(counts, share + (position < more), rng).items():
            for index, which in drawn:
                i, t = frames[stratum][index]
                drafts.append(Draft(name, Place(i, t, (0, 0, 0, 0)), which=which))
    if not drafts:
        raise InputError("The labels hold no object at all", "Objects are drawn from them", "Choose others")
    order = rng.permutation(len(drafts)).tolist()
    return [_numbered(drafts[k], number) for number, k in enumerate(order, start=1)]


def _numbered(draft: Draft, number: int) -> Draft:
    return Draft(draft.model, draft.place, number, draft.which)


def _write_items(
    folder: Path,
    scenes: Sequence[Scene],
    models: Mapping[str, Sequence[LabelSource]],
    keys: Mapping[str, str],
    drafts: Sequence[Draft],
) -> Steps[tuple[list[Item], float]]:
    """Write the files of all items, movie by movie; also find the typical diameter."""
    clock, done = Clock(len(drafts), "items written"), 0
    items: dict[int, Item] = {}
    areas: list[npt.NDArray[np.int64]] = []
    for i, scene in enumerate(scenes):
        for name, sources in models.items():
            mine = sorted(
                (draft for draft in drafts if draft.model == name and draft.place.movie == i),
                key=lambda draft: draft.place.frame,
            )
            if not mine:
                continue
            labels = Labels(sources[i], scene, name)
            for draft in mine:
                item, pixels = cut_item(draft, scene, labels.frame(draft.place.frame), keys[name])
                sha = write_pixels(folder / item.file, pixels)
                items[item.number] = item.model_copy(update={"sha256": sha})
                areas.append(np.bincount(pixels.labels.ravel())[list(item.objects)])
                done += 1
                yield clock.at(done)
    whole = np.concatenate(areas)
    diameter = float(2 * np.sqrt(np.median(whole) / np.pi)) if len(whole) else 0.0
    return [items[number] for number in sorted(items)], round(diameter, 2)
