"""Whether predicted probabilities can be taken at their word: where they say 70 %, 70 % should be foreground.

Pixels are sorted into ten bins by their predicted probability. In each bin the mean probability is compared
with the part of the pixels that is foreground in the truth: the reliability curve (DeGroot and Fienberg
1983).

- Expected calibration error, ECE = Σ n_b / N · |observed_b - predicted_b| over the bins b (Guo et al. 2017),
  here of the probability of foreground. 0 is perfect.
- Brier score = mean of (probability - truth)² over the pixels, truth being 0 or 1 (Brier 1950). 0 is perfect;
  it also counts how decided the probabilities are.

Counts are taken frame by frame and add up, so that nothing but ten bins is kept of a frame. Pixels that are
-1 (ignore) in the truth count for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_cellseg.errors import InputError
from napari_cellseg.evaluate.formulas import calibration_scores, ratios

N_BINS = 10
"""Bins of probability, each 0.1 wide; the last one holds 1 too."""

_ROUNDING = 1e-3  # float16 and blended tiles may end a little beyond 0 and 1


@dataclass(frozen=True)
class Reliability:
    """What the calibration is worked out from; add it up over frames with ``+``.

    Attributes
    ----------
    n_px : tuple of int
        Pixels in each bin of predicted probability.
    probability_sum : tuple of float
        Sum of the predicted probabilities in each bin.
    n_true : tuple of int
        Pixels of each bin that are foreground in the truth.
    squared : float
        Sum of (probability - truth)² over all pixels.
    """

    n_px: tuple[int, ...] = (0,) * N_BINS
    probability_sum: tuple[float, ...] = (0.0,) * N_BINS
    n_true: tuple[int, ...] = (0,) * N_BINS
    squared: float = 0.0

    def __add__(self, other: Reliability) -> Reliability:
        return Reliability(
            tuple(a + b for a, b in zip(self.n_px, other.n_px, strict=True)),
            tuple(a + b for a, b in zip(self.probability_sum, other.probability_sum, strict=True)),
            tuple(a + b for a, b in zip(self.n_true, other.n_true, strict=True)),
            self.squared + other.squared,
        )

    def scores(self) -> dict[str, float]:
        """Work out the scores of the probabilities.

        Returns
        -------
        dict
            ``brier`` and ``ece``, each 0 (perfect) to 1; NaN where there are no pixels.
        """
        n_px, probability_sum, n_true = map(np.array, (self.n_px, self.probability_sum, self.n_true))
        scores = calibration_scores(n_px, probability_sum, n_true, self.squared)
        return {name: value.item() for name, value in scores.items()}

    def curve(self) -> pd.DataFrame:
        """Lay the reliability curve out as a table.

        Returns
        -------
        pandas.DataFrame
            One row a bin: ``probability_from``, ``probability_to``, ``n_px``, ``mean_probability`` and
            ``observed_fraction`` (part that is foreground); the last two are NaN in an empty bin.
        """
        edges = np.round(np.linspace(0, 1, N_BINS + 1), 10)
        n_px = np.array(self.n_px)
        return pd.DataFrame(
            {
                "probability_from": edges[:-1],
                "probability_to": edges[1:],
                "n_px": n_px,
                "mean_probability": ratios(np.array(self.probability_sum), n_px),
                "observed_fraction": ratios(np.array(self.n_true), n_px),
            }
        )


def count_probabilities(
    truth: npt.NDArray[Any], probability: npt.NDArray[Any], name: str = ""
) -> Reliability:
    """Count what the calibration of one frame is worked out from.

    Parameters
    ----------
    truth : ndarray
        Any axes, integer: 0 background, 1, 2, ... objects, -1 ignore.
    probability : ndarray
        The same axes, floating: predicted probability of foreground, 0 to 1.
    name : str
        What they belong to, for the message.

    Returns
    -------
    Reliability
        Add it up over frames, then ask for `Reliability.scores` and `Reliability.curve`.

    Raises
    ------
    InputError
        The shapes differ, or the numbers are no probabilities.
    """
    of = f" of {name}" if name else ""
    if truth.shape != probability.shape:
        raise InputError(
            f"The truth{of} has the shape {truth.shape}, its probabilities {probability.shape}",
            "Both must have the same frames, height and width",
            "Choose the probabilities that were predicted for this image, at its full size",
        )
    seen = truth >= 0
    given = probability[seen].astype(np.float64)
    if given.size and not (given.min() >= -_ROUNDING and given.max() <= 1 + _ROUNDING):  # NaN is neither
        raise InputError(
            f"The probabilities{of} reach from {given.min():.4g} to {given.max():.4g}",
            "Fractions from 0 to 1, or whole numbers of 8 or 16 bits, were expected",
            "Choose the pictures that `napari-cellseg predict --probabilities` writes",
        )
    given, nucleus = np.clip(given, 0, 1), truth[seen] > 0
    bins = np.minimum((given * N_BINS).astype(np.int64), N_BINS - 1)
    return Reliability(
        tuple(np.bincount(bins, minlength=N_BINS).tolist()),
        tuple(np.bincount(bins, given, N_BINS).tolist()),
        tuple(np.bincount(bins[nucleus], minlength=N_BINS).tolist()),
        float(np.sum((given - nucleus) ** 2)),
    )
