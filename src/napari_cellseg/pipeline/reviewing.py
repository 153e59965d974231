"""Reviews by experts: from folders of images and labels to what is judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from napari_cellseg.data.channels import find_channels
from napari_cellseg.data.listing import images_at
from napari_cellseg.data.read import match_by_stem
from napari_cellseg.data.stack import Stack
from napari_cellseg.errors import InputError
from napari_cellseg.evaluate.groups import groups_of, read_groups
from napari_cellseg.evaluate.review.cut import Scene
from napari_cellseg.evaluate.review.prepare import Wanted, prepare_review
from napari_cellseg.pipeline.inputs import Choice
from napari_cellseg.progress import Steps


def plan_review(
    study: Path,
    stacks: Sequence[Stack],
    labels: Mapping[str, Path],
    wanted: Wanted,
    *,
    channel: Choice = None,
    beside: Choice = None,
    groups: Path | None = None,
) -> Steps[Path]:
    """Draw what experts are to judge, from files.

    Parameters
    ----------
    study : Path
        Folder of the study; the review becomes ``reviews/NAME`` in it.
    stacks : sequence of Stack
        The images, with one z plane.
    labels : mapping of str to Path
        By the name of each model or person, a folder of label files of the same names as the images, or one
        file for one image.
    wanted : Wanted
        What kind of review.
    channel : str, int or None
        The channel that is judged on; None: the label-free one, or the only or first one.
    beside : str, int or None
        The fluorescence channel that is shown beside it; None: the one whose name tells it, if any.
    groups : Path, optional
        A CSV file with the columns image and group; by default positions and wells as the names tell them.

    Yields
    ------
    Progress
        After every frame read.

    Returns
    -------
    Path
        The folder of the review.

    Raises
    ------
    InputError
        Labels are missing, or differ in size from the images.
    SettingsError
        A number is out of range.
    StorageError
        The folder cannot be written.
    """
    told = groups_of([stack.name for stack in stacks], read_groups(groups), f"of {groups}") if groups else {}
    scenes = [_scene(stack, channel, beside, told.get(stack.name, "")) for stack in stacks]
    models = {name: _files(stacks, folder, name) for name, folder in labels.items()}
    return (yield from prepare_review(study, scenes, models, wanted))


def _scene(stack: Stack, channel: Choice, beside: Choice, group: str) -> Scene:
    found = find_channels(stack, image=channel, fluorescence=beside, need_image=False)
    image = found.image if found.image is not None else (found.fluorescence or 0)
    shown = found.fluorescence if found.fluorescence != image else None
    return Scene(stack, image, shown, group)


def _files(stacks: Sequence[Stack], labels: Path, name: str) -> list[Path]:
    """Find the label file of every stack, by its name."""
    if not labels.exists():
        raise InputError(f"The labels of {name}, {labels}, are not there", "", "Choose another folder")
    files = images_at(labels)
    if len(stacks) == len(files) == 1:
        return files
    try:
        pairs = match_by_stem([Path(f"{stack.name}.tif") for stack in stacks], files)
    except InputError as error:
        found, expected, to_do = error.args
        raise InputError(f"Labels of {name}: {found}", expected, to_do) from error
    return [file for _, file in pairs]
