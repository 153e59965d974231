import numpy as np
import pytest
import torch

from napari_cellseg.data.samples import Sample
from napari_cellseg.learn.patches import cut, make_ready
from napari_cellseg.learn.resizing import fitted, resize, scaled_shape
from napari_cellseg.learn.runtime import seeded
from napari_cellseg.learn.targets import IGNORED, median_diameter_px


def sample(labels: np.ndarray) -> Sample:
    return Sample(labels.astype(np.float32) * 10 + 5, labels.astype(np.int32), "pos1", "frame")


def test_patches_show_image_and_targets_of_the_same_place(disks) -> None:
    frame = make_ready(sample((disks(90) > 0).astype(int)))
    batch = cut([frame] * 5, 40, seeded(0))
    assert batch.image.shape == (5, 1, 40, 40)
    assert torch.equal(batch.image[:, 0] > 0.5, batch.state == 1)
    assert not batch.offset.movedim(1, -1)[batch.state != 1].any()


@pytest.mark.parametrize("shape", [(1, 1), (3, 50), (20, 7)])
def test_a_small_frame_lies_in_the_middle_of_its_reflection_which_is_ignored(shape: tuple[int, int]) -> None:
    batch = cut([make_ready(sample(np.ones(shape)))] * 3, 32, seeded(0))
    assert batch.image.shape == (3, 1, 32, 32)
    assert ((batch.state == 1).sum((1, 2)) == shape[0] * min(shape[1], 32)).all()
    assert ((batch.state == 1) | (batch.state == IGNORED)).all()
    assert torch.allclose(batch.image, batch.image[0, 0, 16, 16])


def test_reflection_does_not_repeat_the_edge() -> None:
    ramp = np.tile(np.arange(10), (10, 1))
    frame = make_ready(Sample(ramp, np.zeros((10, 10), np.int32), "a", "a"))
    steps = np.abs(np.diff(cut([frame] * 4, 40, seeded(2)).image[:, 0].numpy(), axis=2))
    assert steps.min() > 0.05


def test_frames_are_fitted_to_the_size_of_their_objects(disks) -> None:
    labels = disks(120, n=8, radius=12)
    made = fitted(sample(labels), 12, 2.0)
    assert made.image.shape == made.labels.shape == (60, 60)
    assert abs(median_diameter_px(made.labels) - 12) < 1
    assert fitted(sample(labels), 100, 2.0).image.shape == (240, 240)
    empty = sample(np.zeros((9, 9)))
    assert fitted(empty, 12, 2.0) is empty


def test_the_same_seed_gives_the_same_patches(disks) -> None:
    frames = [make_ready(sample(disks(64, seed=i))) for i in range(3)]
    first, again = cut(frames, 32, seeded(4)), cut(frames, 32, seeded(4))
    assert torch.equal(first.image, again.image)
    assert not torch.equal(first.image, cut(frames, 32, seeded(5)).image)


def test_sparse_objects_are_seen_often() -> None:
    labels = np.zeros((1000, 1000), np.int32)
    labels[480:500, 700:720] = 1
    states = cut([make_ready(sample(labels))] * 40, 64, seeded(0)).state
    assert (states == 1).any((1, 2)).float().mean() > 0.35


def test_shrinking_keeps_objects_and_their_place(disks) -> None:
    labels = disks(120, n=8, radius=12)
    frame = make_ready(sample(labels), 0.5)
    assert frame.image.shape == (60, 60)
    assert len(frame.centres) == labels.max()
    assert abs((frame.state == 1).mean() - (labels > 0).mean()) < 0.01


def test_shrunk_and_back_is_close() -> None:
    rows, columns = np.indices((97, 64))
    smooth = np.sin(rows / 9) + np.cos(columns / 11)
    back = resize(resize(smooth, scaled_shape(smooth.shape, 0.5)), (97, 64))
    assert back.shape == (97, 64)
    assert np.abs(back - smooth)[3:-3, 3:-3].max() < 0.03


def test_a_frame_never_shrinks_to_nothing() -> None:
    assert scaled_shape((1, 3), 0.1) == (1, 1)
