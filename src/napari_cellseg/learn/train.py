"""Training, from samples to a model folder, as a generator of events."""

from __future__ import annotations

import importlib.metadata
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from napari_cellseg import __version__
from napari_cellseg.config import NetConfig, TrainConfig
from napari_cellseg.data.samples import Sample
from napari_cellseg.data.spill import Spill
from napari_cellseg.data.write import storage, versioned
from napari_cellseg.errors import InputError, SettingsError, TrainingError
from napari_cellseg.learn import runtime
from napari_cellseg.learn.card import ModelCard, model_hash
from napari_cellseg.learn.checkpoint import fingerprint, partial_folder, remove_checkpoint
from napari_cellseg.learn.classes import check_classes
from napari_cellseg.learn.epochs import Best, Run
from napari_cellseg.learn.learner import Learner
from napari_cellseg.learn.model import save_model
from napari_cellseg.learn.movies import levels_of_samples
from napari_cellseg.learn.patches import Frame, make_ready
from napari_cellseg.learn.resizing import LARGEST_SCALE, fitted
from napari_cellseg.learn.rivals import Rival, compare, refuse_useless, score_rivals
from napari_cellseg.learn.split import Split, split_samples
from napari_cellseg.learn.start import Start, where_to_start
from napari_cellseg.learn.targets import median_diameter_px
from napari_cellseg.learn.validation import freeze
from napari_cellseg.learn.view import View
from napari_cellseg.progress import Cancelled, Clock, Note, Steps

_EXAM_PART = 0.2
_MOST_EXAM_PX = 50_000_000
"""However many frames there are: more would take memory and time, and change no choice."""
_LEAST_EXAM_PX = 250_000
_FINE_TUNING_RATE = 0.3


@dataclass(frozen=True)
class _Job:
    """Everything that is ready before the first batch."""

    start: Start
    split: Split
    diameter_px: float
    view: View
    data: str
    rival: Rival | None
    run: Run


def train(  # noqa: PLR0913 - all but what to learn from, how, and where to, is by name and optional
    samples: Sequence[Sample],
    config: TrainConfig,
    net: NetConfig,
    out: Path,
    base: Path | None = None,
    image_channel: str = "",
    *,
    pixel_size_um: float | None = None,
    any_size: bool = False,
) -> Steps[Path]:
    """Train a network and write a model folder.

    AdamW; the learning rate is halved when the score stays on a plateau, and where time is bounded by
    ``config.minutes`` it also falls along a cosine to nearly nothing at the end of that time, so that a short
    training ends as well settled as a long one. Scored, kept and saved is the running average of the weights.

    A training from a model goes on showing the images that travel with that model (see `replay`), and hands
    them on; those of the person are never added to them. Where none travel with it, the weights are held near
    the model's (see `remember.Anchor`).

    Stopped with `Cancelled`, it saves the best so far. Killed, it leaves a checkpoint beside ``out``, and
    goes on from there when it is started again with the same settings and data.

    Parameters
    ----------
    samples : sequence of Sample
        Images and labels. Whole groups are kept aside to score the model; see `split.split_samples`. Those
        that are checked also tell how sure the network must be of an object.
    config : TrainConfig
        How to train.
    net : NetConfig
        The network; that of ``base`` is used where one is given.
    out : Path
        Folder of the model. When it exists, a free name is taken: nothing is overwritten.
    base : Path, optional
        A model to start from.
    image_channel : str
        Name of the channel, for the card.
    pixel_size_um : float, optional
        Side of a pixel in µm, for the card.
    any_size : bool
        True for frames of many microscopes: each is first resized until its typical object has the size that
        the network wants, and so are frames when the model is applied. Not with classes.

    Yields
    ------
    Event
        `Note`, `Progress`, `Preflight`, `BatchDone`, `EpochDone`, `ValidationPictures` and `Compared`.

    Returns
    -------
    Path
        The folder of the better model: the new one, or the one at ``base`` or ``out`` when that scores better
        on the same frames. The new one is saved in either case.

    Raises
    ------
    InputError
        There is nothing to learn from, or the labels are no classes where such are asked for.
    SettingsError
        The settings do not go together, or not with ``base``.
    TrainingError
        Training failed, or led to a model that finds nothing or calls everything an object.
    Cancelled
        Stopped before there was anything to keep.
    """
    started = time.monotonic()
    runtime.give_way()
    _check(samples)
    start = where_to_start(net, out, base, config)
    if start.net.classes:
        yield from _check_classes(samples, start.net.classes, any_size)
    if any_size:
        samples = [fitted(sample, start.object_px, LARGEST_SCALE) for sample in samples]
    job = yield from _prepare(samples, config, start, out, started)
    best = yield from _go(job.run)
    refuse_useless(best.tally)
    made = versioned(out)
    card = _card(job, made.name, best, image_channel, pixel_size_um)
    if any_size:
        card = card.model_copy(update={"any_size": True, "object_diameter_px": start.object_px, "scale": 1.0})
    save_model(made, card, best.weights, start.replay.raw)
    remove_checkpoint(job.run.folder)
    if job.rival is None:
        return made
    compared = compare(job.rival, best.tally, job.split, made)
    yield compared
    return made if compared.kept == "new" else job.rival.path


def _prepare(
    samples: Sequence[Sample], config: TrainConfig, start: Start, out: Path, started: float
) -> Steps[_Job]:
    device = runtime.choose_device(config.device)
    yield Note(f"Training on the {device.label}.")
    unseen = {group for _, model in start.rivals for group in model.card.held_out}
    split = split_samples(samples, config.validation_fraction, config.seed, unseen)
    yield Note(split.how)
    folder = partial_folder(out)
    with storage(folder):
        folder.mkdir(parents=True, exist_ok=True)  # what cannot be written is found out now
    diameter, view = _look(split, start, device, config)
    movies = levels_of_samples(samples, view.by, view.low, view.high)
    view = replace(view, movies=movies)
    try:
        frames = yield from _frames(split, view, Spill(folder))
        exam = freeze(split.validation, _exam_px(frames, view.scale), view.classes)
        rival = yield from score_rivals(start.rivals, exam, view, samples)
    except Cancelled:
        remove_checkpoint(folder)
        raise
    plan = runtime.Plan(config.batch_size, config.patch_px, device)
    weights = start.base.network.state_dict() if start.base else None
    learner = Learner(start.net, config, plan, weights, start.replay.frames)
    if start.base:
        learner.base_rate *= _FINE_TUNING_RATE
    if start.remembering(config):
        yield Note(start.remembering(config))
    data = fingerprint(samples)
    run = Run(learner, frames, exam, view, folder=folder, name=start.run_name(data, config), started=started)
    return _Job(start, split, diameter, view, data, rival, run)


def _check(samples: Sequence[Sample]) -> None:
    if not samples:
        raise InputError(
            "There is no labelled frame", "At least one is needed to learn from", "Label a frame"
        )
    if not any((sample.labels > 0).any() for sample in samples):
        raise InputError(
            f"None of the {len(samples)} labelled frames has an object",
            "A network learns from examples of what it is to find",
            "Look at the labels, or choose others",
        )


def _check_classes(samples: Sequence[Sample], classes: int, any_size: bool) -> Steps[None]:
    if any_size:
        raise SettingsError(
            f"{classes} classes were asked for, and objects of any size",
            "Classes have no size",
            "Choose 0 classes, or frames of one magnification",
        )
    missing = check_classes(samples, classes)
    if missing:
        numbers = ", ".join(map(str, missing))
        yield Note(f"There is no pixel of class {numbers} in the labels: it cannot be learned.")


def _look(
    split: Split, start: Start, device: runtime.DeviceChoice, config: TrainConfig
) -> tuple[float, View]:
    """Find the size of the objects, and how the network is to look at the frames.

    Classes have no size: frames stay as they are, or as the model that training starts from looks at them.
    """
    classes = start.net.classes
    if classes:
        scale = start.base.card.scale if start.base else 1.0
        diameter = start.object_px / scale
    else:
        sizes = [median_diameter_px(sample.labels) for sample in split.training]
        diameter = float(np.median([size for size in sizes if size is not None] or [start.net.object_px]))
        scale = min(LARGEST_SCALE, start.object_px / diameter)
    known = config if start.base is None else start.base.card  # the greys that its weights know
    low, high, by = known.low_percentile, known.high_percentile, known.normalise_by
    view = View(scale, low, high, 512, 64, 1, device.name, scale * diameter, by=by, classes=classes)
    return diameter, view


def _frames(split: Split, view: View, spill: Spill) -> Steps[list[Frame]]:
    """Make frames ready to be cut, more of them than memory holds if need be."""
    clock, frames = Clock(len(split.training), "frames made ready"), []
    for sample in split.training:
        levels = view.of(sample.group).levels
        frame = make_ready(sample, view.scale, view.low, view.high, levels, view.classes)
        offset = frame.offset if view.classes else spill.keep(frame.offset)  # of classes it is one zero
        kept = replace(frame, image=spill.keep(frame.image), state=spill.keep(frame.state), offset=offset)
        frames.append(kept)
        yield clock.at(len(frames))
    return frames


def _exam_px(frames: Sequence[Frame], scale: float) -> int:
    """Bound the validation frames, in their original pixels, so that scoring takes little of the time."""
    small_px = max(_EXAM_PART * sum(frame.image.size for frame in frames), _LEAST_EXAM_PX)
    return int(min(small_px, _MOST_EXAM_PX) / scale**2)


def _go(run: Run) -> Steps[Best]:
    """Train, and answer the best network, also when stopped."""
    try:
        if run.resume():
            yield Note(f"Going on from epoch {run.epoch} of an interrupted training with the same settings.")
        yield from run.preflight()
        yield from run.epochs()
    except Cancelled:
        if run.best is None:
            remove_checkpoint(run.folder)
            raise
        run.notes.append(f"Stopped by the person after {run.epoch} epochs.")
    except TrainingError as error:
        if run.best is None:
            remove_checkpoint(run.folder)
            raise
        run.notes.append(f"{error} The best so far, of epoch {run.best.epoch}, is kept.")
        yield Note(run.notes[-1])
    assert run.best is not None  # noqa: S101 - there is always one epoch
    return run.best


def _card(job: _Job, name: str, best: Best, image_channel: str, pixel_size_um: float | None) -> ModelCard:
    return ModelCard(
        name=name,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        net=job.start.net,
        image_channel=image_channel,
        low_percentile=job.view.low,
        high_percentile=job.view.high,
        normalise_by=job.view.by,
        object_diameter_px=job.diameter_px,
        scale=job.view.scale,
        certainty=best.tally.certainty,
        pixel_size_um=pixel_size_um,
        train=job.run.config,
        parent=model_hash(job.start.base.card) if job.start.base else "",
        data_fingerprint=job.data,
        n_frames=len(job.split.training),
        groups=tuple(sorted({sample.group for sample in job.split.training})),
        held_out=job.split.held_out,
        held_out_how=job.split.how,
        scores=best.tally.scores(),
        epochs=job.run.epoch,
        seconds=job.run.seconds(),
        device=job.run.learner.plan.device.label,
        versions=_versions(),
        notes=tuple(job.run.notes),
    )


def _versions() -> dict[str, str]:
    names = ("torch", "segmentation-models-pytorch", "timm")
    return {
        "napari-cellseg": __version__,
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in names},
    }
