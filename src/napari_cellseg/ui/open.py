"""Open napari with images or a study and the panel beside them: ``python -m napari_cellseg.ui.open PATH``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import napari
from napari.layers import Layer
from qtpy.QtCore import QTimer

from napari_cellseg.data.project import STUDY_FILE, Study
from napari_cellseg.ui.contributions import stack_layers
from napari_cellseg.ui.dock import CellSegDock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_LOOK_MS = 200
_PICTURE_PX = (1366, 768)
_SETTLE_MS = 1500
_GIVE_UP_MS = 240_000


def open_window(paths: Sequence[Path], model: Path | None = None) -> tuple[napari.Viewer, CellSegDock]:
    """Open napari with images and the panel.

    Parameters
    ----------
    paths : sequence of Path
        Stacks, or the folder of one study, whose images are opened.
    model : Path, optional
        A model's folder: the nuclei of all frames are found and counted by it.

    Returns
    -------
    viewer : napari.Viewer
        The viewer, shown.
    dock : CellSegDock
        The panel.
    """
    viewer = napari.Viewer()
    _, dock = viewer.window.add_plugin_dock_widget("napari-cellseg", "Cell segmentation")
    for path in paths:
        if (path / STUDY_FILE).is_file():
            for layer in stack_layers(Study.open(path).open_stack()):
                viewer.add_layer(Layer.create(*layer))
        else:
            viewer.open(str(path), plugin="napari-cellseg")
    if model is not None:
        _when(dock, lambda: dock.is_ready and dock.session.stack is not None, lambda: _count(dock, model))
    return viewer, dock


def _count(dock: CellSegDock, model: Path) -> None:
    step = dock.step("Count")
    dock.open_named("Count")
    dock.session.model = model
    dock.session.model_changed.emit()
    _when(dock, lambda: step.model.model == model, step.count_all)


def _when(dock: CellSegDock, ready: Callable[[], bool], then: Callable[[], object]) -> None:
    """Call something once, as soon as something else is ready; both happen in the window's thread."""
    timer = QTimer(dock)

    def look() -> None:
        if ready():
            timer.stop()
            timer.deleteLater()
            then()

    timer.timeout.connect(look)
    timer.start(_LOOK_MS)


def main(arguments: Sequence[str] | None = None) -> int:
    """Open napari, and close it again after a picture of it when one is asked for.

    Parameters
    ----------
    arguments : sequence of str, optional
        Arguments without the program's name; those of the process when not given.

    Returns
    -------
    int
        0; 1 when the picture could not be taken.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--screenshot", type=Path)
    options = parser.parse_args(arguments)
    viewer, dock = open_window(options.paths, options.model and options.model.resolve())
    if options.screenshot is not None:
        _picture(viewer, dock, options.screenshot, counted=options.model is not None)
    napari.run()
    return 0 if options.screenshot is None or options.screenshot.is_file() else 1


def _picture(viewer: napari.Viewer, dock: CellSegDock, path: Path, *, counted: bool) -> None:
    """Take a picture when everything is there, then close the window."""
    viewer.window.resize(*_PICTURE_PX)

    def take() -> None:
        viewer.screenshot(str(path), canvas_only=False, flash=False)
        viewer.close()

    def ready() -> bool:
        return dock.session.cells is not None if counted else dock.session.stack is not None

    _when(dock, ready, lambda: QTimer.singleShot(_SETTLE_MS, take))
    QTimer.singleShot(_GIVE_UP_MS, viewer.close)


if __name__ == "__main__":
    sys.exit(main())
