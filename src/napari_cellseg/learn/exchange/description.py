"""What a package tells about its model: the description that programs read, and the one that people do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_cellseg import __version__
from napari_cellseg.learn.card import CARD_FILE, COVER_FILE, WEIGHTS_FILE, ModelCard, model_hash, sha256_of
from napari_cellseg.learn.exchange.archive import (
    INPUT_FILE,
    OUTPUT_FILE,
    README_FILE,
    TORCHSCRIPT_FILE,
)
from napari_cellseg.learn.exchange.take import TOLERANCE
from napari_cellseg.learn.nets import STRIDE_PX
from napari_cellseg.learn.normalise import LIMITS

FORMAT_VERSION = "0.5.4"
"""Of the bioimage.io model description; later programs read earlier versions."""

_HOME = "https://github.com/napari-cellseg/napari-cellseg"
_DOI = re.compile(r"\b10\.\d{4,9}/[^\s\"<>;,]+[^\s\"<>;,.)]")
_NOT_IN_TITLES = re.compile(r"[^A-Za-z0-9_+\- ()]+")
_LONGEST_TITLE = 64
_MODALITIES = {
    "fluorescence": "fluorescence-light-microscopy",
    "bright-field": "transmission-light-microscopy",
    "phase contrast": "transmission-light-microscopy",
}


@dataclass(frozen=True)
class Details:
    """What a package tells that no card does.

    Attributes
    ----------
    authors : tuple of str
        Who made the model.
    licence : str
        Its licence as an SPDX identifier, such as ``"CC-BY-4.0"``; empty when none is given.
    """

    authors: tuple[str, ...] = ()
    licence: str = ""


def describe(
    card: ModelCard, n_maps: int, torch_version: str, details: Details, folder: Path
) -> dict[str, Any]:
    """Describe a model as bioimage.io wants it.

    Parameters
    ----------
    card : ModelCard
        Its card.
    n_maps : int
        Maps that the network draws.
    torch_version : str
        Which torch wrote the TorchScript.
    details : Details
        What the card does not tell.
    folder : Path
        Where the other files of the package are; their checksums are part of the description.

    Returns
    -------
    dict
        Of what JSON and YAML know.
    """

    def file(name: str, **more: object) -> dict[str, Any]:
        return {"source": name, "sha256": sha256_of(folder / name), **more}

    told: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "type": "model",
        "name": _title(card),
        "description": _sentence(card),
        "authors": [{"name": name.replace("/", "-")} for name in details.authors],
        "cite": _citations(card),
        "documentation": README_FILE,
        "covers": [COVER_FILE],
        "git_repo": _HOME,
        "tags": _tags(card),
        "timestamp": card.created,
        "attachments": [file(CARD_FILE), file(WEIGHTS_FILE)],
        "inputs": [_input(card, file(INPUT_FILE))],
        "outputs": [_output(card, n_maps, file(OUTPUT_FILE))],
        "weights": {"torchscript": file(TORCHSCRIPT_FILE, pytorch_version=torch_version)},
        "config": {
            "bioimageio": {
                "reproducibility_tolerance": [
                    {"relative_tolerance": TOLERANCE, "absolute_tolerance": TOLERANCE}
                ]
            },
            "napari_cellseg": {
                "program_version": __version__,
                "model_hash": model_hash(card),
                "scale": card.scale,
                "object_diameter_px": card.object_diameter_px,
                "scores": card.scores,
            },
        },
    }
    return {**told, "license": details.licence} if details.licence else told


def readme(card: ModelCard, details: Details) -> str:
    """Describe a model for people.

    Parameters
    ----------
    card : ModelCard
        Its card.
    details : Details
        What the card does not tell.

    Returns
    -------
    str
        Markdown.
    """
    data = [
        f"- {one.name} ({one.licence}): {one.citation}{f' <{one.url}>' if one.url else ''}"
        for one in card.sources
    ]
    rows = {"all": card.scores, **card.group_scores}
    parts = [
        f"# {card.title or card.name}",
        _sentence(card),
        card.note,
        "## Use",
        f"In napari-cellseg: `napari-cellseg models import FILE.zip`. Elsewhere: {_use(card)}. "
        f"{_maps(card)}.",
        "## Training data",
        "\n".join(data) or f"{card.n_frames} frames of {card.image_channel or 'images'}.",
        "## Validation",
        f"{card.held_out_how} Scores on these frames:",
        _table(rows),
        "To validate it on your own images, label some frames that it has never seen, and compare: "
        "`napari-cellseg models compare`.",
        "## Limits",
        "\n".join(f"- {limit}" for limit in card.limits) or "None are known.",
        "\n".join(f"- {note}" for note in card.notes),
        "## Licence and authors",
        f"{details.licence or 'No licence was given: ask the authors.'} "
        f"{', '.join(details.authors) or 'The authors are not named.'}",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(rows: Mapping[str, Mapping[str, float]]) -> str:
    """Write scores as a table, one row a group of frames."""
    names = list(dict.fromkeys(name for scores in rows.values() for name in scores))
    if not names:
        return "It was not scored."
    lines = [f"| frames | {' | '.join(names)} |", f"| --- |{' --- |' * len(names)}"]
    for group, scores in rows.items():
        told = (f"{scores[name]:.3f}" if name in scores else "" for name in names)
        lines.append(f"| {group} | {' | '.join(told)} |")
    return "\n".join(lines)


def _title(card: ModelCard) -> str:
    """Name the model in the letters and the length that bioimage.io allows."""
    title = _NOT_IN_TITLES.sub(" ", card.title or card.name).strip()[:_LONGEST_TITLE].strip()
    return title if len(title) >= 5 else f"model {title}".strip()


def _sentence(card: ModelCard) -> str:
    images = f"{card.modality} images" if card.modality not in ("", "any") else "microscopy images"
    does = f"Finds {card.objects or 'objects'} of about {card.object_diameter_px:.0f} px in {images}."
    if card.net.classes:
        does = f"Gives every pixel of {images} one of {card.net.classes} classes."
    return f"{does} Trained on {card.n_frames} frames with napari-cellseg."


def _tags(card: ModelCard) -> list[str]:
    known = [_MODALITIES.get(card.modality, ""), card.objects]
    what = "semantic-segmentation" if card.net.classes else "instance-segmentation"
    return [tag for tag in (*known, "2d", "unet", "pytorch", what, "napari-cellseg") if tag]


def _maps(card: ModelCard) -> str:
    """Say what the network draws."""
    if card.net.classes:
        return "The maps are the logits of the classes, the first of the background"
    return (
        "The first map is the logit of any object, the others point from each pixel to the centre of its "
        "object, in the network's own unit"
    )


def _use(card: ModelCard) -> str:
    """Say how a frame is made ready elsewhere."""
    objects = "" if card.net.classes else f" (objects of {card.object_diameter_px * card.scale:.0f} px)"
    return (
        f"resize frames by {card.scale:.3g}{objects}, stretch their percentiles {card.low_percentile:g} and "
        f"{card.high_percentile:g} to 0 and 1, limit them to {LIMITS[0]:g} to {LIMITS[1]:g}"
    )


def _citations(card: ModelCard) -> list[dict[str, str]]:
    """Cite the program, and all data sets whose DOI or address is known; bioimage.io takes no others."""
    cited = [{"text": "napari-cellseg", "url": _HOME}]
    for source in card.sources:
        doi = _DOI.search(source.citation) or _DOI.search(source.url)
        where = {"doi": doi.group()} if doi else {"url": source.url} if source.url else {}
        if where:
            cited.append({"text": f"{source.name}: {source.citation}", **where})
    return cited


def _axes(card: ModelCard, channels: list[str], sizes: Mapping[str, object]) -> list[dict[str, Any]]:
    space: dict[str, Any] = {"type": "space"}
    if card.pixel_size_um:
        space |= {"unit": "micrometer", "scale": card.pixel_size_um / card.scale}
    return [
        {"type": "batch"},
        {"type": "channel", "channel_names": channels},
        *({**space, "id": axis, "size": size} for axis, size in sizes.items()),
    ]


def _input(card: ModelCard, test: Mapping[str, Any]) -> dict[str, Any]:
    stretch = {
        "axes": ["y", "x"],
        "min_percentile": card.low_percentile,
        "max_percentile": card.high_percentile,
    }
    size = {"min": 2 * STRIDE_PX, "step": STRIDE_PX}
    return {
        "id": "frame",
        "description": "One frame in the grey values of the camera.",
        "axes": _axes(card, ["image"], {"y": size, "x": size}),
        "test_tensor": dict(test),
        "data": {"type": "float32"},
        "preprocessing": [
            {"id": "scale_range", "kwargs": stretch},
            {"id": "clip", "kwargs": {"min": LIMITS[0], "max": LIMITS[1]}},
            {"id": "ensure_dtype", "kwargs": {"dtype": "float32"}},
        ],
    }


def _output(card: ModelCard, n_maps: int, test: Mapping[str, Any]) -> dict[str, Any]:
    classes = card.net.classes
    names = [f"class{i}" for i in range(classes)] or ["objects", *(f"map{i}" for i in range(1, n_maps))]
    sizes = {axis: {"tensor_id": "frame", "axis_id": axis} for axis in "yx"}
    return {
        "id": "maps",
        "description": "The logits of the classes."
        if classes
        else "The logit of any object, and maps that tell touching objects apart.",
        "axes": _axes(card, names, sizes),
        "test_tensor": dict(test),
        "data": {"type": "float32"},
    }
