"""Learning from corrections while they are made: fine-tune, sit the exam, propose labels for other frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from napari_cellseg.config import PredictConfig, TrainConfig
from napari_cellseg.data.samples import Sample
from napari_cellseg.data.stack import Stack
from napari_cellseg.data.storage import storage
from napari_cellseg.errors import InputError
from napari_cellseg.evaluate.learning import LearningLog, LearningPoint, read_log, write_log
from napari_cellseg.label.proposals import proposal, written
from napari_cellseg.learn.card import model_hash, must_find_objects, read_card
from napari_cellseg.learn.events import FrameCompared, FramePredicted
from napari_cellseg.learn.scores import Tally
from napari_cellseg.pipeline.inputs import channel_for
from napari_cellseg.pipeline.lesson import FrameProposed, Learned, Lesson, Proposals
from napari_cellseg.pipeline.series import SUFFIX, bin_older, next_name, tidy
from napari_cellseg.progress import Cancelled, Event, Note, Steps, relay

R = TypeVar("R")

_TRIED, _SCORED = 3, 8
_FEW, _LEAST_PART_PX, _PART = 5, 64, 0.75
Frames = Mapping[int, npt.NDArray[np.int32]]
"""Labels of frames: axes YX, int32, -1 ignore."""


def learn(stack: Stack, labels: Frames, movie: npt.NDArray[Any], lesson: Lesson) -> Steps[Learned]:
    """Fine-tune a model on corrected frames, score it, and propose labels for uncorrected ones.

    Stopped while it learns, it keeps the best so far, scores it, and proposes nothing; stopped while it
    proposes, it keeps the frames done. Until the new model is scored nothing is written but that model.

    Parameters
    ----------
    stack : Stack
        The images.
    labels : mapping of int to ndarray
        Labels of the frames to learn from and of the exam, as they were at one moment.
    movie : ndarray
        The labels of all frames, axes TYX, with which proposals are compared; it may change meanwhile.
    lesson : Lesson
        What is to be learned.

    Yields
    ------
    Event
        Those of `napari_cellseg.learn.train.train`, `FrameProposed`, `Progress` and `Note`.

    Returns
    -------
    Learned
        The new model, and what it proposes.

    Raises
    ------
    InputError
        There is no frame or no model to learn from.
    TrainingError
        The new model is of no use.
    Cancelled
        Stopped before there was anything to keep.
    """
    if not lesson.learn:
        raise InputError(
            "No frame was accepted or corrected yet",
            "At least one is needed to learn from",
            "Accept a frame in step 3",
        )
    tidy(lesson.models, lesson.proposals)
    log = read_log(lesson.log)
    base, channel = yield from _choose(stack, labels, lesson)
    samples = [
        replace(_sample(stack, channel, t, labels[t]), checked=t in lesson.accepted) for t in lesson.learn
    ]
    made, stopped = yield from _train(samples, stack, channel, base, lesson)
    exam = [_sample(stack, channel, t, labels[t]) for t in lesson.exam] or samples[-_SCORED:]
    (before, after), late = yield from _to_the_end(_sit((base, made), exam))
    point = _point(lesson, base, made, before, after)
    current = made if point.kept else base
    log = LearningLog(exam=lesson.reserved, points=(*log.points, point))
    write_log(lesson.log, log)
    binned = bin_older(lesson.models, {made.name, current.name, base.name, log.best})
    if binned:
        yield Note(f"To the bin, as newer models of the series are there: {', '.join(binned)}.")
    proposals = Proposals(made)
    if point.kept and not stopped and not late:
        proposals = yield from propose(stack, movie, made, lesson)
    return Learned(made, current, point, binned, stopped or late, proposals)


def propose(stack: Stack, movie: npt.NDArray[Any], model: Path, lesson: Lesson) -> Steps[Proposals]:
    """Find the objects of uncorrected frames, without changing any label.

    Parameters
    ----------
    stack : Stack
        The images.
    movie : ndarray
        The labels of all frames, axes TYX, with which proposals are compared.
    model : Path
        Folder of the model.
    lesson : Lesson
        Which frames are wanted, and where the proposals go.

    Yields
    ------
    Event
        `FrameProposed`, `Progress` and `Note`.

    Returns
    -------
    Proposals
        After a stop, those of the frames done.

    Raises
    ------
    Cancelled
        Stopped before the first frame was done.
    """
    from napari_cellseg.learn.predict import predict  # torch only where it is needed

    frames = lesson.wanted[: lesson.config.propose]
    if not frames:
        return Proposals(model)
    channel = channel_for(read_card(model), lesson.image, lesson.stained)
    config = PredictConfig(device=lesson.config.device)
    done: list[FrameProposed] = []
    file = lesson.proposals / f"{model.name}{SUFFIX}"
    with written(file) as writer:

        def keep(event: Event) -> Event:
            if not isinstance(event, FramePredicted):
                return event
            writer.add(proposal(event.t, event.labels, model.name))
            before = np.asarray(movie[event.t])
            differ = not np.array_equal(before > 0, event.labels > 0) or _n(before) != _n(event.labels)
            done.append(FrameProposed(event.t, _n(before), _n(event.labels), differ))
            return done[-1]

        try:
            yield from relay(predict(stack, channel, model, config, frames, keep_probability=False), keep)
        except Cancelled:
            if not done:
                raise
    return Proposals(model, file, tuple(done))


def _choose(stack: Stack, labels: Frames, lesson: Lesson) -> Steps[tuple[Path, int]]:
    """Choose the model to start from, and the channel at which it looks."""
    if not lesson.bases:
        raise InputError(
            "There is no model to learn from", "Learning goes on from a model", "Choose one in step 5"
        )
    channels = {}
    for folder in lesson.bases:
        card = read_card(folder)
        must_find_objects(card)
        channels[folder] = channel_for(card, lesson.image, lesson.stained)
    base = lesson.bases[0]
    if len(lesson.bases) > 1:
        tried = lesson.learn[:_TRIED]
        samples = [_sample(stack, lesson.image, t, labels[t]) for t in tried]
        images = {folder: [stack.frame(t, channel) for t in tried] for folder, channel in channels.items()}
        tallies = yield from _sit(lesson.bases, samples, images)
        base = max(zip(tallies, lesson.bases, strict=True), key=lambda one: one[0].quality)[1]
    yield Note(f"Learning goes on from {base.name}.")
    return base, channels[base]


def _train(
    samples: list[Sample], stack: Stack, channel: int, base: Path, lesson: Lesson
) -> Steps[tuple[Path, bool]]:
    """Fine-tune; answers the new model's folder, and whether it was stopped."""
    from napari_cellseg.learn.train import train  # torch only where it is needed

    with storage(lesson.models):
        lesson.models.mkdir(parents=True, exist_ok=True)
    out, config = lesson.models / next_name(lesson.models), _settings(lesson)
    parts = _parts(samples)
    if len(parts) > len(samples):
        config = config.model_copy(update={"validation_fraction": 0.5})
    name = stack.channels[channel]
    net = read_card(base).net
    steps = train(parts, config, net, out, base, name, pixel_size_um=stack.pixel_size_um)
    stopped = False

    def note(stop: Cancelled) -> Event:
        nonlocal stopped
        stopped = True
        return steps.throw(stop)

    yield from _answering(steps, note)
    return out, stopped  # whichever of the two training itself prefers: the exam decides


def _to_the_end(steps: Steps[R]) -> Steps[tuple[R, bool]]:
    """Finish short work even when it is stopped; answers its result, and whether it was."""
    stopped = False

    def go_on(_stop: Cancelled) -> Event:
        nonlocal stopped
        stopped = True
        return next(steps)

    result = yield from _answering(steps, go_on)
    return result, stopped


def _answering(steps: Steps[R], on_stop: Callable[[Cancelled], Event]) -> Steps[R]:
    """Pass work on; when it is stopped, do something else than to throw."""
    try:
        event = next(steps)
        while True:
            try:
                yield event
            except Cancelled as stop:
                event = on_stop(stop)
            else:
                event = next(steps)
    except StopIteration as end:
        result: R = end.value
        return result
    finally:
        steps.close()


def _settings(lesson: Lesson) -> TrainConfig:
    told = {"minutes": lesson.config.minutes, "device": lesson.config.device}
    return lesson.train.model_copy(update=told)


def _parts(samples: list[Sample]) -> list[Sample]:
    """Of few frames keep a strip of each aside to choose the best epoch, for whole frames would be missed.

    The strips come last, and are half of all: that is what `split.split_samples` keeps aside of one movie.
    """
    strips = [_cut(sample) for sample in samples]
    if not 1 < len(samples) <= _FEW or any(small is None for _, small in strips):
        return samples
    return [large for large, _ in strips] + [small for _, small in strips if small is not None]


def _cut(sample: Sample) -> tuple[Sample, Sample | None]:
    axis = 0 if sample.image.shape[0] >= sample.image.shape[1] else 1
    at = round(_PART * sample.image.shape[axis])
    if sample.image.shape[axis] - at < _LEAST_PART_PX:
        return sample, None
    parts = (slice(at), slice(at, None))
    boxes = [(part, slice(None)) if axis == 0 else (slice(None), part) for part in parts]
    large, small = (replace(sample, image=sample.image[box], labels=sample.labels[box]) for box in boxes)
    return large, small


def _sit(
    models: Sequence[Path],
    samples: Sequence[Sample],
    images: Mapping[Path, Sequence[npt.NDArray[Any]]] | None = None,
) -> Steps[tuple[Tally, ...]]:
    """Score models on the same frames."""
    from napari_cellseg.learn.comparison import compare_models  # torch only where it is needed

    tallies = dict.fromkeys(models, Tally())

    def add(event: Event) -> Event:
        if isinstance(event, FrameCompared):
            tallies[event.model] += event.tally
        return event

    yield from relay(compare_models(models, samples, images=images), add)
    return tuple(tallies.values())


def _point(lesson: Lesson, base: Path, made: Path, before: Tally, after: Tally) -> LearningPoint:
    new, old = after.scores(), before.scores()
    cards = read_card(made), read_card(base)
    point = LearningPoint(
        model=made.name,
        model_hash=model_hash(cards[0]),
        before=base.name,
        before_hash=model_hash(cards[1]),
        when=datetime.now(UTC).isoformat(timespec="seconds"),
        minutes=lesson.minutes,
        learned=lesson.learn,
        exam=lesson.exam,
        flatters=not lesson.exam,
        ap50=new["ap50"],
        count_error=new["count_error"],
        ap50_before=old["ap50"],
        count_error_before=old["count_error"],
        kept=True,
    )
    return point.model_copy(update={"kept": not point.is_worse})


def _n(labels: npt.NDArray[Any]) -> int:
    """Count the objects of a frame."""
    return int(np.count_nonzero(np.bincount(labels[labels > 0]))) if labels.size else 0


def _sample(stack: Stack, channel: int, t: int, labels: npt.NDArray[np.int32]) -> Sample:
    image, name = stack.frame(t, channel), f"{stack.name}, frame {t}"
    return Sample(image, np.array(labels, np.int32), stack.group, name)
