"""How clicks and drags on a labels layer become points: a tap, or a line that was drawn."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

from qtpy.QtCore import QObject, Signal

from napari_cellseg.ui.quick_clicks import QuickClicks
from napari_cellseg.ui.tool_bench import Point
from napari_cellseg.ui.trace import Trace

_STILL_PX = 6.0
"""A pen never rests: what moves less than this on the screen is a tap."""


@dataclass(frozen=True)
class Gesture:
    """What the hand did.

    Attributes
    ----------
    frame : int
        The frame it began on.
    points : tuple of tuple of float
        y and x in px of the labels.
    seen : tuple of tuple of float
        The same points as x and y in the viewer's coordinates.
    shift : bool
        Whether the shift key was held when it began.
    """

    frame: int
    points: tuple[Point, ...]
    seen: tuple[Point, ...]
    shift: bool = False


class Gestures(QObject):
    """Watches the mouse on one layer.

    ``pressed(Gesture)`` comes at once, also while one of napari's tools is in hand; ``tapped(Gesture)`` and
    ``drawn(Gesture)`` when the button is let go, unless a tool was taken or put down in between.

    Parameters
    ----------
    viewer : napari.Viewer
        On whose canvas the line is shown.
    layer : napari.layers.Labels
        The layer.
    time_axis : int or None
        Which of its axes is time; None for a single frame.
    style : callable
        Answers how a drag is shown: ``"line"``, ``"lasso"``, or empty for tools that are not ours.
    parent : QObject, optional
        Qt's owner.
    """

    pressed = Signal(object)
    tapped = Signal(object)
    drawn = Signal(object)

    def __init__(
        self,
        viewer: Any,
        layer: Any,
        time_axis: int | None,
        style: Callable[[], str],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._viewer, self._layer, self._time_axis, self._style = viewer, layer, time_axis, style
        self._turn = 0
        self.trace = Trace(viewer)
        self._quick = QuickClicks(viewer, lambda: bool(style()), self)
        layer.mouse_drag_callbacks.insert(0, self._on_mouse)

    def drop(self) -> None:
        """Forget what is being drawn."""
        self._turn += 1
        self.trace.clear()

    def close(self) -> None:
        """Let go of the layer."""
        self.drop()
        self._quick.close()
        if self._on_mouse in self._layer.mouse_drag_callbacks:
            self._layer.mouse_drag_callbacks.remove(self._on_mouse)

    def at(self, position: Any) -> Gesture:
        """Make a gesture of one place.

        Parameters
        ----------
        position : sequence of float
            In the viewer's coordinates.

        Returns
        -------
        Gesture
            With one point.
        """
        return Gesture(self._frame_of(position), (self._yx(position),), (self._seen(position),))

    def _on_mouse(self, _layer: object, event: Any) -> Generator[None, None, None]:
        if event.button != 1 or len(event.dims_displayed) != 2:
            return
        start = self.at(event.position)
        begun = Gesture(start.frame, start.points, start.seen, "Shift" in event.modifiers)
        self.pressed.emit(begun)
        style = self._style()
        if not style:
            return
        turn, pressed_at = self._turn, tuple(event.pos)
        points, seen, still = list(begun.points), list(begun.seen), True
        yield
        while event.type == "mouse_move":
            still = still and math.dist(pressed_at, event.pos) < _STILL_PX
            points.append(self._yx(event.position))
            seen.append(self._seen(event.position))
            if turn == self._turn and not still:
                self.trace.draw(seen, style == "lasso")
            yield
        if turn != self._turn:
            return
        points.append(self._yx(event.position))  # of a fast hand no move may have come before it let go
        seen.append(self._seen(event.position))
        still = still and math.dist(pressed_at, event.pos) < _STILL_PX
        self.trace.clear()
        if still:
            self.tapped.emit(begun)
        else:
            self.drawn.emit(Gesture(begun.frame, tuple(points), tuple(seen), begun.shift))

    def _yx(self, position: Any) -> Point:
        y, x = self._layer.world_to_data(position)[-2:]
        return float(y), float(x)

    def _seen(self, position: Any) -> Point:
        return float(position[-1]), float(position[-2])

    def _frame_of(self, position: Any) -> int:
        axis = self._time_axis
        return 0 if axis is None else round(float(self._layer.world_to_data(position)[axis]))
