"""Objects that look wrong, and why: what a person would pick out of a frame at a glance, listed.

Each object is compared with all of its movie. A criterion has a limit and a value; a value beyond the limit
makes the object suspicious, and how far it lies beyond tells how much:

- size: ``z = (ln(area) - median) / (1.4826 MAD)``, a modified z score (Iglewicz and Hoaglin, How to Detect
  and Handle Outliers, 1993) of the logarithm, since areas are spread by factors. Small and elongated objects
  that the edge of the picture cuts are not counted;
- shape: solidity (area over that of the convex hull) or elongation (major over minor axis) as z scores, to
  the bad side only;
- a joint: it and a neighbour share much of their outlines, and together they make one object of usual size
  that is more convex than the less convex of them: one that was split. The smaller piece is listed;
- model: the mean probability over its pixels is low, so a model does not believe in the object; or where the
  object is, the model finds two or more, or finds one for it and a neighbour;
- touching: many neighbours on much of its outline;
- time, where frames follow each other: it appears for one frame only; it is one where the frames before and
  after have two; or it is one of two where both have one.

The limits were chosen on true labels with planted errors, see ``tests/label/test_suspects.py`` and the
benchmark ``queue``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_MAD = 1.4826  # of normally distributed values: standard deviation over MAD
_LEAST_SPREAD = 0.05
_MODEL, _TIME = 1.5, 2.0  # what is either so or not counts this much
_MOST = 3.0  # a single criterion counts at most this much


@dataclass(frozen=True)
class Objects:
    """What is measured of the objects of one frame; all arrays have the axes (object,).

    Attributes
    ----------
    t : int
        The frame, from 0.
    label : ndarray
        Labels, ascending.
    area_px, y_px, x_px : ndarray
        Area and centroid.
    solidity : ndarray
        Area over that of the convex hull, up to 1.
    elongation : ndarray
        Major over minor axis, from 1.
    probability : ndarray
        Mean probability of its pixels, 0 to 1; NaN where no model was asked.
    n_touching : ndarray
        Neighbours that it touches.
    contact : ndarray
        Share of its outline that touches neighbours, 0 to 1.
    at_edge : ndarray
        Whether the edge of the picture cuts it.
    joint_solidity, joint_area_px : ndarray
        Solidity and area together with the neighbour that it shares most of its outline with; NaN for none.
    joint_with : ndarray
        Label of that neighbour; 0 for none.
    lone, joined, parted : ndarray
        bool: without a partner in the frames before and after; one where both have two or more; one of two or
        more where both have one, but for the largest. All False where there is no frame before or after.
    model_joined, model_parted : ndarray
        bool: one where a model finds two or more; one of two or more where it finds one, but for the largest.
    """

    t: int
    label: IntArray
    area_px: FloatArray
    y_px: FloatArray
    x_px: FloatArray
    solidity: FloatArray
    elongation: FloatArray
    probability: FloatArray
    n_touching: IntArray
    contact: FloatArray
    at_edge: Flags
    joint_solidity: FloatArray
    joint_area_px: FloatArray
    joint_with: IntArray
    lone: Flags
    joined: Flags
    parted: Flags
    model_joined: Flags
    model_parted: Flags

    def __len__(self) -> int:
        return len(self.label)


@dataclass(frozen=True)
class Limits:
    """Where suspicion begins.

    Attributes
    ----------
    small_z, large_z : float
        Modified z scores of the logarithm of the area.
    solidity_z, elongation_z : float
        Modified z scores.
    joint_gain : float
        How much more convex two pieces are together than the less convex of them.
    probability : float
        Below it a model does not believe in an object.
    n_touching : int
        Neighbours that are too many, where they take up more than `contact` of the outline.
    contact : float
        See `n_touching`.
    """

    small_z: float = 3.0
    large_z: float = 2.0
    solidity_z: float = 3.5
    elongation_z: float = 3.5
    joint_gain: float = 0.01
    probability: float = 0.6
    n_touching: int = 6
    contact: float = 0.8


@dataclass(frozen=True)
class Usual:
    """What is usual among the objects of a movie.

    Attributes
    ----------
    log_area, solidity, elongation : tuple of float
        Median and spread of the natural logarithm of the area in px, of solidity, and of the logarithm of
        the elongation.
    in_time : bool
        Whether frames follow each other: most objects of a frame have a partner in the next one.
    """

    log_area: tuple[float, float]
    solidity: tuple[float, float]
    elongation: tuple[float, float]
    in_time: bool

    @property
    def area_px(self) -> float:
        """Area of the usual object in px."""
        return float(np.exp(self.log_area[0]))


@dataclass(frozen=True)
class Suspect:
    """An object that looks wrong.

    Attributes
    ----------
    frame, label : int
        Which object.
    reason : str
        Why, for the person.
    score : float
        How far it is beyond the limits, summed over the criteria; from 1.
    y_px, x_px : float
        Where it is.
    area_px : float
        Its area.
    """

    frame: int
    label: int
    reason: str
    score: float
    y_px: float
    x_px: float
    area_px: float


def usual(frames: Sequence[Objects], in_time: bool) -> Usual | None:
    """Learn what is usual from some frames of a movie.

    Parameters
    ----------
    frames : sequence of Objects
        Best spread evenly over the movie. Objects that the edge of the picture cuts are left out.
    in_time : bool
        Whether frames follow each other.

    Returns
    -------
    Usual or None
        None when there is no object.
    """
    whole = [~objects.at_edge if not objects.at_edge.all() else objects.at_edge for objects in frames]
    chosen = [
        np.concatenate([values[mask] for values, mask in zip(each, whole, strict=True)])
        for each in (
            [np.log(objects.area_px) for objects in frames],
            [objects.solidity for objects in frames],
            [np.log(objects.elongation) for objects in frames],
        )
        if each
    ]
    if not chosen or not len(chosen[0]):
        return None
    area, solidity, elongation = (_centre(values) for values in chosen)
    return Usual(area, solidity, elongation, in_time)


def _centre(values: FloatArray) -> tuple[float, float]:
    """Give median and spread; the spread of equal values is not nothing, or all others would be outliers."""
    median = float(np.median(values))
    return median, max(_MAD * float(np.median(np.abs(values - median))), _LEAST_SPREAD / 2)


def suspects(objects: Objects, of: Usual, limits: Limits | None = None) -> list[Suspect]:
    """List the objects of a frame that look wrong.

    Parameters
    ----------
    objects : Objects
        The frame.
    of : Usual
        What is usual in its movie.
    limits : Limits, optional
        Where suspicion begins.

    Returns
    -------
    list of Suspect
        The most suspicious first.
    """
    limits = limits or Limits()
    found = [
        _weighed(excess, text)
        for excess, text in (
            *_sizes(objects, of, limits),
            *_shapes(objects, of, limits),
            *_contacts(objects, of, limits),
            *_models(objects, limits),
            *_times(objects, of),
        )
    ]
    total = sum((excess for excess, _ in found), np.zeros(len(objects)))
    rows = []
    for i in np.flatnonzero(total > 0):
        reasons = sorted(((-excess[i], text[i]) for excess, text in found if excess[i] > 0))
        rows.append(
            Suspect(
                objects.t,
                int(objects.label[i]),
                "; ".join(text for _, text in reasons),
                round(float(total[i]), 3),
                float(objects.y_px[i]),
                float(objects.x_px[i]),
                float(objects.area_px[i]),
            )
        )
    return sorted(rows, key=lambda row: -row.score)


_Criterion = tuple[npt.NDArray[np.floating[Any]], list[str]]
"""Value over limit of each object, and what would be said of it."""


def _weighed(excess: npt.NDArray[np.floating[Any]], text: list[str]) -> _Criterion:
    """Count what is beyond the limit, from 1 to `_MOST`."""
    excess = np.nan_to_num(np.asarray(excess, np.float64), nan=0.0, posinf=_MOST)
    return np.where(excess >= 1, np.minimum(excess, _MOST), 0.0), text


def _sizes(objects: Objects, of: Usual, limits: Limits) -> list[_Criterion]:
    z = (np.log(objects.area_px) - of.log_area[0]) / of.log_area[1]
    times = objects.area_px / of.area_px
    small = np.where(objects.at_edge, 0.0, -z / limits.small_z)
    return [
        (z / limits.large_z, [f"large: {n:.1f} times the usual area" for n in times]),
        (small, [f"small: {n:.2f} of the usual area" for n in times]),
    ]


def _shapes(objects: Objects, of: Usual, limits: Limits) -> list[_Criterion]:
    dented = (of.solidity[0] - objects.solidity) / of.solidity[1]
    long = (np.log(objects.elongation) - of.elongation[0]) / of.elongation[1]
    long = np.where(objects.at_edge, 0.0, long)
    return [
        (dented / limits.solidity_z, [f"dented: fills {s:.0%} of its hull" for s in objects.solidity]),
        (long / limits.elongation_z, [f"elongated: {e:.1f} to 1" for e in objects.elongation]),
    ]


def _contacts(objects: Objects, of: Usual, limits: Limits) -> list[_Criterion]:
    least = objects.solidity.copy()
    known = objects.joint_with > 0
    partner = np.searchsorted(objects.label, objects.joint_with[known])
    least[known] = np.minimum(least[known], objects.solidity[partner])
    gain = (objects.joint_solidity - least) / limits.joint_gain
    with np.errstate(invalid="ignore"):
        joint_z = (np.log(objects.joint_area_px) - of.log_area[0]) / of.log_area[1]
        piece = 2 * objects.area_px <= objects.joint_area_px
        piece &= (joint_z < limits.large_z) & (objects.joint_solidity > of.solidity[0] - of.solidity[1])
    crowd = (objects.n_touching >= limits.n_touching) & (objects.contact > limits.contact)
    return [
        (np.where(piece, gain, 0.0), [f"a piece: fits together with {n}" for n in objects.joint_with]),
        (crowd.astype(np.float64), [f"touches {n} others" for n in objects.n_touching]),
    ]


def _models(objects: Objects, limits: Limits) -> list[_Criterion]:
    unsure = (1 - np.nan_to_num(objects.probability, nan=1.0)) / (1 - limits.probability)
    n = len(objects)
    return [
        (unsure, [f"unsure: the model gives it {p:.2f}" for p in objects.probability]),
        (_MODEL * objects.model_joined, ["one here, the model finds more"] * n),
        (_MODEL * objects.model_parted, ["in pieces here, the model finds one"] * n),
    ]


def _times(objects: Objects, of: Usual) -> list[_Criterion]:
    seen = _TIME if of.in_time else 0.0
    n = len(objects)
    return [
        (seen * (objects.lone & ~objects.at_edge), ["appears for one frame only"] * n),
        (seen * objects.joined, ["one here, two in the frames before and after"] * n),
        (seen * objects.parted, ["in pieces here, whole in the frames before and after"] * n),
    ]
