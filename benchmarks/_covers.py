"""Pictures by which a person recognises a bundled model: what it finds in the sample study."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from skimage.segmentation import find_boundaries

from napari_cellseg.config import PredictConfig
from napari_cellseg.data.read import open_stack
from napari_cellseg.data.sample_study import sample_positions
from napari_cellseg.learn.card import COVER_FILE, read_card
from napari_cellseg.learn.events import FramePredicted
from napari_cellseg.learn.normalise import normalise
from napari_cellseg.learn.predict import predict
from napari_cellseg.pipeline.inputs import model_channel
from napari_cellseg.progress import follow

SIDE_PX = 256
FRAME = 5
_FOUND = (60, 180, 75)


def paint_cover(folder: Path) -> None:
    """Paint what a model finds in a frame of the sample study, and put the picture beside its card.

    Parameters
    ----------
    folder : Path
        The model's folder.
    """
    stack = open_stack(sample_positions()[0])
    channel = model_channel(stack, None, read_card(folder).modality)
    found: list[np.ndarray] = []
    follow(
        predict(stack, channel, folder, PredictConfig(), [FRAME], keep_probability=False),
        lambda event: found.append(event.labels) if isinstance(event, FramePredicted) else None,
    )
    grey = np.clip(normalise(stack.frame(FRAME, channel)), 0, 1)[:SIDE_PX, :SIDE_PX]
    picture = np.repeat((255 * grey).astype(np.uint8)[..., None], 3, axis=2)
    picture[find_boundaries(found[0][:SIDE_PX, :SIDE_PX], mode="inner")] = _FOUND
    Image.fromarray(picture).resize((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS).save(folder / COVER_FILE)
