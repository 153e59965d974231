"""The slim header of the dock: the study, the device, the model, and the log one click away."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtGui import QFontDatabase
from qtpy.QtWidgets import (
    QApplication,
    QDialog,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)
from superqt import QElidingLabel

if TYPE_CHECKING:
    from napari_cellseg.ui.session import Session


class LogWindow(QDialog):
    """The log of the session, for the core facility's engineer.

    Parameters
    ----------
    session : Session
        Whose log.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Log of this session")
        self.resize(760, 420)
        self.text = QPlainTextEdit("\n".join(session.log), self)
        self.text.setReadOnly(True)
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        copy = QPushButton("Copy all", self)
        copy.setToolTip("Copy the whole log, to send it to somebody who can help")
        copy.clicked.connect(lambda: QApplication.clipboard().setText(self.text.toPlainText()))
        column = QVBoxLayout(self)
        column.addWidget(self.text)
        column.addWidget(copy)
        session.logged.connect(self.text.appendPlainText)


class Header(QFrame):
    """Study, device and model at a glance.

    Parameters
    ----------
    session : Session
        What the steps share.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("cellseg-header")
        self._session = session
        self._log: LogWindow | None = None
        self.study = _line(self)
        self.running = _line(self)
        change = _flat("Change …", "Choose another folder for the results of this study", self)
        change.clicked.connect(self._change)
        log = _flat("Log", "Show what happened so far, for whoever helps when something goes wrong", self)
        log.clicked.connect(self.show_log)
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 2, 2, 2)
        column.setSpacing(0)
        for label, button in ((self.study, change), (self.running, log)):
            row = QHBoxLayout()
            row.setSpacing(4)
            row.addWidget(label, 1)
            row.addWidget(button)
            column.addLayout(row)
        for signal in (session.study_changed, session.model_changed, session.device_changed):
            signal.connect(self.refresh)
        session.stack_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show what the session says now."""
        session = self._session
        folder = session.study.folder if session.study is not None else session.study_folder
        if folder is not None:
            name, tip = folder.name, f"Results of this study are kept in\n{folder}"
            if session.study is None:
                tip += "\nThe folder is made with the first result."
        else:
            name, tip = "none yet", "A folder beside your data is made as soon as there is a result to keep."
        self.study.setText(f"Study: {name}")
        self.study.setToolTip(tip)
        model = session.model.name if session.model is not None else "none yet"
        self.running.setText(f"Model: {model} · {session.device or 'device: not asked yet'}")
        self.running.setToolTip(
            f"Model that counts: {session.model or 'none yet; step 4 trains one'}\n"
            f"Where training and prediction run: {session.device or 'found out when it is first needed'}"
        )

    def show_log(self) -> None:
        """Open the log beside the work."""
        if self._log is None:
            self._log = LogWindow(self._session, self)
        self._log.show()
        self._log.raise_()

    def _change(self) -> None:
        start = self._session.study_folder or Path.home()
        chosen = QFileDialog.getExistingDirectory(self, "Folder for the results of this study", str(start))
        if chosen:
            self._session.use_study_folder(Path(chosen))

    def shut_down(self) -> None:
        """Close the log."""
        if self._log is not None:
            self._log.close()


def _line(parent: QWidget) -> QLabel:
    label = QElidingLabel("", parent)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    return label


def _flat(text: str, tip: str, parent: QWidget) -> QPushButton:
    button = QPushButton(text, parent)
    button.setObjectName("cellseg-flat")
    button.setToolTip(tip)
    return button
