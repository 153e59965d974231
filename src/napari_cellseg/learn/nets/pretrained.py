"""Encoders that have learned from everyday photographs, for those who ask for them."""

from __future__ import annotations

import segmentation_models_pytorch as smp
from torch import Tensor

from napari_cellseg.errors import ModelError


def imagenet_weights(encoder: str, depth: int) -> dict[str, Tensor]:
    """Get the weights of an encoder that was trained on ImageNet; the first time they are downloaded.

    Parameters
    ----------
    encoder : str
        As `NetConfig.encoder`.
    depth : int
        Levels of the encoder.

    Returns
    -------
    dict of str to Tensor
        The encoder's state for images of one channel: the library sums the first layer over the colours.

    Raises
    ------
    ModelError
        They cannot be downloaded.
    """
    weights = True if encoder.startswith("tu-") else "imagenet"  # as the library wants it
    try:
        network = smp.encoders.get_encoder(encoder, in_channels=1, depth=depth, weights=weights)
    except Exception as error:  # each library on the way has errors of its own, version by version
        raise ModelError(
            f"The ImageNet weights of the encoder {encoder} could not be downloaded: {_first_line(error)}",
            "They come from huggingface.co, once, and are kept on this computer",
            "Connect to the internet and try again, or choose none as encoder weights",
        ) from error
    state: dict[str, Tensor] = network.state_dict()
    return state


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
