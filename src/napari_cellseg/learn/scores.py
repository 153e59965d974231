"""Scores by which training chooses between models, on the same frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_cellseg.data.samples import IGNORE

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

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(a + b for a, b in zip(vars(self).values(), vars(other).values(), strict=True)))

    def scores(self) -> dict[str, float]:
        """Compute the scores.

        Returns
        -------
        dict of str to float
            ``iou`` of all object pixels; ``ap50`` TP/(TP+FP+FN) and ``f1`` of the objects at IoU 0.5;
            ``count_error``: difference of the counts over the true count. Where there is nothing to find and
            nothing was found, all is well.
        """
        either = self.objects + self.predicted - self.found
        return {
            "iou": self.overlap / self.union if self.union else 1.0,
            "ap50": self.found / either if either else 1.0,
            "f1": 2 * self.found / (self.objects + self.predicted) if either else 1.0,
            "count_error": abs(self.predicted - self.objects) / max(self.objects, 1),
        }

    @property
    def quality(self) -> float:
        """The one number by which models are compared: the mean of IoU and AP at 0.5, 0 to 1."""
        scores = self.scores()
        return (scores["iou"] + scores["ap50"]) / 2


def tally(truth: npt.NDArray[Any], labels: npt.NDArray[Any], loss: float = 0.0) -> Tally:
    """Compare the labels of a frame with the truth.

    Parameters
    ----------
    truth, labels : ndarray
        Axes YX, integer; in the truth -1 is ignored, and with it the predicted objects that lie in it for the
        most part.
    loss : float
        The frame's loss, to be summed.

    Returns
    -------
    Tally
        Of this frame. An IoU above 0.5 can only be reached by one object each, so no assignment is needed
        (Kirillov et al. 2019).
    """
    ignored = truth == IGNORE
    in_ignored = np.bincount(labels[ignored], minlength=int(labels.max()) + 1)
    area = np.bincount(labels.ravel(), minlength=int(labels.max()) + 1)
    counted = (area > 0) & (2 * in_ignored < area)
    counted[0] = False
    a, b = truth[~ignored].astype(np.int64), np.where(counted[labels], labels, 0)[~ignored].astype(np.int64)
    pairs, shared = np.unique(a * (len(area) + 1) + b, return_counts=True)
    of_a, of_b = np.divmod(pairs, len(area) + 1)
    both = (of_a > 0) & (of_b > 0)
    area_a, area_b = np.bincount(a, minlength=1), np.bincount(b, minlength=1)
    union = area_a[of_a[both]] + area_b[of_b[both]] - shared[both]
    return Tally(
        found=int((shared[both] > _MATCH * union).sum()),
        objects=int((area_a[1:] > 0).sum()),
        predicted=int((area_b[1:] > 0).sum()),
        overlap=int(((a > 0) & (b > 0)).sum()),
        union=int(((a > 0) | (b > 0)).sum()),
        truth_px=int((a > 0).sum()),
        predicted_px=int((b > 0).sum()),
        counted_px=len(a),
        loss=loss,
        frames=1,
    )
