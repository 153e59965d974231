"""Runs that are measured in turns, so that what else the computer does slows all of them alike."""

from __future__ import annotations

import platform
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path


@dataclass(frozen=True)
class Spread:
    """What was measured.

    Attributes
    ----------
    low, median, high : float
        First quartile, median and third quartile.
    """

    low: float
    median: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.3f} s ({self.low:.3f} to {self.high:.3f})"


def spread(values: Sequence[float]) -> Spread:
    """Summarise measurements.

    Parameters
    ----------
    values : sequence of float
        At least two.

    Returns
    -------
    Spread
        Their median and quartiles.
    """
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(low, middle, high)


def in_turns(runs: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Measure all again and again, each once in every round.

    Parameters
    ----------
    runs : mapping of str to callable
        Each runs once and tells how many seconds it took.
    rounds : int
        How often.

    Returns
    -------
    dict of str to list of float
        Seconds by name, without those of a first round, which pays for the start.
    """
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(rounds + 1):
        for name, run in runs.items():
            seconds = run()
            if turn:
                taken[name].append(seconds)
    return taken


def ratios(taken: Mapping[str, Sequence[float]], ours: str) -> dict[str, Spread]:
    """Compare with ours, round by round.

    Parameters
    ----------
    taken : mapping
        From `in_turns`.
    ours : str
        Name of what the others are compared with.

    Returns
    -------
    dict of str to Spread
        How many times as long each of the others takes.
    """
    return {
        name: spread([theirs / mine for theirs, mine in zip(seconds, taken[ours], strict=True)])
        for name, seconds in taken.items()
        if name != ours
    }


def machine(threads: int, packages: Sequence[str]) -> str:
    """Tell what it was measured on.

    Parameters
    ----------
    threads : int
        Threads that each used.
    packages : sequence of str
        Whose versions matter.

    Returns
    -------
    str
        A sentence without its full stop.
    """
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in packages)
    return f"{processor()}, {threads} threads, Python {platform.python_version()}, {versions}"


def processor() -> str:
    """Name the processor.

    Returns
    -------
    str
        As the system does.
    """
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(named)} x {named[0]}" if named else platform.processor() or platform.machine()


class Peer:
    """Another program, in a process and an environment of its own.

    Parameters
    ----------
    name : str
        As `_peer.py` knows it.
    packages : sequence of str
        What its environment needs.
    frame : Path
        The frame, see `_peer.py`.
    folder : Path
        Where environments are kept.
    threads : int
        How many it may use.

    Raises
    ------
    OSError
        It cannot be installed or started; the message says why.
    """

    def __init__(self, name: str, packages: Sequence[str], frame: Path, folder: Path, threads: int) -> None:
        python = _environment(folder / name, packages)
        environment = {"OMP_NUM_THREADS": str(threads), "PATH": str(python.parent), "HOME": str(folder)}
        script = Path(__file__).with_name("_peer.py")
        self._process = subprocess.Popen(
            [python, "-P", script, name, frame],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        self.told = self._answer()

    def __call__(self) -> float:
        """Have it run once.

        Returns
        -------
        float
            Seconds.
        """
        assert self._process.stdin is not None  # noqa: S101 - asked for above
        self._process.stdin.write("run\n")
        self._process.stdin.flush()
        return float(self._answer())

    def close(self) -> None:
        """Let it go."""
        self._process.kill()
        self._process.wait()

    def _answer(self) -> str:
        assert self._process.stdout is not None  # noqa: S101 - asked for above
        line = self._process.stdout.readline().strip()
        if not line:
            raise OSError(f"it ended with code {self._process.wait()}")
        return line


def _environment(folder: Path, packages: Sequence[str]) -> Path:
    """Make a virtual environment with packages, unless it is there."""
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    uv = [sys.executable, "-m", "uv"]
    ready = folder / "ready"
    if not ready.is_file():
        for command in (
            [*uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder],
            [*uv, "pip", "install", "--quiet", "--prerelease", "allow", "--python", python, *packages],
        ):
            done = subprocess.run(command, check=False, capture_output=True, text=True)
            if done.returncode:
                raise OSError(f"it cannot be installed: {done.stderr.strip().splitlines()[-1]}")
        ready.touch()
    return python
