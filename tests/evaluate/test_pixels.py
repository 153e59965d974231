from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_cellseg.errors import InputError
from napari_cellseg.evaluate.pixels import PixelCounts, count_pixels

Labels = npt.NDArray[np.int32]

truths = arrays(np.int32, (6, 7), elements=st.integers(-1, 3))
predictions = arrays(np.int32, (6, 7), elements=st.integers(-1, 3))


def test_a_scene_counted_by_hand(boxes: Callable[..., Labels]) -> None:
    truth = boxes((1, 0, 10, 0, 10), (2, 0, 10, 20, 30))
    prediction = boxes((1, 0, 10, 5, 15), (4, 0, 10, 20, 30))
    counts = count_pixels(truth, prediction)
    assert counts == PixelCounts(tp=150, fp=50, fn=50, tn=2150)
    assert counts.scores() == {
        "pixel_accuracy": pytest.approx(2300 / 2400),
        "pixel_precision": 0.75,
        "pixel_recall": 0.75,
        "pixel_f1": 0.75,
        "pixel_iou": 0.6,
    }


@given(truths, predictions)
def test_pixels_to_ignore_are_left_out(truth: Labels, prediction: Labels) -> None:
    counts = count_pixels(truth, prediction)
    seen = truth >= 0
    assert counts == count_pixels(truth[seen][None], prediction[seen][None])
    assert counts.tp + counts.fp + counts.fn + counts.tn == seen.sum()
    assert counts.tp == ((truth > 0) & (prediction > 0)).sum()


@given(truths)
def test_truth_against_itself_is_perfect(truth: Labels) -> None:
    assert set(count_pixels(truth, truth).scores().values()) <= {1.0} or not (truth > 0).any()


@given(truths, predictions, truths, predictions)
def test_counts_of_frames_add_up(a: Labels, b: Labels, c: Labels, d: Labels) -> None:
    assert count_pixels(a, b) + count_pixels(c, d) == count_pixels(np.stack([a, c]), np.stack([b, d]))


def test_an_empty_frame_has_an_accuracy_only(boxes: Callable[..., Labels]) -> None:
    scores = count_pixels(boxes(), boxes()).scores()
    assert scores.pop("pixel_accuracy") == 1
    assert all(np.isnan(value) for value in scores.values())


def test_other_shapes_are_refused(boxes: Callable[..., Labels]) -> None:
    with pytest.raises(InputError, match=r"\(40, 60\).*\(40, 61\)"):
        count_pixels(boxes(), boxes(shape=(40, 61)))
