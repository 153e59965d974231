"""Fourth step: counts and tables from labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from napari_cellseg import __version__
from napari_cellseg.config import Config, MeasureConfig
from napari_cellseg.data.labels import open_labels
from napari_cellseg.data.match import stem_of
from napari_cellseg.data.stack import Stack, is_large
from napari_cellseg.measure.objects import measure
from napari_cellseg.measure.parts import measure_in_parts
from napari_cellseg.measure.tables import CellTable, Origin, write_tables
from napari_cellseg.progress import Steps


def measure_labels(
    files: Sequence[Path],
    folder: Path,
    *,
    images: Sequence[Stack] = (),
    config: MeasureConfig | None = None,
) -> Steps[CellTable]:
    """Count and measure the objects of label files.

    Parameters
    ----------
    files : sequence of Path
        Label images or movies.
    folder : Path
        Where ``counts.csv`` and ``cells.csv`` go.
    images : sequence of Stack
        Images of the same names, for intensities and units; may be empty.
    config : MeasureConfig, optional
        What is counted.

    Yields
    ------
    Event
        `Progress`.

    Returns
    -------
    CellTable
        All objects and counts, as written.
    """
    config = config or MeasureConfig()
    stacks = {stack.name: stack for stack in images}
    tables = []
    for file in files:
        name = stem_of(file)
        stack = stacks.get(name)
        origin = Origin(name, "", "", __version__, config.model_dump(mode="json"))
        labels = open_labels(file)
        measuring = measure_in_parts if is_large(labels.frame_shape) else measure
        tables.append((yield from measuring(stack, labels, config, origin)))
    cells = CellTable.concat(tables)
    write_tables(folder, cells)
    return cells


def origin_of(stack: Stack, model: str, hash_: str, *settings: Config) -> Origin:
    """Say where numbers come from.

    Parameters
    ----------
    stack : Stack
        The images.
    model : str
        The model's name.
    hash_ : str
        The model's hash.
    *settings : Config
        The settings that led to the numbers.

    Returns
    -------
    Origin
        With this program's version and all settings in one mapping.
    """
    parameters = {key: value for config in settings for key, value in config.model_dump(mode="json").items()}
    return Origin(stack.name, model, hash_, __version__, parameters)
