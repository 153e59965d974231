"""Every setting once: default, range, unit, label and tooltip; the command line and the forms are derived."""

from __future__ import annotations

from napari_cellseg.config.apply import MeasureConfig, PredictConfig
from napari_cellseg.config.base import Config, Device, Engine, GreysOf, Precision, option
from napari_cellseg.config.label import LabelConfig, TriageConfig
from napari_cellseg.config.learn import LearnConfig
from napari_cellseg.config.net import NetConfig
from napari_cellseg.config.train import ClassLossName, LossName, TrainConfig

__all__ = [
    "ClassLossName",
    "Config",
    "Device",
    "Engine",
    "GreysOf",
    "LabelConfig",
    "LearnConfig",
    "LossName",
    "MeasureConfig",
    "NetConfig",
    "Precision",
    "PredictConfig",
    "TrainConfig",
    "TriageConfig",
    "option",
]
