from typing import Literal

import pytest
from qtpy.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QLabel, QSpinBox

from napari_cellseg.config import (
    Config,
    LabelConfig,
    MeasureConfig,
    NetConfig,
    PredictConfig,
    TrainConfig,
    TriageConfig,
    option,
)
from napari_cellseg.ui.forms import ConfigForm, OptionalNumber

CONFIGS = [LabelConfig, TriageConfig, NetConfig, TrainConfig, PredictConfig, MeasureConfig]


class Kettle(Config):
    heat_c: float = option(90.0, "Heat", "How hot it gets.", unit="°C", gt=0, lt=100)
    cups: int = option(2, "Cups", "How many.", ge=1, le=8, advanced=True)
    size_px: int = option(64, "Size", "In steps of 32.", unit="px", ge=32, le=256, multiple_of=32)
    minutes: float | None = option(None, "At most", "Empty for ever.", unit="min", gt=0)
    lid: bool = option(True, "Lid", "Whether it has one.")
    tea: Literal["green", "black"] = option("black", "Tea", "Which.")
    widths: tuple[int, ...] = option((3, 4), "Widths", "Several.")


@pytest.fixture
def form(qtbot):
    form = ConfigForm(Kettle)
    qtbot.addWidget(form)
    return form


@pytest.mark.parametrize("config", CONFIGS)
def test_every_form_starts_with_the_defaults_and_explains_every_setting(qtbot, config):
    form = ConfigForm(config)
    qtbot.addWidget(form)
    assert form.value() == config()
    for name, info in config.model_fields.items():
        assert form.widget(name).toolTip() == info.description
    titles = {label.text() for label in form.findChildren(QLabel)}
    assert {info.title for info in config.model_fields.values()} <= titles


def test_limits_units_and_kinds_come_from_the_declaration(form):
    heat, cups, size = form.widget("heat_c"), form.widget("cups"), form.widget("size_px")
    assert isinstance(heat, QDoubleSpinBox)
    assert (heat.minimum(), heat.maximum(), heat.suffix()) == (pytest.approx(0.1), pytest.approx(99.9), " °C")
    assert isinstance(cups, QSpinBox)
    assert (cups.minimum(), cups.maximum()) == (1, 8)
    assert (size.singleStep(), size.maximum()) == (32, 256)
    assert isinstance(form.widget("lid"), QCheckBox)
    assert isinstance(form.widget("tea"), QComboBox)
    assert form.widget("minutes").text() == "not set"


def test_values_go_in_and_come_out(form, qtbot):
    other = Kettle(heat_c=20, cups=8, size_px=96, minutes=2.5, lid=False, tea="green", widths=(9, 8, 7))
    with qtbot.waitSignal(form.changed) as told:
        form.set_value(other)
    assert told.args == [other]
    assert form.value() == other
    form.set_value(Kettle())
    assert form.value() == Kettle()
    with qtbot.assertNotEmitted(form.changed):
        form.set_value(Kettle())


def test_a_change_is_told_with_the_new_settings(form, qtbot):
    with qtbot.waitSignal(form.changed) as told:
        form.widget("cups").setValue(5)
    assert told.args[0] == Kettle(cups=5)


def test_what_makes_no_sense_is_told_and_not_passed_on(form, qtbot):
    form.widget("widths").setText("3, many")
    with qtbot.assertNotEmitted(form.changed):
        form.widget("widths").editingFinished.emit()
    assert "widths" in form.problem.text()
    form.widget("widths").setText("3, 5")
    with qtbot.waitSignal(form.changed) as told:
        form.widget("widths").editingFinished.emit()
    assert told.args[0].widths == (3, 5)
    assert form.problem.isHidden()


def test_advanced_settings_are_folded_away_or_left_out(qtbot):
    form = ConfigForm(Kettle)
    qtbot.addWidget(form)
    assert form.options.isAncestorOf(form.widget("cups"))
    assert not form.options.isAncestorOf(form.widget("heat_c"))
    assert form.options.content().maximumHeight() == 0
    form.options.expand(animate=False)
    assert form.options.content().maximumHeight() > 0
    short = ConfigForm(Kettle, Kettle(cups=7), advanced=False, fields=("heat_c",))
    qtbot.addWidget(short)
    short.widget("heat_c").setValue(50)
    assert short.value() == Kettle(cups=7, heat_c=50)
    with pytest.raises(KeyError):
        short.widget("tea")


def test_optional_number(qtbot):
    box = OptionalNumber("µm", 3, "not known", None)
    qtbot.addWidget(box)
    assert box.number() is None
    assert box.text() == "not known"
    box.set_number(0.65)
    assert box.number() == pytest.approx(0.65)
    assert box.text() == "0.650 µm"
