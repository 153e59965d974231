"""Simulate a paired time-lapse, phase contrast and stained nuclei, with known truth; write the sample study.

``python sample_data/make_sample.py --output FOLDER`` writes the study that is committed in the package.
`simulate` makes one position of any size for tests and benchmarks.
"""

from __future__ import annotations

import argparse
import csv
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile
from scipy import ndimage

sys.path.insert(0, str(Path(__file__).parent))  # the parts lie beside this script

from sim_bodies import Painter, draw_looks, texture_bank
from sim_cells import MITOSIS_FRAMES, Tracks, live
from sim_optics import Camera, dust, leak, phase_contrast, scatter_debris, shading

FRAMES = 14
PIXEL_UM = 0.64
INTERVAL_S = 600.0
STUDY = {"pos01": 101, "pos02": 202, "pos03": 303}
PAD = 32
"""Canvas around the picture, so that its edges look like its middle, px."""

SMALLEST_PX = 20
"""Nuclei of which fewer pixels are in the picture are not part of the truth."""


@dataclass(frozen=True)
class Scene:
    """A simulated position with its truth.

    Attributes
    ----------
    phase, nuclei : ndarray
        Axes TYX, uint8, or uint16 when more than 8 bits were asked: the two channels.
    truth : ndarray
        Axes TYX, int32: 0 background, otherwise the number of the cell, which it keeps through time.
    stained : dict of int to bool
        For each number, whether the stain took.
    parent : dict of int to int
        For each number, the number of its mother; 0 for the founders.
    mitotic : ndarray
        Axes TN, bool: in frame t, the cell of number n + 1 is dividing or just divided.
    shifts : ndarray
        Axes T2, float: how far the camera was shifted (y, x), px.
    leaked, blurred : int
        The frame with leaked stain, and the one out of focus; -1 when there is none.
    """

    phase: npt.NDArray[Any]
    nuclei: npt.NDArray[Any]
    truth: npt.NDArray[np.int32]
    stained: dict[int, bool]
    parent: dict[int, int]
    mitotic: npt.NDArray[np.bool_]
    shifts: npt.NDArray[np.float64]
    leaked: int
    blurred: int


def simulate(
    seed: int,
    n_frames: int = FRAMES,
    shape: tuple[int, int] = (320, 320),
    n_cells: int = 45,
    *,
    unstained: float = 0.10,
    mishaps: bool = True,
    bits: int = 8,
) -> Scene:
    """Simulate one position.

    Parameters
    ----------
    seed : int
        The same seed gives the same scene.
    n_frames : int
        Number of frames.
    shape : tuple of int
        Height and width, px.
    n_cells : int
        About how many nuclei are in the first frame.
    unstained : float
        Fraction of the nuclei in the pictures that the stain misses.
    mishaps : bool
        True puts leaked stain into one frame, and takes another out of focus (needs three frames).
    bits : int
        Bits per pixel of the camera, 8 to 16.

    Returns
    -------
    Scene
        Both channels and the truth.
    """
    life, looks, glass, sensor, fate = (np.random.default_rng([seed, k]) for k in range(5))
    size = (shape[0] + 2 * PAD, shape[1] + 2 * PAD)
    founders = max(1, round(n_cells * size[0] * size[1] / (shape[0] * shape[1])))
    tracks = live(life, n_frames, size, founders)
    bank = texture_bank(looks)
    painter = Painter(tracks, draw_looks(looks, len(tracks.parent), bank.shape[0]), bank)
    shifts = np.cumsum(glass.normal(0, 0.8, (n_frames, 2)), axis=0).clip(-6, 6)
    shifts -= shifts[0]
    drawings = [painter.draw(t, size, tuple(shifts[t])) for t in range(n_frames)]
    inner = np.s_[PAD:-PAD, PAD:-PAD]
    truth = np.stack([_only_seen(d.owner[inner] + 1) for d in drawings]).astype(np.int32)
    stained = _choose_stained(fate, truth, tracks, unstained)
    leaked, blurred = _mishaps(fate, n_frames) if mishaps else (-1, -1)
    optics = _Optics(glass, size, n_cells)
    phase_camera, nuclei_camera = Camera(0.0165, 4, 6.0, bits), Camera(0.22, 4, 2.5, bits)
    phase, nuclei = [], []
    for t, drawing in enumerate(drawings):
        trash, glow = optics.debris.draw(size, tuple(shifts[t]))
        light = phase_contrast(np.maximum(drawing.phase_rad, trash), 14.0 if t == blurred else 0.0)
        if t == blurred:
            light = ndimage.gaussian_filter(light, 2.2)
        phase.append(phase_camera.record(sensor, 6500 * light * optics.phase_light)[inner])
        took = np.append(stained, False)[drawing.owner]  # the owner -1 is the last: background
        stain = drawing.stain * took + glow + (leak(fate, size) if t == leaked else 0)
        electrons = optics.fluorescence(stain, t, n_frames, t == blurred)
        nuclei.append(nuclei_camera.record(sensor, electrons)[inner])
    mitotic = (tracks.remaining < MITOSIS_FRAMES - 1) | (tracks.age < 2)
    return Scene(
        phase=np.stack(phase),
        nuclei=np.stack(nuclei),
        truth=truth,
        stained={i + 1: bool(s) for i, s in enumerate(stained)},
        parent={i + 1: int(p) + 1 for i, p in enumerate(tracks.parent)},
        mitotic=mitotic,
        shifts=shifts,
        leaked=leaked,
        blurred=blurred,
    )


class _Optics:
    """What stays the same in all frames of a position."""

    def __init__(self, rng: np.random.Generator, size: tuple[int, int], n_cells: int) -> None:
        self.phase_light = shading(rng, size, 0.16) * dust(rng, size)
        self.excitation = shading(rng, size, 0.55)
        self.haze = shading(rng, size, 0.7)
        self.debris = scatter_debris(rng, size, max(4, n_cells // 2))

    def fluorescence(
        self, stain: npt.NDArray[np.float32], t: int, n_frames: int, blurred: bool
    ) -> npt.NDArray[np.float32]:
        """Turn stain into photoelectrons: a sharp part, a veil from out of focus, bleaching over time."""
        bleach = 0.42 + 0.58 * np.exp(-2.2 * t / max(1, n_frames - 1))
        sharp = ndimage.gaussian_filter(stain, 5.5 if blurred else 1.2)
        veil = ndimage.gaussian_filter(stain, 11.0)
        out = (150 * sharp + 30 * veil) * bleach * self.excitation + 26 * self.haze * (0.7 + 0.3 * bleach)
        return np.asarray(out, np.float32)


def _only_seen(labels: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Drop nuclei of which only a sliver is in the picture."""
    sizes = np.bincount(labels.ravel())
    return np.where(sizes[labels] >= SMALLEST_PX, labels, 0)


def _choose_stained(
    rng: np.random.Generator, truth: npt.NDArray[np.int32], tracks: Tracks, unstained: float
) -> npt.NDArray[np.bool_]:
    """Choose families that the stain misses until they make up the wanted part of the nuclei seen."""
    n = len(tracks.parent)
    seen = sum(np.bincount(np.unique(frame), minlength=n + 1)[1:] for frame in truth)
    founder = np.arange(n)
    for i in range(n):
        founder[i] = founder[tracks.parent[i]] if tracks.parent[i] >= 0 else i
    missed, budget = np.zeros(n, bool), unstained * np.sum(seen)
    for family in rng.permutation(np.unique(founder)):
        of_family = founder == family
        cost = np.sum(np.where(of_family, seen, 0))
        if cost <= budget:
            missed |= of_family
            budget -= cost
    return ~missed


def _mishaps(rng: np.random.Generator, n_frames: int) -> tuple[int, int]:
    """Choose the frame with leaked stain and the one out of focus."""
    if n_frames < 3:
        return -1, -1
    leaked, blurred = rng.choice(np.arange(1, n_frames), 2, replace=False)
    return int(leaked), int(blurred)


def write_position(folder: Path, name: str, scene: Scene) -> None:
    """Write one position: the stack and its true labels, as ImageJ hyperstacks.

    Parameters
    ----------
    folder : Path
        Folder of the study.
    name : str
        Name of the position.
    scene : Scene
        What was simulated.
    """
    frames = len(scene.phase)
    stack = np.stack([scene.phase, scene.nuclei], axis=1)
    units = {"unit": "um", "spacing": 1.0, "finterval": INTERVAL_S, "tunit": "s"}
    labels = [name_ for _ in range(frames) for name_ in ("Phase", "Nuclei")]
    ranges = [float(v) for c in range(2) for v in np.percentile(stack[:, c], [0.1, 99.9])]
    (folder / "truth").mkdir(parents=True, exist_ok=True)
    options = {"imagej": True, "compression": "zlib", "compressionargs": {"level": 9}, "predictor": True}
    resolution = (1 / PIXEL_UM, 1 / PIXEL_UM)
    meta = {**units, "axes": "TCYX", "Labels": labels, "mode": "composite", "Ranges": tuple(ranges)}
    tifffile.imwrite(folder / f"{name}.tif", stack, resolution=resolution, metadata=meta, **options)
    truth = scene.truth.astype(np.uint16)
    tifffile.imwrite(
        folder / "truth" / f"{name}.tif",
        truth,
        resolution=resolution,
        metadata={**units, "axes": "TYX"},
        **options,
    )


def table_rows(name: str, scene: Scene) -> list[dict[str, object]]:
    """List the true nuclei of a position.

    Parameters
    ----------
    name : str
        Name of the position.
    scene : Scene
        What was simulated.

    Returns
    -------
    list of dict
        One row per nucleus and frame.
    """
    rows: list[dict[str, object]] = []
    for t, frame in enumerate(scene.truth):
        ids = [int(i) for i in np.unique(frame) if i]
        areas = np.bincount(frame.ravel())
        for label, (y, x) in zip(ids, ndimage.center_of_mass(frame > 0, frame, ids), strict=True):
            rows.append(
                {
                    "position": name,
                    "frame": t,
                    "label": label,
                    "stained": int(scene.stained[label]),
                    "mitotic": int(scene.mitotic[t, label - 1]),
                    "parent": scene.parent[label],
                    "area_px": int(areas[label]),
                    "centroid_y_px": round(float(y), 2),
                    "centroid_x_px": round(float(x), 2),
                }
            )
    return rows


def write_study(folder: Path, n_frames: int = FRAMES) -> None:
    """Write the study that the package carries.

    Parameters
    ----------
    folder : Path
        Where to write it.
    n_frames : int
        Frames per position.
    """
    rows: list[dict[str, object]] = []
    for name, seed in STUDY.items():
        scene = simulate(seed, n_frames)
        write_position(folder, name, scene)
        rows += table_rows(name, scene)
        print(
            f"{name}: {len(np.unique(scene.truth)) - 1} cells, leaked {scene.leaked}, blurred {scene.blurred}"
        )
    with (folder / "truth" / "nuclei.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    """Read the command line and write the study."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    default = Path(__file__).parents[1] / "src" / "napari_cellseg" / "sample_study"
    parser.add_argument("--output", type=Path, default=default, help="folder of the study")
    parser.add_argument("--frames", type=int, default=FRAMES, help="frames per position")
    arguments = parser.parse_args()
    write_study(arguments.output, arguments.frames)


if __name__ == "__main__":
    main()
