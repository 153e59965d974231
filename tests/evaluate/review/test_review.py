"""From the draw to the report: known experts over a known scene."""

import json
import math
import os
import signal
import subprocess
import sys
from collections import Counter
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from napari_cellseg.errors import CellSegError, InputError, SettingsError, StorageError
from napari_cellseg.evaluate.review.draw import (
    Extent,
    balanced_order,
    draw_objects,
    draw_places,
    spread_evenly,
)
from napari_cellseg.evaluate.review.judgement import read_sheets
from napari_cellseg.evaluate.review.pack import read_pixels
from napari_cellseg.evaluate.review.plan import read_plan, reviews_in
from napari_cellseg.evaluate.review.report import FILES, summary, write_review_report
from napari_cellseg.evaluate.review.sheet import Sheet
from napari_cellseg.progress import follow

EXTENTS = [Extent("A", 9, 100, 100), Extent("A", 9, 100, 100), Extent("B", 9, 100, 250)]


def value(made, expert, model, score, group=""):
    table = made.scores
    rows = table[
        (table["expert"] == expert)
        & (table["model"] == model)
        & (table["score"] == score)
        & (table["group"] == group)
    ]
    assert len(rows) == 1
    return rows.iloc[0]


def test_places_are_spread_over_groups_and_time_and_never_overlap():
    places = draw_places(EXTENTS, 12, 100, np.random.default_rng(0))
    assert len(set(places)) == 12
    strata = Counter((EXTENTS[p.movie].group, p.frame // 3) for p in places)
    assert set(strata.values()) == {2}
    assert draw_places(EXTENTS, 12, 100, np.random.default_rng(0)) == places
    assert draw_places(EXTENTS, 12, 100, np.random.default_rng(1)) != places
    every = draw_places(EXTENTS, 10_000, 100, np.random.default_rng(0))
    assert len(set(every)) == len(every) == 9 + 9 + 2 * 9
    assert {p.box for p in every if p.movie == 2} == {(0, 0, 100, 100), (0, 150, 100, 250)}


def test_objects_have_the_same_chance_within_a_stratum():
    drawn: Counter[tuple[int, int]] = Counter()
    for seed in range(2000):
        drawn.update(draw_objects({"a": [1, 0, 4]}, 2, np.random.default_rng(seed))["a"])
    assert set(drawn) == {(0, 0), (2, 0), (2, 1), (2, 2), (2, 3)}
    assert min(drawn.values()) > 700
    assert max(drawn.values()) < 900


def test_draws_that_one_stratum_cannot_give_go_to_others():
    rng = np.random.default_rng(0)
    assert spread_evenly(10, {"a": 2, "b": 50, "c": 50}, rng) == {"a": 2, "b": 4, "c": 4}
    assert spread_evenly(10, {"a": 2, "b": 3}, rng) == {"a": 2, "b": 3}
    assert spread_evenly(3, {}, rng) == {}


def test_models_come_equally_early_and_late_and_no_place_twice_running():
    order = balanced_order(12, 3, np.random.default_rng(0))
    assert len(set(order)) == 36
    for start in (0, 12, 24):
        part = order[start : start + 12]
        assert len({place for place, _ in part}) == 12
        assert set(Counter(model for _, model in part).values()) == {4}
    assert all(a[0] != b[0] for a, b in pairwise(order))


def test_the_plan_says_where_all_comes_from_and_items_do_not_say_whose_they_are(make_review):
    folder, plan = make_review(crop_px=60)
    assert plan == read_plan(folder)
    assert reviews_in(folder.parents[1]) == [folder]
    assert len(plan.items) == 24
    assert all(len(file.sha256) == 64 for model in plan.models for file in model.files)
    assert {movie.group for movie in plan.movies} == {"A", "B"}
    assert Counter(item.model for item in plan.items) == {"a": 12, "b": 12}
    places = Counter((item.movie, item.frame, item.box) for item in plan.items)
    assert set(places.values()) == {2}
    assert plan.object_diameter_px == pytest.approx(10, abs=1)
    assert plan.pixel_size_um == 0.5
    for item in plan.items:
        raw = (folder / item.file).read_bytes()
        assert b"pure" not in raw
        assert b"mixed" not in raw
        labels = read_pixels(folder, item).labels
        assert set(item.objects) <= set(np.unique(labels))


def test_the_same_seed_draws_the_same_and_a_taken_name_gets_a_number(make_review, tmp_path):
    (first, plan), (second, again) = make_review(), make_review()
    assert (first.name, second.name) == ("first", "first-2")
    assert [item.model_dump(exclude={"sha256"}) for item in plan.items] == [
        item.model_dump(exclude={"sha256"}) for item in again.items
    ]
    assert plan.id != again.id
    assert not list(first.parent.glob(".*"))


@pytest.mark.parametrize("told", [{"n_items": 1}, {"name": " "}, {"crop_px": 3}])
def test_impossible_wishes_are_refused_and_leave_nothing(make_review, tmp_path, told):
    with pytest.raises(SettingsError):
        make_review(**told)
    assert not (tmp_path / "study").exists()


def test_perfect_experts_give_the_true_numbers(make_review, expert, truth):
    folder, plan = make_review()  # whole frames: 12 of each model
    for name in ("Ada", "Bob"):
        expert().judge(folder, plan, name)
    made = follow(write_review_report(folder))
    for who in ("Ada", "Bob", "all experts"):
        assert value(made, who, "pure", "precision")["value"] == 1
        assert value(made, who, "pure", "recall")["value"] == 24 / 30
        assert value(made, who, "mixed", "precision")["value"] == 30 / 36
        assert value(made, who, "mixed", "recall")["value"] == 1
        assert value(made, who, "mixed", "dice")["value"] == pytest.approx(60 / 66)
        assert value(made, who, "mixed", "iou")["value"] == pytest.approx(30 / 36)
        assert value(made, who, "pure", "iou", "B")["value"] == pytest.approx(24 / 30)
    row = value(made, "Ada", "mixed", "precision")
    assert (row["tp"], row["fp"], row["fn"]) == (360, 72, 0)
    assert row["method"] == "wilson"
    assert value(made, "all experts", "mixed", "precision")["method"] == "bootstrap by frame"
    (pair,) = made.agreement.to_dict("records")
    assert pair["kappa"] == 1
    assert pair["agreement"] == 1
    assert pair["missed_agreement"] == 1
    assert pair["both_missed"] == 12 * 6
    gaps = made.differences[made.differences["expert"] == "Ada"].set_index("score")
    assert list(gaps["model"].unique()) == ["pure"]
    assert gaps.loc["precision", "difference"] == pytest.approx(1 - 30 / 36)
    assert gaps.loc["recall", ["low", "high"]].tolist() == pytest.approx([-0.2, -0.2])  # frames are all alike


def test_error_rates_of_experts_come_out_in_the_report(make_review, expert):
    folder, plan = make_review(n_items=36)
    expert().judge(folder, plan, "Ada")
    expert(flips=0.2, blind=0.5, seed=4).judge(folder, plan, "Bob")
    made = follow(write_review_report(folder))
    row = value(made, "Bob", "pure", "precision")
    assert row["low"] < 0.8 < row["high"]  # every object is real, and one in five is called wrong
    recall = value(made, "Bob", "pure", "recall")
    expected = 24 * 0.8 / (24 * 0.8 + 6 * 0.5)
    assert recall["value"] == pytest.approx(expected, abs=0.03)
    (pair,) = made.agreement.to_dict("records")
    assert pair["agreement"] == pytest.approx(0.8, abs=0.04)
    assert pair["missed_agreement"] == pytest.approx(2 * 0.5 / 1.5, abs=0.15)
    assert pair["other_only_missed"] == 0
    assert pair["kappa_low"] < pair["kappa"] < pair["kappa_high"]


def test_experts_who_guess_agree_by_chance(make_review, expert):
    folder, plan = make_review(n_items=36)
    for i, name in enumerate(("Ada", "Bob")):
        expert(flips=0.5, seed=i).judge(folder, plan, name)
    made = follow(write_review_report(folder))
    assert abs(made.agreement["kappa"].iloc[0]) < 0.1


def test_unsure_counts_for_nothing(make_review):
    folder, plan = make_review(models=("mixed",), n_items=2)
    sheet = Sheet(folder, plan, "Ada")
    first = plan.item(1).objects
    sheet.mark(1, "wrong", first[0], 50, 50)
    sheet.mark(1, "unsure", first[0], 50, 50)  # changes its mind
    sheet.mark(1, "unsure", first[1], 50, 50)
    sheet.mark(1, "wrong", first[2], 50, 50)
    sheet.mark(1, "unsure", 0, 10.0, 10.0)
    sheet.finish(1, 5)
    sheet.finish(2, 5, unsure=True)
    made = follow(write_review_report(folder))
    row = value(made, "Ada", "mixed", "precision")
    assert (row["tp"], row["fp"], row["fn"], row["n_unsure_objects"], row["n_unsure_items"]) == (
        33,
        1,
        0,
        2,
        1,
    )
    assert row["value"] == pytest.approx(33 / 34)
    assert math.isnan(value(made, "Ada", "mixed", "iou")["low"])
    assert made.agreement.empty
    assert made.items["judged"].tolist() == [True, False]


def test_single_objects_have_a_precision_only(make_review, expert):
    folder, plan = make_review(mode="objects", n_items=120)
    assert all(len(item.objects) == 1 for item in plan.items)
    assert Counter(item.model for item in plan.items) == {"a": 60, "b": 60}
    expert().judge(folder, plan, "Ada")
    made = follow(write_review_report(folder))
    assert set(made.scores["score"]) == {"precision"}
    assert value(made, "Ada", "pure", "precision")["value"] == 1
    row = value(made, "Ada", "mixed", "precision")
    assert row["low"] < 30 / 36 < row["high"]
    assert made.scores["fn"].isna().all()


def test_the_files_of_the_report(make_review, expert):
    folder, plan = make_review()
    expert().judge(folder, plan, "<b>Ada</b> & co")
    made = follow(write_review_report(folder))
    for name, columns in FILES.items():
        table = pd.read_csv(made.folder / name)
        assert list(table.columns) == list(columns)
    page = made.page.read_text(encoding="utf-8")
    assert "&lt;b&gt;Ada" in page
    assert "<b>Ada" not in page
    assert page.count("data:image/png;base64,") >= 2
    assert "http" not in page.replace("http-equiv", "")
    assert "precision 1.000, recall 0.800" in "\n".join(summary(made))


# Sheets


def test_a_sheet_survives_being_killed_and_goes_on(make_review, tmp_path):
    folder, plan = make_review()
    writer = """
import sys, itertools
from pathlib import Path
from napari_cellseg.evaluate.review.plan import read_plan
from napari_cellseg.evaluate.review.sheet import Sheet
folder = Path(sys.argv[1])
sheet = Sheet(folder, read_plan(folder), "Ada")
sheet.finish(1, 1.0)
for i in itertools.count():
    sheet.mark(2, "missed", 0, float(i % 100), 5.0)
    print(i, flush=True)
"""
    process = subprocess.Popen([sys.executable, "-c", writer, str(folder)], stdout=subprocess.PIPE)
    told = 0
    while told < 20:
        told = int(process.stdout.readline())
    os.kill(process.pid, signal.SIGKILL)
    told = max([told, *(int(line) for line in process.stdout.read().split(b"\n")[:-1])])
    process.wait()
    process.stdout.close()
    sheet = Sheet(folder, plan, "Ada")
    n = len(sheet.judgement(2).marks)
    assert n >= told + 1
    assert sheet.next_item == 2
    with sheet.path.open("ab") as file:
        file.write(b'{"line":"mark","id":99999,"ite')  # torn off in the middle of a line
    sheet = Sheet(folder, plan, "Ada")
    assert len(sheet.judgement(2).marks) == n
    sheet.finish(2, 3.0)
    assert Sheet(folder, plan, "Ada").next_item == 3
    assert read_sheets(folder, plan)["Ada"][2].seconds == 3


def test_clicks_toggle_and_undo_takes_the_last(make_review):
    folder, plan = make_review()
    sheet = Sheet(folder, plan, "Ada")
    label = plan.item(1).objects[0]
    sheet.click(1, "wrong", label, 50, 50)
    sheet.click(1, "missed", 0, 20, 20)
    sheet.click(1, "missed", 0, 21, 20)  # the same place: taken back
    assert sheet.judgement(1).places("missed") == ()
    sheet.click(1, "missed", 0, 20, 20)
    sheet.click(1, "unsure", 0, 20, 20)
    assert sheet.judgement(1).places("unsure") == ((20, 20),)
    assert sheet.undo(1)
    assert sheet.judgement(1).objects("wrong") == {label}
    assert sheet.undo(1)
    assert not sheet.undo(1)
    again = Sheet(folder, plan, "Ada")
    assert again.judgement(1).marks == {}


def test_two_windows_do_not_write_one_sheet(make_review):
    folder, plan = make_review()
    one, other = Sheet(folder, plan, "Ada"), Sheet(folder, plan, "Ada")
    one.finish(1, 1)
    with pytest.raises(StorageError, match="another window"):
        other.finish(1, 1)
    assert Sheet(folder, plan, "Ada").n_done == 1


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "[" * 3000,
        '{"line":"mark","id":1,"item":999,"kind":"wrong","object":1,"y":1,"x":1}',
        '{"line":"mark","id":1,"item":1,"kind":"wrong","object":99999,"y":1,"x":1}',
        '{"line":"mark","id":1,"item":1,"kind":"missed","object":0,"y":1e9,"x":1}',
        '{"line":"mark","id":1,"item":1,"kind":"missed","object":0,"y":NaN,"x":1}',
        '{"line":"mark","id":1,"item":1,"kind":"wrong","object":0,"y":1,"x":1}',
        '{"line":"unmark","id":7}',
        '{"line":"done","item":1,"seconds":-1}',
        '{"line":"done","item":1,"seconds":1,"model":"x"}',
        '{"line":"sheet","review":"other","expert":"Ada"}',
        "\x00" * 40,
    ],
)
def test_hostile_sheets_give_a_sentence_and_stay_as_they_are(make_review, line):
    folder, plan = make_review(n_items=2, models=("mixed",))
    sheet = Sheet(folder, plan, "Ada")
    sheet.finish(1, 1)
    with sheet.path.open("a") as file:
        file.write(line + "\n")
    before = sheet.path.read_bytes()
    for read in (lambda: read_sheets(folder, plan), lambda: Sheet(folder, plan, "Ada")):
        with pytest.raises(InputError, match="in line 3"):
            read()
    assert sheet.path.read_bytes() == before


def test_names_of_experts(make_review):
    folder, plan = make_review(n_items=2)
    Sheet(folder, plan, "A/B").finish(1, 1)
    with pytest.raises(InputError, match="is the sheet of A/B"):
        Sheet(folder, plan, "A_B")
    for name in ("", "  ", "..", "x" * 100):
        with pytest.raises(SettingsError):
            Sheet(folder, plan, name)
    assert list(read_sheets(folder, plan)) == ["A/B"]


# Plans


@pytest.mark.parametrize(
    "change",
    [
        lambda told: told.update(schema="other"),
        lambda told: told.update(version=99),
        lambda told: told.update(items=[]),
        lambda told: told["items"][0].update(model="z"),
        lambda told: told["items"][0].update(number=7),
        lambda told: told["items"][0].update(box=[0, 0, 10**9, 10**9]),
        lambda told: told["items"][0].update(objects=[1, 1]),
        lambda told: told["items"][0].update(extra="x"),
        lambda told: told.update(id=5),
    ],
)
def test_hostile_plans_give_a_sentence(make_review, change):
    folder, _ = make_review(n_items=2)
    file = folder / "plan.json"
    told = json.loads(file.read_text())
    change(told)
    file.write_text(json.dumps(told))
    with pytest.raises(InputError):
        read_plan(folder)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "3", "\ud800".encode("utf-8", "surrogatepass")])
def test_files_that_are_no_plan_give_a_sentence(tmp_path, text):
    raw = text if isinstance(text, bytes) else text.encode()
    (tmp_path / "plan.json").write_bytes(raw)
    with pytest.raises(InputError):
        read_plan(tmp_path)


def test_items_that_were_changed_are_refused(make_review, expert):
    folder, plan = make_review(n_items=2)
    expert().judge(folder, plan, "Ada")
    file = folder / plan.item(1).file
    file.write_bytes(b"PK" + file.read_bytes()[2:-1])
    with pytest.raises(InputError, match="not the file"):
        follow(write_review_report(folder))
    file.unlink()
    with pytest.raises(InputError, match="is missing"):
        read_pixels(folder, plan.item(1))


def test_nothing_judged_is_no_report(make_review):
    folder, _ = make_review(n_items=2)
    with pytest.raises(CellSegError, match="Nobody has finished"):
        follow(write_review_report(folder))
    assert not (folder / "report").exists()
