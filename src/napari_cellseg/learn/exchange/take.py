"""Taking a model from a package: its numbers are read, nothing of it is run."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import nn

from napari_cellseg.data.write import atomic_folder
from napari_cellseg.errors import ModelError
from napari_cellseg.learn import registry
from napari_cellseg.learn.card import CARD_FILE, COVER_FILE, WEIGHTS_FILE, ModelCard, read_card
from napari_cellseg.learn.exchange.archive import INPUT_FILE, OUTPUT_FILE, Package
from napari_cellseg.learn.model import TrainedModel, load_model
from napari_cellseg.learn.normalise import normalise
from napari_cellseg.learn.shelf import checked_name
from napari_cellseg.progress import Progress, Steps

TOLERANCE = 1e-3
"""How far, absolutely and of the value, a logit may be from that of the computer where it was exported."""

COVER_PX = 256
_MOST_WIDTH = 1024
_MOST_TEST_PX = 2**22
_WHAT = "steps of the import done"


def import_model(package: Path, name: str | None = None) -> Steps[Path]:
    """Take a model from a package that `export_model` made, among the person's own.

    The archive is looked at before anything is unpacked. Of it, only the card, the weights (safetensors), the
    test arrays (without pickle) and the cover are read; its TorchScript is not. The model is kept when it
    draws from the test input what it drew where it was exported.

    Parameters
    ----------
    package : Path
        The zip file.
    name : str, optional
        Name of the model; by default that on its card.

    Yields
    ------
    Event
        `Progress`.

    Returns
    -------
    Path
        The folder of the model.

    Raises
    ------
    ModelError
        The package holds what it should not, lacks what it should hold, is damaged, gives another result than
        where it was made, or its name is taken.
    StorageError
        The folder cannot be written.
    """
    yield Progress(0, 3, _WHAT)
    with Package(package) as files, tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / package.stem
        folder.mkdir()
        for file in (CARD_FILE, WEIGHTS_FILE):
            files.copy(file, folder / file)
        card = read_card(folder)
        _check_width(card, package)
        target = registry.user_models_folder() / checked_name(card.name if name is None else name)
        yield Progress(1, 3, _WHAT)
        _check_result(load_model(folder), _array(files, INPUT_FILE), _array(files, OUTPUT_FILE), package)
        yield Progress(2, 3, _WHAT)
        cover = _cover(files) if COVER_FILE in files else None
        with atomic_folder(target) as partial:
            files.copy(WEIGHTS_FILE, partial / WEIGHTS_FILE)
            named = card.model_copy(update={"name": target.name, "replay_sha256": ""})  # no images came along
            (partial / CARD_FILE).write_text(named.model_dump_json(indent=2), encoding="utf-8")
            if cover is not None:
                cover.save(partial / COVER_FILE)
    yield Progress(3, 3, _WHAT)
    return target


def apply_plainly(network: nn.Module, frame: npt.NDArray[Any], card: ModelCard) -> npt.NDArray[np.float32]:
    """Have a network draw its maps of a frame as others would by the package's description.

    Parameters
    ----------
    network : torch.nn.Module
        In evaluation mode, on the CPU.
    frame : ndarray
        Axes YX, float32; height and width are multiples of the network's stride.
    card : ModelCard
        How frames are normalised. They are not resized.

    Returns
    -------
    ndarray
        Axes MYX, float32: logits.
    """
    tensor = torch.from_numpy(normalise(frame, card.low_percentile, card.high_percentile))[None, None]
    with torch.inference_mode():
        return np.asarray(network(tensor)[0].float())


def _check_width(card: ModelCard, package: Path) -> None:
    """Refuse networks so wide that building them would fill the memory."""
    values = card.net.model_dump().values()
    numbers = [n for value in values for n in (value if isinstance(value, tuple | list) else [value])]
    if any(isinstance(n, int | float) and n > _MOST_WIDTH for n in numbers):
        raise ModelError(
            f"The network in {package.name} is wider than any that this program trains",
            f"At most {_MOST_WIDTH} channels are expected",
            "Do not use this package",
        )


def _array(files: Package, name: str) -> npt.NDArray[np.float32]:
    """Read an array NCYX with N = 1."""
    try:
        array = np.load(io.BytesIO(files.read(name)), allow_pickle=False)
    except (ValueError, OSError, EOFError, SyntaxError) as error:
        raise ModelError(
            f"{name} in {files.path.name} cannot be read: {error}",
            "An array of numbers was expected",
            "Download or copy the package again",
        ) from error
    fits = isinstance(array, np.ndarray) and array.ndim == 4 and len(array) == 1 and array.dtype == np.float32
    if not fits or array[0, 0].size > _MOST_TEST_PX:
        raise ModelError(
            f"{name} in {files.path.name} is not a frame that a network takes or gives",
            "One frame of numbers (float32) was expected",
            "Ask whoever gave it to you to export the model again",
        )
    return np.asarray(array)


def _check_result(
    model: TrainedModel, frame: npt.NDArray[np.float32], told: npt.NDArray[np.float32], package: Path
) -> None:
    try:
        drawn = apply_plainly(model.network, frame[0, 0], model.card)[None]
    except (RuntimeError, ValueError) as error:
        raise ModelError(
            f"The model in {package.name} cannot be applied to its own test image: {error}",
            "",
            "Ask whoever gave it to you to export the model again",
        ) from error
    if drawn.shape != told.shape or not np.allclose(drawn, told, rtol=TOLERANCE, atol=TOLERANCE):
        raise ModelError(
            f"The model in {package.name} gives another result here than where it was exported",
            "Its own test image must give the same result, or its counts could not be trusted",
            "Update this program, or ask for the model to be exported again",
        )


def _cover(files: Package) -> Image.Image | None:
    """Paint the cover anew, so that nothing but its pixels comes along; none when it is not of our size."""
    try:
        with Image.open(io.BytesIO(files.read(COVER_FILE)), formats=["PNG"]) as picture:
            return picture.convert("RGB") if picture.size == (COVER_PX, COVER_PX) else None
    except (OSError, ValueError, SyntaxError):
        return None
