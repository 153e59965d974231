"""A model with a narrower decoder, for a wider one to go on learning as.

Most of a U-Net's work is in the convolutions of its decoder, and channels that say little can go. What
is left has to learn again, but far less than one that starts from nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from napari_cellseg.learn.model import load_model, save_model
from napari_cellseg.learn.nets import build

HEAD = "segmentation_head.0"


def thinned(model: Path, folder: Path, channels: Sequence[int]) -> Path:
    """Write a model of which only those channels of the decoder are left that matter most.

    What a channel adds to the next layer is measured by the scale of its normalisation (as in Liu et al.,
    Learning Efficient Convolutional Networks through Network Slimming, 2017) times the length of the weights
    that take it up.

    Parameters
    ----------
    model : Path
        A U-Net.
    folder : Path
        Where the new model folder is made.
    channels : sequence of int
        Channels of each level of the decoder, the coarsest first; no more than it has.

    Returns
    -------
    Path
        The new model, which has to learn before it is of use.
    """
    wide = load_model(model)
    state, before = dict(wide.network.state_dict()), wide.card.net.decoder_channels
    taken = torch.arange(state["decoder.blocks.0.conv1.0.weight"].shape[1])
    for level, number in enumerate(channels):
        block = f"decoder.blocks.{level}"
        last = level + 1 == len(channels)
        following = f"{HEAD}.weight" if last else f"decoder.blocks.{level + 1}.conv1.0.weight"
        inner = _best(state, f"{block}.conv1", state[f"{block}.conv2.0.weight"], number)
        outer = _best(state, f"{block}.conv2", state[following][:, : before[level]], number)
        _keep(state, f"{block}.conv1", inner, taken)
        _keep(state, f"{block}.conv2", outer, inner)
        skipped = torch.arange(before[level], state[following].shape[1])  # what comes from the encoder stays
        taken = torch.cat([outer, skipped])
    state[f"{HEAD}.weight"] = state[f"{HEAD}.weight"][:, taken]
    net = wide.card.net.model_copy(update={"decoder_channels": tuple(channels)})
    build(net).load_state_dict(state)  # fails where it does not fit
    name = f"{model.name}-thinned"
    save_model(folder / name, wide.card.model_copy(update={"net": net, "name": name}), state)
    return folder / name


def _best(state: dict[str, Tensor], layer: str, following: Tensor, number: int) -> Tensor:
    """Find the channels of a layer that add most to the next one, in their order."""
    scale = state[f"{layer}.1.weight"].abs()
    length = following.flatten(2).norm(dim=(0, 2))
    return (scale * length).topk(number).indices.sort().values


def _keep(state: dict[str, Tensor], layer: str, drawn: Tensor, taken: Tensor) -> None:
    state[f"{layer}.0.weight"] = state[f"{layer}.0.weight"][drawn][:, taken].contiguous()
    for part in ("weight", "bias", "running_mean", "running_var"):
        state[f"{layer}.1.{part}"] = state[f"{layer}.1.{part}"][drawn]
