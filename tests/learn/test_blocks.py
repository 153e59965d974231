"""Blocks of a large frame: every object once, whole, wherever the borders lie."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.draw import disk
from skimage.measure import label

from napari_cellseg.learn import blocks as module
from napari_cellseg.learn.blocks import Block, blocks_of, settle
from napari_cellseg.learn.view import View


def view(diameter_px=10.0, scale=1.0, overlap_px=8):
    return View(scale, 1, 99, 256, overlap_px, 1, "cpu", diameter_px * scale)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(module, "SIDE_PX", 100)


@given(
    st.tuples(st.integers(1, 700), st.integers(1, 700)),
    st.floats(2, 60),
    st.floats(0.2, 2),
    st.integers(0, 64),
)
def test_blocks_cover_the_frame_and_share_enough(shape, diameter_px, scale, overlap_px):
    blocks = blocks_of(shape, view(diameter_px, scale, overlap_px))
    seen, owned = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
    for block in blocks:
        seen[block.part] += 1
        owned[block.own] += 1
        top, bottom, left, right = block.margins
        rows, columns = block.own_inside
        height, width = (span.stop - span.start for span in block.part)
        assert top <= rows.start < rows.stop <= height - bottom
        assert left <= columns.start < columns.stop <= width - right
    assert seen.min() >= 1
    assert (owned == 1).all()
    for axis in (0, 1):
        spans = sorted({(block.part[axis].start, block.part[axis].stop) for block in blocks})
        assert spans[-1][1] == shape[axis]
        margin = math.ceil(overlap_px / 2 / scale)
        for (_, stop), (start, _) in pairwise(spans):
            assert stop - start - 2 * margin >= 4 * diameter_px - 1
    for block in blocks:
        top, bottom, left, right = block.margins
        assert (top == 0) == (block.part[0].start == 0) or overlap_px == 0
        assert (left == 0) == (block.part[1].start == 0) or overlap_px == 0
        assert (bottom == 0) == (block.part[0].stop == shape[0]) or overlap_px == 0
        assert (right == 0) == (block.part[1].stop == shape[1]) or overlap_px == 0


def all_settled(labels, blocks):
    """Cut true labels into blocks, as a perfect network would see them, and settle all."""
    written = np.zeros(labels.shape, np.int32)
    n = 0
    for block in blocks:
        seen = label(labels[block.part], connectivity=2).astype(np.int32)  # its own numbers; cut at its edges
        new, m = settle(seen, written[block.part], block, n + 1)
        assert set(np.unique(new)) - {0} == set(range(n + 1, n + m + 1))
        written[block.part] = np.where(new > 0, new, written[block.part])
        n += m
    return written, n


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.tuples(st.integers(60, 330), st.integers(60, 330)))
def test_every_object_is_there_once_and_whole(seed, shape):
    rng = np.random.default_rng(seed)
    truth = np.zeros(shape, np.int32)
    for _ in range(60):
        centre, radius = rng.uniform(0, shape), rng.uniform(2, 9)
        at = disk(centre, radius, shape=shape)
        around = disk(centre, radius + 2, shape=shape)
        if not truth[around].any():
            truth[at] = truth.max() + 1
    written, n = all_settled(truth, blocks_of(shape, view(10.0)))
    assert n == len(np.unique(truth[truth > 0]))
    assert ((written > 0) == (truth > 0)).all()
    pairs = np.unique(np.stack([truth[truth > 0], written[truth > 0]]), axis=1)
    assert pairs.shape[1] == n  # one number each, and each its own


def test_an_object_seen_only_without_what_lies_around_it_does_not_count():
    block = Block((slice(50, 150), slice(0, 100)), (8, 0, 0, 0), (slice(50, 150), slice(0, 100)))
    found = np.zeros((100, 100), np.int32)
    found[2:6, 40:50] = 1
    found[30:40, 40:50] = 2
    labels, n = settle(found, np.zeros((100, 100)), block, 7)
    assert n == 1
    assert labels[35, 45] == 7
    assert not labels[2:6].any()


def test_an_object_that_reaches_beyond_is_left_to_the_next_block():
    block = Block((slice(0, 100), slice(0, 100)), (0, 8, 0, 8), (slice(0, 92), slice(0, 92)))
    found = np.zeros((100, 100), np.int32)
    found[85:95, 40:50] = 1
    found[10:20, 90:100] = 2
    assert settle(found, np.zeros((100, 100)), block, 1)[1] == 0


def test_what_an_earlier_object_cuts_off_is_left_out():
    block = Block((slice(0, 40), slice(0, 40)), (0, 0, 0, 0), (slice(0, 40), slice(0, 40)))
    found = np.zeros((40, 40), np.int32)
    found[10:20, 5:35] = 1
    written = np.zeros((40, 40), np.uint32)
    written[5:25, 10:14] = 3
    labels, n = settle(found, written, block, 4)
    assert n == 1
    assert set(np.unique(labels)) == {0, 4}
    np.testing.assert_array_equal(np.argwhere(labels).min(0), (10, 14))
    assert (labels > 0).sum() == 10 * 21


def test_a_block_without_objects():
    block = Block((slice(0, 5), slice(0, 5)), (0, 0, 0, 0), (slice(0, 5), slice(0, 5)))
    labels, n = settle(np.zeros((5, 5), np.int32), np.zeros((5, 5)), block, 1)
    assert n == 0
    assert not labels.any()


def test_enlarged_frames_have_smaller_blocks(monkeypatch):
    monkeypatch.setattr(module, "SIDE_PX", 4096)
    sides = [
        max(block.part[0].stop - block.part[0].start for block in blocks_of((9000, 9000), view(20.0, scale)))
        for scale in (0.5, 1.0, 2.0)
    ]
    assert sides == [4096, 4096, 2048]
