"""Which frame to correct next: the one from which a model would learn most.

For each frame up to three doubts are known:

- uncertainty: what the model's probability of an object, the mean over its pixels, lacks to 1, averaged over
  the objects of the frame (least confidence: Settles, Active Learning Literature Survey, 2009). Each object
  counts alike, whatever its size and however many there are. The mean binary entropy over the pixels that may
  be an object was tried and goes less well with the true error: most of it is the rims of small objects.
  Where no object was found, the mean entropy of the whole frame stands in;
- disagreement in time: the share of objects that appear or vanish for one frame, or are joined or parted in
  it; left out where frames do not follow each other;
- count: how far the number of objects is from the median of the two frames on either side, over the larger of
  1.4826 MAD of these differences and half the square root of the number; up to twice that is chance.

Each doubt becomes the share of frames that have less of it: ranks need no scale, and no doubt outweighs
another. Their mean is ``q``. ``v`` tells how far the frame looks from all that are corrected or stand higher
in the queue, over the distance that nine in ten pairs of frames stay below; at most 1, and 1 while there are
none (greedy k-centre: Sener and Savarese, Active Learning for Convolutional Neural Networks, a Core-Set
Approach, 2018). The next frame of the queue is the one with the largest ``score = 0.7 q + 0.3 v``; then all
``v`` are measured anew. So frames that are wrong in the same way do not follow each other.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Box = tuple[int, int, int, int]

_DOUBT = 0.7
_MAD = 1.4826
_BESIDE = 2
_VAGUE = 0.75
_JUMP = 2.0


@dataclass(frozen=True)
class FrameFacts:
    """What is known of a frame and its labels.

    Attributes
    ----------
    t : int
        The frame, from 0.
    n_objects : int
        Number of objects.
    uncertainty : float or None
        How little the model believes in the objects, 0 to 1, see the module; None without a model.
    n_unsure : int
        Objects that the model does not believe in, or hardly.
    n_lone, n_gone, n_joined, n_parted : int
        Objects that appear, and that vanish, for one frame only; that are one here and two in the frames
        before and after, and the other way round.
    n_suspects : int
        Objects that look wrong, see `napari_cellseg.label.suspects`.
    look : tuple of float
        What the frame looks like: number and size of objects, brightness, texture.
    crop : tuple of int or None
        The box y0, x0, y1, x1 in which most is in doubt; None where it is all over the frame.
    """

    t: int
    n_objects: int
    uncertainty: float | None = None
    n_unsure: int = 0
    n_lone: int = 0
    n_gone: int = 0
    n_joined: int = 0
    n_parted: int = 0
    n_suspects: int = 0
    look: tuple[float, ...] = ()
    crop: Box | None = None

    @property
    def disagreement(self) -> float:
        """Share of objects that the frames before and after do not have."""
        return (self.n_lone + self.n_gone + self.n_joined + self.n_parted) / max(1, self.n_objects)


@dataclass(frozen=True)
class Proposal:
    """A frame to correct.

    Attributes
    ----------
    frame : int
        The frame, from 0.
    score : float
        0 to 1; see the module.
    reason : str
        Why, for the person.
    crop : tuple of int or None
        See `FrameFacts.crop`.
    """

    frame: int
    score: float
    reason: str
    crop: Box | None = None


def rank(
    facts: Sequence[FrameFacts], done: Collection[int], in_time: bool = True, at_most: int = 100
) -> tuple[Proposal, ...]:
    """Put frames into the order in which they should be corrected.

    Parameters
    ----------
    facts : sequence of FrameFacts
        Frames of one movie, ascending; those that are done among them.
    done : collection of int
        Frames that were corrected already.
    in_time : bool
        Whether frames follow each other; else time and counts tell nothing.
    at_most : int
        How many to propose.

    Returns
    -------
    tuple of Proposal
        The best first; none of those that are done.
    """
    open_ = np.array([one.t not in done for one in facts], bool)
    if not open_.any():
        return ()
    jumps = count_jumps(facts)
    doubts = doubt_of(facts, jumps, in_time)
    looks = _standard(np.array([one.look for one in facts], np.float64))
    away = np.full(len(facts), np.inf)
    for i in np.flatnonzero(~open_):
        away = np.minimum(away, _distance(looks, int(i)))
    usual = _usual_distance(looks)
    new = (away >= usual) & np.isfinite(away)
    vague = _vague(facts)
    chosen: list[Proposal] = []
    for _ in range(min(at_most, int(open_.sum()))):
        far = np.minimum(away / usual, 1.0)
        scores = np.where(open_, _DOUBT * doubts + (1 - _DOUBT) * far, -1.0)
        best = int(scores.argmax())
        said = _doubts_said(facts[best], jumps[best], in_time)
        if vague[best] and not said:
            said.append("the model is unsure of outlines")
        if new[best]:
            said.append("it looks unlike the frames corrected so far")
        told = "; ".join(said) or _odd_said(facts[best])
        chosen.append(Proposal(facts[best].t, round(float(scores[best]), 4), told, facts[best].crop))
        open_[best] = False
        away = np.minimum(away, _distance(looks, best))
    return tuple(chosen)


def doubt_of(facts: Sequence[FrameFacts], jumps: Sequence[tuple[float, float]], in_time: bool) -> FloatArray:
    """Sum the doubts about each frame up.

    Parameters
    ----------
    facts : sequence of FrameFacts
        The frames.
    jumps : sequence of (float, float)
        See `count_jumps`.
    in_time : bool
        Whether frames follow each other.

    Returns
    -------
    ndarray
        Axes (frame,), 0 to 1: ``q`` of the module. 0 where nothing is known.
    """
    known = []
    if all(one.uncertainty is not None for one in facts):
        known.append(_lower(np.array([one.uncertainty for one in facts], np.float64)))
    if in_time:
        known.append(_lower(np.array([one.disagreement for one in facts])))
        known.append(_lower(np.array([abs(z) if abs(z) > _JUMP else 0.0 for z, _ in jumps])))
    if not known:
        known.append(_lower(np.array([one.n_suspects / max(1, one.n_objects) for one in facts])))
    mean: FloatArray = np.mean(known, axis=0)
    return mean


def count_jumps(facts: Sequence[FrameFacts]) -> list[tuple[float, float]]:
    """Compare the number of objects with that of the frames around.

    Parameters
    ----------
    facts : sequence of FrameFacts
        Frames of one movie, ascending.

    Returns
    -------
    list of (float, float)
        Robust z score, and the number that was expected.
    """
    counts = np.array([one.n_objects for one in facts], np.float64)
    expected = counts.copy()
    for i in range(len(counts)):
        beside = np.r_[counts[max(0, i - _BESIDE) : i], counts[i + 1 : i + 1 + _BESIDE]]
        expected[i] = np.median(beside) if len(beside) else counts[i]
    off = counts - expected
    scale = np.maximum(_MAD * np.median(np.abs(off)), np.sqrt(np.maximum(expected, 1)) / 2)
    return [(float(z), float(n)) for z, n in zip(off / scale, expected, strict=True)]


def _lower(values: FloatArray) -> FloatArray:
    """Give the share of the other values that are lower."""
    ordered = np.sort(values)
    return np.asarray(np.searchsorted(ordered, values, side="left") / max(1, len(values) - 1))


def _standard(looks: FloatArray) -> FloatArray:
    """Bring each feature to median 0 and spread 1; one that is the same in all frames tells nothing."""
    if looks.size == 0:
        return np.zeros((len(looks), 1))
    off = looks - np.median(looks, axis=0)
    spread = np.maximum(_MAD * np.median(np.abs(off), axis=0), looks.std(axis=0) / 4)
    return np.asarray(np.divide(off, spread, out=np.zeros_like(off), where=spread > 0))


def _distance(looks: FloatArray, i: int) -> FloatArray:
    return np.asarray(np.sqrt(((looks - looks[i]) ** 2).sum(axis=1)))


def _usual_distance(looks: FloatArray) -> float:
    """Give the distance that nine in ten pairs of frames stay below."""
    pairs = np.concatenate([_distance(looks, i)[i + 1 :] for i in range(len(looks))])
    usual = float(np.percentile(pairs, 90)) if len(pairs) else 0.0
    return max(usual, 1e-9)


def _vague(facts: Sequence[FrameFacts]) -> npt.NDArray[np.bool_]:
    """Tell which frames are among the quarter of which a model is least sure."""
    if any(one.uncertainty is None for one in facts):
        return np.zeros(len(facts), bool)
    return np.asarray(_lower(np.array([one.uncertainty for one in facts], np.float64)) >= _VAGUE)


def _doubts_said(facts: FrameFacts, jump: tuple[float, float], in_time: bool) -> list[str]:
    """Put into words what is wrong with a frame."""
    parts, counted = [], []
    if facts.n_unsure:
        parts.append(
            f"the model is unsure of {facts.n_unsure} {'nucleus' if facts.n_unsure == 1 else 'nuclei'}"
        )
    if in_time:
        counted = [
            (facts.n_lone, "appears for one frame only", "appear for one frame only"),
            (facts.n_gone, "is missing in this frame only", "are missing in this frame only"),
            (facts.n_joined, "is two in the frames around", "are two in the frames around"),
            (facts.n_parted, "is a piece of another", "are pieces of others in the frames around"),
        ]
    for n, one, many in counted:
        noun = "" if parts else " nucleus" if n == 1 else " nuclei"
        parts += [f"{n}{noun} {one if n == 1 else many}"] if n else []
    z, expected = jump
    if in_time and abs(z) > _JUMP:
        parts.append(f"{facts.n_objects} nuclei where the frames around have about {expected:.0f}")
    return parts


def _odd_said(facts: FrameFacts) -> str:
    n = facts.n_suspects
    odd = f"{n} {'nucleus looks' if n == 1 else 'nuclei look'} odd"
    return odd if n else "nothing stands out, but no other frame teaches more"
