"""How far the network's maps are from the targets."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from napari_cellseg.config import ClassLossName
from napari_cellseg.learn.losses.classes import (
    balanced_weights,
    class_dice,
    cross_entropy,
    weighted_cross_entropy,
)
from napari_cellseg.learn.losses.masked import masked, mean
from napari_cellseg.learn.losses.pixels import LOSSES, pixel_loss
from napari_cellseg.learn.targets import IGNORED, OBJECT, OFFSET_UNIT_PX

__all__ = ["LOSSES", "class_loss_of", "loss_of", "pixel_loss"]

_BETA = 0.25


def loss_of(logits: Tensor, state: Tensor, offset: Tensor, loss: str = "bce+dice") -> Tensor:
    """Compute the loss; ignored pixels do not count.

    A loss of where objects are, plus, within objects, the smooth L1 distance (Girshick 2015) between the
    offsets to the centre as they are drawn and as they should be, in units of `targets.OFFSET_UNIT_PX`.

    Parameters
    ----------
    logits : Tensor
        Axes NMYX: the logit of the object probability, and the offsets down and right in units.
    state : Tensor
        Axes NYX, uint8, as `targets.Targets.state`.
    offset : Tensor
        Axes N2YX, in px, as `targets.Targets.offset`.
    loss : str
        What is made small where objects are; a key of `LOSSES`.

    Returns
    -------
    Tensor
        A scalar; 0 when every pixel is ignored.
    """
    logits = logits.float()
    truth, counted = (state == OBJECT).float(), (state != IGNORED).float()
    where = pixel_loss(loss)(logits[:, 0], truth, counted)
    inside = truth[:, None].expand_as(offset)
    drawn, wanted, inside = masked(logits[:, 1:3], offset.float() / OFFSET_UNIT_PX, inside)
    return where + 2 * mean(F.smooth_l1_loss(drawn, wanted, reduction="none", beta=_BETA), inside)


def class_loss_of(logits: Tensor, state: Tensor, loss: ClassLossName = "cross-entropy+dice") -> Tensor:
    """Compute the loss of a network that gives every pixel a class; ignored pixels do not count.

    Parameters
    ----------
    logits : Tensor
        Axes NCYX: one map for each class.
    state : Tensor
        Axes NYX, uint8, as `targets.Targets.state`: the class of each pixel.
    loss : {"cross-entropy+dice", "cross-entropy", "weighted-cross-entropy"}
        What is made small; the weights are those that `classes.balanced_weights` gives this batch.

    Returns
    -------
    Tensor
        A scalar; 0 when every pixel is ignored.
    """
    logits = logits.float()
    truth, counted = state.long(), (state != IGNORED).float()
    if loss == "weighted-cross-entropy":
        weights = balanced_weights(truth, counted, logits.shape[1])
        return weighted_cross_entropy(logits, truth, counted, weights)
    crossed = cross_entropy(logits, truth, counted)
    return crossed if loss == "cross-entropy" else crossed + class_dice(logits, truth, counted)
