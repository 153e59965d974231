import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_cellseg.label.overlap import contacts, neighbours, numbered

PLANES = arrays(np.int32, (12, 14), elements=st.sampled_from([-1, 0, 0, 3, 5, 8, 1000]))


def boxes(*places):
    plane = np.zeros((40, 60), np.int32)
    for label, (y0, x0, y1, x1) in enumerate(places, start=1):
        plane[y0:y1, x0:x1] = label
    return plane


def test_partners_parts_and_wholes():
    here = boxes((2, 2, 12, 12), (2, 20, 12, 40), (20, 2, 30, 12), (30, 40, 38, 58))
    there = boxes((3, 3, 13, 13), (2, 20, 12, 30), (2, 30, 12, 40))
    found = neighbours(here, there)
    assert found.partner.tolist() == [True, True, False, False]
    assert found.holds.tolist() == [1, 2, 0, 0]
    assert found.within.tolist() == [1, 0, 0, 0]
    back = neighbours(there, here)
    assert back.within.tolist() == [1, 2, 2]
    assert back.partner.all()


def test_who_touches_whom():
    plane = boxes((0, 5, 10, 15), (5, 15, 15, 25), (20, 20, 30, 30))
    names, area, index = numbered(plane)
    found = contacts(index, len(names))
    assert found.pairs.tolist() == [[0, 1]]
    assert found.length_px.tolist() == [5]
    assert found.outline_px.tolist() == [40, 40, 40]
    assert found.n_touching().tolist() == [1, 1, 0]
    assert found.share().tolist() == [0.125, 0.125, 0]
    assert found.at_edge.tolist() == [True, False, False]
    assert area.tolist() == [100, 100, 100]


@given(PLANES)
def test_a_frame_is_its_own_partner_and_ignored_regions_are_nobody(plane):
    names, area, index = numbered(plane)
    assert set(names) == set(plane[plane > 0])
    assert area.sum() == (plane > 0).sum() == (index > 0).sum()
    found = neighbours(plane, plane)
    assert found.partner.all()
    assert (found.holds == 1).all()
    assert np.array_equal(found.within, names)
    touching = contacts(index, len(names))
    assert (touching.share() <= 1).all()
