"""The offer of proposals: what would change, a look at it, and the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from napari_cellseg.live.learning import FrameProposed, Proposals


class LearnOffer(QFrame):
    """Asks whether proposals are to be taken.

    ``taken()``, ``looked(bool on)``, ``declined()`` and ``frame_wanted(int)`` tell what the person wants.

    Parameters
    ----------
    parent : QWidget, optional
        Its parent.
    """

    taken = Signal()
    looked = Signal(bool)
    declined = Signal()
    frame_wanted = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("cellseg-message")
        self._frames: dict[int, FrameProposed] = {}
        self._here = 0
        self.question, self.sums, self.this = QLabel(self), QLabel(self), QLabel(self)
        for label in (self.question, self.sums, self.this):
            label.setWordWrap(True)
        self.take = _button("Take them", "Put them into these frames; one Ctrl-Z takes all of them back")
        self.take.setObjectName("cellseg-primary")
        self.look = _button("Look", "Show them as yellow outlines on top of the labels")
        self.look.setCheckable(True)
        self.next = _button("Next", "Go to the next frame in which something would change")
        self.no = _button("No", "Leave the labels as they are; the model stays")
        row = QHBoxLayout()
        row.setSpacing(4)
        for button in (self.take, self.look, self.next, self.no):
            row.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 4, 4, 4)
        column.setSpacing(4)
        for label in (self.question, self.sums, self.this):
            column.addWidget(label)
        column.addLayout(row)
        self.take.clicked.connect(lambda _on: self.taken.emit())
        self.look.toggled.connect(self.looked)
        self.next.clicked.connect(lambda _on: self._go_on())
        self.no.clicked.connect(lambda _on: self.declined.emit())
        self.hide()

    def ask(self, found: Proposals, question: str, n_open: int) -> None:
        """Offer proposals.

        Parameters
        ----------
        found : Proposals
            What is proposed.
        question : str
            Where they come from, in a sentence.
        n_open : int
            For how many frames they can be taken as it is now.
        """
        self._frames = {one.t: one for one in found.frames}
        before, after = (sum(getattr(one, name) for one in found.frames) for name in ("n_before", "n_after"))
        changed = sum(one.changed for one in found.frames)
        self.question.setText(f"{question} Take its proposals for {_n(n_open, 'uncorrected frame')}?")
        self.sums.setText(f"Nuclei: {before:,} now, {after:,} proposed. {_n(changed, 'frame')} would change.")
        self.look.setChecked(False)
        self.next.setEnabled(changed > 0)
        self.show_frame(self._here)
        self.show()

    def withdraw(self) -> None:
        """Ask no longer."""
        self.look.setChecked(False)
        self._frames = {}
        self.hide()

    def show_frame(self, t: int) -> None:
        """Say what would change in the frame in view.

        Parameters
        ----------
        t : int
            The frame.
        """
        self._here = t
        one = self._frames.get(t)
        if one is None:
            self.this.setText(f"Frame {t}: no proposal.")
        else:
            same = "" if one.changed else ", nothing changes"
            self.this.setText(f"Frame {t}: {one.n_before} now, {one.n_after} proposed{same}.")

    def _go_on(self) -> None:
        changed = sorted(t for t, one in self._frames.items() if one.changed)
        if changed:
            self.frame_wanted.emit(next((t for t in changed if t > self._here), changed[0]))


def _n(n: int, what: str) -> str:
    return f"{n:,} {what}{'s' * (n != 1)}"


def _button(text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the keys go on to the picture
    return button
