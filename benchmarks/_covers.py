"""Pictures by which a person recognises a bundled model: what it finds in images that travel with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from skimage.segmentation import find_boundaries

from napari_cellseg.config import PredictConfig
from napari_cellseg.learn.card import COVER_FILE
from napari_cellseg.learn.model import View, draw_maps, load_model
from napari_cellseg.learn.predict import labels_of
from napari_cellseg.learn.replay import read_replay

SIDE_PX = 256
_FOUND = (60, 180, 75)
_WHOLE = 10
_ZOOM = 2


def paint_cover(folder: Path) -> None:
    """Paint what a model finds in one of its replay images, and put the picture beside its card.

    Chosen is the image with the most objects of which the model is sure, without anything ignored.

    Parameters
    ----------
    folder : Path
        The model's folder, with a replay set.
    """
    model = load_model(folder)
    view = View(1.0, 0.0, 100.0, 512, 64, 1, "cpu", model.card.object_px)
    best: tuple[float, npt.NDArray[np.float32], npt.NDArray[np.int32]] | None = None
    for frame in read_replay(folder):
        image = frame.image.astype(np.float32)
        labels, probability = labels_of(draw_maps(model.network, image, view), PredictConfig(), view)
        agreed = np.mean((labels > 0) == (frame.state == 1)) if (frame.state < 2).all() else 0.0
        worth = float(
            agreed * min(labels.max(), _WHOLE) * np.abs(2 * probability.astype(np.float32) - 1).mean()
        )
        if best is None or worth > best[0]:
            best = worth, image, labels
    if best is None:
        raise SystemExit(f"{folder} has no replay set to paint a cover from")
    _, image, labels = best
    grey = (np.clip(image, 0, 1) * 255).astype(np.uint8)
    large = np.asarray(
        Image.fromarray(grey).resize((_ZOOM * grey.shape[1], _ZOOM * grey.shape[0]), Image.Resampling.BICUBIC)
    )
    picture = np.repeat(large[..., None], 3, axis=2)
    outlines = np.kron(labels, np.ones((_ZOOM, _ZOOM), np.int32))
    picture[find_boundaries(outlines, mode="inner")] = _FOUND
    Image.fromarray(picture).crop((32, 32, 32 + SIDE_PX, 32 + SIDE_PX)).save(folder / COVER_FILE)
