import numpy as np
import pytest
from skimage.draw import disk
from skimage.measure import regionprops

from napari_cellseg.label.suspects import suspects, usual
from napari_cellseg.measure.counts import count_frame
from napari_cellseg.measure.objects import measure_frame
from napari_cellseg.pipeline.facts import Planes, facts_of, look_of, mean_entropy, objects_of, uncertainty


@pytest.fixture
def plane():
    plane = np.zeros((400, 400), np.int32)
    for label in range(1, 65):
        y, x = divmod(label - 1, 8)
        plane[disk((y * 50 + 25, x * 50 + 25), 12)] = label
    return plane


def test_two_pieces_together_are_as_convex_as_the_whole(plane):
    whole = regionprops((plane == 1).astype(int))[0]
    plane[:, :25][plane[:, :25] == 1] = 99
    objects = objects_of(Planes(0, plane))
    assert objects.joint_with[[0, -1]].tolist() == [99, 1]
    assert objects.joint_area_px[0] == whole.area
    assert objects.joint_solidity[0] == pytest.approx(whole.solidity, abs=0.05)
    assert np.isnan(objects.joint_solidity[1])
    assert objects.n_touching[[0, 1]].tolist() == [1, 0]


def test_each_object_counts_alike_and_without_any_the_frame_does(plane):
    probability = np.where(plane > 0, 0.9, 0.0).astype(np.float32)
    plane[:, :50], probability[:, :50] = 1, 0.5  # one much larger than all others
    planes = Planes(0, plane, probability=probability)
    objects = objects_of(planes)
    n = len(objects)
    assert uncertainty(planes, objects) == pytest.approx((0.5 + (n - 1) * 0.1) / n, abs=1e-4)
    assert uncertainty(Planes(0, plane), objects) is None
    nothing = np.zeros_like(plane)
    for p, bits in ((0.0, 0.0), (0.5, 1.0)):
        planes = Planes(0, nothing, probability=np.full(plane.shape, p, np.float32))
        assert uncertainty(planes, objects_of(planes)) == pytest.approx(bits, abs=1e-4)


def test_a_region_painted_as_ignored_is_not_asked_about(plane):
    probability = np.where(plane > 0, 0.5, 0.0)
    assert mean_entropy(probability, np.where(plane > 0, -1, 0)) == pytest.approx(0, abs=1e-4)
    assert mean_entropy(probability, np.full_like(plane, -1)) == 0


def test_facts_count_what_is_unsure_and_where(plane):
    probability = np.where(plane > 0, 0.97, 0.01).astype(np.float32)
    for label in (50, 51, 58, 59):
        probability[plane == label] = 0.3
    planes = Planes(4, plane, plane, plane, probability, plane)
    objects = objects_of(planes)
    known = usual([objects], in_time=True)
    found = suspects(objects, known)
    facts = facts_of(planes, probability, objects, found)
    assert facts.uncertainty == pytest.approx((60 * 0.03 + 4 * 0.7) / 64, abs=1e-4)
    assert (facts.t, facts.n_objects, facts.n_unsure, facts.n_suspects) == (4, 64, 4, 4)
    assert facts.disagreement == 0
    y0, x0, y1, x1 = facts.crop
    assert y1 - y0 == x1 - x0 == 236  # ten diameters of the usual nucleus
    assert all(y0 <= row.y_px <= y1 and x0 <= row.x_px <= x1 for row in found)


def test_what_vanishes_for_one_frame_is_counted_unless_a_region_is_ignored(plane):
    here = plane.copy()
    here[(here == 20) | (here == 30)] = 0
    here[plane == 30] = -1
    planes = Planes(1, here, plane, plane)
    objects = objects_of(planes)
    assert facts_of(planes, here, objects, []).n_gone == 1


def test_looks_differ_where_frames_differ(plane):
    rng = np.random.default_rng(0)
    image = rng.normal(100, 5, plane.shape)
    objects = objects_of(Planes(0, plane))
    assert look_of(image, objects) == look_of(image.copy(), objects)
    other = np.array(look_of(image + 500 * (plane > 0), objects)) - look_of(image, objects)
    assert np.abs(other[2:]).max() > 100
    assert np.isfinite(
        look_of(np.zeros((3, 5), np.uint16), objects_of(Planes(0, np.zeros((3, 5), int))))
    ).all()


def test_ignored_regions_are_neither_counted_nor_measured_nor_suspected(plane):
    painted = plane.copy()
    painted[:100] = -1
    assert count_frame(painted, 0).n_by_instances == 48
    table = measure_frame(painted)
    assert table["label"].min() == 17
    assert len(objects_of(Planes(0, painted))) == 48
