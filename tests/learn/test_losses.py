import pytest
import torch

from napari_cellseg.learn.losses import LOSSES, loss_of
from napari_cellseg.learn.runtime import seeded
from napari_cellseg.learn.targets import IGNORED, OFFSET_UNIT_PX


def scene() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    state = torch.zeros(2, 16, 16, dtype=torch.uint8)
    state[:, 4:10, 4:10] = 1
    offset = (state == 1)[:, None] * torch.tensor([3.0, -5.0]).view(1, 2, 1, 1)
    logits = torch.randn(2, 3, 16, 16, generator=seeded(0))
    return logits, state, offset


def test_the_right_answer_costs_next_to_nothing() -> None:
    _, state, offset = scene()
    right = torch.cat([(state.float() * 2 - 1)[:, None] * 20, offset / OFFSET_UNIT_PX], 1)
    assert loss_of(right, state, offset) < 1e-3
    assert loss_of(-right, state, offset) > 5
    assert loss_of(right, state, -offset) > 0.5


def test_outside_of_objects_offsets_do_not_count() -> None:
    logits, state, offset = scene()
    other = logits.clone()
    other[:, 1:] = torch.where((state == 1)[:, None], other[:, 1:], 99.0)
    assert torch.equal(loss_of(logits, state, offset), loss_of(other, state, offset))


@pytest.mark.parametrize("name", LOSSES)
def test_any_loss_of_where_objects_are_goes_with_the_offsets(name: str) -> None:
    logits, state, offset = scene()
    right = torch.cat([(state.float() * 2 - 1)[:, None] * 20, offset / OFFSET_UNIT_PX], 1)
    assert loss_of(right, state, offset, name) < loss_of(logits, state, offset, name)


def test_ignored_pixels_do_not_count() -> None:
    logits, state, offset = scene()
    state[:, 12:] = IGNORED
    other = logits.clone()
    other[:, :, 12:] = 50.0
    assert torch.allclose(loss_of(logits, state, offset), loss_of(other, state, offset))
    logits.requires_grad_()
    loss_of(logits, state, offset).backward()
    assert logits.grad is not None
    assert not logits.grad[:, :, 12:].any()
    assert logits.grad[:, :, :12].any()


def test_nothing_to_learn_from_costs_nothing() -> None:
    logits, state, offset = scene()
    logits.requires_grad_()
    loss = loss_of(logits, torch.full_like(state, IGNORED), offset)
    loss.backward()
    assert logits.grad is not None
    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()
