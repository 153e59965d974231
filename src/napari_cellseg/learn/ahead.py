"""Work on frames while other work goes on: a bounded line between one step and the next."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")


def in_line(pool: Executor, work: Callable[[A], B], items: Iterable[A], most: int) -> Iterator[B]:
    """Work on items in other threads, a few at a time, in their order.

    Parameters
    ----------
    pool : Executor
        Whose threads work.
    work : callable
        What is done with an item.
    items : iterable
        The items; the next one is asked for when there is room in the line.
    most : int
        So many are in the line at once, at least 1: memory is bounded by it.

    Yields
    ------
    object
        What came of each item, as soon as it and all before it are done.

    Raises
    ------
    Exception
        Whatever the work raised, in the place of its result; and what ``items`` raised, after the results of
        those before.
    """
    line: deque[Future[B]] = deque()
    source = iter(items)
    try:
        while True:
            try:
                line.append(pool.submit(work, next(source)))
            except StopIteration:
                break
            except Exception:
                yield from _rest(line)  # what was asked for before still counts
                raise
            while line and (len(line) >= most or line[0].done()):
                yield line.popleft().result()
        yield from _rest(line)
    finally:  # nobody wants the rest
        for future in line:
            future.cancel()


def _rest(line: deque[Future[B]]) -> Iterator[B]:
    while line:
        yield line.popleft().result()
