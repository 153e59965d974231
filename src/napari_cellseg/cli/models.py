"""What can be done with models on the command line: list, put in order, compare, give and take."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

from napari_cellseg.cli.bar import show
from napari_cellseg.learn.card import ModelCard, model_hash, read_card
from napari_cellseg.learn.registry import find_model, list_models, user_models_folder
from napari_cellseg.learn.shelf import (
    copy_model,
    delete_model,
    is_bundled,
    list_bin,
    note_model,
    rename_model,
    restore_model,
)

_MB = 1e6


def run(options: argparse.Namespace) -> int:
    """Do what was asked of models.

    Parameters
    ----------
    options : argparse.Namespace
        ``action`` and its arguments.

    Returns
    -------
    int
        0.
    """
    actions: dict[str | None, Callable[[argparse.Namespace], None]] = {
        None: _list,
        "list": _list,
        "info": _info,
        "rename": lambda o: print(f"Model: {rename_model(o.name, o.new)}"),
        "copy": lambda o: print(f"Model: {copy_model(find_model(o.name), o.new)}"),
        "note": _note,
        "delete": _delete,
        "bin": _bin,
        "restore": lambda o: print(f"Model: {restore_model(o.name)}"),
        "compare": _compare,
        "export": _export,
        "import": _import,
    }
    actions[options.action](options)
    return 0


def about(card: ModelCard) -> str:
    """Say in a few words what a model is for.

    Parameters
    ----------
    card : ModelCard
        Its card.

    Returns
    -------
    str
        Title, objects and images, as far as the card tells.
    """
    images = card.modality or card.image_channel or "images"
    what = f"{card.objects or 'objects'} of {card.object_diameter_px:.0f} px, {images}"
    if card.net.classes:
        what = f"{card.net.classes} classes of pixels, {images}"
    return f"{card.title}: {what}" if card.title else what


def _list(_options: argparse.Namespace) -> None:
    found = list_models()
    for name, folder, card in found:
        print(
            "\t".join((name, about(card), _size(folder), _scores(card.scores), _whose(folder), str(folder)))
        )
    if not found:
        print(
            "No models yet. `napari-cellseg train` makes one;"
            f" models in {user_models_folder()} are listed by name."
        )


def _info(options: argparse.Namespace) -> None:
    folder = find_model(options.name)
    card = read_card(folder)
    rows = {
        "name": card.name,
        "title": card.title,
        "finds": about(card),
        "note": card.note,
        "folder": f"{folder} ({_whose(folder)}, {_size(folder)})",
        "hash": model_hash(card),
        "made": f"{card.created[:10]}, {card.epochs} epochs on {card.n_frames} frames",
        "network": card.net.encoder,
        "kept aside": card.held_out_how,
        "scores": _scores(card.scores),
        **{f"scores {group}": _scores(scores) for group, scores in card.group_scores.items()},
    }
    for name, value in rows.items():
        if value:
            print(f"{name + ':':<12} {value}")
    for source in card.sources:
        print(f"{'data:':<12} {source.name} ({source.licence}): {source.citation} {source.url}".rstrip())
    for name, lines in (("limit:", card.limits), ("remark:", card.notes)):
        for line in lines:
            print(f"{name:<12} {line}")


def _note(options: argparse.Namespace) -> None:
    print(f"Note: {note_model(options.name, options.text).note or '(none)'}")


def _delete(options: argparse.Namespace) -> None:
    binned = delete_model(options.name)
    print(
        f"In the bin: {binned.folder}\nTo take it back: napari-cellseg models restore {binned.folder.name!r}"
    )


def _bin(_options: argparse.Namespace) -> None:
    for one in list_bin():
        print(f"{one.folder.name}\t{one.name}\t{one.deleted}")


def _compare(options: argparse.Namespace) -> None:
    from napari_cellseg.data.read import open_stacks
    from napari_cellseg.data.write import write_csv
    from napari_cellseg.learn.comparison import compare_models
    from napari_cellseg.pipeline import labelled_samples

    folders = [find_model(name) for name in options.names]
    samples, _ = labelled_samples(open_stacks(options.images), options.labels, options.image_channel)
    table = show(compare_models(folders, samples))
    print(table.to_string(index=False, float_format=lambda value: f"{value:.3f}"))
    if options.output:
        write_csv(options.output, table)
        print(f"Table: {options.output}")


def _export(options: argparse.Namespace) -> None:
    from napari_cellseg.learn.exchange import Details, export_model

    details = Details(tuple(options.author), options.licence)
    print(f"Package: {show(export_model(find_model(options.name), options.output, details)).path}")


def _import(options: argparse.Namespace) -> None:
    from napari_cellseg.learn.exchange import import_model

    print(f"Model: {show(import_model(options.file, options.name))}")


def _size(folder: Path) -> str:
    return f"{sum(file.stat().st_size for file in folder.iterdir() if file.is_file()) / _MB:.1f} MB"


def _scores(scores: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.2f}" for name, value in scores.items()) or "not scored"


def _whose(folder: Path) -> str:
    return "bundled" if is_bundled(folder) else "yours"
