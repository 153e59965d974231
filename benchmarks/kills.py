"""Corrections killed at random moments: the labels are then what the journal says, every time.

A child process opens a study as the window does (`live.correcting.open_corrections`, `label.history.History`)
and edits, paints, undoes, redoes and accepts at random, until SIGKILL; often that comes while the study is
still being opened, that is, while an earlier kill is being mended. The same study is killed again and again.
After each kill it is opened, and must hold what replaying the journal on the labels of the start gives, and
every step whose saving had been told. ``N=1000 python -m benchmarks kills`` kills 1,000 times.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_cellseg.data.project import new_label_movie, open_label_movie
from napari_cellseg.errors import InputError
from napari_cellseg.label import edit as tools
from napari_cellseg.label.guard import guard_of
from napari_cellseg.label.history import History
from napari_cellseg.label.journal import EditStep, Journal
from napari_cellseg.live.correcting import open_corrections
from napari_cellseg.progress import follow

SKIPPED = 75
SHAPE = (4, 96, 120)
KILLS = 200
_MOST_S = 0.25

Labels = npt.NDArray[np.int32]


def main() -> int:
    """Kill, and print how often and what for.

    Returns
    -------
    int
        0; 75 where processes cannot be forked.
    """
    if not hasattr(os, "fork"):
        print("needs a system that forks")
        return SKIPPED
    with tempfile.TemporaryDirectory() as folder:
        print(rounds(int(os.environ.get("N", KILLS)), Path(folder)))
    return 0


def rounds(n: int, folder: Path, seed: int = 0) -> str:
    """Kill and look, again and again.

    Parameters
    ----------
    n : int
        How often.
    folder : Path
        For the study.
    seed : int
        For all that is random.

    Returns
    -------
    str
        What was killed.

    Raises
    ------
    AssertionError
        Labels were not what the journal says, or a step was lost.
    """
    rng = np.random.default_rng(seed)
    labels, journal = folder / "labels" / "corrected.npy", folder / "journal.jsonl"
    start = start_movie()
    new_label_movie(labels, SHAPE)[:] = start
    told, opening, guarded = 0, 0, 0
    for round_ in range(n):
        saved, at_work = kill(labels, journal, seed + round_, float(rng.uniform(0, _MOST_S)))
        told, opening, guarded = told + saved, opening + (not at_work), guarded + guard_of(labels).is_file()
        opened = follow(open_corrections(None, labels, journal))
        try:
            look(opened.journal, open_label_movie(labels), start, told, round_)
        finally:
            opened.lock.release()
    steps = Journal(journal).n_done
    return (
        f"{n} kills, {opening} of them while opening, {guarded} with changed frames: labels as in "
        f"the journal every time; {told} writes told, {steps} steps in effect at the end"
    )


def look(journal: Journal, movie: Labels, start: Labels, told: int, round_: int) -> None:
    """Compare the labels with the journal, and now and then take everything back."""
    expected = start.copy()
    journal.replay(expected)
    if not np.array_equal(movie, expected):
        raise AssertionError(f"kill {round_}: {np.count_nonzero(movie != expected)} px differ")
    written = sum(entry["kind"] not in ("journal", "shape") for _start, entry in journal.entries())
    if written < told:
        raise AssertionError(f"kill {round_}: {told} writes were told, {written} are there")
    if round_ % 20 == 0:
        for step in reversed(tuple(journal.steps())):
            assert isinstance(step, EditStep)  # noqa: S101 - nothing else is done here
            step.inverse().apply(expected)
        if not np.array_equal(expected, start):
            raise AssertionError(f"kill {round_}: taken back, the labels are not those of the start")


def kill(labels: Path, journal: Path, seed: int, after_s: float) -> tuple[int, bool]:
    """Have a child work, and kill it.

    Parameters
    ----------
    labels, journal : Path
        The study's files.
    seed : int
        What it does.
    after_s : float
        When it is killed.

    Returns
    -------
    saved : int
        How many writes it told to be on the disk.
    at_work : bool
        Whether the study was open by then.
    """
    reader, writer = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os.close(reader)
        with suppress(BaseException):
            work(labels, journal, seed, writer)
        os._exit(1)
    os.close(writer)
    time.sleep(after_s)
    os.kill(child, signal.SIGKILL)
    _pid, status = os.waitpid(child, 0)
    with os.fdopen(reader, "rb") as file:
        said = file.read()
    if not os.WIFSIGNALED(status):
        raise AssertionError("the child ended by itself")
    return said.count(b"s"), b"o" in said


def work(labels: Path, journal: Path, seed: int, out: int) -> None:
    """Correct at random until killed; tells ``o`` when open, ``s`` for all that is on the disk."""
    rng = np.random.default_rng(seed)
    opened = follow(open_corrections(None, labels, journal))
    history = History(open_label_movie(labels), opened.journal, allowed=opened.lock.check)
    os.write(out, b"o")
    write_down = history.write_down

    def told(write: Any, *args: object) -> Any:
        future = write_down(write, *args)
        future.add_done_callback(lambda done: done.exception() or os.write(out, b"s"))
        return future

    history.write_down = told  # type: ignore[method-assign]
    while True:
        one(history, rng)


def one(history: History, rng: np.random.Generator) -> None:
    """Do one thing of those that a person does."""
    choice, t = rng.random(), int(rng.integers(SHAPE[0]))
    if choice < 0.2:
        history.undo(frozenset(), lambda: None)
    elif choice < 0.35:
        history.redo(frozenset(), lambda: None)
    elif choice < 0.6:
        paint(history, rng, t)
    elif choice < 0.65:
        history.write_down(history.journal.mark, t, "accepted")
    else:
        frames = range(t, min(t + int(rng.integers(1, 4)), SHAPE[0]))
        with suppress(InputError):  # there is no such nucleus
            number = int(rng.integers(1, 30))
            history.do(*(tools.delete(history.movie[u], number, frame=u) for u in frames))


def paint(history: History, rng: np.random.Generator, t: int) -> None:
    """Paint as napari's brush does: into the labels, dab by dab, and told afterwards."""
    history.guard((t,))
    before = history.movie[t].copy()
    y, x = rng.integers(0, (SHAPE[1] - 9, SHAPE[2] - 30))
    for dab in range(20):
        history.movie[t, y : y + 9, x + dab : x + dab + 9] = 1 + t
    with suppress(InputError):  # that was there already
        edit = tools.stroke(before, history.movie[t].copy(), frame=t)
        history.remember(EditStep((edit,)))


def start_movie() -> Labels:
    """Draw the labels of the start: 24 squares in each frame."""
    movie = np.zeros(SHAPE, np.int32)
    for number, (row, column) in enumerate(np.ndindex(4, 6), 1):
        movie[:, 24 * row + 2 : 24 * row + 18, 20 * column + 2 : 20 * column + 15] = number
    return movie
