"""How simulated cells live: they wander, push each other away, round up, divide and spread again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float64]

MITOSIS_FRAMES = 4
"""Frames from the first rounding to the division."""

SPREAD_FRAMES = 5
"""Frames that a daughter needs to spread again."""


@dataclass(frozen=True)
class Motion:
    """How the cells move and divide.

    Attributes
    ----------
    speed_px : float
        Spread of the velocity along each axis, px per frame.
    persistence : float
        Correlation of the velocity from frame to frame, 0 to 1.
    cycle_frames : float
        Mean time between two divisions, in frames.
    crowd_px : float
        Cells nearer than this push each other away softly.
    """

    speed_px: float = 1.5
    persistence: float = 0.85
    cycle_frames: float = 90.0
    crowd_px: float = 26.0


@dataclass(frozen=True)
class Tracks:
    """Where each cell is in each frame; axes TN (frames, cells), NaN where a cell does not exist.

    Attributes
    ----------
    y, x : ndarray
        Centre of the nucleus, px, in the coordinates of the dish (the camera may be shifted).
    heading : ndarray
        Direction of movement, radians.
    age : ndarray
        Frames since the cell's birth; large for those that were there from the start.
    remaining : ndarray
        Frames until the cell divides.
    parent : ndarray
        Axis N: index of the mother, -1 for founders.
    nucleus_px : ndarray
        Axis N: radius of the grown nucleus.
    """

    y: Float
    x: Float
    heading: Float
    age: Float
    remaining: Float
    parent: npt.NDArray[np.int64]
    nucleus_px: Float

    def roundness(self) -> Float:
        """Say how far each cell is rounded up.

        Returns
        -------
        ndarray
            Axes TN: 0 spread, 1 a ball.
        """
        before = np.clip((MITOSIS_FRAMES - self.remaining) / 2.0, 0, 1)
        after = np.clip(1.15 - self.age / SPREAD_FRAMES, 0, 1)
        return np.asarray(np.maximum(before, after))


class _Population:
    """The cells of the moment; grows as they divide."""

    def __init__(self, rng: np.random.Generator, n: int, size: Float, motion: Motion) -> None:
        self.rng, self.size, self.motion = rng, size, motion
        self.place = _scatter(rng, n, size)
        self.velocity = rng.normal(0, motion.speed_px, (n, 2))
        self.age = np.full(n, 1000.0)
        self.remaining = rng.uniform(0, 1.3 * motion.cycle_frames, n)
        self.parent = np.full(n, -1)
        self.radius = rng.normal(9.1, 0.75, n).clip(7.5, 10.8)
        self.alive = np.ones(n, bool)

    def step(self) -> None:
        """Move on by one frame."""
        motion, rng = self.motion, self.rng
        calm = (self.remaining > MITOSIS_FRAMES) & (self.age > 2)
        kick = rng.normal(0, motion.speed_px, self.velocity.shape)
        p = motion.persistence
        self.velocity = p * self.velocity + np.sqrt(1 - p * p) * kick
        self.place += self.velocity * np.where(calm, 1.0, 0.25)[:, None]
        self.age += 1
        self.remaining -= 1
        for mother in np.flatnonzero(self.alive & (self.remaining < 0)):
            self._divide(int(mother))
        self.settle()

    def settle(self) -> None:
        """Push cells apart that came too close, and keep them in the dish."""
        for _ in range(6):
            live = np.flatnonzero(self.alive)
            apart = self.place[live, None] - self.place[None, live]
            distance = np.hypot(apart[..., 0], apart[..., 1]) + np.eye(len(live)) * 1e6
            grown = self.radius[live] * np.where(self.age[live] < 3, 0.8, 1.0)
            touch = 0.93 * (grown[:, None] + grown[None])
            push = 0.5 * np.clip(touch - distance, 0, None)
            push += 0.003 * np.clip(self.motion.crowd_px - distance, 0, None)
            self.place[live] += (apart / np.maximum(distance, 1e-3)[..., None] * push[..., None]).sum(1)
        out = (self.place < 0) | (self.place > self.size)
        self.velocity[out] *= -1
        self.place = np.clip(self.place, 0, self.size)

    def _divide(self, mother: int) -> None:
        rng = self.rng
        angle = rng.uniform(0, np.pi)
        step = 6.5 * np.array([np.sin(angle), np.cos(angle)])
        self.alive[mother] = False
        self.place = np.vstack([self.place, self.place[mother] + step, self.place[mother] - step])
        self.velocity = np.vstack([self.velocity, 0.6 * step, -0.6 * step])
        self.age = np.append(self.age, [0.0, 0.0])
        cycle = self.motion.cycle_frames
        self.remaining = np.append(self.remaining, rng.normal(cycle, 0.15 * cycle, 2).clip(0.6 * cycle))
        self.parent = np.append(self.parent, [mother, mother])
        self.radius = np.append(self.radius, rng.normal(9.1, 0.7, 2).clip(7.5, 10.8))
        self.alive = np.append(self.alive, [True, True])


def _scatter(rng: np.random.Generator, n: int, size: Float, nearest_px: float = 16.0) -> Float:
    """Places that keep their distance, where that is possible."""
    places: list[Float] = []
    for _ in range(60 * n):
        place = rng.uniform(0, size)
        gaps = np.hypot(*(np.array(places) - place).T) if places else np.array([np.inf])
        if gaps.min() > nearest_px:
            places.append(place)
            if len(places) == n:
                break
    while len(places) < n:
        places.append(rng.uniform(0, size))
    return np.array(places)


def live(
    rng: np.random.Generator,
    n_frames: int,
    size: tuple[float, float],
    n_cells: int,
    motion: Motion | None = None,
) -> Tracks:
    """Let cells live for some frames.

    Parameters
    ----------
    rng : Generator
        Source of all chance.
    n_frames : int
        Number of frames.
    size : tuple of float
        Height and width of the dish, px.
    n_cells : int
        Cells in the dish at the start.
    motion : Motion, optional
        How they move and divide.

    Returns
    -------
    Tracks
        All cells that ever lived, mothers before daughters.
    """
    cells = _Population(rng, n_cells, np.asarray(size, float), motion or Motion())
    for _ in range(10):  # from random places to a settled layer
        cells.settle()
    seen = []
    for t in range(n_frames):
        if t:
            cells.step()
        heading = np.arctan2(cells.velocity[:, 0], cells.velocity[:, 1])
        state = np.stack([cells.place[:, 0], cells.place[:, 1], heading, cells.age, cells.remaining])
        seen.append(np.where(cells.alive, state, np.nan))
    total = len(cells.parent)
    table = np.full((5, n_frames, total), np.nan)
    for t, state in enumerate(seen):
        table[:, t, : state.shape[1]] = state
    return Tracks(*table, parent=cells.parent, nucleus_px=cells.radius)
