"""Images and labels that belong together by their names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from napari_cellseg.errors import InputError

_LABEL_SUFFIX = re.compile(
    r"[ _-](?:cp_masks?|instance_labels?|masks?|labels?|seg|segmentation|truth|gt)$", re.IGNORECASE
)
_OME = re.compile(r"\.ome$", re.IGNORECASE)


def stem_of(path: Path | str) -> str:
    """Name a file without its endings.

    Parameters
    ----------
    path : Path or str
        The file; it need not exist.

    Returns
    -------
    str
        The stem, without ``.ome`` too.
    """
    return _OME.sub("", Path(path).stem) or Path(path).stem


def bare_stem(path: Path | str) -> str:
    """Name a file without its endings and without what marks it as labels.

    Parameters
    ----------
    path : Path or str
        The file; it need not exist.

    Returns
    -------
    str
        In lower case, without ``_mask``, ``_masks``, ``_labels``, ``_seg``, ``_cp_masks`` and the like.
    """
    stem = stem_of(path)
    return (_LABEL_SUFFIX.sub("", stem) or stem).lower()


def match_by_stem(
    images: Sequence[Path], others: Sequence[Path], *, require_all: bool = True
) -> list[tuple[Path, Path]]:
    """Find the labels of every image by their names.

    The same name comes first, then the same name in another case or with a label suffix (see `bare_stem`).

    Parameters
    ----------
    images : sequence of Path
        The images.
    others : sequence of Path
        The label files.
    require_all : bool
        True: an image without labels is an error. False: it is left out.

    Returns
    -------
    list of (Path, Path)
        Image and its labels, in the order of the images.

    Raises
    ------
    InputError
        Nothing matches, images have no labels (they are listed), or several label files fit one image.
    """
    exact: dict[str, list[Path]] = {}
    loose: dict[str, list[Path]] = {}
    for other in others:
        exact.setdefault(stem_of(other), []).append(Path(other))
        loose.setdefault(bare_stem(other), []).append(Path(other))
    pairs, missing = [], []
    for image in images:
        found = exact.get(stem_of(image)) or loose.get(bare_stem(image)) or []
        if len(found) > 1:
            raise InputError(
                f"Several files fit the image {Path(image).name}: {_listed(found)}",
                "One was expected",
                "Move the others to another folder",
            )
        if found:
            pairs.append((Path(image), found[0]))
        else:
            missing.append(Path(image))
    if missing and (require_all or not pairs):
        raise InputError(
            f"{len(missing)} of {len(images)} images have no file of the same name: {_listed(missing)}",
            f"There are {len(others)} files to choose from: {_listed([Path(o) for o in others])}"
            if others
            else "There are no files to choose from",
            "Give both the same name; endings such as _mask or _labels may differ",
        )
    return pairs


def _listed(paths: Sequence[Path], most: int = 5) -> str:
    names = ", ".join(path.name for path in paths[:most])
    return names + (f" and {len(paths) - most} more" if len(paths) > most else "")
