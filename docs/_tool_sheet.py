"""One picture of all tools of correcting: what each finds, and what it leaves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from benchmarks._hand import Hand
from matplotlib.figure import Figure
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_cellseg.label import edit as editing

_COLUMNS = 4
_SHOWN_PX = 70.0

Point = tuple[float, float]


@dataclass(frozen=True)
class Show:
    """One tool at work on a nucleus.

    Attributes
    ----------
    tool : str
        Its name on the buttons.
    title : str
        What is shown.
    setup : callable
        Makes the edits with which the labels are wrong first, of the labels and the nucleus.
    points : sequence of tuple of float
        Where the hand clicks, or along what it drags: y and x in radii from the middle of the nucleus.
    drags : bool
        Whether it drags.
    """

    tool: str
    title: str
    setup: Callable[[npt.NDArray[np.int32], int], Sequence[editing.Edit]]
    points: Sequence[Point]
    drags: bool = False


def _as_it_is(_labels: npt.NDArray[np.int32], _label: int) -> Sequence[editing.Edit]:
    return ()


def _gone(labels: npt.NDArray[np.int32], label: int) -> Sequence[editing.Edit]:
    return (editing.delete(labels, label),)


def _too_large(labels: npt.NDArray[np.int32], label: int) -> Sequence[editing.Edit]:
    return (editing.grow(labels, label, by_px=3),)


def _in_two(labels: npt.NDArray[np.int32], label: int) -> Sequence[editing.Edit]:
    rows, columns = np.nonzero(labels == label)
    line = [(rows.min() - 3.0, columns.mean()), (rows.max() + 3.0, columns.mean())]
    return (editing.split(labels, line, 1),)


def _with_hole(labels: npt.NDArray[np.int32], label: int) -> Sequence[editing.Edit]:
    after = labels.copy()
    y, x = (round(float(axis.mean())) for axis in np.nonzero(labels == label))
    after[y - 2 : y + 2, x - 2 : x + 3] = 0
    return (editing.stroke(labels, after),)


def _ragged(labels: npt.NDArray[np.int32], label: int) -> Sequence[editing.Edit]:
    after = labels.copy()
    rows, columns = np.nonzero(labels == label)
    y, x = round(float(rows.mean())), columns.max()
    after[y - 1 : y + 1, x : x + 5] = label
    after[
        rows.min() - 3 : rows.min() + 1, round(float(columns.mean())) : round(float(columns.mean())) + 2
    ] = label
    return (editing.stroke(labels, after),)


_AROUND = ((-1.7, -1.7), (-1.7, 1.7), (1.7, 1.7), (1.7, -1.7), (-1.7, -1.6))
_ACROSS = ((-1.6, 0.0), (1.6, 0.0))
_MIDDLE = ((0.0, 0.0),)
_CORNERS = ((-1.0, 0.0), (-0.3, 1.2), (0.9, 0.9), (0.9, -0.6), (-0.3, -1.2), (-1.0, 0.0))
SHOWS = (
    Show("delete", "Delete: click", _as_it_is, _MIDDLE),
    Show("delete", "Delete: lasso", _as_it_is, _AROUND, drags=True),
    Show("new", "New: click", _gone, _MIDDLE),
    Show("merge", "Merge: drag through both", _in_two, ((0.0, -0.6), (0.0, 0.6)), drags=True),
    Show("cut", "Split: draw a line", _as_it_is, _ACROSS, drags=True),
    Show("cut", "Split: two clicks", _as_it_is, ((0.0, -0.5), (0.0, 0.5))),
    Show("snap", "Snap: click", _too_large, _MIDDLE),
    Show("smooth", "Smooth: click", _ragged, _MIDDLE),
    Show("fill", "Fill holes: click", _with_hole, ((0.7, 0.0),)),
    Show("grow", "Grow: three clicks", _as_it_is, _MIDDLE * 3),
    Show("shrink", "Shrink: three clicks", _as_it_is, _MIDDLE * 3),
    Show("ignore", "Ignore: lasso", _gone, _AROUND, drags=True),
    Show("new", "New: draw its outline", _gone, _CORNERS, drags=True),
    Show("polygon", "Polygon: click its corners", _gone, _CORNERS),
    Show("paint", "Paint: a stroke", _gone, ((0.0, -0.5), (0.0, 0.5)), drags=True),
    Show("erase", "Erase: a stroke", _as_it_is, ((0.0, 0.6), (0.0, 1.4)), drags=True),
)


def paint_tools(step: Any, hand: Hand, label: int, rest: Callable[[], None], file: Path) -> None:
    """Use every tool on a nucleus, take all back, and paint what was seen.

    Parameters
    ----------
    step : CorrectStep
        With corrections of the frame in view.
    hand : Hand
        On its viewer.
    label : int
        The nucleus.
    rest : callable
        Lets the window settle.
    file : Path
        The picture.
    """
    viewer, corrections = hand.viewer, step.corrections
    labels = corrections.movie[step.session.frame()]
    rows, columns = np.nonzero(labels == label)
    middle, radius = (float(rows.mean()), float(columns.mean())), float(np.sqrt(len(rows) / np.pi))
    side = float(corrections.layer.scale[-1])
    camera = viewer.scene.camera
    camera.center = (side * middle[0], side * middle[1])
    camera.zoom = min(viewer.window._qt_viewer.canvas.size) / (side * _SHOWN_PX)
    seen = []
    for show in SHOWS:
        edits = show.setup(np.array(labels), label)
        if edits:
            corrections.do(*edits)
        QTest.mouseClick(step.desk.buttons.buttons[show.tool], Qt.MouseButton.LeftButton)
        rest()
        before = _square(viewer.screenshot(canvas_only=True, flash=False))
        points = [(side * (middle[0] + radius * y), side * (middle[1] + radius * x)) for y, x in show.points]
        if show.drags:
            hand.drag(*points)
        else:
            for point in points:
                hand.click(*point)
        rest()
        seen.append((show.title, before, _square(viewer.screenshot(canvas_only=True, flash=False))))
        while corrections.can_undo:
            corrections.undo()
        hand.key(Qt.Key.Key_Escape)
    _paint(seen, file)


def _square(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    half = min(picture.shape[:2]) // 2
    y, x = (n // 2 for n in picture.shape[:2])
    return picture[y - half : y + half : 2, x - half : x + half : 2]


def _paint(seen: Sequence[tuple[str, npt.NDArray[np.uint8], npt.NDArray[np.uint8]]], file: Path) -> None:
    with mpl.rc_context({"font.size": 9}):
        lines = -(-len(seen) // _COLUMNS)
        figure = Figure(figsize=(2.9 * _COLUMNS, 1.75 * lines), layout="constrained")
        axes = figure.subplots(lines, 2 * _COLUMNS).ravel()
        for at in axes:
            at.set_axis_off()
        for number, (title, before, after) in enumerate(seen):
            for at, picture, name in zip(axes[2 * number :], (before, after), (title, "after"), strict=False):
                at.imshow(picture)
                at.set_title(name, fontsize=8, loc="left")
        figure.savefig(file, dpi=110)
