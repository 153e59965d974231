"""Which frames to trust."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage as ndi

from napari_cellseg.config import LabelConfig, TriageConfig
from napari_cellseg.errors import InputError
from napari_cellseg.label.frame import auto_label_frame
from napari_cellseg.label.triage import FrameScores, judge, load_verdicts, save_verdicts, score_frame

PIXELS = 10_000
CONFIG = TriageConfig()


def scores_of(pixels, counts=None, **changes):
    counts = counts or [50] * len(pixels)
    return [
        FrameScores(t, n_px, 0, PIXELS, n, changes.get("focus", 0.3), changes.get("contrast", 80.0))
        for t, (n_px, n) in enumerate(zip(pixels, counts, strict=True))
    ]


def kept(verdicts):
    return [verdict.frame for verdict in verdicts if verdict.keep]


def test_the_emptiest_quarter_is_rejected_with_a_reason():
    verdicts = judge(scores_of([900, 1000, 700, 1100, 800, 1200, 1300, 1400]), CONFIG, PIXELS)
    assert kept(verdicts) == [0, 1, 3, 5, 6, 7]
    assert verdicts[2].reason == "50 nuclei on 7 % of the frame: among the 2 emptiest of 8 frames"
    assert verdicts[0].reason == "50 nuclei; nothing unusual"
    assert {verdict.by for verdict in verdicts} == {"auto"}


@pytest.mark.parametrize("n", [1, 2, 3])
def test_short_movies_lose_no_frame(n):
    assert len(kept(judge(scores_of([500, 600, 700][:n]), CONFIG))) == n


def test_equal_frames_are_treated_equally():
    assert len(kept(judge(scores_of([500] * 8), CONFIG))) == 8
    assert kept(judge(scores_of([400, 500, 500, 500, 500, 500, 500, 600]), CONFIG)) == [1, 2, 3, 4, 5, 6, 7]


def test_a_movie_without_nuclei_is_rejected_as_that():
    verdicts = judge([FrameScores(t, 0, 0, PIXELS, 0, 0.0, 0.0) for t in range(5)], CONFIG)
    assert kept(verdicts) == []
    assert {verdict.reason for verdict in verdicts} == {"no nucleus was found"}
    assert judge([], CONFIG) == ()


def test_the_cut_offs_can_be_moved():
    movie = scores_of([900, 1000, 700, 1100])
    assert len(kept(judge(movie, TriageConfig(empty_fraction=0)))) == 4
    assert len(kept(judge(movie, TriageConfig(empty_fraction=0.5)))) == 2
    assert len(kept(judge(movie, TriageConfig(empty_fraction=1)))) == 0
    full = [*movie, replace(movie[0], t=4, nucleus_px=6000)]
    assert kept(judge(full, TriageConfig(empty_fraction=0))) == [0, 1, 2, 3]
    assert kept(judge(full, TriageConfig(empty_fraction=0, max_foreground=0.7))) == [0, 1, 2, 3, 4]


def test_more_nucleus_than_background_is_an_error():
    verdicts = judge(scores_of([900, 5001, 5000, 900]), CONFIG, PIXELS)
    assert kept(verdicts) == [0, 2, 3]
    assert "50 % of the frame is called nucleus, more than 50%" in verdicts[1].reason


def test_jumps_in_count_are_told_with_numbers():
    counts = [57, 58, 60, 31, 58, 59, 57, 58]
    verdicts = judge(scores_of([1000] * 8, counts), CONFIG)
    assert kept(verdicts) == [0, 1, 2, 4, 5, 6, 7]
    assert verdicts[3].reason == "31 nuclei; its neighbours have about 58"
    loose = TriageConfig(max_count_jump=math.inf)
    assert len(kept(judge(scores_of([1000] * 8, counts), loose))) == 8


def test_growth_and_small_counts_are_no_jumps():
    growing = [round(20 * 1.12**t) for t in range(20)]
    assert len(kept(judge(scores_of([1000] * 20, growing), CONFIG))) == 20
    assert len(kept(judge(scores_of([1000] * 6, [2, 1, 3, 2, 1, 3]), CONFIG))) == 6


def test_blur_and_faintness_are_told():
    movie = scores_of([1000] * 8)
    movie[3] = replace(movie[3], focus=0.1)
    movie[5] = replace(movie[5], contrast=9.0)
    verdicts = judge(movie, CONFIG)
    assert kept(verdicts) == [0, 1, 2, 4, 6, 7]
    assert verdicts[3].reason == "out of focus: its outlines are 33% as sharp as usual"
    assert verdicts[5].reason == "faint: nuclei stand out by 9 grey values, usually by 80"


def test_a_frame_full_of_leaked_stain_is_rejected_and_a_little_is_told():
    movie = scores_of([1000] * 8)
    movie[2] = replace(movie[2], ignored_px=6500)
    movie[4] = replace(movie[4], ignored_px=900)
    verdicts = judge(movie, CONFIG)
    assert not verdicts[2].keep
    assert verdicts[2].reason == "leaked stain or debris covers 65 % of the frame"
    assert verdicts[4].keep
    assert verdicts[4].reason.endswith("leaked stain or debris on 9 % of the frame is ignored")


@given(
    st.lists(st.integers(1, 4000), min_size=1, max_size=40),
    st.floats(0, 1),
)
def test_never_more_than_the_fraction_is_rejected_for_emptiness(pixels, fraction):
    verdicts = judge(scores_of(pixels), TriageConfig(empty_fraction=fraction))
    rejected = [verdict.scores.nucleus_px for verdict in verdicts if not verdict.keep]
    assert len(rejected) <= math.floor(len(pixels) * fraction + 1e-9)
    assert all(px <= min((v.scores.nucleus_px for v in verdicts if v.keep), default=4000) for px in rejected)


def test_single_images_may_all_be_frame_zero():
    movie = [replace(score, t=0) for score in scores_of([900, 1000, 700, 1100])]
    assert [verdict.keep for verdict in judge(movie, CONFIG)] == [True, True, False, True]


def test_scores_tell_what_is_in_a_frame(grid):
    labels = grid.truth.copy()
    labels[:10] = -1
    scores = score_frame(grid.image, labels, t=4)
    assert (scores.t, scores.frame_px) == (4, 90_000)
    assert scores.nucleus_px == (labels > 0).sum()
    assert scores.ignored_px == (labels == -1).sum()
    assert scores.n_objects == len(np.unique(labels[labels > 0]))
    assert scores.contrast == pytest.approx(95, rel=0.1)


def test_focus_falls_with_blur_and_not_with_brightness_or_noise(grid):
    def focus(image):
        return score_frame(image, auto_label_frame(image, LabelConfig())).focus

    sharp = focus(grid.image)
    assert focus(ndi.gaussian_filter(grid.image, 3)) < 0.6 * sharp
    assert focus(grid.image * 7 + 300) == pytest.approx(sharp, rel=0.02)
    noisy = grid.image + np.random.default_rng(0).normal(0, 8, grid.image.shape)
    assert focus(noisy) == pytest.approx(sharp, rel=0.2)


@pytest.mark.parametrize("image", [np.full((9, 9), np.nan), np.zeros((9, 9)), np.ones((1, 1))])
def test_scores_of_empty_and_odd_frames(image):
    empty = score_frame(image, np.zeros(image.shape, np.int32))
    assert (empty.n_objects, empty.focus, empty.contrast) == (0, 0.0, 0.0)
    full = score_frame(image, np.ones(image.shape, np.int32))
    assert (full.nucleus_px, full.focus, full.contrast) == (image.size, 0.0, 0.0)


def test_verdicts_are_saved_and_overruled(tmp_path):
    verdicts = judge(scores_of([900, 1000, 700, 1100]), CONFIG)
    changed = (*verdicts[:2], verdicts[2].overruled(True), verdicts[3])
    assert (changed[2].keep, changed[2].by, changed[2].reason) == (True, "person", verdicts[2].reason)
    save_verdicts(tmp_path / "verdicts.json", changed)
    assert load_verdicts(tmp_path / "verdicts.json") == changed


@pytest.mark.parametrize("content", ["", "{", "[]", '{"schema": 1}', '{"schema": 1, "verdicts": [{}]}'])
def test_verdicts_that_cannot_be_read_are_told(tmp_path, content):
    path = tmp_path / "verdicts.json"
    path.write_text(content)
    with pytest.raises(InputError, match="cannot be read"):
        load_verdicts(path)
    with pytest.raises(InputError, match="cannot be read"):
        load_verdicts(tmp_path / "none.json")


def test_verdicts_of_a_later_version_are_told(tmp_path):
    path = tmp_path / "verdicts.json"
    path.write_text(json.dumps({"schema": 99, "verdicts": []}))
    with pytest.raises(InputError, match="later version"):
        load_verdicts(path)
