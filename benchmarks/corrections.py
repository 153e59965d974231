"""Delays of the window while labels of 2,048 x 2,048 px are corrected, in a movie of 500 frames.

A real viewer with the corrected layer; times are those of the window's thread, ours alone, and until the
picture is drawn, with OpenGL in software. The labels are a file with holes (8 GB that take no room); 20 of
its frames hold 2,025 nuclei. A movie of 50 frames tells whether memory depends on the length. Opening a study
of 20,000 corrections is timed too.
"""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.correcting import ROWS, SIDE, nuclei

SKIPPED = 75
USED, TIMES = 20, 100
MOST_MS = {
    "edit": 50.0,
    "undo": 50.0,
    "redo": 50.0,
    "stroke": 50.0,
    "entry on the disk": 50.0,
    "frame": 100.0,
}
_CHILD = "NAPARI_CELLSEG_CORRECTIONS"


def main() -> int:
    """Print median and 99th percentile of each, and the memory that it takes.

    Returns
    -------
    int
        0; 75 when there is no screen, real or virtual.
    """
    asked = os.environ.get(_CHILD)
    if asked:
        return measure(int(asked))
    xvfb = shutil.which("xvfb-run")
    if xvfb is None:
        print("no xvfb-run to make a virtual screen")
        return SKIPPED
    opening()
    code = "from benchmarks.corrections import main; raise SystemExit(main())"
    command = [xvfb, "-a", "-s", "-screen 0 1366x768x24", sys.executable, "-c", code]
    for n_frames in (50, 500):
        done = subprocess.run(command, check=False, env=os.environ | {_CHILD: str(n_frames)})
        if done.returncode:
            return done.returncode
    return 0


def measure(n_frames: int) -> int:  # noqa: PLR0915 - one script
    """Correct a movie in a viewer, and print what it takes; see `main`."""
    # ruff: noqa: PLC0415 - napari and Qt only once there is a screen
    import napari
    from qtpy.QtWidgets import QApplication

    from napari_cellseg.data.project import open_label_movie
    from napari_cellseg.label import edit as tools
    from napari_cellseg.label.restore import restored
    from napari_cellseg.ui.corrections import Corrections

    print(f"{n_frames} frames; load of the computer {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory(dir=os.environ.get("NAPARI_CELLSEG_BENCHMARK_FOLDER")) as folder:
        labels = sparse_movie(Path(folder) / "corrected.npy", n_frames)
        viewer = napari.Viewer(show=True)
        viewer.window.resize(1366, 768)
        started = time.perf_counter()
        book = restored(labels, Path(folder) / "journal.jsonl")
        print(f"  opened after {1000 * (time.perf_counter() - started):.0f} ms")
        movie = open_label_movie(labels)
        layer = viewer.add_labels(movie, name="corrected")
        corrections = Corrections(layer, movie, 0, book)
        saved: list[float] = []
        write_down = corrections.history.write_down

        def timed(write: Callable[..., object], *args: object) -> Any:
            began = time.perf_counter()
            future = write_down(write, *args)
            future.add_done_callback(lambda _: saved.append(1000 * (time.perf_counter() - began)))
            return future

        corrections.history.write_down = timed  # type: ignore[method-assign]
        rng = np.random.default_rng(0)

        def drawn(work: Callable[[], object], name: str = "") -> float:
            began = time.perf_counter()
            work()
            took = 1000 * (time.perf_counter() - began)
            QApplication.processEvents()
            whole = 1000 * (time.perf_counter() - began)
            if name:
                drawing[name].append(whole)
            return took if name else whole

        times: dict[str, list[float]] = {name: [] for name in MOST_MS}
        drawing: dict[str, list[float]] = {name: [] for name in ("edit", "undo", "redo", "stroke")}
        first: list[float] = []
        gc.collect()
        gc.freeze()
        before = memory()
        for turn in range(TIMES):
            t = turn % USED
            times["frame"].append(drawn(lambda t=t: viewer.dims.set_current_step(0, t)))
            present = np.unique(movie[t])
            made = tools.delete(movie[t], int(rng.choice(present[1:])), frame=t)
            (first if turn < USED else times["edit"]).append(
                drawn(lambda made=made: corrections.do(made), "edit")
            )
            times["undo"].append(drawn(corrections.undo, "undo"))
            times["redo"].append(drawn(corrections.redo, "redo"))
            y, x = rng.uniform(50, SIDE - 50, 2)
            layer.brush_size = 20
            times["stroke"].append(drawn(lambda t=t, y=y, x=x: layer.paint((t, y, x), 5000), "stroke"))
        corrections.flush()
        times["entry on the disk"] = saved
        row("first edit of a frame", first)
        for name, most in MOST_MS.items():
            row(name, times[name], most)
        for name, taken in drawing.items():
            row(f"{name}, until drawn", taken)
        print(f"  memory: {memory():.0f} MB without pages of files, {memory() - before:+.0f} MB by the work")
        corrections.close()
        viewer.close()
    return 0


def opening(n: int = 20_000) -> None:
    """Time opening a study of many corrections."""
    from napari_cellseg.label import edit as tools
    from napari_cellseg.label.journal import EditStep, Journal
    from napari_cellseg.label.journal_lines import line_of
    from napari_cellseg.label.journal_steps import entry_of_step
    from napari_cellseg.label.restore import restored

    with tempfile.TemporaryDirectory(dir=os.environ.get("NAPARI_CELLSEG_BENCHMARK_FOLDER")) as folder:
        labels, journal = sparse_movie(Path(folder) / "corrected.npy", USED), Path(folder) / "journal.jsonl"
        movie = np.load(labels, mmap_mode="r")
        some = [tools.delete(movie[t], k, frame=t) for t in range(USED) for k in range(1, 1 + ROWS)]
        del movie
        lines = [line_of(entry_of_step(EditStep((edit,)), journal.parent)) for edit in some]
        shape = [USED, SIDE, SIDE]
        head = [line_of({"kind": "journal", "version": 1}), line_of({"kind": "shape", "shape": shape})]
        journal.write_bytes(b"".join([*head, *(lines[k % len(lines)] for k in range(n))]))
        size = journal.stat().st_size
        for what in ("replayed", "opened again"):
            started = time.perf_counter()
            book = restored(labels, journal)
            print(f"{n} corrections ({size / 1e6:.0f} MB) {what} after {time.perf_counter() - started:.2f} s")
            if what == "replayed" and book.n_done == n:
                started = time.perf_counter()
                Journal(journal)
                print(f"  of it read in {time.perf_counter() - started:.2f} s")
        started = time.perf_counter()
        book.last_done()
        print(f"  the last one found in {1000 * (time.perf_counter() - started):.1f} ms")


def sparse_movie(path: Path, n_frames: int) -> Path:
    """Make a movie of labels whose first frames hold nuclei, the others nothing."""
    movie = np.lib.format.open_memmap(path, "w+", np.int32, (n_frames, SIDE, SIDE))
    labels = nuclei(np.random.default_rng(1))
    for t in range(USED):
        movie[t] = np.roll(labels, 5 * t, axis=0)
    return path


def memory() -> float:
    """Return the MB of this process that are not pages of the labels' file, which the system may drop."""
    told = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(told["RssAnon"].split()[0]) / 1024


def row(name: str, taken: list[float] | npt.NDArray[np.float64], most: float = float("inf")) -> None:
    """Print one line."""
    median, p99 = np.percentile(taken, [50, 99])
    much = "  ABOVE THE TARGET" if p99 > most else ""
    print(f"  {name:<22} {len(taken):4} {median:7.1f} {p99:7.1f} ms (median, p99){much}", flush=True)
