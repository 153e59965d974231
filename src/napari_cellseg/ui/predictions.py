"""The layers that show what a model found, mapped from the files that the helper writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QObject, QTimer, Signal

from napari_cellseg.data.project import open_label_movie
from napari_cellseg.live.counting import FilesReady
from napari_cellseg.ui.key_file import own_keys
from napari_cellseg.ui.keys import bind_peek
from napari_cellseg.ui.layers import PROBABILITY, add_labels, layers_like, remove, spread
from napari_cellseg.ui.sources import FILE, over_picture

if TYPE_CHECKING:
    from napari.layers import Image, Labels

    from napari_cellseg.ui.session import Session

_FLASH_MS = 700
_LATER_MS = 250


class PredictionLayers(QObject):
    """Labels and probability of one model on one stack.

    ``object_picked(int frame, int label)`` is told when a nucleus is clicked in the viewer, ``shown()`` when
    the labels were made visible or hidden.

    Parameters
    ----------
    session : Session
        What the steps share; its ``prediction_layer`` and ``probability_layer`` are set here.
    parent : QObject, optional
        Qt's owner.
    """

    object_picked = Signal(int, int)
    shown = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.files: FilesReady | None = None
        self._contours = True
        self._probability = False
        self._flash = QTimer(self)
        self._flash.setSingleShot(True)
        self._flash.setInterval(_FLASH_MS)
        self._flash.timeout.connect(self._end_flash)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(_LATER_MS)
        self._later.timeout.connect(self._open_probability)

    @property
    def labels(self) -> Labels | None:
        """The layer of labels; None when it is not there, or was removed."""
        layer = self._session.prediction_layer
        return layer if layer is not None and layer in self._session.viewer.layers else None

    @property
    def probability(self) -> Image | None:
        """The layer of probabilities; None when it is not there, or was removed."""
        layer = self._session.probability_layer
        return layer if layer is not None and layer in self._session.viewer.layers else None

    def open(self, files: FilesReady, model: str) -> None:
        """Show files, unless they are shown already.

        Parameters
        ----------
        files : FilesReady
            The files.
        model : str
            Name of the model, for the layer.
        """
        session = self._session
        over = over_picture(session)
        if over is None or (files == self.files and self.labels is not None):
            return
        self.close()
        self.files = files
        movie = open_label_movie(files.labels, "r")
        layer = add_labels(session.viewer, movie, f"nuclei ({model})", "prediction", over)
        layer.metadata[FILE] = str(files.labels)
        layer.editable = False  # step 3 corrects a copy
        layer.mouse_drag_callbacks.append(self._clicked)
        bind_peek(layer, own_keys(session.say))
        layer.events.visible.connect(self._on_visible)
        session.prediction_layer = layer
        for other in (session.labels_layer, session.corrected_layer):
            if other is not None:
                other.visible = False  # two colourings of the same nuclei cannot be told apart
        session.viewer.layers.selection.active = layer
        self.show_contours(self._contours)
        self._later.start()  # napari draws everything anew for every layer: one of them at a time
        session.prediction_changed.emit()

    def _on_visible(self, _event: object = None) -> None:
        self.shown.emit()

    def _open_probability(self) -> None:
        over = over_picture(self._session)
        if over is None or self.files is None or self.labels is None:
            return
        movie = np.load(self.files.probability, mmap_mode="r")
        viewer = self._session.viewer
        self._session.probability_layer = _add_probability(viewer, movie, over, self._probability)
        viewer.layers.move(len(viewer.layers) - 1, viewer.layers.index(self.labels))

    def refresh(self) -> None:
        """Show the frame in view as it is in the files now."""
        for layer in (self.labels, self.probability):
            if layer is not None:
                layer.refresh(extent=False)

    def show_contours(self, on: bool) -> None:
        """Outline the nuclei, or fill them.

        Parameters
        ----------
        on : bool
            True for outlines.
        """
        self._contours = on
        if self.labels is not None:
            self.labels.contour = 1 if on else 0

    def show_probability(self, on: bool) -> None:
        """Show or hide how sure the model is.

        Parameters
        ----------
        on : bool
            True shows it.
        """
        self._probability = on
        if self.probability is not None:
            self.probability.visible = on

    def show_object(self, frame: int, label: int, y_px: float, x_px: float) -> None:
        """Go to an object, bring it into view and let it flash.

        Parameters
        ----------
        frame, label : int
            Which object.
        y_px, x_px : float
            Where it is.
        """
        layer, viewer = self.labels, self._session.viewer
        self._session.go_to(frame)
        if layer is None:
            return
        layer.selected_label = label
        y, x = layer.data_to_world((*(0.0,) * (layer.ndim - 2), y_px, x_px))[-2:]
        camera = viewer.scene.camera
        center = camera.center
        reach = [side / camera.zoom / 2 for side in viewer.canvas.size]
        if abs(y - center[-2]) > reach[0] or abs(x - center[-1]) > reach[1]:
            camera.center = (*center[:-2], y, x)
        layer.show_selected_label = True
        self._flash.start()

    def close(self) -> None:
        """Take the layers away; the files stay."""
        self._flash.stop()
        self._later.stop()
        session = self._session
        for layer in (session.prediction_layer, session.probability_layer):
            remove(session.viewer, layer)
        session.prediction_layer = session.probability_layer = self.files = None

    def _end_flash(self) -> None:
        if self.labels is not None:
            self.labels.show_selected_label = False

    def _clicked(self, layer: Labels, event: Any) -> Any:
        """Tell which nucleus was clicked; a drag moves the picture."""
        if event.button != 1:
            return
        yield
        moved = False
        while event.type == "mouse_move":
            moved = True
            yield
        label = layer.get_value(
            event.position,
            view_direction=event.view_direction,
            dims_displayed=event.dims_displayed,
            world=True,
        )
        if not moved and label is not None and label > 0:
            layer.selected_label = int(label)
            self.object_picked.emit(self._session.frame(), int(label))


def _add_probability(viewer: Any, movie: Any, over: Image, visible: bool) -> Image:
    wide = spread(movie, over)
    like = {key: value[-wide.ndim :] for key, value in layers_like(over).items()}
    active = viewer.layers.selection.active
    layer = viewer.add_image(
        wide,
        name=PROBABILITY,
        metadata={"napari-cellseg": "probability"},
        colormap="magma",
        blending="additive",
        opacity=0.6,
        contrast_limits=(0, 1),
        visible=visible,
        **like,
    )
    viewer.layers.selection.active = active
    return layer
