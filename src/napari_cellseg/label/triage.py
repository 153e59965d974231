"""Which frames of automatic labels to trust, and why: every verdict has a plain reason."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from napari_cellseg.config import TriageConfig
from napari_cellseg.data.samples import IGNORE
from napari_cellseg.data.write import write_text
from napari_cellseg.errors import InputError
from napari_cellseg.label.contrast import clean

_NEIGHBOURS = 3  # frames on either side whose count is compared
_RIM_PX = 2  # width of the rims inside and outside of the outlines that the focus compares
_WORTH_TELLING = 0.02
_SCHEMA = 1


@dataclass(frozen=True)
class FrameScores:
    """What is measured of a frame to judge its labels.

    Attributes
    ----------
    t : int
        The frame, from 0.
    nucleus_px : int
        Pixels called nucleus.
    ignored_px : int
        Pixels in ignored regions: leaked stain, debris.
    frame_px : int
        Pixels of the frame.
    n_objects : int
        Number of nuclei.
    focus : float
        How steeply brightness falls at the outlines: the step from 2 px inside to 2 px outside as a fraction
        of the contrast, squared, as in measures of gradient energy (Tenengrad). Sharp frames approach 1.
        0 without nuclei.
    contrast : float
        Mean brightness of the nuclei above that of the background, in grey values. 0 without nuclei.
    """

    t: int
    nucleus_px: int
    ignored_px: int
    frame_px: int
    n_objects: int
    focus: float
    contrast: float


@dataclass(frozen=True)
class Verdict:
    """Whether the labels of a frame are used, and why.

    Attributes
    ----------
    frame : int
        The frame, from 0.
    keep : bool
        True when its labels are used.
    reason : str
        Why, for the person, with numbers.
    scores : FrameScores
        What was measured.
    by : {"auto", "person"}
        Who decided.
    """

    frame: int
    keep: bool
    reason: str
    scores: FrameScores
    by: Literal["auto", "person"] = "auto"

    def overruled(self, keep: bool) -> Verdict:
        """Decide otherwise.

        Parameters
        ----------
        keep : bool
            True to use the frame.

        Returns
        -------
        Verdict
            By the person; its reason still tells what the program found.
        """
        return replace(self, keep=keep, by="person")


def score_frame(image: npt.NDArray[Any], labels: npt.NDArray[np.integer], t: int = 0) -> FrameScores:
    """Measure what a frame is judged by.

    Parameters
    ----------
    image : ndarray
        Axes YX, any real dtype: fluorescence.
    labels : ndarray
        Axes YX, integer: 0 background, 1, 2, ... nuclei, -1 ignored.
    t : int
        The frame's number.

    Returns
    -------
    FrameScores
        All zero but the size when there is no nucleus.
    """
    nuclei, ignored = labels > 0, labels == IGNORE
    nucleus_px, ignored_px = int(np.count_nonzero(nuclei)), int(np.count_nonzero(ignored))
    if nucleus_px == 0:
        return FrameScores(t, 0, ignored_px, labels.size, 0, 0.0, 0.0)
    plane = clean(image)
    around = ndi.binary_dilation(nuclei, iterations=_RIM_PX)
    core = ndi.binary_erosion(nuclei, iterations=_RIM_PX, border_value=1)
    background = plane[~around & ~ignored]
    inside, outside = plane[nuclei & ~core], plane[around & ~nuclei & ~ignored]
    contrast = _mean(plane[nuclei]) - (_mean(background) if background.size else float(plane.min()))
    step = _mean(inside) - _mean(outside) if inside.size and outside.size else 0.0
    focus = (max(step, 0.0) / contrast) ** 2 if contrast > 0 else 0.0
    n_objects = int(np.count_nonzero(np.bincount(labels[nuclei])))
    return FrameScores(t, nucleus_px, ignored_px, labels.size, n_objects, focus, max(contrast, 0.0))


def _mean(values: npt.NDArray[Any]) -> float:
    return float(values.mean(dtype=np.float64))


def judge(
    scores: Sequence[FrameScores], config: TriageConfig, n_pixels: int | None = None
) -> tuple[Verdict, ...]:
    """Decide which frames to trust, by comparing them with each other.

    Of n frames the ``floor(n * empty_fraction)`` with the fewest nucleus pixels are rejected; frames that
    equal the first one kept are kept too, so a movie of equal frames loses none. Frames without any nucleus
    are always rejected.

    Parameters
    ----------
    scores : sequence of FrameScores
        One per frame, in order of time.
    config : TriageConfig
        The cut-offs.
    n_pixels : int, optional
        Pixels per frame, where they differ from what the scores say.

    Returns
    -------
    tuple of Verdict
        One per frame, in the same order.
    """
    usual = _Usual.of(scores, config)
    counts = [score.n_objects for score in scores]
    verdicts = []
    for i, score in enumerate(scores):
        size = n_pixels or score.frame_px
        faults = _faults(score, size, usual, config) or _jump(counts, i, config)
        told = faults or [f"{_nuclei(score.n_objects)}; {_defects(score) or 'nothing unusual'}"]
        verdicts.append(Verdict(score.t, not faults, "; ".join(told), score))
    return tuple(verdicts)


@dataclass(frozen=True)
class _Usual:
    """What is usual in a movie."""

    emptiest_px: float
    n_emptiest: int
    n_frames: int
    focus: float
    contrast: float

    @classmethod
    def of(cls, scores: Sequence[FrameScores], config: TriageConfig) -> _Usual:
        filled = [score for score in scores if score.n_objects]
        n = len(scores)
        rejected = math.floor(n * config.empty_fraction + 1e-9)
        sizes = sorted(score.nucleus_px for score in scores)
        cut = math.inf if rejected >= n else sizes[rejected]
        return cls(
            cut,
            rejected,
            n,
            float(np.median([score.focus for score in filled])) if filled else 0.0,
            float(np.median([score.contrast for score in filled])) if filled else 0.0,
        )


def _faults(score: FrameScores, size: int, usual: _Usual, config: TriageConfig) -> list[str]:
    """List what is wrong with a frame on its own and against the movie; one sentence each."""
    bad: list[str] = []
    if score.ignored_px > config.max_foreground * size:
        bad.append(f"leaked stain or debris covers {_percent(score.ignored_px, size)} of the frame")
    if score.n_objects == 0:
        return [*bad, "no nucleus was found"]
    if score.nucleus_px > config.max_foreground * size:
        bad.append(
            f"{_percent(score.nucleus_px, size)} of the frame is called nucleus, "
            f"more than {config.max_foreground:.0%}: that cannot be right"
        )
    if score.nucleus_px < usual.emptiest_px:
        bad.append(
            f"{_nuclei(score.n_objects)} on {_percent(score.nucleus_px, size)} of the frame: "
            f"among the {usual.n_emptiest} emptiest of {usual.n_frames} frames"
        )
        if not bad[:-1] and (defects := _defects(score)):
            bad.append(defects)
    if score.focus < config.min_focus * usual.focus:
        bad.append(f"out of focus: its outlines are {score.focus / usual.focus:.0%} as sharp as usual")
    if score.contrast < config.min_contrast * usual.contrast:
        bad.append(
            f"faint: nuclei stand out by {score.contrast:.3g} grey values, usually by {usual.contrast:.3g}"
        )
    return bad


def _jump(counts: Sequence[int], i: int, config: TriageConfig) -> list[str]:
    """Compare a frame's count with those around it; up to twice the square root of n is chance."""
    around = [*counts[max(i - _NEIGHBOURS, 0) : i], *counts[i + 1 : i + 1 + _NEIGHBOURS]]
    around = [n for n in around if n]
    if len(around) < 2:
        return []
    expected = float(np.median(around))
    fewer, more = sorted((counts[i], expected))
    if more <= (1 + config.max_count_jump) * fewer or more - fewer <= 2 * math.sqrt(expected):
        return []
    return [f"{_nuclei(counts[i])}; its neighbours have about {expected:.0f}"]


def _defects(score: FrameScores) -> str:
    """Tell how much is ignored, where that is worth telling."""
    if score.ignored_px < _WORTH_TELLING * score.frame_px:
        return ""
    return f"leaked stain or debris on {_percent(score.ignored_px, score.frame_px)} of the frame is ignored"


def _nuclei(n: int) -> str:
    return f"{n:,} nucleus" if n == 1 else f"{n:,} nuclei"


def _percent(part: int, whole: int) -> str:
    share = 100 * part / whole
    return f"{share:.0f} %" if share >= 10 else f"{share:.2g} %"


def save_verdicts(path: Path | str, verdicts: Sequence[Verdict]) -> None:
    """Write verdicts down, as a whole or not at all.

    Parameters
    ----------
    path : Path or str
        A JSON file; one that is there is replaced.
    verdicts : sequence of Verdict
        One per frame.

    Raises
    ------
    StorageError
        The disk is full, or the place cannot be written.
    """
    content = {"schema": _SCHEMA, "verdicts": [asdict(verdict) for verdict in verdicts]}
    write_text(path, json.dumps(content, indent=1))


def load_verdicts(path: Path | str) -> tuple[Verdict, ...]:
    """Read verdicts.

    Parameters
    ----------
    path : Path or str
        A file that `save_verdicts` wrote.

    Returns
    -------
    tuple of Verdict
        One per frame.

    Raises
    ------
    InputError
        The file is missing, damaged or of a later version.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["schema"] > _SCHEMA:
            raise InputError(
                f"{path.name} was written by a later version of this program", "", "Update napari-cellseg"
            )
        return tuple(
            Verdict(**{**fields, "scores": FrameScores(**fields["scores"])}) for fields in content["verdicts"]
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"The verdicts in {path} cannot be read: {error}",
            "A file that this program wrote was expected",
            "Label the movie again, or put back a copy of the file",
        ) from error
