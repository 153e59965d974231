"""Proposals of a model: they are offered, looked at, and taken into the corrected labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QWidget

from napari_cellseg.live import learning
from napari_cellseg.ui.learn_offer import LearnOffer
from napari_cellseg.ui.proposal_layer import ProposalLayer
from napari_cellseg.ui.task import message_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from napari_cellseg.label.proposals import Taken
    from napari_cellseg.ui.corrections import Corrections
    from napari_cellseg.ui.session import Session
    from napari_cellseg.ui.task import Task


class Proposing(QObject):
    """Offers proposals, and takes them when the person says so.

    ``told(str text, str kind)`` says in a sentence what came of it; ``followed(task)`` comes with work that
    takes a while.

    Parameters
    ----------
    session : Session
        What the steps share.
    open_frames : callable
        Answers the frames whose labels may be replaced, as it is now.
    parent : QWidget
        Where the offer is shown.
    """

    told = Signal(str, str)
    followed = Signal(object)

    def __init__(self, session: Session, open_frames: Callable[[], frozenset[int]], parent: QWidget) -> None:
        super().__init__(parent)
        self._session, self._open_frames = session, open_frames
        self._corrections: Corrections | None = None
        self._settling: list[Task] = []
        self.found: learning.Proposals | None = None
        self.offer = LearnOffer(parent)
        self.layer = ProposalLayer(session, self)
        self.offer.taken.connect(self._take)
        self.offer.declined.connect(self.withdraw)
        self.offer.looked.connect(self._look)
        self.offer.frame_wanted.connect(session.go_to)
        session.frame_changed.connect(self._frame_came)

    def use(self, corrections: Corrections | None) -> None:
        """Take proposals into other labels from now on.

        Parameters
        ----------
        corrections : Corrections or None
            Their history.
        """
        self.withdraw()
        for task in self._settling:
            task.drop()
        self._settling.clear()
        self._corrections = corrections
        if corrections is not None:
            corrections.accepted = lambda: self._session.review.accepted
            corrections.settling_wanted.connect(self._settle)
            corrections.edited.connect(self._edited)

    def ask(self, found: learning.Proposals, question: str) -> None:
        """Offer proposals, in place of those offered before.

        Parameters
        ----------
        found : Proposals
            With a file.
        question : str
            Where they come from, in a sentence.
        """
        self.layer.close()
        self.found = found
        n = len(self._open_frames() & {one.t for one in found.frames})
        if n == 0:
            self.withdraw()
            self.told.emit(f"{question} No frame is left to propose labels for.", "info")
        else:
            self.offer.show_frame(self._session.frame())
            self.offer.ask(found, question, n)

    def withdraw(self) -> None:
        """Offer nothing any more."""
        self.found = None
        self.offer.withdraw()
        self.layer.close()

    def _look(self, on: bool) -> None:
        if not on:
            self.layer.close()
        elif self.found is not None and self.found.file is not None and self._corrections is not None:
            self.layer.open(self.found.file, self._corrections.movie.shape)

    def _take(self) -> None:
        corrections, found = self._corrections, self.found
        if corrections is None or found is None or found.file is None:
            return
        self.withdraw()
        before = corrections.n_proposals_changed

        def labels(frame: int) -> npt.NDArray[np.int32]:
            corrections.settling.now((frame,))
            plane: npt.NDArray[np.int32] = corrections.movie[frame]
            return plane

        task = self._session.run(
            learning.take_now,
            found,
            labels,
            self._open_frames(),
            on_done=lambda taken: self._taken(corrections, found, taken, before),
            on_failed=lambda error: self.told.emit(message_of(error), "error"),
            title="Taking proposals",
            here=True,
        )
        self.followed.emit(task)

    def _taken(self, corrections: Corrections, found: learning.Proposals, taken: Taken, before: int) -> None:
        if corrections is not self._corrections:
            return
        if corrections.n_proposals_changed != before:  # others were undone: these do not fit any more
            self.ask(found, "The labels changed meanwhile.")
            return
        taken = taken.only(self._open_frames())  # decided now, not when it was asked
        if not taken.frames:
            self.told.emit("The proposals are what the labels are already; nothing was changed.", "info")
            return
        corrections.take(taken)
        self._session.predicted_frames |= taken.frames
        n = len(taken.frames)
        self.told.emit(
            f"{n:,} uncorrected frame{'s have' if n != 1 else ' has'} new labels, by {taken.who}. "
            "Ctrl-Z takes all of them back.",
            "info",
        )

    def _settle(self) -> None:
        """Have the frames changed that wait for it, in a thread; the one in view does not wait."""
        corrections = self._corrections
        if corrections is None or self._session.is_closed:
            return
        task = self._session.run(corrections.settling.rest, on_failed=corrections.failed.emit, here=True)
        self._settling = [one for one in self._settling if not one.over.is_set()] + [task]

    def _edited(self, frame: int) -> None:
        if frame < 0 and self._corrections is not None:
            self._corrections.settle((self._session.frame(),))

    def _frame_came(self, t: int) -> None:
        if self._corrections is not None:
            self._corrections.settle((t,))
        if self.found is not None:
            self.offer.show_frame(t)

    def shut_down(self) -> None:
        """Let go of the viewer."""
        self.use(None)
        self._session.frame_changed.disconnect(self._frame_came)
