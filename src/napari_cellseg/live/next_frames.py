"""What to correct next in a study that is not open in a window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_cellseg.label.journal import Journal
from napari_cellseg.label.notes import FILE as NOTES
from napari_cellseg.label.notes import open_notes
from napari_cellseg.live.found import table_of
from napari_cellseg.live.proposing import MOST_FRAMES, find_in_study
from napari_cellseg.pipeline.inputs import image_channel
from napari_cellseg.progress import Steps

if TYPE_CHECKING:
    import pandas as pd

    from napari_cellseg.data.project import Study
    from napari_cellseg.label.queue import Proposal


@dataclass(frozen=True)
class NextFrames:
    """What to correct next in a study.

    Attributes
    ----------
    queue : tuple of Proposal
        Frames, the best first.
    suspects : pandas.DataFrame
        See `table_of`.
    said : str
        What it rests on.
    """

    queue: tuple[Proposal, ...]
    suspects: pd.DataFrame
    said: str


def next_frames(study: Study, at_most: int = MOST_FRAMES) -> Steps[NextFrames]:
    """Tell what to correct next in a study that is not open in a window.

    Parameters
    ----------
    study : Study
        The study; nothing of it is changed, but for what was found being kept in it.
    at_most : int
        See `find_next`.

    Yields
    ------
    Event
        See `find_next`.

    Returns
    -------
    NextFrames
        Without the frames that were corrected, accepted or rejected, and without objects found right.

    Raises
    ------
    InputError
        There are no labels or images.
    """
    stack = study.open_stack().flat()
    channel = image_channel(stack, study.record.image_channel) if len(stack.channels) > 1 else 0
    found = yield from find_in_study(stack, channel, study, at_most)
    journal = Journal(study.journal)
    done = {t for t, state in journal.states().items() if state in ("accepted", "rejected")}
    done |= {edit.frame for edit in journal.edits()}
    right = open_notes(study.folder / NOTES).right.values()
    kept = [row for row in found.suspects if row.frame not in done]
    return NextFrames(found.queue(done), table_of(kept, right), found.said())
