"""What computes a network that is applied gives the same answers, whichever it is."""

from __future__ import annotations

import importlib.util
import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from napari_cellseg.config import NetConfig, PredictConfig
from napari_cellseg.errors import ModelError, SettingsError
from napari_cellseg.learn import engine as engine_module
from napari_cellseg.learn.engine import choose_engine, engine_in_words, quickened
from napari_cellseg.learn.model import cached_model
from napari_cellseg.learn.nets import build
from napari_cellseg.learn.registry import find_model
from napari_cellseg.learn.runtime import autocast

needs_openvino = pytest.mark.skipif(
    importlib.util.find_spec("openvino") is None, reason="OpenVINO is not installed: pip install openvino"
)
NETS = [
    NetConfig(),
    NetConfig(encoder="tu-resnet18", attention="scse"),
    NetConfig(encoder="tu-resnet10t", attention="gates"),
    NetConfig(encoder="tu-mobilenetv3_small_100", attention="se"),
    NetConfig(encoder="tu-regnetx_002"),
    NetConfig(encoder="efficientnet-b0"),
    NetConfig(architecture="unet++", encoder="tu-resnet18"),
    NetConfig(architecture="unet-2015", base_channels=16, upsampling="bilinear"),
    NetConfig(architecture="unet-2015", base_channels=16, attention="gates"),
    NetConfig(classes=3),
]


def trained(config: NetConfig) -> nn.Module:
    torch.manual_seed(0)
    network = build(config).train()
    for _ in range(2):
        network(torch.randn(2, 1, 64, 64) * 3 + 1)
    return network.eval()


@needs_openvino
@pytest.mark.parametrize("config", NETS, ids=lambda c: f"{c.architecture} {c.encoder} {c.attention}")
def test_openvino_draws_what_torch_draws_whatever_the_size(config: NetConfig) -> None:
    network = trained(config)
    pictures = [
        torch.randn(n, 1, height, width) for n, height, width in ((1, 64, 64), (2, 96, 160), (1, 32, 256))
    ]
    with torch.inference_mode():
        wanted = [network(picture) for picture in pictures]
        compiled = quickened(network, "openvino")
        drawn = [compiled(picture) for picture in pictures]
    for ours, theirs in zip(drawn, wanted, strict=True):
        assert ours.shape == theirs.shape
        assert torch.allclose(ours, theirs, rtol=1e-3, atol=1e-3 * float(theirs.abs().max()))


@needs_openvino
def test_openvino_follows_the_number_format_and_keeps_no_answer() -> None:
    compiled, picture = quickened(trained(NetConfig()), "openvino"), torch.randn(1, 1, 64, 64)
    with torch.inference_mode():
        exact = compiled(picture)
        kept = exact.clone()
        with autocast("cpu", "bfloat16"):
            half = compiled(picture)
        compiled(torch.zeros_like(picture))
    assert torch.equal(exact, kept)
    off = float((half - exact).abs().mean() / exact.abs().mean())
    assert off < 0.05


@needs_openvino
def test_bundled_model_gives_nearly_the_same_maps_in_all_ways() -> None:
    rng = np.random.default_rng(0)
    picture = torch.from_numpy(rng.random((1, 1, 128, 128), np.float32))
    folder = find_model("nuclei-fluorescence")
    maps = {}
    for engine, precision in itertools.product(("torch", "openvino"), ("float32", "bfloat16")):
        network = cached_model(folder, "cpu", engine).network
        with torch.inference_mode(), autocast("cpu", precision):
            maps[engine, precision] = network(picture).float().numpy()
    reference = maps["torch", "float32"]
    assert np.allclose(maps["openvino", "float32"], reference, atol=1e-3)
    for engine in ("torch", "openvino"):
        assert np.abs(maps[engine, "bfloat16"] - reference).mean() < 0.02 * np.abs(reference).mean()


def test_torch_computes_where_openvino_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module.importlib.util, "find_spec", lambda name: None)
    assert choose_engine() == "torch"
    assert "napari-cellseg[fast]" in engine_in_words()
    with pytest.raises(SettingsError, match="not installed"):
        choose_engine("openvino")


@needs_openvino
def test_openvino_is_the_first_choice_on_a_cpu_only() -> None:
    assert choose_engine() == "openvino"
    assert engine_in_words().startswith("OpenVINO ")
    assert choose_engine("auto", "cuda") == "torch"
    assert choose_engine("torch") == "torch"
    with pytest.raises(SettingsError, match="on the device cuda"):
        choose_engine("openvino", "cuda")


@needs_openvino
def test_a_network_that_openvino_cannot_take_is_said() -> None:
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(1))

        def forward(self, picture: torch.Tensor) -> torch.Tensor:
            return torch.linalg.eigvals(picture * self.weight).real

    with pytest.raises(ModelError, match="cannot take this network"):
        quickened(Odd().eval(), "openvino")


def test_the_engine_is_a_setting() -> None:
    assert PredictConfig().engine == "auto"
    with pytest.raises(SettingsError):
        PredictConfig.checked(engine="abacus")


def test_models_are_kept_apart_by_engine(tmp_path: Path) -> None:
    folder = find_model("cells-phase")
    assert cached_model(folder, "cpu", "torch") is cached_model(folder, "cpu", "torch")
    assert cached_model(folder, "cpu", "torch") is not cached_model(folder, "cpu", "auto")
