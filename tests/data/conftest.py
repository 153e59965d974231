"""Images of which every pixel is known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

Array = np.ndarray[Any, Any]


@pytest.fixture
def ramp() -> Callable[..., Array]:
    """Makes an array in which every pixel has another value, so that a swapped axis is seen."""

    def make(*shape: int, dtype: str = "uint16") -> Array:
        return np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)

    return make


@pytest.fixture
def planes_folder(tmp_path: Path) -> Callable[..., Path]:
    """Makes a folder of single images; the value of each tells its place in the list."""

    def make(*names: str, shape: tuple[int, int] = (5, 7), folder: str = "images") -> Path:
        place = tmp_path / folder
        place.mkdir(exist_ok=True)
        for i, name in enumerate(names):
            tifffile.imwrite(place / name, np.full(shape, i + 1, np.uint8))
        return place

    return make
