"""Where the pixels of a new patch lie in the old one: turned, sheared, seen at an angle, gently bent."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

MAX_LOG_SCALE = math.log(1.25)
"""Objects become at most this much larger or smaller, unless asked otherwise."""

_BENT = 0.5
_MAX_TURN_DEG = 20.0
_MAX_SHEAR = 0.15
_MAX_SHIFT_PX = 8.0
_SPACING_PX = 32.0
_FOLD = 8.25
_WARPED = 0.3


def random_places(
    n: int,
    side_px: int,
    generator: torch.Generator,
    *,
    max_log_scale: float = MAX_LOG_SCALE,
    warp: float = _WARPED,
) -> Tensor:
    """Draw the geometry of new patches.

    Parameters
    ----------
    n : int
        Number of patches.
    side_px : int
        Side of the patches.
    generator : torch.Generator
        Source of randomness, on the CPU.
    max_log_scale : float
        Natural logarithm of the largest factor by which objects grow or shrink.
    warp : float
        Share, 0 to 1, of the patches that `perspective` changes, and of those that `grid_distortion` and
        `elastic` change: each draws its own.

    Returns
    -------
    Tensor
        Axes N,Y,X,2, float32, on the CPU: for every pixel of the new patch its place (y, x) in the old patch,
        in px from the centre. It may lie beyond the edge. With `warp` at 0, half of the patches are moved by
        flips and quarter turns alone, and their pixels fall on pixels.
    """
    places = affine(n, side_px, generator, max_log_scale=max_log_scale)
    for bend in (perspective, grid_distortion, elastic):
        places = _for_some(places, bend, warp, generator)
    return places


def affine(
    n: int,
    side_px: int,
    generator: torch.Generator,
    strength: float = 1.0,
    *,
    max_log_scale: float = MAX_LOG_SCALE,
) -> Tensor:
    """Flip and turn all patches by quarter turns; shift, scale, turn and shear every other one.

    Parameters
    ----------
    n : int
        Number of patches.
    side_px : int
        Side of the patches.
    generator : torch.Generator
        Source of randomness, on the CPU.
    strength : float
        Factor on shift (8 px at most), turn (20°), shear (0.15) and scale; 0 leaves flips and quarter turns.
    max_log_scale : float
        Natural logarithm of the largest factor by which objects grow or shrink.

    Returns
    -------
    Tensor
        Axes N,Y,X,2, float32: places as `random_places` gives them.
    """
    drawn = torch.rand(n, 7, generator=generator)
    bent = (drawn[:, 0] < _BENT).float() * strength
    signed = (2 * drawn[:, 1:] - 1) * bent[:, None]
    angle = signed[:, 0] * math.radians(_MAX_TURN_DEG)
    zoom = torch.exp(signed[:, 1] * max_log_scale)
    shear_y, shear_x = signed[:, 2] * _MAX_SHEAR, signed[:, 3] * _MAX_SHEAR
    turn = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], 1).reshape(n, 2, 2)
    ones = torch.ones(n)
    skew = torch.stack([ones, shear_y, shear_x, ones], 1).reshape(n, 2, 2)
    matrices = quarter_turns(n, generator) @ turn @ skew * zoom[:, None, None]
    shifts = signed[:, 4:6] * _MAX_SHIFT_PX
    along_y, along_x = (_offsets(side_px)[:, None] * matrices.mT[:, :, None]).unbind(1)  # N,Y,2 and N,X,2
    return (along_y + shifts[:, None])[:, :, None] + along_x[:, None]


def unmoved(side_px: int) -> Tensor:
    """Give the places of a patch that stays as it is.

    Parameters
    ----------
    side_px : int
        Side of the patch.

    Returns
    -------
    Tensor
        Axes Y,X,2, float32: the offset (y, x) of every pixel from the centre, in px.
    """
    offsets = _offsets(side_px)
    return torch.stack(torch.meshgrid(offsets, offsets, indexing="ij"), -1)


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


def perspective(places: Tensor, generator: torch.Generator, strength: float = 0.15) -> Tensor:
    """Look at the patches at a slight angle: a place p moves to p / (1 + w·p).

    The determinant of the Jacobian matrix of this map is (1 + w·p)^-3. It is positive, since w is drawn such
    that |w·p| stays below `strength`.

    Parameters
    ----------
    places : Tensor
        Axes N,Y,X,2: places as `random_places` gives them.
    generator : torch.Generator
        Source of randomness, on the CPU.
    strength : float
        Largest relative change of distance from the centre, 0 to below 1.

    Returns
    -------
    Tensor
        Places of the same shape.
    """
    reach = places.abs().amax((1, 2, 3)).clamp(min=1)
    signed = 2 * torch.rand(len(places), 2, generator=generator) - 1
    tilt_y, tilt_x = (signed * (strength / 2) / reach[:, None])[..., None, None].unbind(1)
    return places / (1 + places[..., 0] * tilt_y + places[..., 1] * tilt_x)[..., None]


def grid_distortion(
    places: Tensor, generator: torch.Generator, strength: float = 0.3, spacing_px: float = _SPACING_PX
) -> Tensor:
    """Stretch some rows and columns and press others, each by its own factor, as on a stage that stutters.

    Along y and along x a place moves along a curve through knots whose distances vary but are positive:
    it always rises, so that nothing folds.

    Parameters
    ----------
    places : Tensor
        Axes N,Y,X,2: places as `random_places` gives them.
    generator : torch.Generator
        Source of randomness, on the CPU.
    strength : float
        Natural logarithm of the largest stretch, before all are scaled to keep the size of the whole.
    spacing_px : float
        Width of a row or column of the grid.

    Returns
    -------
    Tensor
        Places of the same shape.
    """
    n = len(places)
    reach = max(float(places.abs().max()), 1.0)
    rows = math.ceil(2 * reach / spacing_px) + 1
    steps = torch.exp((2 * torch.rand(n, 2, rows, generator=generator) - 1) * strength)
    steps = steps / steps.mean(-1, keepdim=True)
    starts = steps.cumsum(-1) - steps - rows / 2
    rows_passed = places.permute(0, 3, 1, 2).reshape(n, 2, -1) / spacing_px + rows / 2
    row = rows_passed.long().clamp_(0, rows - 1)
    moved = starts.gather(2, row) + (rows_passed - row) * steps.gather(2, row)
    return (moved * spacing_px).reshape(n, 2, *places.shape[1:3]).permute(0, 2, 3, 1)


def elastic(
    places: Tensor, generator: torch.Generator, strength: float = 1.0, spacing_px: float = _SPACING_PX
) -> Tensor:
    """Bend the patches smoothly, as living cells and soft gels bend: random vectors on a coarse grid.

    Between the vectors the cubic convolution of Keys (1981, doi 10.1109/TASSP.1981.1163711; a = -0.75, as
    torch has it) is taken. The absolute weights of the vectors sum up to 1.375 at most, and those of its
    derivative to 3 / `spacing_px`. With vectors of at most A along y and along x, no derivative of the
    displacement exceeds q = 4.125 A / `spacing_px`, and the determinant of the Jacobian matrix of the map
    p -> p + u(p) is at least (1 - q)² - q² = 1 - 2q: nothing folds while A < `spacing_px` / 8.25.

    Parameters
    ----------
    places : Tensor
        Axes N,Y,X,2: places as `random_places` gives them.
    generator : torch.Generator
        Source of randomness, on the CPU.
    strength : float
        0 to 1: fraction of nine tenths of that limit up to which each patch draws its A.
    spacing_px : float
        Distance between the vectors.

    Returns
    -------
    Tensor
        Places of the same shape.
    """
    n = len(places)
    reach = max(float(places.abs().max()), 1.0)
    knots = math.ceil(2 * reach / spacing_px) + 1
    vectors = 2 * torch.rand(n, 2, knots, knots, generator=generator) - 1
    amplitude = 0.3 + 0.7 * torch.rand(n, 1, 1, 1, generator=generator)
    vectors = vectors * amplitude * (strength * 0.9 * spacing_px / _FOLD)
    grid = places.flip(-1) * (2 / (spacing_px * knots))
    # Beyond the outermost vectors these are repeated, mirrored: the limit holds there, too.
    shifts = F.grid_sample(vectors, grid, "bicubic", "reflection", align_corners=False)
    return places + shifts.permute(0, 2, 3, 1)


def jacobian(places: Tensor) -> Tensor:
    """Differentiate places with respect to the pixels of the new patch.

    Parameters
    ----------
    places : Tensor
        Axes N,Y,X,2, at least 2 px along Y and X.

    Returns
    -------
    Tensor
        Axes N,Y,X,2,2: how the place's y and x (last axis but one) change per px along y and x (last axis).
        Central differences, one-sided at the edges: exact where the map is affine.
    """
    return torch.stack(torch.gradient(places, dim=(1, 2)), -1)


def _offsets(side_px: int) -> Tensor:
    """Distances of a line of pixels from its centre."""
    return torch.arange(side_px, dtype=torch.float32) - (side_px - 1) / 2


def _for_some(
    places: Tensor,
    bend: Callable[[Tensor, torch.Generator], Tensor],
    share: float,
    generator: torch.Generator,
) -> Tensor:
    """Change a share of the patches."""
    chosen = torch.nonzero(torch.rand(len(places), generator=generator) < share)[:, 0]
    if not len(chosen):
        return places
    return places.index_copy(0, chosen, bend(places[chosen], generator))
