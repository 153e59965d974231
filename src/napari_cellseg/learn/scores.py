"""Scores by which training chooses between models, on the same frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_cellseg.data.samples import IGNORE
from napari_cellseg.learn.certainty import BINS, best_bound, counted

_MATCH = 0.5


@dataclass(frozen=True)
class Tally:
    """Counts from which scores are computed; tallies of several frames add up.

    Attributes
    ----------
    found, objects, predicted : int
        Objects matched at IoU above 0.5, true objects, predicted objects.
    overlap, union : int
        Pixels that both call object, and that either does.
    truth_px, predicted_px, counted_px : int
        Pixels of true objects, of predicted objects, and all that are not ignored.
    loss : float
        Sum of the frames' losses.
    frames : int
        Number of frames.
    class_truth_px, class_found_px, class_right_px : tuple of int
        Where pixels are given classes: of each, its true pixels, those that were given it, and those of them
        that are right. The counts of objects and their overlap are 0 then, and an object is all that is no
        background.
    predicted_by_certainty, found_by_certainty : tuple of int
        The predicted objects, and those of them that were matched, by how sure the network is of them, see
        `certainty.counted`; empty where that is not known.
    checked_objects : int
        The true objects of frames of which a person says that every object is labelled.
    checked_predicted, checked_found : tuple of int
        Of these frames, as ``predicted_by_certainty`` and ``found_by_certainty``.
    """

    found: int = 0
    objects: int = 0
    predicted: int = 0
    overlap: int = 0
    union: int = 0
    truth_px: int = 0
    predicted_px: int = 0
    counted_px: int = 0
    loss: float = 0.0
    frames: int = 0
    class_truth_px: tuple[int, ...] = ()
    class_found_px: tuple[int, ...] = ()
    class_right_px: tuple[int, ...] = ()
    predicted_by_certainty: tuple[int, ...] = ()
    found_by_certainty: tuple[int, ...] = ()
    checked_objects: int = 0
    checked_predicted: tuple[int, ...] = ()
    checked_found: tuple[int, ...] = ()

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(_sum(a, b) for a, b in zip(vars(self).values(), vars(other).values(), strict=True)))

    @classmethod
    def restored(cls, values: Mapping[str, Any]) -> Tally:
        """Make a tally from its fields as JSON gives them.

        Parameters
        ----------
        values : mapping
            By name; lists in place of tuples.

        Returns
        -------
        Tally
            The tally.
        """
        fields: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
        }
        return cls(**fields)

    @property
    def certainty(self) -> float:
        """How sure the network must be of an object for its scores on the checked frames to be best, 0 to 1.

        Other frames do not tell: labels made automatically miss faint objects that a network finds, and a
        bound would take these for debris.
        """
        return self._bound() / BINS

    def _bound(self) -> int:
        return best_bound(self.checked_predicted, self.checked_found, self.checked_objects)

    def _kept(self) -> tuple[int, int]:
        """Count what is found and what is predicted, without the objects that are not certain enough."""
        if not self.predicted_by_certainty:
            return self.found, self.predicted
        bound = self._bound()
        return sum(self.found_by_certainty[bound:]), sum(self.predicted_by_certainty[bound:])

    def scores(self) -> dict[str, float]:
        """Compute the scores.

        Returns
        -------
        dict of str to float
            ``iou`` of all object pixels; ``ap50`` TP/(TP+FP+FN) and ``f1`` of the objects at IoU 0.5;
            ``count_error``: difference of the counts over the true count. Objects that are not certain
            enough, see `certainty`, do not count. Where there is nothing to find and nothing was found, all
            is well.

            Of classes: ``iou_0``, ``iou_1``, ... of each that is there or was found anywhere, right pixels
            over those of the truth or of what was found; ``iou``, their mean (Everingham et al. 2010, the
            PASCAL VOC challenge); ``accuracy``, the part of right pixels.
        """
        if self.class_truth_px:
            return self._class_scores()
        found, predicted = self._kept()
        either = self.objects + predicted - found
        return {
            "iou": self.overlap / self.union if self.union else 1.0,
            "ap50": found / either if either else 1.0,
            "f1": 2 * found / (self.objects + predicted) if either else 1.0,
            "count_error": abs(predicted - self.objects) / max(self.objects, 1),
        }

    def _class_scores(self) -> dict[str, float]:
        each = zip(self.class_truth_px, self.class_found_px, self.class_right_px, strict=True)
        unions = [(true + found - right, right) for true, found, right in each]
        ious = {f"iou_{n}": right / union for n, (union, right) in enumerate(unions) if union}
        return {
            "iou": sum(ious.values()) / len(ious) if ious else 1.0,
            "accuracy": sum(self.class_right_px) / self.counted_px if self.counted_px else 1.0,
            **ious,
        }

    @property
    def quality(self) -> float:
        """The one number by which models are compared, 0 to 1.

        The mean of IoU and AP at 0.5; of classes, the mean IoU.
        """
        scores = self.scores()
        return (scores["iou"] + scores.get("ap50", scores["iou"])) / 2


def _sum(a: Any, b: Any) -> Any:
    """Add numbers, or tuples of numbers one by one; an empty tuple is nothing."""
    return tuple(map(sum, zip_longest(a, b, fillvalue=0))) if isinstance(a, tuple) else a + b


def tally(
    truth: npt.NDArray[Any],
    labels: npt.NDArray[Any],
    loss: float = 0.0,
    certainty: npt.NDArray[np.float64] | None = None,
    checked: bool = False,
) -> Tally:
    """Compare the labels of a frame with the truth.

    Parameters
    ----------
    truth, labels : ndarray
        Axes YX, integer; in the truth -1 is ignored, and with it the predicted objects that lie in it for the
        most part.
    loss : float
        The frame's loss, to be summed.
    certainty : ndarray, optional
        How sure the network is of each predicted object, by its number; see `certainty.certainties`.
    checked : bool
        See `Sample.checked`.

    Returns
    -------
    Tally
        Of this frame. An IoU above 0.5 can only be reached by one object each, so no assignment is needed
        (Kirillov et al. 2019).
    """
    ignored = truth == IGNORE
    in_ignored = np.bincount(labels[ignored], minlength=int(labels.max()) + 1)
    area = np.bincount(labels.ravel(), minlength=int(labels.max()) + 1)
    counts = (area > 0) & (2 * in_ignored < area)
    counts[0] = False
    a, b = truth[~ignored].astype(np.int64), np.where(counts[labels], labels, 0)[~ignored].astype(np.int64)
    pairs, shared = np.unique(a * (len(area) + 1) + b, return_counts=True)
    of_a, of_b = np.divmod(pairs, len(area) + 1)
    both = (of_a > 0) & (of_b > 0)
    area_a, area_b = np.bincount(a, minlength=1), np.bincount(b, minlength=1)
    union = area_a[of_a[both]] + area_b[of_b[both]] - shared[both]
    found, predicted = of_b[both][shared[both] > _MATCH * union], 1 + np.flatnonzero(area_b[1:])
    objects = int((area_a[1:] > 0).sum())
    by_certainty = [() if certainty is None else counted(certainty[which]) for which in (predicted, found)]
    return Tally(
        found=len(found),
        objects=objects,
        predicted=len(predicted),
        overlap=int(((a > 0) & (b > 0)).sum()),
        union=int(((a > 0) | (b > 0)).sum()),
        truth_px=int((a > 0).sum()),
        predicted_px=int((b > 0).sum()),
        counted_px=len(a),
        loss=loss,
        frames=1,
        predicted_by_certainty=by_certainty[0],
        found_by_certainty=by_certainty[1],
        checked_objects=objects if checked else 0,
        checked_predicted=by_certainty[0] if checked else (),
        checked_found=by_certainty[1] if checked else (),
    )


def tally_classes(
    truth: npt.NDArray[Any], labels: npt.NDArray[Any], classes: int, loss: float = 0.0
) -> Tally:
    """Compare the classes of a frame with the truth.

    Parameters
    ----------
    truth, labels : ndarray
        Axes YX, integer, 0 to ``classes - 1``; in the truth -1 is ignored.
    classes : int
        How many there are, with background.
    loss : float
        The frame's loss, to be summed.

    Returns
    -------
    Tally
        Of this frame.
    """
    counted = truth != IGNORE
    pairs = truth[counted].astype(np.int64) * classes + labels[counted]
    table = np.bincount(pairs, minlength=classes**2).reshape(classes, classes)
    true, found = table.sum(axis=1), table.sum(axis=0)
    return Tally(
        truth_px=int(true[1:].sum()),
        predicted_px=int(found[1:].sum()),
        counted_px=int(table.sum()),
        loss=loss,
        frames=1,
        class_truth_px=tuple(true.tolist()),
        class_found_px=tuple(found.tolist()),
        class_right_px=tuple(table.diagonal().tolist()),
    )
