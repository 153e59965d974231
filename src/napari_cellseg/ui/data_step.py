"""Step 1: which pictures to work on, and what is known about them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import (
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QSpinBox,
    QWidget,
)

from napari_cellseg.data.axes import AXIS_NAMES
from napari_cellseg.data.channels import Channels, is_nuclear, kind_of
from napari_cellseg.errors import CellSegError, InputError
from napari_cellseg.ui.facts import facts_of
from napari_cellseg.ui.forms import OptionalNumber
from napari_cellseg.ui.layer_combo import LayerCombo
from napari_cellseg.ui.layers import is_picture
from napari_cellseg.ui.open_panel import OpenPanel
from napari_cellseg.ui.pictures import PICTURE, axes_choices, join_pictures, named_axes, picture_of
from napari_cellseg.ui.step import Step

if TYPE_CHECKING:
    from napari.layers import Image

    from napari_cellseg.data.stack import Stack, ZChoice
    from napari_cellseg.ui.session import Session


_DIRECT = Qt.FindChildOption.FindDirectChildrenOnly


class DataStep(Step):
    """Choose the label-free picture and the fluorescence from the layers, or open files.

    Parameters
    ----------
    session : Session
        What the steps share.
    """

    title = "Data"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        viewer = session.viewer
        self._by_hand = self._axes_told = False
        self._used: tuple[object, ...] | None = ()
        self.open_panel = OpenPanel(session, self)
        self.open_panel.opened.connect(self._on_opened)
        self.open_panel.checking.connect(self._on_checking)
        self.body.addWidget(self.open_panel)
        self.image = LayerCombo(viewer, is_picture, parent=self)
        self.fluorescence = LayerCombo(viewer, is_picture, empty="none", parent=self)
        self.axes = QComboBox(self)
        self.image_channel, self.fluorescence_channel = QComboBox(self), QComboBox(self)
        self.depth, self.plane = QComboBox(self), QSpinBox(self)
        self.pixel_size = OptionalNumber("µm", 4, "not known", self)
        self.interval = OptionalNumber("min", 2, "not known", self)
        self.chosen = QWidget(self)
        self._rows = QFormLayout(self.chosen)
        self.body.addWidget(self.chosen)
        self._lay_out()
        self.facts = QLabel(self)
        self.facts.setWordWrap(True)
        self._rows.addRow(self.facts)
        self.set_primary("Go on", "Go to the next step", self._go_on)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(0)
        self._soon.timeout.connect(self._rebuild)
        self._connect()
        self._guess()

    def _lay_out(self) -> None:
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for z, text in (("max", "brightest of all planes"), ("middle", "middle plane"), (None, "plane")):
            self.depth.addItem(text, z)
        depth = QWidget(self)
        row = QHBoxLayout(depth)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.depth, 1)
        row.addWidget(self.plane)
        self._optional = {"axes": self.axes, "image_channel": self.image_channel}
        for label, widget, tip in (
            (
                "Label-free image",
                self.image,
                "The layer in which nuclei are to be found: phase, brightfield, DIC",
            ),
            (
                "Fluorescence",
                self.fluorescence,
                "The layer with the nuclear stain, from which labels are made; "
                "none if you have labels or a model already",
            ),
            ("Axes", self.axes, "Which axis of the layer is which"),
            ("Its channel", self.image_channel, "The label-free channel of this layer"),
            ("Its stain", self.fluorescence_channel, "The fluorescence channel of this layer"),
            ("Depth", depth, "How one plane per frame is made of several: the network works on flat images"),
            ("Pixel size", self.pixel_size, "Side of a pixel; areas are given in µm² when it is known"),
            ("Frame interval", self.interval, "Time from one frame to the next"),
        ):
            heading = QLabel(label, self)
            heading.setToolTip(tip)
            for part in (widget, *widget.findChildren(QWidget, options=_DIRECT)):
                part.setToolTip(tip)
            self._rows.addRow(heading, widget)
        self._depth = depth

    def _connect(self) -> None:
        for combo in (self.image, self.fluorescence):
            combo.activated.connect(self._on_hand)
            combo.layer_changed.connect(self._on_layer)
        self.axes.activated.connect(self._on_axes)
        for combo in (self.image_channel, self.fluorescence_channel, self.depth):
            combo.activated.connect(lambda _index: self._soon.start())
        for box in (self.plane, self.pixel_size, self.interval):
            box.valueChanged.connect(lambda _value: self._soon.start())
        self.session.viewer.layers.events.inserted.connect(self._guess)

    def _on_hand(self, _index: int) -> None:
        self._by_hand = True

    def _on_axes(self, _index: int) -> None:
        self._axes_told = True
        self._soon.start()

    def _guess(self, _event: object = None) -> None:
        """Choose by the layers' names, until the person chooses."""
        if self._by_hand:
            self._soon.start()
            return
        layers = [layer for layer in self.session.viewer.layers if is_picture(layer)]
        free = [layer for layer in layers if kind_of(layer.name) == "label-free"]
        image = (free or [layer for layer in layers if kind_of(layer.name) is None] or layers or [None])[0]
        stained = [
            layer for layer in layers if kind_of(layer.name) == "fluorescence" and _same_grid(layer, image)
        ]
        stained.sort(key=lambda layer: not is_nuclear(layer.name))
        self.image.choose(image)
        self.fluorescence.choose(stained[0] if stained else None)
        self._soon.start()

    def _on_layer(self, _layer: object) -> None:
        self._fill_choices()
        self._soon.start()

    def _fill_choices(self) -> None:
        """Offer what the chosen layer leaves open: axes, channels, depth, units."""
        layer = self.image.layer
        self._axes_told = False
        self.axes.clear()
        if layer is not None and layer.ndim <= 5:
            for axes in axes_choices(layer):
                self.axes.addItem(", ".join(AXIS_NAMES[letter] for letter in axes), axes)
        for combo in (self.image_channel, self.fluorescence_channel):
            combo.clear()
        for box in (self.pixel_size, self.interval):
            box.blockSignals(True)
            box.set_number(None)
            box.blockSignals(False)

    def _rebuild(self) -> None:
        """Make the stack of what is chosen, and tell everybody."""
        if self.session.is_closed:
            return
        layer, other = self.image.layer, self.fluorescence.layer
        if layer is None:
            self._show_nothing()
            return
        try:
            stack, channels = self._stack(layer, other)
        except CellSegError as error:
            self._used = ()
            self.facts.setText("")
            self.session.use_stack(None)
            self.show_error(error)
            self.summarise("attention", str(error.args[0]))
            self.primary.setEnabled(False)
            return
        self.chosen.setVisible(self.open_panel.check.isHidden())
        self._show_rows(layer, stack)
        key = self._key(layer, other)
        if key == self._used:
            return
        self._used = key
        self.session.time_axis = (self.axes.currentData() or "T").find("T")
        self.session.use_stack(stack, channels, layer, other)
        self._show(stack, channels)

    def _key(self, layer: Image, other: Image | None) -> tuple[object, ...]:
        """Collect what the stack depends on: news that change none of it start nothing over."""
        boxes = (self.axes, self.image_channel, self.fluorescence_channel, self.depth)
        return (
            layer,
            id(layer.data),
            other,
            id(other.data) if other is not None else None,
            self._axes_told,
            *(box.currentData() for box in boxes),
            *(box.value() for box in (self.plane, self.pixel_size, self.interval)),
        )

    def _stack(self, layer: Image, other: Image | None) -> tuple[Stack, Channels]:
        picture = picture_of(layer, self.axes.currentData() if self._axes_told else None)
        z: ZChoice = self.depth.currentData() or self.plane.value()
        stack, channels = join_pictures(picture, picture_of(other) if other is not None else None, z)
        from napari_cellseg.data.stack import LARGE_PX, is_large  # noqa: PLC0415 - dask takes long to import

        if is_large(stack.frame_shape):
            height, width = stack.frame_shape
            raise InputError(
                f"{stack.name} is {height} × {width} px",
                f"Here you can work on images of up to {LARGE_PX // 10**6} million pixels",
                "Crop a part of it to train on, and count all of it in step 5, under Many files",
            )
        if "C" in picture.axes:
            channels = self._channels(stack, channels)
        size, interval = self.pixel_size.number(), self.interval.number()
        if size is not None:
            stack = replace(stack, pixel_size_um=size)
        if interval is not None:
            stack = replace(stack, frame_interval_s=interval * 60)
        return stack, channels

    def _channels(self, stack: Stack, found: Channels) -> Channels:
        """Ask which channel is which, for a layer that holds several."""
        for combo, guess in (
            (self.image_channel, found.image or 0),
            (self.fluorescence_channel, found.fluorescence),
        ):
            if combo.count() == 0:
                if combo is self.fluorescence_channel:
                    combo.addItem("none", None)
                for i, name in enumerate(stack.channels):
                    combo.addItem(name, i)
                combo.setCurrentIndex(combo.findData(guess))
        return Channels(self.image_channel.currentData(), self.fluorescence_channel.currentData())

    def _show_rows(self, layer: Image, stack: Stack) -> None:
        axes = self.axes.currentData() or ""
        known = layer.metadata.get(PICTURE)
        depth = known[0].data.shape[2] if known else _length(layer, axes, "Z")
        self.plane.setRange(0, max(0, depth - 1))
        self.plane.setVisible(self.depth.currentData() is None)
        self._rows.setRowVisible(self.axes, not named_axes(layer))
        self._rows.setRowVisible(self.image_channel, "C" in axes)
        self._rows.setRowVisible(self.fluorescence_channel, "C" in axes)
        self._rows.setRowVisible(self._depth, depth > 1)
        self._rows.setRowVisible(
            self.pixel_size, stack.pixel_size_um is None or self.pixel_size.number() is not None
        )
        self._rows.setRowVisible(
            self.interval,
            stack.n_frames > 1 and (stack.frame_interval_s is None or self.interval.number() is not None),
        )

    def _show_nothing(self) -> None:
        if self._used is None:
            return
        self._used = None
        self.session.use_stack(None)
        self.chosen.hide()
        self.primary.hide()
        for widget in (
            self.axes,
            self.image_channel,
            self.fluorescence_channel,
            self._depth,
            self.pixel_size,
            self.interval,
        ):
            self._rows.setRowVisible(widget, False)
        self.message.tell(
            "No image is open yet. Open a file or folder above, or drop one onto the window.",
            "info",
            "Try the sample",
            self.open_panel.open_sample,
        )
        self.summarise("todo", "open an image")

    def _show(self, stack: Stack, channels: Channels) -> None:
        """Say in one line what there is, and offer the next step."""
        facts = facts_of(stack)
        self.facts.setText(" · ".join(facts))
        self.facts.setToolTip(f"{stack.source}\n{stack.axes_note}")
        self.primary.setEnabled(True)
        self.primary.setVisible(self.open_panel.check.isHidden())
        if not stack.axes_sure:
            hint = "" if stack.axes_note.count(".") else ". Choose other axes above if that is wrong"
            self.message.tell(f"{stack.axes_note}{hint}.", "warning")
        elif channels.fluorescence is None:
            self.message.tell(
                "Without fluorescence there is nothing to make labels from: choose the layer with the stain, "
                "or go on with labels or a model that you have.",
                "info",
            )
        else:
            self.message.clear()
        stained = channels.fluorescence is not None
        self.primary.setText("Go on: make labels" if stained else "Go on: count with a model")
        short = [f"{len(stack.channels)} channel{'s' * (len(stack.channels) > 1)}", *facts[1:]]
        self.summarise("done" if stack.axes_sure else "attention", " · ".join(short))

    def _go_on(self) -> None:
        stained = self.session.fluorescence_channel is not None
        self.session.step_wanted.emit("Labels" if stained else "Count")

    def _on_opened(self, layers: list[Any]) -> None:
        """Choose what was just opened."""
        self._by_hand = False
        self._guess()
        names = {layer.name for layer in layers}
        if self.image.layer is None or self.image.layer.name not in names:
            self.image.choose(layers[0])
        self._soon.start()

    def _on_checking(self, on: bool) -> None:
        """Leave the room to the preview of files while the person looks at it."""
        self.chosen.setVisible(not on and self.image.layer is not None)
        self.primary.setVisible(not on and self.image.layer is not None)
        if on:
            self.message.hide()

    def shut_down(self) -> None:
        """Stop following the layer list."""
        self._soon.stop()
        self.session.viewer.layers.events.inserted.disconnect(self._guess)
        self.image.shut_down()
        self.fluorescence.shut_down()


def _length(layer: Image, axes: str, letter: str) -> int:
    if letter not in axes:
        return 1
    data = layer.data[0] if layer.multiscale else layer.data
    return int(data.shape[axes.index(letter)])


def _same_grid(layer: Image, other: Image | None) -> bool:
    return other is not None and layer.data.shape[-2:] == other.data.shape[-2:]
