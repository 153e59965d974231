"""What matters about this machine for training and the window, and the command that mends what is wrong."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    name : str
        What was looked at.
    found : str
        What was found.
    well : bool
        False when something should be mended.
    mend : str
        The command, or the sentence, that mends it; empty when all is well.
    """

    name: str
    found: str
    well: bool = True
    mend: str = ""

    def line(self) -> str:
        """Say it in a line or two for the terminal.

        Returns
        -------
        str
            A tick or a cross, what was found, and how to mend it.
        """
        told = f"{'✓' if self.well else '✗'} {self.name:<12} {self.found}"
        return f"{told}\n  to mend it:  {self.mend}" if self.mend else told


def examine() -> list[Finding]:
    """Look at everything.

    Returns
    -------
    list of Finding
        In the order in which a person would ask.
    """
    return [_program(), *_torch(), *_window()]


def _program() -> Finding:
    version = importlib.metadata.version("napari-cellseg")
    return Finding(
        "program", f"napari-cellseg {version}, Python {platform.python_version()}, {platform.platform()}"
    )


def _torch() -> Iterator[Finding]:
    from napari_cellseg.learn.engine import engine_in_words
    from napari_cellseg.learn.runtime import facts

    found = {**facts(), "engine": engine_in_words()}
    for name, value in found.items():
        yield Finding(name, value)
    if "cuda" in found and shutil.which("nvidia-smi") and "not available" in found["cuda"]:
        yield Finding(
            "GPU", "an NVIDIA driver is there, but torch cannot use it", False,
            f"{sys.executable} -m pip install --upgrade --force-reinstall torch",
        )  # fmt: skip


def _window() -> Iterator[Finding]:
    missing = [name for name in ("napari", "magicgui", "superqt", "qtpy", "pyqtgraph") if not _is_there(name)]
    bindings = [name for name in ("PyQt6", "PySide6") if _is_there(name)]
    if missing or not bindings:
        lacks = ", ".join(missing or ["a Qt binding"])
        yield Finding("window", f"{lacks} not installed: the command line works, the window does not", False,
                      f'{sys.executable} -m pip install "napari-cellseg[all]"')  # fmt: skip
        return
    yield Finding("napari", f"{importlib.metadata.version('napari')} with {' and '.join(bindings)}")
    yield _opengl()


def _is_there(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _opengl() -> Finding:
    tried = subprocess.run(
        [sys.executable, "-m", "napari_cellseg.ui.probe"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if tried.returncode == 0:
        found = json.loads(tried.stdout)
        told = f"{found['opengl']} by {found['renderer']}, {found['binding']} on {found['platform']}"
        return Finding("OpenGL", told)
    said = (tried.stderr.strip() or "no window could be opened").splitlines()
    if any("display" in line or "platform plugin" in line for line in said):
        mend = "On Debian: apt-get install xvfb libgl1-mesa-dri && xvfb-run -a napari-cellseg doctor"
        return Finding("OpenGL", "no screen was found", False, mend)
    return Finding(
        "OpenGL", said[-1], False, "Update the graphics driver; on Debian: apt-get install libgl1-mesa-dri"
    )
