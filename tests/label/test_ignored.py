import numpy as np
import pytest

from napari_cellseg.errors import InputError
from napari_cellseg.label.ignored import unignore_at


def marked():
    labels = np.zeros((20, 30), np.int32)
    labels[2:8, 3:9] = -1
    labels[8, 9] = -1  # shares a corner with it
    labels[12:16, 3:9] = -1
    labels[4:6, 4:6] = 7
    return labels


def test_the_region_at_the_point_is_freed_and_nothing_else():
    labels = marked()
    before = labels.copy()
    edit = unignore_at(labels, (2.4, 3.4), frame=3, who="eva")
    assert (edit.tool, edit.frame, edit.who) == ("unignore", 3, "eva")
    assert np.array_equal(labels, before)
    edit.apply(labels)
    expected = before.copy()
    expected[2:9, 3:10][before[2:9, 3:10] == -1] = 0
    assert np.array_equal(labels, expected)
    assert (labels[12:16, 3:9] == -1).all()
    edit.inverse().apply(labels)
    assert np.array_equal(labels, before)


@pytest.mark.parametrize("point", [(0, 0), (4, 4)])
def test_a_point_beside_it_is_told(point):
    with pytest.raises(InputError, match="no ignored region here"):
        unignore_at(marked(), point)


def test_a_point_outside_the_frame_is_told():
    with pytest.raises(InputError):
        unignore_at(marked(), (50, 2))
