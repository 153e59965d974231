from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from napari_cellseg.errors import InputError
from napari_cellseg.evaluate.objects import match
from napari_cellseg.evaluate.pictures import (
    FOUND,
    INVENTED,
    MISSED,
    TRUE,
    Pen,
    Picture,
    file_name,
    overlay,
    with_legend,
    write_overlays,
)

Labels = npt.NDArray[np.int32]
Boxes = Callable[..., Labels]

BLACK = np.full((40, 60), np.nan)


def pixels_of(picture: Picture, pen: Pen) -> npt.NDArray[np.bool_]:
    return np.asarray((picture == pen.colour).all(axis=2))


@pytest.fixture
def pair(boxes: Boxes) -> tuple[Labels, Labels]:
    """Found at the left, missed in the middle, invented at the right."""
    return boxes((1, 5, 35, 2, 17), (2, 5, 35, 22, 37)), boxes((1, 5, 35, 2, 17), (2, 5, 35, 42, 57))


def test_drawn_twice_shows_what_was_predicted_over_the_truth(boxes: Boxes) -> None:
    truth, prediction = boxes((1, 5, 35, 2, 17)), boxes((4, 5, 35, 4, 19))
    picture = overlay(BLACK, truth, prediction, twice=True)
    assert pixels_of(picture, FOUND).sum() == 2 * (30 + 15) - 4  # as predicted, whole
    assert pixels_of(picture, FOUND)[:, 17:19].any()
    left = pixels_of(picture, TRUE)
    assert left[5:35, 2].all()  # where the prediction does not reach
    assert not left[:, 17:].any()


def test_each_kind_has_its_colour_and_its_line(pair: tuple[Labels, Labels]) -> None:
    picture = overlay(BLACK, *pair)
    drawn = [pixels_of(picture, pen) for pen in (FOUND, MISSED, INVENTED)]
    around = 2 * (30 + 15) - 4
    assert drawn[0].sum() == around  # solid
    assert 0.5 * around < drawn[1].sum() < 0.8 * around  # dashed
    assert 0.3 * around < drawn[2].sum() < 0.6 * around  # dotted
    for pixels, left in zip(drawn, (2, 22, 42), strict=True):
        columns = np.flatnonzero(pixels.any(axis=0))
        assert left <= columns[0]
        assert columns[-1] < left + 15
    assert picture.sum(axis=2)[~np.logical_or.reduce(drawn)].max() == 0


def test_dashes_come_in_pieces_and_dots_in_more(pair: tuple[Labels, Labels]) -> None:
    picture = overlay(None, *pair)
    pieces = []
    for pen, x in ((MISSED, 22), (INVENTED, 42)):
        side = pixels_of(picture, pen)[5:35, x]
        pieces.append(int((np.diff(side.astype(int)) == 1).sum()))
    assert 2 <= pieces[0] < pieces[1]


def test_without_an_image_right_and_wrong_pixels_are_shaded(pair: tuple[Labels, Labels]) -> None:
    picture = overlay(None, *pair)
    for pen, x in ((FOUND, 10), (MISSED, 30), (INVENTED, 50)):
        assert picture[20, x].tolist() == [value * 2 // 5 for value in pen.colour]


def test_touching_objects_are_told_apart(boxes: Boxes) -> None:
    labels = boxes((1, 0, 20, 0, 20), (2, 0, 20, 20, 40))
    outline = pixels_of(overlay(None, labels, labels), FOUND)
    assert outline[10, 19]
    assert outline[10, 20]
    assert not outline[10, 10]


def test_regions_to_ignore_are_hatched(boxes: Boxes) -> None:
    truth = boxes((-1, 0, 20, 0, 20))
    picture = overlay(BLACK, truth, boxes())
    assert 0.1 < (picture[:20, :20] > 0).mean() < 0.3
    assert picture[20:].max() == 0


@pytest.mark.parametrize(
    "image",
    [
        np.full((40, 60), np.nan),
        np.full((40, 60), 7.0),
        np.zeros((40, 60), np.uint8),
        np.full((40, 60), 65535, np.uint16),
        np.where(np.arange(60) > 50, np.nan, np.arange(60.0)) * np.ones((40, 1)),
        np.where(np.arange(60) > 50, np.inf, np.arange(60.0)) * np.ones((40, 1)),
        np.eye(40, 60),
        1.7e308 * np.linspace(-1, 1, 2400).reshape(40, 60),
        np.arange(2400).reshape(40, 60).astype(bool),
        np.arange(2400, dtype=np.int64).reshape(40, 60) * 2**40,
    ],
)
def test_any_image_can_be_drawn_on(pair: tuple[Labels, Labels], image: npt.NDArray[np.generic]) -> None:
    picture = overlay(image, *pair)
    assert picture.dtype == np.uint8
    assert picture.shape == (40, 60, 3)
    assert pixels_of(picture, FOUND).any()


def test_grey_levels_are_spread(boxes: Boxes) -> None:
    image = np.arange(2400).reshape(40, 60) + 50_000
    picture = overlay(image, boxes(), boxes())
    assert (picture[..., 0] == picture[..., 2]).all()
    assert picture[0, 0, 0] == 0
    assert picture[-1, -1, 0] == 255
    assert np.diff(picture[:, 0, 0].astype(int)).min() >= 0


@pytest.mark.parametrize("scale", [1, 2, 5])
def test_enlarging_keeps_the_place(pair: tuple[Labels, Labels], scale: int) -> None:
    picture = overlay(None, *pair, scale=scale)
    assert picture.shape == (40 * scale, 60 * scale, 3)
    rows = np.flatnonzero(pixels_of(picture, FOUND).any(axis=1))
    assert (rows[0], rows[-1]) == (5 * scale, 35 * scale - 1)


def test_an_object_at_the_border_is_closed(boxes: Boxes) -> None:
    labels = boxes((1, 0, 40, 0, 60))
    assert pixels_of(overlay(None, labels, labels), FOUND)[[0, -1, 20, 20], [30, 30, 0, -1]].all()


def test_a_legend_counts(pair: tuple[Labels, Labels]) -> None:
    picture = overlay(None, *pair, scale=10)
    legend = with_legend(picture, match(*pair))[picture.shape[0] :]
    for pen in (FOUND, MISSED, INVENTED):
        assert pixels_of(legend, pen).any()
    drawn = [int(pixels_of(legend, pen).sum()) for pen in (FOUND, MISSED, INVENTED)]
    assert drawn == sorted(drawn, reverse=True)


def test_pictures_are_written(tmp_path: Path, pair: tuple[Labels, Labels]) -> None:
    one = write_overlays(tmp_path / "new", "a/b: c", *pair)
    assert [path.name for path in one] == ["a_b_ c.png"]
    with Image.open(one[0]) as picture:
        assert picture.mode == "RGB"
        assert picture.size[0] == 60 * 6
        assert picture.size[1] > 40 * 6
    movie = np.stack([pair[0], pair[1]])
    paths = write_overlays(tmp_path, "m", movie, movie[::-1], np.zeros(movie.shape))
    assert [path.name for path in paths] == ["m_t0000.png", "m_t0001.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m_t0000.png", "m_t0001.png", "new"]


def test_a_single_pixel(tmp_path: Path) -> None:
    labels = np.ones((1, 1), np.int32)
    assert write_overlays(tmp_path, "dot", labels, labels, np.ones((1, 1)))[0].is_file()


def test_other_shapes_are_refused(pair: tuple[Labels, Labels]) -> None:
    with pytest.raises(InputError, match=r"\(40, 60\).*\(39, 60\)"):
        overlay(None, pair[0], pair[1][1:])
    with pytest.raises(InputError, match=r"image.*\(39, 60\).*\(40, 60\)"):
        overlay(np.zeros((39, 60)), *pair)


def test_file_names_are_safe() -> None:
    assert file_name('a\\b/c*?"<>|\n.tif') == "a_b_c_______.tif"
    assert file_name("m", 12) == "m_t0012"
