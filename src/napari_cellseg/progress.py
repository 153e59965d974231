"""Long work as a generator of events, and the one way to run it to its result."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeVar

R = TypeVar("R")


@dataclass(frozen=True)
class Event:
    """Something that happened in long work. Steps add their own kinds."""


@dataclass(frozen=True)
class Progress(Event):
    """How far the work is.

    Attributes
    ----------
    done : int
        Units of work finished.
    total : int
        Units in all; 0 when not known.
    what : str
        The unit and the work in a few words, for example ``"frames labelled"``.
    seconds_left : float or None
        Estimated time left in seconds; None while not known.
    """

    done: int
    total: int
    what: str
    seconds_left: float | None = None


@dataclass(frozen=True)
class Note(Event):
    """A sentence that the person should see, such as a fall back to a smaller batch."""

    text: str


Steps = Generator[Event, None, R]
"""Long work: yields events, returns its result; see `follow`."""

Tell = Callable[[Event], object]


class Cancelled(Exception):  # noqa: N818 - not an error: the person asked
    """Thrown into long work when the person asks it to stop.

    Work that has something worth keeping catches it at its ``yield`` and returns that; other work lets it
    pass.
    """


def follow(steps: Steps[R], tell: Tell | None = None, stop: Callable[[], bool] | None = None) -> R:
    """Run long work to its end and return its result.

    Parameters
    ----------
    steps : generator of Event
        The work.
    tell : callable, optional
        Called with every event, in order.
    stop : callable, optional
        Asked after every event; when it answers True, `Cancelled` is thrown into the work, once.

    Returns
    -------
    object
        What the work returned; after a stop, what it kept.

    Raises
    ------
    Cancelled
        The work was stopped and kept nothing.
    """
    asked = False
    try:
        event = next(steps)
        while True:
            if tell is not None:
                tell(event)
            if not asked and stop is not None and stop():
                asked = True
                event = steps.throw(Cancelled())
            else:
                event = next(steps)
    except StopIteration as end:
        result: R = end.value
        return result
    finally:
        steps.close()


class Clock:
    """Estimates the time left from the pace so far.

    Parameters
    ----------
    total : int
        Units of work in all.
    what : str
        See `Progress.what`.
    """

    def __init__(self, total: int, what: str) -> None:
        self.total, self.what = total, what
        self._start = time.perf_counter()

    def at(self, done: int) -> Progress:
        """Say how far the work is.

        Parameters
        ----------
        done : int
            Units of work finished.

        Returns
        -------
        Progress
            With the time left, linear in the pace since the clock was made.
        """
        elapsed = time.perf_counter() - self._start
        left = elapsed / done * (self.total - done) if done else None
        return Progress(done, self.total, self.what, left)


def relay(steps: Steps[R], change: Callable[[Event], Event]) -> Steps[R]:
    """Pass long work on with its events looked at or changed; a stop reaches the work.

    Parameters
    ----------
    steps : generator of Event
        The work.
    change : callable
        Called with every event; answers the event to yield in its place.

    Yields
    ------
    Event
        The changed events.

    Returns
    -------
    object
        The result of the work.
    """
    try:
        event = next(steps)
        while True:
            told = change(event)
            try:
                yield told
            except Cancelled as stop:
                event = steps.throw(stop)
            else:
                event = next(steps)
    except StopIteration as end:
        result: R = end.value
        return result
    finally:
        steps.close()


def duration(seconds: float) -> str:
    """Say a time span as people do.

    Parameters
    ----------
    seconds : float
        Time span in seconds.

    Returns
    -------
    str
        For example ``"1 min 40 s"``.
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
