"""From corrected labels in a study to the loss: what a person painted as ignored teaches nothing."""

import dask.array as da
import numpy as np
import pytest
import torch

from napari_cellseg.config import TrainConfig
from napari_cellseg.data.project import new_label_movie
from napari_cellseg.data.stack import Stack
from napari_cellseg.learn.losses import loss_of
from napari_cellseg.learn.patches import cut, make_ready
from napari_cellseg.learn.targets import IGNORED
from napari_cellseg.live.correcting import read_only
from napari_cellseg.pipeline import training_samples


@pytest.fixture
def corrected(tmp_path):
    path = tmp_path / "corrected.npy"
    movie = new_label_movie(path, (1, 64, 64))
    movie[0, 4:20, 4:20] = 1
    movie[0, 30:60, 30:60] = 2
    movie[0, 28:64, 28:64] = -1  # painted over the second nucleus and what is around it
    movie.flush()
    return path


@pytest.mark.parametrize("scale", [1.0, 0.5, 1.7])
def test_a_painted_region_reaches_the_patches_as_ignored(corrected, scale):
    image = np.random.default_rng(0).normal(100, 10, (1, 1, 1, 64, 64))
    stack = Stack(da.from_array(image), ("phase",), "movie")
    (sample,) = training_samples(stack, 0, read_only(corrected), [0])
    assert set(np.unique(sample.labels)) == {-1, 0, 1}
    frame = make_ready(sample, scale)
    height, width = frame.state.shape
    inside = frame.state[int(height * 0.47) :, int(width * 0.47) :]
    assert (inside == IGNORED).all()
    assert len(frame.centres) == 1
    assert not frame.offset[:, frame.state == IGNORED].any()


def test_what_the_network_says_there_does_not_change_the_loss(corrected):
    image = np.random.default_rng(0).normal(100, 10, (1, 1, 1, 64, 64))
    stack = Stack(da.from_array(image), ("phase",), "movie")
    (sample,) = training_samples(stack, 0, read_only(corrected), [0])
    batch = cut([make_ready(sample)], 64, torch.Generator().manual_seed(0))
    answers = torch.zeros(1, 3, 64, 64, requires_grad=True)
    loss_of(answers, batch.state, batch.offset, TrainConfig().loss).backward()
    ignored = (batch.state == IGNORED)[0]
    assert ignored.any()
    assert (answers.grad[0][:, ignored] == 0).all()
    assert (answers.grad[0][:, ~ignored] != 0).any()
