"""Events on the terminal: a bar for what is counted, a line for what should be read."""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType, TracebackType
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn
from rich.progress import Progress as RichProgress

from napari_cellseg.learn.events import BatchDone, Compared, EpochDone, Preflight
from napari_cellseg.progress import Event, Note, Progress, Steps, duration, follow

R = TypeVar("R")


class Bar:
    """Shows events on standard error, so that standard output stays for results.

    Parameters
    ----------
    quiet : bool
        True shows nothing but notes.
    """

    def __init__(self, quiet: bool = False) -> None:
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._bar = RichProgress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[left]}"),
            console=self._console,
            transient=True,
            disable=quiet or not self._console.is_terminal,
        )
        self._row = self._bar.add_task("working", total=None, left="")
        self._quiet = quiet

    def __enter__(self) -> Bar:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def tell(self, event: Event) -> None:
        """Show one event.

        Parameters
        ----------
        event : Event
            Any event; those that a terminal has no use for are passed over.
        """
        match event:
            case Progress():
                self._move(event.done, event.total or None, event.what, event.seconds_left)
            case BatchDone():
                what = f"epoch {event.epoch}, {event.images_per_s:.1f} images/s"
                self._move(event.batch, event.n_batches, what, event.seconds_left)
            case EpochDone() if not self._quiet:
                losses = f"loss {event.train_loss:.3f}, validation {event.val_loss:.3f}"
                scores = f"IoU {event.val_iou:.3f}"
                scores += "" if event.val_ap50 is None else f", AP50 {event.val_ap50:.3f}"
                best = "  best so far" if event.best else ""
                self._console.print(f"epoch {event.epoch}: {losses}, {scores}{best}")
            case Note() | Compared() | Preflight():
                self._console.print(event.text)

    def _move(self, done: int, total: int | None, what: str, seconds_left: float | None) -> None:
        left = "" if seconds_left is None else f"{duration(seconds_left)} left"
        self._bar.update(self._row, completed=done, total=total, description=what, left=left)


class _Interrupt:
    """The first Ctrl-C asks the work to stop and keep what it has; the second ends the program."""

    def __init__(self) -> None:
        self.asked = False

    def __enter__(self) -> _Interrupt:
        self._catches = threading.current_thread() is threading.main_thread()
        if self._catches:
            self._before = signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._catches:
            signal.signal(signal.SIGINT, self._before)

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        print("Stopping; what is done is kept. Once more ends at once.", file=sys.stderr)


def show(steps: Steps[R], quiet: bool = False) -> R:
    """Follow long work on the terminal.

    Parameters
    ----------
    steps : generator of Event
        The work.
    quiet : bool
        True shows nothing but notes.

    Returns
    -------
    object
        The result of the work.

    Raises
    ------
    Cancelled
        Ctrl-C stopped work that had nothing to keep.
    """
    with Bar(quiet) as bar, _Interrupt() as interrupt:
        return follow(steps, bar.tell, lambda: interrupt.asked)
