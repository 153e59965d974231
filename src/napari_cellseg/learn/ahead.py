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
        What came of each item.

    Raises
    ------
    Exception
        Whatever the work raised, in the place of its result.
    """
    line: deque[Future[B]] = deque()
    try:
        for item in items:
            line.append(pool.submit(work, item))
            if len(line) >= most:
                yield line.popleft().result()
        while line:
            yield line.popleft().result()
    finally:  # nobody wants the rest
        for future in line:
            future.cancel()
