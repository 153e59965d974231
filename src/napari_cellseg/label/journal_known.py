"""What is known of a journal while it is read: where its steps are, never what they hold."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any, Literal, get_args

FrameState = Literal["auto", "corrected", "accepted", "rejected"]
STATES: tuple[FrameState, ...] = get_args(FrameState)
STEP_KINDS = ("edit", "step", "proposals")


@dataclass
class Known:
    """What was read of the file so far.

    Attributes
    ----------
    end : int
        Where the last complete entry ends; a torn one beyond it is overwritten.
    lines : int
        How many entries that are.
    shape, shape_written : tuple of int or None
        Lengths of the axes of the labels, as told and as written down.
    done, undone : list of int
        Where the entries of the steps start that are in effect, and of those that can be done again.
    frames : Counter of int
        How many edits are in effect in each frame; proposals are none.
    states : dict of int to str
        How far the frames are.
    when : str
        Time of the last edit; empty when there is none.
    before : str
        Name of the longer journal of which this one is the end, see `compact`; empty when it is whole.
    """

    end: int = 0
    lines: int = 0
    shape: tuple[int, ...] | None = None
    shape_written: tuple[int, ...] | None = None
    done: list[int] = field(default_factory=list)
    undone: list[int] = field(default_factory=list)
    frames: Counter[int] = field(default_factory=Counter)
    states: dict[int, FrameState] = field(default_factory=dict)
    when: str = ""
    before: str = ""
    _frames_of: dict[int, tuple[int, ...]] = field(default_factory=dict)

    def take(self, entry: dict[str, Any], start: int) -> None:
        """Follow one entry.

        Parameters
        ----------
        entry : dict
            The entry.
        start : int
            Where it starts in the file.

        Raises
        ------
        LookupError, TypeError, ValueError
            It is none that can be followed here: something else wrote it, or entries are missing before it.
        """
        _check_common(entry)
        match entry["kind"]:
            case "journal":
                pass
            case "shape":
                shape = tuple(_count(n) for n in entry["shape"])
                self.shape = self.shape_written = shape
            case "edit" | "step" | "proposals":
                self._do(start, _frames(entry))
                self.when = entry["when"] if entry["kind"] == "edit" else self.when
                self.when = entry["edits"][0]["when"] if entry["kind"] == "step" else self.when
            case "undo":
                self._move(self.done, self.undone, -1)
            case "redo":
                self._move(self.undone, self.done, 1)
            case "state":
                if entry["state"] not in STATES:
                    raise ValueError(f"there is no state {entry['state']!r}")
                self.states[_count(entry["frame"])] = entry["state"]
            case "earlier":
                self.frames.update(_count(t) for t in entry["frames"])
                for seconds in entry["times"]:
                    datetime.fromtimestamp(_count(seconds), UTC)
                self.when = str(entry["when"])
                self.before = _name(entry["before"])
            case other:
                raise ValueError(f"there is no entry of the kind {other!r}")
        self.lines += 1

    def _do(self, start: int, frames: tuple[int, ...]) -> None:
        self.done.append(start)
        self._frames_of[start] = frames
        self.frames.update(frames)
        for gone in self.undone:
            del self._frames_of[gone]
        self.undone.clear()

    def _move(self, source: list[int], target: list[int], sign: int) -> None:
        start = source.pop()
        target.append(start)
        for t in self._frames_of[start]:
            self.frames[t] += sign
            if not self.frames[t]:
                del self.frames[t]


def _frames(entry: dict[str, Any]) -> tuple[int, ...]:
    """Name the frames that the edits of an entry correct, one for each edit."""
    match entry["kind"]:
        case "edit":
            return (_count(entry["frame"]),)
        case "step" if entry["edits"]:
            return tuple(_count(each["frame"]) for each in entry["edits"])
        case "proposals":
            return ()
    raise ValueError("a step without edits")


def _name(value: object) -> str:
    """Take the name of a file beside this one, and no way to another folder."""
    if not isinstance(value, str) or not value or value != PurePosixPath(value).name or "\\" in value:
        raise ValueError(f"{value!r} is no name of a file beside this one")
    return value


def _check_common(entry: dict[str, Any]) -> None:
    """Refuse what no entry of ours has."""
    for t in entry.get("keep", ()):
        _count(t)
    times = [each.get("when") for each in entry.get("edits", [])] if entry["kind"] == "step" else []
    for when in [*times, entry.get("when")]:
        if when:
            datetime.fromisoformat(when)


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{value!r} is no frame and no length")
    return value
