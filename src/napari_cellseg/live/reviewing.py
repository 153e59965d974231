"""What the panels of a review run away from the window: preparing, reading items, reporting."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_cellseg.evaluate.review.pack import Pixels, read_pixels
from napari_cellseg.evaluate.review.plan import ReviewPlan, read_plan, reviews_in
from napari_cellseg.evaluate.review.sheet import Sheet
from napari_cellseg.progress import Steps

if TYPE_CHECKING:
    from napari_cellseg.data.stack import Stack
    from napari_cellseg.evaluate.review.prepare import Wanted
    from napari_cellseg.evaluate.review.report import ReviewReport


@dataclass(frozen=True)
class WindowJob:
    """A review of layers of the window.

    Attributes
    ----------
    study : Path
        The study's folder.
    image : int
        The channel that is judged on, from 0.
    beside : int or None
        The channel shown beside it.
    names : tuple of str
        What the sets of labels are called.
    files : tuple of Path or None
        The file of each; None for those that come as stacks, in their order.
    wanted : Wanted
        What kind of review.
    """

    study: Path
    image: int
    beside: int | None
    names: tuple[str, ...]
    files: tuple[Path | None, ...]
    wanted: Wanted


@dataclass(frozen=True)
class DiskJob:
    """A review of files.

    Attributes
    ----------
    images : Path
        A folder of images or movies, or one of them.
    names : tuple of str
        What the sets of labels are called.
    folders : tuple of Path
        Folder of each.
    wanted : Wanted
        What kind of review.
    study : Path or None
        The study's folder; None: that of the images.
    """

    images: Path
    names: tuple[str, ...]
    folders: tuple[Path, ...]
    wanted: Wanted
    study: Path | None = None


def prepare_from_window(stack: Stack, snapshots: tuple[Stack, ...], job: WindowJob) -> Steps[Path]:
    """Prepare a review of layers.

    Parameters
    ----------
    stack : Stack
        The images.
    snapshots : tuple of Stack
        Labels that are in no file.
    job : WindowJob
        What is wanted.

    Yields
    ------
    Progress
        After every frame read.

    Returns
    -------
    Path
        The folder of the review.
    """
    from napari_cellseg.evaluate.review.cut import Scene  # noqa: PLC0415 - helper only
    from napari_cellseg.evaluate.review.prepare import prepare_review  # noqa: PLC0415 - helper only

    rest = iter(snapshots)
    sources = [file if file is not None else next(rest) for file in job.files]
    models = {name: [source] for name, source in zip(job.names, sources, strict=True)}
    scene = Scene(stack, job.image, job.beside)
    return (yield from prepare_review(job.study, [scene], models, job.wanted))


def prepare_from_disk(job: DiskJob) -> Steps[Path]:
    """Prepare a review of files.

    Parameters
    ----------
    job : DiskJob
        What is wanted.

    Yields
    ------
    Progress
        After every frame read.

    Returns
    -------
    Path
        The folder of the review.
    """
    from napari_cellseg.data.project import default_study_folder  # noqa: PLC0415 - helper only
    from napari_cellseg.data.read import open_stacks  # noqa: PLC0415 - helper only
    from napari_cellseg.pipeline.reviewing import plan_review  # noqa: PLC0415 - helper only

    study = job.study or default_study_folder(job.images)
    labels = dict(zip(job.names, job.folders, strict=True))
    return (yield from plan_review(study, open_stacks([job.images], z="max"), labels, job.wanted))


def report(review: Path) -> Steps[ReviewReport]:
    """Write the report of a review.

    Parameters
    ----------
    review : Path
        Its folder.

    Yields
    ------
    Progress
        After every picture.

    Returns
    -------
    ReviewReport
        The tables, and where the page is.
    """
    from napari_cellseg.evaluate.review.report import write_review_report  # noqa: PLC0415 - helper only

    return (yield from write_review_report(review))


def load_item(review: Path, plan: ReviewPlan, number: int) -> Steps[Pixels]:
    """Read what is shown of an item.

    Parameters
    ----------
    review : Path
        Folder of the review.
    plan : ReviewPlan
        Its plan.
    number : int
        Of the item, from 1.

    Yields
    ------
    Event
        None at all; the work is short.

    Returns
    -------
    Pixels
        Image, labels and fluorescence.
    """
    yield from ()
    return read_pixels(review, plan.item(number))


def open_sheet(review: Path, expert: str) -> Steps[Sheet]:
    """Open the sheet of an expert, as it was left.

    Parameters
    ----------
    review : Path
        Folder of the review.
    expert : str
        The expert's name.

    Yields
    ------
    Event
        None at all; the work is short.

    Returns
    -------
    Sheet
        Open for writing; it knows the plan.
    """
    yield from ()
    return Sheet(review, read_plan(review), expert)


def list_reviews(study: Path) -> Steps[list[Path]]:
    """List the reviews of a study.

    Parameters
    ----------
    study : Path
        Its folder.

    Yields
    ------
    Event
        None at all; the work is short.

    Returns
    -------
    list of Path
        Their folders, the newest first.
    """
    yield from ()
    return reviews_in(study)
