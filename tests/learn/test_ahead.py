"""Work that goes on beside other work comes back in order, bounded, and whole."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from napari_cellseg.learn.ahead import in_line


def test_results_come_in_order_and_no_more_are_in_the_line_than_allowed() -> None:
    asked: list[int] = []
    given: list[int] = []

    def items() -> Iterator[int]:
        for i in range(20):
            asked.append(i)
            yield i

    def work(i: int) -> int:
        time.sleep(0.002 * (i % 3))
        return i * i

    with ThreadPoolExecutor(2) as pool:
        for result in in_line(pool, work, items(), 3):
            given.append(result)
            assert len(asked) - len(given) < 3
    assert given == [i * i for i in range(20)]


def test_what_is_done_is_given_at_once() -> None:
    with ThreadPoolExecutor(1) as pool:
        third = threading.Event()

        def slow() -> Iterator[int]:
            yield 0
            time.sleep(0.05)  # the first is done meanwhile
            yield 1
            third.set()
            yield 2

        line = in_line(pool, str, slow(), 3)
        assert next(line) == "0"
        assert not third.is_set()
        assert list(line) == ["1", "2"]


def test_an_error_comes_in_its_place() -> None:
    def work(i: int) -> int:
        if i == 2:
            raise ValueError("two")
        return i

    with ThreadPoolExecutor(1) as pool:
        line = in_line(pool, work, range(5), 3)
        assert [next(line), next(line)] == [0, 1]
        with pytest.raises(ValueError, match="two"):
            next(line)


def test_an_error_of_the_items_comes_after_the_results_before_it() -> None:
    def items() -> Iterator[int]:
        yield 0
        yield 1
        raise ValueError("broken")

    with ThreadPoolExecutor(1) as pool:
        line, given = in_line(pool, str, items(), 5), []
        with pytest.raises(ValueError, match="broken"):
            given.extend(line)
        assert given == ["0", "1"]


def test_who_stops_asking_leaves_nothing_running() -> None:
    started: list[int] = []

    def work(i: int) -> int:
        started.append(i)
        time.sleep(0.02)
        return i

    with ThreadPoolExecutor(1) as pool:
        line = in_line(pool, work, range(100), 4)
        assert next(line) == 0
        line.close()
    assert len(started) <= 4
