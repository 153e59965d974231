import pickle
import threading

import dask.array as da
import numpy as np
import pytest

from napari_cellseg.data.read import open_stack
from napari_cellseg.data.sample_study import sample_positions
from napari_cellseg.data.stack import Stack
from napari_cellseg.progress import Progress, follow
from napari_cellseg.ui.pictures import Picture, join_pictures
from napari_cellseg.ui.portable import Plane, Spill, from_npy, portable


@pytest.fixture
def spill():
    spill = Spill()
    yield spill
    spill.close()


def stack_in_memory(n_frames=12, side=400):
    pixels = np.random.default_rng(0).integers(0, 60_000, (n_frames, side, side), dtype=np.uint16)
    return join_pictures(Picture("movie", pixels, "TYX", True, False, None, None))[0], pixels


def test_a_movie_in_memory_travels_as_a_file(spill):
    stack, pixels = stack_in_memory()
    told = []
    ready, number = follow(portable((stack, 7), spill), told.append)
    assert number == 7
    assert told[-1] == Progress(12, 12, "frames handed over", 0.0)
    sent = pickle.dumps(ready)
    assert len(sent) < 20_000 < pixels.nbytes
    again = pickle.loads(sent)  # noqa: S301 - our own
    assert again.channels == stack.channels
    np.testing.assert_array_equal(again.frame(5, 0), pixels[5])


def test_it_is_written_once(spill):
    stack, _pixels = stack_in_memory()
    (first,) = follow(portable((stack,), spill))
    told = []
    (second,) = follow(portable((stack,), spill), told.append)
    assert told == []
    assert second.data.name == first.data.name
    other, _ = stack_in_memory()
    (third,) = follow(portable((other,), spill))
    assert third.data.name != first.data.name


def test_what_travels_light_is_left_alone(spill):
    stack = open_stack(sample_positions()[0])
    small, _ = stack_in_memory(2, 32)
    assert follow(portable((stack, [small], "text"), spill)) == (stack, [small], "text")


def test_what_cannot_be_sent_is_read_here(spill):
    lock = threading.Lock()  # cannot be pickled

    def read(block_id=None):
        with lock:
            return np.full((1, 1, 1, 8, 9), block_id[0], np.uint8)

    data = da.map_blocks(
        read, chunks=((1, 1, 1), (1,), (1,), (8,), (9,)), dtype=np.uint8, meta=np.empty((0,) * 5, np.uint8)
    )
    (ready,) = follow(portable((Stack(data, ("x",), "other reader"),), spill))
    assert pickle.loads(pickle.dumps(ready)).frame(2, 0)[0, 0] == 2  # noqa: S301 - our own


def test_a_plane_arrives_as_its_array(spill):
    stack, pixels = stack_in_memory(3, 16)
    (plane,) = follow(portable((Plane(stack, 2, 0),), spill))
    np.testing.assert_array_equal(plane, pixels[2])
    assert type(plane) is np.ndarray


def test_the_files_go_when_the_session_does(spill):
    stack, _ = stack_in_memory()
    follow(portable((stack,), spill))
    folder = spill.new_file("labels").parent
    assert len(list(folder.iterdir())) == 1
    spill.close()
    assert not folder.exists()


def test_from_npy_reads_plane_by_plane(tmp_path):
    values = np.arange(2 * 3 * 1 * 4 * 5).reshape(2, 3, 1, 4, 5)
    np.save(tmp_path / "a.npy", values)
    lazy = from_npy(tmp_path / "a.npy")
    assert lazy.chunksize == (1, 1, 1, 4, 5)
    np.testing.assert_array_equal(np.asarray(lazy), values)
