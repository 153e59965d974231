import numpy as np

from napari_cellseg.data.samples import Sample
from napari_cellseg.evaluate.objects import match
from napari_cellseg.evaluate.pictures import FOUND, INVENTED, MISSED
from napari_cellseg.live.panels import PANEL_PX, panels_of, where_most_is_wrong


def scene(side: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Two objects up left that are found, one down right that is not, and one that is none beside it."""
    truth, found = np.zeros((side, side), np.int32), np.zeros((side, side), np.int32)
    truth[20:32, 20:32], truth[20:32, 60:72], truth[350:362, 350:362] = 1, 2, 3
    found[20:32, 21:33], found[20:32, 60:72], found[310:322, 350:362] = 5, 6, 7
    return truth, found


def has(picture: np.ndarray, pen: object) -> bool:
    return bool((picture == np.array(pen.colour)).all(axis=2).any())


def test_detail_is_where_most_is_wrong_and_the_whole_has_all() -> None:
    truth, found = scene()
    box = where_most_is_wrong(truth, [found], [match(truth, found)])
    assert [part.stop - part.start for part in box] == [162, 162]  # twelve diameters
    assert truth[box].max() == 3
    assert set(np.unique(found[box])) == {0, 7}
    sample = Sample(np.random.default_rng(0).normal(100, 9, truth.shape), truth, "s", "s")
    first, panel = panels_of(sample, [("m", sample.image, found)])
    assert (first.heading, first.caption) == ("Truth", "3 objects")
    assert (panel.heading, panel.caption) == ("m", "2 found · 1 missed · 1 invented")
    for picture in (panel.detail, panel.whole, first.whole):
        assert picture.shape == (PANEL_PX, PANEL_PX, 3)
    assert [has(panel.detail, pen) for pen in (FOUND, MISSED, INVENTED)] == [False, True, True]
    assert [has(panel.whole, pen) for pen in (FOUND, MISSED, INVENTED)] == [True, True, True]
    assert [has(first.whole, pen) for pen in (FOUND, MISSED, INVENTED)] == [True, False, False]


def test_empty_and_oblong_frames_are_drawn_too() -> None:
    for shape in ((40, 300), (1, 7)):
        empty = np.zeros(shape, np.int32)
        panels = panels_of(Sample(empty.astype(float), empty, "s", "s"), [("m", empty, empty)])
        assert panels[1].caption == "0 found · 0 missed · 0 invented"
        assert max(panels[1].whole.shape) == PANEL_PX
