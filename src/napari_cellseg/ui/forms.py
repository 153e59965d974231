"""Settings as a form: each field's label, tooltip, unit, default and limits come from its declaration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo
from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_cellseg.config import Config
from napari_cellseg.errors import SettingsError
from napari_cellseg.ui.step import folded

_HUGE = 1_000_000


class Editor:
    """One field's widget, with the same four verbs whatever the widget is."""

    def __init__(self, widget: QWidget, changed: Any, get: Any, put: Any) -> None:
        self.widget, self.changed, self.get, self.put = widget, changed, get, put


class OptionalNumber(QDoubleSpinBox):
    """A positive number that may be left empty.

    Parameters
    ----------
    unit : str
        Shown behind it.
    decimals : int
        Digits behind the point.
    empty : str
        Shown when there is no number.
    """

    def __init__(self, unit: str, decimals: int, empty: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setDecimals(decimals)
        self.setRange(0, _HUGE)
        self.setSuffix(f" {unit}")
        self.setSpecialValueText(empty)
        self.setKeyboardTracking(False)
        self.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)

    def number(self) -> float | None:
        """Read the number.

        Returns
        -------
        float or None
            None when it is empty.
        """
        return float(self.value()) or None

    def set_number(self, number: float | None) -> None:
        """Show a number.

        Parameters
        ----------
        number : float or None
            None empties it.
        """
        self.setValue(number or 0.0)


class ConfigForm(QWidget):
    """A form for one class of settings.

    Parameters
    ----------
    config_cls : type of Config
        Whose settings to show.
    values : Config, optional
        What to start from; the defaults by default.
    advanced : bool
        Whether to offer the advanced settings, folded away under "Options".
    fields : sequence of str, optional
        Show only these settings; the others keep their values.
    """

    changed = Signal(object)

    def __init__(
        self,
        config_cls: type[Config],
        values: Config | None = None,
        advanced: bool = True,
        fields: Sequence[str] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._cls = config_cls
        self._base = values if values is not None else config_cls()
        self._editors: dict[str, Editor] = {}
        self._quiet = False
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        plain = _rows(column)
        self.problem = QLabel(self)
        self.problem.setWordWrap(True)
        self.problem.hide()
        hidden: QFormLayout | None = None
        for name, info in config_cls.model_fields.items():
            if fields is not None and name not in fields:
                continue
            if not _extra(info, "advanced"):
                self._add(plain, name, info)
            elif advanced:
                if hidden is None:
                    self.options = folded("Options", self)
                    holder = QWidget(self)
                    hidden = _rows(QVBoxLayout(holder))
                    holder.layout().setContentsMargins(0, 0, 0, 0)
                    self.options.addWidget(holder)
                    column.addWidget(self.options)
                self._add(hidden, name, info)
        column.addWidget(self.problem)

    def _add(self, rows: QFormLayout, name: str, info: FieldInfo) -> None:
        editor = _editor(info)
        editor.put(getattr(self._base, name))
        editor.changed.connect(self._on_change)
        editor.widget.setObjectName(name)
        tip = info.description or ""
        editor.widget.setToolTip(tip)
        label = QLabel(info.title or name, self)
        label.setToolTip(tip)
        label.setBuddy(editor.widget)
        rows.addRow(label, editor.widget)
        self._editors[name] = editor

    def value(self) -> Any:
        """Read the form.

        Returns
        -------
        Config
            Of the form's class.

        Raises
        ------
        SettingsError
            Two settings contradict each other.
        """
        return self._cls.checked(**self._shown())

    def set_value(self, values: Config) -> None:
        """Fill the form; `changed` is emitted once if anything is different.

        Parameters
        ----------
        values : Config
            What to show.
        """
        before = self._shown()
        self._quiet = True
        self._base = values
        for name, editor in self._editors.items():
            editor.put(getattr(values, name))
        self._quiet = False
        if self._shown() != before:
            self._on_change()

    def _shown(self) -> dict[str, Any]:
        return self._base.model_dump() | {name: editor.get() for name, editor in self._editors.items()}

    def widget(self, name: str) -> QWidget:
        """Find the widget of one setting.

        Parameters
        ----------
        name : str
            Name of the setting.

        Returns
        -------
        QWidget
            The spin box, combo box, check box or line.
        """
        return self._editors[name].widget

    def _on_change(self, *_args: object) -> None:
        if self._quiet:
            return
        try:
            values = self.value()
        except SettingsError as error:
            self.problem.setText(str(error))
            self.problem.show()
            return
        self.problem.hide()
        self.changed.emit(values)


def _rows(column: QVBoxLayout) -> QFormLayout:
    rows = QFormLayout()
    rows.setContentsMargins(0, 0, 0, 0)
    rows.setVerticalSpacing(4)
    rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    column.addLayout(rows)
    return rows


def _extra(info: FieldInfo, key: str) -> Any:
    extra = info.json_schema_extra
    return extra.get(key) if isinstance(extra, dict) else None


def _limits(info: FieldInfo) -> dict[str, float]:
    found: dict[str, float] = {}
    for constraint in info.metadata:
        for name in ("ge", "gt", "le", "lt", "multiple_of"):
            value = getattr(constraint, name, None)
            if value is not None:
                found[name] = value
    return found


def _editor(info: FieldInfo) -> Editor:
    """Choose the widget for a field by its type."""
    kind: Any = info.annotation
    optional = type(None) in get_args(kind)
    if optional:
        kind = next(part for part in get_args(kind) if part is not type(None))
    if get_origin(kind) is Literal:
        return _choice(get_args(kind))
    if kind is bool:
        box = QCheckBox()
        return Editor(box, box.toggled, box.isChecked, box.setChecked)
    if kind is int:
        return _whole(info, optional)
    if kind is float:
        return _real(info, optional)
    return _several()


def _choice(values: Sequence[Any]) -> Editor:
    box = QComboBox()
    for value in values:
        text = str(value)
        box.addItem(text.upper() if text in {"cpu", "mps", "cuda"} else text.replace("_", " "), value)

    def put(value: Any) -> None:
        box.setCurrentIndex(box.findData(value))

    return Editor(box, box.currentIndexChanged, box.currentData, put)


def _whole(info: FieldInfo, optional: bool) -> Editor:
    limits = _limits(info)
    step = int(limits.get("multiple_of", 1))
    low = int(limits.get("ge", limits.get("gt", -_HUGE - 1) + 1))
    high = int(limits.get("le", limits.get("lt", _HUGE + 1) - 1))
    box = QSpinBox()
    return _spin(box, info, optional, low, high, step)


def _real(info: FieldInfo, optional: bool) -> Editor:
    limits = _limits(info)
    fraction = limits.get("le", limits.get("lt", 2)) <= 1
    small = isinstance(info.default, float) and 0 < info.default < 0.01
    decimals = 5 if small else 2 if fraction else 1
    least = 10.0**-decimals
    low = limits["ge"] if "ge" in limits else limits["gt"] + least if "gt" in limits else -_HUGE
    high = limits["le"] if "le" in limits else limits["lt"] - least if "lt" in limits else _HUGE
    box = QDoubleSpinBox()
    box.setDecimals(decimals)
    return _spin(box, info, optional, low, high, 0.05 if fraction and not small else 1 if not small else 1e-4)


def _spin(
    box: QSpinBox | QDoubleSpinBox, info: FieldInfo, optional: bool, low: float, high: float, step: float
) -> Editor:
    """Limits, step and unit of a number; an optional one is empty one step below its least value."""
    unit = _extra(info, "unit")
    if unit:
        box.setSuffix(f" {unit}")
    box.setKeyboardTracking(False)
    box.setAccelerated(True)
    empty = low - step
    box.setRange(empty if optional else low, high)
    box.setSingleStep(step)
    if optional:
        box.setSpecialValueText("not set")

    def get() -> float | int | None:
        value: float | int = box.value()
        return None if optional and value == box.minimum() else value

    def put(value: float | None) -> None:
        box.setValue(box.minimum() if value is None else value)

    return Editor(box, box.valueChanged, get, put)


def _several() -> Editor:
    line = QLineEdit()

    def get() -> list[str]:
        return [part.strip() for part in line.text().split(",") if part.strip()]

    def put(values: Sequence[Any]) -> None:
        line.setText(", ".join(map(str, values)))

    return Editor(line, line.editingFinished, get, put)
