"""How long a person works on each frame, and how long the rest will take."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Mapping
from dataclasses import dataclass


class Stopwatch:
    """Measures the active time on the frame in view.

    Time counts while the person is at it: from one thing that they do to the next, and for `idle_s` after the
    last. A telephone call costs a frame half a minute, not half an hour.

    Parameters
    ----------
    idle_s : float
        How long the person may look without doing anything.
    """

    def __init__(self, idle_s: float = 30.0) -> None:
        self.idle_s = idle_s
        self._at: float | None = None
        self._did = float("-inf")

    def did(self, now_s: float) -> None:
        """Hear that the person did something.

        Parameters
        ----------
        now_s : float
            A clock that never goes back.
        """
        if now_s > self._did + self.idle_s:
            self._at = now_s  # the gap before was no work
        self._did = now_s

    def lap(self, now_s: float, counts: bool = True) -> float:
        """Take the active time since the last lap.

        Parameters
        ----------
        now_s : float
            The same clock.
        counts : bool
            False where the corrected labels are not what the person works on.

        Returns
        -------
        float
            Seconds.
        """
        until = min(now_s, self._did + self.idle_s)
        spent = 0.0 if self._at is None or not counts else max(0.0, until - self._at)
        self._at = now_s
        return spent


@dataclass(frozen=True)
class Pace:
    """How fast the review goes.

    Attributes
    ----------
    median_s : float
        Median of the active time on frames that are done.
    left_s : float
        What the rest would take at this pace.
    n_timed : int
        Frames that the median is of.
    """

    median_s: float
    left_s: float
    n_timed: int


def pace(seconds: Mapping[int, float], done: Collection[int], n_frames: int) -> Pace | None:
    """Estimate how long the rest will take.

    Parameters
    ----------
    seconds : mapping of int to float
        Active time by frame.
    done : collection of int
        Frames that the person has decided about.
    n_frames : int
        How many frames there are.

    Returns
    -------
    Pace or None
        None while no frame is done: the time of one that is half done says nothing. The median, so that one
        frame on which everything was tried out does not count for all.
    """
    timed = [seconds[t] for t in done if seconds.get(t, 0.0) > 0]
    if not timed:
        return None
    median = statistics.median(timed)
    return Pace(median, median * (n_frames - len(done)), len(timed))
