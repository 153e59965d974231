"""How far each frame is, which one to look at next, and which ones training may learn from.

A frame is in one of six states. Three come from the program, and nobody has looked yet:

- ``auto``: labelled from the stain, or by whoever made the labels;
- ``predicted``: labelled by a model; training never learns from it, since a model that learns its own answers
  only becomes surer of its mistakes;
- ``doubtful``: triage found a reason not to trust it.

Three come from the person:

- ``in work``: changed, but not yet said to be right. It is apart from ``accepted`` because it is the one
  state that means "begun here, finish it"; training does learn from it;
- ``accepted``: said to be right. It is not called "corrected": a frame in which nothing had to be changed is
  as good as one in which much was;
- ``rejected``: never to be learned from or counted as truth, whatever its labels are.

The journal keeps ``accepted``, ``rejected``, ``corrected`` (an accepted frame was changed again: in work) and
``auto`` (a rejection was taken back); the other states follow from the edits, the labels' origin and triage.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Literal

ReviewState = Literal["auto", "predicted", "doubtful", "in work", "accepted", "rejected"]

URGENCY: tuple[ReviewState, ...] = ("in work", "doubtful", "predicted", "auto", "rejected", "accepted")
"""The states, the one that asks most for the person first."""

DONE: tuple[ReviewState, ...] = ("accepted", "rejected")
"""States of frames that the person has decided about."""


@dataclass(frozen=True)
class Review:
    """What a person said about the frames of a movie.

    Attributes
    ----------
    accepted : frozenset of int
        Frames whose labels were found right; the journal keeps them.
    skipped : frozenset of int
        Frames left for later; they are proposed last.
    rejected : frozenset of int
        Frames that training must never use; the journal keeps them. None of them is accepted.
    """

    accepted: frozenset[int] = field(default_factory=frozenset)
    skipped: frozenset[int] = field(default_factory=frozenset)
    rejected: frozenset[int] = field(default_factory=frozenset)

    def accept(self, frame: int) -> Review:
        """Say that the labels of a frame are right.

        Parameters
        ----------
        frame : int
            The frame.

        Returns
        -------
        Review
            With the frame accepted, and neither rejected nor left for later any more.
        """
        return Review(self.accepted | {frame}, self.skipped - {frame}, self.rejected - {frame})

    def skip(self, frame: int) -> Review:
        """Leave a frame for later.

        Parameters
        ----------
        frame : int
            The frame.

        Returns
        -------
        Review
            With the frame skipped.
        """
        return replace(self, skipped=self.skipped | {frame})

    def reject(self, frame: int) -> Review:
        """Say that a frame is of no use.

        Parameters
        ----------
        frame : int
            The frame.

        Returns
        -------
        Review
            With the frame rejected, and neither accepted nor left for later any more.
        """
        return Review(self.accepted - {frame}, self.skipped - {frame}, self.rejected | {frame})

    def reopen(self, frame: int) -> Review:
        """Take an acceptance or a rejection back, as a new change to an accepted frame does.

        Parameters
        ----------
        frame : int
            The frame.

        Returns
        -------
        Review
            With the frame neither accepted nor rejected.
        """
        return replace(self, accepted=self.accepted - {frame}, rejected=self.rejected - {frame})


def states(
    review: Review,
    corrected: Collection[int],
    doubts: Mapping[int, str],
    n_frames: int,
    predicted: Collection[int] = (),
) -> dict[int, ReviewState]:
    """Say how far each frame is.

    Parameters
    ----------
    review : Review
        What the person said.
    corrected : collection of int
        Frames that the person changed.
    doubts : mapping of int to str
        Why triage did not trust frames, by frame.
    n_frames : int
        How many frames there are.
    predicted : collection of int
        Frames whose labels a model made.

    Returns
    -------
    dict of int to str
        By frame: what the person decided, else that it was changed, else what is known of its labels.
    """
    found: dict[int, ReviewState] = dict.fromkeys(range(n_frames), "auto")
    layers: tuple[tuple[Iterable[int], ReviewState], ...] = (
        (predicted, "predicted"),
        (doubts, "doubtful"),
        (corrected, "in work"),
        (review.accepted, "accepted"),
        (review.rejected, "rejected"),
    )
    for frames, state in layers:
        found.update((t, state) for t in frames if t < n_frames)
    return found


def propose(
    current: int,
    states_now: Mapping[int, ReviewState],
    skipped: Collection[int],
    queue: Sequence[int] = (),
) -> int | None:
    """Choose the frame to look at next.

    First what the queue names, in its order. Then frames that were begun or doubted, before those that nobody
    has a doubt of; among equals the next one after the current frame, then from the start again. Skipped ones
    come last.

    Parameters
    ----------
    current : int
        The frame that is shown.
    states_now : mapping of int to str
        See `states`.
    skipped : collection of int
        Frames left for later.
    queue : sequence of int
        Frames whose correction would teach most, the best first; see `napari_cellseg.label.queue`.

    Returns
    -------
    int or None
        The frame; None when all others are accepted or rejected.
    """
    open_frames = [t for t, state in states_now.items() if state not in DONE and t != current]
    if not open_frames:
        return None
    n_frames = max(states_now) + 1
    place = {t: i for i, t in enumerate(queue)}

    def rank(t: int) -> tuple[bool, int, bool, int]:
        calm = states_now[t] in ("auto", "predicted")
        return t in skipped, place.get(t, len(place)), calm, (t - current) % n_frames

    return min(open_frames, key=rank)


def cells(states_now: Mapping[int, ReviewState], n_cells: int) -> list[tuple[int, ReviewState]]:
    """Sum frames up for a strip that has room for fewer cells than there are frames.

    Parameters
    ----------
    states_now : mapping of int to str
        See `states`: every frame from 0.
    n_cells : int
        How many cells there may be, at least 1.

    Returns
    -------
    list of (int, str)
        First frame and state of each cell, ascending. A cell shows the most urgent state of its frames, see
        `URGENCY`, so that no frame that waits is hidden by others that are done.
    """
    n_frames = len(states_now)
    rank = {state: i for i, state in enumerate(URGENCY)}
    if n_frames <= n_cells:
        return [(t, states_now[t]) for t in range(n_frames)]
    parts = groupby(range(n_frames), lambda t: t * n_cells // n_frames)
    summed = []
    for _cell, members in parts:
        frames = list(members)
        summed.append((frames[0], URGENCY[min(rank[states_now[t]] for t in frames)]))
    return summed


def n_done(states_now: Mapping[int, ReviewState]) -> int:
    """Count the frames that the person has decided about.

    Parameters
    ----------
    states_now : mapping of int to str
        See `states`.

    Returns
    -------
    int
        Accepted and rejected ones.
    """
    return sum(state in DONE for state in states_now.values())


def frames_to_learn(
    states_now: Mapping[int, ReviewState], kept: Iterable[int] | None
) -> tuple[list[int], dict[str, int]]:
    """Choose the frames to train on.

    Parameters
    ----------
    states_now : mapping of int to str
        See `states`.
    kept : iterable of int or None
        Frames whose automatic labels are trusted; None when nobody judged them: all are.

    Returns
    -------
    frames : list of int
        Accepted frames, those in work, and trusted ones, ascending; never one that is rejected, or that a
        model labelled and nobody touched.
    kinds : dict of str to int
        How many are ``"accepted"``, ``"in work"`` and ``"auto"``.
    """
    trusted = set(states_now) if kept is None else set(kept)
    frames, kinds = [], {"accepted": 0, "in work": 0, "auto": 0}
    for t, state in sorted(states_now.items()):
        by_person = state in ("accepted", "in work")
        if by_person or (t in trusted and state not in ("rejected", "predicted")):
            frames.append(t)
            kinds[state if by_person else "auto"] += 1
    return frames, kinds
