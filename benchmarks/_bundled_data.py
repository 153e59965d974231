"""The images from which the bundled models learn, and those kept aside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from skimage.io import imread

from benchmarks._learning import DATA, Case
from napari_cellseg.learn.targets import median_diameter_px

_LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in grey (ITU-R BT.601)."""

BOWL = {
    "name": "2018 Data Science Bowl, stage 1 (BBBC038)",
    "licence": "CC0",
    "citation": "Caicedo et al., Nature Methods 2019, doi 10.1038/s41592-019-0612-7",
}
U2OS = {
    "name": "BBBC039v1",
    "licence": "CC0",
    "citation": "Ljosa et al., Nature Methods 2012, doi 10.1038/nmeth.2083",
}
AISEGCELL = {
    "name": "aiSEGcell",
    "licence": "CC BY 4.0",
    "citation": "Schirmacher et al., PLoS Computational Biology 2024",
}
USIIGACI = {
    "name": "Usiigaci",
    "licence": "MIT",
    "citation": "Tsai et al., SoftwareX 2019, doi 10.1016/j.softx.2019.02.007",
}


@dataclass(frozen=True, eq=False)
class Part:
    """Images for one model.

    Attributes
    ----------
    training, tested : list of Case
        To learn from, and never seen; no group is in both.
    kinds : dict of str to str
        Kind of each image, by name, under which it is reported.
    sources : list of dict
        For the card: name, licence, citation and number of frames of each set.
    """

    training: list[Case]
    tested: list[Case]
    kinds: dict[str, str]
    sources: list[dict[str, Any]]


def grey(image: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Make an image grey, as the program does when it opens one.

    Parameters
    ----------
    image : ndarray
        Axes YX, or YXC with red, green, blue and perhaps alpha.

    Returns
    -------
    ndarray
        Axes YX.
    """
    return image if image.ndim == 2 else image[..., :3].astype(np.float32) @ np.array(_LUMA, np.float32)


def nuclei_fluorescence() -> Part:
    """Collect stained nuclei: all kinds of the Data Science Bowl, and U2OS cells.

    Returns
    -------
    Part
        Every seventh group of the Bowl (images of one kind and size, with nuclei of about one size and a
        background of about one brightness) and every fifth well of BBBC039 are kept aside.
    """
    bowl, kinds = _bowl()
    u2os = images_of("bbbc039", lambda name: name.split("_")[1] if "_" in name else name)
    kinds |= {case.name: "U2OS" for case in u2os}
    a, b = _apart(bowl, 7, 3), _apart(u2os, 5, 2)
    sources = [{**BOWL, "frames": len(a[0])}, {**U2OS, "frames": len(b[0])}]
    return Part(a[0] + b[0], a[1] + b[1], kinds, sources)


def nuclei_brightfield() -> Part:
    """Collect nuclei in bright-field.

    Returns
    -------
    Part
        Every fourth experiment and position is kept aside.
    """
    cases = images_of("aisegcell", lambda name: "_".join(name.split("_")[:2]))
    training, tested = _apart(cases, 4, 1)
    kinds = {case.name: case.name.split("_")[0] for case in cases}
    return Part(training, tested, kinds, [{**AISEGCELL, "frames": len(training)}])


def cells_phase() -> Part:
    """Collect whole cells in phase contrast.

    Returns
    -------
    Part
        Every fifth field is kept aside.
    """
    cases = images_of("usiigaci", lambda name: name)
    training, tested = _apart(cases, 5, 2)
    return Part(training, tested, {c.name: "T98G" for c in cases}, [{**USIIGACI, "frames": len(training)}])


def _apart(cases: list[Case], every: int, first: int) -> tuple[list[Case], list[Case]]:
    held = set(sorted({case.group for case in cases})[first::every])
    return [c for c in cases if c.group not in held], [c for c in cases if c.group in held]


def _bowl() -> tuple[list[Case], dict[str, str]]:
    index = pd.read_csv(DATA / "dsb2018" / "index.csv")
    cases, kinds = [], {}
    for name, kind in zip(index["id"], index["kind"], strict=True):
        image, truth = grey(_image(DATA / "dsb2018" / "images", name)), _masks("dsb2018", name)
        size = round(2 * np.log2(median_diameter_px(truth) or 1))
        light = round(np.log2(1 + float(np.median(image))))
        group = f"{kind} {image.shape[0]:04}x{image.shape[1]:04}, size {size:02}, light {light}"
        cases.append(Case(name, group, image, truth))
        kinds[name] = kind
    return cases, kinds


def images_of(folder: str, group: Callable[[str], str]) -> list[Case]:
    """Read a set of grey images with their masks.

    Parameters
    ----------
    folder : str
        Name of the set's folder.
    group : callable
        Gives the group of a file by its name without the ending.

    Returns
    -------
    list of Case
        In the order of their names.
    """
    names = sorted(path.stem for path in (DATA / folder / "images").iterdir())
    return [
        Case(name, group(name), grey(_image(DATA / folder / "images", name)), _masks(folder, name))
        for name in names
    ]


def _masks(folder: str, name: str) -> npt.NDArray[np.int32]:
    return _image(DATA / folder / "masks", name).astype(np.int32)


def _image(folder: Path, name: str) -> npt.NDArray[Any]:
    (path,) = folder.glob(f"{name}.*")
    return np.asarray(imread(path))
