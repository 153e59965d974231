"""The whole walk by the command line, on the sample study, with a training too short to be good."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile

from napari_cellseg import __version__
from napari_cellseg.cli import COMMANDS, main
from napari_cellseg.data.sample_study import sample_positions, sample_truth

SHORT = ["--max-epochs", "12", "--patch-px", "64", "--batch-size", "4", "--seed", "1"]


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Labels, a model and results, made once by the commands that a person would type."""
    folder = tmp_path_factory.mktemp("walk")
    first, second, held_out = map(str, sample_positions())
    assert main(["label", first, second, "-o", str(folder / "labels")]) == 0
    train = ["train", first, second, "--labels", str(folder / "labels"), "-o", str(folder / "model"), *SHORT]
    assert main([*train, "--minutes", "1"]) == 0
    predict = ["predict", held_out, "--model", str(folder / "model"), "-o", str(folder / "results")]
    assert main([*predict, "--probabilities"]) == 0
    return folder


def test_labels_and_verdicts_are_written_for_every_frame(walk: Path) -> None:
    verdicts = pd.read_csv(walk / "labels" / "verdicts.csv")
    for position in sample_positions()[:2]:
        labels = tifffile.imread(walk / "labels" / position.name)
        truth = tifffile.imread(sample_truth(position))
        assert labels.shape == truth.shape
        assert labels.dtype == np.uint16
        assert (verdicts["image"] == position.stem).sum() == len(truth)
    assert 0.5 < verdicts["keep"].mean() < 1
    assert verdicts["reason"].str.len().min() > 0


def test_rejected_frames_are_not_learnt_from(walk: Path) -> None:
    card = json.loads((walk / "model" / "card.json").read_text())
    verdicts = pd.read_csv(walk / "labels" / "verdicts.csv")
    assert card["n_frames"] <= verdicts["keep"].sum()
    assert set(card["held_out"]) <= {"pos01", "pos02"}


def test_results_name_their_origin(walk: Path) -> None:
    card = json.loads((walk / "model" / "card.json").read_text())
    labels = tifffile.imread(walk / "results" / "pos03.tif")
    counts, cells = (pd.read_csv(walk / "results" / name) for name in ("counts.csv", "cells.csv"))
    assert labels.shape == tifffile.imread(sample_truth(sample_positions()[2])).shape
    assert len(counts) == len(labels)
    for t, plane in enumerate(labels):
        assert counts["n_by_instances"][t] == len(np.unique(plane)) - 1
    assert len(cells) == counts["n_by_instances"].sum()
    for table in (counts, cells):
        assert (table["image"] == "pos03").all()
        assert (table["model_hash"] == card["sha256"][:12]).all()
        assert (table["program_version"] == __version__).all()


def test_probabilities_can_be_checked_against_the_truth(
    walk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = walk / "results"
    chance = tifffile.imread(results / "probabilities" / "pos03.tif")
    labels = tifffile.imread(results / "pos03.tif")
    assert chance.dtype == np.uint8
    assert chance.shape == labels.shape
    assert (chance[labels > 0] >= 127).mean() > 0.9  # but for holes that were filled
    truth = str(sample_truth(sample_positions()[2]))
    told = ["--probabilities", str(results / "probabilities"), "-o", str(walk / "checked"), "--json"]
    assert main(["evaluate", truth, str(results / "pos03.tif"), *told]) == 0
    pooled = json.loads(capsys.readouterr().out)["total"]["pooled"]
    assert 0 < pooled["ece"] < 1
    assert 0 < pooled["brier"] < 1


def test_measure_counts_what_predict_counted(walk: Path) -> None:
    out = walk / "measured"
    image, labels = str(sample_positions()[2]), str(walk / "results" / "pos03.tif")
    assert main(["measure", labels, "--images", image, "-o", str(out)]) == 0
    again, first = pd.read_csv(out / "counts.csv"), pd.read_csv(walk / "results" / "counts.csv")
    pd.testing.assert_series_equal(again["n_by_instances"], first["n_by_instances"])


def test_evaluate_prints_scores_as_a_table_and_as_json(
    walk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = sample_truth(sample_positions()[2])
    args = ["evaluate", str(truth.parent), str(truth.parent), "-o", str(walk / "self")]
    assert main(args) == 0
    told = capsys.readouterr().out
    assert "Dice" in told
    scores = json.loads((walk / "self" / "scores.json").read_text())
    assert "1.000" in told
    assert json.dumps(scores)
    assert list((walk / "self").glob("*.png"))


def test_the_program_runs_as_a_module_and_tells_its_commands_without_loading_what_they_need() -> None:
    code = """
import sys
from napari_cellseg.cli import main
try:
    main(["--help"])
except SystemExit:
    heavy = ("torch", "napari", "qtpy", "pandas", "skimage", "numpy", "pydantic")
    print([name for name in heavy if name in sys.modules])
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.endswith("[]\n")
    version = [sys.executable, "-m", "napari_cellseg", "--version"]
    assert subprocess.run(version, capture_output=True, text=True, check=True).stdout.strip() == __version__


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_tells_its_options(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    told = " ".join(capsys.readouterr().out.split())
    assert COMMANDS[command] in told
    assert told.count("--") > 1 or "ACTION" in told


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["inspect", "nowhere.tif"], 3, "nowhere.tif"),
        (["label", "nowhere.tif", "-o", "out"], 3, "nowhere.tif"),
        (["predict", "nowhere.tif", "--model", "no such model", "-o", "out"], 3, "nowhere.tif"),
        (["label", "{pos}", "-o", "out", "--min-diameter-px", "-3"], 2, "min_diameter_px"),
        (["label", "{pos}", "-o", "out", "--fluorescence-channel", "GFP"], 3, "Phase"),
        (["predict", "{pos}", "--model", "no such model", "-o", "out"], 4, "no such model"),
        (["label", "{pos}", "-o", "out", "--z", "top"], 2, "top"),
    ],
)
def test_what_cannot_be_done_is_a_sentence_and_an_exit_code(
    arguments: list[str],
    code: int,
    told: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    position = str(sample_positions()[0])
    assert main([argument.replace("{pos}", position) for argument in arguments]) == code
    said = capsys.readouterr().err
    assert said.startswith("napari-cellseg: ")
    assert told in said
    assert "Traceback" not in said


def test_inspect_tells_channels_and_units(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(sample_positions()[0])]) == 0
    told = capsys.readouterr().out
    assert "Phase" in told
    assert "Nuclei" in told
    assert "µm" in told


def test_doctor_tells_about_torch_and_the_window(capsys: pytest.CaptureFixture[str]) -> None:
    main(["doctor", "--json"])
    names = {finding["name"] for finding in json.loads(capsys.readouterr().out)}
    assert {"program", "torch", "OpenGL"} <= names
