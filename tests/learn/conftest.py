"""Synthetic scenes with known truth, and a network small enough to train in seconds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage as ndi

from napari_cellseg.config import NetConfig, TrainConfig
from napari_cellseg.data.samples import Sample

Scene = Callable[..., npt.NDArray[np.int32]]


@pytest.fixture
def disks() -> Scene:
    """Labels of disks at random, some of them touching."""

    def draw(side: int = 96, n: int = 12, radius: float = 7.0, seed: int = 0) -> npt.NDArray[np.int32]:
        random = np.random.default_rng(seed)
        labels = np.zeros((side, side), np.int32)
        rows, columns = np.indices(labels.shape)
        number = 0
        for _ in range(n * 20):
            y, x = random.uniform(0, side, 2)
            disk = (rows - y) ** 2 + (columns - x) ** 2 <= radius**2
            if not labels[disk].any() and disk.sum() > 2 * radius**2:
                number += 1
                labels[disk] = number
            if number == n:
                break
        return labels

    return draw


@pytest.fixture
def scenes(disks: Scene) -> Callable[..., list[Sample]]:
    """Samples whose objects are bright, blurred and noisy: easy enough to be learned in seconds."""

    def make(n: int = 4, groups: int = 2, side: int = 96, seed: int = 0, **how: Any) -> list[Sample]:
        random = np.random.default_rng(seed)
        samples = []
        for i in range(n):
            labels = disks(side, seed=100 * seed + i, **how)
            light = ndi.gaussian_filter((labels > 0).astype(float), 1)
            image = 200 + 800 * light + random.normal(0, 40, labels.shape)
            group = f"pos{i % groups + 1}"
            samples.append(Sample(image.clip(0).astype(np.uint16), labels, group, f"{group} frame {i}"))
        return samples

    return make


@pytest.fixture
def small_net() -> NetConfig:
    """The smallest network worth training."""
    return NetConfig(encoder="tu-regnetx_002", decoder_channels=(32, 16, 16))


@pytest.fixture
def quick() -> TrainConfig:
    """Settings under which an epoch takes about a second."""
    return TrainConfig(max_epochs=2, batch_size=2, patch_px=64, device="cpu", learning_rate=3e-3)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where a model is to be written."""
    return tmp_path / "model"
