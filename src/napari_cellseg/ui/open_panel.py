"""Open files or folders: how they are understood, in words and thumbnails, before anything is opened."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QImage, QPixmap
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_cellseg.data.sample_study import sample_positions
from napari_cellseg.live import opening
from napari_cellseg.ui import work
from napari_cellseg.ui.facts import facts_of
from napari_cellseg.ui.step import Message
from napari_cellseg.ui.task import message_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from napari_cellseg.data.stack import Stack
    from napari_cellseg.ui.session import Session
    from napari_cellseg.ui.task import Task

_IMAGES = "Images (*.tif *.tiff *.btf *.png *.jpg *.jpeg);;All files (*)"
_ORDERS = (
    "YX", "TYX", "ZYX", "CYX", "YXC", "TCYX", "CTYX", "TZYX", "ZTYX", "ZCYX", "CZYX",
    "TCZYX", "TZCYX", "ZTCYX", "CTZYX", "CZTYX", "ZCTYX",
)  # fmt: skip
_AXES_TIP = "In what order the file holds time (T), channel (C), depth (Z), height (Y) and width (X)"


class OpenPanel(QWidget):
    """Buttons to open, and the preview of what was chosen.

    Parameters
    ----------
    session : Session
        What the steps share.
    """

    opened = Signal(list)
    checking = Signal(bool)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._paths: list[Path] = []
        self._others: list[Path] = []
        self._task: Task | None = None
        self._understood: opening.Understood | None = None
        self._shown: list[Any] = []
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(self._buttons())
        self.message = Message(self)
        column.addWidget(self.message)
        self.check = QWidget(self)
        self._lay_out_check()
        column.addWidget(self.check)
        self.check.hide()
        self.position = QComboBox(self)
        self.position.setToolTip("Which of the positions that were opened together is shown")
        self.position.activated.connect(self._show)
        self.position.hide()
        column.addWidget(self.position)

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        for text, tip, act in (
            (
                "Open files …",
                "TIFF, ImageJ, OME-TIFF, PNG or JPEG; several files are read together",
                self._ask_files,
            ),
            (
                "Open folder …",
                "A folder with one file per frame, channel, well or position",
                self._ask_folder,
            ),
            ("Sample", "A small simulated study, to try every step with", self.open_sample),
        ):
            button = QPushButton(text, self)
            button.setToolTip(tip)
            button.clicked.connect(lambda _checked, act=act: act())
            row.addWidget(button)
        return row

    def _lay_out_check(self) -> None:
        column = QVBoxLayout(self.check)
        column.setContentsMargins(0, 0, 0, 0)
        self.pictures = QGridLayout()
        self.words = QLabel(self.check)
        self.words.setWordWrap(True)
        self.axes = QComboBox(self.check)
        self.axes.setToolTip(_AXES_TIP)
        self.axes.activated.connect(lambda _index: self._look())
        self.group = QComboBox(self.check)
        self.group.setToolTip("Whether the files are the planes of one recording, or a recording each")
        for text, together in (
            ("as their names say", None),
            ("one recording", True),
            ("one recording each", False),
        ):
            self.group.addItem(text, together)
        self.group.activated.connect(lambda _index: self._look())
        self.other = QPushButton("Add fluorescence from other files …", self.check)
        self.other.setToolTip(
            "When the fluorescence lies in files of its own: choose them, and they are paired"
        )
        self.other.clicked.connect(lambda _checked: self._ask_other())
        self.go = QPushButton("Open", self.check)
        self.go.setObjectName("cellseg-primary")
        self.go.setToolTip("Open it as it is understood here")
        self.go.clicked.connect(lambda _checked: self._open())
        cancel = QPushButton("Cancel", self.check)
        cancel.setToolTip("Open nothing")
        cancel.clicked.connect(lambda _checked: self._check(False))
        rows = QFormLayout()
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addRow("Axes of a file", self.axes)
        rows.addRow("Files", self.group)
        self._rows = rows
        buttons = QHBoxLayout()
        buttons.addWidget(self.go, 1)
        buttons.addWidget(cancel)
        column.addWidget(self.words)
        column.addLayout(self.pictures)
        column.addLayout(rows)
        column.addWidget(self.other)
        column.addLayout(buttons)

    def _ask_files(self) -> None:
        names, _ = QFileDialog.getOpenFileNames(self, "Open images", "", _IMAGES)
        if names:
            self.look_at([Path(name) for name in names])

    def _ask_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Open a folder of images")
        if name:
            self.look_at([Path(name)])

    def _ask_other(self) -> None:
        if len(self._paths) == 1 and self._understood is not None and len(self._understood.stacks) > 1:
            names = [QFileDialog.getExistingDirectory(self, "Folder with the fluorescence")]
        else:
            names, _ = QFileDialog.getOpenFileNames(self, "Files with the fluorescence", "", _IMAGES)
        if names and names[0]:
            self.look_at(self._paths, [Path(name) for name in names])

    def open_sample(self) -> None:
        """Open the positions of the sample study."""
        self.look_at(sample_positions(), at_once=True)

    def look_at(self, paths: list[Path], others: list[Path] | None = None, *, at_once: bool = False) -> None:
        """Find out what files hold, and show it.

        Parameters
        ----------
        paths : list of Path
            One folder, or files.
        others : list of Path, optional
            The same for the fluorescence, when it lies in files of its own.
        at_once : bool
            Whether to open them without asking.
        """
        self._paths, self._others = paths, others or []
        self.axes.clear()
        self.group.setCurrentIndex(0)
        self._look(at_once)

    def _look(self, at_once: bool = False) -> None:
        if self._task is not None:
            self._task.drop()
        self.message.tell("Looking at the files …", "info")
        self.go.setEnabled(False)
        self._task = self._session.run(
            opening.understand,
            self._paths,
            self._others,
            self.axes.currentData(),
            self.group.currentData(),
            on_done=lambda found: self._understand(found, at_once),
            on_failed=self._fail,
            title="Looking at the files",
            quick=True,
        )

    def _fail(self, error: BaseException) -> None:
        self.message.tell(message_of(error), "error")

    def _understand(self, found: opening.Understood, at_once: bool) -> None:
        self._understood = found
        self.message.clear()
        self.go.setEnabled(True)
        if at_once:
            self._open()
            return
        stack = found.stacks[0]
        self.words.setText("<br>".join(_words(found)))
        self.words.setToolTip("\n".join(found.lines))
        self._show_pictures(found.pictures)
        self._offer_axes(stack)
        self._rows.setRowVisible(self.group, len(self._paths) > 1 or len(found.stacks) > 1)
        self.other.setVisible(len(stack.channels) == 1)
        n = len(found.stacks)
        self.go.setText("Open" if n == 1 else f"Open {n} positions")
        self._check(True)

    def _check(self, on: bool) -> None:
        """Show the preview alone, or take it away."""
        self.check.setVisible(on)
        self.checking.emit(on)

    def _offer_axes(self, stack: Stack) -> None:
        if self.axes.count() == 0:
            self.axes.addItem("as the file says" if stack.axes_sure else "as guessed", None)
            for order in _ORDERS:
                self.axes.addItem(order, order)

    def _show_pictures(self, pictures: dict[str, npt.NDArray[np.uint8]]) -> None:
        while self.pictures.count():
            widget = self.pictures.takeAt(0).widget()
            if widget is not None:
                widget.deleteLater()
        column = 0
        for name, picture in pictures.items():
            box, label = QLabel(self.check), QLabel(name, self.check)
            box.setPixmap(_pixmap(picture))
            box.setAlignment(Qt.AlignmentFlag.AlignLeft)
            wide = picture.shape[1] > 2 * picture.shape[0]
            row = 2 * (self.pictures.rowCount() // 2 + 1) if wide else 0
            self.pictures.addWidget(label, row, 0 if wide else column, 1, 3 if wide else 1)
            self.pictures.addWidget(box, row + 1, 0 if wide else column, 1, 3 if wide else 1)
            column += not wide

    def _open(self) -> None:
        found = self._understood
        if found is None:
            return
        self._check(False)
        self.position.clear()
        self.position.addItems(
            [f"Position {i + 1} of {len(found.stacks)}: {s.name}" for i, s in enumerate(found.stacks)]
        )
        self.position.setVisible(len(found.stacks) > 1)
        self._session.stacks = list(found.stacks)
        self._shown = []
        self._show(0)

    def _show(self, index: int) -> None:
        """Show one of the stacks that were opened together, in place of the one shown before."""
        stack = self._session.stacks[index]
        prefix = f"{stack.name} " if len(self._session.stacks) > 1 else ""
        self.message.tell(f"Opening {stack.name} …", "info")
        self._session.run(work.layers_for, stack, prefix, on_done=self._add, on_failed=self._fail, quick=True)

    def _add(self, layers: list[Any]) -> None:
        viewer = self._session.viewer
        self.message.clear()
        for layer in self._shown:
            if layer in viewer.layers:
                viewer.layers.remove(layer)
        self._shown = [viewer.add_image(data, **properties) for data, properties, _kind in layers]
        self.opened.emit(self._shown)


def _words(found: opening.Understood) -> list[str]:
    """Choose the few lines that matter most; all are in the tool tip."""
    stack = found.stacks[0]
    wanted = ["Names", "Stack", "Channels", *([] if stack.axes_sure else ["Axes"])]
    lines = [line for line in found.lines if line.split(":")[0] in wanted]
    lines.append(" · ".join(facts_of(stack)))
    if len(found.stacks) > 1:
        lines.insert(0, f"{len(found.stacks)} positions; the first of them:")
    return lines


def _pixmap(picture: npt.NDArray[np.uint8]) -> QPixmap:
    height, width = picture.shape
    return QPixmap.fromImage(QImage(picture.tobytes(), width, height, width, QImage.Format.Format_Grayscale8))
