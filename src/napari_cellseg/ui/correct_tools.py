"""The tools of correcting: what a click, a drag or a key on the corrected layer does."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from qtpy.QtCore import QObject, QTimer, Signal

from napari_cellseg.errors import CellSegError
from napari_cellseg.label import edit as editing
from napari_cellseg.label.proposals import Taken
from napari_cellseg.ui.keys import bind_keys, bind_peek

if TYPE_CHECKING:
    from napari_cellseg.label.edit import Edit
    from napari_cellseg.label.journal_steps import EditStep
    from napari_cellseg.ui.corrections import Corrections

Tool = Literal["move", "paint", "erase", "bucket", "pick", "delete", "merge", "cut", "fill", "other"]

_MODES: dict[str, Tool] = {
    "pan_zoom": "move",
    "paint": "paint",
    "erase": "erase",
    "fill": "bucket",
    "pick": "pick",
}
_MODE_OF: dict[Tool, str] = {
    **{tool: mode for mode, tool in _MODES.items()},
    "delete": "pick",
    "merge": "pick",
    "fill": "pick",
    "cut": "erase",
}
"""napari's mode under each tool of ours: the cross of its picker, the trace of its eraser."""

_CLICK = {
    "delete": "Click a nucleus to delete it.",
    "merge": "Click two nuclei that are one.",
    "fill": "Click a nucleus to fill its holes.",
    "cut": "Draw a line through a nucleus that is two, from background to background.",
}
_DONE = {
    "delete": "Nucleus deleted.",
    "merge": "Two nuclei joined.",
    "split": "Nucleus cut.",
    "fill_holes": "Holes filled.",
    "stroke": "Brush stroke.",
}
_NOTHING = "There is no nucleus under the cursor."
_CUT_WIDTH_PX = 1


class Tools(QObject):
    """The tools on one corrected layer; one is in hand at a time, napari's own among them.

    ``tool_changed(str)`` names the tool in hand; ``told(str text, bool problem)`` is a sentence for the
    person; ``went_to(int)`` names the frame of what was undone or done again, which must be seen.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose cursor counts.
    corrections : Corrections
        The history that every change goes into.
    parent : QObject, optional
        Qt's owner.
    """

    tool_changed = Signal(str)
    told = Signal(str, bool)
    went_to = Signal(int)

    def __init__(self, viewer: Any, corrections: Corrections, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._corrections = corrections
        self._layer = corrections.layer
        self.tool: Tool = "move"
        self.new_on_background = True
        self._first: tuple[int, int] | None = None
        self._line: list[tuple[float, float]] = []
        self._line_frame = 0
        self._trace: list[Edit] = []
        self._brush_px = self._layer.brush_size
        self._layer.mouse_drag_callbacks.insert(0, self._on_mouse)
        self._layer.events.mode.connect(self._on_mode)
        bind_peek(self._layer)
        bind_keys(
            self._layer,
            {
                "delete": self.delete_here,
                "merge": lambda: self.take("merge"),
                "cut": lambda: self.take("cut"),
                "fill": self.fill_here,
                "undo": self.undo,
                "redo": self.redo,
            },
        )

    def take(self, tool: Tool) -> None:
        """Take a tool in hand; taking the one in hand again puts it down.

        Parameters
        ----------
        tool : str
            One of `Tool`.
        """
        if tool == self.tool and tool != "move":
            tool = "move"
        self._put_down()
        self._viewer.layers.selection.active = self._layer
        if not self._layer.visible:
            self._layer.visible = True
        self.tool = tool
        self._layer.mode = _MODE_OF[tool]
        if tool == "cut":
            self._brush_px, self._layer.brush_size = self._layer.brush_size, _CUT_WIDTH_PX
            self._corrections.intercept = self._trace.extend
        if tool in _CLICK:
            self._layer.bind_key("Escape", self._escape, overwrite=True)
            self.told.emit(_CLICK[tool], False)
        else:
            self.told.emit("", False)
        self.tool_changed.emit(tool)

    def delete_here(self) -> None:
        """Delete the nucleus under the cursor."""
        self._act_at("delete", self._viewer.cursor.position)

    def fill_here(self) -> None:
        """Fill the holes of the nucleus under the cursor."""
        self._act_at("fill", self._viewer.cursor.position)

    def undo(self) -> None:
        """Take the last step back, wherever it was, and say so."""
        edit = self._corrections.undo()
        failed = self._corrections.can_undo  # that was told already
        self._told_history("Undone", edit, "" if failed else "There is nothing left to undo.")

    def redo(self) -> None:
        """Do the step again that was undone last, and say so."""
        edit = self._corrections.redo()
        failed = self._corrections.can_redo
        self._told_history("Done again", edit, "" if failed else "There is nothing to do again.")

    def close(self) -> None:
        """Let go of the layer."""
        self._put_down()
        self._layer.events.mode.disconnect(self._on_mode)
        if self._on_mouse in self._layer.mouse_drag_callbacks:
            self._layer.mouse_drag_callbacks.remove(self._on_mouse)
        self._layer.keymap.clear()

    def _escape(self, _layer: object) -> None:
        self.take("move")

    def _put_down(self) -> None:
        if self.tool == "cut":
            self._layer.brush_size = self._brush_px
            self._corrections.intercept = None
        if self.tool in _CLICK:
            self._layer.bind_key("Escape", None)
        self._first = None
        self.tool = "other"  # so that the mode we set next is not taken for the person's choice

    def _on_mode(self, _event: object) -> None:
        """Napari's own buttons and keys choose tools too."""
        if self.tool == "other":
            return
        if _MODE_OF.get(self.tool) != self._layer.mode:
            self._put_down()
            self.tool = _MODES.get(self._layer.mode, "other")
            self.told.emit("", False)
            self.tool_changed.emit(self.tool)

    def _on_mouse(self, _layer: object, event: Any) -> Generator[None, None, None]:
        if event.button != 1:
            return
        if self.tool in ("paint", "bucket") and self.new_on_background:
            self._choose_label(event.position)
        elif self.tool in ("delete", "fill", "merge"):
            self._act_at(self.tool, event.position)
        elif self.tool == "cut":
            self._trace.clear()
            self._line_frame = self._frame_of(event.position)
            self._line = [self._yx(event.position)]
            yield
            while event.type == "mouse_move":
                self._line.append(self._yx(event.position))
                yield
            QTimer.singleShot(0, self._cut)  # after napari has told its stroke

    def _choose_label(self, position: Any) -> None:
        """Extend the nucleus that a stroke starts in; on background start a new one."""
        frame, label = self._at(position)
        if frame is None:
            return
        self._layer.selected_label = label or editing.next_label(self._corrections.movie[frame])

    def _act_at(self, tool: Tool, position: Any) -> None:
        frame, label = self._at(position)
        if frame is None:
            self.told.emit("The cursor is outside the picture.", True)
            return
        if label == 0:
            self.told.emit(f"{_NOTHING} {_CLICK[tool] if tool == self.tool else ''}".strip(), True)
            return
        labels = self._corrections.movie[frame]
        if tool == "delete":
            self._try(lambda: editing.delete(labels, label, frame=frame))
        elif tool == "fill":
            self._try(lambda: editing.fill_holes(labels, label, frame=frame))
        else:
            self._merge(frame, label)

    def _merge(self, frame: int, label: int) -> None:
        if self._first is None or self._first[0] != frame:
            self._first = (frame, label)
            self.told.emit("Now click the nucleus that it belongs to.", False)
            return
        first, self._first = self._first[1], None
        self._try(lambda: editing.merge(self._corrections.movie[frame], first, label, frame=frame))

    def _cut(self) -> None:
        trace, self._trace[:] = list(self._trace), []
        self._corrections.write([step.inverse() for step in reversed(trace)])
        frame, line = self._line_frame, np.array(self._line)
        self._try(lambda: editing.split(self._corrections.movie[frame], line, _CUT_WIDTH_PX, frame=frame))

    def _try(self, make: Callable[[], Edit]) -> None:
        try:
            edit = make()
        except CellSegError as error:
            self.told.emit(str(error), True)
            return
        if self._corrections.do(edit):
            self.told.emit(f"{_DONE[edit.tool]} Ctrl-Z takes it back.", False)

    def _told_history(self, what: str, edit: EditStep | Taken | None, nothing: str) -> None:
        if edit is None:
            if nothing:
                self.told.emit(nothing, True)
        elif isinstance(edit, Taken):
            self.told.emit(f"{what}: the proposals of {edit.who} for {len(edit.frames)} frames.", False)
        else:
            frames = sorted(edit.frames)
            self.went_to.emit(frames[0])
            step = _DONE.get(edit.tool, edit.tool).rstrip(".").lower()
            where = f"frame {frames[0]}" if len(frames) == 1 else f"{len(frames)} frames from {frames[0]} on"
            self.told.emit(f"{what}: {step}, {where}.", False)

    def _yx(self, position: Any) -> tuple[float, float]:
        y, x = self._layer.world_to_data(position)[-2:]
        return float(y), float(x)

    def _frame_of(self, position: Any) -> int:
        axis = self._corrections.time_axis
        return 0 if axis is None else round(float(self._layer.world_to_data(position)[axis]))

    def _at(self, position: Any) -> tuple[int | None, int]:
        """Frame and label under a place of the viewer; no frame outside the picture."""
        movie, t = self._corrections.movie, self._frame_of(position)
        y, x = (round(value) for value in self._yx(position))
        inside = 0 <= t < movie.shape[0] and 0 <= y < movie.shape[1] and 0 <= x < movie.shape[2]
        return (t, int(movie[t, y, x])) if inside else (None, 0)
