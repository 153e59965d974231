"""The losses of "is this pixel part of an object?" by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from torch import Tensor

from napari_cellseg.errors import SettingsError
from napari_cellseg.learn.losses.crossed import balanced_bce, bce, focal, weighted_bce
from napari_cellseg.learn.losses.masked import Loss
from napari_cellseg.learn.losses.overlap import (
    dice,
    focal_tversky,
    log_cosh_dice,
    sensitivity_specificity,
    tversky,
)


def bce_dice(logits: Tensor, truth: Tensor, counted: Tensor) -> Tensor:
    """Compute binary cross-entropy plus Dice loss, as nnU-Net does (Isensee et al. 2021).

    Parameters
    ----------
    logits : Tensor
        Axes NYX, float.
    truth : Tensor
        Axes NYX, float, 0 or 1.
    counted : Tensor
        Axes NYX, float, 0 or 1; pixels with 0 do not count.

    Returns
    -------
    Tensor
        A scalar; 0 when nothing counts.
    """
    return bce(logits, truth, counted) + dice(logits, truth, counted)


def weighted_bce_tversky(logits: Tensor, truth: Tensor, counted: Tensor) -> Tensor:
    """Compute weighted cross-entropy plus Tversky loss, both with their defaults: it would rather invent.

    Parameters
    ----------
    logits : Tensor
        Axes NYX, float.
    truth : Tensor
        Axes NYX, float, 0 or 1.
    counted : Tensor
        Axes NYX, float, 0 or 1; pixels with 0 do not count.

    Returns
    -------
    Tensor
        A scalar; 0 when nothing counts.
    """
    return weighted_bce(logits, truth, counted) + tversky(logits, truth, counted)


LOSSES: Mapping[str, Loss] = MappingProxyType(
    {
        "bce": bce,
        "weighted-bce": weighted_bce,
        "balanced-bce": balanced_bce,
        "focal": focal,
        "dice": dice,
        "tversky": tversky,
        "focal-tversky": focal_tversky,
        "sensitivity-specificity": sensitivity_specificity,
        "log-cosh-dice": log_cosh_dice,
        "bce+dice": bce_dice,
        "weighted-bce+tversky": weighted_bce_tversky,
    }
)
"""By the names of `TrainConfig.loss`; each takes logits, truth and counted, axes NYX, and gives a scalar."""


def pixel_loss(name: str) -> Loss:
    """Find a loss by its name.

    Parameters
    ----------
    name : str
        A key of `LOSSES`.

    Returns
    -------
    callable
        Takes logits, truth and counted, axes NYX, and gives a scalar.

    Raises
    ------
    SettingsError
        There is no such loss; the message lists those that exist.
    """
    if name not in LOSSES:
        raise SettingsError(
            f"There is no loss {name!r}", f"The losses are {', '.join(LOSSES)}", "Choose one of these"
        )
    return LOSSES[name]
