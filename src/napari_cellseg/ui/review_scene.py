"""The picture that an expert judges: layers of ours above those of the person, and what a click means.

Nothing here can change labels: the layers are copies of one item, not editable, and gone afterwards. What was
visible before, where the camera stood and what was active come back.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari.layers import Image, Labels, Points
from napari.utils.colormaps import DirectLabelColormap
from qtpy.QtCore import QObject, Signal

from napari_cellseg.evaluate.review.pack import limits
from napari_cellseg.ui.layers import remove
from napari_cellseg.ui.quick_clicks import QuickClicks

if TYPE_CHECKING:
    from napari_cellseg.evaluate.review.judgement import Judgement
    from napari_cellseg.evaluate.review.pack import Pixels
    from napari_cellseg.evaluate.review.plan import Item

PICTURE, BESIDE, OUTLINES, MARKS = "to judge", "fluorescence beside", "outlines", "marks"
"""Names of the layers: they tell nothing of whose labels they are."""

RIGHT, WRONG, MISSED, UNSURE, OUTSIDE = "#3cc855", "#ff6e1e", "#5096ff", "#f0e442", "#8c8c8c"
"""Colours of the outlines and marks, as in the report; symbols differ too."""

_SYMBOLS = {"wrong": ("x", WRONG), "missed": ("ring", MISSED), "unsure": ("diamond", UNSURE)}
_GAP = 0.04
_STILL_PX = 5.0
_LEAST_MARK_PX = 6.0
_SMALL_PX = 300
_FILL = 0.95


@dataclass(frozen=True)
class _Before:
    """How the viewer was."""

    visible: dict[Any, bool]
    active: Any
    center: Any
    zoom: float
    grid: bool
    ndisplay: int


class ReviewScene(QObject):
    """Shows items and hears clicks.

    ``clicked(float y, float x, bool unsure)`` tells where, in px of the frame, and whether Shift was held;
    ``clicked_outside()`` that it was not within what is judged.

    Parameters
    ----------
    viewer : napari.Viewer
        Where.
    actions : dict of str to callable
        What keys do, by the key as napari writes it.
    parent : QObject, optional
        Qt's owner.
    """

    clicked = Signal(float, float, bool)
    clicked_outside = Signal()

    def __init__(
        self, viewer: Any, actions: dict[str, Callable[[], object]], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._viewer, self._actions = viewer, actions
        self._before: _Before | None = None
        self._quick: QuickClicks | None = None
        self._item: Item | None = None
        self._has_beside = False
        self.outlines_on = True
        self.beside_on = True
        self.image: Image | None = None
        self.beside: Image | None = None
        self.outlines: Labels | None = None
        self.marks: Points | None = None
        self.box: Any = None
        self._corners: tuple[float, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether items are shown."""
        return self._before is not None

    def show_item(self, pixels: Pixels, item: Item, said: Judgement, diameter_px: float) -> None:
        """Show an item in place of the one before.

        Parameters
        ----------
        pixels : Pixels
            What is shown.
        item : Item
            The item; its model is not looked at.
        said : Judgement
            What was said of it so far.
        diameter_px : float
            Typical diameter of an object, for the size of the marks.
        """
        if self._before is None:
            self._enter()
        if any(layer not in self._viewer.layers for layer in self._ours()):
            self._take_away()  # the person removed one of them: make all anew
        self._item = item
        like = self._like()
        if self.image is None:
            self._make(pixels, like)
        self._put(pixels)
        self._put_beside(pixels, like)
        self._put_box(item, like)
        if self.marks is not None:
            size = max(diameter_px * 0.4, _LEAST_MARK_PX, max(pixels.labels.shape) / 60)
            self.marks.current_size = size
        self._bind()
        self.draw(said)
        self.set_outlines(self.outlines_on)
        self.set_beside(self.beside_on)
        self._viewer.layers.selection.active = self.image
        self.fit()

    def fit(self) -> None:
        """Show all of the item, as large as it can be."""
        if self.image is None:
            return
        (height, width), (step_y, step_x) = self.image.data.shape, self.image.scale[-2:]
        if self.beside is not None and self.beside.visible:
            width *= 2 + _GAP
        world = height * step_y, width * step_x
        camera = self._viewer.scene.camera  # napari's own way counts hidden layers too
        camera.center = (*camera.center[:-2], world[0] / 2, world[1] / 2)
        camera.zoom = _FILL * min(side / n for side, n in zip(self._viewer.canvas.size, world, strict=True))

    def _make(self, pixels: Pixels, like: dict[str, Any]) -> None:
        """Add the layers; for the items that follow they get other pixels, which is faster."""
        add = self._viewer
        self.image = add.add_image(pixels.image, name=PICTURE, colormap="gray", **like)
        self.outlines = add.add_labels(pixels.labels, name=OUTLINES, opacity=1, **like)
        self.marks = add.add_points(ndim=2, name=MARKS, border_width=0, **like)

    def _put(self, pixels: Pixels) -> None:
        if self.image is None or self.outlines is None:
            return
        self.image.data = pixels.image
        self.image.contrast_limits = limits(pixels.image)
        self.outlines.data = pixels.labels
        self.outlines.contour = 1 if max(pixels.labels.shape) < _SMALL_PX else 2

    def _put_beside(self, pixels: Pixels, like: dict[str, Any]) -> None:
        """Show the fluorescence to the right of the picture."""
        self._has_beside = pixels.fluorescence is not None
        if pixels.fluorescence is None:
            remove(self._viewer, self.beside)
            self.beside = None
            return
        if self.beside is None:
            self.beside = self._viewer.add_image(pixels.fluorescence, name=BESIDE, colormap="green", **like)
        self.beside.data = pixels.fluorescence
        self.beside.contrast_limits = limits(pixels.fluorescence)
        self.beside.translate = (0, pixels.image.shape[1] * (1 + _GAP) * like["scale"][1])

    def _put_box(self, item: Item, like: dict[str, Any]) -> None:
        """Draw a frame around what is judged, where there is a margin."""
        top, left = item.window[:2]
        corners = tuple(n - (left if i % 2 else top) - 0.5 for i, n in enumerate(item.box))
        if item.box != item.window and corners == self._corners:
            return
        remove(self._viewer, self.box)
        self.box, self._corners = None, corners
        if item.box == item.window:
            return
        y0, x0, y1, x1 = corners
        self.box = self._viewer.add_shapes(
            [[(y0, x0), (y0, x1), (y1, x1), (y1, x0)]],
            shape_type="polygon", edge_color="white", face_color="transparent", edge_width=2,
            name="judge within", opacity=0.7, **like,
        )  # fmt: skip

    def _bind(self) -> None:
        for layer in self._ours():
            for key, action in self._actions.items():
                layer.bind_key(key, _without_layer(action), overwrite=True)

    def draw(self, said: Judgement) -> None:
        """Show what was said of the item.

        Parameters
        ----------
        said : Judgement
            The marks.
        """
        if self.outlines is None or self.marks is None or self._item is None:
            return
        colours: dict[int | None, str] = {None: OUTSIDE, 0: "transparent"}
        for objects, colour in (
            (self._item.objects, RIGHT),
            (said.objects("wrong"), WRONG),
            (said.objects("unsure"), UNSURE),
        ):
            colours.update(dict.fromkeys(objects, colour))
        self.outlines.colormap = DirectLabelColormap(color_dict=colours)
        top, left = self._item.window[:2]
        marks = list(said.marks.values())
        self.marks.data = [(mark.y - top, mark.x - left) for mark in marks]
        if marks:
            self.marks.symbol = [_SYMBOLS[mark.kind][0] for mark in marks]
            self.marks.face_color = [_SYMBOLS[mark.kind][1] for mark in marks]
            self.marks.size = self.marks.current_size
            self.marks.selected_data = set()
        for layer in (self.outlines, self.marks, self.box):
            if layer is not None:
                layer.editable = False  # other pixels or points make napari forget it

    def object_at(self, y: float, x: float) -> int:
        """Say which object is at a place.

        Parameters
        ----------
        y, x : float
            In px of the frame.

        Returns
        -------
        int
            Its label; 0 for background, and for objects that are not judged.
        """
        if self.outlines is None or self._item is None:
            return 0
        top, left = self._item.window[:2]
        label = int(self.outlines.data[round(y - top), round(x - left)])
        return label if label in self._item.objects else 0

    def set_outlines(self, on: bool) -> None:
        """Show or hide the outlines.

        Parameters
        ----------
        on : bool
            Whether they are shown.
        """
        self.outlines_on = on
        for layer in (self.outlines, self.marks):
            if layer is not None:
                layer.visible = on

    def set_beside(self, on: bool) -> None:
        """Show or hide the fluorescence beside the picture.

        Parameters
        ----------
        on : bool
            Whether it is shown.
        """
        self.beside_on = on
        if self.beside is not None:
            self.beside.visible = on

    @property
    def has_beside(self) -> bool:
        """Whether the item has fluorescence to show."""
        return self._has_beside

    def leave(self) -> None:
        """Take our layers away, and bring everything back as it was."""
        if self._before is None:
            return
        before, self._before = self._before, None
        self._viewer.mouse_drag_callbacks.remove(self._on_mouse)
        if self._quick is not None:
            self._quick.close()
            self._quick = None
        self._take_away()
        for layer, visible in before.visible.items():
            if layer in self._viewer.layers:
                layer.visible = visible
        if before.active in self._viewer.layers:
            self._viewer.layers.selection.active = before.active
        self._viewer.canvas.grid.enabled, self._viewer.dims.ndisplay = before.grid, before.ndisplay
        camera = self._viewer.scene.camera
        camera.center, camera.zoom = before.center, before.zoom

    def _enter(self) -> None:
        viewer = self._viewer
        camera = viewer.scene.camera
        self._before = _Before(
            {layer: layer.visible for layer in viewer.layers},
            viewer.layers.selection.active,
            camera.center,
            camera.zoom,
            viewer.canvas.grid.enabled,
            viewer.dims.ndisplay,
        )
        viewer.dims.ndisplay = 2
        viewer.canvas.grid.enabled = False
        for layer in viewer.layers:
            layer.visible = False
        viewer.mouse_drag_callbacks.append(self._on_mouse)
        self._quick = QuickClicks(viewer, lambda: True, self)  # each of a row of quick clicks is a mark

    def _ours(self) -> list[Any]:
        known = (self.image, self.beside, self.outlines, self.box, self.marks)
        return [layer for layer in known if layer is not None]

    def _take_away(self) -> None:
        for layer in self._ours():
            layer.keymap.clear()
            remove(self._viewer, layer)
        self.image = self.beside = self.outlines = self.marks = self.box = None
        self._corners = ()
        self._item = None

    def _like(self) -> dict[str, Any]:
        """Take the units that the viewer's layers have: napari shows layers of one kind of unit together."""
        before = self._before
        others = [] if before is None else [layer for layer in before.visible if layer in self._viewer.layers]
        if not others:
            return {"scale": (1.0, 1.0)}
        return {"scale": tuple(others[0].scale[-2:]), "units": tuple(others[0].units[-2:])}

    def _on_mouse(self, _viewer: object, event: Any) -> Generator[None, None, None]:
        """Tell a click from a drag, which moves the picture."""
        if event.button != 1:
            return
        start, still = event.pos, True
        shift = "Shift" in event.modifiers
        yield
        while event.type == "mouse_move":
            still = still and max(abs(event.pos[0] - start[0]), abs(event.pos[1] - start[1])) < _STILL_PX
            yield
        if still:
            self._on_click(event.position, shift)

    def _on_click(self, position: Any, shift: bool) -> None:
        if self._item is None:
            return
        top, left = self._item.window[:2]
        y0, x0, y1, x1 = self._item.box
        for layer in (self.image, self.beside):
            if layer is None or not layer.visible:
                continue
            row, column = (float(n) for n in layer.world_to_data(position)[-2:])
            y, x = row + top, column + left
            if y0 - 0.5 <= y < y1 - 0.5 and x0 - 0.5 <= x < x1 - 0.5:
                self.clicked.emit(y, x, shift)
                return
        self.clicked_outside.emit()


def _without_layer(action: Callable[[], object]) -> Callable[[Any], None]:
    def pressed(_layer: Any) -> None:
        action()

    return pressed
