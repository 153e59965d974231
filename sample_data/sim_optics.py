"""What the microscope makes of the cells: phase contrast, fluorescence, uneven light, noise, mishaps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

F32 = npt.NDArray[np.float32]


def phase_contrast(
    phase_rad: F32, defocus: float = 0.0, halo_px: float = 8.0, transmission: float = 0.72
) -> F32:
    """Image a delay of the light as a positive phase-contrast microscope does.

    The undiffracted light, which the phase ring delays and weakens, is the light of low spatial frequency:
    because the ring is not a point, it takes some of the diffracted light with it, which is what makes halo
    and shade-off (Zernike 1942; Wilson and Sheppard 1984). With the field ``E = exp(i phase)`` and its
    low-pass ``L``, the image is ``|E - L - i a L|^2 / a^2``. Thick cells scatter light past the ring, which
    takes the extremes off: intensities level out towards 0.35 and 2.1 of the background.

    Parameters
    ----------
    phase_rad : ndarray
        Axes YX, delay in radians.
    defocus : float
        Distance from focus times wavelength, px^2; 0 in focus.
    halo_px : float
        Width of the halo: the standard deviation of the low-pass, px.
    transmission : float
        Amplitude that the ring lets through, ``a``.

    Returns
    -------
    ndarray
        Axes YX, intensity relative to the empty background, which is 1.
    """
    field = np.exp(1j * phase_rad.astype(np.float64))
    fy, fx = np.fft.fftfreq(field.shape[0])[:, None], np.fft.fftfreq(field.shape[1])[None]
    square = fy**2 + fx**2
    ring = 0.8 * np.exp(-2 * (np.pi * halo_px) ** 2 * square)
    ring += 0.2 * np.exp(-2 * (np.pi * 3 * halo_px) ** 2 * square)
    spectrum = np.fft.fft2(field) * np.exp(-1j * np.pi * defocus * square)
    image = np.fft.ifft2(spectrum * (1 - ring - 1j * transmission * ring))
    above = np.abs(image) ** 2 / transmission**2 - 1
    most = np.where(above > 0, 1.1, 0.65)
    intensity = 1 + most * np.tanh(above / most)
    return np.asarray(ndimage.gaussian_filter(intensity, 0.65), np.float32)


def shading(rng: np.random.Generator, shape: tuple[int, int], strength: float) -> F32:
    """Make an uneven illumination: a vignette off the centre, and a tilt.

    Parameters
    ----------
    rng : Generator
        Source of all chance.
    shape : tuple of int
        Height and width, px.
    strength : float
        How much light is lost towards the corners, 0 to 1.

    Returns
    -------
    ndarray
        Axes YX, factors with mean 1.
    """
    v, u = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
    cy, cx = rng.uniform(-0.4, 0.4, 2)
    tilt = rng.normal(0, 0.25, 2)
    light = 1 - strength * (0.5 * ((v - cy) ** 2 + (u - cx) ** 2) + tilt[0] * v + tilt[1] * u)
    light = np.clip(light, 0.15, None)
    return np.asarray(light / light.mean(), np.float32)


def dust(rng: np.random.Generator, shape: tuple[int, int], n: int = 5) -> F32:
    """Make the soft shadows of dust on the optics, which stay while the dish moves.

    Parameters
    ----------
    rng : Generator
        Source of all chance.
    shape : tuple of int
        Height and width, px.
    n : int
        Number of specks.

    Returns
    -------
    ndarray
        Axes YX, factors around 1.
    """
    seeds = np.zeros(shape)
    seeds[rng.integers(0, shape[0], n), rng.integers(0, shape[1], n)] = rng.uniform(0.5, 1.0, n)
    blot = ndimage.gaussian_filter(seeds, 7.0) * (2 * np.pi * 49)
    return np.asarray(1 - 0.07 * blot, np.float32)


@dataclass(frozen=True)
class Debris:
    """Dead bits that lie in the dish.

    Attributes
    ----------
    y, x : ndarray
        Places in the dish, px.
    radius_px : ndarray
        Their radii.
    glow : ndarray
        Their stain; 0 for most.
    """

    y: npt.NDArray[np.float64]
    x: npt.NDArray[np.float64]
    radius_px: npt.NDArray[np.float64]
    glow: npt.NDArray[np.float64]

    def draw(self, shape: tuple[int, int], origin: tuple[float, float]) -> tuple[F32, F32]:
        """Draw the debris.

        Parameters
        ----------
        shape : tuple of int
            Height and width of the canvas, px.
        origin : tuple of float
            Dish coordinates (y, x) of the canvas's first pixel.

        Returns
        -------
        tuple of ndarray
            Delay of the light in radians, and stain; axes YX.
        """
        delay, glow = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        rows, cols = np.arange(shape[0])[:, None] + origin[0], np.arange(shape[1])[None] + origin[1]
        for y, x, radius, bright in zip(self.y, self.x, self.radius_px, self.glow, strict=True):
            square = (rows - y) ** 2 + (cols - x) ** 2
            delay = np.maximum(delay, (1.1 * np.sqrt(np.clip(1 - square / radius**2, 0, None))).astype("f4"))
            if bright:
                glow += (bright * np.exp(-square / (2 * (0.7 * radius) ** 2))).astype("f4")
        return delay, glow


def scatter_debris(rng: np.random.Generator, size: tuple[float, float], n: int) -> Debris:
    """Scatter debris in the dish: single bits and a few clumps.

    Parameters
    ----------
    rng : Generator
        Source of all chance.
    size : tuple of float
        Height and width of the dish, px.
    n : int
        Number of bits.

    Returns
    -------
    Debris
        The bits.
    """
    clumps = rng.uniform(0, size, (max(1, n // 5), 2))
    places = clumps[rng.integers(0, len(clumps), n)] + rng.normal(0, 3.5, (n, 2))
    alone = rng.random(n) < 0.6
    places[alone] = rng.uniform(0, size, (int(alone.sum()), 2))
    radius = rng.uniform(0.8, 2.2, n)
    glow = np.where(rng.random(n) < 0.3, rng.uniform(0.8, 4.0, n), 0.0)
    return Debris(places[:, 0], places[:, 1], radius, glow)


def leak(rng: np.random.Generator, shape: tuple[int, int]) -> F32:
    """Make the smear of leaked stain.

    Parameters
    ----------
    rng : Generator
        Source of all chance.
    shape : tuple of int
        Height and width, px.

    Returns
    -------
    ndarray
        Axes YX, stain on the scale of a nucleus.
    """
    v, u = np.mgrid[: shape[0], : shape[1]].astype(float)
    cy, cx = rng.uniform(0.3, 0.7, 2) * shape
    angle = rng.uniform(0, np.pi)
    along = (u - cx) * np.cos(angle) + (v - cy) * np.sin(angle)
    across = (v - cy) * np.cos(angle) - (u - cx) * np.sin(angle) + 0.0016 * along**2
    long, short = 0.30 * max(shape), 0.11 * min(shape)
    cloud = ndimage.gaussian_filter(rng.standard_normal(shape), 9)
    smear = np.exp(-0.5 * (along / long) ** 2 - 0.5 * (across / short) ** 2)
    return np.asarray(7.0 * smear * (1 + 0.35 * cloud / cloud.std()).clip(0.1), np.float32)


@dataclass(frozen=True)
class Camera:
    """How light becomes numbers.

    Attributes
    ----------
    gain : float
        Counts per photoelectron, of 8-bit counts.
    offset : float
        Counts in the dark, of 8-bit counts.
    read_noise : float
        Standard deviation of the read noise, photoelectrons.
    bits : int
        Bits per pixel, 8 to 16; more bits are finer steps of the same range.
    """

    gain: float
    offset: float
    read_noise: float
    bits: int = 8

    def record(self, rng: np.random.Generator, electrons: F32) -> npt.NDArray[Any]:
        """Record light.

        Parameters
        ----------
        rng : Generator
            Source of all chance.
        electrons : ndarray
            Expected photoelectrons per pixel.

        Returns
        -------
        ndarray
            Axes as given, uint8 or uint16 counts with Poisson and Gaussian noise, clipped at the full scale.
        """
        caught = rng.poisson(np.clip(electrons, 0, None)) + rng.normal(0, self.read_noise, electrons.shape)
        steps = 2.0 ** (self.bits - 8)
        counts = np.rint((caught * self.gain + self.offset) * steps)
        return np.clip(counts, 0, 2**self.bits - 1).astype(np.uint8 if self.bits == 8 else np.uint16)
