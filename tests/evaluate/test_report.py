import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import tifffile

from napari_cellseg.errors import InputError, StorageError
from napari_cellseg.evaluate.report import evaluate, write_scores
from napari_cellseg.evaluate.scores import Scores
from napari_cellseg.progress import Cancelled, Event, Progress, follow

Labels = npt.NDArray[np.int32]
Scene = tuple[Labels, Labels]
Boxes = Callable[..., Labels]


@pytest.fixture
def three(scene: Scene, boxes: Boxes) -> Scores:
    """The scene in group A; in group B a movie of a perfect frame with one object and a rightly empty one."""
    one, none = boxes((1, 0, 10, 0, 10)), boxes()
    movie = np.stack([one, none])
    return follow(evaluate([("still", *scene), ("movie", movie, movie)], {"still": "A", "movie": "B"}))


def test_frames_groups_and_total(three: Scores) -> None:
    assert [(frame.image, frame.frame, frame.group) for frame in three.frames] == [
        ("still", 0, "A"),
        ("movie", 0, "B"),
        ("movie", 1, "B"),
    ]
    assert three.groups == ("A", "B")
    pooled, mean = three.pooled(), three.mean()
    assert pooled["ap50"] == pytest.approx(3 / 7)  # TP 3, FP 2, FN 2
    assert mean["ap50"] == pytest.approx((1 / 3 + 1) / 2)  # the empty frame has none
    assert pooled["object_f1"] == pytest.approx(6 / 10)
    assert mean["object_f1"] == pytest.approx(0.75)
    assert three.of("B").pooled()["object_f1"] == 1
    assert three.of("A").mean() == three.of("A").pooled()


def test_counting_errors_with_and_without_sign(boxes: Boxes) -> None:
    one = boxes((1, 0, 4, 0, 4), (2, 0, 4, 10, 14))
    two = boxes((1, 0, 4, 0, 4), (2, 0, 4, 10, 14), (3, 0, 4, 20, 24), (4, 0, 4, 30, 34))
    scores = follow(evaluate([("too many", one, two), ("too few", two, one)]))
    pooled, mean = scores.pooled(), scores.mean()
    assert pooled["count_error"] == 0
    assert pooled["count_absolute_error"] == pytest.approx(4 / 6)
    assert mean["count_error"] == pytest.approx((1 - 0.5) / 2)
    assert mean["count_absolute_error"] == pytest.approx((1 + 0.5) / 2)


def test_json_there_and_back(three: Scores) -> None:
    text = three.to_json()
    assert Scores.from_json(text) == three
    content = json.loads(text)
    assert content["total"]["pooled"]["ap50"] == pytest.approx(3 / 7)
    assert content["total"]["n_frames"] == 3
    assert content["groups"]["B"]["mean"]["pixel_f1"] == 1
    assert content["frames"][2]["scores"]["ap50"] is None
    others = {"pooled", "mean", "ignore", "null", "intervals", "brier", "ece"}
    assert set(content["definitions"]) - others <= set(content["total"]["mean"])


@pytest.mark.parametrize("text", ["", "{}", "[1, 2]", '{"schema": 99, "iou_thresholds": []}', "not JSON"])
def test_other_files_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        Scores.from_json(text)


def test_the_table_can_be_read_by_a_person(three: Scores) -> None:
    text = three.table()
    assert "3 frames, 5 true objects, 5 predicted" in text
    for words in ("pooled", "mean of frames", "F1 (Dice)", "at IoU 0.75", "overlap rule", "group (pooled)"):
        assert words in text
    lines = text.splitlines()
    assert next(line for line in lines if "at IoU 0.50" in line).split()[-2:] == ["0.429", "0.667"]
    assert next(line for line in lines if line.startswith("movie, frame 1")).count("–") == 5
    assert max(map(len, lines)) <= 160
    assert "nan" not in text


def test_a_long_table_shows_the_worst(scene: Scene) -> None:
    truth, prediction = scene
    pairs = [(f"good {i}", truth, truth) for i in range(30)]
    text = follow(evaluate([*pairs, ("the worst", truth, prediction)])).table(most_rows=3)
    assert "the 3 worst of 31 frames" in text
    rows = text[text.index("the 3 worst") :].splitlines()[1:]
    assert len(rows) == 3
    assert rows[0].startswith("the worst")


def test_long_names_are_shortened_in_the_middle(scene: Scene) -> None:
    text = follow(evaluate([("a" * 80 + "_position_7", *scene)])).table()
    assert any(line.startswith("aaaa") and "…a_position_7" in line for line in text.splitlines())


def test_files_and_their_results(tmp_path: Path, scene: Scene) -> None:
    truth, prediction = scene
    tifffile.imwrite(tmp_path / "a.tif", truth.astype(np.uint16))
    tifffile.imwrite(tmp_path / "a_pred.tif", prediction.astype(np.uint8))
    movie = np.stack([truth, prediction]).astype(np.uint16)
    tifffile.imwrite(tmp_path / "m.tif", movie, imagej=True, metadata={"axes": "TYX"})
    pairs = [
        ("a", tmp_path / "a.tif", str(tmp_path / "a_pred.tif")),
        ("m", tmp_path / "m.tif", tmp_path / "m.tif"),
    ]
    asked: list[tuple[str, int]] = []

    def image_of(name: str, t: int) -> npt.NDArray[np.float64] | None:
        asked.append((name, t))
        return None if name == "m" else np.ones(truth.shape)

    scores = follow(evaluate(pairs, pictures=tmp_path / "out", image_of=image_of))
    assert asked == [("a", 0), ("m", 0), ("m", 1)]
    made, table = write_scores(tmp_path / "out", scores)
    assert Scores.from_json(made.read_text(encoding="utf-8")) == scores
    rows = pd.read_csv(table)
    assert rows["image"].tolist() == ["a", "m", "m"]
    assert rows["object_f1"].tolist() == [0.5, 1, 1]
    pictures = sorted(path.name for path in (tmp_path / "out").glob("*.png"))
    assert pictures == ["a.png", "m_t0000.png", "m_t0001.png"]


def test_a_stop_comes_after_one_frame(scene: Scene) -> None:
    movie = np.stack([scene[0]] * 5)
    told: list[Event] = []
    with pytest.raises(Cancelled):
        follow(evaluate([("m", movie, movie)]), told.append, lambda: len(told) == 2)
    told.clear()
    follow(evaluate([("m", movie, movie), ("n", scene[0], scene[1])]), told.append)
    assert [event.done for event in told if isinstance(event, Progress)] == [0, 0, 0, 0, 1, 2]


def test_what_does_not_fit_is_told_by_name(scene: Scene) -> None:
    truth, _ = scene
    with pytest.raises(InputError, match=r"field 7 .*\(1, 40, 60\).*\(1, 39, 60\)"):
        follow(evaluate([("field 7", truth, truth[1:])]))
    with pytest.raises(InputError, match=r"\(2, 40, 60\).*\(1, 40, 60\)"):
        follow(evaluate([("m", np.stack([truth, truth]), truth)]))
    with pytest.raises(InputError, match="no images"):
        follow(evaluate([]))
    with pytest.raises(InputError, match=r"\(1, 1, 40, 60\)"):
        follow(evaluate([("m", truth[None, None], truth)]))


def test_a_folder_that_cannot_be_is_told(tmp_path: Path, three: Scores) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError):
        write_scores(tmp_path / "file", three)


def test_no_frames_have_no_scores() -> None:
    assert all(math.isnan(value) for key, value in Scores(()).mean().items() if not key.startswith("n_"))
    assert len(Scores(()).to_frame()) == 0


@pytest.mark.real
def test_real_masks_with_known_damage(real_data: Path) -> None:
    pairs, expected = [], []
    for path in sorted((real_data / "bbbc039" / "masks").glob("*.tif"))[:5]:
        truth = tifffile.imread(path).astype(np.int32)
        names = np.unique(truth)[1:]
        lost = names[::3]
        pairs.append((path.stem, truth, np.where(np.isin(truth, lost), 0, truth)))
        expected.append((len(names) - len(lost)) / len(names))
    scores = follow(evaluate(pairs))
    np.testing.assert_allclose([frame.scores()["ap90"] for frame in scores.frames], expected)
    np.testing.assert_allclose([frame.scores()["overlap_recall"] for frame in scores.frames], expected)
    assert scores.mean()["overlap_precision"] == 1
