"""Which networks are on the Pareto front, and how that is told."""

import importlib
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).parents[2]


@pytest.fixture
def front(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return front_module(monkeypatch)


def front_module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT))  # benchmarks lie outside the package
    return importlib.import_module("benchmarks._front")


def point(front: ModuleType, name: str, ms: float, ap50: float) -> object:
    return front.Point(
        name, f"U-Net, {name}", ms, 2 * ms, ap50, ap50 - 0.1, ap50 - 0.3, 0.0, 1, 1_600_000, 3.2
    )


@pytest.fixture
def points(front: ModuleType) -> list:
    measured = (("slow", 90, 0.9), ("fast", 10, 0.7), ("beaten", 40, 0.75), ("middle", 30, 0.8))
    return [point(front, *one) for one in measured]


def names(points: list) -> list[str]:
    return [one.name for one in points]


def test_the_front_is_what_nothing_beats_in_both(front: ModuleType, points: list) -> None:
    assert names(front.pareto_front(points)) == ["fast", "middle", "slow"]


def test_equals_are_both_on_the_front_and_ties_in_one_are_beaten(front: ModuleType) -> None:
    measured = (("a", 10, 0.8), ("b", 10, 0.8), ("slower", 11, 0.8), ("worse", 10, 0.7))
    assert names(front.pareto_front([point(front, *one) for one in measured])) == ["a", "b"]
    assert front.pareto_front([]) == []


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9)), min_size=1, max_size=12))
def test_every_point_is_on_the_front_or_beaten_by_it(measured: list[tuple[int, int]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        front = front_module(patch)
        points = [point(front, str(i), ms, ap / 10) for i, (ms, ap) in enumerate(measured)]
        on = front.pareto_front(points)
        assert [(p.ms, p.ap50) for p in on] == sorted((p.ms, p.ap50) for p in on)
        for p in points:
            beaten = any(q.ms <= p.ms and q.ap50 >= p.ap50 and (q.ms, q.ap50) != (p.ms, p.ap50) for q in on)
            assert beaten != (p in on)


def test_the_verdict_names_what_is_better(front: ModuleType, points: list) -> None:
    assert "middle, is on the Pareto front" in front.verdict(points, "middle")
    assert front.verdict(points, "beaten").endswith("faster and better is middle.")
    assert "was not measured" in front.verdict(points, "another")


def test_the_table_has_a_row_for_each_from_fast_to_slow(front: ModuleType, points: list) -> None:
    points[0] = replace(points[0], seeds=3, spread=0.012)
    rows = [
        [cell.strip() for cell in row.split("|")[1:-1]] for row in front.table(points, "fast").splitlines()
    ]
    assert len({len(row) for row in rows}) == 1
    assert [row[0] for row in rows[2:]] == [
        "**U-Net, fast** (default)",
        "U-Net, middle",
        "U-Net, beaten",
        "U-Net, slow",
    ]
    assert [row[-1] for row in rows[2:]] == ["yes", "yes", "", "yes"]
    assert rows[2][1:8] == ["1.60 M", "3.2 MB", "10", "20", "0.700", "0.600", "0.400"]
    assert rows[5][5] == "0.900 ± 0.012"


def test_only_what_is_between_the_markers_is_renewed(front: ModuleType) -> None:
    page = "before\n<!-- measured: start -->\nold\n<!-- measured: end -->\nafter\n"
    once = front.put_between(page, "new")
    assert once == "before\n<!-- measured: start -->\n\nnew\n\n<!-- measured: end -->\nafter\n"
    assert front.put_between(once, "new") == once
    with pytest.raises(ValueError, match="needs the lines"):
        front.put_between("nothing", "new")


def test_the_page_has_the_markers(front: ModuleType) -> None:
    page = (ROOT / "docs" / "benchmarks-nets.md").read_text(encoding="utf-8")
    assert "new" in front.put_between(page, "new")


def test_the_plot_names_every_network_and_is_the_same_each_time(front: ModuleType, points: list) -> None:
    points[0] = replace(points[0], seeds=2, spread=0.01)
    drawn = front.draw(points, "middle", "2 threads")
    words = " ".join(ET.fromstring(drawn).itertext())  # noqa: S314 - our own
    assert all(name in words for name in ("slow", "fast", "beaten", "middle (default)", "2 threads"))
    assert drawn == front.draw(points, "middle", "2 threads")
