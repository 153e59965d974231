"""Tools that look at the picture or at two clicks: a new object, a split, a border that follows the edge."""

import numpy as np
import pytest
import tifffile
from scipy import ndimage as ndi

from napari_cellseg.errors import InputError
from napari_cellseg.label import edit as tools
from napari_cellseg.label.click import typical_diameter_px


def iou(a, b):
    return float((a & b).sum() / max((a | b).sum(), 1))


def applied(edit, labels):
    after = labels.copy()
    edit.apply(after)
    return after


def disc(shape, y, x, radius):
    down, across = np.indices(shape)
    return np.hypot(down - y, across - x) <= radius


@pytest.fixture
def scene():
    """Three discs, the last two touching; the first is not labelled. Truth, labels and a noisy picture."""
    shape = (90, 120)
    truth = np.zeros(shape, np.int32)
    truth[disc(shape, 30, 25, 12)] = 1
    truth[disc(shape, 50, 70, 13)] = 2
    truth[disc(shape, 50, 95, 13) & (truth == 0)] = 3
    image = ndi.gaussian_filter((truth > 0) * 100.0, 1.5) + np.random.default_rng(0).normal(20, 5, shape)
    return truth, np.where(truth == 1, 0, truth).astype(np.int32), image


@pytest.mark.parametrize("sign", [1, -1])
def test_one_click_makes_an_object_brighter_or_darker_than_around_it(scene, sign):
    truth, labels, image = scene
    after = applied(tools.new_at(labels, (33.2, 21.8), sign * image, frame=5), labels)
    assert iou(after == 4, truth == 1) > 0.85
    np.testing.assert_array_equal(after[labels > 0], labels[labels > 0])


def test_one_click_follows_the_network_where_it_sees_something(scene):
    truth, labels, image = scene
    faint = 0.4 * ndi.gaussian_filter((truth == 1).astype(np.float32), 2)
    after = applied(tools.new_at(labels, (30, 25), np.zeros_like(image), faint), labels)
    assert iou(after == 4, truth == 1) > 0.9
    blind = applied(tools.new_at(labels, (30, 25), image, 0 * faint), labels)
    assert iou(blind == 4, truth == 1) > 0.85


def test_one_click_cuts_off_a_neighbour_that_is_not_labelled(scene):
    truth, labels, image = scene
    empty = np.zeros_like(labels)
    both = ndi.gaussian_filter((truth > 1).astype(np.float32), 1)
    for probability in (None, both):
        after = applied(tools.new_at(empty, (50, 95), image, probability, diameter_px=25), empty)
        assert iou(after == 1, truth == 3) > 0.8


def test_a_large_object_is_found_in_a_coarser_picture():
    truth = disc((700, 700), 300, 350, 130)
    image = ndi.gaussian_filter(truth * 50.0, 3) + np.random.default_rng(0).normal(0, 8, truth.shape)
    labels = np.zeros(truth.shape, np.int32)
    assert iou(applied(tools.new_at(labels, (320, 330), image, diameter_px=250), labels) == 1, truth) > 0.95


def test_an_object_at_the_edge_of_the_picture_is_found():
    truth = disc((80, 80), 2, 40, 14)
    image = ndi.gaussian_filter(truth * 100.0, 1) + np.random.default_rng(0).normal(0, 4, truth.shape)
    labels = np.zeros(truth.shape, np.int32)
    assert iou(applied(tools.new_at(labels, (3, 40), image, diameter_px=28), labels) == 1, truth) > 0.9


def test_a_click_that_makes_nothing_is_told(scene):
    _, labels, image = scene
    noise = np.random.default_rng(1).normal(0, 1, image.shape)
    for picture in (noise, np.zeros_like(image), np.full_like(image, np.nan)):
        with pytest.raises(InputError, match="stands out"):
            tools.new_at(labels, (20, 60), picture)
    with pytest.raises(InputError, match="nucleus 2 here already"):
        tools.new_at(labels, (50, 70), image)
    with pytest.raises(InputError, match="outside the picture"):
        tools.new_at(labels, (-3, 70), image)
    with pytest.raises(InputError, match="same frame"):
        tools.new_at(labels, (20, 60), image[1:])
    with pytest.raises(InputError, match="same frame"):
        tools.new_at(labels, (20, 60), image, image[1:])
    for diameter in (0, np.nan, 1e6):
        with pytest.raises(InputError, match="cannot be looked for"):
            tools.new_at(labels, (20, 60), image, diameter_px=diameter)


def test_the_typical_diameter_is_that_of_the_objects(scene):
    assert typical_diameter_px(scene[0]) == pytest.approx(25, abs=1.5)
    assert typical_diameter_px(np.int64(2) ** 40 * scene[0].astype(np.int64)) == pytest.approx(25, abs=1.5)
    assert typical_diameter_px(np.zeros((9, 9), np.int32)) == 30


def test_two_clicks_split_what_is_two(scene):
    truth, labels, image = scene
    one = np.where(labels == 3, 2, labels)
    for guide in (None, image, np.ones_like(image), np.full_like(image, np.nan)):
        after = applied(tools.split_at(one, (47, 67), (52, 98), guide), one)
        assert iou(after == 2, truth == 2) > 0.9
        assert iou(after == 3, truth == 3) > 0.9


def test_two_clicks_split_what_has_no_waist_half_way():
    plane = np.zeros((20, 60), np.int32)
    plane[5:15, 5:55] = 4
    after = applied(tools.split_at(plane, (10, 15), (10, 35)), plane)
    assert (after[5:15, 5:24] == 5).all()
    assert (after[5:15, 27:55] == 4).all()  # the larger part keeps the number
    full = np.full((9, 9), 3, np.int32)
    assert set(np.unique(applied(tools.split_at(full, (4, 1), (4, 7)), full))) == {3, 4}


def test_clicks_that_split_nothing_are_told(scene):
    _, labels, image = scene
    for a, b, sentence in (
        ((50, 70), (50, 95), "on two nuclei, 2 and 3"),
        ((50, 70), (5, 5), "not on a nucleus"),
        ((50, 70), (50.2, 70.3), "same place"),
        ((50, 70), (50, 700), "outside"),
    ):
        with pytest.raises(InputError, match=sentence):
            tools.split_at(labels, a, b)
    with pytest.raises(InputError, match="same frame"):
        tools.split_at(labels, (50, 70), (50, 75), image[1:])


@pytest.mark.parametrize("by_px", [3, -3])
@pytest.mark.parametrize("kind", ["bright", "dark", "halo"])
def test_a_border_snaps_to_the_edge(scene, by_px, kind):
    truth, _, image = scene
    if kind == "dark":
        image = -image
    if kind == "halo":  # grey inside and outside, between them a bright seam that fades outwards
        away = ndi.distance_transform_edt(truth != 1)
        image = ndi.gaussian_filter(np.where(away > 0, 100 * np.exp(-away / 4), 0), 1)
    moved = applied(tools.grow(truth, 1, by_px), truth)
    after = applied(tools.snap(moved, 1, image), moved)
    assert iou(after == 1, truth == 1) > 0.9 > iou(moved == 1, truth == 1)
    np.testing.assert_array_equal(after == 2, truth == 2)


def test_a_border_does_not_enter_a_neighbour(scene):
    truth, _, image = scene
    wrong = truth.copy()
    wrong[:, 85:][truth[:, 85:] == 3] = 2
    after = applied(tools.snap(wrong, 3, image), wrong)
    np.testing.assert_array_equal(after == 2, wrong == 2)


def test_a_picture_without_an_edge_is_told(scene):
    truth, _, image = scene
    with pytest.raises(InputError, match="no edge"):
        tools.snap(truth, 1, np.full_like(image, 7))
    with pytest.raises(InputError, match="same frame"):
        tools.snap(truth, 1, image[1:])
    for reach in (0, np.nan):
        with pytest.raises(InputError, match="At least 1 px"):
            tools.snap(truth, 1, image, reach)
    with pytest.raises(InputError, match="no object"):
        tools.snap(truth, 99, image)


def frames(real_data, name, n, step):
    for path in sorted((real_data / name / "images").iterdir())[::step][:n]:
        labels = tifffile.imread(real_data / name / "masks" / path.name).astype(np.int32)
        yield tifffile.imread(path).astype(np.float32), labels


def some(labels, n, rng):
    numbers, areas = np.unique(labels[labels > 0], return_counts=True)
    return [int(number) for number in rng.permutation(numbers[areas >= 150])[:n]]


def middle(mask):
    """Centre of mass, or the deepest pixel of what is hollow."""
    at = ndi.center_of_mass(mask)
    return at if mask[tuple(int(v + 0.5) for v in at)] else np.argwhere(mask)[len(np.argwhere(mask)) // 2]


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "n", "step", "seen", "least"), [("bbbc039", 5, 19, False, 0.9), ("usiigaci", 3, 4, True, 0.9)]
)
def test_clicks_bring_real_objects_back(real_data, name, n, step, seen, least):
    rng, found = np.random.default_rng(0), []
    for image, truth in frames(real_data, name, n, step):
        probability = ndi.gaussian_filter((truth > 0).astype(np.float32), 2) if seen else None
        for number in some(truth, 10, rng):
            mask = truth == number
            labels = np.where(mask, 0, truth)
            try:
                after = applied(tools.new_at(labels, middle(mask), image, probability), labels)
            except InputError:
                found.append(False)
                continue
            found.append(iou(after == after.max(), mask) > 0.5)
            np.testing.assert_array_equal(after[labels > 0], labels[labels > 0])
    assert len(found) >= 25
    assert np.mean(found) >= least


@pytest.mark.real
@pytest.mark.parametrize(("name", "n", "step"), [("bbbc039", 5, 19), ("usiigaci", 5, 3)])
def test_clicks_split_real_neighbours(real_data, name, n, step):
    good = []
    for _image, truth in frames(real_data, name, n, step):
        beside = {
            tuple(sorted((int(a), int(b))))
            for one, other in ((truth[:, :-1], truth[:, 1:]), (truth[:-1], truth[1:]))
            for a, b in zip(
                *(side[(one != other) & (one > 0) & (other > 0)] for side in (one, other)), strict=True
            )
        }
        for a, b in sorted(beside):
            first, second = truth == a, truth == b
            if min(first.sum(), second.sum()) < 60 or ndi.label(first | second)[1] > 1:
                continue
            labels = np.where(second, a, truth)
            after = applied(tools.split_at(labels, middle(first), middle(second)), labels)
            parts = [after == number for number in (a, after.max())]
            good.append(
                max(
                    min(iou(parts[0], first), iou(parts[1], second)),
                    min(iou(parts[1], first), iou(parts[0], second)),
                )
                > 0.7
            )
    assert len(good) >= 20
    assert np.mean(good) >= 0.85


@pytest.mark.real
@pytest.mark.parametrize("by_px", [3, -3])
def test_real_borders_snap_back(real_data, by_px):
    rng, gains = np.random.default_rng(0), []
    for image, truth in frames(real_data, "bbbc039", 5, 19):
        for number in some(truth, 8, rng):
            moved = applied(tools.grow(truth, number, by_px), truth)
            after = applied(tools.snap(moved, number, image), moved)
            gains.append(iou(after == number, truth == number) - iou(moved == number, truth == number))
    assert len(gains) >= 30
    assert np.mean(np.array(gains) > 0) >= 0.9
    assert np.mean(gains) > 0.1
