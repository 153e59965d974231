"""Asking bioimage.io's own validator, where it is installed, without asking the network."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from napari_cellseg.learn.exchange.archive import DESCRIPTION_FILE

_MOST = 3


def complaints(folder: Path, description: Mapping[str, Any]) -> str | None:
    """Have the description of a package checked, together with the files that it names.

    Addresses in it are not looked up. What the files hold is compared with the description: checksums, shapes
    and types of the test arrays, the size of the cover. The network is not run; see `export`.

    Parameters
    ----------
    folder : Path
        The unpacked package.
    description : mapping
        What is in its description file.

    Returns
    -------
    str or None
        What the validator complains about, empty when all is well; None when it is not installed.
    """
    if importlib.util.find_spec("bioimageio") is None or importlib.util.find_spec("bioimageio.spec") is None:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of libraries that we do not see
        from bioimageio.spec import ValidationContext, build_description  # noqa: PLC0415 - may be absent

        known = dict.fromkeys(_addresses(description))  # taken for looked up
        context = ValidationContext(
            root=folder,
            file_name=DESCRIPTION_FILE,
            known_files=known,
            perform_io_checks=True,
            log_warnings=False,
            progressbar=False,
        )
        summary = build_description(dict(description), context=context).validation_summary
    if summary.status != "failed":
        return ""
    errors = [f"{'.'.join(map(str, one.loc))}: {one.msg}" for step in summary.details for one in step.errors]
    return "; ".join(errors[:_MOST]) or "it does not say why"


def _addresses(value: object) -> Iterator[str]:
    """Go through all addresses of a description."""
    if isinstance(value, str) and value.startswith(("http://", "https://")):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _addresses(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _addresses(inner)
