"""Many looks of the same patch: moved, turned, sheared, and as other light and focus would show it."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from napari_cellseg.learn.patches import Batch

MARGIN = 1.25
"""Patches are cut this much larger than they are needed, so that turning them seldom meets their edge."""

_BENT = 0.5
_RELIT = 0.5
_MAX_TURN_DEG = 20.0
_MAX_SHEAR = 0.15
_MAX_LOG_SCALE = math.log(1.25)
_MAX_SHIFT_PX = 8.0


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


def augment(batch: Batch, side_px: int, generator: torch.Generator) -> Batch:
    """Make a random look of every patch.

    Parameters
    ----------
    batch : Batch
        Patches with the side ``margin_px(side_px)``, on any device.
    side_px : int
        Side of the patches wanted.
    generator : torch.Generator
        Source of randomness, on the CPU.

    Returns
    -------
    Batch
        Patches of this side: flips and quarter turns always; shift, shear, rotation and scale for every other
        one, in one sampling; and, again for every other one, brightness, contrast, gamma, blur or sharpening,
        and noise.
    """
    matrices, shifts = random_motions(len(batch.image), generator)
    moved = move(batch, matrices, shifts, side_px)
    return moved._replace(image=relight(moved.image, generator))


def random_motions(n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw flips, quarter turns and, for every other patch, shift, shear, rotation and scale.

    Parameters
    ----------
    n : int
        Number of patches.
    generator : torch.Generator
        Source of randomness.

    Returns
    -------
    matrices : Tensor
        Axes N22: from offsets (y, x) in the new patch to offsets in the old one, both from the centre.
    shifts : Tensor
        Axes N2: shift (y, x) in px.
    """
    drawn = torch.rand(n, 8, generator=generator)
    bent = (drawn[:, 0] < _BENT).float()
    signed = (2 * drawn[:, 1:] - 1) * bent[:, None]
    angle = signed[:, 0] * math.radians(_MAX_TURN_DEG)
    zoom = torch.exp(signed[:, 1] * _MAX_LOG_SCALE)
    shear_y, shear_x = signed[:, 2] * _MAX_SHEAR, signed[:, 3] * _MAX_SHEAR
    turn = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], 1).reshape(n, 2, 2)
    ones = torch.ones(n)
    skew = torch.stack([ones, shear_y, shear_x, ones], 1).reshape(n, 2, 2)
    matrices = quarter_turns(n, generator) @ turn @ skew * zoom[:, None, None]
    return matrices, signed[:, 4:6] * _MAX_SHIFT_PX


def quarter_turns(n: int, generator: torch.Generator) -> Tensor:
    """Draw one of the eight ways to lay a square.

    Parameters
    ----------
    n : int
        Number of patches.
    generator : torch.Generator
        Source of randomness.

    Returns
    -------
    Tensor
        Axes N22: exact matrices of 0, 1 and -1.
    """
    signs = torch.randint(0, 2, (n, 2), generator=generator).float() * 2 - 1
    swapped = torch.randint(0, 2, (n,), generator=generator).bool()
    matrices = torch.diag_embed(signs)
    return torch.where(swapped[:, None, None], matrices.flip(2), matrices)


def move(batch: Batch, matrices: Tensor, shifts: Tensor, side_px: int) -> Batch:
    """Sample image and targets at moved places.

    The targets move with the image: depth is relative to the size of each object, so that turns, flips and
    scaling leave its values as they are, and a little shear hardly changes them. State takes the nearest
    pixel. Places beyond the edge show the reflection.

    Parameters
    ----------
    batch : Batch
        Square patches.
    matrices, shifts : Tensor
        As `random_motions` gives them.
    side_px : int
        Side of the patches wanted.

    Returns
    -------
    Batch
        On the device of the batch.
    """
    device, side = batch.image.device, batch.image.shape[-1]
    offsets = torch.arange(side_px, dtype=torch.float32) - (side_px - 1) / 2
    yx = torch.stack(torch.meshgrid(offsets, offsets, indexing="ij"), -1)
    places = torch.einsum("nij,yxj->nyxi", matrices, yx) + shifts[:, None, None]
    grid = (places.flip(-1) * (2 / side)).to(
        device
    )  # grid_sample wants (x, y), and -1..1 across the old patch
    smooth = torch.cat([batch.image, batch.depth[:, None]], 1)
    smooth = F.grid_sample(smooth, grid, "bilinear", "reflection", align_corners=False)
    state = F.grid_sample(batch.state[:, None].float(), grid, "nearest", "reflection", align_corners=False)
    return Batch(smooth[:, :1], state[:, 0].to(torch.uint8), smooth[:, 1])


def relight(image: Tensor, generator: torch.Generator) -> Tensor:
    """Show every other patch in another light, focus and noise.

    Parameters
    ----------
    image : Tensor
        Axes N1YX, normalised.
    generator : torch.Generator
        Source of randomness, on the CPU.

    Returns
    -------
    Tensor
        Of the same shape.
    """
    n = len(image)
    drawn = torch.rand(n, 7, 1, 1, 1, generator=generator).to(image.device)
    signed = 2 * drawn - 1
    contrast = torch.exp(signed[:, 0] * math.log(1.4))
    brightness = signed[:, 1] * 0.15
    gamma = torch.exp(signed[:, 2] * math.log(1.3))
    shown = drawn[:, 6] < _RELIT  # the others stay as they were taken
    softness = (signed[:, 3] * 0.9).clamp(min=-0.5) * (drawn[:, 5] < 0.4)
    sigma = (drawn[:, 4] - 0.5).clamp(min=0) * 0.16
    relit = torch.lerp(image, _blurred(image), softness)
    relit = torch.sign(relit) * relit.abs().clamp(min=1e-6) ** gamma
    relit = (relit - 0.5) * contrast + 0.5 + brightness
    noise = torch.randn(image.shape, generator=generator).to(image.device)
    return torch.where(shown, relit + noise * sigma, image)


def _blurred(image: Tensor) -> Tensor:
    """Blur with a binomial kernel of 5 px, close to a Gaussian of 1 px."""
    line = torch.tensor([1.0, 4, 6, 4, 1], device=image.device) / 16
    padded = F.pad(image, (2, 2, 2, 2), "reflect")
    return F.conv2d(F.conv2d(padded, line.view(1, 1, 1, 5)), line.view(1, 1, 5, 1))
