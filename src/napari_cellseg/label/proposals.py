"""What a model proposes for frames that nobody corrected, and how it comes into the corrected labels.

To journal 20,000 frames one by one would swell the journal, which is read whole whenever a study is opened.
To write each frame down when it is first visited would leave the file of labels, from which others count and
train, half old and half new for weeks. So proposals that are taken are one entry of the journal; it names the
frames, and a file of its own in the study (`EditFile`) with its SHA-256. That file holds an ordinary,
reversible `Edit` for each frame, made from the labels as they were when the proposals were taken: replay,
undo and redo are those of any other step.

The entry is written before the first frame is changed. `Settling` then changes frame after frame, those first
that somebody looks at; what a crash interrupts, replaying the journal finishes.
"""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_cellseg.data.storage import atomic_file
from napari_cellseg.errors import InputError
from napari_cellseg.label.change import Edit, box_of, cut_out
from napari_cellseg.label.journal_lines import entry_of, line_of, packed, unpacked
from napari_cellseg.progress import Clock, Steps

TOOL = "proposal"
"""What the record calls a change that a model proposed."""

_TAIL_BYTES = 1 << 16


class EditWriter:
    """Writes a file of edits, see `written`.

    Parameters
    ----------
    path : Path
        The file, still incomplete.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._starts: dict[int, int] = {}

    @property
    def frames(self) -> tuple[int, ...]:
        """The frames written so far, in their order."""
        return tuple(self._starts)

    def add(self, edit: Edit) -> None:
        """Write an edit.

        Parameters
        ----------
        edit : Edit
            Of a frame that has none yet.
        """
        self._starts[int(edit.frame)] = self._file.tell()
        self._file.write(line_of(packed(edit)))

    def close(self, whole: bool = True) -> None:
        """Finish the file.

        Parameters
        ----------
        whole : bool
            True writes the last line, which tells where each edit starts.
        """
        if whole:
            self._file.write(line_of({"frames": list(self._starts), "starts": list(self._starts.values())}))
        self._file.close()


@contextmanager
def written(path: Path) -> Iterator[EditWriter]:
    """Write a file of edits, as a whole or not at all.

    Parameters
    ----------
    path : Path
        The file: a line for each edit, as in a journal, and one that tells where they start.

    Yields
    ------
    EditWriter
        Takes the edits.

    Raises
    ------
    StorageError
        The disk is full, or the place cannot be written.
    """
    with atomic_file(path) as partial:
        writer = EditWriter(partial)
        whole = False
        try:
            yield writer
            whole = True
        finally:
            writer.close(whole)


class EditFile:
    """Edits of many frames in a file of their own, at most one a frame, each read when it is asked for.

    Parameters
    ----------
    path : Path
        A file made with `written`.

    Raises
    ------
    InputError
        It is missing or damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._starts = dict(self._index())

    @property
    def frames(self) -> tuple[int, ...]:
        """The frames that have an edit, in the order of the file."""
        return tuple(self._starts)

    def edit(self, frame: int) -> Edit:
        """Read the edit of a frame.

        Parameters
        ----------
        frame : int
            One of `frames`.

        Returns
        -------
        Edit
            The edit.

        Raises
        ------
        InputError
            The file was changed by something else.
        """
        try:
            with self.path.open("rb") as file:
                file.seek(self._starts[frame])
                entry = entry_of(file.readline())
        except OSError as error:
            raise _unusable(self.path, str(error)) from error
        if entry is None:
            raise _unusable(self.path, f"the entry of frame {frame} is damaged")
        return unpacked(entry)

    def sha256(self) -> str:
        """Compute the checksum of the file.

        Returns
        -------
        str
            SHA-256, 64 hexadecimal digits.
        """
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def _index(self) -> Iterable[tuple[int, int]]:
        try:
            with self.path.open("rb") as file:
                size, tail = file.seek(0, 2), _TAIL_BYTES
                while True:
                    file.seek(max(0, size - tail))
                    lines = file.read().splitlines(keepends=True)
                    if len(lines) > 1 or tail >= size:
                        break
                    tail *= 2
        except OSError as error:
            raise _unusable(self.path, str(error)) from error
        entry = entry_of(lines[-1]) if lines else None
        if entry is None or "starts" not in entry:
            raise _unusable(self.path, "its last line is missing")
        return zip(entry["frames"], entry["starts"], strict=True)


def _unusable(path: Path, why: str) -> InputError:
    return InputError(
        f"The proposals in {path} cannot be used: {why}",
        "The journal of corrections refers to this file",
        "Put back a copy of it, or put the journal aside",
    )


@dataclass(frozen=True)
class Taken:
    """Proposals that were taken into the labels, in one step.

    Attributes
    ----------
    path : Path
        The file of edits.
    sha256 : str
        Its checksum.
    frames : frozenset of int
        Which of its frames were taken.
    who : str
        Name of the model.
    when : str
        Date and time (UTC, ISO 8601).
    """

    path: Path
    sha256: str
    frames: frozenset[int]
    who: str = ""
    when: str = ""

    @cached_property
    def file(self) -> EditFile:
        """The edits, once they were found to be those that the record means."""
        file = EditFile(self.path)
        if file.sha256() != self.sha256:
            raise _unusable(self.path, "it was changed since")
        return file

    def only(self, frames: Collection[int]) -> Taken:
        """Take fewer frames; the file is not checked again.

        Parameters
        ----------
        frames : collection of int
            Frames that may be taken.

        Returns
        -------
        Taken
            The same proposals, of these frames.
        """
        fewer = replace(self, frames=self.frames.intersection(frames))
        vars(fewer)["file"] = self.file
        return fewer

    def put(
        self, labels: npt.NDArray[Any], *, back: bool = False, keep: Collection[int] = frozenset()
    ) -> None:
        """Write the proposals into labels, or take them back, in place.

        Parameters
        ----------
        labels : ndarray
            Axes TYX or, of a single frame, YX; integer.
        back : bool
            True takes them back.
        keep : collection of int
            Frames that are left alone.
        """
        for frame in sorted(self.frames.difference(keep)):
            self.put_frame(labels, frame, back=back)

    def put_frame(self, labels: npt.NDArray[Any], frame: int, *, back: bool = False) -> None:
        """Write the proposal of one frame into labels, or take it back, in place.

        Parameters
        ----------
        labels : ndarray
            Axes TYX or, of a single frame, YX; integer.
        frame : int
            The frame.
        back : bool
            True takes it back.
        """
        edit = self.file.edit(frame)
        (edit.inverse() if back else edit).apply(labels)


def proposal(frame: int, labels: npt.NDArray[np.int32], who: str = "") -> Edit:
    """Keep what a model found in a frame as an edit of an empty one.

    Parameters
    ----------
    frame : int
        The frame.
    labels : ndarray
        Axes YX, int32.
    who : str
        Name of the model.

    Returns
    -------
    Edit
        Its box is the whole frame.
    """
    box = (0, 0, *labels.shape)
    return Edit(TOOL, frame, box, np.zeros(labels.shape, np.int32), labels, who)


def prepare(
    proposals: Path,
    labels: Callable[[int], npt.NDArray[np.int32]],
    wanted: Collection[int],
    out: Path,
    who: str = "",
) -> Steps[Taken]:
    """Make edits of proposals, from the labels as they are now; nothing is changed by it.

    Parameters
    ----------
    proposals : Path
        A file of what `proposal` made.
    labels : callable
        Answers the labels of a frame, axes YX, int32.
    wanted : collection of int
        Frames that may be changed.
    out : Path
        The file of edits to be made.
    who : str
        Name of the model.

    Yields
    ------
    Progress
        After every frame.

    Returns
    -------
    Taken
        Of the frames that would change; there may be none.
    """
    found = EditFile(proposals)
    frames = [frame for frame in found.frames if frame in wanted]
    clock = Clock(len(frames), "frames prepared")
    with written(out) as writer:
        for done, frame in enumerate(frames, start=1):
            before, after = np.array(labels(frame), np.int32), found.edit(frame).after
            box = box_of(before != after)
            if box is not None:
                writer.add(Edit(TOOL, frame, box, cut_out(before, box), cut_out(after, box), who))
            yield clock.at(done)
    made = EditFile(out)
    taken = Taken(out, made.sha256(), frozenset(made.frames), who)
    vars(taken)["file"] = made  # it need not be checked for what was just written: the window would wait
    return taken


class Settling:
    """Puts taken proposals into labels frame by frame, in a thread, while somebody works on the labels.

    Whoever is about to look at a frame, or to change it, asks for it with `now`: it is then as the journal
    says. All methods may be called from any thread; none waits longer than it takes to change a frame.

    Parameters
    ----------
    labels : ndarray
        Axes TYX, int32; a memory map.
    """

    def __init__(self, labels: npt.NDArray[Any]) -> None:
        self._labels = labels
        self._lock = threading.Lock()
        self._waiting: dict[int, deque[tuple[Taken, bool]]] = {}

    def ask(self, taken: Taken, *, back: bool = False, keep: Collection[int] = frozenset()) -> None:
        """Have proposals put into the labels, or taken back, later.

        Parameters
        ----------
        taken : Taken
            The proposals.
        back : bool
            True takes them back.
        keep : collection of int
            Frames that are left alone.
        """
        with self._lock:
            for frame in sorted(taken.frames.difference(keep)):
                self._waiting.setdefault(frame, deque()).append((taken, back))

    def now(self, frames: Iterable[int]) -> bool:
        """Bring frames to where they belong, before anybody looks at them.

        Parameters
        ----------
        frames : iterable of int
            The frames.

        Returns
        -------
        bool
            Whether one of them changed.
        """
        changed = False
        for frame in frames:
            with self._lock:
                changed |= self._settle(frame)
        return changed

    def waits(self, frame: int) -> bool:
        """Say whether a frame waits to be changed.

        Parameters
        ----------
        frame : int
            The frame.

        Returns
        -------
        bool
            Whether it does.
        """
        return frame in self._waiting

    @property
    def n_waiting(self) -> int:
        """How many frames still wait."""
        return len(self._waiting)

    def rest(self) -> Steps[int]:
        """Bring all frames that wait to where they belong.

        Yields
        ------
        Progress
            After every frame.

        Returns
        -------
        int
            How many frames that were.
        """
        clock, done = Clock(self.n_waiting, "frames written"), 0
        while True:
            with self._lock:
                frame = next(iter(self._waiting), None)
                if frame is None:
                    return done
                self._settle(frame)
            done += 1
            clock.total = max(clock.total, done)
            yield clock.at(done)

    def _settle(self, frame: int) -> bool:
        todo = self._waiting.get(frame)
        if todo is None:
            return False
        while todo:  # one that fails stays, so that the frame is not taken for settled
            taken, back = todo[0]
            taken.put_frame(self._labels, frame, back=back)
            todo.popleft()
        del self._waiting[frame]
        return True
