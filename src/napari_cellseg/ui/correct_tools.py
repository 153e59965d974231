"""The tool in hand on the corrected layer, and what its clicks, drags and keys come to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal

from napari_cellseg.label.edit import next_label
from napari_cellseg.ui.gestures import Gesture, Gestures
from napari_cellseg.ui.hatching import Hatching
from napari_cellseg.ui.keys import KeySet, bind_keys, bind_peek
from napari_cellseg.ui.polygons import close_polygon
from napari_cellseg.ui.tool_bench import Touch
from napari_cellseg.ui.tool_registry import TOOLS, ToolSpec, tool_of, tool_of_mode
from napari_cellseg.ui.tool_words import NOT_HERE, OUTSIDE
from napari_cellseg.ui.workbench import Workbench

if TYPE_CHECKING:
    from napari_cellseg.ui.corrections import Corrections
    from napari_cellseg.ui.session import Session
    from napari_cellseg.ui.tool_deeds import Deed


class Tools(QObject):
    """The tools on one corrected layer; one is in hand at a time, napari's own among them.

    ``tool_changed(str)`` names the tool in hand; ``told(str text, bool problem)`` is a sentence for the
    person; ``went_to(int)`` names the frame that must be seen; ``through_changed(bool)`` tells that
    tools go on through time, or no longer.

    Parameters
    ----------
    session : Session
        Its viewer's cursor counts, its pictures are looked at.
    corrections : Corrections
        The history that every change goes into.
    keys : KeySet
        Which key does what.
    actions : mapping of str to callable
        What keys do that are no tools, by `Key.name`.
    parent : QObject, optional
        Qt's owner.
    """

    tool_changed = Signal(str)
    told = Signal(str, bool)
    went_to = Signal(int)
    through_changed = Signal(bool)

    def __init__(
        self,
        session: Session,
        corrections: Corrections,
        keys: KeySet,
        actions: Mapping[str, Callable[[], object]],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._viewer = session, session.viewer
        self._corrections, self._layer = corrections, corrections.layer
        self.tool = "move"
        self.new_on_background = True
        self.keys = keys
        self._first: Touch | None = None
        self._first_seen = (0.0, 0.0)
        self.bench = Workbench(session, corrections, self)
        self.bench.told.connect(self.told)
        self.bench.went_to.connect(self.went_to)
        self._actions = {
            **actions,
            "undo": self.bench.undo,
            "redo": self.bench.redo,
            "through": lambda: self.go_through(not self.bench.through),
        }
        axis = corrections.time_axis
        self._gestures = Gestures(self._viewer, self._layer, axis, self._style, self)
        self._gestures.pressed.connect(self._pressed)
        self._gestures.tapped.connect(self._tapped)
        self._gestures.drawn.connect(self._drawn)
        self._hatching = Hatching(self._viewer, self._layer, corrections.movie, session.frame, self)
        self._layer.events.mode.connect(self._on_mode)
        self.use_keys(keys)

    def use_keys(self, keys: KeySet) -> None:
        """Bind the keys anew.

        Parameters
        ----------
        keys : KeySet
            Which key does what.
        """
        self.keys = self.bench.keys = keys
        self._layer.keymap.clear()
        bind_peek(self._layer, keys)
        bind_keys(self._layer, self._actions, keys)
        bind_keys(self._layer, {tool.name: partial(self.use_key, tool.name) for tool in TOOLS}, keys)
        self._bind_escape()

    def take(self, tool: str) -> None:
        """Take a tool in hand; taking the one in hand again puts it down. Clean-ups are done at once.

        Parameters
        ----------
        tool : str
            Its name in the registry.
        """
        spec = tool_of(tool)
        if spec is not None and spec.gesture == "at once" and spec.click is not None:
            self.bench.work(spec, spec.click, Touch(self._session.frame(), ()))
        elif spec is not None:
            self._take(TOOLS[0] if tool == self.tool else spec, spec.ask if tool != self.tool else "")

    def put_down(self) -> None:
        """Put a tool of ours down; napari's own stay in hand."""
        if self._is_ours:
            self._take(TOOLS[0], "")

    def use_key(self, tool: str) -> None:
        """Do what a tool does under the cursor; where it cannot, or needs more than a place, take it in hand.

        Parameters
        ----------
        tool : str
            Its name in the registry.
        """
        spec = tool_of(tool)
        if spec is None or spec.gesture != "click" or not self._viewer.cursor.position:
            self.take(tool)
            return
        touch = self._touch(self._gestures.at(self._viewer.cursor.position))
        if touch is not None and spec.click is not None and _suits(spec, touch):
            self.bench.work(spec, spec.click, touch)
        elif tool == self.tool:
            self._complain(spec, touch)
        else:
            self._take(spec, f"{NOT_HERE[spec.suits] if touch else OUTSIDE} {spec.ask}")

    def go_through(self, on: bool) -> None:
        """Let tools go on through the following frames, or no longer.

        Parameters
        ----------
        on : bool
            True lets them.
        """
        if on != self.bench.through:
            self.bench.through = on
            self.through_changed.emit(on)

    def set_min_area(self, area_px: int) -> None:
        """Say which objects are too small.

        Parameters
        ----------
        area_px : int
            Those with fewer pixels; 0 for a tenth of the usual area in the frame.
        """
        self.bench.min_area_px = float(area_px)

    def close(self) -> None:
        """Let go of the layer."""
        self.bench.close()
        self._put_down()
        self._layer.events.mode.disconnect(self._on_mode)
        self._gestures.close()
        self._hatching.close()
        self._layer.keymap.clear()

    # The tool in hand

    def _take(self, spec: ToolSpec, ask: str) -> None:
        self._put_down()
        self._viewer.layers.selection.active = self._layer
        if not self._layer.visible:
            self._layer.visible = True
        self.tool = spec.name
        self._layer.mode = spec.mode
        self._bind_escape()
        self.told.emit(ask, False)
        self.tool_changed.emit(self.tool)

    def _put_down(self) -> None:
        if self._is_ours:
            self._layer.bind_key("Escape", None)
        self._first = None
        self._gestures.drop()
        self.tool = "other"  # so that the mode we set next is not taken for the person's choice

    @property
    def _is_ours(self) -> bool:
        spec = tool_of(self.tool)
        return spec is not None and spec.gesture != "napari"

    def _bind_escape(self) -> None:
        if self._is_ours:
            self._layer.bind_key("Escape", lambda _layer: self.put_down(), overwrite=True)

    def _on_mode(self, _event: object) -> None:
        """Napari's own buttons and keys choose tools too."""
        if self.tool == "other":
            return
        spec, mode = tool_of(self.tool), str(self._layer.mode)
        if spec is None or spec.mode != mode:
            self._put_down()
            self.tool = tool_of_mode(mode)
            chosen = tool_of(self.tool)
            self.told.emit(chosen.ask if chosen is not None else "", False)
            self.tool_changed.emit(self.tool)

    # What the hand does

    def _style(self) -> str:
        spec = tool_of(self.tool)
        if spec is None or spec.gesture == "napari":
            return ""
        return "lasso" if spec.closed and spec.drag is not None else "line"

    def _pressed(self, gesture: Gesture) -> None:
        if self.tool == "polygon":
            touch = self._touch(gesture)
            if touch is not None:
                self._layer.selected_label = next_label(self._corrections.movie[touch.frame])
            close_polygon(self._viewer, self._layer, gesture.seen[0])
        elif self.tool in ("paint", "bucket") and self.new_on_background:
            self._choose_label(gesture)

    def _choose_label(self, gesture: Gesture) -> None:
        """Extend the nucleus that a stroke starts in; on background start a new one."""
        touch = self._touch(gesture)
        if touch is not None:
            self._layer.selected_label = touch.label or next_label(self._corrections.movie[touch.frame])

    def _tapped(self, gesture: Gesture) -> None:
        spec, touch = tool_of(self.tool), self._touch(gesture)
        if spec is None:
            return
        if touch is None or not _suits(spec, touch):
            self._complain(spec, touch)
        elif spec.two_clicks is not None:
            self._tapped_twice(spec, spec.two_clicks, touch, gesture)
        elif spec.click is not None:
            self.bench.work(spec, spec.click, touch)

    def _tapped_twice(self, spec: ToolSpec, deed: Deed, touch: Touch, gesture: Gesture) -> None:
        first, self._first = self._first, None
        if first is None or first.frame != touch.frame:
            self._first, self._first_seen = touch, gesture.seen[0]
            self._gestures.trace.mark(self._first_seen)
            self.told.emit(spec.ask_again, False)
        else:
            self.bench.work(spec, deed, Touch(touch.frame, (*first.points, *touch.points), first.label))

    def _drawn(self, gesture: Gesture) -> None:
        spec = tool_of(self.tool)
        self._first = None
        if spec is None:
            return
        if not 0 <= gesture.frame < len(self._corrections.movie):
            self.told.emit(OUTSIDE, True)
        elif spec.drag is not None:
            self.bench.work(spec, spec.drag, Touch(gesture.frame, gesture.points, 0, gesture.shift))
        else:  # a hand that slipped: what it began on is what was meant
            self._tapped(gesture)

    def _complain(self, spec: ToolSpec, touch: Touch | None) -> None:
        why = OUTSIDE if touch is None else NOT_HERE[spec.suits]
        if self._first is None:
            self.told.emit(f"{why} {spec.ask}", True)
        else:  # a second click beside a nucleus is no reason to do the first one again
            self._gestures.trace.mark(self._first_seen)
            self.told.emit(f"{why} {spec.ask_again}", True)

    def _touch(self, gesture: Gesture) -> Touch | None:
        """Look at what lies under the first point of a gesture; None outside the picture."""
        movie, t = self._corrections.movie, gesture.frame
        if self._viewer.dims.ndisplay != 2:
            return None
        y, x = (round(value) for value in gesture.points[0])
        inside = 0 <= t < movie.shape[0] and 0 <= y < movie.shape[1] and 0 <= x < movie.shape[2]
        return Touch(t, gesture.points[:1], int(movie[t, y, x]), gesture.shift) if inside else None


def _suits(spec: ToolSpec, touch: Touch) -> bool:
    if spec.suits == "object":
        return touch.label > 0
    return spec.suits == "any" or touch.label <= 0
