"""What simulated cells look like: outlines with protrusions, nuclei, nucleoli, granular cytoplasm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.special import expit

from sim_cells import SPREAD_FRAMES, Tracks

Float = npt.NDArray[np.float64]
F32 = npt.NDArray[np.float32]

HALF = 60
"""Half side of the window in which a cell is drawn, px."""


@dataclass(frozen=True)
class Looks:
    """The unchanging traits of each cell; first axis N (cells).

    Attributes
    ----------
    body_px : ndarray
        Radius of the spread cell.
    wave, wave_phase : ndarray
        Axes NM: amplitude and phase of the outline's waves.
    arm, arm_angle, arm_width, arm_rate : ndarray
        Axes NA: length, direction, sharpness and rate of the protrusions.
    aspect, turn, spin, bend : ndarray
        Shape of the nucleus: long to short axis, orientation, its change per frame, third harmonic.
    nucleoli : ndarray
        Axes NK3: place (v, u in units of the radius) and radius in px (0: absent).
    relief : ndarray
        Axes N3: how much rim, clear inside and covering organelles set the nucleus off.
    thickness : ndarray
        Optical thickness of the body relative to the others.
    brightness : ndarray
        Strength of the stain where it took.
    texture : ndarray
        Axes N22: where the cell's two granular textures are cut from the bank.
    """

    body_px: Float
    wave: Float
    wave_phase: Float
    arm: Float
    arm_angle: Float
    arm_width: Float
    arm_rate: Float
    aspect: Float
    turn: Float
    spin: Float
    bend: Float
    nucleoli: Float
    relief: Float
    thickness: Float
    brightness: Float
    texture: npt.NDArray[np.int64]


def draw_looks(rng: np.random.Generator, n: int, bank: int) -> Looks:
    """Draw the traits of cells.

    Parameters
    ----------
    rng : Generator
        Source of all chance.
    n : int
        Number of cells.
    bank : int
        Side of the texture bank, px.

    Returns
    -------
    Looks
        Their traits.
    """
    arms = 5
    nucleoli = np.zeros((n, 4, 3))
    where, far = rng.uniform(0, 2 * np.pi, (n, 4)), 0.62 * np.sqrt(rng.uniform(0, 1, (n, 4)))
    nucleoli[..., 0], nucleoli[..., 1] = far * np.sin(where), far * np.cos(where)
    there = np.arange(4) < rng.integers(1, 5, (n, 1))
    nucleoli[..., 2] = np.where(there, rng.uniform(0.9, 1.8, (n, 4)), 0)
    return Looks(
        body_px=rng.normal(17.5, 2.2, n).clip(14, 24),
        wave=rng.normal(0, [0.16, 0.12, 0.07, 0.05], (n, 4)),
        wave_phase=rng.uniform(0, 2 * np.pi, (n, 4)),
        arm=rng.gamma(2.4, 0.48, (n, arms)).clip(0, 2.4) * (rng.random((n, arms)) < 0.75),
        arm_angle=rng.uniform(0, 2 * np.pi, (n, arms)),
        arm_width=np.exp(rng.uniform(np.log(1.8), np.log(7), (n, arms))),
        arm_rate=rng.normal(0, 0.22, (n, arms)),
        aspect=rng.uniform(1.02, 1.42, n),
        turn=rng.uniform(0, np.pi, n),
        spin=rng.normal(0, 0.05, n),
        bend=rng.normal(0, 0.035, n),
        nucleoli=nucleoli,
        relief=np.clip(rng.normal([0.125, 0.11, 0.26], [0.035, 0.035, 0.10], (n, 3)), 0.05, 0.6),
        thickness=rng.lognormal(0, 0.16, n),
        brightness=rng.lognormal(0, 0.28, n),
        texture=rng.integers(0, bank - 2 * HALF - 1, (n, 2, 2)),
    )


def texture_bank(rng: np.random.Generator, side: int = 512) -> F32:
    """Make the granular textures that cytoplasm is cut from.

    Parameters
    ----------
    rng : Generator
        Source of all chance.
    side : int
        Height and width, px.

    Returns
    -------
    ndarray
        Axes YX: band-passed noise with dark granules, zero mean, unit variance.
    """
    noise = rng.standard_normal((side, side))
    fine = ndimage.gaussian_filter(noise, 0.8, mode="wrap") - ndimage.gaussian_filter(noise, 2.0, mode="wrap")
    coarse = ndimage.gaussian_filter(rng.standard_normal((side, side)), 4, mode="wrap")
    seeds = (rng.random((side, side)) < 0.012) * rng.gamma(2.0, 0.5, (side, side))
    granules = ndimage.gaussian_filter(seeds, 0.9, mode="wrap")
    mixed = fine / fine.std() + 0.45 * coarse / coarse.std() + 1.1 * granules / granules.std()
    return np.asarray((mixed - mixed.mean()) / mixed.std(), np.float32)


@dataclass(frozen=True)
class Drawing:
    """One frame of cells before any optics; axes YX, on the padded canvas.

    Attributes
    ----------
    phase_rad : ndarray
        Delay of the light, radians.
    stain : ndarray
        Stain that would be there if every nucleus took it, by `owner`.
    owner : ndarray
        Index of the nucleus at each pixel, -1 outside nuclei.
    """

    phase_rad: F32
    stain: F32
    owner: npt.NDArray[np.int64]


class Painter:
    """Draws frames of cells.

    Parameters
    ----------
    tracks : Tracks
        Where the cells are.
    looks : Looks
        What they look like.
    bank : ndarray
        Their textures; see `texture_bank`.
    """

    def __init__(self, tracks: Tracks, looks: Looks, bank: F32) -> None:
        self.tracks, self.looks, self.bank = tracks, looks, bank
        self.roundness = tracks.roundness()

    def draw(self, t: int, shape: tuple[int, int], origin: tuple[float, float]) -> Drawing:
        """Draw one frame.

        Parameters
        ----------
        t : int
            Frame.
        shape : tuple of int
            Height and width of the canvas, px.
        origin : tuple of float
            Dish coordinates (y, x) of the canvas's first pixel.

        Returns
        -------
        Drawing
            The frame.
        """
        top = np.zeros(shape, np.float32)
        under = np.zeros(shape, np.float32)
        stain = np.zeros(shape, np.float32)
        nearest = np.ones(shape, np.float32)
        owner = np.full(shape, -1)
        for i in np.flatnonzero(np.isfinite(self.tracks.y[t])):
            y, x = self.tracks.y[t, i] - origin[0], self.tracks.x[t, i] - origin[1]
            rows = np.arange(max(0, int(y) - HALF), min(shape[0], int(y) + HALF + 1))
            cols = np.arange(max(0, int(x) - HALF), min(shape[1], int(x) + HALF + 1))
            if not len(rows) or not len(cols):
                continue
            at = np.s_[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
            v, u = (rows - y)[:, None].astype(np.float32), (cols - x)[None].astype(np.float32)
            granules = self._granules(i, t, rows - int(y) + HALF, cols - int(x) + HALF)
            depth, glow, q = self._cell(int(i), t, v, u, granules)
            under[at] += np.minimum(top[at], depth)
            top[at] = np.maximum(top[at], depth)
            mine = q < nearest[at]
            stain[at] = np.where(mine, glow, stain[at])
            owner[at][mine] = i
            nearest[at] = np.minimum(nearest[at], q)
        return Drawing(top + 0.4 * under, stain, owner)

    def _granules(self, i: int, t: int, rows: npt.NDArray[np.int64], cols: npt.NDArray[np.int64]) -> F32:
        """Granular texture of a cell, which changes slowly without losing contrast."""
        (ay, ax), (by, bx) = self.looks.texture[i]
        a = self.bank[np.ix_(rows + ay, cols + ax)]
        b = self.bank[np.ix_(rows + by, cols + bx)]
        return np.asarray(np.cos(0.12 * t) * a + np.sin(0.12 * t) * b, np.float32)

    def _cell(self, i: int, t: int, v: F32, u: F32, granules: F32) -> tuple[F32, F32, F32]:
        """Draw one cell in its window: its delay of the light, its stain, and q (below 1 in the nucleus)."""
        round_up = float(self.roundness[t, i])
        distance = np.hypot(v, u)
        angle = np.arctan2(v, u)
        edge = self._outline(i, t, angle, round_up)
        inside = expit((edge - distance) / 0.9)
        q, glow = self._nucleus(i, t, v, u, granules)
        radius = float(self.tracks.nucleus_px[i])
        dome = np.exp(-((distance / (1.9 * radius)) ** 2))
        lamella = 0.09 + 0.07 * np.exp(-(((edge - distance) / 2.2 - 0.7) ** 2))
        cover = self.looks.relief[i, 2]  # organelles above and below the nucleus
        rough = (0.02 + 0.095 * dome) * granules * (cover + (1 - cover) * expit((q - 0.95) * 12))
        spread = inside * (lamella + 0.30 * dome + rough + self._nuclear_relief(i, t, v, u, q))
        ball = 3.0 * np.sqrt(np.clip(1 - (distance / np.maximum(edge, 1)) ** 2, 0, None))
        ball = ball + 0.2 * inside * granules - 0.8 * np.clip(1 - q, 0, None)
        part = float(np.clip((round_up - 0.6) / 0.3, 0, 1))
        full = 0.22 * round_up + 0.78 * part**2 * (3 - 2 * part)  # once round, it soon stands up
        depth = (1 - round_up) * self.looks.thickness[i] * spread + full * ball
        return np.asarray(depth, np.float32), glow, q

    def _outline(self, i: int, t: int, angle: F32, round_up: float) -> F32:
        """Distance from the centre to the cell's edge in each direction, px."""
        looks = self.looks
        spread = np.ones_like(angle)
        for m in range(looks.wave.shape[1]):
            phase = looks.wave_phase[i, m] + 0.08 * t * (1 + 0.3 * m)
            spread += looks.wave[i, m] * np.cos((m + 2) * angle + phase)
        for k in range(looks.arm.shape[1]):
            length = looks.arm[i, k] * (0.75 + 0.25 * np.sin(looks.arm_rate[i, k] * 3 * t + k))
            toward = looks.arm_angle[i, k] + 0.15 * looks.arm_rate[i, k] * t
            off = np.angle(np.exp(1j * (angle - toward)))
            spread += length * np.exp(-looks.arm_width[i, k] * (np.hypot(off, 0.05) - 0.05))
        lead = 0.30 * np.exp(2.0 * (np.cos(angle - self.tracks.heading[t, i]) - 1))
        grown = min(1.0, 0.72 + 0.03 * self.tracks.age[t, i])
        ball = 1.32 * self.tracks.nucleus_px[i] * (0.85 if self.tracks.age[t, i] < SPREAD_FRAMES else 1.0)
        out = (1 - round_up) * looks.body_px[i] * grown * (spread + lead) * 0.92 + round_up * ball
        return np.asarray(np.minimum(out, HALF - 4), np.float32)

    def _nuclear_axes(self, i: int, t: int) -> tuple[float, float, float]:
        """Long and short half axes in px and orientation of the nucleus or of the condensed chromosomes."""
        tracks, looks = self.tracks, self.looks
        radius, stretch = float(tracks.nucleus_px[i]), float(np.sqrt(looks.aspect[i]))
        long, short = radius * stretch, radius / stretch
        turn = float(looks.turn[i] + looks.spin[i] * t)
        age, remaining = tracks.age[t, i], tracks.remaining[t, i]
        if age < 1000:  # a daughter: a plate across the spindle, which rounds and grows
            grown = float(np.clip(age / 8, 0, 1))
            mother = looks.turn[tracks.parent[i]] if tracks.parent[i] >= 0 else turn
            long, short = 7.0 + grown * (long - 7.0), 4.0 + min(1.0, age / 3) * (grown * (short - 6) + 2)
            turn = float(mother if age < 3 else turn)
        dense = float(np.clip((3 - remaining) / 2, 0, 1))  # prophase to metaphase
        return long + dense * (8.0 - long), short + dense * (4.2 - short), turn

    def _nucleus(self, i: int, t: int, v: F32, u: F32, granules: F32) -> tuple[F32, F32]:
        """Draw the nucleus: q, its distance from the centre relative to its edge, and its stain."""
        long, short, turn = self._nuclear_axes(i, t)
        along = u * np.cos(turn) + v * np.sin(turn)
        across = v * np.cos(turn) - u * np.sin(turn)
        angle = np.arctan2(across / short, along / long)
        edge = 1 + self.looks.bend[i] * np.cos(3 * angle) + 0.6 * self.looks.bend[i] * np.cos(2 * angle + 1)
        q = np.asarray(np.hypot(along / long, across / short) / edge, np.float32)
        body = np.clip(1 - q**2, 0, 1) ** 0.35
        mass = float(self.tracks.nucleus_px[i] ** 2) / (long * short)  # condensed chromatin is brighter
        glow = body * (1 + 0.14 * granules) * self.looks.brightness[i] * min(mass, 2.6) ** 0.7
        return q, np.asarray(glow.clip(0), np.float32)

    def _nuclear_relief(self, i: int, t: int, v: F32, u: F32, q: F32) -> F32:
        """Draw what sets the nucleus off in phase contrast: a dark rim, a clear inside, dark nucleoli."""
        long, short, turn = self._nuclear_axes(i, t)
        radius = np.sqrt(long * short)
        rim = self.looks.relief[i, 0] * np.exp(-(((q - 0.97) * radius / 1.1) ** 2))
        inside = -self.looks.relief[i, 1] * expit((0.9 - q) * 14)
        along = u * np.cos(turn) + v * np.sin(turn)
        across = v * np.cos(turn) - u * np.sin(turn)
        dots = np.zeros_like(q)
        for across_at, along_at, size in self.looks.nucleoli[i]:
            if size:
                square = (along - along_at * long) ** 2 + (across - across_at * short) ** 2
                dots += 0.34 * np.exp(-square / (2 * (size * 0.8) ** 2))
        return np.asarray(rim + inside + dots, np.float32)
