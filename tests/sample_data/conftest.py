"""Scenes that the tests of the simulator share."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).parents[2] / "sample_data"


@pytest.fixture(scope="session")
def make_sample() -> Iterator[ModuleType]:
    """The script as a module; it lies outside the package."""
    sys.path.insert(0, str(FOLDER))
    yield importlib.import_module("make_sample")
    sys.path.remove(str(FOLDER))


@pytest.fixture(scope="session")
def scene(make_sample):
    """A short movie of two mishaps."""
    return make_sample.simulate(7, n_frames=5)
