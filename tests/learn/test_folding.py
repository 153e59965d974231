"""Folding batch normalisation away changes no answer."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from napari_cellseg.config import NetConfig
from napari_cellseg.learn.nets import build
from napari_cellseg.learn.nets.folding import fold_batch_norms

NETS = [
    NetConfig(),
    NetConfig(encoder="tu-resnet34", attention="scse"),
    NetConfig(encoder="tu-resnet18", attention="gates"),
    NetConfig(architecture="unet++", encoder="tu-resnet18", attention="scse"),
    NetConfig(architecture="unet-2015", base_channels=16),
]


def trained(config: NetConfig) -> nn.Module:
    """A network whose normalisations are not the identity."""
    torch.manual_seed(0)
    network = build(config).train()
    for _ in range(2):
        network(torch.randn(2, 1, 64, 64) * 3 + 1)
    return network.eval()


@pytest.mark.parametrize("config", NETS, ids=lambda c: f"{c.architecture} {c.encoder} {c.attention}")
def test_the_answers_stay(config: NetConfig) -> None:
    network, picture = trained(config), torch.randn(1, 1, 96, 160)
    with torch.inference_mode():
        before = network(picture)
        norms = sum(isinstance(module, nn.BatchNorm2d) for module in network.modules())
        assert fold_batch_norms(network) == norms > 0
        after = network(picture)
    assert torch.allclose(before, after, rtol=1e-3, atol=1e-4 * float(before.abs().max()))


def test_a_normalisation_after_something_else_is_left() -> None:
    network = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(4)).eval()
    assert fold_batch_norms(network) == 0
