"""Preparing a review: which images, whose labels, how many items."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSpinBox,
    QWidget,
)

from napari_cellseg.data.stack import Stack
from napari_cellseg.errors import CellSegError
from napari_cellseg.evaluate.review.prepare import Wanted
from napari_cellseg.live import reviewing
from napari_cellseg.ui.layers import LayerCombo, is_picture, join_pictures, picture_of
from napari_cellseg.ui.sources import is_finished_labels, labels_source
from napari_cellseg.ui.step import Step
from napari_cellseg.ui.task import message_of

if TYPE_CHECKING:
    from napari_cellseg.ui.session import Session

_WHAT = (
    ("parts", "Parts of frames", "Each item is a part of a frame, with all outlines in it"),
    ("whole", "Whole frames", "Each item is a frame, with all its outlines"),
    (
        "objects",
        "Single objects",
        "Each item is one object: right, wrong or unsure. Misses are not looked for",
    ),
)
_LIST_PX = 104
_FOLDER = Qt.ItemDataRole.UserRole


class PreparePanel(Step):
    """Chooses what is judged, and draws it.

    ``prepared(Path)`` tells the folder of a new review.

    Parameters
    ----------
    session : Session
        What the panels share.
    parent : QWidget, optional
        Qt's owner.
    """

    title: ClassVar[str] = "Prepare"
    prepared = Signal(object)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        viewer = session.viewer
        self.source = QComboBox(self)
        self.source.addItems(["in this window", "on disk"])
        self.source.setToolTip("Where the images and labels are")
        self.image = LayerCombo(viewer, is_picture, parent=self)
        self.beside = LayerCombo(viewer, is_picture, "none", self)
        self.beside.setToolTip("Fluorescence of the same frames, shown beside the image")
        self.folder = QPushButton("Choose a folder …", self)
        self.folder.setToolTip("A folder of images or movies; labels are matched to them by name")
        self.images: Path | None = None
        self.labels = QListWidget(self)
        self.labels.setFixedHeight(_LIST_PX)
        self.labels.setToolTip("Tick what is judged. Double-click a name to change it; experts never see it")
        self.add = QPushButton("Add a folder of labels …", self)
        self.add.setToolTip("What one model or person found, one file an image, of the same names")
        self.what, self.side, self.n_items, self.seed = (
            QComboBox(self),
            QSpinBox(self),
            QSpinBox(self),
            QSpinBox(self),
        )
        self.name = QLineEdit("review", self)
        self.kept = QLabel(self)
        self.kept.setWordWrap(True)
        self._set_up()
        self._lay_out()
        self.set_primary("Draw the items", "Draw at random, shuffle, and write the review down", self.prepare)
        for event in (viewer.layers.events.inserted, viewer.layers.events.removed):
            event.connect(self._list_layers)
        self._choose_source()
        self._use_layers()

    def _set_up(self) -> None:
        for key, text, tip in _WHAT:
            self.what.addItem(text, key)
            self.what.setItemData(self.what.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        for box, low, high, value, suffix, tip in (
            (self.side, 64, 8192, 512, " px", "Side of a part. Smaller frames are shown whole"),
            (self.n_items, 1, 10_000, 60, "", "How many each expert judges, over all labels"),
            (self.seed, 0, 2**31 - 1, 0, "", "The same seed draws the same items"),
        ):
            box.setRange(low, high)
            box.setValue(value)
            box.setSuffix(suffix)
            box.setToolTip(tip)
        self.name.setToolTip("The review's folder is called so, in the folder reviews of the study")
        self.source.currentIndexChanged.connect(lambda _index: self._choose_source())
        self.what.currentIndexChanged.connect(lambda _index: self._tell())
        self.folder.clicked.connect(lambda _on: self._ask_images())
        self.add.clicked.connect(lambda _on: self._ask_labels())
        for combo in (self.image, self.beside):
            combo.layer_changed.connect(lambda _layer: self._use_layers())
        self.n_items.valueChanged.connect(lambda _n: self._tell())
        self.labels.itemChanged.connect(lambda _item: self._tell())
        self.session.study_changed.connect(self._tell)

    def _lay_out(self) -> None:
        self._form = QFormLayout()
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for label, widget in (
            ("Images", self.source),
            ("Image", self.image),
            ("Beside it", self.beside),
            ("Folder", self.folder),
            ("Labels", self.labels),
            ("", self.add),
            ("Show", self.what),
            ("Part", self.side),
            ("Items", self.n_items),
            ("Name", self.name),
        ):
            self._form.addRow(label, widget)
        self.body.addLayout(self._form)
        seed = QWidget(self)
        rows = QFormLayout(seed)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addRow("Seed", self.seed)
        self.add_option(seed)
        self.body.addWidget(self.kept)

    # What is chosen

    @property
    def on_disk(self) -> bool:
        """Whether the images come from files."""
        return bool(self.source.currentIndex() == 1)

    def _choose_source(self) -> None:
        for widget, on in (
            (self.image, not self.on_disk),
            (self.beside, not self.on_disk),
            (self.folder, self.on_disk),
            (self.add, self.on_disk),
        ):
            self._form.setRowVisible(widget, on)
        self.labels.clear()
        self._list_layers()
        self._tell()

    def _list_layers(self, _event: object = None) -> None:
        """List the label layers; ticks and names stay."""
        if self.on_disk:
            return
        kept = {item.data(_FOLDER): (item.text(), item.checkState()) for item in self._rows()}
        layers = [layer for layer in self.session.viewer.layers if is_finished_labels(layer)]
        self.labels.blockSignals(True)
        self.labels.clear()
        for layer in layers:
            text, state = kept.get(layer, (layer.name, Qt.CheckState.Unchecked))
            self._add_row(text, layer, state)
        self.labels.blockSignals(False)
        self._tell()

    def _add_row(self, text: str, data: Any, state: Qt.CheckState) -> None:
        item = QListWidgetItem(text)
        item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsEditable)
        item.setData(_FOLDER, data)
        item.setCheckState(state)
        self.labels.addItem(item)

    def _rows(self) -> list[QListWidgetItem]:
        return [self.labels.item(row) for row in range(self.labels.count())]

    @property
    def ticked(self) -> list[tuple[str, Any]]:
        """Name and layer or folder of what is ticked."""
        on = Qt.CheckState.Checked
        return [(item.text().strip(), item.data(_FOLDER)) for item in self._rows() if item.checkState() == on]

    def _use_layers(self) -> None:
        """Make the images that are chosen those of the session, which finds their study."""
        image, beside = self.image.layer, self.beside.layer
        if image is None or self.on_disk:
            self.session.use_stack(None)
            return
        other = None if beside is None or beside is image else picture_of(beside)
        try:
            stack, channels = join_pictures(picture_of(image), other)
        except CellSegError as error:
            self.message.tell(message_of(error), "error")
            return
        self.message.clear()
        self.session.use_stack(stack, channels, image, beside)

    def _ask_images(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder of images")
        if chosen:
            self.use_images(Path(chosen))

    def use_images(self, folder: Path) -> None:
        """Choose images on disk.

        Parameters
        ----------
        folder : Path
            The folder.
        """
        self.images = folder
        self.folder.setText(folder.name)
        self.folder.setToolTip(str(folder))
        self._tell()

    def _ask_labels(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder of labels")
        if chosen:
            self.add_labels_of(Path(chosen))

    def add_labels_of(self, folder: Path) -> None:
        """Add what a model or person found, on disk.

        Parameters
        ----------
        folder : Path
            The folder.
        """
        self._add_row(folder.name, folder, Qt.CheckState.Checked)
        self._tell()

    def _tell(self) -> None:
        """Say what will be drawn, and where it goes."""
        self._form.setRowVisible(self.side, self.what.currentData() == "parts")
        n = len(self.ticked)
        each = self.n_items.value() // n if n else 0
        what = "objects" if self.what.currentData() == "objects" else "frames or parts"
        where = self.session.study_folder if not self.on_disk else None
        said = (
            f"{each} {what} of each of {n} sets of labels"
            if n > 1
            else f"{each} {what}"
            if n
            else "Tick the labels to judge"
        )
        self.kept.setText(f"{said}. Kept in {where / 'reviews'}" if where is not None and n else f"{said}.")
        ready = (
            n > 0 and each > 0 and (self.images is not None if self.on_disk else self.image.layer is not None)
        )
        self.primary.setEnabled(ready and self.progress.task is None)

    # The work

    def _wanted(self) -> Wanted:
        what = self.what.currentData()
        return Wanted(
            name=self.name.text(),
            mode="objects" if what == "objects" else "frames",
            n_items=self.n_items.value(),
            crop_px=self.side.value() if what == "parts" else None,
            seed=self.seed.value(),
        )

    def prepare(self) -> None:
        """Draw the items and write the review."""
        names = tuple(name for name, _ in self.ticked)
        if len(set(names)) < len(names) or "" in names:
            self.message.tell("Give each of the labels a name of its own: double-click it.", "warning")
            return
        try:
            task = self._from_disk(names) if self.on_disk else self._from_window(names)
        except CellSegError as error:
            self.message.tell(message_of(error), "error")
            return
        if task is not None:
            self.follow(task, "Cancel", "Nothing is kept")

    def _from_disk(self, names: tuple[str, ...]) -> Any:
        if self.images is None:
            return None
        folders = tuple(folder for _, folder in self.ticked)
        job = reviewing.DiskJob(self.images, names, folders, self._wanted())
        return self.session.run(
            reviewing.prepare_from_disk, job, on_done=self._done, title="Preparing the review"
        )

    def _from_window(self, names: tuple[str, ...]) -> Any:
        session = self.session
        if session.stack is None:
            return None
        sources = [labels_source(layer, session) for _, layer in self.ticked]
        study = session.need_study().folder
        files = tuple(None if isinstance(source, Stack) else source for source in sources)
        snapshots = tuple(source for source in sources if isinstance(source, Stack))
        job = reviewing.WindowJob(
            study, session.image_channel, session.fluorescence_channel, names, files, self._wanted()
        )
        return session.run(
            reviewing.prepare_from_window, session.stack, snapshots, job,
            on_done=self._done, title="Preparing the review",
        )  # fmt: skip

    def _done(self, review: Path) -> None:
        self.message.tell(f"The review {review.name} is ready to be judged. It is kept in {review}", "info")
        self.prepared.emit(review)

    def _on_over(self) -> None:
        self._tell()

    def shut_down(self) -> None:
        """Stop following the layer list."""
        layers = self.session.viewer.layers.events
        for event in (layers.inserted, layers.removed):
            event.disconnect(self._list_layers)
        for combo in (self.image, self.beside):
            combo.shut_down()
