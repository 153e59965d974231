import numpy as np
import pytest
from napari._vispy.utils.qt_font import QtTextureFont

from napari_cellseg.live.counts import Summary
from napari_cellseg.ui.canvas_text import CanvasText
from napari_cellseg.ui.count_panel import COUNT_LETTERS, count_text

TEXT = "50 nuclei (by area: 46)"


@pytest.fixture
def drawn(monkeypatch):
    """Letters in the order in which napari draws them for the first time."""
    letters = []
    draw = QtTextureFont._load_char

    def note(font, letter):
        letters.append(letter)
        draw(font, letter)

    monkeypatch.setattr(QtTextureFont, "_load_char", note)
    return letters


@pytest.fixture
def line(viewer):
    viewer.add_image(np.zeros((3, 64, 64), np.uint8))
    line = CanvasText(viewer, "line", TEXT)
    yield line
    line.remove()
    assert "line" not in viewer.canvas.overlays
    line.remove()  # a window that closes may ask twice


def picture_of(viewer):
    return viewer.screenshot(canvas_only=True, flash=False)[..., :3]


def test_letters_are_drawn_one_by_one_before_the_text_is_shown(viewer, line, drawn, until):
    line.prepare()
    while line._timer.isActive():
        before = len(drawn)
        line._draw_next()
        assert len(drawn) - before <= 1
    assert picture_of(viewer).max() == 0
    assert set(TEXT) <= set(drawn)
    before = len(drawn)
    line.show(TEXT)
    assert picture_of(viewer).max() > 0
    assert len(drawn) == before
    line.hide()
    assert picture_of(viewer).max() == 0
    line.prepare()
    assert not line._timer.isActive()


def test_a_text_that_is_needed_at_once_does_not_wait(viewer, line, drawn):
    line.prepare()
    line.show(TEXT)
    assert picture_of(viewer).max() > 0


def test_all_letters_of_a_count_are_known():
    for n, by_area in ((1, 0.0), (234_567_890, 1.0)):
        summary = Summary([0], [n], [by_area], [], [], "px")
        assert set(count_text(0, summary)) <= set(COUNT_LETTERS)
