"""Frames with objects of known shape."""

import numpy as np
import numpy.typing as npt
import pytest

Labels = npt.NDArray[np.int32]


@pytest.fixture
def shapes() -> Labels:
    """A square (1), a wide bar (3), a rising diagonal (7), an L (12) and a single pixel in a corner (40)."""
    labels = np.zeros((50, 60), np.int32)
    labels[2:12, 3:13] = 1
    labels[2:6, 20:40] = 3
    for i in range(8):
        labels[27 - i, 5 + i : 7 + i] = 7
    labels[20:40, 30:34] = 12
    labels[36:40, 30:50] = 12
    labels[49, 59] = 40
    return labels


@pytest.fixture
def grid() -> Labels:
    """1,024 discs of different sizes on 1024 x 1024."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:32, :32] - 15.5
    tile = np.hypot(y, x)
    radii = rng.uniform(5, 15, (32, 32))
    numbers = np.arange(1, 1025).reshape(32, 32)
    rows = [[np.where(tile < radii[i, j], numbers[i, j], 0) for j in range(32)] for i in range(32)]
    return np.block(rows).astype(np.int32)
