"""One run of training: preflight, epochs, the best so far, and what to do when memory runs out."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor

from napari_cellseg.config import PredictConfig, TrainConfig
from napari_cellseg.errors import TrainingError
from napari_cellseg.learn import runtime
from napari_cellseg.learn.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from napari_cellseg.learn.events import BatchDone, EpochDone, Preflight
from napari_cellseg.learn.learner import Learner
from napari_cellseg.learn.patches import Frame
from napari_cellseg.learn.scores import Tally
from napari_cellseg.learn.validation import Exam, Marks, sit
from napari_cellseg.learn.view import View
from napari_cellseg.progress import Event, Note, Steps

_FEWEST_BATCHES, _MOST_BATCHES = 16, 250
_LEAST_GAIN = 1e-4
_LEAST_EPOCHS = 10
"""Within bounded time there are at least so many, so that there is something to choose the best from."""
_LEARNING_TO_SCORING = 3.0
"""But where scoring takes long, learning gets this many times its time, and there are fewer epochs."""
_SAVE_EVERY_S = 20.0
_VALIDATION_TILE_PX = 512
_BEST = "best."


@dataclass(frozen=True)
class Best:
    """The best network so far.

    Attributes
    ----------
    weights : dict of str to Tensor
        Its weights.
    tally : Tally
        Its scores.
    epoch : int
        When.
    """

    weights: dict[str, Tensor]
    tally: Tally
    epoch: int


class Run:
    """A run of training.

    Parameters
    ----------
    learner : Learner
        The network.
    frames : sequence of Frame
        To learn from.
    exam : Exam
        To be scored on.
    view : View
        How frames are looked at, apart from what memory allows.
    folder : Path
        Where checkpoints go.
    name : str
        Fingerprint of settings and data.
    started : float
        When the work began, by `time.monotonic`; the time allowed counts from here.
    """

    def __init__(
        self,
        learner: Learner,
        frames: Sequence[Frame],
        exam: Exam,
        view: View,
        *,
        folder: Path,
        name: str,
        started: float,
    ) -> None:
        self.learner, self.frames, self.exam, self._view = learner, frames, exam, view
        self.folder, self.name = folder, name
        self.config: TrainConfig = learner.config
        self.best: Best | None = None
        self.epoch = self._stale = 0
        self.notes: list[str] = []
        self._started = self._saved = started
        self._seconds_before = 0.0
        self._batch_s, self._exam_s = 0.0, 0.0

    def seconds(self) -> float:
        """Tell how long the run has taken so far, with what came before an interruption.

        Returns
        -------
        float
            Seconds.
        """
        return time.monotonic() - self._started + self._seconds_before

    def resume(self) -> bool:
        """Go on from a checkpoint of the same run.

        Returns
        -------
        bool
            False when there is none.
        """
        found = load_checkpoint(self.folder, self.name)
        if found is None:
            return False
        numbers = found.numbers
        self.learner.restore(found.tensors, numbers)
        best = {
            name.removeprefix(_BEST): value for name, value in found.tensors.items() if name.startswith(_BEST)
        }
        self.best = Best(best, Tally.restored(numbers["tally"]), numbers["best_epoch"])
        self.epoch, self._stale = numbers["epoch"], numbers["stale"]
        self._seconds_before = numbers["seconds"]
        return True

    def preflight(self) -> Steps[None]:
        """Run one training batch and one validation frame, so that what would fail later fails now.

        Yields
        ------
        Event
            `Preflight`, and `Note` when less memory has to do.
        """
        start = time.monotonic()
        yield from self._batch()
        first = Exam(self.exam.samples[:1], self.exam.targets[:1])
        middle = time.monotonic()
        yield from self._examine(first)
        end = time.monotonic()
        self._batch_s = middle - start
        self._exam_s = (end - middle) * len(self.exam.samples)
        plan = self.learner.plan
        text = (
            f"One training batch ({self.learner.config.batch_size} patches of {plan.side_px} px, "
            f"{middle - start:.1f} s) and one "
            f"validation frame ({end - middle:.1f} s) went through on the {plan.device.label}."
        )
        yield Preflight(text)

    def epochs(self) -> Steps[None]:
        """Train until time, epochs or patience are used up; `best` is kept up to date.

        Yields
        ------
        Event
            `BatchDone`, `EpochDone`, `ValidationPictures`, `Progress` and `Note`.
        """
        while self.epoch < self.config.max_epochs and self._stale < self.config.patience:
            if self.best is not None and self._left() <= 0:
                return
            loss = yield from self._round()
            start = time.monotonic()
            marks = yield from self._examine(self.exam)
            self._exam_s = time.monotonic() - start
            self.epoch += 1
            yield from self._keep_score(loss, marks)

    def _round(self) -> Steps[float]:
        n, total, start = self._n_batches(), 0.0, time.monotonic()
        done = 0
        for done in range(1, n + 1):
            total += yield from self._batch()
            self._batch_s = (time.monotonic() - start) / done
            pace = self.learner.config.batch_size / max(self._batch_s, 1e-9)
            yield BatchDone(self.epoch + 1, done, n, pace, self._seconds_left(n, done))
            if self._left() <= 0:
                break
        return total / done

    def _keep_score(self, loss: float, marks: Marks) -> Iterator[Event]:
        tally = marks.tally
        self.learner.judge(tally.quality)
        better = self.best is None or tally.quality > self.best.tally.quality + _LEAST_GAIN
        self._stale = 0 if better else self._stale + 1
        if better:
            self.best = Best(self.learner.weights(), tally, self.epoch)
        scores = tally.scores()
        yield EpochDone(
            self.epoch,
            loss,
            tally.loss / tally.frames,
            scores["iou"],
            scores.get("ap50"),
            better,
            self._seconds_left(self._n_batches(), 0),
        )
        yield marks.pictures
        if time.monotonic() - self._saved > _SAVE_EVERY_S:
            self.save()

    def save(self) -> None:
        """Write a checkpoint.

        Raises
        ------
        StorageError
            The folder cannot be written, or the disk is full.
        """
        if self.best is None:
            return
        tensors, numbers = self.learner.state()
        tensors |= {f"{_BEST}{name}": value for name, value in self.best.weights.items()}
        numbers |= {
            "epoch": self.epoch,
            "stale": self._stale,
            "seconds": self.seconds(),
            "tally": vars(self.best.tally),
            "best_epoch": self.best.epoch,
        }
        save_checkpoint(self.folder, self.name, Checkpoint(tensors, numbers))
        self._saved = time.monotonic()

    def _allowed(self) -> float:
        """Seconds that learning may take, with enough left for the last scoring and for saving."""
        if self.config.minutes is None:
            return math.inf
        return self.config.minutes * 60 - 1.2 * self._exam_s - 1

    def _left(self) -> float:
        return self._allowed() - self.seconds()

    def _spent(self) -> float:
        allowed = self._allowed()
        return 1.0 if allowed <= 0 else self.seconds() / allowed

    def _n_batches(self) -> int:
        """Batches that make an epoch: about once over the frames, neither too few nor too many."""
        plan = self.learner.plan
        pixels = sum(frame.image.size for frame in self.frames)
        n = min(
            max(math.ceil(pixels / (self.learner.config.batch_size * plan.side_px**2)), _FEWEST_BATCHES),
            _MOST_BATCHES,
        )
        allowed = self._allowed()
        if self._batch_s and math.isfinite(allowed):
            learning_s = max(allowed / _LEAST_EPOCHS - self._exam_s, _LEARNING_TO_SCORING * self._exam_s)
            n = min(n, max(1, int(learning_s / self._batch_s)))
        return n

    def _seconds_left(self, n: int, done: int) -> float:
        epochs = self.config.max_epochs - self.epoch
        by_epochs = epochs * (n * self._batch_s + self._exam_s) - done * self._batch_s
        return max(0.0, min(by_epochs, self._left()))

    def _batch(self) -> Steps[float]:
        while True:
            try:
                return self.learner.step(self.frames, self._spent())
            except (RuntimeError, MemoryError) as error:
                note = self._retreat(error)
            yield note

    def _examine(self, exam: Exam) -> Steps[Marks]:
        while True:
            try:
                return (yield from sit(self.learner.average, exam, self._view_now(), PredictConfig()))
            except (RuntimeError, MemoryError) as error:
                note = self._retreat(error)
            yield note

    def _view_now(self) -> View:
        plan = self.learner.plan
        reduced = plan.side_px < self.config.patch_px
        tile = 2 * plan.side_px if reduced else _VALIDATION_TILE_PX
        batch = 1 if plan.device.name == "cpu" else min(plan.batch, 4)
        return replace(self._view, tile_px=tile, overlap_px=tile // 8, batch=batch, device=plan.device.name)

    def _retreat(self, error: BaseException) -> Note:
        """Make do with less memory, or give up."""
        if not runtime.is_out_of_memory(error):
            raise error
        plan = self.learner.plan
        smaller = plan.smaller()
        if smaller is None:
            raise TrainingError(
                "There is not enough memory to train, even with the smallest batch and patch on the CPU",
                "",
                "Close other programs, or choose a smaller encoder, and try again",
            ) from error
        self.learner.use(smaller[0])
        text = f"Memory ran out on the {plan.device.label}: {smaller[1]}."
        self.notes.append(text)
        return Note(text)
