"""What `napari-cellseg review` writes and prints."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from skimage.draw import disk

from napari_cellseg.cli import main
from napari_cellseg.evaluate.review.plan import read_plan
from napari_cellseg.evaluate.review.sheet import Sheet


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Four images of two wells, and two models: one finds a cell, one invents another."""
    labels = np.zeros((80, 80), np.uint16)
    labels[disk((20, 20), 6)] = 1
    both = labels.copy()
    both[disk((60, 60), 6)] = 2
    for folder, picture in (("images", labels * 500 + 100), ("pure", labels), ("mixed", both)):
        (tmp_path / folder).mkdir()
        for name in ("A1_1", "A1_2", "B1_1", "B1_2"):
            tifffile.imwrite(tmp_path / folder / f"{name}.tif", picture)
    return tmp_path


def plan(study: Path, *more: str) -> int:
    return main(
        ["review", "plan", str(study / "images"), "-o", str(study / "study"), "--items", "8",
         "--show", "whole", "--labels", f"pure={study / 'pure'}", f"mixed={study / 'mixed'}", *more]
    )  # fmt: skip


def test_from_plan_to_report(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert plan(study) == 0
    assert "8 items of 2 sets of labels" in capsys.readouterr().out
    folder = study / "study" / "reviews" / "review"
    made = read_plan(folder)
    sheet = Sheet(folder, made, "Ada")
    for item in made.items:
        if 2 in item.objects:
            sheet.mark(item.number, "wrong", 2, 60, 60)
        sheet.finish(item.number, 1)
    assert main(["review", "report", str(folder)]) == 0
    told = capsys.readouterr().out
    assert "Ada on pure: precision 1.000, recall 1.000, Dice 1.000, IoU 1.000" in told
    assert "Ada on mixed: precision 0.500, recall 1.000, Dice 0.667, IoU 0.500" in told
    assert (folder / "report" / "report.html").is_file()


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (("--labels", "pure"), 2),
        (("--labels", "a=x", "a=y"), 2),
        (("--labels", "a=nowhere"), 3),
        (("--items", "1"), 2),
    ],
)
def test_what_cannot_be_is_told_and_leaves_nothing(
    study: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], code: int
) -> None:
    assert plan(study, *more) == code
    assert capsys.readouterr().err.startswith("napari-cellseg: ")
    assert not (study / "study").exists()


def test_no_review_no_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["review", "report", str(tmp_path)]) == 3
    assert "holds no review" in capsys.readouterr().err
