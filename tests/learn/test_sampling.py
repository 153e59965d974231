import numpy as np
import pytest
import torch

from napari_cellseg.data.samples import Sample
from napari_cellseg.learn.patches import make_ready
from napari_cellseg.learn.runtime import seeded
from napari_cellseg.learn.sampling import Sampler, mistaken, sampling_weights
from napari_cellseg.learn.targets import IGNORED


def test_rare_groups_are_seen_oftener_than_their_share(disks) -> None:
    frames = [
        make_ready(Sample(np.zeros((40, 40)), disks(40), "often" if i else "rare", "")) for i in range(10)
    ]
    weights = sampling_weights(frames)
    assert abs(float(weights.sum()) - 1) < 1e-9
    assert abs(float(weights[0]) - 0.25) < 1e-9  # one of ten, but 1 to sqrt(9) by group


def sampler(disks, hard: float, known: torch.Tensor | None = None) -> Sampler:
    return Sampler([make_ready(Sample(np.zeros((40, 40)), disks(40), "", "")) for _ in range(4)], hard, known)


@pytest.mark.parametrize(("hard", "oftener"), [(0, 1), (0.5, 2**0.5), (1, 2)])
def test_hard_frames_are_drawn_oftener_but_not_without_bound(disks, hard: float, oftener: float) -> None:
    frames = sampler(disks, hard)
    for _ in range(30):
        frames.learn([0, 1, 2, 3], torch.tensor([1, 0.2, 0.2, 0.2], dtype=torch.float64))
    drawn = np.bincount(frames.draw(20_000, seeded(0)), minlength=4)
    assert abs(drawn[0] / drawn[2] - oftener / 0.5**hard) < 0.25  # 2.5 x the mean is cut to 2, 0.5 x stays


def test_frames_never_seen_count_as_hard(disks) -> None:
    frames = sampler(disks, 1)
    for _ in range(30):
        frames.learn([0], torch.tensor([0.1], dtype=torch.float64))
    drawn = np.bincount(frames.draw(4_000, seeded(0)), minlength=4)
    assert drawn[0] < 0.6 * drawn[1:].min()


def test_going_on_draws_as_before(disks) -> None:
    frames = sampler(disks, 1)
    frames.learn([2, 2, 3], torch.tensor([0.1, 0.3, 0.9], dtype=torch.float64))
    again = sampler(disks, 1, frames.wrong)
    assert frames.draw(50, seeded(1)) == again.draw(50, seeded(1))
    again.learn([0], torch.zeros(1))
    assert float(frames.wrong[0]) == 1  # a copy


def test_wrong_is_one_minus_iou_of_what_counts() -> None:
    state = torch.zeros(4, 8, 8, dtype=torch.uint8)
    state[:2, :4] = 1  # 32 pixels
    state[3] = IGNORED  # nothing counts
    logits = torch.full((4, 3, 8, 8), -5.0)
    logits[0, 0, :4] = 5  # all found
    logits[1, 0, 2:6] = 5  # half found, as much invented
    logits[3, 0] = 5
    assert torch.allclose(mistaken(logits, state), torch.tensor([0, 2 / 3, 0, 0], dtype=torch.float64))
