"""Which frames a person has looked at, and which one to look at next."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

ReviewState = Literal["auto", "doubtful", "corrected", "accepted"]


@dataclass(frozen=True)
class Review:
    """What a person said about the frames of a movie.

    Attributes
    ----------
    accepted : frozenset of int
        Frames whose labels were found right; the journal keeps them.
    skipped : frozenset of int
        Frames left for later; they are proposed last.
    """

    accepted: frozenset[int] = field(default_factory=frozenset)
    skipped: frozenset[int] = field(default_factory=frozenset)

    def accept(self, frame: int) -> Review:
        """Say that the labels of a frame are right.

        Parameters
        ----------
        frame : int
            The frame.

        Returns
        -------
        Review
            With the frame accepted, and no longer left for later.
        """
        return replace(self, accepted=self.accepted | {frame}, skipped=self.skipped - {frame})

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

    def reopen(self, frame: int) -> Review:
        """Take an acceptance back, as a new change to the frame does.

        Parameters
        ----------
        frame : int
            The frame.

        Returns
        -------
        Review
            With the frame no longer accepted.
        """
        return replace(self, accepted=self.accepted - {frame})


def states(
    review: Review, corrected: Collection[int], doubts: Mapping[int, str], n_frames: int
) -> dict[int, ReviewState]:
    """Say how far each frame is.

    Parameters
    ----------
    review : Review
        What the person said.
    corrected : collection of int
        Frames that the person changed.
    doubts : mapping of int to str
        Why frames were rejected, by frame.
    n_frames : int
        How many frames there are.

    Returns
    -------
    dict of int to str
        ``"accepted"`` before ``"corrected"`` before ``"doubtful"`` before ``"auto"``.
    """

    def state(t: int) -> ReviewState:
        if t in review.accepted:
            return "accepted"
        if t in corrected:
            return "corrected"
        return "doubtful" if t in doubts else "auto"

    return {t: state(t) for t in range(n_frames)}


def propose(current: int, states_now: Mapping[int, ReviewState], skipped: Collection[int]) -> int | None:
    """Choose the frame to look at next.

    Frames that were begun or doubted come before those that automatic labelling was sure of, and skipped ones
    last; among equals the next one after the current frame, then from the start again.

    Parameters
    ----------
    current : int
        The frame that is shown.
    states_now : mapping of int to str
        See `states`.
    skipped : collection of int
        Frames left for later.

    Returns
    -------
    int or None
        The frame; None when all others are accepted.
    """
    open_frames = [t for t, state in states_now.items() if state != "accepted" and t != current]
    if not open_frames:
        return None
    n_frames = max(states_now) + 1

    def rank(t: int) -> tuple[bool, bool, int]:
        return t in skipped, states_now[t] == "auto", (t - current) % n_frames

    return min(open_frames, key=rank)


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
        Accepted and corrected frames, and trusted ones, ascending.
    kinds : dict of str to int
        How many of each state.
    """
    trusted = set(states_now) if kept is None else set(kept)
    frames = [t for t, state in states_now.items() if state in ("accepted", "corrected") or t in trusted]
    kinds = {"accepted": 0, "corrected": 0, "auto": 0}
    for t in frames:
        kinds[states_now[t] if states_now[t] in kinds else "auto"] += 1
    return sorted(frames), kinds
