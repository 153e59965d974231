"""How large objects are, found out in as few looks as will do."""

from __future__ import annotations

import numpy as np
import pytest
from torch import nn

from napari_cellseg.learn import size
from napari_cellseg.learn.size import fitting_scale
from napari_cellseg.learn.view import View

VIEW = View(1.0, 1, 99, 256, 8, 1, "cpu", 20.0)
FRAME = np.zeros((64, 64), np.uint16)


def looks(monkeypatch: pytest.MonkeyPatch, answers: dict[float, tuple[float, float]]) -> list[float]:
    """Give what a look in each size finds: agreement and diameter; collect the sizes looked at."""
    seen: list[float] = []

    def look(_network: nn.Module, _frame: object, _view: View, scale: float) -> tuple[float, float]:
        seen.append(scale)
        return answers[scale]

    monkeypatch.setattr(size, "_look", look)
    return seen


def test_one_look_is_enough_where_pixels_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = looks(monkeypatch, {0.4: (0.9, 48.0)})
    assert fitting_scale(nn.Identity(), [FRAME], VIEW) == pytest.approx(20 / 48)
    assert seen == [0.4]


def test_where_they_do_not_the_better_of_two_looks_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = looks(monkeypatch, {0.4: (0.5, 60.0), 1.0: (0.6, 21.0)})
    assert fitting_scale(nn.Identity(), [FRAME], VIEW) == pytest.approx(20 / 21)
    assert seen == [0.4, 1.0]


def test_it_looks_again_until_objects_have_the_right_size(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = looks(monkeypatch, {0.4: (0.9, 10.0), 2.0: (0.9, 13.0), 20 / 13: (0.9, 12.5)})
    assert fitting_scale(nn.Identity(), [FRAME], VIEW) == pytest.approx(20 / 12.5)
    assert seen == [0.4, 2.0, 20 / 13]


def test_frames_without_objects_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = looks(monkeypatch, {0.4: (0.0, 0.0), 1.0: (0.0, 0.0)})
    assert fitting_scale(nn.Identity(), [FRAME, FRAME], VIEW) == 1.0
    assert seen == [0.4, 1.0] * 2
