import copy
from pathlib import Path
from typing import get_args

import pytest
import segmentation_models_pytorch as smp
import torch
from torch import nn

from napari_cellseg.config import NetConfig, TrainConfig
from napari_cellseg.errors import CellSegError, ModelError, SettingsError
from napari_cellseg.learn.card import ModelCard
from napari_cellseg.learn.model import load_model, save_model
from napari_cellseg.learn.nets import MAPS, STRIDE_PX, build, freeze_encoder
from napari_cellseg.learn.nets.sizes import size_of

ENCODERS = get_args(NetConfig.model_fields["encoder"].annotation)
ATTENTIONS = get_args(NetConfig.model_fields["attention"].annotation)
SMALL = NetConfig(encoder="tu-regnetx_002", decoder_channels=(32, 16, 16))


def drawn_by(network: nn.Module) -> torch.Tensor:
    return network(torch.zeros(2, 1, STRIDE_PX, 2 * STRIDE_PX))


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Any download fails, and is told."""
    asked: list[str] = []

    def fail(name: str, *args: object, weights: object = None, **kwargs: object) -> nn.Module:
        asked.append(name)
        raise FileNotFoundError("We cannot find the requested files.\nMore words.")

    monkeypatch.setattr(smp.encoders, "get_encoder", fail)
    return asked


@pytest.mark.parametrize("widths", [(64, 32, 32, 16), (64, 32, 32, 16, 16)])
@pytest.mark.parametrize("encoder", ENCODERS)
def test_every_encoder_draws_maps(encoder: str, widths: tuple[int, ...]) -> None:
    network = build(NetConfig(encoder=encoder, decoder_channels=widths))
    assert drawn_by(network).shape == (2, MAPS, STRIDE_PX, 2 * STRIDE_PX)


@pytest.mark.parametrize("encoder", ["tu-resnet10t", "efficientnet-b0", "tu-mobilenetv3_small_100"])
@pytest.mark.parametrize("attention", ["none", "scse"])
def test_unet_plus_plus_draws_maps(encoder: str, attention: str) -> None:
    net = NetConfig(architecture="unet++", encoder=encoder, attention=attention)
    assert drawn_by(build(net)).shape == (2, MAPS, STRIDE_PX, 2 * STRIDE_PX)


@pytest.mark.parametrize("attention", ATTENTIONS)
@pytest.mark.parametrize("architecture", ["unet", "unet-2015"])
def test_every_attention_learns(architecture: str, attention: str) -> None:
    net = SMALL.model_copy(update={"architecture": architecture, "attention": attention, "base_channels": 4})
    network = build(net, maps=4)
    drawn = drawn_by(network)
    assert drawn.shape[1] == 4
    drawn.square().sum().backward()
    kinds = ("gate", "attention1", "attention2")
    extra = {name: p for name, p in network.named_parameters() if any(kind in name for kind in kinds)}
    assert bool(extra) == (attention != "none")
    untouched = {name for name, p in extra.items() if p.grad is None}
    last = len(SMALL.decoder_channels) - 1  # the library gives its last block an scse that it does not use
    assert all(attention == "scse" and f"blocks.{last}.attention1" in name for name in untouched)
    without = size_of(build(net.model_copy(update={"attention": "none"}), maps=4)).trained
    assert size_of(network).trained == without + sum(parameter.numel() for parameter in extra.values())


def test_the_standard_network_is_the_one_that_older_cards_mean() -> None:
    old = NetConfig.model_validate({"encoder": "tu-regnetx_002", "decoder_channels": [32, 16, 16]})
    assert old == SMALL
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        plain = smp.Unet(
            "tu-regnetx_002",
            encoder_depth=3,
            encoder_weights=None,
            decoder_channels=(32, 16, 16),
            in_channels=1,
            classes=MAPS,
        )
    weights = build(old, seed=7).state_dict()
    assert list(weights) == list(plain.state_dict())
    assert all(torch.equal(weights[name], value) for name, value in plain.state_dict().items())


@pytest.mark.parametrize("architecture", ["unet", "unet++", "unet-2015"])
def test_the_seed_decides_on_the_weights_and_leaves_the_generator_alone(architecture: str) -> None:
    net = SMALL.model_copy(update={"architecture": architecture, "base_channels": 2})
    before = torch.random.get_rng_state()
    one, same, other = (build(net, seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"architecture": "unet++", "attention": "se"}, "attention se .* unet++"),
        ({"architecture": "unet++", "attention": "gates"}, "attention gates .* unet++"),
        ({"architecture": "unet-2015", "encoder_weights": "imagenet"}, "imagenet .* unet-2015"),
        ({"decoder_channels": (32, 16, 8), "attention": "scse"}, "scse .* 8 channels"),
        ({"decoder_channels": (32, 16, 0)}, "0 channels"),
    ],
)
def test_what_does_not_go_together_is_a_sentence(values: dict[str, object], told: str) -> None:
    with pytest.raises(SettingsError, match=told.replace("++", r"\+\+")):
        build(NetConfig(**values))


@pytest.mark.parametrize("encoder", ["tu-resnet10t", "efficientnet-b0"])
def test_a_download_that_fails_is_a_sentence(offline: list[str], encoder: str) -> None:
    net = NetConfig(encoder=encoder, encoder_weights="imagenet")
    with pytest.raises(CellSegError, match="could not be downloaded: We cannot find") as told:
        build(net, pretrained=True)
    assert isinstance(told.value, ModelError)
    assert "More words" not in str(told.value)
    assert offline == [encoder]


def test_nothing_is_downloaded_unless_asked_for(offline: list[str], tmp_path: Path) -> None:
    net = SMALL.model_copy(update={"encoder_weights": "imagenet"})
    weights = build(net, seed=3).state_dict()
    build(SMALL, pretrained=True)
    card = ModelCard(
        name="model",
        created="2026-01-01T00:00:00+00:00",
        net=net,
        low_percentile=1,
        high_percentile=99,
        object_diameter_px=14,
        train=TrainConfig(),
        data_fingerprint="0" * 64,
        n_frames=1,
        groups=("pos1",),
        held_out=(),
        held_out_how="",
        scores={},
        epochs=1,
        seconds=1.0,
        device="CPU",
        versions={},
    )
    save_model(tmp_path / "model", card, weights)
    loaded = load_model(tmp_path / "model").network.state_dict()
    assert all(torch.equal(loaded[name], weights[name]) for name in weights)
    assert offline == []


def test_pretrained_weights_are_those_of_the_encoder_only(monkeypatch: pytest.MonkeyPatch) -> None:
    get_encoder = smp.encoders.get_encoder
    asked: list[object] = []

    def answer(name: str, *, in_channels: int, depth: int, weights: object) -> nn.Module:
        asked.append(weights)
        encoder = get_encoder(name, in_channels=in_channels, depth=depth, weights=None)
        for parameter in encoder.parameters():
            nn.init.constant_(parameter, 0.25)
        return encoder

    monkeypatch.setattr(smp.encoders, "get_encoder", answer)
    random = build(SMALL, seed=5).state_dict()
    network = build(SMALL.model_copy(update={"encoder_weights": "imagenet"}), seed=5, pretrained=True)
    assert asked == [True]
    assert all((parameter == 0.25).all() for parameter in network.encoder.parameters())
    rest = {name: value for name, value in network.state_dict().items() if not name.startswith("encoder.")}
    assert rest
    assert all(torch.equal(value, random[name]) for name, value in rest.items())


@pytest.mark.parametrize("architecture", ["unet", "unet++", "unet-2015"])
@pytest.mark.parametrize("copied", [False, True])
def test_a_frozen_encoder_stays_as_it_is(architecture: str, copied: bool) -> None:
    network = build(SMALL.model_copy(update={"architecture": architecture, "base_channels": 2}))
    freeze_encoder(network)
    network = copy.deepcopy(network) if copied else network
    before = copy.deepcopy(network.state_dict())
    optimiser = torch.optim.Adam(network.parameters(), lr=0.1, weight_decay=0.1, foreach=True)
    for _ in range(2):
        network.train()
        optimiser.zero_grad()
        network(torch.rand(2, 1, 32, 32)).square().sum().backward()
        optimiser.step()
    assert network.decoder.training
    changed = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    assert changed
    assert not any(name.startswith("encoder.") for name in changed)
    assert any("running_mean" in name for name in changed)  # the decoder's statistics still follow
