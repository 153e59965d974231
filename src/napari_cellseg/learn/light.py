"""The same patch under other light, in other focus, with another camera."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor

from napari_cellseg.learn.equalise import equalise
from napari_cellseg.learn.focus import coarsen, defocus, gaussian_blur, motion_blur, unsharp
from napari_cellseg.learn.normalise import LIMITS

Change: TypeAlias = Callable[[Tensor, torch.Generator, float], Tensor]

_RELIT = 0.7
_MAX_LOG_CONTRAST = math.log(1.5)
_MAX_BRIGHTNESS = 0.15
_MAX_LOG_GAMMA = math.log(1.6)
_MAX_NOISE = 0.1
_PHOTONS = (100.0, 2000.0)
_MAX_LOG_SHADE = math.log(1.35)
_MAX_GLOW = 0.12
_MAX_HOLES = 3
_HOLE_PX = (3.0, 10.0)


def relight(
    image: Tensor, generator: torch.Generator, *, invert: float = 0.0, strength: float = 1.0
) -> Tensor:
    """Show most patches in another light, focus and noise; three in ten stay as they were taken.

    The changes follow the way of the light: the sample is lit, the optics blur, the camera adds noise, and
    software stretches what it recorded. Of the ways to blur, and of the kinds of noise, each patch has one at
    most.

    Parameters
    ----------
    image : Tensor
        Axes N1YX, float32, normalised: mostly in 0..1.
    generator : torch.Generator
        Source of randomness, on the CPU.
    invert : float
        Share, 0 to 1, of the patches that change dark and bright. It is right only where one model must serve
        microscopes with dark and with bright cells.
    strength : float
        Factor on how strong changes are, 0 to 1; at 0 nothing but the inversion is left.

    Returns
    -------
    Tensor
        Of the same shape and on the same device; patches that changed are limited to -1..3.
    """
    stages: tuple[tuple[tuple[Change, float], ...], ...] = (
        ((uneven_light, 0.3),),
        ((gaussian_blur, 0.2), (defocus, 0.08), (motion_blur, 0.04), (coarsen, 0.1), (unsharp, 0.15)),
        ((poisson_noise, 0.12), (gaussian_noise, 0.3)),
        ((equalise, 0.08), (gamma, 0.45)),
        ((brightness_contrast, 0.6),),
        ((dropout, 0.08),),
    )
    shown = torch.nonzero(torch.rand(len(image), generator=generator) < _RELIT)[:, 0]
    if strength > 0 and len(shown):
        relit = image[shown.to(image.device)]
        for stage in stages:
            relit = _one_of(relit, stage, generator, strength)
        image = image.index_copy(0, shown.to(image.device), relit.clamp(*LIMITS))
    if not invert:
        return image
    turned = torch.rand(len(image), 1, 1, 1, generator=generator) < invert
    return torch.where(turned.to(image.device), inverted(image), image)


def brightness_contrast(image: Tensor, generator: torch.Generator, strength: float = 1.0) -> Tensor:
    """Change exposure and offset, and with them what the percentiles of `normalise` make of a frame.

    Contrast changes by up to 1.5 around middle grey, brightness by up to 0.15, chosen by eye: the percentiles
    of fields of view with few cells and with many differ about as much.

    Parameters
    ----------
    image : Tensor
        Axes N1YX, float32.
    generator : torch.Generator
        Source of randomness, on the CPU.
    strength : float
        Factor on the ranges.

    Returns
    -------
    Tensor
        Of the same shape.
    """
    signed = (_drawn(image, generator, 2) * 2 - 1) * strength
    contrast = torch.exp(signed[0] * _MAX_LOG_CONTRAST)
    return torch.addcmul(0.5 - 0.5 * contrast + signed[1] * _MAX_BRIGHTNESS, image, contrast)


def gamma(image: Tensor, generator: torch.Generator, strength: float = 1.0) -> Tensor:
    """Bend the curve of grey values, as 8-bit exports and cameras' own curves do; the sign is kept.

    The exponent is between 1/1.6 and 1.6: the 2.2 of screens is more than a microscope's camera applies.

    Parameters
    ----------
    image : Tensor
        Axes N1YX, float32.
    generator : torch.Generator
        Source of randomness, on the CPU.
    strength : float
        Factor on the logarithm of the exponent.

    Returns
    -------
    Tensor
        Of the same shape.
    """
    exponent = torch.exp((_drawn(image, generator)[0] * 2 - 1) * strength * _MAX_LOG_GAMMA)
    return torch.copysign(image.abs() ** exponent, image)


def gaussian_noise(image: Tensor, generator: torch.Generator, strength: float = 1.0) -> Tensor:
    """Add the noise of the camera's read-out, the same everywhere.

    Its standard deviation is up to 0.1 of the range of grey, chosen by eye, and mostly far below.

    Parameters
    ----------
    image : Tensor
        Axes N1YX, float32.
    generator : torch.Generator
        Source of randomness, on the CPU.
    strength : float
        Factor on the largest standard deviation.

    Returns
    -------
    Tensor
        Of the same shape.
    """
    sigma = _drawn(image, generator)[0].square() * (_MAX_NOISE * strength)
    return torch.addcmul(image, torch.randn(image.shape, generator=generator).to(image.device), sigma)


def poisson_noise(image: Tensor, generator: torch.Generator, strength: float = 1.0) -> Tensor:
    """Count photons: where it is bright, noise is strong.

    How many photons make a grey value of 1 is drawn log-uniformly from 100 to 2000. By their square root,
    that is a noise of 10 % to 2 %, chosen by eye: with more, the faint cells of a bright field are lost.
    Black is taken for no light; what lies below it stays as it is.

    Parameters
    ----------
    image : Tensor
        Axes N1YX, float32.
    generator : torch.Generator
        Source of randomness, on the CPU.
    strength : float
        Factor on the noise.

    Returns
    -------
    Tensor
        Of the same shape.
    """
    fewest, most = _PHOTONS
    photons = fewest * (most / fewest) ** torch.rand(len(image), 1, 1, 1, generator=generator)
    expected = image.clamp(min=0).cpu() * photons  # torch draws on the device of the generator
    noise = (torch.poisson(expected, generator=generator) - expected) / photons
    return image + noise.to(image.device) * strength


def uneven_light(image: Tensor, generator: torch.Generator, strength: float = 1.0) -> Tensor:
    """Light the patches unevenly, as vignetting, a meniscus or out-of-focus light do.

    A smooth field, of polynomials of the second degree along y and x, multiplies them by 1/1.35 to 1.35,
    and another adds -0.12 to 0.12 to them, chosen by eye: with more, the faint cells of a bright field are
    lost.

    Parameters
    ----------
    image : Tensor
        Axes N1YX, float32.
    generator : torch.Generator
        Source of randomness, on the CPU.
    strength : float
        Factor on the logarithm of the first field and on the second.

    Returns
    -------
    Tensor
        Of the same shape.
    """
    n, _, height, width = image.shape
    weights = torch.randn(2, n, 3, 3, generator=generator)
    fields = _legendre(height) @ weights @ _legendre(width).mT
    fields = fields - fields.mean((2, 3), keepdim=True)  # brightness as a whole is changed elsewhere
    fields = fields / fields.abs().amax((2, 3), keepdim=True).clamp(min=1e-6)
    amounts = torch.rand(2, n, 1, 1, generator=generator) * strength
    shade = torch.exp(fields[0] * amounts[0] * _MAX_LOG_SHADE)
    glow = fields[1] * amounts[1] * _MAX_GLOW
    return torch.addcmul(glow[:, None].to(image.device), image, shade[:, None].to(image.device))


def dropout(image: Tensor, generator: torch.Generator, strength: float = 1.0) -> Tensor:
    """Hide one to three small rectangles under the mean grey of the patch, as dust hides what is below.

    Labels are not changed, so that the network learns to tell from what is around. The sides are 3 to 10 px:
    an object that is hidden entirely, and labelled all the same, is smaller than this.

    Parameters
    ----------
    image : Tensor
        Axes N1YX, float32.
    generator : torch.Generator
        Source of randomness, on the CPU.
    strength : float
        Factor on the sides.

    Returns
    -------
    Tensor
        Of the same shape.
    """
    n, _, height, width = image.shape
    drawn = torch.rand(2, 2, n, _MAX_HOLES, 1, generator=generator)
    sides_px = (_HOLE_PX[0] + (_HOLE_PX[1] - _HOLE_PX[0]) * drawn[0]) * strength
    wanted = torch.rand(n, _MAX_HOLES, 1, generator=generator) < torch.tensor([[1.0], [0.5], [0.5]])
    in_rows = (torch.arange(height) + 0.5 - drawn[1, 0] * height).abs() < sides_px[0] / 2
    in_columns = (torch.arange(width) + 0.5 - drawn[1, 1] * width).abs() < sides_px[1] / 2
    hidden = ((in_rows & wanted)[..., None] & in_columns[:, :, None]).any(1, keepdim=True)
    return torch.where(hidden.to(image.device), image.mean((2, 3), keepdim=True), image)


def inverted(image: Tensor) -> Tensor:
    """Change dark and bright, as between fluorescence and bright field, or two kinds of phase contrast.

    Parameters
    ----------
    image : Tensor
        Axes N1YX, float32.

    Returns
    -------
    Tensor
        Of the same shape: 1 - `image`.
    """
    return 1 - image


def _one_of(
    image: Tensor, changes: tuple[tuple[Change, float], ...], generator: torch.Generator, strength: float
) -> Tensor:
    """Give each patch one of some changes at most, each with its probability."""
    drawn = torch.rand(len(image), generator=generator)
    start = 0.0
    for change, share in changes:
        chosen = torch.nonzero((drawn >= start) & (drawn < start + share))[:, 0].to(image.device)
        start += share
        if len(chosen):
            image = image.index_copy(0, chosen, change(image[chosen], generator, strength))
    return image


def _drawn(image: Tensor, generator: torch.Generator, numbers: int = 1) -> Tensor:
    """Draw numbers from 0 to 1 for each patch; axes: which number, N, 1, 1, 1."""
    return torch.rand(numbers, len(image), 1, 1, 1, generator=generator).to(image.device)


def _legendre(side: int) -> Tensor:
    """Compute the first three Legendre polynomials along a line of pixels: axes pixel, degree."""
    x = torch.linspace(-1, 1, side)
    return torch.stack([torch.ones(side), x, 1.5 * x**2 - 0.5], 1)
