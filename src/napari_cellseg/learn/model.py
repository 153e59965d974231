"""A trained model: its card and its network, saved, loaded and applied to a frame."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from napari_cellseg.config import Engine
from napari_cellseg.data.write import atomic_folder
from napari_cellseg.errors import ModelError
from napari_cellseg.learn import runtime
from napari_cellseg.learn.card import (
    CARD_FILE,
    REPLAY_FILE,
    WEIGHTS_FILE,
    ModelCard,
    read_card,
    sha256_of,
)
from napari_cellseg.learn.engine import quickened
from napari_cellseg.learn.nets import STRIDE_PX, build
from napari_cellseg.learn.resizing import resize, scaled_shape
from napari_cellseg.learn.targets import OFFSET_UNIT_PX
from napari_cellseg.learn.tiles import apply_tiled
from napari_cellseg.learn.view import View


@dataclass(frozen=True)
class TrainedModel:
    """A card and its network.

    Attributes
    ----------
    card : ModelCard
        What is known about the model.
    network : torch.nn.Module
        With the trained weights, on the device where it is applied.
    """

    card: ModelCard
    network: nn.Module


def save_model(folder: Path, card: ModelCard, weights: dict[str, Tensor], replay: bytes = b"") -> ModelCard:
    """Write a model folder as a whole or not at all.

    Parameters
    ----------
    folder : Path
        The folder; it must not exist yet.
    card : ModelCard
        The card; the checksums are filled in.
    weights : dict of str to Tensor
        The network's state.
    replay : bytes
        Content of the replay set that it gets, see `replay.Replay`; empty for none.

    Returns
    -------
    ModelCard
        The card as written.

    Raises
    ------
    StorageError
        The folder cannot be written, or the disk is full.
    """
    with atomic_folder(folder) as partial:
        file = partial / WEIGHTS_FILE
        write_tensors(file, weights)
        card = card.model_copy(update={"sha256": sha256_of(file), "replay_sha256": ""})
        if replay:
            (partial / REPLAY_FILE).write_bytes(replay)
            card = card.model_copy(update={"replay_sha256": sha256_of(partial / REPLAY_FILE)})
        (partial / CARD_FILE).write_text(card.model_dump_json(indent=2), encoding="utf-8")
    return card


def write_tensors(file: Path, tensors: dict[str, Tensor]) -> None:
    """Write tensors from any device into a safetensors file.

    Parameters
    ----------
    file : Path
        The file.
    tensors : dict of str to Tensor
        The tensors by name.

    Raises
    ------
    OSError
        The file cannot be written, or the disk is full.
    """
    try:
        save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, file)
    except SafetensorError as error:  # it wraps the system's errors and loses their number
        raise OSError(_error_number(str(error)), str(error)) from error


def _error_number(text: str) -> int:
    """Read the system's error number from a text like ``I/O error: ... (os error 28)``."""
    digits = text.rpartition("os error ")[2].rstrip(') .}"')
    return int(digits) if digits.isdigit() else 5


def load_model(folder: Path, device: str = "cpu") -> TrainedModel:
    """Load a model and check that it is whole, unaltered and of a version that this program knows.

    Parameters
    ----------
    folder : Path
        Folder of the model.
    device : str
        Where to put the network, as torch calls it.

    Returns
    -------
    TrainedModel
        Ready to be applied.

    Raises
    ------
    ModelError
        Something is missing, altered or does not fit together.
    """
    card = read_card(folder)
    network = build(card.net)
    try:
        weights = load_file(folder / WEIGHTS_FILE)
        network.load_state_dict(weights)
    except (SafetensorError, RuntimeError) as error:
        raise ModelError(
            f"The weights of the model {folder.name} do not fit the network of its card ({card.net.encoder})",
            "Both must come from the same training",
            "Copy the model folder again, or train it anew",
        ) from error
    broken = [name for name, weight in weights.items() if not torch.isfinite(weight).all()]
    if broken:
        raise ModelError(
            f"Some weights of the model {folder.name} are infinite or no numbers ({broken[0]})",
            "It could not be trained further, and what it finds could not be trusted",
            "Copy the model folder again, or train it anew",
        )
    return TrainedModel(card, runtime.laid_out(network.eval(), device))


@functools.lru_cache(maxsize=2)
def _cached(folder: Path, device: str, engine: Engine, sha256: str) -> TrainedModel:  # noqa: ARG001 - a key
    trained = load_model(folder, device)
    return TrainedModel(trained.card, quickened(trained.network, engine, device))


def cached_model(folder: Path, device: str = "cpu", engine: Engine = "auto") -> TrainedModel:
    """Load a model to apply it, or take it from the last time when it is still the same.

    Parameters
    ----------
    folder : Path
        Folder of the model.
    device : str
        Where to put the network, as torch calls it.
    engine : {"auto", "openvino", "torch"}
        What is to compute it, see `engine.choose_engine`.

    Returns
    -------
    TrainedModel
        It is not to be changed, and cannot be trained.

    Raises
    ------
    ModelError
        As `load_model`, or the engine cannot take its network.
    SettingsError
        The engine that was asked for is not there.
    """
    return _cached(folder.resolve(), device, engine, read_card(folder).sha256)


_MIRRORS: tuple[tuple[int, ...], ...] = ((), (0,), (1,), (0, 1))


def _mirrored(
    draw: Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]],
    picture: npt.NDArray[np.float32],
    axes: tuple[int, ...],
    classes: int,
) -> npt.NDArray[np.float32]:
    """Draw the maps of a mirror image, and mirror them back: places, and the direction of offsets."""
    mirrored = np.ascontiguousarray(np.flip(picture, axes))
    maps: npt.NDArray[np.float32] = np.flip(draw(mirrored), tuple(axis + 1 for axis in axes)).copy()
    if not classes:
        maps[[axis + 1 for axis in axes]] *= -1  # the offset along an axis is the map after the probability
    return maps


def draw_maps(network: nn.Module, image: npt.NDArray[Any], view: View) -> npt.NDArray[np.float32]:
    """Have a network draw its maps of a frame.

    Parameters
    ----------
    network : torch.nn.Module
        In evaluation mode.
    image : ndarray
        Axes YX, any real dtype, any size.
    view : View
        How it looks at the frame.

    Returns
    -------
    ndarray
        Axes MYX, float32, in the size of the image: the logit of the object probability, and the offsets to
        the centre in px of the image; or the logits of classes.
    """

    def apply(tiles: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        batch = runtime.laid_out(torch.from_numpy(tiles)[:, None], view.device)
        with torch.inference_mode(), runtime.autocast(view.device, view.precision):
            return np.asarray(network(batch).float().cpu())

    def draw(picture: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return apply_tiled(
            picture,
            apply,
            tile_px=view.tile_px,
            overlap_px=view.overlap_px,
            batch=view.batch,
            multiple=STRIDE_PX,
        )

    small = resize(view.grey(image), scaled_shape(image.shape, view.scale))
    looks = [_mirrored(draw, small, axes, view.classes) for axes in _MIRRORS] if view.flips else [draw(small)]
    maps = np.mean(looks, 0) if view.flips else looks[0]
    maps = resize(maps, (image.shape[0], image.shape[1]))
    if not view.classes:
        maps[1:] *= OFFSET_UNIT_PX / view.scale
    return maps
