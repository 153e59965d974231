"""Local contrast, as software of microscopes raises it."""

from __future__ import annotations

import torch
from torch import Tensor

_TILES = 4
_BINS = 64
_CLIP = (1.5, 4.0)


def equalise(image: Tensor, generator: torch.Generator, strength: float = 1.0) -> Tensor:
    """Raise the contrast tile by tile, as the CLAHE of ImageJ and of many microscopes does.

    After Zuiderveld (1994, Graphics Gems IV, "Contrast limited adaptive histogram equalization"), who clips
    once: 4 x 4 tiles, 64 bins, blended bilinearly. The limit is 1.5 to 4 times a flat histogram, around the 3
    with which the CLAHE of ImageJ starts.

    Parameters
    ----------
    image : Tensor
        Axes N1YX, float32, mostly in 0..1. What lies outside stays as it is, or nearly.
    generator : torch.Generator
        Source of randomness, on the CPU.
    strength : float
        From 0, which changes nothing, to 1.

    Returns
    -------
    Tensor
        Of the same shape.
    """
    n = len(image)
    low, high = _CLIP
    limit = (low + (high - low) * torch.rand(n, 1, 1, generator=generator)).to(image.device)
    amount = torch.rand(n, 1, 1, 1, generator=generator).to(image.device) * strength
    within = image.clamp(0, 1)
    raised = _looked_up(within, _curves(within, limit))
    return image + (raised - within) * amount


def _curves(image: Tensor, limit: Tensor) -> Tensor:
    """Compute the curve of each tile: axes N, tile (row by row), bin edge; from 0 to 1."""
    n, _, height, width = image.shape
    rows, columns = (_tile(side, image.device) for side in (height, width))
    tile = rows[:, None] * _TILES + columns + torch.arange(n, device=image.device)[:, None, None] * _TILES**2
    place = tile * _BINS + (image[:, 0] * _BINS).long().clamp(max=_BINS - 1)
    counts = torch.zeros(n * _TILES**2 * _BINS, device=image.device)
    counts.scatter_add_(0, place.flatten(), torch.ones(place.numel(), device=image.device))
    shares = counts.reshape(n, _TILES**2, _BINS)
    shares = shares / shares.sum(-1, keepdim=True).clamp(min=1)
    clipped = torch.minimum(shares, limit / _BINS)
    clipped = clipped + (1 - clipped.sum(-1, keepdim=True)) / _BINS  # what was cut off goes to all bins
    return torch.nn.functional.pad(clipped.cumsum(-1), (1, 0))


def _looked_up(image: Tensor, curves: Tensor) -> Tensor:
    """Take each pixel's grey value through the curves of the four tiles around it, blended."""
    n, _, height, width = image.shape
    bins = image[:, 0] * _BINS
    left = bins.long().clamp(max=_BINS - 1)
    within = (bins - left).flatten(1)
    flat = curves.flatten(1)
    answer = torch.zeros_like(within)
    for row, row_weight in _neighbours(height, image.device):
        for column, column_weight in _neighbours(width, image.device):
            place = ((row[:, None] * _TILES + column) * (_BINS + 1) + left).flatten(1)
            value = torch.lerp(flat.gather(1, place), flat.gather(1, place + 1), within)
            answer.addcmul_(value, (row_weight[:, None] * column_weight).flatten())
    return answer.reshape(n, 1, height, width)


def _tile(side: int, device: torch.device) -> Tensor:
    """To which tile the pixels of a line belong."""
    return torch.arange(side, device=device) * _TILES // side


def _neighbours(side: int, device: torch.device) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Find the tiles whose middles are before and after each pixel of a line, and how much each counts."""
    place = ((torch.arange(side, device=device) + 0.5) * (_TILES / side) - 0.5).clamp(0, _TILES - 1)
    before = place.long().clamp(max=_TILES - 2)
    after_counts = place - before
    return (before, 1 - after_counts), (before + 1, after_counts)
