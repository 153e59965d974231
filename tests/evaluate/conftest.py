"""Scenes whose every score can be worked out by hand."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

Labels = npt.NDArray[np.int32]


@pytest.fixture
def boxes() -> Callable[..., Labels]:
    """Draw labels from rows of (label, y0, y1, x0, x1); later ones cover earlier ones."""

    def draw(*rows: tuple[int, int, int, int, int], shape: tuple[int, int] = (40, 60)) -> Labels:
        labels = np.zeros(shape, np.int32)
        for label, y0, y1, x0, x1 in rows:
            labels[y0:y1, x0:x1] = label
        return labels

    return draw


@pytest.fixture
def scene(boxes: Callable[..., Labels]) -> tuple[Labels, Labels]:
    """Four true objects of 100 px; found at IoU 0.6, at IoU 1, half found at 1/3, missed; one invented."""
    truth = boxes((1, 0, 10, 0, 10), (2, 0, 10, 20, 30), (3, 20, 30, 0, 10), (4, 20, 30, 40, 50))
    prediction = boxes((7, 0, 6, 0, 10), (3, 0, 10, 20, 30), (9, 20, 30, 5, 15), (5, 35, 38, 50, 55))
    return truth, prediction
