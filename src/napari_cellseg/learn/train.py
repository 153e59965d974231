"""Training, from samples to a model folder, as a generator of events."""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from napari_cellseg import __version__
from napari_cellseg.config import NetConfig, PredictConfig, TrainConfig
from napari_cellseg.data.samples import Sample
from napari_cellseg.data.write import storage, versioned
from napari_cellseg.errors import InputError, TrainingError
from napari_cellseg.learn import runtime
from napari_cellseg.learn.card import CARD_FILE, ModelCard, model_hash
from napari_cellseg.learn.checkpoint import fingerprint, partial_folder, remove_checkpoint
from napari_cellseg.learn.epochs import Best, Run
from napari_cellseg.learn.events import Compared
from napari_cellseg.learn.learner import Learner
from napari_cellseg.learn.model import TrainedModel, View, load_model, save_model
from napari_cellseg.learn.normalise import HIGH_PERCENTILE, LOW_PERCENTILE
from napari_cellseg.learn.patches import Frame, make_ready
from napari_cellseg.learn.scores import Tally
from napari_cellseg.learn.split import Split, split_samples
from napari_cellseg.learn.targets import median_diameter_px
from napari_cellseg.learn.validation import Exam, freeze, sit
from napari_cellseg.progress import Cancelled, Clock, Note, Steps

_EXAM_PART = 0.25
_LEAST_EXAM_PX = 500_000
_FINE_TUNING_RATE = 0.3
_TOO_MUCH = 0.9


@dataclass(frozen=True)
class _Start:
    """What a run starts from.

    Attributes
    ----------
    net : NetConfig
        The network.
    base : TrainedModel or None
        Where its weights come from.
    rivals : tuple of (Path, TrainedModel)
        Older models that the new one has to beat.
    """

    net: NetConfig
    base: TrainedModel | None
    rivals: tuple[tuple[Path, TrainedModel], ...]


def train(
    samples: Sequence[Sample],
    config: TrainConfig,
    net: NetConfig,
    out: Path,
    base: Path | None = None,
    image_channel: str = "",
    *,
    pixel_size_um: float | None = None,
) -> Steps[Path]:
    """Train a network and write a model folder.

    Adam; the learning rate is halved when the score stays on a plateau, and where time is bounded by
    ``config.minutes`` it also falls along a cosine to nearly nothing at the end of that time, so that a short
    training ends as well settled as a long one. Scored, kept and saved is the running average of the weights.

    Stopped with `Cancelled`, it saves the best so far. Killed, it leaves a checkpoint beside ``out``, and
    goes on from there when it is started again with the same settings and data.

    Parameters
    ----------
    samples : sequence of Sample
        Images and labels. Whole groups are kept aside to score the model; see `split.split_samples`.
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
        There is nothing to learn from.
    TrainingError
        Training failed, or led to a model that finds nothing or calls everything an object.
    Cancelled
        Stopped before there was anything to keep.
    """
    started = time.monotonic()
    runtime.give_way()
    _check(samples)
    device = runtime.choose_device(config.device)
    yield Note(f"Training on the {device.label}.")
    start = _where_to_start(net, out, base)
    seen = {group for _, rival in start.rivals for group in rival.card.held_out}
    split = split_samples(samples, config.validation_fraction, config.seed, seen)
    yield Note(split.how)

    diameter, view = _look(split, start, device)
    frames = yield from _frames(split, view)
    exam = freeze(split.validation, _exam_px(frames, view.scale))
    old = yield from _score_rivals(start, exam, view)

    plan = runtime.Plan(config.batch_size, config.patch_px, device)
    learner = Learner(start.net, config, plan, start.base.network.state_dict() if start.base else None)
    if start.base:
        learner.base_rate *= _FINE_TUNING_RATE
    name, folder = _run_name(samples, config, start), partial_folder(out)
    with storage(folder):
        folder.mkdir(parents=True, exist_ok=True)  # what cannot be written is found out now
    run = Run(learner, frames, exam, view, folder=folder, name=name, started=started)
    best = yield from _go(run)
    _refuse_useless(best.tally)

    card = ModelCard(
        name=out.name,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        net=start.net,
        image_channel=image_channel,
        low_percentile=view.low,
        high_percentile=view.high,
        object_diameter_px=diameter,
        scale=view.scale,
        pixel_size_um=pixel_size_um,
        train=config,
        parent=model_hash(start.base.card) if start.base else "",
        data_fingerprint=fingerprint(samples),
        n_frames=len(split.training),
        groups=tuple(sorted({sample.group for sample in split.training})),
        held_out=split.held_out,
        held_out_how=split.how,
        scores=best.tally.scores(),
        epochs=run.epoch,
        seconds=run.seconds(),
        device=learner.plan.device.label,
        versions=_versions(),
        notes=tuple(run.notes),
    )
    made = versioned(out)
    save_model(made, card.model_copy(update={"name": made.name}), best.weights)
    remove_checkpoint(folder)
    if old is None:
        return made
    path, rival, tally = old
    compared = _compare(rival, tally, best.tally, split, made)
    yield compared
    return made if compared.kept == "new" else path


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


def _where_to_start(net: NetConfig, out: Path, base: Path | None) -> _Start:
    rivals: list[tuple[Path, TrainedModel]] = []
    if base is not None:
        rivals.append((base, load_model(base)))
        net = rivals[0][1].card.net
    if (out / CARD_FILE).is_file() and (base is None or out.resolve() != base.resolve()):
        rivals.append((out, load_model(out)))
    return _Start(net, rivals[0][1] if base is not None else None, tuple(rivals))


def _look(split: Split, start: _Start, device: runtime.DeviceChoice) -> tuple[float, View]:
    """Find the size of the objects, and how the network is to look at the frames."""
    sizes = [median_diameter_px(sample.labels) for sample in split.training]
    diameter = float(np.median([size for size in sizes if size is not None] or [start.net.object_px]))
    wanted, low, high = start.net.object_px, LOW_PERCENTILE, HIGH_PERCENTILE
    if start.base is not None:  # the size, and the greys, that its weights know
        card = start.base.card
        wanted, low, high = card.object_diameter_px * card.scale, card.low_percentile, card.high_percentile
    return diameter, View(min(1.0, wanted / diameter), low, high, 512, 64, 1, device.name)


def _frames(split: Split, view: View) -> Steps[list[Frame]]:
    clock, frames = Clock(len(split.training), "frames made ready"), []
    for sample in split.training:
        frames.append(make_ready(sample, view.scale, view.low, view.high))
        yield clock.at(len(frames))
    return frames


def _exam_px(frames: Sequence[Frame], scale: float) -> int:
    """Bound the validation frames, in their original pixels, so that scoring takes little of the time."""
    small_px = max(_EXAM_PART * sum(frame.image.size for frame in frames), _LEAST_EXAM_PX)
    return int(small_px / scale**2)


def _score_rivals(start: _Start, exam: Exam, view: View) -> Steps[tuple[Path, TrainedModel, Tally] | None]:
    """Score the older models on the frozen frames; the better one is what the new one has to beat."""
    scored = []
    for path, rival in start.rivals:
        card = rival.card
        theirs = View(card.scale, card.low_percentile, card.high_percentile, 512, 64, 1, view.device)
        marks = yield from sit(rival.network.to(view.device), exam, theirs, PredictConfig())
        scored.append((path, rival, marks.tally))
    return max(scored, key=lambda one: one[2].quality, default=None)


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
    except TrainingError:
        remove_checkpoint(run.folder)
        raise
    assert run.best is not None  # noqa: S101 - there is always one epoch
    return run.best


def _refuse_useless(tally: Tally) -> None:
    """Raise for a model that must not be used."""
    part = tally.predicted_px / max(tally.counted_px, 1)
    truth = tally.truth_px / max(tally.counted_px, 1)
    if tally.predicted == 0 and tally.objects > 0:
        raise TrainingError(
            f"The trained network finds none of the {tally.objects} objects in the validation frames",
            "",
            "Train longer, label more frames, or check that the labels fit the images",
        )
    if part > _TOO_MUCH and truth < _TOO_MUCH / 2:
        raise TrainingError(
            f"The trained network calls {part:.0%} of the validation frames an object; "
            f"by the labels it is {truth:.0%}",
            "",
            "Train longer, label more frames, or check that the labels fit the images",
        )


def _run_name(samples: Sequence[Sample], config: TrainConfig, start: _Start) -> str:
    parts = [
        fingerprint(samples),
        config.model_dump_json(exclude={"device"}),
        start.net.model_dump_json(),
        start.base.card.sha256 if start.base else "",
        __version__,
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _versions() -> dict[str, str]:
    names = ("torch", "segmentation-models-pytorch", "timm")
    return {
        "napari-cellseg": __version__,
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in names},
    }


def _compare(rival: TrainedModel, old: Tally, new: Tally, split: Split, made: Path) -> Compared:
    kept_new = new.quality >= old.quality
    a, b = old.scores(), new.scores()
    text = (
        f"On the same {new.frames} validation frames the new model reaches AP {b['ap50']:.2f}, "
        f"IoU {b['iou']:.2f}, counting error {b['count_error']:.0%}; the old one ({rival.card.name}) "
        f"AP {a['ap50']:.2f}, IoU {a['iou']:.2f}, {a['count_error']:.0%}. "
    )
    text += (
        "The new one is used." if kept_new else f"The old one is kept; the new one is saved as {made.name}."
    )
    if set(rival.card.groups) & set(split.held_out):
        text += " The old model has learned from some of these frames, so its score flatters it."
    return Compared(a, b, "new" if kept_new else "old", text)
