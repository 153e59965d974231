"""What `napari-cellseg evaluate` writes and prints, by the options that a person would type."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from skimage.draw import disk

from napari_cellseg.cli import main

TABLES = {"report.html", "groups.csv", "ap_curve.csv"}


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Six images with two nuclei, one of which is found; probabilities, and groups."""
    labels = np.zeros((64, 64), np.uint16)
    labels[disk((20, 20), 6)] = 1
    labels[disk((45, 45), 6)] = 2
    found = np.where(labels == 1, 1, 0).astype(np.uint16)
    for folder, picture in (("truth", labels), ("found", found), ("chance", (found * 204).astype(np.uint8))):
        (tmp_path / folder).mkdir()
        for i in range(6):
            tifffile.imwrite(tmp_path / folder / f"img{i}.tif", picture)
    rows = "".join(f"img{i}.tif,{'even' if i % 2 == 0 else 'odd'}\n" for i in range(6))
    (tmp_path / "groups.csv").write_text(f"image,group\n{rows}", encoding="utf-8")
    return tmp_path


def evaluate(study: Path, *more: str) -> int:
    return main(["evaluate", str(study / "truth"), str(study / "found"), *more])


def test_a_report_is_written_beside_the_scores(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    more = ["--probabilities", str(study / "chance"), "--groups", str(study / "groups.csv")]
    assert evaluate(study, *more) == 0
    out = study / "found" / "evaluation"
    assert TABLES | {"calibration.csv", "scores.csv", "scores.json"} <= {p.name for p in out.iterdir()}
    told = capsys.readouterr().out
    for words in ("95 % interval", "percentile bootstrap", "Brier score", "even", f"Report: {out}"):
        assert words in told
    groups = pd.read_csv(out / "groups.csv")
    assert set(groups["group"].dropna()) == {"even", "odd"}
    scores = json.loads((out / "scores.json").read_text(encoding="utf-8"))
    assert scores["total"]["intervals"]["pooled"]["ap50"] == [0.5, 0.5]
    assert scores["groups"]["odd"]["intervals"]["resampled"] == "3 frames"
    assert told.endswith(json.dumps(scores, indent=2, ensure_ascii=False) + "\n")


@pytest.mark.parametrize(
    ("more", "written"), [(["--json"], False), (["--json", "--report"], True), (["--no-report"], False)]
)
def test_the_report_can_be_left_out(
    study: Path, more: list[str], written: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(study, "-o", str(study / "out"), *more) == 0
    assert ({path.name for path in (study / "out").iterdir()} >= TABLES) == written
    told = capsys.readouterr().out
    if "--json" in more:
        assert json.loads(told)["total"]["pooled"]["object_recall"] == 0.5


def test_two_files_are_compared_beside_the_prediction(study: Path) -> None:
    files = [str(study / folder / "img0.tif") for folder in ("truth", "found")]
    assert main(["evaluate", *files]) == 0
    text = (study / "found" / "evaluation" / "report.html").read_text(encoding="utf-8")
    assert "No intervals: one frame only." in text


def test_images_in_no_group_are_told(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (study / "some.csv").write_text("image,group\nimg1,a\n", encoding="utf-8")
    assert evaluate(study, "--groups", str(study / "some.csv")) == 0
    assert "names 1 of 6 images" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--groups", "{}/nowhere.csv"], "nowhere.csv cannot be read"),
        (["--groups", "{}/truth/img0.tif"], "img0.tif"),
        (["--probabilities", "{}/empty"], "empty"),
        (["--probabilities", "{}/other"], "Probabilities: 6 of 6 images have no file of the same name"),
        (["--probabilities", "{}/small"], "(1, 64, 64), its probabilities (1, 8, 8)"),
    ],
)
def test_what_cannot_be_used_is_a_sentence(
    study: Path, more: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder, name in (("other", "other"), *(("small", f"img{i}") for i in range(6))):
        (study / folder).mkdir(exist_ok=True)
        tifffile.imwrite(study / folder / f"{name}.tif", np.zeros((8, 8), np.uint8))
    (study / "empty").mkdir()
    assert evaluate(study, *(part.replace("{}", str(study)) for part in more)) == 3
    said = capsys.readouterr().err
    assert told in said
    assert "Traceback" not in said
