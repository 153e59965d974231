"""Many looks of the same patch: moved, turned, bent, and as other light, focus and cameras would show it."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from napari_cellseg.learn.light import relight
from napari_cellseg.learn.patches import Batch
from napari_cellseg.learn.places import MAX_LOG_SCALE, jacobian, random_places
from napari_cellseg.learn.targets import IGNORED

MARGIN = 1.25
"""Patches are cut this much larger than they are needed, so that turning them seldom meets their edge."""


def margin_px(side_px: int) -> int:
    """Compute the side of the patches that `augment` needs.

    Parameters
    ----------
    side_px : int
        Side of the patches wanted.

    Returns
    -------
    int
        A larger side of the same parity: pixels then fall on pixels where nothing but flips and quarter turns
        is done, and nothing is blurred.
    """
    return side_px + 2 * round(side_px * (MARGIN - 1) / 2)


def augment(
    batch: Batch,
    side_px: int,
    generator: torch.Generator,
    *,
    max_scale: float = math.exp(MAX_LOG_SCALE),
    invert: float = 0.0,
) -> Batch:
    """Make a random look of every patch.

    Parameters
    ----------
    batch : Batch
        Patches with the side ``margin_px(side_px)``, on any device.
    side_px : int
        Side of the patches wanted.
    generator : torch.Generator
        Source of randomness, on the CPU.
    max_scale : float
        Objects grow or shrink by this factor at most.
    invert : float
        Share of patches whose grey is turned around.

    Returns
    -------
    Batch
        Patches of this side: moved as `places.random_places` and relit as `light.relight` draw it.
    """
    places = random_places(len(batch.image), side_px, generator, max_log_scale=math.log(max_scale))
    moved = move(batch, places.to(batch.image.device))
    return moved._replace(image=relight(moved.image, generator, invert=invert))


def move(batch: Batch, places: Tensor) -> Batch:
    """Sample image and targets at other places.

    State and offsets take the nearest pixel. The offset from a new pixel to a centre is that from its old
    place, brought to the new grid by the inverse of the Jacobian matrix of the map: exact where the map is
    affine, and to first order where it bends. Places beyond the edge show the reflection and are ignored.

    Parameters
    ----------
    batch : Batch
        Square patches.
    places : Tensor
        Axes N,Y,X,2, on the same device: the place (y, x) of every new pixel in the old patch, in px from its
        centre, as `places.random_places` gives them.

    Returns
    -------
    Batch
        On the device of the batch.
    """
    side = batch.image.shape[-1]
    grid = places.flip(-1) * (2 / side)  # grid_sample wants (x, y), and -1..1 across the old patch
    image = F.grid_sample(batch.image, grid, "bilinear", "reflection", align_corners=False)
    planes = torch.cat([batch.state[:, None].float(), batch.offset], 1)
    planes = F.grid_sample(planes, grid, "nearest", "border", align_corners=False)
    state = planes[:, 0].to(torch.uint8)
    state[grid.abs().amax(-1) > 1] = IGNORED
    # The offset was measured from the old pixel that is nearest; the place itself is a little beside it.
    nearest = (places + (side - 1) / 2).round() - (side - 1) / 2
    from_place = planes[:, 1:].movedim(1, -1) + (nearest - places) * (planes[:, :1].movedim(1, -1) == 1)
    offset = _solve(jacobian(places), from_place)
    return Batch(image, state, offset.movedim(-1, 1))


def _solve(matrices: Tensor, vectors: Tensor) -> Tensor:
    """Solve a 2 x 2 system for every pixel; axes N,Y,X,2,2 and N,Y,X,2."""
    (a, b), (c, d) = (row.unbind(-1) for row in matrices.unbind(-2))
    y, x = vectors.unbind(-1)
    return torch.stack([d * y - b * x, a * x - c * y], -1) / (a * d - b * c)[..., None]
