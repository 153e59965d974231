"""The steps of the walk where the command line's own test does not reach."""

from pathlib import Path

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import tifffile
from skimage.draw import disk

from napari_cellseg.config import TriageConfig
from napari_cellseg.data.stack import Stack
from napari_cellseg.errors import InputError, StorageError
from napari_cellseg.pipeline import evaluate_folders, label_stacks, measure_labels, training_samples
from napari_cellseg.pipeline.inputs import fluorescence_channel, image_channel, in_turn
from napari_cellseg.progress import Note, Progress, follow


def picture(n_nuclei: int, seed: int = 0) -> np.ndarray:
    """One frame with nuclei on a grid."""
    image = np.random.default_rng(seed).normal(100, 3, (128, 128))
    for i in range(n_nuclei):
        image[disk((20 + 30 * (i // 4), 20 + 30 * (i % 4)), 7)] += 400
    return image.astype(np.uint16)


def single(name: str, n_nuclei: int, seed: int = 0) -> Stack:
    return Stack(da.from_array(picture(n_nuclei, seed)[None, None, None]), ("DAPI",), name)


def test_single_images_are_judged_together(tmp_path: Path) -> None:
    counts = [12, 11, 12, 3, 12, 10, 12, 9]
    table = follow(label_stacks([single(f"well{i}", n, i) for i, n in enumerate(counts)], tmp_path))
    assert len(table) == 8
    assert set(table[~table["keep"]]["image"]) == {"well3", "well7"}  # the emptiest quarter
    assert (table["frame"] == 0).all()
    assert len(list(tmp_path.glob("well*.tif"))) == 8
    assert not list(tmp_path.glob(".working-*"))


def test_one_image_alone_is_not_the_emptiest(tmp_path: Path) -> None:
    table = follow(label_stacks([single("only", 8)], tmp_path, triage=TriageConfig()))
    assert table["keep"].all()
    assert table["n_objects"][0] == 8


def test_labels_of_another_shape_are_refused_in_words() -> None:
    with pytest.raises(InputError, match=r"\(1, 64, 64\).*\(1, 128, 128\)"):
        training_samples(single("image", 4), 0, np.zeros((1, 64, 64), np.int32))


def test_channels_are_asked_for_by_the_option_that_helps() -> None:
    stack = Stack(da.zeros((1, 2, 1, 8, 8)), ("DAPI", "GFP"), "stained")
    with pytest.raises(InputError, match="label-free"):
        image_channel(stack, None)
    with pytest.raises(InputError, match="DAPI"):
        fluorescence_channel(Stack(da.zeros((1, 2, 1, 8, 8)), ("a", "b"), "unnamed"), None)
    assert image_channel(stack, "GFP") == 1


def test_progress_is_over_all_frames_of_all_stacks() -> None:
    stacks = [Stack(da.zeros((n, 1, 1, 4, 4)), ("a",), f"s{n}") for n in (2, 3)]
    told = [
        change(Progress(1, stack.n_frames, "frames")) for stack, change in in_turn(stacks, "frames labelled")
    ]
    assert [(event.done, event.total) for event in told] == [(1, 5), (3, 5)]
    note = Note("passes")
    assert next(iter(in_turn(stacks, "frames")))[1](note) is note


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StorageError):
        follow(label_stacks([single("a", 4)], tmp_path / "file" / "out"))


def test_measure_and_evaluate_need_no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = np.zeros((64, 64), np.uint16)
    labels[disk((20, 20), 6)] = 1
    labels[disk((45, 45), 6)] = 2
    (tmp_path / "truth").mkdir()
    (tmp_path / "found").mkdir()
    tifffile.imwrite(tmp_path / "truth" / "a_p0001_t00001_z001.tif", labels)
    tifffile.imwrite(
        tmp_path / "found" / "a_p0001_t00001_z001.tif", np.where(labels == 1, 1, 0).astype(np.uint16)
    )
    cells = follow(measure_labels([tmp_path / "truth" / "a_p0001_t00001_z001.tif"], tmp_path / "measured"))
    assert len(cells.cells) == 2
    assert pd.read_csv(tmp_path / "measured" / "counts.csv")["n_by_instances"].tolist() == [2]
    monkeypatch.setattr("napari_cellseg.pipeline.measuring.is_large", lambda shape: True)
    parts = follow(measure_labels([tmp_path / "truth" / "a_p0001_t00001_z001.tif"], tmp_path / "measured"))
    pd.testing.assert_frame_equal(parts.cells, cells.cells)
    scores = follow(evaluate_folders(tmp_path / "truth", tmp_path / "found", tmp_path / "scores"))
    assert scores.pooled()["ap50"] == pytest.approx(0.5)
    assert len(list((tmp_path / "scores").glob("*.png"))) == 1
    assert (tmp_path / "scores" / "scores.json").is_file()
