"""A hand with a mouse and a keyboard: synthetic events on the canvas of a napari viewer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

_NONE = Qt.KeyboardModifier.NoModifier
_A_MOMENT_MS = 20
_STEP_PX = 4.0


def _steps(points: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """Go along a line in small steps, as a hand does: napari leaves moves out while it draws."""
    for start, stop in pairwise(points):
        n = max(1, math.ceil(math.dist(start, stop) / _STEP_PX))
        for i in range(1, n + 1):
            yield tuple(a + (b - a) * i / n for a, b in zip(start, stop, strict=True))


@dataclass(frozen=True)
class Hand:
    """A hand with a mouse and a keyboard on the canvas. Points are y and x in px of a layer of scale 1."""

    viewer: Any

    @property
    def canvas(self) -> Any:
        return self.viewer.window._qt_viewer.canvas

    def place(self, y: float, x: float) -> QPoint:
        px, py, *_ = self.canvas.view.scene.transform.map([x, y, 0])
        return QPoint(round(px), round(py))

    def hover(self, y: float, x: float) -> None:
        for place in (self.place(y + 1, x + 1), self.place(y, x)):
            QTest.mouseMove(self.canvas.native, place)
            QTest.qWait(_A_MOMENT_MS)

    def click(self, y: float, x: float, modifier: Qt.KeyboardModifier = _NONE) -> None:
        self.hover(y, x)
        QTest.mouseClick(self.canvas.native, Qt.MouseButton.LeftButton, modifier, self.place(y, x))
        QTest.qWait(_A_MOMENT_MS)

    def grab(self, *points: tuple[float, float], modifier: Qt.KeyboardModifier = _NONE) -> None:
        """Drag, without letting go."""
        native = self.canvas.native
        self.hover(*points[0])
        QTest.mousePress(native, Qt.MouseButton.LeftButton, modifier, self.place(*points[0]))
        for point in _steps(points):
            at = QPointF(self.place(*point))
            move = QMouseEvent(  # QTest.mouseMove moves the pointer itself, and Qt may leave a move out
                QEvent.Type.MouseMove,
                at,
                native.mapToGlobal(at),
                Qt.MouseButton.NoButton,
                Qt.MouseButton.LeftButton,
                modifier,
            )
            QApplication.sendEvent(native, move)
            QTest.qWait(_A_MOMENT_MS)

    def let_go(self, y: float, x: float, modifier: Qt.KeyboardModifier = _NONE) -> None:
        QTest.mouseRelease(self.canvas.native, Qt.MouseButton.LeftButton, modifier, self.place(y, x))
        QTest.qWait(_A_MOMENT_MS)

    def drag(self, *points: tuple[float, float], modifier: Qt.KeyboardModifier = _NONE) -> None:
        self.grab(*points, modifier=modifier)
        self.let_go(*points[-1], modifier=modifier)

    def around(self, y: float, x: float, half: float, modifier: Qt.KeyboardModifier = _NONE) -> None:
        """Draw around a square."""
        corners = ((-half, -half), (-half, half), (half, half), (half, -half), (-half, -half + 2))
        self.drag(*((y + dy, x + dx) for dy, dx in corners), modifier=modifier)

    def key(self, key: Qt.Key, modifier: Qt.KeyboardModifier = _NONE) -> None:
        QTest.keyClick(self.canvas.native, key, modifier)
        QTest.qWait(_A_MOMENT_MS)
