"""What is told about a model when the mouse rests on its name."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from napari_cellseg.learn.card import COVER_FILE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_cellseg.learn.card import ModelCard

_COVER_PX = 128
_SCORES = {"iou": "IoU", "ap50": "AP at IoU 0.5", "f1": "F1", "count_error": "counting error"}


def tip(folder: Path, card: ModelCard) -> str:
    """Tell about a model, in rich text.

    Parameters
    ----------
    folder : Path
        Its folder; where a cover lies in it, the cover is shown.
    card : ModelCard
        Its card; nothing that is written on it is taken for mark-up.

    Returns
    -------
    str
        HTML as Qt knows it.
    """
    images = card.modality or card.image_channel or "channel not named"
    lines = [
        f"<b>{escape(card.title or folder.name)}</b>",
        escape(f"Finds {card.objects or 'objects'} of {card.object_diameter_px:.0f} px ({images})"),
        escape(f"Trained {card.created[:10]} on {card.n_frames} frames"),
        escape(f"On frames kept aside: {_told(card.scores) or 'not scored'}"),
        *(escape(f"Limit: {limit}") for limit in card.limits),
        f"<i>{escape(card.note)}</i>" if card.note else "",
        f"<small>{escape(str(folder))}</small>",
    ]
    text = "<br>".join(line for line in lines if line)
    cover = folder / COVER_FILE
    if not cover.is_file():
        return f"<qt>{text}</qt>"
    picture = f"<img src='{escape(cover.as_posix(), quote=True)}' width={_COVER_PX} height={_COVER_PX}>"
    return f"<qt><table><tr><td>{picture}</td><td>{text}</td></tr></table></qt>"


def _told(scores: Mapping[str, float]) -> str:
    parts = []
    for name, value in scores.items():
        told = f"{value:.0%}" if name == "count_error" else f"{value:.2f}"
        parts.append(f"{_SCORES.get(name, name)} {told}")
    return ", ".join(parts)
