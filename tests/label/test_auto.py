"""Movies: labels as they come, verdicts at the end, nothing half-written."""

import pickle
import tracemalloc

import dask.array as da
import numpy as np
import pytest

from napari_cellseg.config import LabelConfig, TriageConfig
from napari_cellseg.data.project import open_label_movie
from napari_cellseg.data.stack import Stack
from napari_cellseg.errors import CellSegError, InputError, SettingsError, StorageError
from napari_cellseg.label.auto import AutoLabels, FrameLabelled, auto_label
from napari_cellseg.label.frame import auto_label_frame
from napari_cellseg.progress import Cancelled, Progress, follow

CONFIG, TRIAGE = LabelConfig(), TriageConfig()


@pytest.fixture(scope="module")
def stack(scene):
    """Six frames of 3 to 8 nuclei, beside an empty channel."""
    frames = []
    for t in range(6):
        nuclei = [(25 + 40 * (n // 4), 25 + 40 * (n % 4), 16) for n in range(3 + t)]
        frames.append(scene((110, 170), nuclei, seed=t).image.clip(0, 255).astype(np.uint8))
    movie = np.stack([np.zeros_like(frames), frames], axis=1)[:, :, None]
    return Stack(da.from_array(movie, chunks=(1, 1, 1, -1, -1)), ("Phase", "DAPI"), "cells")


def test_every_frame_is_told_kept_and_judged(stack, tmp_path):
    events = []
    made = follow(auto_label(stack, 1, CONFIG, TRIAGE, tmp_path / "labels.npy"), events.append)
    labelled = [event for event in events if isinstance(event, FrameLabelled)]
    assert [event.t for event in labelled] == list(range(6))
    assert [event.n_objects for event in labelled] == [3, 4, 5, 6, 7, 8]
    assert [event.done for event in events if isinstance(event, Progress)] == [1, 2, 3, 4, 5, 6]
    assert isinstance(made.labels, np.memmap)
    for event in labelled:
        np.testing.assert_array_equal(event.labels, made.labels[event.t])
        np.testing.assert_array_equal(event.labels, auto_label_frame(stack.frame(event.t, 1), CONFIG))
    assert [verdict.frame for verdict in made.verdicts if not verdict.keep] == [0]
    np.testing.assert_array_equal(open_label_movie(tmp_path / "labels.npy"), made.labels)
    assert [file.name for file in tmp_path.iterdir()] == ["labels.npy"]


def test_labels_may_stay_in_memory(stack):
    made = follow(auto_label(stack, 1, CONFIG, TRIAGE))
    assert made.path is None
    assert made.labels.shape == (6, 110, 170)
    again = pickle.loads(pickle.dumps(made))  # noqa: S301 - our own, from one line above
    np.testing.assert_array_equal(again.labels, made.labels)


def test_chosen_frames_in_the_order_asked(stack):
    events = []
    made = follow(auto_label(stack, 1, CONFIG, TRIAGE, frames=[4, 1]), events.append)
    assert [event.t for event in events if isinstance(event, FrameLabelled)] == [4, 1]
    assert [verdict.frame for verdict in made.verdicts] == [4, 1]
    assert [bool(frame.any()) for frame in made.labels] == [False, True, False, False, True, False]


def test_between_processes_only_the_name_of_the_file_travels(stack, tmp_path):
    made = follow(auto_label(stack, 1, CONFIG, TRIAGE, tmp_path / "labels.npy"))
    sent = pickle.dumps(made)
    assert len(sent) < made.labels.nbytes / 50
    again = pickle.loads(sent)  # noqa: S301 - our own, from one line above
    assert isinstance(again, AutoLabels)
    np.testing.assert_array_equal(again.labels, made.labels)
    assert again.verdicts == made.verdicts


@pytest.mark.parametrize("before", [None, b"what was there"])
def test_stopping_leaves_nothing_half_written(stack, tmp_path, before):
    out = tmp_path / "labels.npy"
    if before:
        out.write_bytes(before)
    seen = []
    with pytest.raises(Cancelled):
        follow(auto_label(stack, 1, CONFIG, TRIAGE, out), seen.append, stop=lambda: len(seen) >= 3)
    assert len(seen) == 3  # answers at the next event
    assert [file.read_bytes() for file in tmp_path.iterdir()] == ([before] if before else [])


def test_closing_leaves_nothing_half_written(stack, tmp_path):
    steps = auto_label(stack, 1, CONFIG, TRIAGE, tmp_path / "labels.npy")
    next(steps)
    steps.close()
    assert list(tmp_path.iterdir()) == []


def test_a_frame_that_cannot_be_read_is_told(stack, tmp_path):
    def broken(block):
        raise OSError("the file ends too early")

    data = stack.data.map_blocks(broken, dtype=stack.data.dtype, meta=np.empty((0,) * 5, np.uint8))
    with pytest.raises(InputError, match="Frame 0 of cells could not be read"):
        follow(auto_label(Stack(data, stack.channels, "cells"), 1, CONFIG, TRIAGE, tmp_path / "labels.npy"))
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_told(stack, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError):
        follow(auto_label(stack, 1, CONFIG, TRIAGE, tmp_path / "file" / "labels.npy"))


@pytest.mark.parametrize(("channel", "frames"), [(2, None), (-1, None), (1, [6]), (1, [-1]), (1, [])])
def test_channels_and_frames_that_are_not_there_are_told(stack, channel, frames):
    with pytest.raises(SettingsError, match="asked of cells"):
        follow(auto_label(stack, channel, CONFIG, TRIAGE, frames=frames))


def test_an_empty_channel_gives_no_labels_and_says_so(stack):
    made = follow(auto_label(stack, 0, CONFIG, TRIAGE))
    assert not made.labels.any()
    assert {verdict.reason for verdict in made.verdicts} == {"no nucleus was found"}


def test_memory_does_not_grow_with_the_movie(scene, tmp_path):
    frame = scene((96, 96), [(48, 48, 16)]).image.astype(np.uint8)

    def peak(n):
        movie = da.stack([da.from_array(frame)] * n)[:, None, None]
        stack = Stack(movie.rechunk((1, 1, 1, -1, -1)), ("DAPI",), "cells")
        tracemalloc.start()
        follow(auto_label(stack, 0, CONFIG, TRIAGE, tmp_path / f"{n}.npy"))
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    peak(2)  # what is loaded once
    assert peak(24) < 1.5 * peak(4)


def test_errors_are_sentences(stack):
    with pytest.raises(CellSegError) as caught:
        follow(auto_label(stack, 9, CONFIG, TRIAGE))
    assert str(caught.value) == "Channel 9 was asked of cells. It has channels 0 to 1 (Phase, DAPI)."
