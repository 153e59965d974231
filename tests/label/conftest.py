"""Synthetic fluorescence with a known truth, for the tests of labelling."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage as ndi


@dataclass(frozen=True)
class Scene:
    """A frame and what is truly in it."""

    image: npt.NDArray[np.float32]
    truth: npt.NDArray[np.int32]

    def matched(self, labels: npt.NDArray[np.int32], iou: float = 0.5) -> int:
        """Count the true nuclei that a label overlaps with more than `iou`."""
        found = 0
        for number in range(1, int(self.truth.max()) + 1):
            mask = self.truth == number
            under = labels[mask]
            under = under[under > 0]
            if under.size:
                best = labels == np.bincount(under).argmax()
                found += (mask & best).sum() / (mask | best).sum() > iou
        return int(found)


def draw(
    shape: tuple[int, int],
    nuclei: list[tuple[float, float, float]],
    *,
    height: float = 100.0,
    background: float = 20.0,
    noise: float = 3.0,
    blur: float = 1.0,
    seed: int = 0,
) -> Scene:
    """Draw bright disks (y, x, diameter; all px) on a dark background; later ones lie on top."""
    y, x = np.ogrid[: shape[0], : shape[1]]
    truth = np.zeros(shape, np.int32)
    for number, (cy, cx, diameter) in enumerate(nuclei, 1):
        truth[(y - cy) ** 2 + (x - cx) ** 2 <= (diameter / 2) ** 2] = number
    image = background + height * ndi.gaussian_filter((truth > 0).astype(np.float32), blur)
    image += np.random.default_rng(seed).normal(0, noise, shape).astype(np.float32)
    return Scene(image.astype(np.float32), truth)


@pytest.fixture(scope="session")
def scene() -> Callable[..., Scene]:
    """Makes scenes; see `draw`."""
    return draw


@pytest.fixture(scope="session")
def grid() -> Scene:
    """Thirty-six well separated nuclei of 12 to 20 px."""
    rng = np.random.default_rng(1)
    centres = [(y, x) for y in range(25, 290, 48) for x in range(25, 290, 48)]
    jitter = rng.uniform(-6, 6, (len(centres), 2))
    nuclei = [
        (y + dy, x + dx, d)
        for (y, x), (dy, dx), d in zip(centres, jitter, rng.uniform(12, 20, len(centres)), strict=True)
    ]
    return draw((300, 300), nuclei)
