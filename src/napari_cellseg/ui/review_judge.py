"""Judging: an expert sees item after item, blind, and clicks what is wrong and what is missed."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QFormLayout,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_cellseg.errors import CellSegError
from napari_cellseg.evaluate.review.lines import Kind
from napari_cellseg.evaluate.review.sheet import Sheet, seconds_left
from napari_cellseg.live import reviewing
from napari_cellseg.progress import duration
from napari_cellseg.ui.buttons import text_button
from napari_cellseg.ui.review_scene import ReviewScene
from napari_cellseg.ui.scene import canvas_widget
from napari_cellseg.ui.step import Step

if TYPE_CHECKING:
    from napari_cellseg.evaluate.review.pack import Pixels
    from napari_cellseg.ui.session import Session

_HOW = {
    "frames": "Click an outline that is wrong, and every cell that has none. Shift-click what you are not "
    "sure of. A second click takes a mark back.",
    "objects": "Is the outlined object a cell, and outlined well? One key answers.",
}
_ELSEWHERE = "Choose a folder …"


class JudgePanel(Step):
    """Shows one item after the other and writes down what the expert says.

    Parameters
    ----------
    session : Session
        What the panels share.
    parent : QWidget, optional
        Qt's owner.
    """

    title: ClassVar[str] = "Judge"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self.sheet: Sheet | None = None
        self.review: Path | None = None
        self.number = self._shown = 0
        self._known: dict[int, Pixels] = {}
        self._asked: set[int] = set()
        self._shown_at = 0.0
        self.scene = ReviewScene(session.viewer, self._keys(), self)
        self.scene.clicked.connect(self._on_click)
        self.scene.clicked_outside.connect(self._on_outside)
        self._make_start()
        self._make_desk()
        self.set_primary("Start judging", "Show the first item that you have not judged yet", self.start)
        session.study_changed.connect(self.look)

    def _keys(self) -> dict[str, Callable[[], object]]:
        return {
            "N": self.next_item,
            "Enter": self.next_item,
            "Backspace": self.undo,
            "Control-Z": self.undo,
            "U": self.unsure,
            "O": self._toggle_outlines,
            "R": lambda: self._answer("right"),
            "1": lambda: self._answer("right"),
            "W": lambda: self._answer("wrong"),
            "2": lambda: self._answer("wrong"),
            "3": self.unsure,
        }

    def _toggle_outlines(self) -> None:
        self.outlines.toggle()

    # What is shown

    def _make_start(self) -> None:
        self.setup = QWidget(self)
        form = QFormLayout(self.setup)
        form.setContentsMargins(0, 0, 0, 0)
        self.reviews = QComboBox(self.setup)
        self.reviews.setToolTip("The review that you were asked to judge; the newest comes first")
        self.reviews.activated.connect(self._on_review)
        self.expert = QLineEdit(self.setup)
        self.expert.setPlaceholderText("your name or initials")
        self.expert.setToolTip("Your sheet has this name. Use the same one to go on another day")
        form.addRow("Review", self.reviews)
        form.addRow("Expert", self.expert)
        self.body.addWidget(self.setup)
        self._list([])

    def _make_desk(self) -> None:
        """Lay out what is there while judging. Buttons take no focus: the keys go to the picture."""
        self.desk = QWidget(self)
        self.where = QLabel(self.desk)
        self.where.setObjectName("review-where")
        self.bar = QProgressBar(self.desk)
        self.bar.setTextVisible(False)
        self.how, self.count = QLabel(self.desk), QLabel(self.desk)
        self.how.setWordWrap(True)
        self.count.setWordWrap(True)
        self.outlines = _box(
            "Outlines (O)", "Show or hide outlines and marks", self.scene.set_outlines, self.desk
        )
        self.beside = _box(
            "Fluorescence beside",
            "Show the fluorescence to the right of the picture",
            self._set_beside,
            self.desk,
        )
        self.tool = _box(
            "Clicks mean: not sure",
            "As if Shift were held: clicks mark what you are not sure of",
            None,
            self.desk,
        )
        self.tool.setChecked(False)
        self.right = _button(
            "Right (R)", "The object is a cell, and outlined well", lambda: self._answer("right")
        )
        self.wrong = _button("Wrong (W)", "It is none, or outlined badly", lambda: self._answer("wrong"))
        self.cannot = _button("Cannot judge it (U)", "Leave this item out of all scores", self.unsure)
        self.back = _button(
            "Undo (Backspace)", "Take the last mark back, or return to the item before", self.undo
        )
        self.next = _button("Next (N)", "Everything is said of this item", self.next_item)
        self.next.setObjectName("cellseg-primary")
        self.leave = _button("Stop for today", "All is written down; go on any time", self.stop)
        boxes = QHBoxLayout()
        for box in (self.outlines, self.beside):
            boxes.addWidget(box)
        grid = QGridLayout()
        grid.addWidget(self.right, 0, 0)
        grid.addWidget(self.wrong, 0, 1)
        grid.addWidget(self.next, 1, 0, 1, 2)
        grid.addWidget(self.back, 2, 0)
        grid.addWidget(self.cannot, 2, 1)
        column = QVBoxLayout(self.desk)
        column.setContentsMargins(0, 0, 0, 0)
        for widget in (self.where, self.bar, self.how, self.count, self.tool):
            column.addWidget(widget)
        column.addLayout(boxes)
        column.addLayout(grid)
        column.addWidget(self.leave)
        self.body.addWidget(self.desk)
        self.desk.hide()

    # Before judging

    def look(self) -> None:
        """List the reviews of the study that is open."""
        folder = self.session.study_folder
        if folder is None:
            return
        self.session.run(reviewing.list_reviews, folder, on_done=self._list, here=True)

    def offer(self, review: Path) -> None:
        """Choose a review.

        Parameters
        ----------
        review : Path
            Its folder.
        """
        at = self.reviews.findData(str(review))
        if at < 0:
            self.reviews.insertItem(0, review.name, str(review))
            at = 0
        self.reviews.setCurrentIndex(at)

    def _list(self, folders: list[Path]) -> None:
        kept = self.reviews.currentData()
        self.reviews.clear()
        for folder in folders:
            self.reviews.addItem(folder.name, str(folder))
        self.reviews.addItem(_ELSEWHERE, "")
        if kept:
            self.offer(Path(kept))
        elif not folders:
            self.reviews.setCurrentIndex(-1)

    def _on_review(self, _index: int) -> None:
        if self.reviews.currentData() == "":
            chosen = QFileDialog.getExistingDirectory(self, "Folder of a review")
            self.reviews.setCurrentIndex(-1)
            if chosen:
                self.offer(Path(chosen))

    def start(self) -> None:
        """Open the sheet of the expert, and show the first item that is left."""
        told = self.reviews.currentData()
        if not told:
            self.message.tell("Choose a review first.", "warning")
            return
        self.review = Path(told)
        task = self.session.run(
            reviewing.open_sheet, self.review, self.expert.text(), on_done=self._on_sheet, here=True
        )
        self.follow(task)

    def _on_sheet(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self._known.clear()
        self._asked.clear()
        number = sheet.next_item
        if number is None:
            self._finished()
            return
        for widget, on in ((self.setup, False), (self.primary, False), (self.desk, True)):
            widget.setVisible(on)
        single = sheet.plan.mode == "objects"
        for widget in (self.right, self.wrong):
            widget.setVisible(single)
        for widget in (self.next, self.tool, self.count):
            widget.setVisible(not single)
        self.how.setText(_HOW[sheet.plan.mode])
        self.go_to(number)

    # One item after the other

    def go_to(self, number: int) -> None:
        """Show an item, as soon as it is read.

        Parameters
        ----------
        number : int
            From 1.
        """
        self.number = number
        if number in self._known:
            self._show()
        else:
            self._ask(number)

    def _ask(self, number: int) -> None:
        """Have an item read by the second helper."""
        if self.sheet is None or number in self._asked or not 1 <= number <= len(self.sheet.plan.items):
            return
        self._asked.add(number)

        def read(pixels: Pixels) -> None:
            self._known[number] = pixels
            if number == self.number and self.sheet is not None:
                self._show()

        self.session.run(
            reviewing.load_item, self.review, self.sheet.plan, number,
            on_done=read, on_failed=self.show_error, quick=True,
        )  # fmt: skip

    def _show(self) -> None:
        sheet = self.sheet
        if sheet is None:
            return
        plan, number = sheet.plan, self.number
        self.scene.show_item(
            self._known[number], plan.item(number), sheet.judgement(number), plan.object_diameter_px
        )
        self._shown = number
        self.beside.setVisible(self.scene.has_beside)
        self._shown_at = time.perf_counter()
        self.message.clear()
        self._count()
        canvas = canvas_widget(self.session.viewer)
        if canvas is not None:
            canvas.setFocus()
        for far in [known for known in self._known if abs(known - number) > 1]:
            del self._known[far]
            self._asked.discard(far)
        self._ask(number + 1)

    def _count(self) -> None:
        """Say how far the expert is, and what is marked."""
        if self.sheet is None:
            return
        n, left = len(self.sheet.plan.items), seconds_left(self.sheet.plan, self.sheet)
        rest = "" if left is None else f" · about {_roughly(left)} left"
        self.where.setText(f'<span style="font-size:15pt"><b>{self.number} of {n}</b>{rest}</span>')
        self.bar.setRange(0, n)
        self.bar.setValue(self.sheet.n_done)
        said = self.sheet.judgement(self.number)
        n_unsure = len(said.objects("unsure")) + len(said.places("unsure"))
        n_wrong, n_missed = len(said.objects("wrong")), len(said.places("missed"))
        outlines = len(self.sheet.plan.item(self.number).objects)
        self.count.setText(
            f"✕ {n_wrong} wrong · ◯ {n_missed} missed · ◆ {n_unsure} unsure · {outlines} outlines"
        )

    def _on_click(self, y: float, x: float, shift: bool) -> None:
        if self.sheet is None or self._shown != self.number or self.sheet.plan.mode == "objects":
            return
        label = self.scene.object_at(y, x)
        kind: Kind = "unsure" if shift or self.tool.isChecked() else "wrong" if label else "missed"
        self._write(lambda sheet: sheet.click(self.number, kind, label, y, x))

    def _on_outside(self) -> None:
        self.message.tell("Only what lies within the white frame, or within the picture, is judged.", "info")

    def _write(self, act: Callable[[Sheet], object]) -> bool:
        """Change the sheet, and show what it says now."""
        if self.sheet is None or not self.scene.is_open:
            return False
        try:
            act(self.sheet)
        except CellSegError as error:
            self.show_error(error)
            return False
        self.message.clear()
        self.scene.draw(self.sheet.judgement(self.number))
        self._count()
        return True

    def undo(self) -> None:
        """Take the last mark of the item back; without any, return to the item before."""
        sheet = self.sheet
        if sheet is None or self._shown != self.number:
            return
        if sheet.judgement(self.number).marks and sheet.plan.mode == "frames":
            self._write(lambda open_: open_.undo(self.number))
        elif self.number > 1:
            self.go_to(self.number - 1)

    def unsure(self) -> None:
        """Leave the item out of all scores, and go on."""
        self._finish(unsure=True)

    def next_item(self) -> None:
        """Finish the item as it is, and go on."""
        if self.sheet is not None and self.sheet.plan.mode == "frames":
            self._finish()

    def _answer(self, answer: str) -> None:
        """Say of a single object whether it is right, and go on."""
        if self.sheet is None or self.sheet.plan.mode != "objects" or self._shown != self.number:
            return
        item, said = self.sheet.plan.item(self.number), self.sheet.judgement(self.number)
        target = item.objects[0]
        y0, x0, y1, x1 = item.box
        if (target in said.objects("wrong")) != (answer == "wrong") and not self._write(
            lambda sheet: sheet.mark(self.number, "wrong", target, (y0 + y1) / 2, (x0 + x1) / 2)
        ):
            return
        self._finish()

    def _finish(self, unsure: bool = False) -> None:
        sheet, number = self.sheet, self.number
        if sheet is None or self._shown != number:
            return
        seconds = time.perf_counter() - self._shown_at
        if not self._write(lambda open_: open_.finish(number, seconds, unsure)):
            return
        ahead = number + 1 if number < len(sheet.plan.items) else None
        following = ahead if ahead is not None and sheet.judgement(ahead).done else sheet.next_item
        if following is None or (following == ahead and sheet.next_item is None):
            self._finished()
        else:
            self.go_to(following)

    def _finished(self) -> None:
        n = len(self.sheet.plan.items) if self.sheet is not None else 0
        self.stop()
        self.message.tell(f"All {n} items are judged. Thank you! Everything is written down.", "info")

    def stop(self) -> None:
        """Leave judging; the viewer comes back as it was."""
        self.scene.leave()
        self.sheet, self.number, self._shown = None, 0, 0
        self._known.clear()
        self._asked.clear()
        for widget, on in ((self.setup, True), (self.primary, True), (self.desk, False)):
            widget.setVisible(on)
        self.message.tell("All that you said is written down.", "info")

    def _set_beside(self, on: bool) -> None:
        self.scene.set_beside(on)
        self.scene.fit()

    def closed(self) -> None:
        """Leave judging when another panel is opened."""
        if self.sheet is not None:
            self.stop()

    def shut_down(self) -> None:
        """Bring the viewer back as it was."""
        self.scene.leave()
        self.sheet = None


def _roughly(seconds: float) -> str:
    """Say a time without false precision."""
    return f"{max(round(seconds / 60), 1)} min" if seconds >= 90 else duration(max(seconds, 1))


def _button(text: str, tip: str, act: Callable[[], object]) -> QPushButton:
    button = text_button(text, tip, act)
    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return button


def _box(text: str, tip: str, act: Callable[[bool], object] | None, parent: QWidget) -> QCheckBox:
    box = QCheckBox(text, parent)
    box.setToolTip(tip)
    box.setChecked(True)
    box.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    if act is not None:
        box.toggled.connect(act)
    return box
