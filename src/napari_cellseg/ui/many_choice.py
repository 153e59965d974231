"""Which of many files are counted, with what, and where the results go."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_cellseg.errors import SettingsError
from napari_cellseg.live.many_files import ManyFiles, results_beside
from napari_cellseg.ui.buttons import text_button
from napari_cellseg.ui.step import folded

if TYPE_CHECKING:
    from napari_cellseg.ui.forms import ConfigForm
    from napari_cellseg.ui.model_combo import ModelCombo

_TABLES = "Tables of images (*.csv);;All files (*)"
_BESIDE = "beside the images"
_OUTPUT_TIP = "Folder of the results; unless told, it is beside the images, and named after the model"
_MOST_AT_ONCE = 64


class ManyChoice(QWidget):
    """Lines for images and results, and what is seldom needed folded away.

    Parameters
    ----------
    model : ModelCombo
        Where the person chooses the model.
    config, measuring : ConfigForm
        How it is applied, and what is counted.
    parent : QWidget, optional
        Its parent.
    """

    def __init__(
        self, model: ModelCombo, config: ConfigForm, measuring: ConfigForm, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._model, self._config, self._measuring = model, config, measuring
        self._make_fields()
        self._lay_out()
        self.inputs.textChanged.connect(self._name_results)
        model.model_chosen.connect(self._name_results)

    def _make_fields(self) -> None:
        self.inputs, self.output, self.channel = (QLineEdit(self) for _ in range(3))
        self.inputs.setPlaceholderText("a folder or table")
        self.inputs.setToolTip(
            "A folder of images, or a table (CSV) whose column path names them. Files of a plate are told by "
            "their names. Nothing in it is changed"
        )
        self.output.setPlaceholderText(_BESIDE)
        self.output.setToolTip(_OUTPUT_TIP)
        self.channel.setPlaceholderText("found by its name")
        self.channel.setToolTip(
            "The channel in which nuclei are to be found, by its name or its number from 0, where the images "
            "have several and their names do not tell"
        )
        processors = os.cpu_count() or 1
        self.at_once = QSpinBox(self)
        self.at_once.setRange(1, _MOST_AT_ONCE)
        self.at_once.setValue(max(1, min(8, processors - 1)))  # one is left for the window
        self.at_once.setToolTip(
            f"Each takes a processor (this computer has {processors}), and 1 GB of memory or more"
        )
        self.same_size = QCheckBox("Nuclei are about as large in all images", self)
        self.same_size.setChecked(True)
        self.same_size.setToolTip(
            "Their size is then measured on a few images, and not on every one, which is quicker"
        )

    def _lay_out(self) -> None:
        rows, rest = _rows(), QWidget(self)
        more = _rows(rest)
        folder = text_button("Folder …", "Choose the folder of the images", self._ask_folder)
        table = text_button("Table …", "Choose a table (CSV) of images", self._ask_table)
        other = text_button("Folder …", "Choose another folder for the results", self._ask_output)
        rows.addRow("Images", _beside(self.inputs, folder, table))
        rows.addRow("Results", _beside(self.output, other))
        more.addRow("Channel", self.channel)
        more.addRow("Images at once", self.at_once)
        more.addRow(self.same_size)
        section = folded("More", self)
        section.addWidget(rest)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(rows)
        column.addWidget(section)

    def _ask_folder(self) -> None:
        self._take_input(QFileDialog.getExistingDirectory(self, "Folder of images"))

    def _ask_table(self) -> None:
        self._take_input(QFileDialog.getOpenFileName(self, "Table of images", "", _TABLES)[0])

    def _take_input(self, chosen: str) -> None:
        if chosen:
            self.inputs.setText(chosen)

    def _ask_output(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder for the results")
        if chosen:
            self.output.setText(chosen)

    def _name_results(self, _news: object = None) -> None:
        """Show where the results go when nothing is told."""
        path = _path(self.inputs)
        beside = results_beside(path, self._model.model) if path is not None else None
        self.output.setPlaceholderText(beside.name if beside is not None else _BESIDE)
        self.output.setToolTip(f"{_OUTPUT_TIP}: {beside}" if beside is not None else _OUTPUT_TIP)

    def order(self) -> ManyFiles:
        """Read what is chosen.

        Returns
        -------
        ManyFiles
            What is to be counted.

        Raises
        ------
        SettingsError
            No images or no model is chosen, or two settings contradict each other.
        """
        inputs, model = _path(self.inputs), self._model.model
        if inputs is None:
            raise SettingsError("Choose a folder of images above, or a table of them")
        if model is None:
            raise SettingsError("Choose a model at the top of this step")
        return ManyFiles(
            inputs,
            _path(self.output) or results_beside(inputs, model),
            model,
            self._config.value(),
            self._measuring.value(),
            self.channel.text().strip() or None,
            self.at_once.value(),
            self.same_size.isChecked(),
        )


def _path(line: QLineEdit) -> Path | None:
    """Read a path; none where nothing is written. A name alone is one of the person's own folder."""
    text = line.text().strip().strip('"')
    return Path.home() / Path(text).expanduser() if text else None


def _rows(parent: QWidget | None = None) -> QFormLayout:
    rows = QFormLayout(parent)
    rows.setContentsMargins(0, 0, 0, 0)
    rows.setVerticalSpacing(4)
    rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    return rows


def _beside(line: QLineEdit, *buttons: QPushButton) -> QWidget:
    widget = QWidget()
    row = QHBoxLayout(widget)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(4)
    row.addWidget(line, 1)
    for button in buttons:
        row.addWidget(button)
    return widget
