"""How long a step of training takes, beside the same in float32 and beside the U-Net of 2015.

A batch of ``BATCH`` (8) patches of 256 x 256 px is cut from a frame with nuclei, augmented, drawn, scored and
learned from, on ``THREADS`` (2) threads, in turns of ``ROUNDS`` (5). Ours is what the program does: bfloat16
and channels last where they are faster here. ``--write`` renews docs/benchmarks.md.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import ndimage as ndi

from benchmarks._front import put_between
from benchmarks._turns import Spread, in_turns, machine, ratios, spread
from benchmarks.mosaic import square
from napari_cellseg.config import NetConfig, TrainConfig
from napari_cellseg.data.write import write_text
from napari_cellseg.learn import learner as module
from napari_cellseg.learn import runtime
from napari_cellseg.learn.learner import Learner
from napari_cellseg.learn.patches import with_targets

BATCH, SIDE = int(os.environ.get("BATCH", "8")), 256
THREADS, ROUNDS = int(os.environ.get("THREADS", "2")), int(os.environ.get("ROUNDS", "5"))
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
OURS = "napari-cellseg"
CLASSICAL = NetConfig(architecture="unet-2015", encoder_weights="none", attention="none")


class Steps:
    """Steps of one kind, and how long augmentation takes of them."""

    def __init__(self, net: NetConfig, device: str, plain: bool) -> None:
        image, inside = square()
        labels = ndi.label(inside)[0].astype(np.int32)
        self.frames = [with_targets((image / image.max()).astype(np.float16), labels)]
        self.plain, self.augmenting = plain, 0.0
        plan = runtime.Plan(BATCH, SIDE, runtime.choose_device(device))
        with self.as_told():
            self.learner = Learner(net, TrainConfig(batch_size=BATCH, patch_px=SIDE), plan)

    def __call__(self) -> float:
        """Learn from one batch; returns the seconds taken."""
        start = time.perf_counter()
        with self.as_told():
            self.learner.step(self.frames, 0.5)
        return time.perf_counter() - start

    @contextmanager
    def as_told(self) -> Iterator[None]:
        """Compute in float32 and row by row where that is wanted, and measure the augmentation."""
        kept = module.augment, runtime.autocast, runtime.laid_out
        module.augment = self._watched(module.augment)
        if self.plain:
            runtime.autocast = lambda *_: nullcontext()  # type: ignore[assignment]
            runtime.laid_out = lambda thing, device: thing.to(device)  # type: ignore[attr-defined]
        try:
            yield
        finally:
            module.augment, runtime.autocast, runtime.laid_out = kept

    def _watched(self, augment: Callable[..., Any]) -> Callable[..., Any]:
        def run(*given: Any, **named: Any) -> Any:
            start = time.perf_counter()
            done = augment(*given, **named)
            self.augmenting += time.perf_counter() - start
            return done

        return run


def measure(device: str) -> list[str]:
    """Measure all on one device.

    Parameters
    ----------
    device : str
        As torch calls it.

    Returns
    -------
    list of str
        Markdown.
    """
    ours = Steps(NetConfig(), device, plain=False)
    runs = {
        OURS: ours,
        "the same in float32, row by row": Steps(NetConfig(), device, plain=True),
        "U-Net of 2015 in float32": Steps(CLASSICAL, device, plain=True),
    }
    taken = in_turns(runs, ROUNDS)
    times: dict[str, Spread] = ratios(taken, OURS)
    rows = [f"| {device}: a step of | time | as long as ours |", "| --- | --- | --- |"]
    for name, seconds in taken.items():
        ratio = times.get(name)
        told = f"{ratio.median:.1f} x ({ratio.low:.1f} to {ratio.high:.1f})" if ratio else ""
        rows.append(f"| {name} | {spread(seconds)} | {told} |")
    share = ours.augmenting / (ROUNDS + 1) / spread(taken[OURS]).median
    speed = BATCH / spread(taken[OURS]).median
    return [
        *rows,
        "",
        f"Ours learns from {speed:.1f} patches a second; augmentation takes {share:.0%} of it.",
        "",
    ]


def main() -> int:
    """Measure on the CPU, and on a GPU where there is one.

    Returns
    -------
    int
        0.
    """
    torch.set_num_threads(THREADS)
    foot = machine(THREADS, ["torch", "numpy"])
    lines = [f"{ROUNDS} rounds, in turns; median and quartiles. {foot}.", "", *measure("cpu")]
    if torch.cuda.is_available():
        lines += measure("cuda")
    else:
        print("there is no NVIDIA GPU here: only the CPU is measured")
    print("\n".join(lines), flush=True)
    if "--write" in sys.argv:
        page = PAGE.read_text(encoding="utf-8")
        write_text(PAGE, put_between(page, "\n".join(lines).strip(), "training step"))
    return 0
