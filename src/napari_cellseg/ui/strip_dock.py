"""The strip of frames under the canvas, where the time slider is, and as wide."""

from __future__ import annotations

from typing import Any

from qtpy.compat import isalive
from qtpy.QtWidgets import QDockWidget, QSizePolicy, QWidget

from napari_cellseg.ui.frame_strip import FrameProgress

NAME = "Frames"
_HEIGHT_PX = 30


class StripDock:
    """Puts the strip under the canvas while labels are corrected, and takes it away.

    Parameters
    ----------
    viewer : napari.Viewer
        Its window gets the strip.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self._dock: QDockWidget | None = None
        self.progress: FrameProgress | None = None

    def show(self) -> FrameProgress:
        """Show the strip.

        Returns
        -------
        FrameProgress
            The strip, with the line beside it.
        """
        if self.progress is None or not isalive(self.progress):
            self.progress = FrameProgress(self._viewer)
            self.progress.setFixedHeight(_HEIGHT_PX)
            self.progress.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            self._viewer.window.add_dock_widget(
                self.progress, name=NAME, area="bottom", add_vertical_stretch=False
            )
            self._dock = _dock_of(self.progress)
            if self._dock is not None:
                nothing = QWidget(self._dock)  # a title would take room from the picture
                nothing.setFixedHeight(0)
                self._dock.setTitleBarWidget(nothing)
        return self.progress

    def close(self) -> None:
        """Take the strip away."""
        if self._dock is not None and isalive(self._dock):
            self._viewer.window.remove_dock_widget(self._dock)
            if self.progress is not None and isalive(self.progress):
                self.progress.deleteLater()
        self._dock = self.progress = None


def _dock_of(widget: QWidget) -> QDockWidget | None:
    """Find the dock that napari put a widget into; what it answers itself is a proxy for plugins."""
    parent = widget.parentWidget()
    while parent is not None and not isinstance(parent, QDockWidget):
        parent = parent.parentWidget()
    return parent
