"""Labels on the disk and the journal of what is done to them, changed together; the window's, but without Qt.

The labels are a memory map: a change is in the file's pages at once, and the operating system writes these to
the disk when it likes, in any order. The journal is written by a thread, since a slow disk must not stop the
brush, and after the labels, since napari's brush paints before it tells. What a crash leaves is put right in
three steps when the labels are opened again (`live.correcting.open_corrections`):

1. Every frame that the session changed is in the `Guard`, as it was before its first change, and on the disk
   before that change. These frames are put back. So nothing survives that the journal does not know: no half
   stroke, no edit whose line was not finished, no page that went to the disk alone when the power failed.
2. The journal is replayed. A line that is torn fails its checksum, and was never told to be saved. Each line
   holds the labels before and after: a pixel that was ever touched ends as the last line that touches it
   says, whether or not earlier ones had reached it; all other pixels stay. So it does not matter where
   replaying begins: at the labels of the start, at those of the session, or half way through a replay.
3. The labels are written to the disk (msync), and only then the guard is removed. Killed before, all is done
   again; killed after, there is nothing to be done.

Proposals of a model are written down before the first frame is changed, and `Settling` changes the frames:
replaying finishes what was interrupted. A full disk cannot end a write into the map, as the labels' room is
taken when they are made. It can end a write of the journal: the entries then wait, in their order, and are
tried again with the next one, so that the history never has a hole; the person is told. It can end a write of
the guard: then the labels are not changed at all. The same holds for a study that became read-only.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_cellseg.errors import CellSegError, StorageError
from napari_cellseg.label.change import Edit
from napari_cellseg.label.guard import Guard
from napari_cellseg.label.journal import Journal
from napari_cellseg.label.journal_steps import EditStep, Step
from napari_cellseg.label.proposals import Settling, Taken

_IN_MEMORY = 50


def _ignore(_error: BaseException) -> None:
    return


class History:
    """What is done to labels, as steps that can be undone; everything is written down as it happens.

    All methods are called from one thread.

    Parameters
    ----------
    movie : ndarray
        Axes TYX, int32, writable; a memory map, or an array in memory, which needs no guard.
    journal : Journal
        Of these labels, and replayed on them; earlier steps can be undone too.
    failed : callable, optional
        Told what could not be written, from the writing thread.
    put : callable, optional
        How an edit is written into the labels; by default `Edit.apply`. A layer may do it, to draw no more
        than what changes.
    allowed : callable, optional
        Called in the writing thread before something is written; raises when somebody else has the study.
    """

    def __init__(
        self,
        movie: npt.NDArray[np.int32],
        journal: Journal,
        failed: Callable[[BaseException], object] = _ignore,
        allowed: Callable[[], object] | None = None,
        put: Callable[[Edit], object] | None = None,
    ) -> None:
        self.movie, self.journal, self.settling = movie, journal, Settling(movie)
        self._failed, self._allowed = failed, allowed
        self._put_edit = put or (lambda edit: edit.apply(movie))
        file = getattr(movie, "filename", None)
        self._guard = None if file is None else Guard(Path(file))
        self._done: deque[Step] = deque(maxlen=_IN_MEMORY)  # the latest; older ones are read when needed
        self._undone: deque[Step] = deque(maxlen=_IN_MEMORY)
        self.n_done, self.n_undone = journal.n_done, journal.n_undone
        self._counts = Counter(journal.frames())
        self._frames: frozenset[int] | None = None
        self._waiting: deque[tuple[Callable[[], object], bool]] = deque()
        self._writer = ThreadPoolExecutor(1, "napari-cellseg journal")

    def frames(self) -> frozenset[int]:
        """Say which frames are corrected.

        Returns
        -------
        frozenset of int
            Frames with at least one edit that is not undone; proposals are none.
        """
        if self._frames is None:
            self._frames = frozenset(self._counts)
        return self._frames

    def guard(self, frames: Iterable[int]) -> None:
        """Keep frames as they are, before they are changed.

        Parameters
        ----------
        frames : iterable of int
            The frames; those kept already cost nothing.

        Raises
        ------
        StorageError
            They could not be kept, and must not be changed.
        """
        if self._allowed is not None:
            self._allowed()
        if self._guard is None:
            return
        missing = self._guard.missing(t for t in frames if 0 <= t < len(self.movie))
        if missing and self._guard.is_full:
            self._all_on_disk()
        for t in missing:
            self._guard.keep(t, self.movie[t])

    def settle(self, frames: Iterable[int]) -> bool:
        """Bring frames to where the journal says, before they are looked at or changed.

        Parameters
        ----------
        frames : iterable of int
            The frames.

        Returns
        -------
        bool
            Whether one of them changed.
        """
        waiting = [t for t in frames if self.settling.waits(t)]
        self.guard(waiting)
        return self.settling.now(waiting)

    def do(self, *edits: Edit) -> EditStep:
        """Apply edits, and remember them as one step.

        Parameters
        ----------
        *edits : Edit
            At least one, made from the labels as they are.

        Returns
        -------
        EditStep
            The step.

        Raises
        ------
        StorageError
            Nothing was changed, since the disk is full or cannot be written.
        InputError
            Nothing was changed, since an edit does not fit the labels.
        """
        step = EditStep(edits).by(self.journal.who)
        self.settle(step.frames)
        self.guard(step.frames)
        self._put(step)
        return self.remember(step)

    def remember(self, step: EditStep) -> EditStep:
        """Remember a step that is in the labels already, as a stroke of the brush is.

        Parameters
        ----------
        step : EditStep
            The step; its frames were guarded before.

        Returns
        -------
        EditStep
            The step, with who did it.
        """
        step = step.by(self.journal.who)
        self._push(step)
        self._count(step, 1)
        self.write_down(self.journal.append, *step.edits)
        return step

    def take(self, taken: Taken, then: Callable[[], object]) -> None:
        """Take proposals into the labels, as one step.

        Parameters
        ----------
        taken : Taken
            Made from the labels as they are, of frames that nobody corrected or accepted.
        then : callable
            Called in the writing thread once that is on the disk: `settling` may then change the frames.
        """
        self._push(taken)
        self.write_down(self.journal.take, taken)
        if self.settling.n_waiting:  # frames change at this moment: none may before that is written down
            self.flush()
        self.settling.ask(taken)
        self.write_down(then)

    def undo(self, keep: frozenset[int], then: Callable[[], object]) -> Step | None:
        """Take the last step back.

        Parameters
        ----------
        keep : frozenset of int
            Of proposals: frames that stay as they are, because they were accepted since.
        then : callable
            Of proposals: see `take`.

        Returns
        -------
        EditStep, Taken or None
            What was undone; None when there is nothing left to undo.

        Raises
        ------
        StorageError
            Nothing was changed, since the disk is full or cannot be written.
        """
        step = self._top(self._done, self.n_done, self.journal.last_done)
        if step is not None:
            self._move(step, True, keep, then)
            self._undone.append(step)
            self.n_done, self.n_undone = self.n_done - 1, self.n_undone + 1
            if self._done:
                self._done.pop()
        return step

    def redo(self, keep: frozenset[int], then: Callable[[], object]) -> Step | None:
        """Do the step again that was undone last.

        Parameters
        ----------
        keep, then : frozenset of int, callable
            See `undo`.

        Returns
        -------
        EditStep, Taken or None
            What was done again; None when nothing was undone.

        Raises
        ------
        StorageError
            Nothing was changed, since the disk is full or cannot be written.
        """
        step = self._top(self._undone, self.n_undone, self.journal.last_undone)
        if step is not None:
            self._move(step, False, keep, then)
            self._done.append(step)
            self.n_done, self.n_undone = self.n_done + 1, self.n_undone - 1
            if self._undone:
                self._undone.pop()
        return step

    def write_down(self, write: Callable[..., object], *args: object) -> Future[None]:
        """Write something to disk, after what was written before.

        Parameters
        ----------
        write : callable
            Called in the writing thread. When a method of the journal fails, it is tried again with what is
            written next, and all else waits for it; anything else that fails is told, and nothing waits.
        *args : object
            Its arguments.

        Returns
        -------
        Future
            Done when it is on the disk.
        """
        kept = getattr(write, "__self__", None) is self.journal
        self._waiting.append((partial(write, *args), kept))
        future = self._writer.submit(self._drain)
        future.add_done_callback(self._written)
        return future

    def flush(self) -> bool:
        """Wait until everything is on disk, as far as that is possible.

        Returns
        -------
        bool
            Whether everything is.
        """
        self._writer.submit(lambda: None).result()
        return not self._waiting

    def close(self) -> None:
        """Write what is left, and let go of the files."""
        if self._waiting:
            self._writer.submit(self._drain).add_done_callback(self._written)
        try:
            if self.flush():
                self._all_on_disk()
        except CellSegError as error:
            self._failed(error)
        self._writer.shutdown(wait=True)

    def _all_on_disk(self) -> None:
        if not self.flush():
            raise StorageError(
                f"The last {len(self._waiting)} corrections are not on the disk yet",
                "",
                "Make room on the disk, and try again",
            )
        if self._allowed is not None:
            self._allowed()
        if self._guard is not None:
            self.movie.flush()  # type: ignore[attr-defined]
            self._guard.drop()

    def _put(self, step: EditStep) -> None:
        """Write a step into the labels as a whole, or not at all."""
        put: list[Edit] = []
        try:
            for edit in step.edits:
                self._put_edit(edit)
                put.append(edit)
        except CellSegError:
            for edit in reversed(put):
                self._put_edit(edit.inverse())
            raise

    def _push(self, step: Step) -> None:
        self._done.append(step)
        self._undone.clear()
        self.n_done, self.n_undone = self.n_done + 1, 0

    def _top(self, latest: deque[Step], n: int, read: Callable[[], Step | None]) -> Step | None:
        if latest or not n:
            return latest[-1] if latest else None
        if not self.flush():  # the journal does not know yet what is the last step
            self._all_on_disk()
        return read()

    def _move(self, step: Step, back: bool, keep: frozenset[int], then: Callable[[], object]) -> None:
        write = self.journal.undo if back else self.journal.redo
        if isinstance(step, Taken):
            self.settling.ask(step, back=back, keep=keep)
            self.write_down(write, keep)
            self.write_down(then)
            return
        self.settle(step.frames)
        self.guard(step.frames)
        self._put(step.inverse() if back else step)
        self._count(step, -1 if back else 1)
        self.write_down(write)

    def _count(self, step: EditStep, sign: int) -> None:
        for edit in step.edits:
            self._counts[edit.frame] += sign
            if self._counts[edit.frame] == (1 if sign > 0 else 0):
                self._frames = None
            if not self._counts[edit.frame]:
                del self._counts[edit.frame]

    def _drain(self) -> None:
        """Write what waits, in its order; an entry of the journal that fails stays first in the row."""
        while self._waiting:
            if self._allowed is not None:
                self._allowed()
            write, kept = self._waiting[0]
            if not kept:
                self._waiting.popleft()
            write()
            if kept:
                self._waiting.popleft()

    def _written(self, future: Future[Any]) -> None:
        error = future.exception()
        if error is not None:
            self._failed(error)
