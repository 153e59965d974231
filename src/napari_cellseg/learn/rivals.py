"""Which model to keep: none that is of no use, and no new one that is worse than the old."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from napari_cellseg.config import PredictConfig
from napari_cellseg.data.samples import Sample
from napari_cellseg.errors import TrainingError
from napari_cellseg.learn import runtime
from napari_cellseg.learn.card import ModelCard
from napari_cellseg.learn.events import Compared
from napari_cellseg.learn.model import TrainedModel
from napari_cellseg.learn.movies import levels_of_samples
from napari_cellseg.learn.scores import Tally
from napari_cellseg.learn.split import Split
from napari_cellseg.learn.validation import Exam, sit
from napari_cellseg.learn.view import View
from napari_cellseg.progress import Steps

_TOO_MUCH = 0.9


@dataclass(frozen=True)
class Rival:
    """The older model that the new one has to beat.

    Attributes
    ----------
    path : Path
        Its folder.
    card : ModelCard
        Its card.
    tally : Tally
        How it scores on the frozen frames.
    """

    path: Path
    card: ModelCard
    tally: Tally


def score_rivals(
    models: Sequence[tuple[Path, TrainedModel]], exam: Exam, view: View, samples: Sequence[Sample]
) -> Steps[Rival | None]:
    """Score the older models; the better one is what the new one has to beat.

    Parameters
    ----------
    models : sequence of (Path, TrainedModel)
        Their folders and networks.
    exam : Exam
        The frozen frames.
    view : View
        Its device and the size of the objects matter: each model looks at frames in its own way.
    samples : sequence of Sample
        All samples, from which the grey levels of movies are found.

    Yields
    ------
    Event
        `Progress` before each frame.

    Returns
    -------
    Rival or None
        The better one; None when there is none.
    """
    scored = []
    for path, model in models:
        card = model.card
        scale = card.object_px / view.diameter_px if card.any_size else card.scale
        low, high, by = card.low_percentile, card.high_percentile, card.normalise_by
        movies = levels_of_samples(samples, by, low, high)
        theirs = View(scale, low, high, 512, 64, 1, view.device, card.object_px, by=by, movies=movies)
        theirs = replace(theirs, classes=card.net.classes)
        marks = yield from sit(runtime.laid_out(model.network, view.device), exam, theirs, PredictConfig())
        scored.append(Rival(path, card, marks.tally))
    return max(scored, key=lambda one: one.tally.quality, default=None)


def refuse_useless(tally: Tally) -> None:
    """Refuse a model that must not be used.

    Parameters
    ----------
    tally : Tally
        Its scores on the validation frames.

    Raises
    ------
    TrainingError
        It finds nothing, or calls nearly everything an object; or it knows but one of several classes.
    """
    true, found = (sum(n > 0 for n in px) for px in (tally.class_truth_px, tally.class_found_px))
    if found == 1 and true > 1:
        raise TrainingError(
            f"The trained network gives all pixels of the validation frames the same class; "
            f"by the labels there are {true}",
            "",
            "Train longer, label more frames, or check that the labels fit the images",
        )
    part = tally.predicted_px / max(tally.counted_px, 1)
    truth = tally.truth_px / max(tally.counted_px, 1)
    if tally.predicted == 0 and tally.objects > 0:
        raise TrainingError(
            f"The trained network finds none of the {tally.objects} objects in the validation frames",
            "",
            "Train longer, label more frames, or check that the labels fit the images",
        )
    if not true and part > _TOO_MUCH and truth < _TOO_MUCH / 2:
        raise TrainingError(
            f"The trained network calls {part:.0%} of the validation frames an object; "
            f"by the labels it is {truth:.0%}",
            "",
            "Train longer, label more frames, or check that the labels fit the images",
        )


def compare(rival: Rival, new: Tally, split: Split, made: Path) -> Compared:
    """Compare the new model with the older one, and say which is kept.

    Parameters
    ----------
    rival : Rival
        The older one.
    new : Tally
        Scores of the new one on the same frames.
    split : Split
        To tell whether the older one has learned from some of these frames.
    made : Path
        Folder of the new one.

    Returns
    -------
    Compared
        The better one is kept; the new one when both are equal.
    """
    kept_new = new.quality >= rival.tally.quality
    a, b = rival.tally.scores(), new.scores()
    text = (
        f"On the same {new.frames} validation frames the new model reaches {_told(b)}; "
        f"the old one ({rival.card.name}) {_told(a)}. "
    )
    text += (
        "The new one is used." if kept_new else f"The old one is kept; the new one is saved as {made.name}."
    )
    if set(rival.card.groups) & set(split.held_out):
        text += " The old model has learned from some of these frames, so its score flatters it."
    return Compared(a, b, "new" if kept_new else "old", text)


def _told(scores: Mapping[str, float]) -> str:
    if "ap50" not in scores:
        return f"a mean IoU of {scores['iou']:.2f}, {scores['accuracy']:.0%} of the pixels right"
    return f"AP {scores['ap50']:.2f}, IoU {scores['iou']:.2f}, counting error {scores['count_error']:.0%}"
