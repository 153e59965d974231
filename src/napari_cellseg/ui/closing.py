"""A panel that notices being closed, in whatever way napari or the person does it."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QEvent, QObject, QSize, QTimer
from qtpy.QtWidgets import QApplication, QWidget

from napari_cellseg.ui.session import Session
from napari_cellseg.ui.style import style_of

WIDTH_PX = 390


class ClosingPanel(QWidget):
    """What a dock of ours is: a session, its look, and `shut_down` when it is closed.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    """

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self.setObjectName("cellseg-dock")
        self._docked = self._closing = False
        self.session = Session(viewer, self)
        self._restyle()
        viewer.events.theme.connect(self._restyle)
        QApplication.instance().aboutToQuit.connect(self.shut_down)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Say the size that suits the dock."""
        return QSize(WIDTH_PX, 600)

    def _restyle(self, _event: object = None) -> None:
        self.setStyleSheet(style_of(self.session.viewer.theme))

    def event(self, event: QEvent) -> bool:
        """Notice being taken out of the window: napari does that when the person closes the panel."""
        if event.type() == QEvent.Type.ParentChange:
            if self.parent() is not None:
                self._docked = True
            elif self._docked:
                self.shut_down()
                self.deleteLater()
        elif event.type() == QEvent.Type.Show and self.window() is not self:
            self.window().installEventFilter(self)  # again and again does no harm: Qt keeps one
        return bool(super().event(event))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: ARG002, N802 - Qt's
        """Notice the window closing: it is told to close, and hides unless it refuses; then it is deleted."""
        if event.type() == QEvent.Type.Close:
            self._closing = True
            QTimer.singleShot(0, self._not_closing)
        elif event.type() == QEvent.Type.Hide and self._closing:
            self.shut_down()
        return False

    def _not_closing(self) -> None:
        self._closing = False

    def closeEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """End all work when the dock is closed as a window of its own."""
        self.shut_down()
        super().closeEvent(event)

    def shut_down(self) -> None:
        """End all work within two seconds; calling it again does nothing."""
        if self.session.is_closed:
            return
        self.end()
        self.session.viewer.events.theme.disconnect(self._restyle)
        self.session.close()

    def end(self) -> None:
        """Let the parts of the panel end their work; called once."""
        raise NotImplementedError
