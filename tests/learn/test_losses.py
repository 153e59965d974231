import torch

from napari_cellseg.learn.losses import loss_of
from napari_cellseg.learn.runtime import seeded


def scene() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    state = torch.zeros(2, 16, 16, dtype=torch.uint8)
    state[:, 4:10, 4:10] = 1
    depth = (state == 1) * 0.7
    logits = torch.randn(2, 2, 16, 16, generator=seeded(0))
    return logits, state, depth


def test_the_right_answer_costs_next_to_nothing() -> None:
    _, state, depth = scene()
    right = torch.stack([(state.float() * 2 - 1) * 20, torch.logit(depth.clamp(1e-6, 1 - 1e-6))], 1)
    assert loss_of(right, state, depth) < 1e-3
    assert loss_of(-right, state, depth) > 5


def test_ignored_pixels_do_not_count() -> None:
    logits, state, depth = scene()
    state[:, 12:] = 2
    other = logits.clone()
    other[:, :, 12:] = 50.0
    assert torch.allclose(loss_of(logits, state, depth), loss_of(other, state, depth))
    logits.requires_grad_()
    loss_of(logits, state, depth).backward()
    assert logits.grad is not None
    assert not logits.grad[:, :, 12:].any()
    assert logits.grad[:, :, :12].any()


def test_nothing_to_learn_from_costs_nothing() -> None:
    logits, state, depth = scene()
    logits.requires_grad_()
    loss = loss_of(logits, torch.full_like(state, 2), depth)
    loss.backward()
    assert logits.grad is not None
    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()
