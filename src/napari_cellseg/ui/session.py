"""What the steps of one window share: the chosen layers, the study, the helper, and news of all of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal

from napari_cellseg.errors import InputError
from napari_cellseg.label.review import Review
from napari_cellseg.ui.runner import Runner

if TYPE_CHECKING:
    from napari.layers import Image, Labels

    from napari_cellseg.data.channels import Channels
    from napari_cellseg.data.project import Study
    from napari_cellseg.data.stack import Stack


class Session(Runner):
    """What the five steps share. A step changes an attribute, then emits the signal that says so.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer of the window.
    parent : QObject, optional
        Qt's owner of the session.
    """

    stack_changed = Signal()
    study_changed = Signal()
    labels_changed = Signal()
    verdicts_changed = Signal()
    corrected_changed = Signal()
    model_changed = Signal()
    prediction_changed = Signal()
    cells_changed = Signal()
    device_changed = Signal()
    frame_changed = Signal(int)
    step_wanted = Signal(str)

    def __init__(self, viewer: Any, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.viewer = viewer
        self.stacks: list[Stack] = []
        self.stack: Stack | None = None
        self.image_channel = 0
        self.fluorescence_channel: int | None = None
        self.image_layer: Image | None = None
        self.fluorescence_layer: Image | None = None
        self.image_channel_name = ""
        self.study: Study | None = None
        self.study_folder: Path | None = None
        self.labels_layer: Labels | None = None
        self.corrected_layer: Labels | None = None
        self.prediction_layer: Labels | None = None
        self.probability_layer: Image | None = None
        self.verdicts: list[Any] = []
        self.model: Path | None = None
        self.cells: Any = None
        self.review = Review()
        self.corrected_frames: frozenset[int] = frozenset()
        self.predicted_frames: frozenset[int] = frozenset()
        self.device = ""
        self.time_axis = 0

        self._frame = self.frame()
        viewer.dims.events.current_step.connect(self._on_step)

    def frame(self) -> int:
        """Say which time point is shown.

        Returns
        -------
        int
            From 0; 0 for a single image.
        """
        dims = self.viewer.dims
        if dims.ndim <= 2 or self.time_axis >= dims.ndim - 2:
            return 0
        t = int(dims.current_step[self.time_axis])
        return min(t, self.stack.n_frames - 1) if self.stack is not None else t

    def go_to(self, t: int) -> None:
        """Show a time point.

        Parameters
        ----------
        t : int
            From 0.
        """
        dims = self.viewer.dims
        if dims.ndim > 2 and self.time_axis < dims.ndim - 2:
            dims.set_current_step(self.time_axis, t)

    def use_stack(
        self,
        stack: Stack | None,
        channels: Channels | None = None,
        image_layer: Image | None = None,
        fluorescence_layer: Image | None = None,
    ) -> None:
        """Work on another stack from now on; results of the stack before are forgotten here, not on disk.

        Parameters
        ----------
        stack : Stack or None
            A snapshot with one z plane; None when no picture is chosen.
        channels : Channels, optional
            Which of its channels is which.
        image_layer : napari.layers.Image, optional
            The layer that shows the label-free channel.
        fluorescence_layer : napari.layers.Image, optional
            The layer that shows the fluorescence, when there is one.
        """
        same = stack is not None and self.stack is not None and stack.source == self.stack.source
        self.stack = stack
        self.image_channel = (channels.image or 0) if channels is not None else 0
        self.fluorescence_channel = channels.fluorescence if channels is not None else None
        self.image_channel_name = stack.channels[self.image_channel] if stack is not None else ""
        self.image_layer, self.fluorescence_layer = image_layer, fluorescence_layer
        if not same:
            self.study, self.study_folder, self.verdicts, self.cells = None, None, [], None
        self.stack_changed.emit()
        self._on_step()
        if not same and stack is not None:
            self._find_study(stack)

    def _find_study(self, stack: Stack) -> None:
        """Learn where the study of a stack is kept, and open it when it is there already."""

        def found(answer: tuple[Path, Study | None]) -> None:
            still = self.stack is not None and self.stack.source == stack.source
            if still and self.study is None and self.study_folder is None:  # nobody chose one meanwhile
                self.study_folder, self.study = answer
                self.study_changed.emit()

        from napari_cellseg.ui import folders  # noqa: PLC0415 - dask takes long to import

        self.run(folders.find_study, stack, on_done=found, here=True)

    def need_study(self) -> Study:
        """Open the study, or make its folder, because a result is to be kept.

        Returns
        -------
        Study
            Of the stack that is chosen.

        Raises
        ------
        InputError
            No image is chosen, so there is nothing to keep.
        StorageError
            The folder cannot be written.
        """
        if self.study is None:
            from napari_cellseg.ui import folders  # noqa: PLC0415 - dask takes long to import

            if self.stack is None:
                raise InputError(
                    "No image is chosen", "Results belong to images", "Choose an image in step 1"
                )
            self.study_folder = self.study_folder or folders.folder_for(self.stack)
            stain = self.fluorescence_channel
            stain_name = self.stack.channels[stain] if stain is not None else None
            self.study = folders.open_or_make(
                self.study_folder, self.stack, self.image_channel_name, stain_name
            )
            self.say(f"Results are kept in {self.study_folder}")
            self.study_changed.emit()
        return self.study

    def use_study_folder(self, folder: Path) -> None:
        """Keep results elsewhere from now on; a study that is there already is opened.

        Parameters
        ----------
        folder : Path
            The folder.
        """
        self.study, self.study_folder, self.verdicts, self.cells = None, folder, [], None
        self.verdicts_changed.emit()

        def opened(study: Study | None) -> None:
            if self.study_folder == folder:
                self.study = study
                self.study_changed.emit()

        from napari_cellseg.ui import folders  # noqa: PLC0415 - dask takes long to import

        self.run(folders.study_at, folder, on_done=opened, here=True)

    def _on_step(self, _event: object = None) -> None:
        t = self.frame()
        if t != self._frame:
            self._frame = t
            self.frame_changed.emit(t)

    def close(self) -> None:
        """Drop all work and end the helpers, within two seconds; calling it again does nothing."""
        if not self.is_closed:
            self.viewer.dims.events.current_step.disconnect(self._on_step)
        super().close()
