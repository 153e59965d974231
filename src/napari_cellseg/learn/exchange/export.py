"""Giving a model to others: a bioimage.io package with its own weights and card beside the TorchScript."""

from __future__ import annotations

import json
import shutil
import tempfile
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from scipy.special import expit

from napari_cellseg.data.read import open_stack
from napari_cellseg.data.sample_study import sample_positions
from napari_cellseg.data.write import atomic_file
from napari_cellseg.errors import ModelError
from napari_cellseg.learn.card import CARD_FILE, COVER_FILE, WEIGHTS_FILE, ModelCard
from napari_cellseg.learn.classes import decode_classes
from napari_cellseg.learn.exchange.archive import (
    DESCRIPTION_FILE,
    INPUT_FILE,
    OUTPUT_FILE,
    README_FILE,
    TORCHSCRIPT_FILE,
)
from napari_cellseg.learn.exchange.description import Details, describe, readme
from napari_cellseg.learn.exchange.take import COVER_PX, TOLERANCE, apply_plainly
from napari_cellseg.learn.exchange.validate import complaints
from napari_cellseg.learn.model import TrainedModel, load_model
from napari_cellseg.learn.nets import STRIDE_PX
from napari_cellseg.learn.normalise import normalise
from napari_cellseg.progress import Note, Progress, Steps

_TEST_PX = 256
_WHAT = "steps of the export done"
_FOUND_RGB = (60, 200, 85)


@dataclass(frozen=True)
class Exported:
    """A package that was written.

    Attributes
    ----------
    path : Path
        The zip file.
    validated : bool
        Whether bioimage.io's own validator has accepted it; False when it is not installed.
    """

    path: Path
    validated: bool


def export_model(
    folder: Path, path: Path, details: Details | None = None, frame: npt.NDArray[Any] | None = None
) -> Steps[Exported]:
    """Write a model as a bioimage.io package, which `import_model` and other programs read.

    The package holds the card and the weights as they are, and for other programs the network as TorchScript,
    a test image with its result, a description, a README and a cover. The TorchScript must give the same
    result. Where bioimageio.spec is installed, nothing is written that it does not accept.

    The images that travel with a model within this program (see `replay`) are not part of the package: it
    gives away what a model has learned, not what it learned from.

    Parameters
    ----------
    folder : Path
        Folder of the model.
    path : Path
        The zip file; one of that name is replaced.
    details : Details, optional
        Authors and licence.
    frame : ndarray, optional
        The test image: axes YX, any real dtype, 64 px or more each way. By default one of the sample study.

    Yields
    ------
    Event
        `Progress`, and `Note` where the validator is not installed.

    Returns
    -------
    Exported
        The package.

    Raises
    ------
    ModelError
        The model is damaged, it stretches the grey values of a whole movie, it cannot be written as
        TorchScript, or the validator does not accept it.
    StorageError
        The file cannot be written.
    """
    yield Progress(0, 3, _WHAT)
    details = details or Details()
    model = load_model(folder)
    _check_greys(model.card)
    pixels = _test_frame(model.card) if frame is None else _cut(frame)
    maps = apply_plainly(model.network, pixels, model.card)
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch)
        _write_files(made, folder, model.card, details, pixels, maps)
        _write_torchscript(made / TORCHSCRIPT_FILE, model, pixels, maps)
        version = torch.__version__.partition("+")[0]
        description = describe(model.card, len(maps), version, details, made)
        text = json.dumps(description, indent=2, ensure_ascii=False)  # JSON is YAML
        (made / DESCRIPTION_FILE).write_text(text, encoding="utf-8")
        yield Progress(1, 3, _WHAT)
        found = complaints(made, description)
        if found:
            raise ModelError(
                f"bioimage.io's validator does not accept the package of {folder.name}: {found}",
                "",
                "Check authors and licence (such as CC-BY-4.0, see spdx.org/licenses)",
            )
        if found is None:
            yield Note("The package was not validated: pip install bioimageio.spec to have that done.")
        yield Progress(2, 3, _WHAT)
        with atomic_file(path) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(made.iterdir()):
                archive.write(file, file.name)
    yield Progress(3, 3, _WHAT)
    return Exported(path, found is not None)


def _check_greys(card: ModelCard) -> None:
    """Refuse what a description cannot tell: percentiles over frames that other programs do not have."""
    if card.normalise_by == "movie":
        raise ModelError(
            f"The model {card.name} takes its black and white from a whole movie",
            "Programs that read bioimage.io packages show a model one frame at a time",
            "Train one with the option 'Grey levels of: frame', or copy the model's folder: this program "
            "reads it anywhere",
        )


def _test_frame(card: ModelCard) -> npt.NDArray[np.float32]:
    channel = 1 if card.modality == "fluorescence" else 0
    return _cut(open_stack(sample_positions()[-1]).frame(0, channel))


def _cut(frame: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Take a part of a frame that the network can take as it is."""
    height, width = (min(side, _TEST_PX) // STRIDE_PX * STRIDE_PX for side in frame.shape)
    if min(height, width) < 2 * STRIDE_PX:
        raise ModelError(
            f"The test image has {frame.shape[1]} × {frame.shape[0]} px",
            f"At least {2 * STRIDE_PX} px are needed each way",
            "Choose a larger one",
        )
    return np.ascontiguousarray(frame[:height, :width], np.float32)


def _write_files(
    made: Path,
    folder: Path,
    card: ModelCard,
    details: Details,
    pixels: npt.NDArray[np.float32],
    maps: npt.NDArray[np.float32],
) -> None:
    for name in (CARD_FILE, WEIGHTS_FILE):
        shutil.copyfile(folder / name, made / name)
    np.save(made / INPUT_FILE, pixels[None, None])
    np.save(made / OUTPUT_FILE, maps[None])
    (made / README_FILE).write_text(readme(card, details), encoding="utf-8")
    if (folder / COVER_FILE).is_file():
        shutil.copyfile(folder / COVER_FILE, made / COVER_FILE)
    else:
        draw_cover(pixels, maps, card.net.classes).save(made / COVER_FILE)


def draw_cover(pixels: npt.NDArray[Any], maps: npt.NDArray[np.float32], classes: int = 0) -> Image.Image:
    """Draw what a model finds in a frame.

    Parameters
    ----------
    pixels : ndarray
        The frame, axes YX.
    maps : ndarray
        Axes MYX: logits, the first of any object, or those of the classes.
    classes : int
        See `NetConfig.classes`.

    Returns
    -------
    PIL.Image.Image
        RGB, `COVER_PX` each way: the frame, tinted by the probability of an object, or of no background.
    """
    grey = np.clip(normalise(pixels), 0, 1)[..., None] * 255
    likely = decode_classes(maps)[1] if classes else expit(maps[0])
    tint = 0.5 * likely[..., None]
    rgb = (1 - tint) * grey + tint * np.array(_FOUND_RGB, np.float32)
    side = min(pixels.shape)
    return Image.fromarray(rgb[:side, :side].astype(np.uint8)).resize((COVER_PX, COVER_PX))


def _write_torchscript(
    file: Path, model: TrainedModel, pixels: npt.NDArray[np.float32], maps: npt.NDArray[np.float32]
) -> None:
    """Trace the network, and see that the trace draws the same of any size of frames."""
    network, name = model.network, model.card.name
    other = torch.rand(2, 1, 3 * STRIDE_PX, 4 * STRIDE_PX)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # torch calls TorchScript deprecated; bioimage.io still reads it
            traced = torch.jit.trace(  # type: ignore[no-untyped-call]
                network, torch.rand(1, 1, 2 * STRIDE_PX, 2 * STRIDE_PX), check_trace=False
            )
            same = torch.allclose(traced(other), network(other), rtol=TOLERANCE, atol=TOLERANCE)
            torch.jit.save(traced, str(file))
    except RuntimeError as error:
        raise ModelError(
            f"The network of {name} cannot be written as TorchScript: {str(error).splitlines()[0]}"
        ) from error
    drawn = apply_plainly(traced, pixels, model.card)
    if not same or not np.allclose(drawn, maps, rtol=TOLERANCE, atol=TOLERANCE):
        raise ModelError(f"The network of {name} draws something else as TorchScript", "", "Please tell us")
