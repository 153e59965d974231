"""Time of every correction in a frame of 2,048 x 2,048 px with 2,000 nuclei, against a copy of that frame.

Time is that of the thread, so that whatever else the computer does counts little: all is work in memory.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from napari_cellseg.errors import InputError
from napari_cellseg.label import edit as tools

SIDE, ROWS = 2048, 45
EDITS = 200
MOST_MS = 15.0
MOST_DISPLACEMENT_MS = 30.0

Labels = npt.NDArray[np.int32]
Plane = npt.NDArray[np.float32]
Tool = Callable[[int], tools.Edit]


def nuclei(rng: np.random.Generator) -> Labels:
    """Draw 2,025 discs of different sizes, some of which touch.

    Parameters
    ----------
    rng : numpy.random.Generator
        For their sizes and places.

    Returns
    -------
    ndarray
        Axes YX, int32.
    """
    pitch = SIDE / ROWS
    labels = np.zeros((SIDE, SIDE), np.int32)
    for number, (row, column) in enumerate(np.ndindex(ROWS, ROWS), 1):
        radius = rng.uniform(10, 23)
        y, x = (np.array([row, column]) + 0.5) * pitch + rng.uniform(-4, 4, 2)
        y0, x0 = max(int(y - radius), 0), max(int(x - radius), 0)
        part = labels[y0 : int(y + radius) + 2, x0 : int(x + radius) + 2]
        down, across = np.ogrid[: part.shape[0], : part.shape[1]]
        part[(np.hypot(down + y0 - y, across + x0 - x) <= radius) & (part == 0)] = number
    return labels


class Scene:
    """A frame with its picture and its objects' places.

    Parameters
    ----------
    rng : numpy.random.Generator
        For all that is random.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.labels = nuclei(rng)
        truth = (self.labels > 0).astype(np.float32)
        self.probability = ndi.gaussian_filter(truth, 2)
        self.image = 100 + 200 * self.probability + rng.normal(0, 10, truth.shape).astype(np.float32)
        numbers = np.arange(1, self.labels.max() + 1)
        self.middles = np.array(ndi.center_of_mass(truth, self.labels, numbers))

    def middle(self, label: int) -> npt.NDArray[np.float64]:
        """Return y and x of the middle of an object."""
        return np.asarray(self.middles[label - 1])

    def around(self, label: int, radius: float) -> npt.NDArray[np.float64]:
        """Return an outline around the middle of an object."""
        turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
        return self.middle(label) + radius * np.stack([np.sin(turn), np.cos(turn)], axis=1)

    def line(self, label: int, length: float) -> npt.NDArray[np.float64]:
        """Return the ends of a line through the middle of an object."""
        turn = self.rng.uniform(0, np.pi)
        half = length / 2 * np.array([np.sin(turn), np.cos(turn)])
        return np.stack([self.middle(label) - half, self.middle(label) + half])

    def prepare(self, name: str, label: int) -> None:
        """Make something to do for a tool, in place: take an object out, or make a hole in it."""
        if name.startswith(("new_at", "relabel")):
            self.labels[self.labels == label] = 0
        if name.startswith("fill_holes"):
            y, x = self.middle(label).astype(int)
            self.labels[y - 1 : y + 2, x - 1 : x + 2] = 0


def edits_of(scene: Scene) -> dict[str, Tool]:
    """Say how each tool is used.

    Parameters
    ----------
    scene : Scene
        The frame.

    Returns
    -------
    dict
        Each makes an edit for an object, by the name of the tool.
    """
    labels = scene.labels
    return {
        "delete": partial(tools.delete, labels),
        "delete_many, 30 nuclei": lambda k: tools.delete_many(labels, block(k)),
        "merge": lambda k: tools.merge(labels, k, neighbour(k)),
        "merge_many, along a line": lambda k: tools.merge_many(
            labels, tools.objects_along(labels, scene.line(k, 150))
        ),
        "split": lambda k: tools.split(labels, scene.line(k, 80)),
        "split_at": lambda k: tools.split_at(labels, *scene.line(k, 12)),
        "split_at, guided": lambda k: tools.split_at(labels, *scene.line(k, 12), scene.probability),
        "fill_holes": lambda k: tools.fill_holes(labels, k),
        "smooth": partial(tools.smooth, labels),
        "snap": lambda k: tools.snap(labels, k, scene.image),
        "grow": partial(tools.grow, labels),
        "grow by -2 px": partial(tools.grow, labels, by_px=-2),
        "new_at, image": lambda k: tools.new_at(labels, scene.middle(k), scene.image),
        "new_at, probability": lambda k: tools.new_at(
            labels, scene.middle(k), scene.image, scene.probability
        ),
        "new_polygon": lambda k: tools.new_polygon(labels, scene.around(k, 40)),
        "new_polygon, protect=False": lambda k: tools.new_polygon(labels, scene.around(k, 15), protect=False),
        "ignore": lambda k: tools.ignore(labels, scene.around(k, 60)),
        "copied": lambda k: tools.copied(labels, k, labels, (25, 10), 0),
    }


def whole_edits_of(scene: Scene) -> dict[str, Tool]:
    """Say how the tools for a whole frame are used; see `edits_of`."""
    labels = scene.labels
    return {
        "remove_small": lambda _: tools.remove_small(labels, 500),
        "remove_at_border": lambda _: tools.remove_at_border(labels),
        "relabel": lambda _: tools.relabel(labels),
        "fill_holes, all": lambda _: tools.fill_holes(labels),
    }


def neighbour(label: int) -> int:
    """Return the object beside, in the same row."""
    return label - 1 if label % ROWS == 0 else label + 1


def block(label: int) -> list[int]:
    """Return 30 objects, five rows of six."""
    row, column = (min(place, ROWS - 6) for place in divmod(label - 1, ROWS))
    return [1 + (row + i) * ROWS + column + j for i in range(5) for j in range(6)]


def measured(scene: Scene, name: str, tool: Tool, times: int) -> npt.NDArray[np.float64]:
    """Time edits of random objects, with applying each and taking it back.

    Parameters
    ----------
    scene : Scene
        The frame; it is left as it was.
    name : str
        Of the tool.
    tool : callable
        One of `edits_of`.
    times : int
        How many edits.

    Returns
    -------
    ndarray
        ms of each; of those that had something to do.
    """
    start, taken = scene.labels.copy(), []
    for label in scene.rng.integers(1, ROWS * ROWS + 1, 4 * times):
        scene.prepare(name, int(label))
        began = time.thread_time()
        try:
            edit = tool(int(label))
            edit.apply(scene.labels)
            edit.inverse().apply(scene.labels)
            taken.append(1000 * (time.thread_time() - began))
        except InputError:
            pass
        scene.labels[...] = start
        if len(taken) == times:
            break
    return np.array(taken)


def main() -> int:
    """Print median and 99th percentile of each tool, and their ratio to a copy of the frame.

    Returns
    -------
    int
        0.
    """
    scene = Scene(np.random.default_rng(0))
    copies = [_timed(scene.labels.copy) for _ in range(EDITS)]
    copy = float(np.median(copies))
    print(f"load of the computer at the start: {os.getloadavg()[0]:.1f}")
    print(f"{len(scene.middles)} nuclei on {SIDE} x {SIDE} px; a copy of the frame takes {copy:.2f} ms")
    print(f"{'edit, apply, take back':<30} {'n':>4} {'median':>7} {'p99':>7} ms   of a copy")
    slow = []
    for most, times, table in (
        (MOST_MS, EDITS, edits_of(scene)),
        (np.inf, 10, whole_edits_of(scene)),
    ):
        for name, tool in table.items():
            taken = measured(scene, name, tool, times)
            _print(name, taken, copy)
            slow += [name] if np.percentile(taken, 99) >= most else []
    slow += _through_time(scene, copy)
    print(f"above {MOST_MS:.0f} ms (p99): {', '.join(slow) or 'none'}")
    return 0


def _through_time(scene: Scene, copy: float) -> list[str]:
    """Print what concerns two frames and more; name what is too slow."""
    lasso = partial(tools.objects_within, scene.labels, scene.around(ROWS * ROWS // 2, 150))
    _print("objects_within, lasso", [_timed(lasso) for _ in range(EDITS)], copy)
    moved = np.roll(scene.image, (6, -3), axis=(0, 1))
    taken = [_timed(partial(tools.displacement, scene.image, moved)) for _ in range(EDITS // 4)]
    median = _print("displacement", taken, copy)
    movie = np.stack([np.roll(scene.labels, t, axis=0) for t in range(6)])
    label = int(scene.labels[SIDE // 2][scene.labels[SIDE // 2] > 0][0])
    each = [_timed(partial(tools.followed, movie, 0, label)) / (len(movie) - 1) for _ in range(20)]
    _print("followed, per frame", each, copy)
    return ["displacement"] if median >= MOST_DISPLACEMENT_MS else []


def _print(name: str, taken: Sequence[float] | npt.NDArray[np.float64], copy: float) -> float:
    """Print one line, and return the median."""
    median, p99 = np.percentile(taken, [50, 99])
    print(f"{name:<30} {len(taken):4} {median:7.2f} {p99:7.2f}   {median / copy:9.1f} x", flush=True)
    return float(median)


def _timed(work: Callable[[], object]) -> float:
    """Return the ms that some work takes the thread."""
    start = time.thread_time()
    work()
    return 1000 * (time.thread_time() - start)
