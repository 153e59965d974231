"""How long one frame takes from the file to its labels, beside other programs in the same run.

Frames are put together from fields of BBBC039 (U2OS nuclei), see `SIDES`. Ours is the bundled model of
stained nuclei, told the diameter of nuclei, as it is for all frames of a movie but the first; what finding
it out costs is told apart. The others: the classical U-Net (31,042,497 weights for one channel, float32, as
it is) with connected components; the network of StarDist at its published size with random weights, and what
comes after it with the shapes of the true nuclei; CellProfiler's IdentifyPrimaryObjects as it comes; Otsu's
threshold and a watershed by scikit-image. ``THREADS`` (2) is what each may use, ``ROUNDS`` (7) how often
each runs. The programs are installed in environments of their own, in the folder ``PEERS``; one that cannot
be is left out. ``--write`` renews docs/benchmarks.md.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import tifffile
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks._baselines import Image, by_threshold, classical, frame_of
from benchmarks._front import put_between
from benchmarks._learning import DATA, SKIPPED
from benchmarks._turns import Peer, Spread, in_turns, machine, ratios, spread
from napari_cellseg.config import PredictConfig
from napari_cellseg.data.opening import open_stack
from napari_cellseg.data.write import write_text
from napari_cellseg.learn import artist, model
from napari_cellseg.learn import predict as walk
from napari_cellseg.learn.engine import engine_in_words
from napari_cellseg.learn.model import load_model
from napari_cellseg.learn.registry import bundled_models_folder
from napari_cellseg.learn.targets import median_diameter_px
from napari_cellseg.progress import follow

THREADS, ROUNDS = int(os.environ.get("THREADS", "2")), int(os.environ.get("ROUNDS", "7"))
PEERS = Path(os.environ.get("PEERS", Path(__file__).parent / ".results" / "peers"))
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
MODEL = bundled_models_folder() / "nuclei-fluorescence"
OURS = "napari-cellseg"
NETWORK = "of it the network"
PROGRAMS = {
    "stardist": ("StarDist", ["stardist", "tensorflow-cpu"]),
    "cellprofiler": ("CellProfiler, IdentifyPrimaryObjects", ["cellprofiler-library-nightly"]),
}
SIDES = {"520 x 696": (1, 1), "1040 x 1392": (2, 2), "2048 x 2048": (4, 3)}
"""How many fields are put below and beside one another."""


def timed(work: Callable[[], object]) -> Callable[[], float]:
    """Have the time of a run told.

    Parameters
    ----------
    work : callable
        What runs.

    Returns
    -------
    callable
        Runs it and gives the seconds.
    """

    def run() -> float:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    return run


def ours(path: Path, diameter_px: float | None) -> float:
    """Find the nuclei of a file by the program's own walk.

    Parameters
    ----------
    path : Path
        A TIFF.
    diameter_px : float or None
        Diameter of a typical nucleus; None: it is found out.

    Returns
    -------
    float
        Seconds.
    """
    start = time.perf_counter()
    config = PredictConfig(diameter_px=diameter_px)
    follow(walk.predict(open_stack(path), 0, MODEL, config, keep_probability=False))
    return time.perf_counter() - start


class Parts:
    """Times of the parts of our walk."""

    def __init__(self) -> None:
        self.taken: dict[str, list[float]] = {
            "drawing the maps": [],
            NETWORK: [],
            "finding objects in them": [],
        }

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Measure from now on."""
        kept = artist.draw_maps, model.apply_tiled, walk.labels_of
        artist.draw_maps = self._timed("drawing the maps", artist.draw_maps)
        model.apply_tiled = self._timed(NETWORK, model.apply_tiled)
        walk.labels_of = self._timed("finding objects in them", walk.labels_of)
        try:
            yield
        finally:
            artist.draw_maps, model.apply_tiled, walk.labels_of = kept

    def _timed(self, name: str, work: Callable[..., object]) -> Callable[..., object]:
        def run(*given: object, **named: object) -> object:
            start = time.perf_counter()
            done = work(*given, **named)
            self.taken[name].append(time.perf_counter() - start)
            return done

        return run


def rates(shape: tuple[int, int]) -> dict[str, float]:
    """Measure how near the network comes to what the processor can do.

    Parameters
    ----------
    shape : tuple of int
        Height and width of what enters the network.

    Returns
    -------
    dict of str to float
        Multiplications of the network and of a plain convolution, in units of a billion.
    """
    network = load_model(MODEL).network
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network(torch.zeros(1, 1, *shape))
    convolution = torch.nn.Conv2d(64, 64, 3, padding=1).to(torch.bfloat16, memory_format=torch.channels_last)
    picture = torch.zeros(1, 64, 512, 512, dtype=torch.bfloat16).to(memory_format=torch.channels_last)
    with FlopCounterMode(display=False) as plain, torch.inference_mode():
        convolution(picture)
    with torch.inference_mode():
        seconds = in_turns({"plain": timed(lambda: convolution(picture))}, 9)["plain"]
    fastest = plain.get_total_flops() / min(seconds)
    return {"network": counter.get_total_flops() / 1e9, "rate": fastest / 1e9}


def measure(size: str, folder: Path) -> list[str]:
    """Measure all programs on a frame.

    Parameters
    ----------
    size : str
        Among `SIDES`.
    folder : Path
        For files.

    Returns
    -------
    list of str
        Lines of Markdown.
    """
    image, truth = frame_of(*SIDES[size])
    diameter = median_diameter_px(truth)
    file, frame = folder / "frame.tif", folder / "frame.npz"
    tifffile.imwrite(file, image)
    np.savez(frame, image=image, truth=truth)
    runs: dict[str, Callable[[], float]] = {OURS: partial(ours, file, diameter)}
    runs[f"{OURS}, diameter found out"] = partial(ours, file, None)
    peers, notes = [], []
    for name, (title, packages) in PROGRAMS.items():
        try:
            peer = Peer(name, packages, frame, PEERS, THREADS)
        except OSError as error:
            notes.append(f"{title} is left out: {error}.")
            continue
        peers.append(peer)
        runs[title] = peer
        notes.append(f"{title}: {peer.told}.")
    runs["U-Net of 2015, connected components"] = timed(classical(image))
    runs["Otsu's threshold and watershed"] = timed(partial(by_threshold, image))
    taken = in_turns(runs, ROUNDS)
    parts = Parts()
    with parts.watching():
        for _ in range(ROUNDS):
            ours(file, diameter)
    for peer in peers:
        peer.close()
    return [
        f"### {size} px",
        "",
        *lines_of(taken),
        "",
        *notes,
        "",
        *shares(parts, taken[OURS], image, diameter),
    ]


def lines_of(taken: dict[str, list[float]]) -> list[str]:
    """Write the table.

    Parameters
    ----------
    taken : dict
        Seconds by name.

    Returns
    -------
    list of str
        Markdown.
    """
    times = ratios(taken, OURS)
    rows = ["| program | time | as long as ours |", "| --- | --- | --- |"]
    for name, seconds in taken.items():
        ratio: Spread | None = times.get(name)
        told = f"{ratio.median:.1f} x ({ratio.low:.1f} to {ratio.high:.1f})" if ratio else ""
        rows.append(f"| {name} | {spread(seconds)} | {told} |")
    return rows


def shares(parts: Parts, whole: list[float], image: Image, diameter_px: float | None) -> list[str]:
    """Tell how our time is spent, and how near the network comes to the processor.

    Parameters
    ----------
    parts : Parts
        Of more runs of ours, one after the other.
    whole : list of float
        Seconds with the diameter.
    image : ndarray
        The frame.
    diameter_px : float or None
        Of a typical nucleus.

    Returns
    -------
    list of str
        Markdown.
    """
    median = spread(whole).median
    told = [
        f"{spread(seconds).median:.3f} s ({spread(seconds).median / median:.0%}) {name}"
        for name, seconds in parts.taken.items()
    ]
    scale = load_model(MODEL).card.object_px / (diameter_px or 1)
    height, width = (-(-round(side * scale) // 32) * 32 for side in image.shape)
    known = rates((height, width))
    drawing = spread(parts.taken[NETWORK]).median
    reached = known["network"] / drawing / known["rate"]
    return [
        f"Ours, one after the other: {', '.join(told)}. The network sees {height} x {width} px, "
        f"{known['network'] / 2:.1f} billion multiplications; it makes "
        f"{known['network'] / 2 / drawing:.0f} billion a second, {reached:.0%} of what a plain convolution "
        f"of 64 channels reaches here in bfloat16 by torch ({known['rate'] / 2:.0f}).",
        "",
    ]


def main() -> int:
    """Measure all sizes.

    Returns
    -------
    int
        0, or 75 without the images.
    """
    if not (DATA / "bbbc039").is_dir():
        print("the real images are not in ../shared/data")
        return SKIPPED
    torch.set_num_threads(THREADS)
    foot = machine(THREADS, ["torch", "numpy", "scipy", "scikit-image"])
    lines = [f"{ROUNDS} rounds, in turns; median and quartiles. {foot}; network by {engine_in_words()}.", ""]
    with tempfile.TemporaryDirectory() as folder:
        for size in SIDES:
            measured = measure(size, Path(folder))
            print("\n".join(measured), flush=True)
            lines += measured
    if "--write" in sys.argv:
        write_text(PAGE, put_between(PAGE.read_text(encoding="utf-8"), "\n".join(lines).strip()))
    return 0
