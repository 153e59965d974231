from dataclasses import replace

import numpy as np
import pytest
from skimage.draw import disk, ellipse

from napari_cellseg.label.suspects import suspects, usual
from napari_cellseg.pipeline.facts import Planes, objects_of

STEP = 40


def sheet(rng, rows=6, columns=8):
    """Round nuclei on a grid, of radii 9 to 11 px."""
    plane = np.zeros((rows * STEP, columns * STEP), np.int32)
    for label in range(1, rows * columns + 1):
        y, x = divmod(label - 1, columns)
        plane[disk((y * STEP + 20, x * STEP + 20), rng.uniform(9, 11), shape=plane.shape)] = label
    return plane


@pytest.fixture
def plane():
    return sheet(np.random.default_rng(0))


@pytest.fixture
def known(plane):
    return usual([objects_of(Planes(0, plane))], in_time=True)


def listed(planes, known):
    return {row.label: row for row in suspects(objects_of(planes), known)}


def test_usual_nuclei_are_not_suspicious(plane, known):
    assert listed(Planes(0, plane), known) == {}
    assert known.area_px == pytest.approx(np.pi * 100, rel=0.1)


def test_a_merged_pair_is_large_and_dented(plane, known):
    merged = plane.copy()
    merged[15:25, 20:60] = np.where(merged[15:25, 20:60] == 0, 1, merged[15:25, 20:60])
    merged[merged == 2] = 1
    row = listed(Planes(0, merged), known)[1]
    assert "large: 2." in row.reason
    assert "elongated" in row.reason
    assert row.score > 2
    assert (row.y_px, row.x_px) == (pytest.approx(20, abs=1), pytest.approx(40, abs=2))


def test_a_split_nucleus_is_a_piece_and_listed_once(plane, known):
    split = plane.copy()
    box = split[40:60, 40:60]
    box[box > 0] = 99  # a quarter
    found = listed(Planes(0, split), known)
    assert "a piece: fits together with 10" in found[99].reason
    assert "a piece" not in found[10].reason  # one problem, told once
    half = plane.copy()
    box = half[40:80, 40:60]
    box[box > 0] = 99
    assert set(listed(Planes(0, half), known)) == {10, 99}


def test_a_leak_is_dented(plane, known):
    leaking = plane.copy()
    tail = leaking[18:22, 20:58]
    tail[tail == 0] = 1
    leaking[plane == 2] = 2
    assert "dented" in listed(Planes(0, leaking), known)[1].reason


def test_small_ones_count_but_not_where_the_edge_cuts_them(plane, known):
    crumb = plane.copy()
    crumb[38:41, 38:41], crumb[0:3, 70:74] = 500, 501
    found = listed(Planes(0, crumb), known)
    assert set(found) == {500}
    assert found[500].reason.startswith("small: 0.03 of the usual area")


def test_what_the_model_does_not_believe_in_or_finds_otherwise(plane, known):
    probability = np.where(plane > 0, 0.95, 0.02).astype(np.float32)
    probability[plane == 5] = 0.2
    predicted = plane.copy()
    box = predicted[0:40, 0:20]
    box[box == 1] = 900  # two where the labels have one
    predicted[predicted == 4] = 3
    predicted[15:25, 100:140] = 3  # one where the labels have two
    found = listed(Planes(0, plane, probability=probability, predicted=predicted), known)
    assert found[5].reason == "unsure: the model gives it 0.20"
    assert found[1].reason == "one here, the model finds more"
    assert len(found) == 3
    assert "in pieces here, the model finds one" in {found.get(3, found.get(4)).reason}


def test_what_comes_and_goes_in_time(plane, known):
    here = plane.copy()
    here[here == 12] = 11
    here[55:65, 100:140] = np.where(here[55:65, 100:140] == 0, 11, here[55:65, 100:140])
    here[38:42, 38:42] = 700
    found = listed(Planes(1, here, plane, plane), known)
    assert "appears for one frame only" in found[700].reason
    assert "one here, two in the frames before and after" in found[11].reason
    still = replace(known, in_time=False)
    assert "frames" not in listed(Planes(1, here, plane, plane), still)[11].reason
    back = listed(Planes(1, plane, here, here), known)
    assert [row.reason for row in back.values()] == ["in pieces here, whole in the frames before and after"]


def test_many_neighbours_all_around():
    plane = np.zeros((120, 120), np.int32)
    label = 0
    for y in range(6):
        for x in range(6):
            label += 1
            plane[ellipse(20 * y + 10, 20 * x + 10 * (y % 2) + 5, 14, 14, shape=plane.shape)] = label
    found = listed(Planes(0, plane), usual([objects_of(Planes(0, plane))], in_time=False))
    assert any("touches 6 others" in row.reason for row in found.values())


def test_frames_without_objects_know_nothing():
    empty = objects_of(Planes(0, np.full((20, 20), -1, np.int32)))
    assert len(empty) == 0
    assert usual([empty], in_time=False) is None
    assert usual([], in_time=False) is None
