"""Labels from the fluorescence as the window asks for them: a frame to look at, then the whole movie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_cellseg.data.project import new_label_movie, open_label_movie
from napari_cellseg.progress import Event, Note, Steps, relay

if TYPE_CHECKING:
    from napari_cellseg.config import LabelConfig, TriageConfig
    from napari_cellseg.data.project import Study
    from napari_cellseg.data.stack import Stack
    from napari_cellseg.label.triage import Verdict

THUMBNAIL_PX = 56


@dataclass(frozen=True)
class Preview:
    """Labels of one frame, for looking at.

    Attributes
    ----------
    labels : ndarray
        Axes YX, int32.
    n_objects : int
        Number of nuclei.
    """

    labels: npt.NDArray[np.int32]
    n_objects: int


@dataclass(frozen=True)
class FrameReady(Event):
    """The labels of a frame are in a file.

    Attributes
    ----------
    t : int
        The frame.
    n_objects : int
        Number of nuclei.
    path : Path
        The file.
    """

    t: int
    n_objects: int
    path: Path


@dataclass(frozen=True)
class Thumbnail(Event):
    """A frame, small.

    Attributes
    ----------
    t : int
        The frame.
    picture : ndarray
        Axes YXC, uint8, RGB: the fluorescence in grey, nuclei tinted.
    """

    t: int
    picture: npt.NDArray[np.uint8]


@dataclass(frozen=True)
class LabelsMade:
    """The end of labelling a movie.

    Attributes
    ----------
    path : Path
        The file of labels.
    verdicts : tuple of Verdict
        One per frame.
    """

    path: Path
    verdicts: tuple[Verdict, ...]


def preview_frame(image: npt.NDArray[Any], config: LabelConfig) -> Steps[Preview]:
    """Label one frame.

    Parameters
    ----------
    image : ndarray
        Axes YX, fluorescence.
    config : LabelConfig
        How.

    Yields
    ------
    Event
        None at all; the work is short.

    Returns
    -------
    Preview
        The labels.
    """
    from napari_cellseg.label.auto import auto_label_frame  # noqa: PLC0415 - for the helper only

    labels = auto_label_frame(image, config)
    yield from ()
    return Preview(labels, len(np.unique(labels[labels > 0])))


def suggest(image: npt.NDArray[Any]) -> Steps[tuple[float, float] | None]:
    """Estimate how large nuclei are.

    Parameters
    ----------
    image : ndarray
        Axes YX, fluorescence.

    Yields
    ------
    Event
        None at all; the work is short.

    Returns
    -------
    tuple of float or None
        Smallest and largest diameter in px; None when no nucleus was found.
    """
    from napari_cellseg.label.auto import suggest_diameters  # noqa: PLC0415 - for the helper only

    yield from ()
    return suggest_diameters(image)


def label_movie(
    stack: Stack, channel: int, config: LabelConfig, triage: TriageConfig, study: Study, live: Path
) -> Steps[LabelsMade]:
    """Label a movie into a study, and judge its frames.

    The study's file appears when all is done; until then the frames can be watched in another one.

    Parameters
    ----------
    stack : Stack
        The movie.
    channel : int
        The fluorescence.
    config : LabelConfig
        How nuclei are found.
    triage : TriageConfig
        Which frames are trusted.
    study : Study
        Where the labels and verdicts go.
    live : Path
        A temporary file of the same shape, to watch.

    Yields
    ------
    Event
        `FrameReady` and `Progress`.

    Returns
    -------
    LabelsMade
        Where the labels are, and the verdicts.
    """
    from napari_cellseg.label.auto import FrameLabelled, auto_label  # noqa: PLC0415 - for the helper only
    from napari_cellseg.label.triage import save_verdicts  # noqa: PLC0415 - for the helper only

    watched = new_label_movie(live, (stack.n_frames, *stack.frame_shape))

    def change(event: Event) -> Event:
        if isinstance(event, FrameLabelled):
            watched[event.t] = event.labels
            return FrameReady(event.t, event.n_objects, live)
        return event

    made = yield from relay(auto_label(stack, channel, config, triage, out=study.labels_auto), change)
    save_verdicts(study.verdicts, made.verdicts)
    yield Note(f"Labels are in {study.labels_auto}")
    return LabelsMade(study.labels_auto, made.verdicts)


def keep_verdicts(path: Path, verdicts: Sequence[Verdict]) -> Steps[None]:
    """Save verdicts after the person overruled one.

    Parameters
    ----------
    path : Path
        The file.
    verdicts : sequence of Verdict
        One per frame.

    Yields
    ------
    Event
        None at all; the work is short.
    """
    from napari_cellseg.label.triage import save_verdicts  # noqa: PLC0415 - for the helper only

    save_verdicts(path, verdicts)
    yield from ()


def labels_of(study: Study, shape: tuple[int, int, int]) -> Steps[LabelsMade | None]:
    """Look for labels that an earlier session made.

    Parameters
    ----------
    study : Study
        Where to look.
    shape : tuple of int
        Frames, height and width of the images that they must fit.

    Yields
    ------
    Note
        When there are labels that do not fit.

    Returns
    -------
    LabelsMade or None
        None when there are none, or they were never finished, or belong to other images.
    """
    from napari_cellseg.label.triage import load_verdicts  # noqa: PLC0415 - for the helper only

    if not (study.labels_auto.exists() and study.verdicts.exists()):
        return None
    if open_label_movie(study.labels_auto, "r").shape != shape:
        yield Note(
            f"The labels in {study.labels_auto} are not of the size of these images: they are left alone"
        )
        return None
    return LabelsMade(study.labels_auto, tuple(load_verdicts(study.verdicts)))


def judge_again(
    verdicts: Sequence[Verdict], config: TriageConfig, n_pixels: int
) -> Steps[tuple[Verdict, ...]]:
    """Judge frames by other rules, from the scores that they have.

    Parameters
    ----------
    verdicts : sequence of Verdict
        One per frame; what the person said stays.
    config : TriageConfig
        The rules.
    n_pixels : int
        Pixels per frame.

    Yields
    ------
    Event
        None at all; the work is short.

    Returns
    -------
    tuple of Verdict
        One per frame.
    """
    from napari_cellseg.label.triage import judge  # noqa: PLC0415 - for the helper only

    yield from ()
    judged = judge([verdict.scores for verdict in verdicts], config, n_pixels)
    by_person = {verdict.frame: verdict for verdict in verdicts if verdict.by == "person"}
    return tuple(by_person.get(verdict.frame, verdict) for verdict in judged)


def map_labels(path: Path) -> Steps[npt.NDArray[np.int32]]:
    """Map a file of labels, where the disk may be slow to answer.

    Parameters
    ----------
    path : Path
        The file.

    Yields
    ------
    Event
        None at all; the work is short.

    Returns
    -------
    ndarray
        Axes TYX; pixels are read when they are looked at.
    """
    yield from ()
    return open_label_movie(path)


def make_thumbnails(stack: Stack, channel: int, labels: Path | None, frames: Sequence[int]) -> Steps[None]:
    """Make small pictures of frames.

    Parameters
    ----------
    stack : Stack
        The movie.
    channel : int
        Which channel to show.
    labels : Path or None
        File of labels; its objects are tinted.
    frames : sequence of int
        Which frames, in this order.

    Yields
    ------
    Thumbnail
        One per frame.
    """
    movie = open_label_movie(labels) if labels is not None else None
    for t in frames:
        found = movie[t] if movie is not None else None
        yield Thumbnail(t, thumbnail(stack.frame(t, channel), found))


def thumbnail(image: npt.NDArray[Any], labels: npt.NDArray[np.int32] | None = None) -> npt.NDArray[np.uint8]:
    """Make a small picture of a frame.

    Parameters
    ----------
    image : ndarray
        Axes YX, any real dtype; grey values from the 0.5th to the 99.8th percentile are shown.
    labels : ndarray, optional
        Axes YX; objects are tinted green, ignored regions grey.

    Returns
    -------
    ndarray
        Axes YXC, uint8, RGB; the longer side has at most `THUMBNAIL_PX` px.
    """
    step = max(1, -(-max(image.shape) // THUMBNAIL_PX))
    height, width = (max(1, n // step) for n in image.shape)
    blocks = image[: height * step, : width * step].astype(np.float32)
    blocks = np.nan_to_num(blocks, posinf=0, neginf=0)
    if min(image.shape) >= step:
        small = blocks.reshape(height, step, width, step).mean(axis=(1, 3))
    else:
        small = blocks[:1, ::step][:, :width]
    low, high = np.percentile(small, [0.5, 99.8])
    grey = np.clip((small - low) / max(high - low, 1e-9), 0, 1) * 255
    picture = np.repeat(grey[..., None], 3, axis=2)
    if labels is not None:
        inside = labels[step // 2 :: step, step // 2 :: step][: small.shape[0], : small.shape[1]]
        inside = np.pad(inside, [(0, a - b) for a, b in zip(small.shape, inside.shape, strict=True)])
        picture[inside > 0] = 0.6 * picture[inside > 0] + 0.4 * np.array([60, 180, 75])
        picture[inside < 0] = 0.5 * picture[inside < 0] + 64
    return picture.astype(np.uint8)
