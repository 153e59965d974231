"""Which maps tell touching nuclei apart best: border, distance to the border, or offsets to the centre.

One network draws them all, from the same patches in the same time, so that only the maps and what is made of
them differ. Scored on groups kept aside, with the time to turn the maps of a frame into labels.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage as ndi
from scipy.special import expit
from skimage.segmentation import watershed
from torch.nn import functional as F

from benchmarks._bundled_data import Part, nuclei_fluorescence
from benchmarks._learning import DATA, SKIPPED, Case, Labels, line, samples_of, score
from benchmarks._photographs import DECODER, ENCODER, show
from napari_cellseg.config import NetConfig
from napari_cellseg.data.samples import Sample
from napari_cellseg.learn.light import relight
from napari_cellseg.learn.nets import STRIDE_PX, build
from napari_cellseg.learn.normalise import normalise
from napari_cellseg.learn.resizing import fitted, resize
from napari_cellseg.learn.runtime import autocast, laid_out, seeded
from napari_cellseg.learn.targets import OFFSET_UNIT_PX, decode, encode

MINUTES = float(os.environ.get("MINUTES", "8"))
OBJECT_PX, SIDE_PX, BATCH, MAPS = 20.0, 128, 8, 5
Maps = npt.NDArray[np.float32]


def targets_of(labels: Labels) -> Maps:
    """Draw all maps of a patch.

    Parameters
    ----------
    labels : ndarray
        Axes YX.

    Returns
    -------
    ndarray
        Axes (5, Y, X): object, offset down and right in units, distance (0 at the border, 1 in the middle),
        border.
    """
    depth = np.zeros(labels.shape, np.float32)
    for label, box in enumerate(ndi.find_objects(labels), start=1):
        if box is not None:
            mask = labels[box] == label
            away = ndi.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
            depth[box][mask] = (away / away.max())[mask]
    border = (ndi.maximum_filter(labels, 3) != ndi.minimum_filter(labels, 3)).astype(np.float32)
    offset = encode(labels).offset / OFFSET_UNIT_PX
    return np.stack([(labels > 0).astype(np.float32), *offset, depth, border])


def loss_of(drawn: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Add the losses of all maps.

    Parameters
    ----------
    drawn, wanted : Tensor
        Axes (N, 5, Y, X).

    Returns
    -------
    Tensor
        A scalar.
    """
    inside = wanted[:, :1]
    where, seam = (F.binary_cross_entropy_with_logits(drawn[:, i], wanted[:, i]) for i in (0, 4))
    offset = F.smooth_l1_loss(drawn[:, 1:3], wanted[:, 1:3], reduction="none", beta=0.25) * inside
    depth = F.smooth_l1_loss(torch.sigmoid(drawn[:, 3]), wanted[:, 3], beta=0.1)
    return where + seam + 2 * offset.sum() / (2 * inside.sum()).clamp(min=1) + 4 * depth


def learn(part: Part) -> torch.nn.Module:
    """Train a network that draws all maps.

    Parameters
    ----------
    part : Part
        Its images.

    Returns
    -------
    torch.nn.Module
        In evaluation mode.
    """
    network = build(NetConfig(encoder=ENCODER, decoder_channels=DECODER), 0, MAPS)
    show(network)
    network = laid_out(network, "cpu")
    optimiser = torch.optim.AdamW(network.parameters(), lr=2e-3, foreach=True)
    generator, random = seeded(0), np.random.default_rng(0)
    samples = [fitted(sample, OBJECT_PX, 2.0) for sample in samples_of(part.training)]
    frames = [(normalise(s.image), s.labels) for s in samples if min(s.image.shape) >= SIDE_PX]
    start, steps = time.monotonic(), 0
    while (spent := (time.monotonic() - start) / (60 * MINUTES)) < 1:
        for group in optimiser.param_groups:
            group["lr"] = 2e-3 * min(1, (steps + 1) / 20) * (0.02 + 0.98 * (1 + np.cos(np.pi * spent)) / 2)
        images, wanted = zip(
            *(patch(*frames[i], random) for i in random.integers(0, len(frames), BATCH)), strict=True
        )
        image = laid_out(relight(torch.from_numpy(np.stack(images))[:, None], generator), "cpu")
        with autocast("cpu"):
            drawn = network(image)
        loss = loss_of(drawn.float(), torch.from_numpy(np.stack(wanted)))
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5)
        optimiser.step()
        steps += 1
    print(f"  {steps} steps in {MINUTES:g} min, last loss {float(loss.detach()):.2f}")
    return network.eval()


def patch(image: Maps, labels: Labels, random: np.random.Generator) -> tuple[Maps, Maps]:
    """Cut a patch, and lay it in one of the eight ways.

    Parameters
    ----------
    image, labels : ndarray
        Axes YX.
    random : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    image, maps : ndarray
        Axes YX, and as `targets_of`.
    """
    top, left = (int(random.integers(0, n - SIDE_PX + 1)) for n in image.shape)
    window = (slice(top, top + SIDE_PX), slice(left, left + SIDE_PX))
    turns, flip = int(random.integers(0, 4)), bool(random.integers(0, 2))
    laid = [np.rot90(array[window], turns) for array in (image, labels)]
    laid = [np.ascontiguousarray(array[::-1] if flip else array) for array in laid]
    return laid[0], targets_of(laid[1])


def draw(network: torch.nn.Module, case: Case) -> tuple[Maps, float]:
    """Draw the maps of a frame, in its own size.

    Parameters
    ----------
    network : torch.nn.Module
        See `learn`.
    case : Case
        The frame.

    Returns
    -------
    maps : ndarray
        Axes (5, Y, X).
    scale : float
        Factor by which the frame was resized.
    """
    sample = fitted(Sample(case.image, case.truth, case.group, case.name), OBJECT_PX, 2.0)
    small = normalise(sample.image)
    filling = [(0, -n % STRIDE_PX) for n in small.shape]
    padded = torch.from_numpy(np.pad(small, filling, mode="symmetric"))[None, None]
    with torch.inference_mode(), autocast("cpu"):
        maps = network(laid_out(padded, "cpu")).float().numpy()[0, :, : small.shape[0], : small.shape[1]]
    return resize(maps, case.image.shape[:2]), small.shape[0] / case.image.shape[0]


def by_components(maps: Maps, _scale: float) -> Labels:
    """Take every piece of the foreground for an object."""
    return np.asarray(ndi.label(maps[0] > 0)[0], np.int32)


def by_border(maps: Maps, _scale: float) -> Labels:
    """Flood from the pieces that the border leaves."""
    seeds, _ = ndi.label((maps[0] > 0) & (maps[4] < 0))
    return watershed(-maps[0], seeds, mask=maps[0] > 0).astype(np.int32)


def by_distance(maps: Maps, _scale: float) -> Labels:
    """Flood from where the normalised distance is above one half."""
    seeds, _ = ndi.label((maps[0] > 0) & (maps[3] > 0))
    return watershed(-maps[3], seeds, mask=maps[0] > 0).astype(np.int32)


def by_offsets(maps: Maps, scale: float) -> Labels:
    """Gather the votes for centres, as the program does."""
    return decode(expit(maps[0]), maps[1:3] * OFFSET_UNIT_PX / scale, diameter_px=OBJECT_PX / scale)


WAYS: tuple[tuple[str, Callable[[Maps, float], Labels]], ...] = (
    ("foreground only", by_components),
    ("border", by_border),
    ("distance to the border", by_distance),
    ("offsets to the centre", by_offsets),
)


def large_enough(labels: Labels) -> Labels:
    """Leave out what is smaller than a disk of 4 px, whatever the way.

    Parameters
    ----------
    labels : ndarray
        Axes YX.

    Returns
    -------
    ndarray
        Axes YX.
    """
    return np.where((np.bincount(labels.ravel()) >= np.pi * 4)[labels], labels, 0).astype(np.int32)


def main() -> int:
    """Train once, decode in four ways.

    Returns
    -------
    int
        0, or 75 without the images.
    """
    if not (DATA / "dsb2018").is_dir():
        print("the real images are not in ../shared/data")
        return SKIPPED
    part = nuclei_fluorescence()
    network = learn(part)
    drawn: list[tuple[Any, float]] = [draw(network, case) for case in part.tested]
    for name, way in WAYS:
        start = time.perf_counter()
        found = [large_enough(way(maps, scale)) for maps, scale in drawn]
        seconds = (time.perf_counter() - start) / (sum(case.image.size for case in part.tested) / 1e6)
        print(line(name, score(part.tested, found).pooled()), f" {seconds:.3f} s/Mpx", flush=True)
    return 0
