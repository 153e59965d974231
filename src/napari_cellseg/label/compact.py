"""Making a long journal short: what nobody will undo any more is summed up, and the old journal is kept.

The labels themselves stay as they are. They hold every step already, and a journal that begins in the middle
of the history leads to the same labels: replaying it on them changes nothing, and taking all its steps back
leads to the labels as they were where it begins. So only the journal is replaced, in this order:

1. The labels are on the disk (msync; `live.correcting.restored` does it).
2. The old journal gets a second name with its date, a hard link where there are links, else a copy.
3. The short journal is written beside, flushed, and renamed over the old one.

Whenever the program dies, a whole journal is there, old or short, and the labels fit both. The labels of the
start lead to those of now by way of the dated journals, one after the other: each names the one before it,
and `apply_edits` begins with the first.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from napari_cellseg.data.storage import atomic_file, storage, versioned
from napari_cellseg.label.journal_known import STEP_KINDS, Known
from napari_cellseg.label.journal_lines import line_of
from napari_cellseg.label.journal_reader import JournalReader

KEPT = 1000
"""How many steps can be undone after a journal was made short."""

LONGEST = 4 * KEPT
"""A journal with more steps is made short when it is opened: to replay it takes about half a second."""


def compact(journal: JournalReader, keep: int = KEPT) -> Path | None:
    """Make a journal short; open it again afterwards.

    Parameters
    ----------
    journal : JournalReader
        The journal; its labels hold all of it, and are on the disk.
    keep : int
        How many of the last steps can still be undone, at least.

    Returns
    -------
    Path or None
        The old journal under its new name; None when there was nothing to sum up.

    Raises
    ------
    StorageError
        The disk is full, or the place cannot be written. The journal is as it was.
    """
    entries = [(start, entry["kind"]) for start, entry in journal.entries()]
    cut = _cut(entries, keep)
    if cut is None:
        return None
    path, today = journal.path, datetime.now(UTC).date()
    old = versioned(path.with_name(f"{path.stem}-until-{today}{path.suffix}"))
    head = _head(journal, cut, old.name)
    with storage(path):
        try:
            os.link(path, old)
        except OSError:  # no links there
            with atomic_file(old) as partial:
                shutil.copyfile(path, partial)
        with atomic_file(path) as partial, path.open("rb") as source, partial.open("wb") as target:
            target.write(b"".join(line_of(entry) for entry in head))
            source.seek(cut)
            shutil.copyfileobj(source, target)
    return old


def _cut(entries: list[tuple[int, str]], keep: int) -> int | None:
    """Find the latest entry to begin with: it is a step, and nothing before it is undone after it."""
    depths, starts, depth = [], [], 0
    done: list[int] = []
    undone: list[int] = []
    for start, kind in entries:
        if kind in STEP_KINDS:
            done.append(start)
            undone.clear()
        elif kind == "undo":
            undone.append(done.pop())
        elif kind == "redo":
            done.append(undone.pop())
        depth = len(done)
        starts.append(start)
        depths.append(depth)
    least, lowest = {}, depth
    for start, at in zip(reversed(starts), reversed(depths), strict=True):
        lowest = min(lowest, at)
        least[start] = lowest
    for below in range(len(done) - keep, 0, -1):  # with so many steps before it
        if least[done[below]] >= below:
            return done[below]
    return None


def _head(journal: JournalReader, cut: int, before: str) -> list[dict[str, Any]]:
    """Sum up what is before the cut: which frames are corrected, how far they are, and when that was done."""
    known = Known()
    for start, entry in journal.entries():
        if start >= cut:
            break
        known.take(entry, start)
    later = journal.times(since=cut)
    times = journal.times()[: -len(later) or None]
    shape = [] if known.shape is None else [{"kind": "shape", "shape": list(known.shape)}]
    counts = Counter(known.frames)
    return [
        {"kind": "journal", "version": 2},
        *shape,
        {
            "kind": "earlier",
            "before": before,
            "frames": sorted(counts.elements()),
            "when": known.when,
            "steps": len(known.done),
            "times": [int(time.timestamp()) for time in times],
        },
        *({"kind": "state", "frame": t, "state": state} for t, state in known.states.items()),
    ]
