"""Long work in a process of its own, behind the same generator of events.

The import of torch and the building of a network hold Python's interpreter lock for hundreds of milliseconds:
in a thread they would stall the window. A helper process does not, and one that runs out of memory does not
take napari, with the person's corrections, down with it.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from types import ModuleType
from typing import Any, TypeVar

from napari_cellseg.errors import CellSegError
from napari_cellseg.progress import Cancelled, Event, Steps

R = TypeVar("R")

_STOP = "stop"
_POLL_S = 0.1
_GRACE_S = 1.0


@dataclass(frozen=True)
class _Answer:
    """The end of a piece of work: its result, or what went wrong."""

    result: object = None
    error: BaseException | None = None


class HelperError(CellSegError):
    """The helper process failed in a way that nobody foresaw; the message carries its traceback."""


def _serve(pipe: Connection, children: bool) -> None:
    """Run pieces of work in the helper, one at a time, until the pipe closes."""
    if not children:
        _answer_all(pipe)
        return
    threading.Thread(target=_end_with_parent, name="guard", daemon=True).start()
    try:
        _answer_all(pipe)
    finally:  # before Python ends, which would wait for them, or end the guard before it has done so
        _kill(_children_of(os.getpid()))


def _answer_all(pipe: Connection) -> None:
    while True:
        try:
            function, args = pipe.recv()
        except (EOFError, OSError, KeyboardInterrupt):
            return
        try:
            pipe.send(_Answer(result=_run(function, args, pipe)))
        except (Cancelled, CellSegError) as error:
            pipe.send(_Answer(error=error))
        except (BrokenPipeError, KeyboardInterrupt):
            return
        except Exception as error:  # noqa: BLE001 - the parent raises it again
            told = HelperError(f"{type(error).__name__}: {error}", "", "").with_traceback(None)
            told.add_note(traceback.format_exc())
            with suppress(BrokenPipeError):  # the parent is gone
                pipe.send(_Answer(error=told))


def _run(function: Callable[..., Steps[Any]], args: tuple[Any, ...], pipe: Connection) -> object:
    steps = function(*args)
    asked = False
    try:
        event = next(steps)
        while True:
            pipe.send(event)
            if not asked and pipe.poll() and pipe.recv() == _STOP:
                asked = True
                event = steps.throw(Cancelled())
            else:
                event = next(steps)
    except StopIteration as end:
        return end.value
    finally:
        steps.close()


def _end_with_parent() -> None:
    """Wait in the helper until the process that started it is gone, however it went, and end all at once."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    _kill(_children_of(os.getpid()))
    os._exit(1)


def _children_of(pid: int) -> list[Any]:
    """List the processes that a process has started, and those that these have."""
    import psutil  # noqa: PLC0415 - napari and distributed bring it; nothing else here has children

    with suppress(psutil.NoSuchProcess):
        return list(psutil.Process(pid).children(recursive=True))
    return []


def _gone() -> type[Exception]:
    """Name the error that says that a process is over."""
    import psutil  # noqa: PLC0415 - see above

    return psutil.NoSuchProcess


def _kill(processes: list[Any]) -> None:
    for process in processes:
        with suppress(_gone()):
            process.kill()  # not one that has got the same number since


class Helper:
    """A process that stays ready between pieces of work, so that torch is imported once.

    It starts with the first piece of work and ends with `close`, with Python, or with the parent's death.
    One piece of work at a time; a second `run` waits for the first.

    Parameters
    ----------
    children : bool
        Whether the work starts processes of its own, which Python refuses to helpers otherwise. They end with
        the helper, and all of them with the parent, even where that one crashes.
    """

    def __init__(self, children: bool = False) -> None:
        self._children = children
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None
        self._busy = threading.Lock()
        self._gate = threading.Lock()  # it is not ended while it is being started
        self._closed = False
        atexit.register(self.close)

    def run(self, function: Callable[..., Steps[R]], *args: object) -> Steps[R]:
        """Run ``function(*args)``, a generator of events, in the helper.

        Parameters
        ----------
        function : callable
            A module-level function, so that it can be pickled; returns `Steps`.
        *args : object
            Its arguments, picklable.

        Yields
        ------
        Event
            The events of the work as they come.

        Returns
        -------
        object
            The result of the work.

        Raises
        ------
        CellSegError
            What the work raised, or `HelperError` when the process died.
        """
        with self._busy:
            pipe = self._start()
            pipe.send((function, args))
            done = False
            try:
                while True:
                    message = self._receive(pipe)
                    if isinstance(message, _Answer):
                        done = True
                        break
                    try:
                        yield message
                    except Cancelled:
                        pipe.send(_STOP)
            finally:
                if (
                    not done
                ):  # nobody waits for the result: the helper must not go on, nor its late answers arrive
                    self._end()
            if message.error is not None:
                raise message.error
            return message.result  # type: ignore[return-value]

    def _start(self) -> Connection:
        with self._gate:
            if self._closed:
                raise HelperError("The helper process was ended", "", "")
            if self._process is None or not self._process.is_alive() or self._pipe is None:
                context = multiprocessing.get_context("spawn")  # a fork would copy Qt and its threads
                self._pipe, theirs = context.Pipe()
                process = context.Process(
                    target=_serve,
                    args=(theirs, self._children),
                    daemon=not self._children,
                    name="napari-cellseg helper",
                )
                with _no_main_module():
                    process.start()
                theirs.close()
                self._process = process
            return self._pipe

    def _receive(self, pipe: Connection) -> Event | _Answer:
        try:
            while not pipe.poll(_POLL_S):
                if self._process is None or not self._process.is_alive():
                    raise EOFError
            message: Event | _Answer = pipe.recv()
        except (EOFError, OSError) as error:
            raise HelperError(
                "The helper process ended before its work was done",
                "Most often the computer ran out of memory",
                "Close other programs, or choose a smaller batch or tile, and try again",
            ) from error
        return message

    def _end(self) -> None:
        with self._gate:
            process, pipe, self._process, self._pipe = self._process, self._pipe, None, None
        if pipe is not None:
            pipe.close()
        if process is not None:
            children = _children_of(process.pid) if self._children and process.pid is not None else []
            process.terminate()
            process.join(_GRACE_S)
            if process.is_alive():
                process.kill()
                process.join()
            process.close()
            _kill(children)  # after the helper, which starts workers anew

    def close(self) -> None:
        """End the process for good, at once even when it is at work."""
        self._closed = True
        atexit.unregister(self.close)
        self._end()


@contextmanager
def _no_main_module() -> Iterator[None]:
    """Hide the script that is running from a process that is started.

    It would run the script once more, to find what it defines: a script that opens napari without the guard
    ``if __name__ == "__main__"`` would open it again. Our work is all in modules, which need no script.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
