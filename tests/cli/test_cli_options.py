import argparse

import pytest

from napari_cellseg.cli.options import add_options, config_from
from napari_cellseg.config import LabelConfig, NetConfig, PredictConfig, TrainConfig, TriageConfig
from napari_cellseg.errors import SettingsError

CONFIGS = [LabelConfig, TriageConfig, NetConfig, TrainConfig, PredictConfig]


@pytest.mark.parametrize("config_class", CONFIGS)
def test_without_options_the_defaults_hold(config_class: type) -> None:
    parser = argparse.ArgumentParser()
    add_options(parser, config_class)
    assert config_from(parser.parse_args([]), config_class) == config_class()


@pytest.mark.parametrize("config_class", CONFIGS)
def test_every_setting_has_an_option_with_help_for_people(config_class: type) -> None:
    parser = argparse.ArgumentParser()
    add_options(parser, config_class)
    told = parser.format_help()
    for name, field in config_class.model_fields.items():
        assert f"--{name.replace('_', '-')}" in told
        assert field.title
        assert field.description
        assert field.description.endswith(".")


def test_options_become_settings() -> None:
    parser = argparse.ArgumentParser()
    add_options(parser, LabelConfig)
    options = parser.parse_args(["--threshold", "global", "--otsu-low", "0.1", "--no-fill-holes"])
    assert config_from(options, LabelConfig) == LabelConfig(
        threshold="global", otsu_low=0.1, fill_holes=False
    )


def test_settings_that_contradict_each_other_are_a_sentence() -> None:
    parser = argparse.ArgumentParser()
    add_options(parser, TrainConfig)
    for given in (["--low-percentile", "99.9"], ["--low-percentile", "7", "--high-percentile", "7"]):
        with pytest.raises(SettingsError, match=r"high_percentile is .*White must be .* than black"):
            config_from(parser.parse_args(given), TrainConfig)
    options = parser.parse_args(["--normalise-by", "movie", "--high-percentile", "99"])
    assert config_from(options, TrainConfig) == TrainConfig(normalise_by="movie", high_percentile=99)


def test_a_value_out_of_range_is_a_sentence() -> None:
    parser = argparse.ArgumentParser()
    add_options(parser, TrainConfig)
    with pytest.raises(SettingsError, match=r"The setting minutes is -1\.0\."):
        config_from(parser.parse_args(["--minutes", "-1"]), TrainConfig)
