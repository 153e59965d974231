"""How sharp a patch is: blur of optics, of motion and of coarse pixels; and sharpening."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

_MAX_SIGMA_PX = 2.0
_MAX_DISK_PX = 3.0
_MAX_MOTION_PX = 7.0
_MAX_SHARPENING = 1.0
_FACTORS = (0.4, 0.55, 0.75)


def gaussian_blur(image: Tensor, generator: torch.Generator, strength: float = 1.0) -> Tensor:
    """Blur as an objective of lower aperture does, whose central spot is nearly Gaussian.

    Sigma is up to 2 px, chosen by eye: with more, the borders between small cells are gone.

    Parameters
    ----------
    image : Tensor
        Axes N1YX, float32.
    generator : torch.Generator
        Source of randomness, on the CPU.
    strength : float
        Factor on the largest sigma.

    Returns
    -------
    Tensor
        Of the same shape.
    """
    return blurred(image, _MAX_SIGMA_PX * strength * torch.rand(len(image), generator=generator))


def defocus(image: Tensor, generator: torch.Generator, strength: float = 1.0) -> Tensor:
    """Move the patches out of focus: a point becomes a disk, as geometrical optics has it.

    Its radius is up to 3 px, chosen by eye: a person still sees every cell.

    Parameters
    ----------
    image : Tensor
        Axes N1YX, float32.
    generator : torch.Generator
        Source of randomness, on the CPU.
    strength : float
        Factor on the largest radius.

    Returns
    -------
    Tensor
        Of the same shape.
    """
    radius = _MAX_DISK_PX * strength * torch.rand(len(image), 1, 1, generator=generator)
    reach = math.ceil(_MAX_DISK_PX * strength)
    y, x = _window(reach)
    return _convolved(image, (radius + 0.5 - torch.hypot(y, x)).clamp(0, 1))


def motion_blur(image: Tensor, generator: torch.Generator, strength: float = 1.0) -> Tensor:
    """Move the stage or the cells while the shutter is open: a point becomes a short line at any angle.

    It is up to 7 px long, chosen by eye: with more, cells have two outlines.

    Parameters
    ----------
    image : Tensor
        Axes N1YX, float32.
    generator : torch.Generator
        Source of randomness, on the CPU.
    strength : float
        Factor on the greatest length.

    Returns
    -------
    Tensor
        Of the same shape.
    """
    length, angle = torch.rand(2, len(image), 1, 1, generator=generator)
    length, angle = length * _MAX_MOTION_PX * strength, angle * math.pi
    y, x = _window(math.ceil(_MAX_MOTION_PX * strength / 2))
    along = y * angle.sin() + x * angle.cos()
    across = y * angle.cos() - x * angle.sin()
    return _convolved(image, (1 - across.abs()).clamp(min=0) * ((length + 1) / 2 - along.abs()).clamp(0, 1))


def unsharp(image: Tensor, generator: torch.Generator, strength: float = 1.0) -> Tensor:
    """Sharpen as the software of cameras does: add what a blur of 1 px takes away, at most once more.

    Parameters
    ----------
    image : Tensor
        Axes N1YX, float32.
    generator : torch.Generator
        Source of randomness, on the CPU.
    strength : float
        Factor on how often the difference is added.

    Returns
    -------
    Tensor
        Of the same shape.
    """
    n = len(image)
    amount = torch.rand(n, 1, 1, 1, generator=generator) * _MAX_SHARPENING * strength
    return torch.lerp(blurred(image, torch.ones(n)), image, 1 + amount.to(image.device))


def coarsen(image: Tensor, generator: torch.Generator, strength: float = 1.0) -> Tensor:
    """Sample coarsely and enlarge again, as binning and enlarged frames of a lower magnification look.

    The factor is 0.4, 0.55 or 0.75, about the steps from one objective to the next (40x, 20x, 10x).

    Parameters
    ----------
    image : Tensor
        Axes N1YX, float32.
    generator : torch.Generator
        Source of randomness, on the CPU.
    strength : float
        Factor on 1 - factor.

    Returns
    -------
    Tensor
        Of the same shape.
    """
    which = torch.randint(0, len(_FACTORS), (len(image),), generator=generator)
    there_and_back = []
    for side in image.shape[2:]:
        each = torch.stack([_resampling(side, 1 - (1 - factor) * strength) for factor in _FACTORS])
        there_and_back.append(each[which].to(image.device))
    rows, columns = there_and_back
    return (rows @ image[:, 0] @ columns.mT)[:, None]


def blurred(image: Tensor, sigma_px: Tensor) -> Tensor:
    """Blur each patch with its own Gaussian.

    Parameters
    ----------
    image : Tensor
        Axes N1YX, float32.
    sigma_px : Tensor
        Axis N, on the CPU: standard deviations in px; 0 leaves a patch as it is.

    Returns
    -------
    Tensor
        Of the same shape. The Gaussian is cut at 2.5 sigma.
    """
    reach = max(1, math.ceil(2.5 * float(sigma_px.max())))
    offsets = torch.arange(-reach, reach + 1, dtype=torch.float32)
    kernels = torch.exp(-0.5 * (offsets / sigma_px.clamp(min=0.1)[:, None]) ** 2)[:, None]
    return _convolved(_convolved(image, kernels), kernels.mT)


def _window(reach: int) -> tuple[Tensor, Tensor]:
    """Offsets y and x of the pixels around a pixel."""
    offsets = torch.arange(-reach, reach + 1, dtype=torch.float32)
    return offsets[:, None], offsets[None]


def _convolved(image: Tensor, kernels: Tensor) -> Tensor:
    """Convolve each patch with its own symmetric kernel (axes NYX), scaled to the sum 1."""
    kernels = (kernels / kernels.sum((1, 2), keepdim=True)).to(image.device)
    height, width = (side // 2 for side in kernels.shape[1:])
    padded = F.pad(image.transpose(0, 1), (width, width, height, height), "replicate")
    return F.conv2d(padded, kernels[:, None], groups=len(image)).transpose(0, 1)


def _resampling(side: int, factor: float) -> Tensor:
    """Compute the square matrix that shrinks a line of pixels, averaging, and enlarges it again."""
    small = max(1, round(side * factor))
    unit = torch.eye(side)[None, None]
    if small >= side:
        return unit[0, 0]
    shrunk = F.interpolate(unit, (small, side), mode="bilinear", antialias=True)
    return F.interpolate(shrunk, (side, side), mode="bilinear")[0, 0]
