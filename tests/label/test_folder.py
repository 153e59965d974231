from pathlib import Path

import dask.array as da
import numpy as np
import pytest

from napari_cellseg.config import TriageConfig
from napari_cellseg.data.stack import Stack
from napari_cellseg.errors import InputError
from napari_cellseg.label.folder import (
    IGNORED,
    VERDICTS,
    open_labelled,
    rejected_frames,
    write_labelled,
    write_verdicts,
)
from napari_cellseg.label.triage import judge, score_frame


@pytest.fixture
def stack() -> Stack:
    return Stack(da.zeros((3, 1, 1, 20, 24), np.uint8), ("DAPI",), "movie", pixel_size_um=0.5)


@pytest.fixture
def labels() -> np.ndarray:
    labels = np.zeros((3, 20, 24), np.int32)
    labels[:2, 2:8, 2:8] = 1
    labels[:2, 10:16, 10:16] = 2
    labels[1, :, 20:] = -1
    return labels


def test_labels_and_what_is_ignored_come_back(tmp_path: Path, stack: Stack, labels: np.ndarray) -> None:
    write_labelled(tmp_path, stack, labels)
    np.testing.assert_array_equal(open_labelled(tmp_path / "movie.tif").whole(), labels)


def test_without_anything_ignored_there_is_no_second_file(
    tmp_path: Path, stack: Stack, labels: np.ndarray
) -> None:
    write_labelled(tmp_path, stack, np.maximum(labels, 0))
    assert not (tmp_path / IGNORED).exists()
    assert open_labelled(tmp_path / "movie.tif").whole().min() == 0


def test_an_ignored_file_of_another_shape_is_refused(
    tmp_path: Path, stack: Stack, labels: np.ndarray
) -> None:
    write_labelled(tmp_path, stack, labels)
    write_labelled(tmp_path / "other", stack, labels[:, :10])
    (tmp_path / "other" / IGNORED / "movie.tif").replace(tmp_path / IGNORED / "movie.tif")
    with pytest.raises(InputError, match="Both must be the same"):
        open_labelled(tmp_path / "movie.tif")


def test_rejected_frames_come_back(tmp_path: Path, labels: np.ndarray) -> None:
    planes = np.maximum(labels, 0)
    scores = [score_frame(plane * 100.0, plane, t) for t, plane in enumerate(planes)]
    verdicts = judge(scores, TriageConfig(), 480)
    table = write_verdicts(tmp_path, [("movie", verdict) for verdict in verdicts])
    assert list(table["image"]) == ["movie"] * 3
    assert rejected_frames(tmp_path) == {("movie", v.frame) for v in verdicts if not v.keep}
    assert ("movie", 2) in rejected_frames(tmp_path)  # it has no nucleus


def test_a_folder_without_verdicts_trusts_all_frames(tmp_path: Path) -> None:
    assert rejected_frames(tmp_path) == frozenset()


@pytest.mark.parametrize("text", ["", "image,frame\nmovie,1\n", "image,frame,keep\nmovie,first,True\n"])
def test_verdicts_that_cannot_be_understood_are_a_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / VERDICTS).write_text(text)
    with pytest.raises(InputError, match="delete it to trust all frames"):
        rejected_frames(tmp_path)
