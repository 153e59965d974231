"""How long the program takes to start: ``napari-cellseg --help``, and the panel once napari is up.

Each start is a process of its own; ``ROUNDS`` (7) of each are measured in turns, after one that fills the
caches of the disk. Python that does nothing, the import of torch, and napari's own window are what they are
compared with. ``--write`` renews docs/benchmarks.md.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks._front import put_between
from benchmarks._turns import in_turns, machine, spread
from napari_cellseg.data.write import write_text

ROUNDS = int(os.environ.get("ROUNDS", "7"))
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
MOST_S = {"napari-cellseg --help": 0.4, "the panel opens": 1.0}
WINDOW = """
import json, sys, time
start = time.perf_counter()
import napari
from qtpy.QtWidgets import QApplication
viewer = napari.Viewer(show=True)
QApplication.processEvents()
up = time.perf_counter()
_, panel = viewer.window.add_plugin_dock_widget("napari-cellseg", "Cell segmentation")
seconds = []
for there in ("has_opened", "is_ready"):
    while not getattr(panel, there):
        QApplication.processEvents()
        time.sleep(0.002)
    seconds.append(time.perf_counter() - up)
print(json.dumps([up - start, *seconds, "torch" in sys.modules]), flush=True)
viewer.close()
"""


def started(command: list[str]) -> float:
    """Run a command to its end.

    Parameters
    ----------
    command : list of str
        Its words.

    Returns
    -------
    float
        Seconds.
    """
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


class Window:
    """A napari window, opened with our panel in a process of its own.

    Parameters
    ----------
    screen : list of str
        Words before the command, for a virtual screen.
    """

    def __init__(self, screen: list[str]) -> None:
        self._screen, self._first_s, self._all_s = screen, 0.0, 0.0
        self.brings_torch = False

    def napari(self) -> float:
        """Open both.

        Returns
        -------
        float
            Seconds until napari was up, its import included.
        """
        command = [*self._screen, sys.executable, "-c", WINDOW]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        seconds, self._first_s, self._all_s, torch = json.loads(told.splitlines()[-1])
        self.brings_torch |= torch
        return float(seconds)

    def first(self) -> float:
        """Tell of the panel in the window that was opened last.

        Returns
        -------
        float
            Seconds from napari's window to the panel in it, with its first step open.
        """
        return self._first_s

    def all(self) -> float:
        """Tell of the other steps, which are made while the first is being used.

        Returns
        -------
        float
            Seconds from napari's window.
        """
        return self._all_s


def virtual_screen() -> list[str] | None:
    """Find what shows windows.

    Returns
    -------
    list of str or None
        Words before a command, none where there is a screen; None without any.
    """
    if os.environ.get("DISPLAY") or sys.platform in ("win32", "darwin"):
        return []
    xvfb = shutil.which("xvfb-run")
    return [xvfb, "-a", "-s", "-screen 0 1366x768x24"] if xvfb else None


def main() -> int:
    """Measure all.

    Returns
    -------
    int
        0 when our starts are as quick as they should be and bring no torch along, 1 when not.
    """
    program = Path(sys.executable).with_name("napari-cellseg")
    python = [sys.executable, "-c"]
    runs: dict[str, Callable[[], float]] = {
        "Python that does nothing": partial(started, [*python, "pass"]),
        "napari-cellseg --help": partial(started, [str(program), "--help"]),
        "import torch": partial(started, [*python, "import torch"]),
    }
    screen = virtual_screen()
    window = Window(screen or [])
    if screen is None:
        print("no screen, and no xvfb-run to make a virtual one: the window is left out")
    else:
        runs |= {
            "napari's own window": window.napari,
            "the panel opens": window.first,
            "all of its steps are there": window.all,
        }
    taken = {name: spread(seconds) for name, seconds in in_turns(runs, ROUNDS).items()}
    modules = (
        "import sys, napari_cellseg.cli as c; c.make_parser().format_help(); print('torch' in sys.modules)"
    )
    told = subprocess.run([*python, modules], check=True, capture_output=True, text=True).stdout
    brings_torch = window.brings_torch or told.strip() != "False"
    foot = machine(1, ["numpy" if screen is None else "napari"])
    lines = [
        f"{ROUNDS} rounds, in turns; median and quartiles. {foot}.",
        "",
        "| what starts | time |",
        "| --- | --- |",
        *(f"| {name} | {seconds} |" for name, seconds in taken.items()),
        "",
        "Ours imports torch, which it should not." if brings_torch else "Neither of ours imports torch.",
    ]
    print("\n".join(lines), flush=True)
    if "--write" in sys.argv:
        write_text(PAGE, put_between(PAGE.read_text(encoding="utf-8"), "\n".join(lines), "start-up"))
    slow = [name for name, most in MOST_S.items() if name in taken and taken[name].median > most]
    return 1 if slow or brings_torch else 0
