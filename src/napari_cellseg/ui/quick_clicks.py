"""Clicks that come fast: Qt makes every second one a double click, which napari does not tell as a press."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QCoreApplication, QEvent, QObject
from qtpy.QtGui import QMouseEvent

from napari_cellseg.ui.scene import canvas_widget


class QuickClicks(QObject):
    """Turns double clicks on the canvas into plain presses, so that none of a row of quick clicks is lost.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose canvas.
    wanted : callable
        Answers whether a tool of ours is in hand; napari's own double clicks stay.
    parent : QObject, optional
        Qt's owner.
    """

    def __init__(self, viewer: Any, wanted: Callable[[], bool], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._wanted = wanted
        self._widget = canvas_widget(viewer)
        if self._widget is not None:
            self._widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Send a press in place of a double click.

        Parameters
        ----------
        watched : QObject
            The canvas.
        event : QEvent
            Of any kind.

        Returns
        -------
        bool
            True for a double click that was turned into a press.
        """
        if event.type() != QEvent.Type.MouseButtonDblClick or not self._wanted():
            return False
        if not isinstance(event, QMouseEvent):
            return False
        press = QMouseEvent(
            QEvent.Type.MouseButtonPress,
            event.position(),
            event.globalPosition(),
            event.button(),
            event.buttons(),
            event.modifiers(),
        )
        QCoreApplication.sendEvent(watched, press)
        return True

    def close(self) -> None:
        """Let go of the canvas."""
        if self._widget is not None:
            self._widget.removeEventFilter(self)
        self._widget = None
