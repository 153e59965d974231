"""Labels of the frame that is shown, renewed as the settings or the frame change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, QTimer, Signal

from napari_cellseg.live import labelling
from napari_cellseg.ui.layers import PREVIEW, add_labels, remove
from napari_cellseg.ui.portable import Plane

if TYPE_CHECKING:
    from napari.layers import Labels

    from napari_cellseg.config import LabelConfig
    from napari_cellseg.ui.session import Session
    from napari_cellseg.ui.task import Task

_PAUSE_MS = 150


class LivePreview(QObject):
    """Keeps one contour layer up to date; answers to older questions are dropped.

    Parameters
    ----------
    session : Session
        What the steps share.
    """

    counted = Signal(int, int)
    failed = Signal(object)
    asked = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._config: LabelConfig | None = None
        self._task: Task | None = None
        self._layer: Labels | None = None
        self._on = False
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_PAUSE_MS)
        self._soon.timeout.connect(self._start)

    @property
    def on(self) -> bool:
        """Whether the preview is shown."""
        return self._on

    def turn(self, on: bool, config: LabelConfig | None = None) -> None:
        """Show the preview, or take it away.

        Parameters
        ----------
        on : bool
            Which.
        config : LabelConfig, optional
            The settings to show.
        """
        self._config = config or self._config
        self._on = on
        if on:
            self.renew()
        else:
            self._soon.stop()
            self._drop()
            remove(self._session.viewer, self._layer)
            self._layer = None

    def renew(self, config: LabelConfig | None = None) -> None:
        """Compute it anew, a moment after the last change.

        Parameters
        ----------
        config : LabelConfig, optional
            The settings to show from now on.
        """
        self._config = config or self._config
        if self._on:
            self._soon.start()

    def frame_moved(self) -> None:
        """Hide what belongs to another frame, and compute it anew."""
        if self._layer is not None:
            self._layer.visible = False
        self.renew()

    def _drop(self) -> None:
        if self._task is not None:
            self._task.drop()
            self._task = None

    def _start(self) -> None:
        self._drop()
        session = self._session
        if not self._on or self._config is None or session.stack is None or session.is_closed:
            return
        if session.fluorescence_channel is None:
            return
        t = session.frame()
        self.asked.emit()
        self._task = session.run(
            labelling.preview_frame,
            Plane(session.stack, t, session.fluorescence_channel),
            self._config,
            on_done=lambda preview: self._show(t, preview),
            on_failed=self.failed.emit,
            quick=True,
        )

    def _show(self, t: int, preview: labelling.Preview) -> None:
        self._task = None
        session = self._session
        over: Any = session.fluorescence_layer or session.image_layer
        if not self._on or t != session.frame() or over not in session.viewer.layers:
            return
        if self._layer is None or self._layer not in session.viewer.layers:
            self._layer = add_labels(session.viewer, preview.labels, PREVIEW, "preview", over, contour=2)
            self._layer.editable = False
        elif self._layer.data.shape == preview.labels.shape:
            self._layer.data = preview.labels
        else:
            remove(session.viewer, self._layer)
            self._layer = None
            self._show(t, preview)
            return
        self._layer.visible = True
        self.counted.emit(t, preview.n_objects)
