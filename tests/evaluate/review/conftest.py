"""A scene with known truth, two models with known errors, and experts with known error rates."""

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import dask.array as da
import numpy as np
import numpy.typing as npt
import pytest
from skimage.draw import disk

from napari_cellseg.data.stack import Stack
from napari_cellseg.data.write import write_labels
from napari_cellseg.evaluate.review.pack import read_pixels
from napari_cellseg.evaluate.review.plan import ReviewPlan, read_plan
from napari_cellseg.evaluate.review.prepare import Scene, Wanted, prepare_review
from napari_cellseg.evaluate.review.sheet import Sheet
from napari_cellseg.progress import follow

RADIUS = 5
PLACES = [(y, x) for y in range(10, 120, 20) for x in range(10, 120, 20)]  # 36 cells a frame
N_FRAMES = 6
MOVIES = ("A1", "A2", "B1")


def drawn(cells: dict[int, tuple[int, int]]) -> npt.NDArray[np.int32]:
    """Draw cells by label."""
    frame = np.zeros((120, 120), np.int32)
    for label, place in cells.items():
        frame[disk(place, RADIUS, shape=frame.shape)] = label
    return frame


class Truth:
    """The cells that are there, and what two models make of them.

    ``pure`` misses cells 0 to 5 of every frame and invents nothing; ``mixed`` misses none of those but calls
    cells 30 to 35, which are none in truth, cells.
    """

    real = frozenset(range(30))
    found: ClassVar = {"pure": frozenset(range(6, 30)), "mixed": frozenset(range(36))}

    def is_real(self, y: float, x: float) -> bool:
        """Say whether the cell at a place is real."""
        gaps = [np.hypot(y - row, x - column) for row, column in PLACES]
        return int(np.argmin(gaps)) in self.real and min(gaps) <= RADIUS

    def labels(self, model: str) -> npt.NDArray[np.int32]:
        """Draw what a model found, axes TYX; labels differ from frame to frame."""
        return np.stack(
            [drawn({1 + 7 * k + t: PLACES[k] for k in self.found[model]}) for t in range(N_FRAMES)]
        )

    def image(self, seed: int) -> npt.NDArray[np.uint16]:
        """Make images on which real cells are bright; axes TYX."""
        rng = np.random.default_rng(seed)
        bright = drawn({1 + k: PLACES[k] for k in self.real}) > 0
        return (rng.normal(1000, 20, (N_FRAMES, 120, 120)) + 500 * bright).astype(np.uint16)


@pytest.fixture
def truth() -> Truth:
    return Truth()


def as_stack(data: npt.NDArray[np.uint16], name: str, group: str = "") -> Stack:
    return Stack(da.from_array(data[:, None, None]), ("phase",), name, name, group, pixel_size_um=0.5)


@pytest.fixture
def make_review(tmp_path: Path, truth: Truth) -> Callable[..., tuple[Path, ReviewPlan]]:
    """Prepare a review of both models."""

    def make(study: Path = tmp_path / "study", models: tuple[str, ...] = ("pure", "mixed"), **told: object):
        scenes, files = [], {model: [] for model in models}
        for i, movie in enumerate(MOVIES):
            scenes.append(Scene(as_stack(truth.image(i), movie, movie[0])))
            for model in models:
                path = tmp_path / model / f"{movie}.tif"
                if not path.exists():
                    write_labels(path, truth.labels(model))
                files[model].append(path)
        wanted = Wanted(**{"name": "first", "n_items": 24, "seed": 1, **told})
        folder = follow(prepare_review(study, scenes, files, wanted))
        return folder, read_plan(folder)

    return make


class Expert:
    """Judges by the truth, but for errors of known rates.

    Parameters
    ----------
    flips : float
        Part of the objects of which the opposite is said.
    blind : float
        Part of the missed cells that are not noticed.
    """

    def __init__(self, truth: Truth, flips: float = 0.0, blind: float = 0.0, seed: int = 0) -> None:
        self.truth, self.flips, self.blind = truth, flips, blind
        self.rng = np.random.default_rng(seed)

    def judge(self, folder: Path, plan: ReviewPlan, name: str) -> Sheet:
        """Judge all items."""
        sheet = Sheet(folder, plan, name)
        while (number := sheet.next_item) is not None:
            self.judge_item(folder, plan, sheet, number)
        return sheet

    def judge_item(self, folder: Path, plan: ReviewPlan, sheet: Sheet, number: int) -> None:
        item = plan.item(number)
        labels = read_pixels(folder, item).labels
        top, left = item.window[:2]
        centres = {
            label: np.argwhere(labels == label).mean(axis=0) + np.array([top, left]) for label in item.objects
        }
        for label, (y, x) in centres.items():
            right = self.truth.is_real(y, x) != (self.rng.random() < self.flips)
            if not right:
                sheet.mark(number, "wrong", label, y, x)
        for y, x in self.missed(item, centres) if plan.mode == "frames" else ():
            if self.rng.random() >= self.blind:
                sheet.mark(number, "missed", 0, y, x)
        sheet.finish(number, 2.0)

    def missed(self, item, centres):
        y0, x0, y1, x1 = item.box
        for k in self.truth.real:
            y, x = PLACES[k]
            near = any(np.hypot(y - row, x - column) < 2 for row, column in centres.values())
            if y0 <= y < y1 and x0 <= x < x1 and not near:
                yield y, x


@pytest.fixture
def expert(truth: Truth) -> Callable[..., Expert]:
    return lambda **told: Expert(truth, **told)
