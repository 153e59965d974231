"""From one frame to another: how far the picture moved, and the same object there."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import fft

from napari_cellseg.errors import InputError
from napari_cellseg.label.change import Edit, Frame, changed, cut_out, object_box
from napari_cellseg.label.contrast import clean
from napari_cellseg.label.draw import NO_ROOM, with_object

_SIDE_PX = 512  # of the coarser picture that is compared
_FINEST = 0.25  # of its highest frequency: finer detail is mostly noise
_CLEAR = 12.0  # standard deviations of the match: unrelated frames reach 6 to 10, noisy true ones 25 and more


def displacement(before: npt.NDArray[Any], after: npt.NDArray[Any]) -> tuple[float, float]:
    """Measure how far the picture moved between two frames.

    Phase correlation (Kuglin and Hines 1975, Proc. IEEE Conf. on Cybernetics and Society, 163-165) of both
    frames, averaged to about 512 px a side, with a parabola through the peak.

    Parameters
    ----------
    before, after : ndarray
        Axes YX, real, of one shape.

    Returns
    -------
    tuple of float
        dy and dx in px: what is at y, x before is at y + dy, x + dx after. 0, 0 where the frames have
        nothing in common.

    Raises
    ------
    InputError
        The frames have different shapes, or are no planes.
    """
    if before.ndim != 2 or before.shape != after.shape or before.size == 0:
        raise InputError(
            f"The frames have {before.shape} and {after.shape} px", "Two frames of one movie were expected"
        )
    step = max(1, max(before.shape) // _SIDE_PX)
    first, second = (_spectrum(_averaged(plane, step)) for plane in (before, after))
    cross = second[0] * np.conj(first[0])
    size = np.abs(cross)
    strength = np.where(size > 1e-6 * size.max(initial=0), size, np.inf)
    shape = first[1]
    surface = fft.irfft2(cross / strength * _low_pass(shape), s=shape)
    peak = np.unravel_index(int(surface.argmax()), shape)
    if not surface[peak] > _CLEAR * surface.std():
        return 0.0, 0.0
    dy, dx = (step * _refined(surface, peak, axis) for axis in (0, 1))
    return dy, dx


def _averaged(plane: npt.NDArray[Any], step: int) -> npt.NDArray[np.float32]:
    """Average blocks of pixels, rows first: sums along memory are quick."""
    down, across = (min(step, n) for n in plane.shape)
    height, width = plane.shape[0] // down * down, plane.shape[1] // across * across
    rows = np.zeros((height // down, width), np.float32)
    for i in range(down):
        rows += plane[i:height:down, :width]
    blocks = np.zeros((height // down, width // across), np.float32)
    for i in range(across):
        blocks += rows[:, i::across]
    return clean(blocks)


def _spectrum(plane: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.complex64], tuple[int, int]]:
    """Transform a frame that fades out towards its edges, so that they do not match one another."""
    height, width = plane.shape
    fade = np.outer(np.hanning(height + 2)[1:-1], np.hanning(width + 2)[1:-1]).astype(np.float32)
    return fft.rfft2((plane - plane.mean()) * fade), (height, width)


def _low_pass(shape: tuple[int, int]) -> npt.NDArray[np.float32]:
    y, x = np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None, :]
    return np.asarray(np.exp(-0.5 * (y * y + x * x) / (0.5 * _FINEST) ** 2), np.float32)


def _refined(surface: npt.NDArray[np.floating[Any]], peak: tuple[Any, ...], axis: int) -> float:
    """Find where a peak is along an axis to a fraction of a pixel; beyond half the frame it is negative."""
    n, at = surface.shape[axis], int(peak[axis])
    line = np.take(surface, peak[1 - axis], axis=1 - axis)
    left, middle, right = (float(line[(at + i) % n]) for i in (-1, 0, 1))
    bend = left - 2 * middle + right
    part = 0.5 * (left - right) / bend if bend < 0 else 0.0
    return (at - n if at > n // 2 else at) + float(np.clip(part, -0.5, 0.5))


def copied(
    labels_from: Frame,
    label: int,
    labels_to: Frame,
    shift: tuple[float, float],
    frame: int,
    protect: bool = True,
    *,
    who: str = "",
) -> Edit:
    """Copy an object to another frame.

    Parameters
    ----------
    labels_from : ndarray
        Axes YX, integer: the frame with the object.
    label : int
        The object.
    labels_to : ndarray
        Axes YX, integer: the other frame.
    shift : tuple of float
        dy and dx in px that it moves by, rounded to whole pixels; see `displacement`.
    frame : int
        Number of the other frame.
    protect : bool
        True leaves other objects there their pixels, False takes them.
    who : str
        For the record; see `delete`.

    Returns
    -------
    Edit
        The object in the other frame. It keeps its number where that is free, else it gets a new one.

    Raises
    ------
    InputError
        There is no such object, it moves out of the picture, or there is no room for it.
    """
    if labels_from.shape != labels_to.shape:
        raise InputError(
            f"The frames have {labels_from.shape} and {labels_to.shape} px",
            "Frames of one movie were expected",
        )
    y0, x0, y1, x1 = object_box(labels_from, label)
    dy, dx = (int(np.floor(value + 0.5)) for value in shift)
    height, width = labels_to.shape
    box = (max(y0 + dy, 0), max(x0 + dx, 0), min(y1 + dy, height), min(x1 + dx, width))
    if box[0] >= box[2] or box[1] >= box[3]:
        raise InputError(f"Object {label} moves out of the picture", "", "Nothing was changed")
    source = (box[0] - dy, box[1] - dx, box[2] - dy, box[3] - dx)
    taken = bool((labels_to == label).any())
    mask = cut_out(labels_from, source) == label
    before, after = with_object(labels_to, mask, box, protect, None if taken else label)
    return changed("copied", frame, box, before, after, who, NO_ROOM)
