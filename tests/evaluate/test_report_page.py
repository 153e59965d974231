"""The report: whole, by itself, and harmless whatever files and groups are called."""

import base64
import datetime
import io
import re
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from PIL import Image

from napari_cellseg.evaluate import page_parts
from napari_cellseg.evaluate.bootstrap import intervals
from napari_cellseg.evaluate.plots import MARKS, marks_of
from napari_cellseg.evaluate.report import evaluate
from napari_cellseg.evaluate.report_page import About, chosen, in_words, page, write_report
from napari_cellseg.evaluate.scores import Scores
from napari_cellseg.evaluate.tables import CALIBRATION, CURVE, INTERVALS, reference
from napari_cellseg.progress import follow

Labels = npt.NDArray[np.int32]
Scene = tuple[Labels, Labels]
EVIL = '<script>alert(1)</script> & "quotes" $x_1$ 日本'
ABOUT = About("the truth", f"folder/{EVIL}", groups="g.csv", when=datetime.datetime(2026, 1, 2, 3, 4))


class Reader(HTMLParser):
    """Takes a page apart, and finds tags that are not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.open: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href")]
        if tag not in ("meta", "img", "br", "line"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if self.open and self.open[-1] == tag:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def scores(scene: Scene, tmp_path: Path) -> Scores:
    """A perfect, a fair and an empty still image, and a movie; probabilities, and groups with evil names."""
    truth, prediction = scene
    nothing, movie = np.zeros_like(truth), np.stack([truth, truth, prediction])
    pairs = [
        ("perfect", truth, truth), (EVIL, truth, prediction), ("empty", nothing, nothing),
        ("movie", movie, np.stack([truth, prediction, prediction])),
    ]  # fmt: skip
    groups = {"perfect": EVIL, EVIL: "other", "movie": "other"}
    chances = {name: np.clip(other, 0, 1) * 0.8 for name, _, other in pairs}
    return follow(evaluate(pairs, groups, pictures=tmp_path, probabilities=chances))


def test_the_report_stands_alone_and_says_it_all(scores: Scores, tmp_path: Path) -> None:
    path = write_report(tmp_path, scores, intervals(scores, n=20), ABOUT, tmp_path)
    text = path.read_text(encoding="utf-8")
    read = Reader(text)
    assert "script" not in read.tags
    assert len(read.ids) == len(set(read.ids))
    assert all(link.startswith(("#", "data:image/png;base64,")) for link in read.links)
    assert {link[1:] for link in read.links if link.startswith("#")} <= set(read.ids)
    assert "#0102" not in text  # all colours are the page's
    for words in (
        EVIL,
        "the truth",
        "6 frames of 4 images",
        "2 (g.csv)",
        "napari-cellseg ",
        "2026-01-02 03:04",
    ):
        assert words in read.text
    for words in ("Curves", "Scores", "Groups", "Frames, the worst first", "Calibration", "movie, frame 2"):
        assert words in read.text
    assert "95 % interval" in read.text
    assert "nan" not in read.text.lower().replace("nanometre", "")
    assert text.count('<svg role="img"') == 3


def test_best_median_and_worst_frame_are_shown(scores: Scores, tmp_path: Path) -> None:
    ranked = [(which, frame.image, frame.frame) for which, frame in chosen(scores.frames)]
    assert [which for which, *_ in ranked] == ["Best", "Median", "Worst"]
    text = page(scores, intervals(scores, n=5), ABOUT, tmp_path)
    pictures = re.findall(r"data:image/png;base64,([^\"]+)", text)
    assert len(pictures) == 3
    sizes = [Image.open(io.BytesIO(base64.b64decode(one))).size for one in pictures]
    assert max(map(max, sizes)) <= 1400
    assert "2 found, 2 missed, 2 invented, object F1 0.500" in Reader(text).text
    assert "data:image" not in page(scores, intervals(scores, n=5), ABOUT)
    assert [which for which, _ in chosen(scores.frames[:1])] == ["Best"]
    assert [which for which, _ in chosen(scores.frames[:2])] == ["Best", "Worst"]


def test_the_tables_are_those_that_are_declared(scores: Scores, tmp_path: Path) -> None:
    write_report(tmp_path, scores, intervals(scores, n=20), ABOUT)
    groups, curve, held = (
        pd.read_csv(tmp_path / name) for name in ("groups.csv", "ap_curve.csv", "calibration.csv")
    )
    for table, columns in ((groups, INTERVALS), (curve, CURVE), (held, CALIBRATION)):
        assert list(table) == list(columns)
        assert all(f"`{column}`" in reference() for column in columns)
    total = curve[curve["scope"] == "total"]
    assert total["iou_threshold"].tolist() == pytest.approx(np.arange(0.5, 0.96, 0.05))
    assert total["ap"].iloc[0] == pytest.approx(scores.pooled()["ap50"])
    assert set(held["group"].dropna()) == {EVIL, "other"}
    assert held[held["scope"] == "total"]["n_px"].sum() == 6 * 40 * 60


def test_without_groups_and_probabilities_there_is_less(scene: Scene, tmp_path: Path) -> None:
    scores = follow(evaluate([("only", *scene)]))
    text = write_report(tmp_path, scores, intervals(scores), About("t", "p")).read_text(encoding="utf-8")
    assert text.count('<svg role="img"') == 2
    assert "<h2>Groups</h2>" not in text
    assert "No intervals: one frame only." in text
    assert not (tmp_path / "calibration.csv").exists()


def test_frames_without_any_object_make_a_report_too(boxes: Callable[..., Labels]) -> None:
    scores = follow(evaluate([("a", boxes(), boxes()), ("b", boxes(), boxes())]))
    assert chosen(scores.frames) == []
    assert "0 true objects, 0 predicted." in page(scores, intervals(scores, n=5), ABOUT)


def test_words_for_a_person(scores: Scores) -> None:
    told = in_words(scores)
    assert "20 true objects, 20 predicted." in told
    assert "16 (80 %) were found" in told
    assert "4 were missed, and 4 predicted objects match none" in told


def test_more_groups_than_can_be_told_apart_and_a_long_list(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    n = len(MARKS) + 2
    scores = follow(evaluate([(f"i{k}", *scene) for k in range(n)], {f"i{k}": f"g{k}" for k in range(n)}))
    assert len(set(marks_of(scores).values())) == 1
    monkeypatch.setattr(page_parts, "MOST_FRAMES", 3)
    text = page(scores, intervals(scores, n=5), ABOUT)
    assert "one group each" in text
    assert f"The 3 worst of {n} frames" in text


def test_pyplot_is_left_alone() -> None:
    code = "import sys, napari_cellseg.evaluate.report_page; print('matplotlib.pyplot' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert told == "False\n"
