import pytest
import torch

from napari_cellseg.learn.nets.attention import AttentionGate, ChannelAttention, attention_on
from napari_cellseg.learn.nets.classical import ClassicalUnet
from napari_cellseg.learn.nets.sizes import size_of


def test_it_is_as_large_as_published() -> None:
    size = size_of(ClassicalUnet(in_channels=3, maps=1, base_channels=64, upsampling="transposed"))
    assert size.stored == 31_055_297
    assert size.trained == 31_043_521
    assert size.fp16_bytes == 62_110_594


@pytest.mark.parametrize("upsampling", ["transposed", "bilinear"])
@pytest.mark.parametrize("attention", ["none", "se", "gates", "scse"])
@pytest.mark.parametrize("base_channels", [1, 5])
def test_it_draws_maps_as_large_as_the_image(upsampling: str, attention: str, base_channels: int) -> None:
    network = ClassicalUnet(2, 3, base_channels, 0.5, upsampling, attention)
    drawn = network(torch.zeros(2, 2, 32, 48))
    assert drawn.shape == (2, 3, 32, 48)
    assert torch.isfinite(drawn).all()
    drawn.sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_the_bottom_has_sixteen_times_the_base_channels() -> None:
    features = ClassicalUnet(base_channels=4).encoder(torch.zeros(1, 1, 32, 32))
    assert [tuple(level.shape[1:]) for level in features] == [
        (4, 32, 32),
        (8, 16, 16),
        (16, 8, 8),
        (32, 4, 4),
        (64, 2, 2),
    ]


def test_dropout_acts_in_training_only() -> None:
    torch.manual_seed(0)
    network = ClassicalUnet(base_channels=4, dropout=0.9)
    image = torch.rand(1, 1, 32, 32)
    assert not torch.equal(network(image), network(image))
    network.eval()
    assert torch.equal(network(image), network(image))


def test_channels_are_weighed_by_mean_and_maximum() -> None:
    attention = ChannelAttention(2)
    with torch.no_grad():
        for parameter in attention.parameters():
            parameter.zero_()
        attention.shared[0].weight[0, 0] = 1.0  # hidden unit 0 sees channel 0
        attention.shared[2].weight[1, 0] = 1.0  # and decides on channel 1
    features = torch.zeros(1, 2, 2, 2)
    features[0, 0, 0, 0] = 4.0  # mean 1, maximum 4
    features[0, 1] = 1.0
    weighed = attention(features).detach()
    assert weighed[0, 0, 0, 0].item() == pytest.approx(4 * 0.5)
    assert weighed[0, 1, 1, 1].item() == pytest.approx(torch.sigmoid(torch.tensor(5.0)).item())


def test_a_gate_weighs_places_by_the_coarser_level() -> None:
    gate = AttentionGate(2, 3)
    with torch.no_grad():
        for parameter in gate.parameters():
            parameter.zero_()
        gate.gating.weight[0, 0] = 1.0
        gate.psi.weight.fill_(1.0)
        gate.psi.bias.fill_(-20.0)
    gating = torch.zeros(1, 3, 4, 4)
    gating[0, 0, :, 2:] = 40.0
    passed = gate(torch.ones(1, 2, 8, 8), gating)
    assert (passed[..., :3] < 1e-3).all()
    assert (passed[..., 5:] > 0.999).all()


def test_attention_of_very_few_channels() -> None:
    for name in ("se", "scse", "gates", "none"):
        assert attention_on(name, 3)(torch.ones(1, 3, 4, 4)).shape == (1, 3, 4, 4)
